//! CoAP client and server over a network that loses, repeats and reorders
//! datagrams, on a clock of its own. Seeds are printed by what fails.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use rsp_core::Timestamp;
use rsp_core::binding::coap::block::Block;
use rsp_core::binding::coap::message::{Code, Kind, Message, option};
use rsp_core::binding::coap::server::{ExchangeId, Limits};
use rsp_core::binding::coap::{Client, CoapError, Parameters, Server};
use rsp_core::binding::{HttpRequest, HttpResponse};

const PATH: &str = "/gsma/rsp2/asn1";

fn request(body: Vec<u8>) -> HttpRequest {
    HttpRequest {
        path: PATH.to_owned(),
        content_type: "application/x-gsma-rsp-asn1".to_owned(),
        admin_protocol: None,
        user_agent: None,
        body,
    }
}

fn ok(body: Vec<u8>) -> HttpResponse {
    HttpResponse::ok("application/x-gsma-rsp-asn1", body)
}

/// A body whose octets tell their place.
fn body(octets: usize) -> Vec<u8> {
    (0..octets)
        .map(|place| (place * 7 + place / 256) as u8)
        .collect()
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// How bad the network is, in percent.
#[derive(Clone, Copy)]
struct Weather {
    lost: u64,
    doubled: u64,
    /// Longest delay in milliseconds: more than the others' reorders.
    delay: u64,
}

const FINE: Weather = Weather {
    lost: 0,
    doubled: 0,
    delay: 0,
};

enum Event {
    ToServer(Vec<u8>),
    ToClient(Vec<u8>),
    Answer(ExchangeId, HttpResponse),
}

/// One client, one server, and what is between them.
struct World {
    client: Client,
    server: Server<u8>,
    now: Timestamp,
    weather: Weather,
    dice: Dice,
    pending: BTreeMap<(u64, u64), Event>,
    order: u64,
    /// How long the handler takes.
    work: Duration,
    /// Octets of the answer.
    answer: usize,
    /// How often the handler was called with which body.
    handled: BTreeMap<Vec<u8>, u32>,
    datagrams: u32,
}

impl World {
    fn new(seed: u64, weather: Weather, parameters: Parameters) -> World {
        World {
            client: Client::new(parameters, 1 << 20, seed),
            server: Server::new(parameters, Limits::default(), seed ^ 0xFFFF),
            now: Timestamp::from_secs(1),
            weather,
            dice: Dice(seed),
            pending: BTreeMap::new(),
            order: 0,
            work: Duration::ZERO,
            answer: 10,
            handled: BTreeMap::new(),
            datagrams: 0,
        }
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.order += 1;
        self.pending.insert((self.now.0 + delay, self.order), event);
    }

    fn send(&mut self, datagram: Vec<u8>, to_server: bool) {
        self.datagrams += 1;
        let copies = 1 + u64::from(self.dice.roll(100) < self.weather.doubled);
        for _ in 0..copies {
            if self.dice.roll(100) < self.weather.lost {
                continue;
            }
            let delay = self.dice.roll(self.weather.delay + 1);
            let datagram = datagram.clone();
            let event = match to_server {
                true => Event::ToServer(datagram),
                false => Event::ToClient(datagram),
            };
            self.at(delay, event);
        }
    }

    fn settle(&mut self) {
        while let Some(request) = self.server.poll_request() {
            *self.handled.entry(request.request.body).or_default() += 1;
            let response = ok(body(self.answer));
            self.at(
                self.work.as_millis() as u64,
                Event::Answer(request.exchange, response),
            );
        }
        while let Some((_, datagram)) = self.server.poll_transmit() {
            self.send(datagram, false);
        }
        while let Some(datagram) = self.client.poll_transmit() {
            self.send(datagram, true);
        }
    }

    fn step(&mut self) {
        self.settle();
        let timers = [self.client.poll_timeout(), self.server.poll_timeout()];
        let timer = timers.into_iter().flatten().min();
        let event = self.pending.first_key_value().map(|(key, _)| *key);
        match (event, timer) {
            (Some((at, _)), timer) if timer.is_none_or(|timer| at <= timer.0) => {
                self.now = Timestamp(at.max(self.now.0));
                let (_, event) = self.pending.pop_first().unwrap();
                match event {
                    Event::ToServer(datagram) => self.server.handle(&1, &datagram, self.now),
                    Event::ToClient(datagram) => self.client.handle(&datagram, self.now),
                    Event::Answer(exchange, response) => {
                        self.server.respond(exchange, &response, self.now);
                    }
                }
            }
            (_, Some(timer)) => {
                self.now = Timestamp(timer.0.max(self.now.0));
                self.client.handle_timeout(self.now);
                self.server.handle_timeout(self.now);
            }
            (None, None) => panic!("nothing happens any more"),
            _ => unreachable!("the guard took it"),
        }
        self.settle();
    }

    fn exchange(&mut self, body: Vec<u8>) -> Result<HttpResponse, CoapError> {
        self.client.request(request(body), self.now).unwrap();
        for _ in 0..100_000 {
            self.step();
            if let Some(outcome) = self.client.poll_outcome() {
                return outcome;
            }
        }
        panic!("no end");
    }
}

#[test]
fn a_poll_is_two_datagrams() {
    let mut world = World::new(1, FINE, Parameters::default());
    let response = world.exchange(body(25)).unwrap();
    assert_eq!(response, {
        let mut expected = ok(body(10));
        expected.admin_protocol = response.admin_protocol.clone();
        expected
    });
    assert_eq!(world.datagrams, 2);
}

#[test]
fn bodies_of_any_size_go_in_blocks_both_ways() {
    for size in [0, 2, 6] {
        let parameters = Parameters {
            block_size: size,
            ..Parameters::default()
        };
        for octets in [0, 1, 16, 17, 1023, 1024, 1025, 2048, 5000] {
            let mut world = World::new(octets as u64, FINE, parameters);
            world.answer = octets;
            let response = world.exchange(body(octets)).unwrap();
            assert_eq!(response.body, body(octets), "{size} {octets}");
            assert_eq!(response.status, if octets == 0 { 204 } else { 200 });
            assert_eq!(world.handled, [(body(octets), 1)].into());
        }
    }
}

/// A request is executed once at most, and as a rule answered, whatever the
/// network does.
#[test]
fn loss_repetition_and_reordering() {
    let weather = Weather {
        lost: 12,
        doubled: 20,
        delay: 900,
    };
    let mut answered = 0;
    for seed in 0..300 {
        let mut world = World::new(seed, weather, Parameters::default());
        world.work = Duration::from_millis(world.dice.roll(4000));
        for round in 0..4u8 {
            world.answer = world.dice.roll(4000) as usize;
            let mut sent = body(world.dice.roll(4000) as usize);
            sent.insert(0, round);
            let outcome = world.exchange(sent.clone());
            let times = world.handled.get(&sent).copied().unwrap_or_default();
            assert!(times <= 1, "seed {seed}: executed {times} times");
            if let Ok(response) = outcome {
                assert_eq!(times, 1, "seed {seed}");
                assert_eq!(response.body, body(world.answer), "seed {seed}");
                answered += 1;
            }
        }
    }
    assert!(answered > 1180, "only {answered} of 1200 were answered");
}

/// An answer that takes long: the request is acknowledged first, and not
/// repeated.
#[test]
fn a_slow_answer_comes_apart() {
    let mut world = World::new(3, FINE, Parameters::default());
    world.work = Duration::from_secs(40);
    world.answer = 3000;
    let response = world.exchange(body(100)).unwrap();
    assert_eq!(response.body, body(3000));
    // Request, ACK, response apart, ACK, and two blocks more with theirs.
    assert_eq!(world.datagrams, 8);
    world.work = Duration::from_secs(95);
    assert_eq!(world.exchange(body(101)), Err(CoapError::NoResponse));
}

#[test]
fn a_server_that_is_not_there() {
    let weather = Weather { lost: 100, ..FINE };
    let mut world = World::new(3, weather, Parameters::default());
    assert_eq!(world.exchange(body(1)), Err(CoapError::Unreachable));
    assert_eq!(world.datagrams, 5);
    let waited = world.now.since(Timestamp::from_secs(1));
    assert!(waited <= Duration::from_secs(93), "{waited:?}");
}

/// What is remembered of a peer ends.
#[test]
fn a_peer_is_forgotten() {
    let mut world = World::new(3, FINE, Parameters::default());
    world.answer = 5000;
    world.exchange(body(5000)).unwrap();
    assert_eq!((world.server.peers(), world.server.memory()), (1, 5000));
    while let Some(at) = world.server.poll_timeout() {
        world.server.handle_timeout(at);
    }
    assert_eq!((world.server.peers(), world.server.memory()), (0, 0));
}

fn post(id: u16) -> Message {
    let mut message = Message::empty(Kind::Confirmable, id);
    message.code = Code::POST;
    message.token = vec![7];
    for segment in ["gsma", "rsp2", "asn1"] {
        message.add(option::URI_PATH, segment.as_bytes().to_vec());
    }
    message
}

fn block1(id: u16, tag: u8, number: u32, more: bool) -> Message {
    let mut message = post(id);
    let block = Block {
        number,
        more,
        size: 6,
    };
    message.add(option::BLOCK1, block.encode());
    message.add(option::REQUEST_TAG, vec![tag]);
    message.payload = vec![tag; 1024];
    message
}

fn answer(server: &mut Server<u8>, peer: u8, message: &Message) -> Option<Message> {
    server.handle(&peer, &message.encode(), Timestamp(0));
    let (_, datagram) = server.poll_transmit()?;
    Some(Message::decode(&datagram).unwrap())
}

/// RFC 9175 3: blocks of two operations are not put together.
#[test]
fn request_tags_tell_operations_apart() {
    let mut server = Server::new(Parameters::default(), Limits::default(), 1);
    let mut code = |message: Message| answer(&mut server, 1, &message).map(|answer| answer.code);
    assert_eq!(code(block1(1, 0xA1, 0, true)), Some(Code::CONTINUE));
    assert_eq!(
        code(block1(2, 0xB2, 1, false)),
        Some(Code::REQUEST_ENTITY_INCOMPLETE)
    );
    assert_eq!(code(block1(3, 0xA1, 1, false)), None);
    let request = server.poll_request().unwrap();
    assert_eq!(request.request.body, vec![0xA1; 2048]);
    assert_eq!(request.request.path, PATH);
}

#[test]
fn limits_are_kept() {
    let limits = Limits {
        max_body: 3000,
        max_requests: 2,
        max_peers: 2,
        max_memory: 3000,
    };
    let mut server = Server::new(Parameters::default(), limits, 1);
    let mut id = 0;
    let mut code = |server: &mut Server<u8>, peer, number, more| {
        id += 1;
        answer(server, peer, &block1(id, 1, number, more)).map(|answer| answer.code)
    };
    assert_eq!(code(&mut server, 1, 0, true), Some(Code::CONTINUE));
    assert_eq!(code(&mut server, 1, 1, true), Some(Code::CONTINUE));
    let too_large = Some(Code::REQUEST_ENTITY_TOO_LARGE);
    assert_eq!(code(&mut server, 1, 2, true), too_large);
    assert_eq!(code(&mut server, 1, 0, true), Some(Code::CONTINUE));
    assert_eq!(code(&mut server, 1, 1, true), Some(Code::CONTINUE));
    assert_eq!(server.memory(), 2048);
    let unavailable = Some(Code::SERVICE_UNAVAILABLE);
    assert_eq!(code(&mut server, 2, 0, true), unavailable);
    assert_eq!(code(&mut server, 3, 0, true), None, "a peer too many");
    server.forget(&1);
    assert_eq!(server.memory(), 0);
    assert_eq!(code(&mut server, 2, 0, true), Some(Code::CONTINUE));
    for id in [100, 101] {
        assert_eq!(answer(&mut server, 2, &post(id)), None, "taken");
    }
    let refused = answer(&mut server, 2, &post(102)).unwrap();
    assert_eq!(refused.code, Code::SERVICE_UNAVAILABLE);
}

/// RFC 7252 4.2, 5.4.1, 5.8: what is not understood has its answer.
#[test]
fn what_is_no_request_is_refused() {
    let mut server = Server::new(Parameters::default(), Limits::default(), 1);
    let ping = Message::empty(Kind::Confirmable, 5);
    let reset = answer(&mut server, 1, &ping).unwrap();
    assert_eq!((reset.kind, reset.id), (Kind::Reset, 5));
    let mut get = post(6);
    get.code = Code(1);
    let refused = answer(&mut server, 1, &get).unwrap();
    assert_eq!(refused.code, Code::METHOD_NOT_ALLOWED);
    assert_eq!(
        (refused.kind, refused.token),
        (Kind::Acknowledgement, vec![7])
    );
    let mut critical = post(7);
    critical.add(9, vec![]);
    let refused = answer(&mut server, 1, &critical).unwrap();
    assert_eq!(refused.code, Code::BAD_OPTION);
    let mut block = post(8);
    block.add(option::BLOCK1, vec![7]);
    let refused = answer(&mut server, 1, &block).unwrap();
    assert_eq!(refused.code, Code::BAD_REQUEST);
    // A malformed confirmable message is reset, any other ignored.
    server.handle(&1, &[0x40, 2, 0, 9, 0xF0], Timestamp(0));
    let (_, datagram) = server.poll_transmit().unwrap();
    assert_eq!(datagram, [0x70, 0, 0, 9]);
    server.handle(&1, &[0x50, 2, 0, 9, 0xF0], Timestamp(0));
    server.handle(&1, &[], Timestamp(0));
    assert!(server.poll_transmit().is_none());
    assert!(server.poll_request().is_none());
}

/// A response apart to which the client says RST is not repeated.
#[test]
fn a_reset_ends_repetition() {
    let parameters = Parameters::default();
    let mut server = Server::new(parameters, Limits::default(), 1);
    assert_eq!(answer(&mut server, 1, &post(1)), None);
    let taken = server.poll_request().unwrap();
    server.handle_timeout(Timestamp(1000));
    let (_, acknowledgement) = server.poll_transmit().unwrap();
    assert_eq!(acknowledgement, [0x60, 0, 0, 1]);
    server.respond(taken.exchange, &ok(vec![1]), Timestamp(1001));
    let (_, apart) = server.poll_transmit().unwrap();
    let apart = Message::decode(&apart).unwrap();
    assert_eq!(apart.kind, Kind::Confirmable);
    let reset = Message::empty(Kind::Reset, apart.id).encode();
    server.handle(&1, &reset, Timestamp(1002));
    server.handle_timeout(Timestamp(100_000));
    assert!(server.poll_transmit().is_none());
}
