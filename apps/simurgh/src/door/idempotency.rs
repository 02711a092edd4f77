//! `Idempotency-Key`: a request that comes again gets the answer of the first,
//! and is carried out once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use rsp_core::Timestamp;
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;

use super::Door;
use super::body::whole;
use super::caller::Caller;
use super::problem::{Refusal, internal, invalid, problem};
use crate::shell;

/// Names the request.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long an answer is kept, in milliseconds.
const KEPT: u64 = 24 * 60 * 60 * 1000;

/// Characters of a key.
const LONGEST: usize = 255;

/// Answers that are kept, and their octets in all: with more, the oldest go.
const MOST: usize = 10_000;
const MOST_OCTETS: usize = 64 << 20;

/// Headers that belong to an answer.
const HEADERS: [HeaderName; 4] = [CONTENT_TYPE, ETAG, LINK, LOCATION];

/// Whose key it is: tenant, principal, key.
type Name = (String, String, String);

/// An answer as it was given. It may have a secret in it.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

struct Known {
    /// SHA-256 of what was asked.
    request: [u8; 32],
    since: u64,
    /// `None` while it is carried out.
    answer: Option<Answer>,
}

/// Keys that were used.
#[derive(Default)]
pub(crate) struct Keys {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    known: HashMap<Name, Known>,
    /// Of all answers.
    octets: usize,
}

/// What a key is.
enum Begun {
    New,
    Running,
    Otherwise,
    Answered(Answer),
}

impl Keys {
    fn begin(&self, name: &Name, request: [u8; 32], now: Timestamp) -> Begun {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = kept.known.get(name)
            && before.since + KEPT > now.0
        {
            return match &before.answer {
                _ if before.request != request => Begun::Otherwise,
                Some(answer) => Begun::Answered(answer.clone()),
                None => Begun::Running,
            };
        }
        kept.make_room(now);
        let begun = Known {
            request,
            since: now.0,
            answer: None,
        };
        kept.put(name, begun);
        Begun::New
    }

    fn end(&self, name: &Name, answer: Option<Answer>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = kept.take(name);
        if let (Some(answer), Some(mut begun)) = (answer, begun) {
            begun.answer = Some(answer);
            kept.put(name, begun);
        }
    }
}

impl Known {
    fn octets(&self) -> usize {
        self.answer.as_ref().map_or(0, |answer| answer.body.len())
    }
}

impl Kept {
    fn put(&mut self, name: &Name, known: Known) {
        self.take(name);
        self.octets += known.octets();
        self.known.insert(name.clone(), known);
    }

    fn take(&mut self, name: &Name) -> Option<Known> {
        let taken = self.known.remove(name)?;
        self.octets = self.octets.saturating_sub(taken.octets());
        Some(taken)
    }

    /// Forgets what is old and, if that is not enough, the older half.
    fn make_room(&mut self, now: Timestamp) {
        if self.known.len() < MOST && self.octets < MOST_OCTETS {
            return;
        }
        self.known.retain(|_, known| known.since + KEPT > now.0);
        let mut ages: Vec<_> = self.known.values().map(|known| known.since).collect();
        ages.sort_unstable();
        let middle = ages.get(ages.len() / 2).copied().unwrap_or(0);
        self.known
            .retain(|_, known| known.since > middle || known.answer.is_none());
        self.octets = self.known.values().map(Known::octets).sum();
    }
}

/// Carries a POST out once, if it has a key.
pub(super) async fn once(
    door: &Door,
    caller: &Caller,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let Some(key) = request.headers().get(&IDEMPOTENCY_KEY) else {
        return Ok(next.run(request).await);
    };
    let key = read(key)?;
    let name = (caller.tenant.clone(), caller.principal.clone(), key);
    let (request, digest) = digested(request).await?;
    match door.keys().begin(&name, digest, shell::now()) {
        Begun::New => {}
        Begun::Running => return Err(running()),
        Begun::Otherwise => {
            let detail = "it was used for another request";
            let remedy = "make a new key for each request, and repeat the same with the same";
            return Err(invalid("Idempotency-Key", detail, remedy).into());
        }
        Begun::Answered(answer) => return Ok(replayed(answer)),
    }
    let door = door.clone();
    // Goes on if the client goes away: what came of it is known when it asks
    // again.
    let carried_out = tokio::spawn(async move {
        let (response, answer) = taken(next.run(request).await).await;
        door.keys().end(&name, answer);
        response
    });
    Ok(carried_out
        .await
        .unwrap_or_else(|_| Refusal::from(internal()).into_response()))
}

