//! Immediate profile enabling: EUI-21, -42, -43.

use rsp_asn1::Asn1;
use rsp_asn1::rsp::FinalResult;
use rsp_asn1::sgp32::ImmediateEnableResponse;

use super::bench::{Bench, P1};
use super::server::{Contents, OID};
use crate::conform::case::{Case, Check, case, ensure, same, skip};
use crate::conform::der::{hex, same_octets, tlv};
use rsp_asn1::Oid;

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "EUI-21",
        "configureImmediateEnable, set and cleared",
        configured,
    ),
    case(
        "EUI-42",
        "ImmediateEnable after an installation",
        after_install,
    ),
    case(
        "EUI-43",
        "ConfigureImmediateProfileEnabling while an eIM is there",
        by_ipa,
    ),
];

/// ImmediateEnable; gives its code.
fn immediate(bench: &mut Bench) -> Check<i64> {
    let answer = bench.es10(&hex("BF5A038001FF"))?;
    let code = ImmediateEnableResponse::from_der(&answer)?;
    bench.power_cycle()?;
    Ok(code.immediate_enable_result.0)
}

/// Skips the case on a card without ImmediateEnable, which is optional.
fn supported(bench: &mut Bench) -> Check {
    match bench.function(&hex("BF5A038001FF"))?.1 {
        0x9000 => Ok(()),
        status => skip(format!("ImmediateEnable is answered with {status:04X}")),
    }
}

fn install(bench: &mut Bench) -> Check {
    let result = bench.download(&Contents::of(P1)?)?;
    let installed = matches!(result, FinalResult::Success(_));
    ensure(installed, &format!("{result:?}: the profile is installed"))
}

fn configured(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    supported(bench)?;
    bench.expect(&mut eim, "with the flag", &hex("A7028000"), "870100")?;
    install(bench)?;
    same("ImmediateEnable", immediate(bench)?, 0)?;
    same("P1 enabled", bench.is_enabled(P1)?, true)?;
    let mut eim = bench.with_eim()?;
    bench.expect(&mut eim, "with the flag", &hex("A7028000"), "870100")?;
    bench.expect(&mut eim, "without", &hex("A700"), "870100")?;
    install(bench)?;
    same("ImmediateEnable after clearing", immediate(bench)?, 1)?;
    same("P1 enabled", bench.is_enabled(P1)?, false)
}

fn after_install(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    supported(bench)?;
    let server: Oid = OID.parse()?;
    let named = |oid: &[u8]| tlv(0xA7, &[hex("8000"), tlv(0x81, oid)].concat());
    bench.expect(
        &mut eim,
        "for this SM-DP+",
        &named(server.as_bytes()),
        "870100",
    )?;
    same("without a session", immediate(bench)?, 4)?;
    install(bench)?;
    same("ImmediateEnable", immediate(bench)?, 0)?;
    same("P1 enabled", bench.is_enabled(P1)?, true)?;
    let mut eim = bench.with_eim()?;
    let other: Oid = "2.999.99".parse()?;
    bench.expect(
        &mut eim,
        "for another SM-DP+",
        &named(other.as_bytes()),
        "870100",
    )?;
    install(bench)?;
    same("ImmediateEnable for another OID", immediate(bench)?, 1)
}

fn by_ipa(bench: &mut Bench) -> Check {
    bench.fresh()?;
    supported(bench)?;
    let first = bench.es10(&hex("BF59028000"))?;
    same_octets("while no eIM is there", &first, "BF5903800100")?;
    bench.associate("eimA", false)?;
    let second = bench.es10(&hex("BF59028000"))?;
    same_octets("while an eIM is there", &second, "BF5903800102")
}
