//! Packages that the eIM brings to a device that listens (SGP.32 5.14.4): EIM-70.

use std::sync::{Arc, Mutex, MutexGuard};

use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, TransferEimPackageRequest};
use rsp_asn1::{Asn1, Signed};
use serde_json::{Value, json};

use super::bench::{Bench, P1};
use super::device::{Device, Package};
use super::orders::Settled;
use crate::conform::case::{Case, Check, Stop, case, ensure, fail, same, skip};
use crate::conform::der::{hex, tlv};
use crate::conform::{HttpMessage, HttpReply};

pub(super) const CASES: &[Case<Bench>] = &[case("EIM-70", "TransferEimPackage", transferred)];

/// What an eIM may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brought {
    Package,
    Request,
    Acknowledgements,
    Trigger,
}

/// A device that listens, and what it was brought.
struct Listening {
    device: Device,
    brought: Vec<Brought>,
    wrong: Option<String>,
}

impl Listening {
    fn answer(&mut self, message: &HttpMessage) -> HttpReply {
        let body = match self.taken(&message.body) {
            Ok(body) => body,
            Err(Stop::Failed(why) | Stop::Skipped(why)) => {
                self.wrong.get_or_insert(why);
                return HttpReply {
                    status: 400,
                    ..HttpReply::default()
                };
            }
        };
        HttpReply::asn1(200, "gsma/rsp/v2.1.0", body)
    }

    /// A package is carried out, a request is answered, and what comes of a
    /// trigger the device would tell later: eimPackageReceived.
    fn taken(&mut self, body: &[u8]) -> Check<Vec<u8>> {
        use TransferEimPackageRequest as Request;
        let EsipaMessageFromEimToIpa::TransferEimPackageRequest(request) =
            EsipaMessageFromEimToIpa::from_der(body)?
        else {
            return fail("another message than TransferEimPackage");
        };
        let (brought, answer) = match request {
            Request::EuiccPackageRequest(request) => {
                let package = Package {
                    octets: Signed::as_bytes(&request).to_vec(),
                    request,
                };
                let result = self.device.result(&package, &hex("830100"), 7)?;
                (Brought::Package, result)
            }
            Request::IpaEuiccDataRequest(request) => {
                (Brought::Request, self.device.certificates(&request))
            }
            Request::EimAcknowledgements(_) => (Brought::Acknowledgements, hex("0500")),
            Request::ProfileDownloadTriggerRequest(_) => (Brought::Trigger, hex("0500")),
        };
        self.brought.push(brought);
        Ok(tlv(0xBF4E, &answer))
    }
}

fn locked(listening: &Arc<Mutex<Listening>>) -> Check<MutexGuard<'_, Listening>> {
    listening
        .lock()
        .map_err(|error| Stop::Failed(error.to_string()))
}

fn transferred(bench: &mut Bench) -> Check {
    if bench.listener.is_none() {
        return skip("the eIM cannot reach a device of the suite's (--listen)");
    }
    let device = bench.certified_device(None)?;
    let listening = Arc::new(Mutex::new(Listening {
        device: device.clone(),
        brought: Vec::new(),
        wrong: None,
    }));
    let answering = listening.clone();
    if let Some(listener) = &mut bench.listener {
        let answer = move |message: &HttpMessage| {
            let answered = answering.lock().map(|mut l| l.answer(message));
            answered.unwrap_or_default()
        };
        listener.server.answer(Box::new(answer));
        let url = format!("https://{}", listener.server.address());
        let eid = device.eid.to_string();
        if let Err(why) = bench.orders.listen(&eid, &url, &listener.certificate) {
            return skip(format!("the eIM brings nothing to devices: {why}"));
        }
    }
    let enable = json!({"kind": "enable", "iccid": P1});
    brought(bench, &listening, enable, Brought::Package)?;
    waits(bench, &listening, "acknowledgements", &|brought| {
        brought.contains(&Brought::Acknowledgements)
    })?;
    let data = json!({"kind": "ipa_euicc_data", "tags": "A5A6"});
    brought(bench, &listening, data, Brought::Request)?;
    let code = "LPA:1$smdp.example.com$NOTHING";
    let download = json!({"kind": "download", "activation_code": code});
    brought(bench, &listening, download, Brought::Trigger)
}

/// Orders something, which must be brought and come to what its answer says.
fn brought(
    bench: &mut Bench,
    listening: &Arc<Mutex<Listening>>,
    order: Value,
    expected: Brought,
) -> Check {
    let device = locked(listening)?.device.clone();
    let before = locked(listening)?.brought.len();
    let id = bench.place(&device, order)?;
    waits(bench, listening, &format!("{expected:?}"), &|brought| {
        let new = brought.get(before..).unwrap_or_default();
        new.contains(&expected)
    })?;
    if expected == Brought::Trigger {
        return bench.settled(&device, &id, Settled::Open);
    }
    loop {
        let outcome = bench.outcome(&device, &id)?;
        let more = match &mut bench.listener {
            Some(listener) if outcome.settled == Settled::Open => listener.server.wait(),
            _ => false,
        };
        if !more {
            let what = format!("the order ({})", outcome.shown);
            return same(&what, outcome.settled, Settled::Success);
        }
    }
}

/// Gives the eIM time until this was brought.
fn waits(
    bench: &mut Bench,
    listening: &Arc<Mutex<Listening>>,
    what: &str,
    is_there: &dyn Fn(&[Brought]) -> bool,
) -> Check {
    loop {
        let state = locked(listening)?;
        if let Some(wrong) = &state.wrong {
            return fail(wrong.clone());
        }
        if is_there(&state.brought) {
            return Ok(());
        }
        drop(state);
        let waits = bench.listener.as_mut().is_some_and(|l| l.server.wait());
        ensure(waits, &format!("the eIM brings {what}"))?;
    }
}
