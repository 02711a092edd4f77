//! ES9+.AuthenticateClient, nominal: SGP.23 4.3.14.2.1.

use rsp_asn1::rsp::{AuthenticateServerResponse, SmdpSigned2, StoreMetadataRequest};
use rsp_asn1::{Asn1, BitString, Certificate, Extension, Signed, Tlv};
use serde_json::{Value, json};

use super::bench::{Bench, Order, Ordered};
use super::euicc::Euicc;
use super::http::{Reply, base64, octets};
use super::initiate::Started;
use crate::conform::case::{Case, Check, case, same};
use crate::conform::der::{Leaf, hex, tlv, verify};

/// How the eUICC asks for its profile.
#[derive(Clone, Copy, PartialEq)]
enum By {
    /// By the MatchingID of an activation code.
    ActivationCode,
    /// By its EID, without MatchingID.
    Omitted,
    /// By its EID, with an empty MatchingID.
    Empty,
    /// By the EventID of an SM-DS: a MatchingID that the operator chose.
    Event,
}

/// What later versions add to what eUICC and device say.
#[derive(Clone, Copy, PartialEq)]
enum More {
    Nothing,
    DeviceInfo,
    Capability,
    Info2,
}

use By::{ActivationCode, Empty, Event, Omitted};
use More::{Capability, DeviceInfo, Info2, Nothing};

pub(super) const CASES: &[Case<Bench>] = &[
    case("4.3.14.2.1-01", "default SM-DP+, MatchingID omitted", |b| {
        row(b, Omitted, false, true, Nothing)
    }),
    case(
        "4.3.14.2.1-02",
        "default SM-DP+, omitted, confirmation code",
        |b| row(b, Omitted, true, true, Nothing),
    ),
    case("4.3.14.2.1-03", "default SM-DP+, MatchingID empty", |b| {
        row(b, Empty, false, true, Nothing)
    }),
    case(
        "4.3.14.2.1-04",
        "default SM-DP+, empty, confirmation code",
        |b| row(b, Empty, true, true, Nothing),
    ),
    case("4.3.14.2.1-05", "activation code", |b| {
        row(b, ActivationCode, false, false, Nothing)
    }),
    case("4.3.14.2.1-06", "activation code, confirmation code", |b| {
        row(b, ActivationCode, true, false, Nothing)
    }),
    case("4.3.14.2.1-07", "activation code for one EID", |b| {
        row(b, ActivationCode, false, true, Nothing)
    }),
    case(
        "4.3.14.2.1-08",
        "activation code for one EID, confirmation code",
        |b| row(b, ActivationCode, true, true, Nothing),
    ),
    case("4.3.14.2.1-09", "SM-DS, any eUICC", |b| {
        row(b, Event, false, false, Nothing)
    }),
    case(
        "4.3.14.2.1-10",
        "SM-DS, any eUICC, confirmation code",
        |b| row(b, Event, true, false, Nothing),
    ),
    case("4.3.14.2.1-11", "SM-DS for one EID", |b| {
        row(b, Event, false, true, Nothing)
    }),
    case(
        "4.3.14.2.1-12",
        "SM-DS for one EID, confirmation code",
        |b| row(b, Event, true, true, Nothing),
    ),
    case(
        "4.3.14.2.1-13",
        "default SM-DP+, extended DeviceInfo",
        |b| row(b, Omitted, false, true, DeviceInfo),
    ),
    case(
        "4.3.14.2.1-14",
        "activation code, extended DeviceInfo",
        |b| row(b, ActivationCode, false, false, DeviceInfo),
    ),
    case("4.3.14.2.1-15", "SM-DS, extended DeviceInfo", |b| {
        row(b, Event, false, true, DeviceInfo)
    }),
    case(
        "4.3.14.2.1-16",
        "default SM-DP+, extended UICCCapability",
        |b| row(b, Omitted, false, true, Capability),
    ),
    case(
        "4.3.14.2.1-17",
        "activation code, extended UICCCapability",
        |b| row(b, ActivationCode, false, false, Capability),
    ),
    case("4.3.14.2.1-18", "SM-DS, extended UICCCapability", |b| {
        row(b, Event, false, true, Capability)
    }),
    case(
        "4.3.14.2.1-19",
        "default SM-DP+, extended EUICCInfo2",
        |b| row(b, Omitted, false, true, Info2),
    ),
    case(
        "4.3.14.2.1-20",
        "activation code, extended EUICCInfo2",
        |b| row(b, ActivationCode, false, false, Info2),
    ),
    case("4.3.14.2.1-21", "SM-DS, extended EUICCInfo2", |b| {
        row(b, Event, false, true, Info2)
    }),
];

