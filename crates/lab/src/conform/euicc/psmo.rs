//! Profile state management operations: EUI-03 to -07, -17, -20, -24.

use super::bench::{Bench, P1, P2, P3};
use super::eim::{enable_with_rollback, on};
use super::server::Contents;
use crate::conform::case::{Case, Check, Stop, case, ensure, same, skip};
use crate::conform::der::{hex, same_octets, shown, tlv};
use rsp_asn1::rsp::{OperatorId, ProfilePolicyAuthorisationRule};
use rsp_asn1::{Asn1, BitString, Extensions, Tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "EUI-03",
        "enable, by eUICC Package (SGP.33-1 4.2.31)",
        enable,
    ),
    case(
        "EUI-04",
        "disable, by eUICC Package (SGP.33-1 4.2.32)",
        disable,
    ),
    case(
        "EUI-05",
        "delete, by eUICC Package (SGP.33-1 4.2.33)",
        delete,
    ),
    case("EUI-06", "result codes of enable, disable, delete", codes),
    case("EUI-07", "the first failure ends the list", first_failure),
    case("EUI-16", "two enables in one package", two_enables),
    case("EUI-17", "a list after an enable", list_after_enable),
    case("EUI-20", "getRAT", rat),
    case("EUI-24", "setDefaultDpAddress", default_address),
    case(
        "EUI-37",
        "rollbackFlag without an enabled profile",
        no_way_back,
    ),
    case(
        "EUI-38",
        "delete of the profile to roll back to",
        delete_way_back,
    ),
];

fn enable(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let (results, number) = bench.numbered(&mut eim, &tlv(0xA0, &on(0xA3, P2)?))?;
    let results: Vec<u8> = results.iter().flat_map(Asn1::to_der).collect();
    same_octets("the result", &results, "830100")?;
    bench.power_cycle()?;
    same("P2 enabled", bench.is_enabled(P2)?, true)?;
    same("P1 enabled", bench.is_enabled(P1)?, false)?;
    let events = bench.events()?;
    ensure(
        events.contains(&(1, P2.parse()?)),
        "a notification of enabling P2",
    )?;
    ensure(
        events.contains(&(2, P1.parse()?)),
        "a notification of disabling P1",
    )?;
    ensure(
        bench.result_numbers()?.contains(&number),
        "the result is stored",
    )
}

fn disable(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    bench.expect(&mut eim, "disable", &on(0xA4, P1)?, "840100")?;
    same("P1 enabled", bench.is_enabled(P1)?, false)?;
    let events = bench.events()?;
    ensure(
        events.contains(&(2, P1.parse()?)),
        "a notification of disabling P1",
    )
}

fn delete(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    bench.expect(&mut eim, "delete", &on(0xA5, P2)?, "850100")?;
    same("P2 in the list", bench.has(P2)?, false)?;
    let events = bench.events()?;
    ensure(
        events.contains(&(3, P2.parse()?)),
        "a notification of deleting P2",
    )
}

fn codes(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let mut expect =
        |what: &str, items: Vec<u8>, results: &str| bench.expect(&mut eim, what, &items, results);
    expect("enable of an unknown profile", on(0xA3, P3)?, "830101")?;
    expect("disable of an unknown profile", on(0xA4, P3)?, "840101")?;
    expect("delete of an unknown profile", on(0xA5, P3)?, "850101")?;
    expect("enable of the enabled profile", on(0xA3, P1)?, "830102")?;
    expect("disable of a disabled profile", on(0xA4, P2)?, "840102")?;
    expect("delete of the enabled profile", on(0xA5, P1)?, "850102")?;
    match policy_rules(bench) {
        Err(Stop::Skipped(_)) => Ok(()), // the codes above are judged all the same
        other => other,
    }
}

