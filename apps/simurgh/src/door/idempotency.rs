//! `Idempotency-Key`: a request that comes again gets the answer of the first,
//! and is carried out once, at whichever server process. [`Claimed`] is the rule.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use http_body_util::BodyExt;
use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;
use store::{CLAIM_HELD, Claim, Claimed, DoorStore, KeptAnswer, RequestKey, StoreError};

use super::Door;
use super::body::whole;
use super::caller::Caller;
use super::problem::{Refusal, internal, invalid, problem, stored};
use crate::shell;

/// Names the request.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer is that of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Characters of a key.
const LONGEST: usize = 255;

/// How often is said that somebody is at work.
const BEAT: Duration = Duration::from_secs(CLAIM_HELD.as_secs() / 3);

/// Headers that belong to an answer.
const HEADERS: [HeaderName; 4] = [CONTENT_TYPE, ETAG, LINK, LOCATION];

tokio::task_local! {
    /// The request that is carried out.
    static CLAIM: Arc<Claim>;
}

/// Takes the request that is carried out along to another thread.
pub(super) fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let claim = CLAIM.try_with(Clone::clone).ok();
    move || store::claimed(claim, work)
}

/// Carries a POST out once, if it has a key.
pub(super) async fn once(
    door: &Door,
    caller: &Caller,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let Some(name) = request.headers().get(&IDEMPOTENCY_KEY) else {
        return Ok(next.run(request).await);
    };
    let key = RequestKey {
        tenant: caller.tenant.parse().map_err(|_| internal())?,
        principal: caller.principal.clone(),
        name: read(name)?,
    };
    let (request, digest) = digested(request).await?;
    let answers = Answers {
        store: door.0.functions.door(&key.tenant),
        digest,
    };
    let claimed = answers.ask(move |store, digest| store.claim(&key, digest, shell::now()));
    let claim = match claimed.await.map_err(stored)? {
        Claimed::New(claim) => claim,
        Claimed::Running => return Err(running()),
        Claimed::Otherwise => {
            let detail = "it was used for another request";
            let remedy = "make a new key for each request, and repeat the same with the same";
            return Err(invalid("Idempotency-Key", detail, remedy).into());
        }
        Claimed::Answered(answer) => return Ok(replayed(answer)),
        Claimed::Lost => return Err(lost()),
    };
    // Goes on if the client goes away: what came of it is known when it asks
    // again.
    let carried_out = tokio::spawn(async move {
        let working = CLAIM.scope(claim.clone(), next.run(request));
        let (response, answer) = taken(answers.while_held(&claim, working).await).await;
        answers.end(claim, answer).await;
        response
    });
    Ok(carried_out
        .await
        .unwrap_or_else(|_| Refusal::from(internal()).into_response()))
}

/// Where the answer of one request is kept.
struct Answers {
    store: Arc<dyn DoorStore>,
    /// Of the request.
    digest: [u8; 32],
}

impl Answers {
    async fn ask<T, F>(&self, ask: F) -> Result<T, StoreError>
    where
        F: FnOnce(&dyn DoorStore, &[u8; 32]) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let (store, digest) = (self.store.clone(), self.digest);
        let asked = tokio::task::spawn_blocking(move || ask(&*store, &digest)).await;
        asked.unwrap_or_else(|error| Err(StoreError::File(std::io::Error::other(error))))
    }

    /// Says now and then that somebody is at work.
    async fn while_held<T>(&self, claim: &Arc<Claim>, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = tokio::time::timeout(BEAT, &mut work).await {
                return done;
            }
            let claim = claim.clone();
            let held = self.ask(move |store, _| store.hold(&claim, shell::now()));
            if let Err(error) = held.await {
                tracing::warn!(%error, "a request that takes long cannot say so");
            }
        }
    }

    /// Keeps the answer, or lets the request be tried again.
    async fn end(&self, claim: Arc<Claim>, answer: Option<KeptAnswer>) {
        let ended = self.ask(move |store, digest| match answer {
            Some(answer) => store.keep_answer(&claim, digest, &answer),
            None => store.give_up(&claim),
        });
        if let Err(error) = ended.await {
            tracing::error!(%error, "the answer of a request with a key is not kept");
        }
    }
}

fn read(key: &HeaderValue) -> Result<String, Refusal> {
    let all = key.to_str().unwrap_or_default().trim();
    let key = all
        .strip_prefix('"')
        .and_then(|key| key.strip_suffix('"'))
        .unwrap_or(all);
    if key.is_empty() || all.len() > LONGEST {
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
async fn taken(response: Response) -> (Response, Option<KeptAnswer>) {
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return (Refusal::from(internal()).into_response(), None);
    };
    let body = body.to_bytes();
    let passing = parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS;
    let said = |name: &HeaderName| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_string()))
    };
    let answer = KeptAnswer {
        status: parts.status.as_u16(),
        headers: HEADERS.iter().filter_map(said).collect(),
        body: body.to_vec(),
    };
    let response = Response::from_parts(parts, Body::from(body));
    (response, (!passing).then_some(answer))
}

fn replayed(answer: KeptAnswer) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        let (name, value) = (name.parse::<HeaderName>(), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn running() -> Refusal {
    let detail = "a request with this Idempotency-Key is being carried out";
    let remedy = "repeat it in a moment to get its answer";
    Refusal::from(problem(409, "in progress", detail, remedy)).retry_after(1)
}

fn lost() -> Refusal {
    let detail = "a request with this Idempotency-Key was begun, and something of it was done, \
                  but its end was cut off: there is no answer";
    let remedy = "look at what there is; if something is still to be done, ask for that with a \
                  new key";
    problem(409, "answer lost", detail, remedy).into()
}
