//! What a server remembers of one peer.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use super::{ExchangeId, Limits};
use crate::Timestamp;
use crate::binding::coap::block::{Block, LARGEST};
use crate::binding::coap::message::{Code, Kind, Message, option, uint};
use crate::binding::coap::repeat::{Due, Jitter, Repeat};
use crate::binding::coap::{
    MAX_PAYLOAD, Parameters, block_of, code, has_unknown_critical, http_request, path_of, reset_for,
};
use crate::binding::{HttpRequest, HttpResponse};

/// Message IDs that are remembered at most; a copy of an older message is
/// taken for a new one.
const SEEN: usize = 512;

/// Answers that are kept to be repeated; a copy of an older message is ignored.
const KEPT_ANSWERS: usize = 4;

/// Octets of text that explains an error.
const MAX_TEXT: usize = 200;

/// What a session gets from its server, and gives it.
pub(super) struct Outside<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) limits: &'a Limits,
    pub(super) jitter: &'a mut Jitter,
    pub(super) next_exchange: &'a mut u64,
    /// Octets of bodies for which there is room in all.
    pub(super) room: usize,
    pub(super) now: Timestamp,
    pub(super) requests: Vec<(ExchangeId, HttpRequest)>,
    pub(super) out: Vec<Vec<u8>>,
}

/// One peer.
pub(super) struct Session {
    next_id: u16,
    next_etag: u32,
    seen: VecDeque<Seen>,
    assembly: Option<Assembly>,
    served: Option<Served>,
    running: Vec<Running>,
    sending: Vec<Sending>,
}

/// A message that has come.
struct Seen {
    id: u16,
    at: Timestamp,
    answer: Option<Vec<u8>>,
}

/// What a body belongs to: path and Request-Tag.
#[derive(Clone, PartialEq, Eq)]
struct Operation {
    path: String,
    tag: Option<Vec<u8>>,
}

/// A request whose blocks are coming.
struct Assembly {
    operation: Operation,
    body: Vec<u8>,
    until: Timestamp,
}

/// A response that is fetched in blocks.
struct Served {
    operation: Operation,
    code: Code,
    etag: Vec<u8>,
    body: Vec<u8>,
    until: Timestamp,
}

/// A request that the handler has.
struct Running {
    exchange: ExchangeId,
    operation: Operation,
    token: Vec<u8>,
    id: u16,
    kind: Kind,
    /// The last block of the request, to be repeated in the response.
    block1: Option<Block>,
    /// Size exponent of the blocks of the response.
    size: u8,
    /// When it is acknowledged without response; `None` if it has been, or is
    /// not confirmable.
    acknowledge: Option<Timestamp>,
}

/// A response apart that is not acknowledged.
struct Sending {
    id: u16,
    datagram: Vec<u8>,
    repeat: Repeat,
}

/// What is answered at once.
struct Answer {
    code: Code,
    options: Vec<(u16, Vec<u8>)>,
    payload: Vec<u8>,
}

impl Answer {
    fn of(code: Code) -> Answer {
        Answer {
            code,
            options: Vec::new(),
            payload: Vec::new(),
        }
    }

    fn with(mut self, number: u16, value: Vec<u8>) -> Answer {
        self.options.push((number, value));
        self
    }
}

impl Session {
    pub(super) fn new(first_id: u16) -> Session {
        Session {
            next_id: first_id,
            next_etag: 0,
            seen: VecDeque::new(),
            assembly: None,
            served: None,
            running: Vec::new(),
            sending: Vec::new(),
        }
    }

