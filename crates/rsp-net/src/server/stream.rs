//! Bodies that come and go in pieces, and how long a piece may take.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

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
    incoming: Incoming,
    /// How long a piece may take.
    pace: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, pace: Duration) -> Self {
        RequestBody {
            incoming,
            pace,
            waiting: None,
        }
    }

    /// Without a limit of time.
    pub(super) fn into_inner(self) -> Incoming {
        self.incoming
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
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|_| BodyError::Broken)));
        }
        let pace = this.pace;
        let waiting = this
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(pace)));
        waiting
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err(BodyError::Slow)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
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
