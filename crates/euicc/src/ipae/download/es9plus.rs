//! The messages of a download from the SM-DP+ itself: ES9+ in JSON (SGP.22 5.6,
//! 6.5.2).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::{Tag, Tlv};

use super::{Offered, Started};
use crate::ipae::base64;
use crate::ipae::http::Message;
use crate::ipae::json::{self, Reader};

/// The member that may be longer than the card can keep.
pub(in crate::ipae) const PACKAGE: &str = "boundProfilePackage";

const SIGNATURE: Tag = Tag::new(0x5F37);

pub(super) fn initiate(challenge: &[u8; 16], info1: &[u8], address: &str) -> Message {
    let members = [
        ("euiccChallenge", base64::encode(challenge)),
        ("euiccInfo1", base64::encode(info1)),
        ("smdpAddress", address.to_string()),
    ];
    Message::Es9plus("initiateAuthentication", json::object(&members))
}

/// A function that takes the card's answer to something, under its name.
fn with_answer(
    function: &'static str,
    session: &TransactionId,
    name: &str,
    answer: &[u8],
) -> Message {
    let members = [
        ("transactionId", session.to_string()),
        (name, base64::encode(answer)),
    ];
    Message::Es9plus(function, json::object(&members))
}

pub(super) fn authenticate(session: &TransactionId, answer: &[u8]) -> Message {
    let name = "authenticateServerResponse";
    with_answer("authenticateClient", session, name, answer)
}

pub(super) fn get_package(session: &TransactionId, answer: &[u8]) -> Message {
    let name = "prepareDownloadResponse";
    with_answer("getBoundProfilePackage", session, name, answer)
}

pub(super) fn cancel(session: &TransactionId, answer: &[u8]) -> Message {
    let name = "cancelSessionResponse";
    with_answer("cancelSession", session, name, answer)
}

/// HandleNotification.
pub(in crate::ipae) fn notification(der: &[u8]) -> Message {
    let members = [("pendingNotification", base64::encode(der))];
    Message::Es9plus("handleNotification", json::object(&members))
}

/// Whether the function was executed; otherwise the status codes.
pub(super) fn executed(reply: &Reader) -> Result<(), String> {
    const STATUS: &str = "header.functionExecutionStatus";
    let member = |name: &str| reply.text(&format!("{STATUS}.{name}")).unwrap_or("?");
    match member("status") {
        "Executed-Success" | "Executed-WithWarning" => Ok(()),
        _ => Err(format!(
            "the SM-DP+ refuses: {}/{}",
            member("statusCodeData.subjectCode"),
            member("statusCodeData.reasonCode")
        )),
    }
}

pub(super) fn started(reply: &Reader) -> Option<Started> {
    Some(Started {
        transaction_id: reply.text("transactionId")?.parse().ok()?,
        server_signed1: reply.der("serverSigned1")?,
        server_signature1: signature(reply, "serverSignature1")?,
        ci: reply.der("euiccCiPKIdToBeUsed")?,
        server_certificate: reply.der("serverCertificate")?,
        matching_id: None,
        ctx_params1: None,
    })
}

pub(super) fn offered(reply: &Reader) -> Option<Offered> {
    Some(Offered {
        metadata: Some(reply.der("profileMetadata")?),
        smdp_signed2: reply.der("smdpSigned2")?,
        smdp_signature2: signature(reply, "smdpSignature2")?,
        smdp_certificate: reply.der("smdpCertificate")?,
        hash_cc: None,
    })
}

/// A signature with or without its data object.
fn signature(reply: &Reader, name: &str) -> Option<Vec<u8>> {
    let octets = reply.octets(name)?;
    match Tlv::parse(&octets) {
        Ok(tlv) if tlv.tag == SIGNATURE => Some(tlv.value.to_vec()),
        _ => Some(octets),
    }
}