    /// Octets of bodies.
    pub(super) fn memory(&self) -> usize {
        let assembly = self.assembly.as_ref().map_or(0, |of| of.body.len());
        assembly + self.served.as_ref().map_or(0, |of| of.body.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.running.is_empty()
    }

    /// When it wants to be called.
    pub(super) fn wake(&self) -> Option<Timestamp> {
        let bodies = [
            self.assembly.as_ref().map(|of| of.until),
            self.served.as_ref().map(|of| of.until),
            // The oldest: when the last one is old, nothing is left.
            self.seen.back().map(|seen| seen.at),
        ];
        let acknowledge = self.running.iter().filter_map(|of| of.acknowledge);
        let repeat = self.sending.iter().map(|of| of.repeat.at());
        let times = bodies.into_iter().flatten();
        times.chain(acknowledge).chain(repeat).min()
    }

    pub(super) fn handle(&mut self, datagram: &[u8], outside: &mut Outside<'_>) {
        let Ok(message) = Message::decode(datagram) else {
            outside.out.extend(reset_for(datagram));
            return;
        };
        match (message.kind, message.code) {
            (Kind::Acknowledgement | Kind::Reset, _) => {
                self.sending.retain(|sending| sending.id != message.id);
            }
            (_, code) if code.class() == 0 && code != Code::EMPTY => {
                self.request(message, outside);
            }
            // A ping, or a response that nobody asked for.
            (Kind::Confirmable, _) => {
                let reset = Message::empty(Kind::Reset, message.id);
                outside.out.push(reset.encode());
            }
            (Kind::NonConfirmable, _) => {}
        }
    }

    pub(super) fn handle_timeout(&mut self, outside: &mut Outside<'_>) {
        let now = outside.now;
        for running in &mut self.running {
            if running.acknowledge.is_some_and(|at| at <= now) {
                running.acknowledge = None;
                let acknowledgement = Message::empty(Kind::Acknowledgement, running.id).encode();
                remember(&mut self.seen, running.id, &acknowledgement);
                outside.out.push(acknowledgement);
            }
        }
        self.sending.retain_mut(|sending| {
            let due = sending.repeat.due(now);
            if due == Due::Again {
                outside.out.push(sending.datagram.clone());
            }
            due != Due::Over
        });
        self.assembly.take_if(|assembly| assembly.until <= now);
        self.served.take_if(|served| served.until <= now);
        while self.seen.front().is_some_and(|seen| seen.at <= now) {
            self.seen.pop_front();
        }
    }

    fn request(&mut self, message: Message, outside: &mut Outside<'_>) {
        if let Some(seen) = self.seen.iter().find(|seen| seen.id == message.id) {
            outside.out.extend(seen.answer.clone());
            return;
        }
        if self.seen.len() == SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen {
            id: message.id,
            at: outside.now.after(outside.parameters.exchange_lifetime),
            answer: None,
        });
        let (kind, id, token) = (message.kind, message.id, message.token.clone());
        if let Some(answer) = self.process(message, outside) {
            self.answer(kind, id, token, answer, outside);
        }
    }

    /// Answers at once: in the acknowledgement, or not confirmable.
    fn answer(
        &mut self,
        kind: Kind,
        id: u16,
        token: Vec<u8>,
        answer: Answer,
        outside: &mut Outside<'_>,
    ) {
        let (kind, answer_id) = match kind {
            Kind::Confirmable => (Kind::Acknowledgement, id),
            _ => (Kind::NonConfirmable, self.take_id()),
        };
        let datagram = response(kind, answer_id, token, answer).encode();
        remember(&mut self.seen, id, &datagram);
        outside.out.push(datagram);
    }

    /// What is answered at once; `None` if the handler has the request.
    fn process(&mut self, message: Message, outside: &mut Outside<'_>) -> Option<Answer> {
        if has_unknown_critical(&message) {
            return Some(Answer::of(Code::BAD_OPTION));
        }
        if message.code != Code::POST {
            return Some(Answer::of(Code::METHOD_NOT_ALLOWED));
        }
        let blocks = block_of(&message, option::BLOCK1)
            .and_then(|block1| Ok((block1, block_of(&message, option::BLOCK2)?)));
        let (Ok((block1, block2)), Some(path)) = (blocks, path_of(&message)) else {
            return Some(Answer::of(Code::BAD_REQUEST));
        };
        let tag = message.option(option::REQUEST_TAG).map(<[u8]>::to_vec);
        let operation = Operation { path, tag };
        let size = block2.map_or(LARGEST, |block| block.size);
        let size = size.min(outside.parameters.block_size);
        if let Some(block) = block2.filter(|block| block.number > 0) {
            return Some(self.next_block(&operation, block, outside));
        }
        let body = match block1 {
            None if message.payload.len() > outside.limits.max_body => {
                return Some(too_large(outside.limits));
            }
            None => message.payload.clone(),
            Some(block) => match self.assemble(&operation, block, &message.payload, outside) {
                Ok(body) => body,
                Err(answer) => return Some(answer),
            },
        };
        if self.running.len() >= outside.limits.max_requests {
            return Some(Answer::of(Code::SERVICE_UNAVAILABLE));
        }
        *outside.next_exchange += 1;
        let exchange = ExchangeId(*outside.next_exchange);
        let request = http_request(operation.path.clone(), body);
        outside.requests.push((exchange, request));
        let confirmable = message.kind == Kind::Confirmable;
        self.running.push(Running {
            exchange,
            operation,
            token: message.token,
            id: message.id,
            kind: message.kind,
            block1,
            size,
            acknowledge: confirmable.then(|| outside.now.after(outside.parameters.ack_delay)),
        });
        None
    }

    /// Adds a block of a request; `Ok` is the whole body.
    fn assemble(
        &mut self,
        operation: &Operation,
        block: Block,
        payload: &[u8],
        outside: &Outside<'_>,
    ) -> Result<Vec<u8>, Answer> {
        if block.more && payload.len() != block.octets() {
            return Err(Answer::of(Code::BAD_REQUEST));
        }
        let mut body = match self.assembly.take_if(|of| of.operation == *operation) {
            _ if block.number == 0 => Vec::new(),
            Some(assembly) if assembly.body.len() == block.offset() => assembly.body,
            // Never begun, given up, or a block is missing.
            _ => return Err(Answer::of(Code::REQUEST_ENTITY_INCOMPLETE)),
        };
        if body.len() + payload.len() > outside.limits.max_body {
            return Err(too_large(outside.limits));
        }
        // What this session had is in the room's reckoning already.
        if payload.len() > outside.room {
            return Err(Answer::of(Code::SERVICE_UNAVAILABLE));
        }
        body.extend_from_slice(payload);
        if !block.more {
            return Ok(body);
        }
        self.assembly = Some(Assembly {
            operation: operation.clone(),
            body,
            until: outside.now.after(outside.parameters.exchange_lifetime),
        });
        Err(Answer::of(Code::CONTINUE).with(option::BLOCK1, block.encode()))
    }

