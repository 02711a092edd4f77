//! What the eUICC says of itself: EUI-01, -02, -47.

use rsp_asn1::rsp::EuiccInfo1;
use rsp_asn1::sgp32::GetCertsResponse;
use rsp_asn1::{Asn1, Tlv};

use super::bench::Bench;
use crate::conform::case::{Case, Check, case, ensure, fail, same, some};
use crate::conform::der::{Leaf, hex, same_octets, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EUI-01", "SELECT ISD-R gives an FCI", select),
    case("EUI-02", "GetEID, GetEUICCInfo1 and 2", information),
    case(
        "EUI-47",
        "GetCerts: none, a CI, an unknown one",
        certificates,
    ),
];

fn select(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let fci = bench.open()?;
    let fci = Tlv::parse(&fci)?;
    same("tag of the FCI", fci.tag.get(), 0x6F)?;
    let mut members = fci.reader();
    let mut tags = Vec::new();
    while !members.is_empty() {
        tags.push(members.tlv()?.tag.get());
    }
    ensure(tags.contains(&0x84), "the FCI holds '84', the AID")?;
    ensure(tags.contains(&0xE0), "the FCI holds 'E0'")?;
    ensure(tags.contains(&0xE1), "the FCI holds 'E1', the IoT template")
}

fn information(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let eid = bench.about()?.eid;
    ensure(
        eid.has_valid_check_digits(),
        "the EID has valid check digits",
    )?;
    let info1 = EuiccInfo1::from_der(&bench.es10(&hex("BF2000"))?)?;
    let info2 = &bench.about()?.info2;
    same("svn of EUICCInfo1 and 2", info1.svn, info2.svn)?;
    let signing = &info1.euicc_ci_pk_id_list_for_signing;
    ensure(!signing.is_empty(), "a CI key for signing is named")?;
    same(
        "CI keys for signing",
        signing,
        &info2.euicc_ci_pk_id_list_for_signing,
    )?;
    let iot = some("IoTSpecificInfo (B4)", info2.iot_specific_info.as_ref())?;
    ensure(
        !iot.iot_version.is_empty(),
        "IoTSpecificInfo names a version",
    )?;
    some("ipaMode (90)", info2.ipa_mode).map(drop)
}

fn certificates(bench: &mut Bench) -> Check {
    bench.fresh()?;
    let about = bench.about()?.clone();
    let first = bench.es10(&hex("BF5600"))?;
    let GetCertsResponse::Certs(certs) = GetCertsResponse::from_der(&first)? else {
        return fail("GetCerts without a CI is refused");
    };
    let (euicc, eum) = (
        Leaf::read(&certs.euicc_certificate)?,
        Leaf::read(&certs.eum_certificate)?,
    );
    euicc.is_issued_by("CERT.EUICC", &eum.key)?;
    let digits = about.eid.to_string();
    ensure(
        euicc.names(&digits),
        "CERT.EUICC holds the EID in its subject",
    )?;
    if let Some(authority) = &bench.authority {
        let ci = Leaf::read(&authority.certificate)?;
        eum.is_issued_by("CERT.EUM", &ci.key)?;
    }
    let signing = about.info2.euicc_ci_pk_id_list_for_signing.first();
    let named = tlv(0xBF56, &tlv(0x80, some("a CI key for signing", signing)?));
    let by_ci = GetCertsResponse::from_der(&bench.es10(&named)?)?;
    ensure(
        matches!(by_ci, GetCertsResponse::Certs(_)),
        "GetCerts for the first CI key for signing gives certificates",
    )?;
    let unknown = bench.es10(&tlv(0xBF56, &tlv(0x80, &[0x55; 20])))?;
    same_octets("GetCerts for an unknown CI", &unknown, "BF5603810101")
}
