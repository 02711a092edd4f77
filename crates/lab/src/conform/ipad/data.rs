//! Data requests and triggers: IPA-05, -35, -36, -40 to -43, -60.

use rsp_asn1::sgp32::{IpaEuiccData, IpaEuiccDataResponse};
use rsp_asn1::{Asn1, Tlv};

use super::bench::{Bench, Round, Script};
use crate::conform::case::{Case, Check, case, ensure, fail, same, some};
use crate::conform::der::{hex, shown, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("IPA-05", "a request for data with all tags", everything),
    case("IPA-35", "a trigger without data", |b| {
        bad_trigger(b, "BF5404820277 02")
    }),
    case("IPA-36", "a trigger whose activation code is none", |b| {
        bad_trigger(b, "BF540BA0058003414243820277 03")
    }),
    case("IPA-40", "tags that may not be asked for", wrong_tags),
    case("IPA-41", "a CI that the eUICC does not have", unknown_ci),
    case("IPA-42", "the beginning of a CI's identifier", truncated_ci),
    case("IPA-43", "tags of v1.0", legacy),
    case("IPA-60", "capabilities", capabilities),
];

/// IpaEuiccDataRequest with these members.
fn asked(bench: &mut Bench, members: &[u8]) -> Check<Round> {
    let device = bench.device()?;
    let round = bench.round(&device, Script::new([tlv(0xBF52, members)]))?;
    same("results provided", round.sent("BF50").len(), 1)?;
    Ok(round)
}

fn data(bench: &mut Bench, members: &[u8]) -> Check<IpaEuiccData> {
    let round = asked(bench, members)?;
    match IpaEuiccDataResponse::from_der(&round.result()?)? {
        IpaEuiccDataResponse::Ok(data) => Ok(data),
        IpaEuiccDataResponse::Error(error) => fail(format!(
            "the request is refused: {}",
            error.ipa_euicc_data_error_code
        )),
    }
}

fn tags(list: &str) -> Vec<u8> {
    [tlv(0x5C, &hex(list)), hex("83020901")].concat()
}

fn everything(bench: &mut Bench) -> Check {
    let data = data(bench, &tags("A081A2BF20BF228384A5A6A8A9"))?;
    some("euiccInfo1", data.euicc_info1.as_ref())?;
    some("euiccInfo2", data.euicc_info2.as_ref())?;
    some("eumCertificate", data.eum_certificate.as_ref())?;
    some("euiccCertificate", data.euicc_certificate.as_ref())?;
    some("ipaCapabilities", data.ipa_capabilities.as_ref())?;
    some("deviceInfo", data.device_info.as_ref())?;
    let id = some("eimTransactionId", data.eim_transaction_id)?;
    same("eimTransactionId", shown(id.as_bytes()).as_str(), "0901")
}

/// A trigger that cannot be carried out.
fn bad_trigger(bench: &mut Bench, trigger: &str) -> Check {
    let device = bench.device()?;
    let round = bench.round(&device, Script::new([hex(trigger)]))?;
    let result = round.result()?;
    same("tag of the result", Tlv::parse(&result)?.tag.get(), 0xA0)?;
    let found = shown(&result);
    ensure(
        found.ends_with("020101"),
        &format!("{found}: invalidPackageFormat (1)"),
    )
}

/// The code of a refused request.
fn code(bench: &mut Bench, members: &[u8]) -> Check<i64> {
    let round = asked(bench, members)?;
    match IpaEuiccDataResponse::from_der(&round.result()?)? {
        IpaEuiccDataResponse::Error(error) => Ok(error.ipa_euicc_data_error_code.0),
        IpaEuiccDataResponse::Ok(_) => fail("the request is answered instead of refused"),
    }
}

fn wrong_tags(bench: &mut Bench) -> Check {
    same("for an unknown tag", code(bench, &tags("DF7F"))?, 1)?;
    same("for the EID", code(bench, &tags("5A"))?, 1)
}

fn unknown_ci(bench: &mut Bench) -> Check {
    let members = [tlv(0x5C, &hex("A5A6")), tlv(0x04, &[0x55; 20])].concat();
    same("the error", code(bench, &members)?, 5)
}

fn truncated_ci(bench: &mut Bench) -> Check {
    let info = data(bench, &tags("BF20"))?.euicc_info1;
    let info = some("euiccInfo1", info)?;
    let ci = some("a CI", info.euicc_ci_pk_id_list_for_signing.first())?;
    let start = some("four octets", ci.get(..4))?;
    let members = [tlv(0x5C, &hex("A5A6")), tlv(0x04, start)].concat();
    some("euiccCertificate", data(bench, &members)?.euicc_certificate).map(drop)
}

fn legacy(bench: &mut Bench) -> Check {
    let data = data(bench, &tags("80BF20BF228384A5A688A9BF2B"))?;
    some("euiccInfo1", data.euicc_info1)?;
    some("euiccCertificate", data.euicc_certificate)?;
    some("ipaCapabilities, asked for as 88", data.ipa_capabilities).map(drop)
}

fn capabilities(bench: &mut Bench) -> Check {
    let capabilities = data(bench, &tags("A8"))?.ipa_capabilities;
    let features = some("ipaCapabilities", capabilities)?.ipa_features;
    ensure(
        features.bit(0) || features.bit(1),
        "downloads are possible, directly or through the eIM",
    )
}
