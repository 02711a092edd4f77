//! Spans on their way to the collector: in batches, tried again as the specification of
//! OTLP says (OTLP/HTTP response), and never waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, Uri};
use rsp_net::WebClient;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::context::Numbers;
use super::counts::{Counts, Lost};
use super::otlp::{self, Done};

/// Spans that wait; what comes when there are so many is lost.
pub(super) const QUEUE: usize = 8192;

/// Spans of one request.
const BATCH: usize = 512;

/// How long a request waits for further spans.
const GATHERING: Duration = Duration::from_secs(1);

/// How long the collector may take to answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause, if the collector asks for no other one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// For how long a batch is tried.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is left at the end has so long to go out.
const LAST: Duration = Duration::from_secs(3);

/// How often is said that spans are lost.
const SAYING: Duration = Duration::from_secs(60);

/// Octets of a collector's answer that are read.
const ANSWER: usize = 16 << 10;

/// Characters of it that are put down.
const WORDS: usize = 200;

/// Sends spans to the collector.
pub(super) struct Exporter {
    pub(super) queue: mpsc::Receiver<Done>,
    pub(super) client: WebClient,
    pub(super) uri: Uri,
    /// What the collector wants to see; may be secret.
    pub(super) headers: HeaderMap,
    pub(super) resource: Value,
    pub(super) numbers: Arc<Numbers>,
    pub(super) counts: Arc<Counts>,
    pub(super) end: watch::Receiver<bool>,
    /// What goes out next.
    pub(super) batch: Vec<Done>,
    /// When was last said that spans are lost, and how many were by then.
    pub(super) complained: Option<(Instant, u64)>,
}

/// What became of a request.
enum Outcome {
    /// It was taken, but for so many spans.
    Taken(u64, String),
    /// It will not be taken.
    Refused(String),
    /// Not now; perhaps after this time.
    Later(String, Option<Duration>),
}

impl Exporter {
    /// Works until it is to end, and then a short time more.
    pub(super) async fn run(mut self) {
        let mut end = self.end.clone();
        let last = async {
            let _ = end.wait_for(|end| *end).await;
            sleep(LAST).await;
        };
        tokio::select! {
            () = self.work() => {}
            () = last => {}
        }
        self.queue.close();
        while let Ok(left) = self.queue.try_recv() {
            self.batch.push(left);
        }
        if !self.batch.is_empty() {
            self.lose(Lost::Unreachable);
            self.complain("the server ends", true);
        }
    }

    async fn work(&mut self) {
        loop {
            let came = tokio::select! {
                came = self.queue.recv_many(&mut self.batch, BATCH) => came,
                () = ended(&mut self.end), if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
            };
            if came == 0 {
                return;
            }
            self.gather().await;
            let reached = self.deliver().await;
            if !reached && self.queue.is_closed() {
                return;
            }
        }
    }

    /// Waits a little for spans that can go out with the others.
    async fn gather(&mut self) {
        let Exporter {
            queue, batch, end, ..
        } = self;
        let gathered = async {
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                if queue.recv_many(batch, room).await == 0 {
                    return;
                }
            }
        };
        tokio::select! {
            _ = timeout(GATHERING, gathered) => {}
            () = ended(end) => {}
        }
    }

    /// Tries until the batch is taken or given up; gives whether the collector answers.
    async fn deliver(&mut self) -> bool {
        let body = Bytes::from(otlp::request(&self.resource, &self.batch));
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            match self.send(body.clone()).await {
                Outcome::Taken(rejected, words) => {
                    let sent = u64::try_from(self.batch.len()).unwrap_or(u64::MAX);
                    let rejected = rejected.min(sent);
                    self.batch.clear();
                    self.counts.sent(sent - rejected);
                    self.counts.lost(Lost::Refused, rejected);
                    self.complain(&words, false);
                    return true;
                }
                Outcome::Refused(why) => {
                    self.lose(Lost::Refused);
                    self.complain(&why, true);
                    return true;
                }
                Outcome::Later(why, after) => {
                    self.complain(&why, true);
                    if *self.end.borrow() || begun.elapsed() > PATIENCE {
                        self.lose(Lost::Unreachable);
                        return false;
                    }
                    self.rest(after.unwrap_or_else(|| self.jittered(pause)))
                        .await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn send(&self, body: Bytes) -> Outcome {
        let agent = concat!("simurgh/", env!("CARGO_PKG_VERSION"));
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, otlp::JSON)
            .header(USER_AGENT, agent)
            .body(body);
        let mut request = match request {
            Ok(request) => request,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        request.headers_mut().extend(self.headers.clone());
        match self.client.send(request, ANSWER).await {
            Ok(response) => outcome(&response),
            Err(error) => Outcome::Later(error.to_string(), None),
        }
    }

    /// Waits, but not beyond the end.
    async fn rest(&mut self, time: Duration) {
        let _ = timeout(time.min(PATIENCE), ended(&mut self.end)).await;
    }

    /// Between half of a time and all of it: processes that began together do not ask
    /// together.
    fn jittered(&self, time: Duration) -> Duration {
        let part = u32::try_from(self.numbers.next() % 1000).unwrap_or(0);
        time / 2 + time / 2000 * part
    }

    fn lose(&mut self, how: Lost) {
        let count = u64::try_from(self.batch.len()).unwrap_or(u64::MAX);
        self.counts.lost(how, count);
        self.batch.clear();
    }

    /// Says once in a while that spans are lost, or may be soon.
    fn complain(&mut self, why: &str, is_trouble: bool) {
        let lost = self.counts.all_lost();
        let (at, before) = match self.complained {
            Some((at, before)) => (Some(at), before),
            None => (None, 0),
        };
        let is_time = at.is_none_or(|at| at.elapsed() > SAYING);
        if is_time && (is_trouble || lost > before) {
            let why = if why.is_empty() {
                "too many at once"
            } else {
                why
            };
            let lost = lost - before;
            tracing::warn!(why, lost, "traces do not all reach the collector");
            self.complained = Some((Instant::now(), self.counts.all_lost()));
        }
    }
}

/// Comes when the server ends.
async fn ended(end: &mut watch::Receiver<bool>) {
    let _ = end.wait_for(|end| *end).await;
}

/// Statuses that ask for patience are those of the specification; all others stay what
/// they are.
fn outcome(response: &Response<Bytes>) -> Outcome {
    let status = response.status();
    if status.is_success() {
        let (rejected, words) = otlp::rejected(response.body());
        return Outcome::Taken(rejected, excerpt(&words));
    }
    let said = format!("HTTP status {status}");
    match status.as_u16() {
        429 | 502 | 503 | 504 => Outcome::Later(said, retry_after(response)),
        _ => Outcome::Refused(said),
    }
}

/// Retry-After in seconds; as a date it is not read.
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?;
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn excerpt(words: &str) -> String {
    let shown = words.chars().filter(|character| !character.is_control());
    shown.take(WORDS).collect()
}
