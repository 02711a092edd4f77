//! The wires of remote SIM provisioning: TLS and HTTP/1.1, a server and a
//! client, that carry the messages of `rsp_core::binding`.
//!
//! | module | what |
//! |---|---|
//! | [`tls`] | own certificate and key, and whom to trust |
//! | [`server`] | [`Server`]: requests of devices, servers and operators |
//! | [`client`] | [`Client`]: requests to eIM, SM-DP+ and to the API |
//! | [`WebClient`] | requests to servers of the web, as receivers of webhooks |
//! | [`dtls`] | the same for datagrams: DTLS 1.2, with certificates and with pre-shared keys |
//! | [`coap`] | [`CoapServer`] and [`CoapClient`]: the same messages over CoAP and DTLS |
//! | [`mqtt`] | [`MqttServer`] and [`MqttClient`]: ESipa through an MQTT broker |
//! | [`apdu`] | [`ApduChannel`]: commands to a card, in a PC/SC reader with the feature `pcsc` |
//!
//! What a message means and what is answered to it is decided by the
//! [`Handler`]; who is trusted is decided by `rsp_core::pki`. TLS is 1.2 or
//! 1.3 (SGP.22 2.6.6, SGP.32 6.1).
#![deny(missing_docs)]

pub mod apdu;
pub mod client;
mod clock;
pub mod coap;
pub mod dtls;
pub mod mqtt;
pub mod server;
pub mod tls;
mod web;

pub use apdu::{ApduChannel, ApduError};
pub use client::{Client, ClientBuilder, ClientError};
pub use clock::{Clock, system_clock};
pub use coap::{CoapClient, CoapLimits, CoapServer};
pub use mqtt::{Broker, MqttClient, MqttPublisher, MqttServer};
pub use server::{Handler, Limits, Peer, RawHandler, Rsp, Server, StreamHandler};
pub use tls::{ClientAuth, IdentityError, OperatorTrust, TlsIdentity};
pub use web::{WebClient, WebError};