/// PPR1 forbids disabling, PPR2 deletion; only where the eUICC's Rules
/// Authorisation Table lets anybody set them.
fn policy_rules(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let rat = bench.es10(&hex("BF4300"))?;
    let list = Tlv::parse(&rat)?.reader().tlv()?;
    let mut rules = list.reader();
    let mut anybody = false;
    while !rules.is_empty() {
        let rule = ProfilePolicyAuthorisationRule::from_der(rules.tlv()?.raw)?;
        anybody |= rule.ppr_ids.bit(1) && rule.ppr_ids.bit(2);
    }
    if !anybody {
        return skip("the Rules Authorisation Table allows no PPR1 and PPR2");
    }
    let mut ruled = Contents::of(P1)?;
    ruled.metadata.profile_policy_rules = Some(BitString::of(&[1, 2]));
    ruled.metadata.profile_owner = Some(OperatorId {
        mcc_mnc: "99999".parse()?,
        gid1: None,
        gid2: None,
        extensions: Extensions::default(),
    });
    bench.install_with(&ruled)?;
    bench.install(P2)?;
    bench.expect(&mut eim, "delete under PPR2", &on(0xA5, P1)?, "850103")?;
    bench.enabled(&mut eim, P1)?;
    bench.expect(&mut eim, "disable under PPR1", &on(0xA4, P1)?, "840103")?;
    bench.expect(&mut eim, "enable against PPR1", &on(0xA3, P2)?, "830103")
}

fn first_failure(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let items = [on(0xA5, P3)?, hex("A600")].concat();
    let found = shown(&bench.psmos(&mut eim, &items)?);
    let rest = found.strip_prefix("850101");
    ensure(
        matches!(rest, Some("" | "020102")),
        &format!("{found} instead of 850101, alone or with 020102"),
    )
}

fn two_enables(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    bench.install(P3)?;
    let items = [on(0xA3, P2)?, on(0xA3, P3)?].concat();
    let found = shown(&bench.psmos(&mut eim, &items)?);
    let rest = found.strip_prefix("830100");
    ensure(
        rest.is_some_and(|rest| !rest.is_empty() && rest != "830100"),
        &format!("{found}: the second enable is not refused"),
    )?;
    same("P3 enabled", bench.is_enabled(P3)?, false)
}

fn list_after_enable(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let items = [on(0xA3, P2)?, hex("BF2D00")].concat();
    let found = shown(&bench.psmos(&mut eim, &items)?);
    ensure(
        found.starts_with("830100BF2D0381010B"),
        &format!("{found}: the list is not refused with profileChangeOngoing (11)"),
    )
}

fn rat(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let found = bench.psmos(&mut eim, &hex("A600"))?;
    let found = Tlv::parse(&found)?;
    same("tag of the result", found.tag.get(), 0xA6)?;
    let mut rules = found.reader();
    while !rules.is_empty() {
        ProfilePolicyAuthorisationRule::from_der(rules.tlv()?.raw)?;
    }
    let read = bench.es10(&hex("BF4300"))?;
    let read = Tlv::parse(&read)?.reader().tlv()?;
    ensure(
        read.value == found.value,
        "getRAT gives what GetRAT on ES10b gives",
    )
}

fn default_address(bench: &mut Bench) -> Check {
    let mut eim = bench.with_eim()?;
    let address = tlv(0xBF65, &tlv(0x80, b"smdp.example.com"));
    bench.expect(&mut eim, "setDefaultDpAddress", &address, "BF6503800100")?;
    let told = bench.es10(&hex("BF3C00"))?;
    let told = Tlv::parse(&told)?.reader().tlv()?;
    same(
        "default SM-DP+ address",
        told.value,
        b"smdp.example.com".as_slice(),
    )
}

fn no_way_back(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    bench.expect(&mut eim, "disable", &on(0xA4, P1)?, "840100")?;
    let enable = enable_with_rollback(P2)?;
    bench.expect(&mut eim, "enable with rollbackFlag", &enable, "830114")?;
    same("P2 enabled", bench.is_enabled(P2)?, false)
}

fn delete_way_back(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let items = [enable_with_rollback(P2)?, on(0xA5, P1)?].concat();
    let found = shown(&bench.psmos(&mut eim, &items)?);
    ensure(
        found.starts_with("830100850114"),
        &format!("{found}: the deletion is not refused with rollbackNotAvailable (20)"),
    )
}
