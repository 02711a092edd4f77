//! Fallback and emergency profiles: EUI-22, -23, -39 to -41, -44.

use rsp_asn1::Tlv;

use super::bench::{Bench, P1, P2, P3};
use super::eim::{Eim, on};
use super::server::Contents;
use crate::conform::case::{Case, Check, case, ensure, same};
use crate::conform::der::{hex, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EUI-22", "setFallbackAttribute", set),
    case("EUI-23", "unsetFallbackAttribute", unset),
    case("EUI-39", "ExecuteFallbackMechanism: its checks", execute),
    case("EUI-40", "ReturnFromFallback", back),
    case(
        "EUI-41",
        "delete of the profile to return to",
        delete_return,
    ),
    case("EUI-44", "emergency profile", emergency),
];

/// P1 enabled, P2 may be the fallback profile, P3 may not.
fn candidates(bench: &mut Bench) -> Check<Eim> {
    bench.fresh()?;
    bench.needs_fallback()?;
    bench.install(P1)?;
    let mut allowed = Contents::of(P2)?;
    allowed.metadata.fallback_allowed = Some(true);
    bench.install_with(&allowed)?;
    bench.install(P3)?;
    let mut eim = bench.associate("eimA", false)?;
    bench.enabled(&mut eim, P1)?;
    bench.clear()?;
    Ok(eim)
}

/// ... and P2 is.
fn chosen(bench: &mut Bench) -> Check<Eim> {
    let mut eim = candidates(bench)?;
    bench.expect(&mut eim, "setFallbackAttribute", &on(0xA8, P2)?, "8D0100")?;
    Ok(eim)
}

/// ... and enabled by ExecuteFallbackMechanism.
fn fallen_back(bench: &mut Bench) -> Check<Eim> {
    let eim = chosen(bench)?;
    same("ExecuteFallbackMechanism", switch(bench, 0xBF5D)?, 0)?;
    same("P2 enabled", bench.is_enabled(P2)?, true)?;
    Ok(eim)
}

/// A function with a refreshFlag; gives its code.
fn switch(bench: &mut Bench, tag: u32) -> Check<i64> {
    let answer = bench.es10(&tlv(tag, &hex("8001FF")))?;
    let answer = Tlv::parse(&answer)?;
    same("tag of the answer", answer.tag.get(), tag)?;
    let code = answer
        .reader()
        .tlv()?
        .value
        .iter()
        .fold(0, |n, o| n << 8 | i64::from(*o));
    bench.power_cycle()?;
    Ok(code)
}

fn set(bench: &mut Bench) -> Check {
    let mut eim = candidates(bench)?;
    bench.expect(
        &mut eim,
        "of a profile that allows it",
        &on(0xA8, P2)?,
        "8D0100",
    )?;
    let list = bench.profile_list()?;
    let p2 = P2.parse().ok();
    let chosen = list.iter().find(|profile| profile.iccid == p2);
    ensure(
        chosen.is_some_and(|profile| profile.fallback_attribute),
        "the list tells the fallback attribute of P2",
    )?;
    bench.expect(&mut eim, "again", &on(0xA8, P2)?, "8D0100")?;
    bench.expect(&mut eim, "of one that does not", &on(0xA8, P3)?, "8D0102")?;
    bench.expect(
        &mut eim,
        "of an unknown one",
        &on(0xA8, "89000000000000001044")?,
        "8D0101",
    )?;
    let mut other = fallen_back(bench)?;
    bench
        .expect(&mut other, "while it is enabled", &on(0xA8, P2)?, "8D0103")
        .or_else(|_| bench.expect(&mut other, "of the same", &on(0xA8, P2)?, "8D0100"))
}

fn unset(bench: &mut Bench) -> Check {
    let mut eim = candidates(bench)?;
    bench.expect(&mut eim, "while none is set", &hex("A900"), "8E0102")?;
    bench.expect(&mut eim, "setFallbackAttribute", &on(0xA8, P2)?, "8D0100")?;
    bench.expect(&mut eim, "while one is set", &hex("A900"), "8E0100")?;
    bench.expect(&mut eim, "a second time", &hex("A900"), "8E0102")
}

fn execute(bench: &mut Bench) -> Check {
    let mut eim = candidates(bench)?;
    same("without the attribute", switch(bench, 0xBF5D)?, 6)?;
    bench.expect(&mut eim, "setFallbackAttribute", &on(0xA8, P2)?, "8D0100")?;
    bench.expect(&mut eim, "disable", &on(0xA4, P1)?, "840100")?;
    same("without an enabled profile", switch(bench, 0xBF5D)?, 7)?;
    bench.enabled(&mut eim, P1)?;
    same("with both", switch(bench, 0xBF5D)?, 0)?;
    same("P2 enabled", bench.is_enabled(P2)?, true)?;
    same("P1 enabled", bench.is_enabled(P1)?, false)?;
    same("a second time", switch(bench, 0xBF5D)?, 2)
}

fn back(bench: &mut Bench) -> Check {
    chosen(bench)?;
    same("before", switch(bench, 0xBF5E)?, 6)?;
    same("ExecuteFallbackMechanism", switch(bench, 0xBF5D)?, 0)?;
    same("ReturnFromFallback", switch(bench, 0xBF5E)?, 0)?;
    same("P1 enabled", bench.is_enabled(P1)?, true)?;
    same("a second time", switch(bench, 0xBF5E)?, 6)
}

fn delete_return(bench: &mut Bench) -> Check {
    let mut eim = fallen_back(bench)?;
    bench.expect(&mut eim, "delete of P1", &on(0xA5, P1)?, "850115")
}

fn emergency(bench: &mut Bench) -> Check {
    bench.fresh()?;
    bench.needs_ecall()?;
    bench.install(P1)?;
    let mut ecall = Contents::of(P2)?;
    ecall.metadata.ecall_indication = Some(true);
    bench.install_with(&ecall)?;
    let mut eim = bench.associate("eimA", false)?;
    bench.enabled(&mut eim, P1)?;
    bench.clear()?;
    same("EnableEmergencyProfile", switch(bench, 0xBF5B)?, 0)?;
    same("P2 enabled", bench.is_enabled(P2)?, true)?;
    same("notifications of it", bench.notifications()?.len(), 0)?;
    let eid = *bench.about()?.eid.as_bytes();
    let signed = eim.to_be_signed(&eid, eim.counter + 1, &tlv(0xA0, &hex("BF2D00")));
    let request = eim.sign(&signed, None)?;
    let code = bench.send_package(&request, None)?.error()?;
    same("a package meanwhile", code, 104)?;
    same("DisableEmergencyProfile", switch(bench, 0xBF5C)?, 0)?;
    same("P1 enabled", bench.is_enabled(P1)?, true)
}