/// What the SM-DP+ offers.
pub(super) struct Offered {
    pub(super) metadata: Vec<u8>,
    pub(super) signed: Signed<SmdpSigned2>,
    pub(super) signature: Vec<u8>,
    pub(super) pb: Leaf,
}

/// AuthenticateClient with this answer of an eUICC.
pub(in crate::conform) fn request(id: &str, response: &AuthenticateServerResponse) -> Value {
    json!({
        "transactionId": id,
        "authenticateServerResponse": base64(&response.to_der()),
    })
}

impl Bench {
    /// AuthenticateClient of an honest eUICC.
    pub(in crate::conform) fn authenticated(
        &mut self,
        euicc: &Euicc,
        started: &Started,
        matching_id: Option<&str>,
    ) -> Check<Reply> {
        let response = euicc.authenticates(euicc.signed1(&started.signed, matching_id))?;
        let id = started.signed.transaction_id.to_string();
        self.es9plus("authenticateClient", &request(&id, &response))
    }

    /// Everything up to AuthenticateClient, whose answer is verified.
    pub(super) fn offered(&mut self, euicc: &Euicc, matching_id: Option<&str>) -> Check<Offered> {
        let started = self.started(euicc)?;
        let response = euicc.authenticates(euicc.signed1(&started.signed, matching_id))?;
        let AuthenticateServerResponse::Ok(ok) = &response else {
            return crate::conform::case::fail("the suite's eUICC gives no answer");
        };
        let id = started.signed.transaction_id.to_string();
        let reply = self.es9plus("authenticateClient", &request(&id, &response))?;
        let reply = reply.ok("authenticateClient")?;
        let signed = Signed::<SmdpSigned2>::from_der(&octets(&reply, "smdpSigned2")?)?;
        same(
            "transactionId",
            &signed.transaction_id,
            &started.signed.transaction_id,
        )?;
        let pb = Leaf::read(&Certificate::from_der(&octets(&reply, "smdpCertificate")?)?)?;
        pb.is_issued_by("CERT.DPpb", &Leaf::read(&self.ci()?.0)?.key)?;
        let signature = octets(&reply, "smdpSignature2")?;
        let signature = Tlv::parse(&signature)?.value.to_vec();
        let chained = tlv(0x5F37, &ok.euicc_signature1);
        verify(
            "smdpSignature2",
            &pb.key,
            &[signed.as_bytes(), &chained],
            &signature,
        )?;
        Ok(Offered {
            metadata: octets(&reply, "profileMetadata")?,
            signed,
            signature,
            pb,
        })
    }
}

/// The order that a row is about.
fn order(bench: &mut Bench, euicc: &Euicc, by: By, code: bool, bound: bool) -> Check<Ordered> {
    let eid = euicc.eid.to_string();
    let chosen = bench.matching_id();
    bench.order(&Order {
        eid: bound.then_some(eid.as_str()),
        code: code.then_some("4711"),
        matching_id: match by {
            ActivationCode => None,
            Omitted | Empty => Some(""),
            Event => Some(&chosen),
        },
        ..Order::default()
    })
}

fn row(bench: &mut Bench, by: By, code: bool, bound: bool, more: More) -> Check {
    let mut euicc = bench.euicc()?;
    match more {
        Nothing => {}
        DeviceInfo => euicc.device.extensions.0.push(Extension {
            before: 3,
            element: hex("8B0101"),
        }),
        Capability => euicc.info2.uicc_capability = BitString::of(&[1, 2, 3, 30]),
        Info2 => euicc.info2.extensions.0.push(Extension {
            before: 24,
            element: hex("9F500101"),
        }),
    }
    let ordered = order(bench, &euicc, by, code, bound)?;
    let asked = match by {
        Omitted => None,
        Empty => Some(""),
        ActivationCode | Event => Some(ordered.matching_id.as_str()),
    };
    let offered = bench.offered(&euicc, asked)?;
    same("ccRequiredFlag", offered.signed.cc_required_flag, code)?;
    same(
        "bppEuiccOtpk",
        offered.signed.bpp_euicc_otpk.is_some(),
        false,
    )?;
    let metadata = StoreMetadataRequest::from_der(&offered.metadata)?;
    let iccid = super::euicc::iccid(&ordered.iccid)?;
    same("iccid in the metadata", metadata.iccid, iccid)
}
