//! Devices, SM-DP+s and a root SM-DS around the subject.

use std::fmt;

use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_crypto::Rng;
use serde_json::{Value, json};

use crate::conform::case::{Check, Stop, fail, same, skip, some};
use crate::conform::euicc::Authority;
use crate::conform::smdp;
use crate::conform::smdp::bench::Bench as Device;
use crate::conform::smdp::euicc::Euicc;
use crate::conform::smdp::http::{Reply, member, read};
use crate::conform::{Certificates, Http, HttpMessage, HttpReply};

/// What is said of the SM-DS under test.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its address, as devices know it.
    pub address: String,
    /// The CI under which it accepts eUICCs and servers, with its key.
    pub authority: Authority,
    /// The EID of the first eUICC; the others count on from it.
    pub eid: Option<Eid>,
}

/// What the root SM-DS answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootAnswer {
    /// Executed-Success.
    Done,
    /// Failed, with this pair of codes: subject and reason.
    Refused(&'static str, &'static str),
    /// 503.
    Away,
}

impl RootAnswer {
    /// The message.
    pub fn reply(self) -> HttpReply {
        let (status, header) = match self {
            RootAnswer::Done => (200, json!({"status": "Executed-Success"})),
            RootAnswer::Refused(subject, reason) => {
                let data = json!({"subjectCode": subject, "reasonCode": reason});
                (200, json!({"status": "Failed", "statusCodeData": data}))
            }
            RootAnswer::Away => (503, Value::Null),
        };
        let body = match status {
            200 => json!({"header": {"functionExecutionStatus": header}})
                .to_string()
                .into_bytes(),
            _ => Vec::new(),
        };
        HttpReply::json(status, "gsma/rsp/v2.2.2", body)
    }
}

/// The root SM-DS that the subject knows, which the suite plays.
pub trait Root {
    /// What is answered from now on.
    fn answer(&mut self, answer: RootAnswer);

    /// What the subject has sent since this was asked last. A message that came
    /// with a certificate has [`Certificates::Operator`].
    fn requests(&mut self) -> Vec<HttpMessage>;
}

/// The bench of the suite.
pub struct Bench {
    /// Devices, and the wire.
    pub(super) device: Device,
    root: Option<Box<dyn Root>>,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

/// An event that an SM-DP+ registers.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) eid: String,
    pub(super) address: String,
    pub(super) event_id: String,
    pub(super) forwarded: bool,
}

impl Bench {
    /// A bench; `seed` makes its names unlike those of other runs, `now` is the
    /// time at which certificates begin.
    ///
    /// # Errors
    /// If other EIDs cannot be counted from the first.
    pub fn new(
        http: Box<dyn Http>,
        root: Option<Box<dyn Root>>,
        settings: Settings,
        now: Timestamp,
        seed: u64,
    ) -> Result<Bench, Stop> {
        let device = smdp::Settings {
            address: settings.address,
            authority: settings.authority,
            brainpool: None,
            profile_type: String::new(),
            protected_type: None,
            bound_once_type: None,
            restricted_type: None,
            free_iccid: None,
            eid: settings.eid,
        };
        Ok(Bench {
            device: Device::new(http, device, now, seed)?,
            root,
        })
    }

    /// An eUICC that the SM-DS has no reason to refuse.
    pub(super) fn euicc(&mut self) -> Check<Euicc> {
        self.device.euicc()
    }

    /// An event of an eUICC that no other case has.
    pub(super) fn event(&mut self, euicc: &Euicc) -> Event {
        Event {
            eid: euicc.eid.to_string(),
            address: "smdp.conformance.example.com".into(),
            event_id: self.device.matching_id(),
            forwarded: false,
        }
    }

    /// A function of ES12 or ES15; gives what came back.
    pub(super) fn send(
        &mut self,
        interface: &str,
        function: &str,
        body: &Value,
        certificates: Certificates,
    ) -> Result<HttpReply, Stop> {
        let path = format!("/gsma/rsp2/{interface}/{function}");
        self.device.post(&path, body, certificates)
    }

    /// Header of a call that is a new one.
    pub(super) fn header(&mut self) -> Value {
        let mut octets = [0; 8];
        self.device.rng.fill(&mut octets);
        let call: String = octets.iter().map(|o| format!("{o:02X}")).collect();
        json!({
            "functionRequesterIdentifier": "2.999.10",
            "functionCallIdentifier": call,
        })
    }

    /// RegisterEvent by the SM-DP+ of the suite.
    pub(super) fn registered(&mut self, event: &Event) -> Check<Reply> {
        let body = self.registration(event);
        self.es12("registerEvent", &body)
    }

    /// The request of RegisterEvent.
    pub(super) fn registration(&mut self, event: &Event) -> Value {
        json!({
            "header": self.header(),
            "eid": event.eid,
            "rspServerAddress": event.address,
            "eventId": event.event_id,
            "forwardingIndicator": event.forwarded,
        })
    }

    /// DeleteEvent by the SM-DP+ of the suite.
    pub(super) fn deleted(&mut self, event: &Event) -> Check<Reply> {
        let body = self.deletion(event);
        self.es12("deleteEvent", &body)
    }

    /// The request of DeleteEvent.
    pub(super) fn deletion(&mut self, event: &Event) -> Value {
        json!({
            "header": self.header(),
            "eid": event.eid,
            "eventId": event.event_id,
        })
    }

    /// A function of ES12 as the SM-DP+ of the suite.
    pub(super) fn es12(&mut self, function: &str, body: &Value) -> Check<Reply> {
        let reply = self.send("es12", function, body, Certificates::Operator)?;
        read(function, &reply)
    }

    /// The root SM-DS that the suite plays.
    pub(super) fn root(&mut self) -> Check<&mut Box<dyn Root>> {
        match &mut self.root {
            Some(root) => Ok(root),
            None => skip("the subject is no alternative SM-DS whose root the suite plays (--root)"),
        }
    }

    /// What the subject has told the root SM-DS, of this function alone.
    pub(super) fn told(&mut self, function: &str) -> Check<Vec<HttpMessage>> {
        let mut requests = self.root()?.requests();
        requests.retain(|request| request.path.ends_with(function));
        Ok(requests)
    }

    /// A session of ES11 to its end; EventID and address of each event.
    pub(super) fn events(
        &mut self,
        euicc: &Euicc,
        event_id: Option<&str>,
    ) -> Check<Vec<(String, String)>> {
        let started = self.device.started(euicc)?;
        let reply = self.device.authenticated(euicc, &started, event_id)?;
        let reply = reply.ok("authenticateClient")?;
        let id = started.signed.transaction_id.to_string();
        let shown = member(&reply, "transactionId")?;
        same("transactionId", shown.to_ascii_uppercase(), id)?;
        let entries = reply.get("eventEntries").and_then(Value::as_array);
        let entries = some("eventEntries in the response", entries)?;
        let entry = |entry: &Value| {
            let address = member(entry, "rspServerAddress")?;
            Ok((member(entry, "eventId")?, address))
        };
        entries.iter().map(entry).collect()
    }

    /// Whether an event is found, and by all EventIDs of the eUICC.
    pub(super) fn is_there(&mut self, euicc: &Euicc, event: &Event) -> Check<bool> {
        let found = self.events(euicc, None)?;
        let mut own = found.iter().filter(|(id, _)| *id == event.event_id);
        let Some((_, address)) = own.next() else {
            return Ok(false);
        };
        same("rspServerAddress", address, &event.address)?;
        match own.next() {
            None => Ok(true),
            Some(_) => fail("the event is there twice"),
        }
    }
}
