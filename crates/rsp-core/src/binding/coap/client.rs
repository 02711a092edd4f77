//! A client: one request after the other (RFC 7252 with NSTART = 1).
//!
//! ```text
//! POST 0/1/64 ──► 2.31 ──► POST 1/0/64 ──► 2.05 0/1/64 ──► POST 1/0/64 ──► 2.05 1/0/64
//!      Block1                              Block2
//! ```

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::block::{Block, LARGEST};
use super::message::{Code, Kind, Message, option, uint};
use super::repeat::{Due, Jitter, Repeat};
use super::{MAX_PAYLOAD, Parameters, add_path, block_of, http_response, reset_for};
use crate::Timestamp;
use crate::binding::{HttpRequest, HttpResponse};

/// Confirmable responses that are remembered to be acknowledged again.
const ACKNOWLEDGED: usize = 16;

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoapError {
    /// A request is in progress.
    #[error("another request is in progress")]
    Busy,
    /// The server does not acknowledge.
    #[error("CoAP: no acknowledgement")]
    Unreachable,
    /// The server acknowledged the request and does not answer it.
    #[error("CoAP: acknowledged, but no response")]
    NoResponse,
    /// The server reset the request.
    #[error("CoAP: the request was reset")]
    Reset,
    /// The response is larger than accepted.
    #[error("CoAP: the response has more than {0} octets")]
    TooLarge(usize),
    /// A block of the response is not the one that was asked for, or of
    /// another response.
    #[error("CoAP: the response changed between two blocks")]
    Changed,
    /// The response has a critical option that is not understood, a malformed
    /// one, or no response code.
    #[error("CoAP: a response that is none")]
    Malformed,
}

/// A client of one server.
///
/// [`Client::request`] and datagrams in, [`Client::poll_transmit`] out; what
/// became of the request is in [`Client::poll_outcome`].
pub struct Client {
    parameters: Parameters,
    max_body: usize,
    jitter: Jitter,
    next_id: u16,
    next_token: u32,
    next_tag: u32,
    exchange: Option<Exchange>,
    acknowledged: VecDeque<u16>,
    out: VecDeque<Vec<u8>>,
    outcome: Option<Result<HttpResponse, CoapError>>,
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("busy", &self.exchange.is_some())
            .finish_non_exhaustive()
    }
}

/// A request in progress.
struct Exchange {
    path: String,
    body: Vec<u8>,
    tag: Option<Vec<u8>>,
    /// Size exponent of the blocks of the request.
    size: u8,
    /// Octets of the request that the server has.
    sent: usize,
    received: Vec<u8>,
    etag: Option<Vec<u8>>,
    /// The message that is on its way.
    current: Current,
}

struct Current {
    id: u16,
    token: Vec<u8>,
    /// Octets of the request that are in it.
    octets: usize,
    datagram: Vec<u8>,
    wait: Wait,
}

enum Wait {
    /// For an acknowledgement.
    Acknowledgement(Repeat),
    /// For the response, until then.
    Response(Timestamp),
}

