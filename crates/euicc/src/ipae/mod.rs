//! The IPA in the card (IPAe, SGP.32 3.8): over channels that the terminal opens
//! for it, it asks its eIMs for packages and downloads profiles.
//!
//! | file | procedure |
//! |---|---|
//! | `activation` | IpaeActivation, and what ends it (SGP.32 3.8.4, 5.9.3) |
//! | `round` | which server comes next, and when the next round is |
//! | `connection` | a channel with TLS, and its requests and responses |
//! | `exchange` | packages and results (SGP.32 3.1.1.1, 5.14.5, 5.14.6) |
//! | `euicc_data` | IpaEuiccData (SGP.32 2.11.1.2, 2.11.2.2) |
//! | `download` | profile download, direct and through the eIM (SGP.32 3.2.3) |
//! | `report` | what became of downloads, for their eIMs |
//! | `notifications` | delivery of notifications (SGP.32 3.7) |
//! | `activation_code`, `device_info` | SGP.22 4.1, 4.2 |
//! | `http`, `json`, `base64` | requests and responses (SGP.32 6.1, SGP.22 6.5) |
//!
//! Nothing of a round outlasts power but results: they wait in the card, and
//! the next round begins with them.

pub(crate) mod activation;
mod activation_code;
mod base64;
mod connection;
mod device_info;
mod download;
mod euicc_data;
mod exchange;
mod http;
mod json;
mod notifications;
mod report;
mod round;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Imei;

pub(crate) use report::Owed;
pub(crate) use round::{answered, told};

use connection::Connection;
use download::Download;

/// For the fuzzer: the body of a response that comes in pieces.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_response<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let (mut response, mut body, mut whole) = (http::Response::default(), Vec::new(), false);
    for octets in pieces {
        whole = response.push(octets, &mut body).ok()?;
    }
    whole.then_some(body)
}

/// For the fuzzer: what of a body is handed on as a package, in either form.
#[cfg(feature = "fuzzing")]
pub(crate) fn read_package<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> [Vec<u8>; 2] {
    let mut json = json::Reader::new(Some(download::es9plus::PACKAGE));
    let mut der = download::relay::Package::default();
    let (mut json_goes_on, mut der_goes_on) = (true, true);
    let mut out = [Vec::new(), Vec::new()];
    for octets in pieces {
        let [from_json, from_der] = &mut out;
        json_goes_on = json_goes_on && json.push(octets, from_json).is_ok();
        der_goes_on = der_goes_on && der.push(octets, from_der).is_some();
    }
    out
}

/// A server that a channel is opened to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Server {
    /// The eIM at this place among the associated.
    Eim(usize),
    /// The SM-DP+ with this address.
    Smdp(String),
}

/// How far a round is.
#[derive(Default)]
pub(crate) struct Ipae {
    phase: Phase,
    /// The eIM that comes next, by its place among the associated.
    next_eim: usize,
    /// Channels of this round.
    channels: usize,
    /// SM-DP+s that were asked for in this round.
    servers: Vec<String>,
    download: Option<Box<Download>>,
    /// Of the device, once its terminal has told it.
    imei: Option<Imei>,
}

#[derive(Default)]
enum Phase {
    /// Not active, or the terminal cannot do what is needed.
    #[default]
    Off,
    /// Until the timer tells.
    Waiting,
    /// A channel to this server.
    Opening(Server),
    /// Connected to it.
    Open(Box<Connection>),
    /// Done with it.
    Closing,
}
