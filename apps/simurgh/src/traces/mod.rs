//! Traces (OpenTelemetry): which part of a request took how long, here and at the servers
//! that were called for it.
//!
//! This is code of our own. OpenTelemetry's crates would bring a second HTTP client with
//! a stack of its own (reqwest or tonic) and their bridge from `tracing` makes every log
//! line with its EIDs part of a span. What is needed of them is small: the header of W3C
//! Trace Context (`context`), OTLP's JSON (`otlp`), a queue and retries (`exporter`).
//! Nothing goes into a span but what a call names here: no path, query, header or body.
//!
//! There is one of it in a process, as there is one log. What is not kept costs one
//! number and one comparison; without `[traces]` not even that.
//!
//! `tracestate` is not passed on, and an operation does not carry the trace of the
//! request that ordered it: there is no place for it in the database.

mod context;
mod counts;
mod exporter;
mod otlp;
mod settings;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::metrics::Exposition;
use crate::{Failure, shell};
use context::{Numbers, Share, SpanContext, TRACEPARENT};
use counts::{Counts, Lost};
use otlp::{Done, Parent, Said};

pub(crate) use otlp::Kind;
pub(crate) use settings::{EXAMPLE, TraceSettings};

/// That of this process, if it makes traces.
static PROCESS: OnceLock<Arc<Inside>> = OnceLock::new();

tokio::task_local! {
    /// The span within which something is done; there is none if it is not kept.
    static CURRENT: Current;
}

/// What makes spans.
struct Inside {
    numbers: Arc<Numbers>,
    share: Share,
    /// Of the store, as `db.system.name` has it.
    engine: &'static str,
    queue: mpsc::Sender<Done>,
    counts: Arc<Counts>,
}

#[derive(Clone)]
struct Current {
    inside: Arc<Inside>,
    context: SpanContext,
}

/// Sends spans away while the server runs.
pub(crate) struct Sending {
    end: watch::Sender<bool>,
    exporter: Option<JoinHandle<()>>,
}

impl Sending {
    /// By the settings; nothing without them. To be called in a runtime, and once.
    pub(crate) fn start(config: &Config) -> Result<Self, Failure> {
        let end = watch::Sender::new(false);
        let exporter = match &config.traces {
            Some(settings) => {
                let (inside, exporter) = settings.start(config, end.subscribe())?;
                PROCESS
                    .set(Arc::new(inside))
                    .map_err(|_| Failure::of("traces are made already"))?;
                Some(tokio::spawn(exporter.run()))
            }
            None => None,
        };
        Ok(Sending { end, exporter })
    }

    /// Sends what is left, within a short time.
    pub(crate) async fn finish(self) {
        self.end.send_replace(true);
        if let Some(exporter) = self.exporter {
            let _ = exporter.await;
        }
    }
}

/// What was counted of spans, as Prometheus reads it; 0 without traces.
pub(crate) fn metrics(page: &mut Exposition) {
    match PROCESS.get() {
        Some(inside) => inside.counts.write(page),
        None => Counts::default().write(page),
    }
}

/// Begins a trace, if it is one that is kept.
pub(crate) fn begin(kind: Kind, name: &'static str) -> Span {
    let Some(inside) = PROCESS.get() else {
        return Span(None);
    };
    let trace = inside.numbers.trace();
    match inside.share.keeps(trace) {
        true => Open::span(inside, trace, None, kind, name),
        false => Span(None),
    }
}

/// Goes on with the trace of a caller if it keeps it, and begins one if it has none.
pub(crate) fn served(name: &'static str, headers: &HeaderMap) -> Span {
    let Some(inside) = PROCESS.get() else {
        return Span(None);
    };
    match SpanContext::of(headers) {
        None => begin(Kind::Server, name),
        Some(caller) if caller.sampled => {
            let parent = Parent {
                span: caller.span,
                is_remote: true,
            };
            Open::span(inside, caller.trace, Some(parent), Kind::Server, name)
        }
        Some(_) => Span(None),
    }
}

/// Answers a function of an RSP server, at this path.
pub(crate) fn rsp(path: &str) -> Span {
    let mut span = begin(Kind::Server, "RSP");
    if span.is_kept() {
        let function = function(path);
        let interface = ["es2plus", "es9plus", "es12", "es15"];
        let interface = interface.into_iter().find(|name| path.contains(name));
        let interface = interface.unwrap_or("rsp");
        span.rename(|| format!("{interface} {function}"));
        span.put("http.request.method", "POST");
        span.put("url.scheme", "https");
    }
    span
}

/// A part of what is done now, if that is kept.
pub(crate) fn part(kind: Kind, name: &'static str) -> Span {
    let made = CURRENT.try_with(|current| {
        let parent = Parent {
            span: current.context.span,
            is_remote: false,
        };
        let trace = current.context.trace;
        Open::span(&current.inside, trace, Some(parent), kind, name)
    });
    made.unwrap_or(Span(None))
}