impl Client {
    /// A client that accepts responses of so many octets. The seed is that of
    /// the jitter and of the first message ID.
    pub fn new(parameters: Parameters, max_body: usize, seed: u64) -> Client {
        let mut jitter = Jitter::new(seed);
        let next_id = (jitter.next() & 0xFFFF) as u16;
        Client {
            parameters,
            max_body,
            jitter,
            next_id,
            next_token: 0,
            next_tag: 0,
            exchange: None,
            acknowledged: VecDeque::new(),
            out: VecDeque::new(),
            outcome: None,
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// If another one is in progress.
    pub fn request(&mut self, request: HttpRequest, now: Timestamp) -> Result<(), CoapError> {
        if self.exchange.is_some() {
            return Err(CoapError::Busy);
        }
        self.outcome = None;
        let size = self.parameters.block_size.min(LARGEST);
        let blocks = request.body.len() > MAX_PAYLOAD.min(1 << (size + 4));
        let tag = blocks.then(|| {
            self.next_tag = self.next_tag.wrapping_add(1);
            uint(self.next_tag)
        });
        let mut exchange = Exchange {
            path: request.path,
            body: request.body,
            tag,
            size,
            sent: 0,
            received: Vec::new(),
            etag: None,
            current: Current {
                id: 0,
                token: Vec::new(),
                octets: 0,
                datagram: Vec::new(),
                wait: Wait::Response(now),
            },
        };
        let message = self.part_of_request(&exchange);
        self.transmit(&mut exchange, message, now);
        self.exchange = Some(exchange);
        Ok(())
    }

    /// Gives up the request in progress, if there is one.
    pub fn abort(&mut self) {
        self.exchange = None;
        self.out.clear();
    }

    /// Takes a datagram of the server.
    pub fn handle(&mut self, datagram: &[u8], now: Timestamp) {
        let Ok(message) = Message::decode(datagram) else {
            self.out.extend(reset_for(datagram));
            return;
        };
        match (message.kind, message.code) {
            (Kind::Acknowledgement, Code::EMPTY) => self.acknowledge(message.id, now),
            (Kind::Acknowledgement, _) => {
                let expected = self.exchange.as_ref();
                let expected = expected.map(|exchange| exchange.current.id);
                if expected == Some(message.id) {
                    self.response(message, now);
                }
            }
            (Kind::Reset, _) => {
                let reset = |exchange: &Exchange| exchange.current.id == message.id;
                if self.exchange.as_ref().is_some_and(reset) {
                    self.end(Err(CoapError::Reset));
                }
            }
            (Kind::Confirmable, _) => self.confirmable(message, now),
            (Kind::NonConfirmable, _) => self.response(message, now),
        }
    }

    /// A datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.out.pop_front()
    }

    /// When [`Client::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let exchange = self.exchange.as_ref()?;
        Some(match &exchange.current.wait {
            Wait::Acknowledgement(repeat) => repeat.at(),
            Wait::Response(until) => *until,
        })
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let Some(exchange) = self.exchange.as_mut() else {
            return;
        };
        match &mut exchange.current.wait {
            Wait::Acknowledgement(repeat) => match repeat.due(now) {
                Due::Wait => {}
                Due::Again => self.out.push_back(exchange.current.datagram.clone()),
                Due::Over => self.end(Err(CoapError::Unreachable)),
            },
            Wait::Response(until) if now >= *until => self.end(Err(CoapError::NoResponse)),
            Wait::Response(_) => {}
        }
    }

    /// What became of the request: once.
    pub fn poll_outcome(&mut self) -> Option<Result<HttpResponse, CoapError>> {
        self.outcome.take()
    }

    /// The server has the message, and will answer later.
    fn acknowledge(&mut self, id: u16, now: Timestamp) {
        let until = now.after(self.parameters.response_timeout);
        if let Some(exchange) = self.exchange.as_mut()
            && exchange.current.id == id
            && matches!(exchange.current.wait, Wait::Acknowledgement(_))
        {
            exchange.current.wait = Wait::Response(until);
        }
    }

    /// A response apart: it is acknowledged, again if it comes again.
    fn confirmable(&mut self, message: Message, now: Timestamp) {
        let id = message.id;
        let expected = self.exchange.as_ref();
        let expected = expected.is_some_and(|exchange| exchange.current.token == message.token);
        let again = self.acknowledged.contains(&id);
        if message.code.class() < 2 || !(expected || again) {
            let reset = Message::empty(Kind::Reset, id);
            return self.out.push_back(reset.encode());
        }
        let acknowledgement = Message::empty(Kind::Acknowledgement, id);
        self.out.push_back(acknowledgement.encode());
        if !again {
            if self.acknowledged.len() == ACKNOWLEDGED {
                self.acknowledged.pop_front();
            }
            self.acknowledged.push_back(id);
            self.response(message, now);
        }
    }

    fn response(&mut self, message: Message, now: Timestamp) {
        let Some(mut exchange) = self.exchange.take() else {
            return;
        };
        if exchange.current.token != message.token || message.code.class() < 2 {
            self.exchange = Some(exchange);
            return;
        }
        match self.step(&mut exchange, message) {
            Ok(Some(next)) => {
                self.transmit(&mut exchange, next, now);
                self.exchange = Some(exchange);
            }
            Ok(None) => {}
            Err(error) => self.outcome = Some(Err(error)),
        }
    }

