//! CoAP and MQTT: what a peer or a broker sends.

use rsp_core::Timestamp;
use rsp_core::binding::coap::server::Limits;
use rsp_core::binding::coap::{Client, Message, Parameters, Server};
use rsp_core::binding::mqtt::packet::{Packet, Publish};
use rsp_core::binding::mqtt::read_request;
use rsp_core::binding::{HttpRequest, HttpResponse};

use crate::input::pieces;

/// Most octets of bodies that the server may keep.
const MEMORY: usize = 8192;

/// Datagrams to a server and to a client that waits for a response; the first
/// octet of each says to whom, and how much time has passed.
pub(crate) fn coap(data: &[u8]) {
    if let Ok(message) = Message::decode(data) {
        assert_eq!(Message::decode(&message.encode()), Ok(message));
    }
    let limits = Limits {
        max_body: 4096,
        max_memory: MEMORY,
        max_peers: 3,
        max_requests: 2,
    };
    let mut server = Server::new(Parameters::default(), limits, 1);
    let mut client = Client::new(Parameters::default(), 4096, 1);
    let request = HttpRequest {
        path: "/gsma/rsp2/asn1".to_string(),
        content_type: String::new(),
        admin_protocol: None,
        user_agent: None,
        body: vec![0; 1500],
    };
    client.request(request, Timestamp(0)).expect("it is idle");
    let mut now = 0;
    for piece in pieces(data) {
        let Some((how, datagram)) = piece.split_first() else {
            continue;
        };
        now += u64::from(how >> 3) * 500;
        match how & 7 {
            0 => client.handle(datagram, Timestamp(now)),
            peer => server.handle(&peer, datagram, Timestamp(now)),
        }
        client.handle_timeout(Timestamp(now));
        server.handle_timeout(Timestamp(now));
        while let Some(asked) = server.poll_request() {
            assert!(asked.request.body.len() <= limits.max_body);
            let answer = HttpResponse::ok("", asked.request.body.repeat(2));
            server.respond(asked.exchange, &answer, Timestamp(now));
        }
        while let Some((_, sent)) = server.poll_transmit() {
            Message::decode(&sent).expect("what was written can be read");
        }
        while let Some(sent) = client.poll_transmit() {
            Message::decode(&sent).expect("what was written can be read");
        }
        assert!(server.memory() <= MEMORY && server.peers() <= 3);
    }
    while let Some(at) = server.poll_timeout() {
        server.handle_timeout(at);
    }
    assert_eq!((server.memory(), server.peers()), (0, 0));
}

/// Packets of a broker, one after the other.
pub(crate) fn mqtt(mut data: &[u8]) {
    while let Ok(Some((packet, octets))) = Packet::decode(data, 65_536) {
        if let Packet::Publish(message) = packet {
            let again = Packet::decode(&message.encode(), 1 << 20);
            let (again, _) = again.expect("it is whole").expect("it was written");
            assert_eq!(again, Packet::Publish(message.clone()));
            answer(message);
        }
        data = data.get(octets..).unwrap_or_default();
    }
}

fn answer(message: Publish) {
    if let Ok(incoming) = read_request("eim.example.com", message) {
        let response = incoming.respond(HttpResponse::no_content(), 1);
        let own = format!("esipa/1/eim.example.com/ipa/{}", incoming.device);
        assert_eq!(response.topic, own);
    }
}