fn read(key: &HeaderValue) -> Result<String, Refusal> {
    let key = key.to_str().unwrap_or_default().trim();
    let key = key
        .strip_prefix('"')
        .and_then(|key| key.strip_suffix('"'))
        .unwrap_or(key);
    if key.is_empty() || key.len() > LONGEST {
        let remedy = "give 1 to 255 visible characters, for example a UUID";
        return Err(invalid("Idempotency-Key", "not a key", remedy).into());
    }
    Ok(key.to_string())
}

/// What is asked: function, parameters and body.
async fn digested(request: Request) -> Result<(Request, [u8; 32]), Refusal> {
    let (parts, body) = request.into_parts();
    let mut whole_of = Request::new(body);
    *whole_of.headers_mut() = parts.headers.clone();
    *whole_of.extensions_mut() = parts.extensions.clone();
    let body = whole(whole_of).await?;
    let method = parts.method.as_str().as_bytes();
    let uri = parts.uri.to_string();
    let digest = SoftwareProvider.sha256(&[method, b" ", uri.as_bytes(), b"\n", &body]);
    Ok((Request::from_parts(parts, Body::from(body)), digest))
}

/// The answer, and a copy to keep of what will not be otherwise if it is asked
/// again.
async fn taken(response: Response) -> (Response, Option<Answer>) {
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return (Refusal::from(internal()).into_response(), None);
    };
    let body = body.to_bytes();
    let passing = parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS;
    let mut headers = HeaderMap::new();
    for name in HEADERS {
        if let Some(value) = parts.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    let answer = Answer {
        status: parts.status,
        headers,
        body: body.clone(),
    };
    let response = Response::from_parts(parts, Body::from(body));
    (response, (!passing).then_some(answer))
}

fn replayed(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let replayed = HeaderValue::from_static("true");
    response.headers_mut().insert(REPLAYED, replayed);
    response
}

fn running() -> Refusal {
    let detail = "a request with this Idempotency-Key is being carried out";
    let remedy = "repeat it in a moment to get its answer";
    Refusal::from(problem(409, "in progress", detail, remedy)).retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(key: &str) -> Name {
        ("t".into(), "p".into(), key.into())
    }

    fn answer() -> Option<Answer> {
        Some(Answer {
            status: StatusCode::CREATED,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"made"),
        })
    }

    #[test]
    fn a_key_is_for_one_request_for_a_day() {
        let keys = Keys::default();
        let now = Timestamp(5);
        assert!(matches!(keys.begin(&name("a"), [1; 32], now), Begun::New));
        assert!(matches!(
            keys.begin(&name("a"), [1; 32], now),
            Begun::Running
        ));
        keys.end(&name("a"), answer());
        let again = keys.begin(&name("a"), [1; 32], now);
        assert!(matches!(again, Begun::Answered(answer) if answer.body == "made"));
        assert!(matches!(
            keys.begin(&name("a"), [2; 32], now),
            Begun::Otherwise
        ));
        assert!(matches!(keys.begin(&name("b"), [2; 32], now), Begun::New));
        // What failed for a while can be tried again.
        keys.end(&name("b"), None);
        assert!(matches!(keys.begin(&name("b"), [2; 32], now), Begun::New));
        let later = Timestamp(5 + KEPT);
        assert!(matches!(keys.begin(&name("a"), [2; 32], later), Begun::New));
    }

    #[test]
    fn there_are_not_more_than_fit() {
        let keys = Keys::default();
        for number in 0..3 * MOST as u64 {
            let name = name(&number.to_string());
            keys.begin(&name, [0; 32], Timestamp(number));
            keys.end(&name, answer());
        }
        let kept = keys.kept.lock().unwrap();
        assert!(kept.known.len() <= MOST);
        assert_eq!(kept.octets, 4 * kept.known.len());
        assert!(kept.known.contains_key(&name(&(3 * MOST - 1).to_string())));
    }
}
