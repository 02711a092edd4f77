//! ES9+.GetBoundProfilePackage: SGP.23 4.3.13.2.1, .2 and .10.

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    BoundProfilePackage, DownloadErrorCode, PrepareDownloadResponse, PrepareDownloadResponseError,
};
use rsp_asn1::{Asn1, Extensions};
use serde_json::{Value, json};

use super::authenticate::Offered;
use super::bench::{Bench, Order};
use super::euicc::Euicc;
use super::http::{Reply, base64, octets};
use super::open::{Opened, open};
use crate::conform::case::{Case, Check, case, ensure, same};
use crate::conform::der::shown;

pub(super) const CASES: &[Case<Bench>] = &[
    case("4.3.13.2.1-01", "session keys", |b| {
        nominal(b, false, false)
    }),
    case("4.3.13.2.1-02", "session keys, confirmation code", |b| {
        nominal(b, true, false)
    }),
    case(
        "4.3.13.2.1-03",
        "metadata: in one segment or in several",
        pieces,
    ),
    case("4.3.13.2.2-01", "keys of the profile (PPK)", |b| {
        nominal(b, false, true)
    }),
    case(
        "4.3.13.2.2-02",
        "keys of the profile, confirmation code",
        |b| nominal(b, true, true),
    ),
    case("4.3.13.2.10-01", "euiccSignature2 is wrong", signature),
    case("4.3.13.2.10-02", "transactionId is unknown", unknown),
    case(
        "4.3.13.2.10-03",
        "transactionId signed is another",
        other_transaction,
    ),
    case("4.3.13.2.10-04", "the confirmation code is missing", |b| {
        code(b, None, "8.2.7/2.2")
    }),
    case("4.3.13.2.10-05", "the confirmation code is wrong", |b| {
        code(b, Some("0815"), "8.2.7/3.8")
    }),
    case("4.3.13.2.10-06", "the eUICC could not prepare", could_not),
];

pub(super) fn request(id: &TransactionId, response: &PrepareDownloadResponse) -> Value {
    json!({
        "transactionId": id.to_string(),
        "prepareDownloadResponse": base64(&response.to_der()),
    })
}

impl Bench {
    /// GetBoundProfilePackage of an honest eUICC.
    pub(super) fn get_package(&mut self, euicc: &Euicc, offered: &Offered) -> Check<Reply> {
        let id = &offered.signed.transaction_id;
        let response = euicc.prepares(id, &offered.signature)?;
        self.es9plus("getBoundProfilePackage", &request(id, &response))
    }

    /// ... which is delivered, opened and compared with the metadata.
    pub(super) fn opened(&mut self, euicc: &Euicc, offered: &Offered) -> Check<Opened> {
        let reply = self
            .get_package(euicc, offered)?
            .ok("getBoundProfilePackage")?;
        let package = octets(&reply, "boundProfilePackage")?;
        opened(&package, euicc, offered)
    }
}

/// Opens a package and compares it with what was offered.
pub(super) fn opened(package: &[u8], euicc: &Euicc, offered: &Offered) -> Check<Opened> {
    let package = BoundProfilePackage::from_der(package)?;
    let channel = &package.initialise_secure_channel_request;
    same(
        "transactionId",
        &channel.transaction_id,
        &offered.signed.transaction_id,
    )?;
    same("remoteOpId", channel.remote_op_id, 1)?;
    let opened = open(&package, euicc, &offered.pb.key)?;
    same(
        "StoreMetadata",
        shown(&opened.metadata),
        shown(&offered.metadata),
    )?;
    Ok(opened)
}

/// An order, with a confirmation code that the end user knows, and its offer.
fn offer(bench: &mut Bench, code: bool, profile_type: Option<&str>) -> Check<(Euicc, Offered)> {
    let mut euicc = bench.euicc()?;
    let ordered = bench.order(&Order {
        code: code.then_some("4711"),
        profile_type,
        ..Order::default()
    })?;
    euicc.code = code.then(|| "4711".to_string());
    let offered = bench.offered(&euicc, Some(&ordered.matching_id))?;
    Ok((euicc, offered))
}

fn nominal(bench: &mut Bench, code: bool, own_keys: bool) -> Check {
    let protected = bench.settings.protected_type.clone();
    let protected = match own_keys {
        true => Some(bench.special(&protected, "whose profiles have keys of their own")?),
        false => None,
    };
    let (euicc, offered) = offer(bench, code, protected.as_deref())?;
    let opened = bench.opened(&euicc, &offered)?;
    if own_keys {
        ensure(opened.replaced, "ReplaceSessionKeys is there")?;
    }
    let first = rsp_asn1::Tlv::parse(&opened.metadata)?;
    same("tag of the metadata", first.tag.get(), 0xBF25)?;
    let mut elements = rsp_asn1::Reader::new(&opened.profile);
    let mut count = 0;
    while !elements.is_empty() {
        elements.tlv()?;
        count += 1;
    }
    ensure(count >= 2, "the profile has a header and an end")
}

fn pieces(bench: &mut Bench) -> Check {
    let (euicc, offered) = offer(bench, false, None)?;
    let opened = bench.opened(&euicc, &offered)?;
    let needed = opened.metadata.len().div_ceil(1008).max(1);
    ensure(
        opened.pieces >= needed,
        "no segment of metadata has more than 1008 octets",
    )
}

fn signature(bench: &mut Bench) -> Check {
    let (mut euicc, offered) = offer(bench, false, None)?;
    euicc.key = bench.euicc()?.key;
    let reply = bench.get_package(&euicc, &offered)?;
    reply.refused_with("getBoundProfilePackage", "8.1/6.1")
}

fn unknown(bench: &mut Bench) -> Check {
    let (euicc, offered) = offer(bench, false, None)?;
    let other = TransactionId::from_bytes(&[9; 8])?;
    let response = euicc.prepares(&other, &offered.signature)?;
    let reply = bench.es9plus("getBoundProfilePackage", &request(&other, &response))?;
    reply.refused_with("getBoundProfilePackage", "8.10.1/3.9")
}

fn other_transaction(bench: &mut Bench) -> Check {
    let (euicc, offered) = offer(bench, false, None)?;
    let other = TransactionId::from_bytes(&[9; 8])?;
    let response = euicc.prepares(&other, &offered.signature)?;
    let body = request(&offered.signed.transaction_id, &response);
    let reply = bench.es9plus("getBoundProfilePackage", &body)?;
    reply.refused_with("getBoundProfilePackage", "8.10.1/3.9")
}

fn code(bench: &mut Bench, typed: Option<&str>, pair: &str) -> Check {
    let (mut euicc, offered) = offer(bench, true, None)?;
    euicc.code = typed.map(ToString::to_string);
    let reply = bench.get_package(&euicc, &offered)?;
    reply.refused_with("getBoundProfilePackage", pair)
}

fn could_not(bench: &mut Bench) -> Check {
    let (euicc, offered) = offer(bench, false, None)?;
    let id = &offered.signed.transaction_id;
    let response = PrepareDownloadResponse::Error(PrepareDownloadResponseError {
        transaction_id: id.clone(),
        download_error_code: DownloadErrorCode::UNDEFINED_ERROR,
        extensions: Extensions::default(),
    });
    bench.es9plus("getBoundProfilePackage", &request(id, &response))?;
    // Whatever it was answered with, the session has ended.
    let reply = bench.get_package(&euicc, &offered)?;
    reply.refused_with("getBoundProfilePackage", "8.10.1/3.9")
}