    /// A further block of a response.
    fn next_block(&mut self, operation: &Operation, block: Block, outside: &Outside<'_>) -> Answer {
        let size = block.size.min(outside.parameters.block_size);
        let served = self.served.as_mut();
        let Some(served) = served.filter(|served| served.operation == *operation) else {
            return Answer::of(Code::REQUEST_ENTITY_INCOMPLETE);
        };
        let Some((block, part)) = Block::of(&served.body, block.offset(), size) else {
            return Answer::of(Code::BAD_OPTION);
        };
        served.until = outside.now.after(outside.parameters.exchange_lifetime);
        let mut answer = Answer::of(served.code)
            .with(option::ETAG, served.etag.clone())
            .with(option::BLOCK2, block.encode());
        answer.payload = part.to_vec();
        answer
    }

    pub(super) fn respond(
        &mut self,
        exchange: ExchangeId,
        response: &HttpResponse,
        outside: &mut Outside<'_>,
    ) {
        let mut running = self.running.iter();
        let Some(place) = running.position(|of| of.exchange == exchange) else {
            return;
        };
        let running = self.running.swap_remove(place);
        let answer = self.first_answer(&running, response, outside);
        if running.kind == Kind::Confirmable && running.acknowledge.is_none() {
            return self.apart(running.token, answer, outside);
        }
        self.answer(running.kind, running.id, running.token, answer, outside);
    }

    /// The response, or the first block of it.
    fn first_answer(
        &mut self,
        running: &Running,
        response: &HttpResponse,
        outside: &Outside<'_>,
    ) -> Answer {
        let mut answer = Answer::of(code(response.status, response.body.is_empty()));
        if let Some(block) = running.block1 {
            answer = answer.with(option::BLOCK1, block.encode());
        }
        if answer.code.class() != 2 {
            let text = response.body.get(..MAX_TEXT).unwrap_or(&response.body);
            answer.payload = text.to_vec();
            return answer;
        }
        if response.body.len() <= MAX_PAYLOAD.min(1 << (running.size + 4)) {
            answer.payload = response.body.clone();
            return answer;
        }
        // What was kept before makes room.
        let kept = self.served.take().map_or(0, |served| served.body.len());
        if response.body.len() > outside.room + kept {
            return Answer::of(Code::SERVICE_UNAVAILABLE);
        }
        self.next_etag = self.next_etag.wrapping_add(1);
        let etag = uint(self.next_etag);
        if let Some((block, part)) = Block::of(&response.body, 0, running.size) {
            let octets = u32::try_from(response.body.len()).unwrap_or(u32::MAX);
            answer = answer
                .with(option::ETAG, etag.clone())
                .with(option::BLOCK2, block.encode())
                .with(option::SIZE2, uint(octets));
            answer.payload = part.to_vec();
        }
        self.served = Some(Served {
            operation: running.operation.clone(),
            code: answer.code,
            etag,
            body: response.body.clone(),
            until: outside.now.after(outside.parameters.exchange_lifetime),
        });
        answer
    }

    /// Sends a response apart, until it is acknowledged.
    fn apart(&mut self, token: Vec<u8>, answer: Answer, outside: &mut Outside<'_>) {
        let id = self.take_id();
        let datagram = response(Kind::Confirmable, id, token, answer).encode();
        outside.out.push(datagram.clone());
        self.sending.push(Sending {
            id,
            datagram,
            repeat: Repeat::new(outside.parameters, outside.jitter, outside.now),
        });
    }

    fn take_id(&mut self) -> u16 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        id
    }
}

fn response(kind: Kind, id: u16, token: Vec<u8>, answer: Answer) -> Message {
    let mut message = Message::empty(kind, id);
    message.code = answer.code;
    message.token = token;
    for (number, value) in answer.options {
        message.add(number, value);
    }
    message.payload = answer.payload;
    message
}

/// Keeps an answer for copies of the message, and gives old answers up.
fn remember(seen: &mut VecDeque<Seen>, id: u16, answer: &[u8]) {
    let mut kept = 0;
    for seen in seen.iter_mut().rev() {
        if seen.id == id {
            seen.answer = Some(answer.to_vec());
        }
        kept += usize::from(seen.answer.is_some());
        if kept > KEPT_ANSWERS {
            seen.answer = None;
        }
    }
}

fn too_large(limits: &Limits) -> Answer {
    let most = u32::try_from(limits.max_body).unwrap_or(u32::MAX);
    Answer::of(Code::REQUEST_ENTITY_TOO_LARGE).with(option::SIZE1, uint(most))
}