    /// The message after a response; `None` if it was the last one.
    fn step(
        &mut self,
        exchange: &mut Exchange,
        message: Message,
    ) -> Result<Option<Message>, CoapError> {
        if super::has_unknown_critical(&message) {
            return Err(CoapError::Malformed);
        }
        if message.code == Code::CONTINUE {
            let block1 = block_of(&message, option::BLOCK1);
            let block1 = block1.map_err(|()| CoapError::Malformed)?;
            exchange.sent += exchange.current.octets;
            if let Some(block) = block1 {
                exchange.size = exchange.size.min(block.size);
            }
            if exchange.sent >= exchange.body.len() {
                return Err(CoapError::Malformed);
            }
            return Ok(Some(self.part_of_request(exchange)));
        }
        self.part_of_response(exchange, message)
    }

    /// Takes a part of the response; gives the request for the next one.
    fn part_of_response(
        &mut self,
        exchange: &mut Exchange,
        message: Message,
    ) -> Result<Option<Message>, CoapError> {
        let block = block_of(&message, option::BLOCK2).map_err(|()| CoapError::Malformed)?;
        let first = exchange.received.is_empty();
        let etag = message.option(option::ETAG).map(<[u8]>::to_vec);
        let whole = Block {
            number: 0,
            more: false,
            size: LARGEST,
        };
        let part = block.unwrap_or(whole);
        let success = message.code.class() == 2;
        if !success && (block.is_none() || part.number == 0) && !first {
            // An error for a part is the answer to all.
            exchange.received.clear();
        } else if part.offset() != exchange.received.len() || (!first && etag != exchange.etag) {
            return Err(CoapError::Changed);
        }
        let octets = exchange.received.len() + message.payload.len();
        if octets > self.max_body {
            return Err(CoapError::TooLarge(self.max_body));
        }
        if part.more && message.payload.len() != part.octets() {
            return Err(CoapError::Malformed);
        }
        exchange.etag = etag;
        exchange.received.extend_from_slice(&message.payload);
        if !part.more {
            let body = core::mem::take(&mut exchange.received);
            self.outcome = Some(Ok(http_response(&exchange.path, message.code, body)));
            return Ok(None);
        }
        let number = part.number + 1;
        let next = Block {
            number,
            more: false,
            size: part.size,
        };
        exchange.current.octets = 0;
        let mut message = self.message(exchange);
        message.add(option::BLOCK2, next.encode());
        Ok(Some(message))
    }

    /// A request with the next octets of the body.
    fn part_of_request(&mut self, exchange: &Exchange) -> Message {
        let mut message = self.message(exchange);
        if exchange.tag.is_none() {
            message.payload = exchange.body.clone();
            return message;
        }
        let part = Block::of(&exchange.body, exchange.sent, exchange.size);
        if let Some((block, octets)) = part {
            message.add(option::BLOCK1, block.encode());
            if exchange.sent == 0 {
                let size = u32::try_from(exchange.body.len()).unwrap_or(u32::MAX);
                message.add_uint(option::SIZE1, size);
            }
            message.payload = octets.to_vec();
        }
        message
    }

    /// A request without body.
    fn message(&mut self, exchange: &Exchange) -> Message {
        let mut message = Message::empty(Kind::Confirmable, self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        message.code = Code::POST;
        self.next_token = self.next_token.wrapping_add(1);
        message.token = uint(self.next_token);
        add_path(&mut message, &exchange.path);
        if let Some(tag) = &exchange.tag {
            message.add(option::REQUEST_TAG, tag.clone());
        }
        message
    }

    fn transmit(&mut self, exchange: &mut Exchange, message: Message, now: Timestamp) {
        let datagram = message.encode();
        self.out.push_back(datagram.clone());
        let repeat = Repeat::new(&self.parameters, &mut self.jitter, now);
        exchange.current = Current {
            id: message.id,
            octets: message.payload.len(),
            token: message.token,
            datagram,
            wait: Wait::Acknowledgement(repeat),
        };
    }

    fn end(&mut self, outcome: Result<HttpResponse, CoapError>) {
        self.exchange = None;
        self.outcome = Some(outcome);
    }
}
