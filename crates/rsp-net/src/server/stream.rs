//! Bodies that come and go in pieces, and how long a piece may take.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, Sleep, timeout};

/// Why a request's body ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The next piece did not come in time.
    #[error("the rest of the request did not come in time")]
    Slow,
    /// The connection broke, or what came is no body.
    #[error("the request is incomplete")]
    Broken,
}

/// The body of a request, as it comes.
#[derive(Debug)]
pub struct RequestBody {
    /// `None` once it came to its end.
    incoming: Option<Incoming>,
    /// Nothing more comes that could be understood.
    broken: bool,
    /// How long a piece may take.
    pace: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    /// The client sends nothing before somebody reads (`Expect: 100-continue`,
    /// RFC 9110 section 10.1.1).
    waits: bool,
    /// To whom goes what is not read.
    left: Option<oneshot::Sender<Self>>,
}

impl RequestBody {
    /// The body, and what will be left of it when the handler drops it; nothing
    /// is, if it was read to its end.
    pub(super) fn new(incoming: Incoming, waits: bool, pace: Duration) -> (Self, Left) {
        let (left, rest) = oneshot::channel();
        let body = RequestBody {
            incoming: Some(incoming),
            broken: false,
            pace,
            waiting: None,
            waits,
            left: Some(left),
        };
        (body, Left(rest))
    }

    /// Reads to the end and throws it away, up to so many octets. Returns whether
    /// the end was reached.
    async fn discard(mut self, most: usize) -> bool {
        if self.broken || (self.waits && !self.is_end_stream()) {
            return false;
        }
        let mut seen = 0usize;
        while let Some(frame) = self.frame().await {
            let Ok(frame) = frame else {
                return false;
            };
            seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if seen > most {
                return false;
            }
        }
        true
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(left), Some(incoming)) = (self.left.take(), self.incoming.take()) {
            let rest = RequestBody {
                incoming: Some(incoming),
                broken: self.broken,
                pace: self.pace,
                waiting: None,
                waits: self.waits,
                left: None,
            };
            // If nobody waits for it, the connection is gone.
            let _ = left.send(rest);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(incoming) = this.incoming.as_mut().filter(|_| !this.broken) else {
            return Poll::Ready(None);
        };
        this.waits = false;
        let frame = match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(frame) => frame.map(|frame| frame.map_err(|_| BodyError::Broken)),
            Poll::Pending => {
                let pace = this.pace;
                let waiting = this
                    .waiting
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(pace)));
                std::task::ready!(waiting.as_mut().poll(cx));
                Some(Err(BodyError::Slow))
            }
        };
        this.waiting = None;
        match frame {
            Some(Ok(_)) => {}
            Some(Err(_)) => this.broken = true,
            None => this.incoming = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.incoming.as_ref().map(Incoming::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

/// What a handler leaves of a request's body.
pub(super) struct Left(oneshot::Receiver<RequestBody>);

impl Left {
    /// Reads what is left, so that the client is ready to read the response, up to
    /// so many octets and for so long. Returns whether the connection can carry
    /// another request.
    pub(super) async fn discard(mut self, most: usize, time: Duration) -> bool {
        use oneshot::error::TryRecvError;
        match self.0.try_recv() {
            Ok(rest) => timeout(time, rest.discard(most)).await.unwrap_or(false),
            // Read to its end, or still read for the response.
            Err(TryRecvError::Closed | TryRecvError::Empty) => true,
        }
    }
}

/// The body of a response. While its next piece is not there, the connection
/// has all the time; what is there has to be taken.
pub(super) struct Paced<B> {
    body: Pin<Box<B>>,
    deadline: Arc<watch::Sender<Option<Instant>>>,
    pace: Duration,
    resting: bool,
}

impl<B> Paced<B> {
    pub(super) fn new(
        body: B,
        deadline: Arc<watch::Sender<Option<Instant>>>,
        pace: Duration,
    ) -> Self {
        Paced {
            body: Box::pin(body),
            deadline,
            pace,
            resting: false,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for Paced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = self.body.as_mut().poll_frame(cx);
        if polled.is_pending() {
            self.resting = true;
            self.deadline.send_replace(None);
        } else if self.resting || !self.body.is_end_stream() {
            self.resting = false;
            let until = Instant::now() + self.pace;
            self.deadline.send_replace(Some(until));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