/// Work on the store, as a part of what is done now.
pub(crate) fn store() -> Span {
    let mut span = part(Kind::Internal, "store");
    if let Some(open) = &mut span.0 {
        let engine = open.inside.engine;
        span.put("db.system.name", engine);
    }
    span
}

/// A call to another server over HTTPS: a part of what is done now, or the beginning of
/// a trace where nobody asked for it. `server` is `host[:port]`.
pub(crate) fn call(name: &'static str, server: &str) -> Span {
    let mut span = match CURRENT.try_with(|_| ()) {
        Ok(()) => part(Kind::Client, name),
        Err(_) => begin(Kind::Client, name),
    };
    if span.is_kept() {
        span.put("http.request.method", "POST");
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (server, None),
        };
        let port: Option<u16> = port;
        let host = if port.is_some() { host } else { server };
        span.put("server.address", host.to_string());
        span.put("server.port", port.unwrap_or(443));
    }
    span
}

/// Takes what is done now along to another thread.
pub(crate) fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let current = CURRENT.try_with(Clone::clone).ok();
    move || match current {
        Some(current) => CURRENT.sync_scope(current, work),
        None => work(),
    }
}

/// A function of ES2+, ES9+, ES11, ES12 or ESipa by its path: nothing that somebody made
/// up.
pub(crate) fn function(path: &str) -> &'static str {
    const FUNCTIONS: [&str; 14] = [
        "initiateAuthentication",
        "authenticateClient",
        "getBoundProfilePackage",
        "handleNotification",
        "cancelSession",
        "downloadOrder",
        "confirmOrder",
        "cancelOrder",
        "releaseProfile",
        "handleDownloadProgressInfo",
        "registerEvent",
        "deleteEvent",
        "getEimPackage",
        "asn1",
    ];
    let last = path.rsplit('/').next().unwrap_or_default();
    let mut functions = FUNCTIONS.iter();
    functions.find(|name| **name == last).unwrap_or(&"other")
}

/// Something that takes time; it ends when this is dropped.
#[derive(Default)]
#[must_use]
pub(crate) struct Span(Option<Box<Open>>);

struct Open {
    inside: Arc<Inside>,
    since: Instant,
    /// Taken when it ends.
    done: Option<Done>,
}

impl Open {
    fn span(
        inside: &Arc<Inside>,
        trace: u128,
        parent: Option<Parent>,
        kind: Kind,
        name: &'static str,
    ) -> Span {
        let context = SpanContext {
            trace,
            span: inside.numbers.next(),
            sampled: true,
        };
        let begun = shell::nanos();
        let done = Done {
            context,
            parent,
            kind,
            name: name.into(),
            begun,
            ended: begun,
            attributes: Vec::new(),
            failed: false,
        };
        Span(Some(Box::new(Open {
            inside: inside.clone(),
            since: Instant::now(),
            done: Some(done),
        })))
    }
}

impl Span {
    /// Whether it is made at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    fn done(&mut self) -> Option<&mut Done> {
        self.0.as_mut()?.done.as_mut()
    }

    /// Another name than at the beginning.
    pub(crate) fn rename(&mut self, name: impl FnOnce() -> String) {
        if let Some(done) = self.done() {
            done.name = Cow::Owned(name());
        }
    }

    /// Says something of it: nothing that is secret, or that names a device.
    pub(crate) fn put(&mut self, key: &'static str, said: impl Into<Said>) {
        if let Some(done) = self.done() {
            done.attributes.push((key, said.into()));
        }
    }

    /// It went wrong, by a name of the kind of error.
    pub(crate) fn fail(&mut self, error: &'static str) {
        self.put("error.type", error);
        if let Some(done) = self.done() {
            done.failed = true;
        }
    }

    /// The status of the response. A server is at fault from 500 on, of a call that it
    /// makes from 400 on.
    pub(crate) fn status(&mut self, status: u16) {
        let Some(done) = self.done() else {
            return;
        };
        let first = if done.kind == Kind::Server { 500 } else { 400 };
        done.failed |= status >= first;
        self.put("http.response.status_code", status);
        if status >= first {
            self.put("error.type", status.to_string());
        }
    }

    /// The same of a call, which may have no response.
    pub(crate) fn answered(&mut self, status: Option<u16>) {
        match status {
            Some(status) => self.status(status),
            None => self.fail("no_response"),
        }
    }

    /// What the server that is called is told, if this is kept.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let done = self.0.as_ref()?.done.as_ref()?;
        Some((TRACEPARENT, done.context.header()?))
    }

    /// Does something as a part of it.
    pub(crate) async fn within<F: Future>(&self, work: F) -> F::Output {
        let current = self.0.as_ref().and_then(|open| {
            Some(Current {
                inside: open.inside.clone(),
                context: open.done.as_ref()?.context,
            })
        });
        match current {
            Some(current) => CURRENT.scope(current, work).await,
            None => work.await,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(mut done) = self.done.take() else {
            return;
        };
        let took = u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        done.ended = done.begun.saturating_add(took);
        if self.inside.queue.try_send(done).is_err() {
            self.inside.counts.lost(Lost::QueueFull, 1);
        }
    }
}
