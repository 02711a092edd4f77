//! Packages and their results: IPA-03, -25 to -27, -31 to -34, -51 to -53.

use rsp_asn1::{Asn1, Tag, Tlv, Writer};

use super::bench::{Bench, Device, EIM, P2, Round, Script, Way};
use crate::conform::case::{Case, Check, case, ensure, one_of, same, skip};
use crate::conform::der::{hex, shown, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("IPA-03", "a eUICC Package that enables a profile", enable),
    case(
        "IPA-25",
        "the octets of a package stay as they are",
        untouched,
    ),
    case("IPA-26", "no PSMO that changes a profile", plain),
    case("IPA-27", "no notifications: a bare result", plain),
    case("IPA-31", "empty answers in both forms", empty_answers),
    case("IPA-32", "the eIM refuses a result", refused),
    case("IPA-33", "a package of an unknown kind", unknown_kind),
    case("IPA-34", "a package that cannot be read", unreadable),
    case(
        "IPA-51",
        "a notification that the eIM refuses stays",
        refused_notification,
    ),
    case(
        "IPA-52",
        "a notification is removed after 204",
        taken_notification,
    ),
];

/// enable of P2.
fn enable_p2() -> Check<Vec<u8>> {
    let iccid: rsp_asn1::ids::Iccid = P2.parse()?;
    Ok(tlv(0xA3, &tlv(0x5A, iccid.as_swapped())))
}

fn run(bench: &mut Bench, items: &[u8]) -> Check<(Device, Round)> {
    let device = bench.device()?;
    let package = bench.package(&device, 1, items)?;
    let round = bench.round(&device, Script::new([package]))?;
    Ok((device, round))
}

fn enable(bench: &mut Bench) -> Check {
    let (_, round) = run(bench, &enable_p2()?)?;
    let result = shown(&round.result()?);
    ensure(
        result.contains("830100"),
        &format!("the result is provided: {result}"),
    )?;
    ensure(
        result.starts_with("30") || result.starts_with("BF51"),
        "alone or with notifications",
    )?;
    ensure(
        round.count("BF30") > 0,
        "what the eIM acknowledged is removed (BF30)",
    )
}

fn untouched(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    // A length in more octets than necessary is no DER, but it is signed.
    let mut out = Writer::new();
    out.constructed(Tag::SEQUENCE, |out| {
        out.primitive(Tag::new(0x80), EIM.as_bytes());
        out.primitive(Tag::new(0x5A), device.eid.as_bytes());
        1_i64.encode_tagged(Tag::new(0x81), out);
        out.raw(&hex("A08103BF2D00"));
    });
    let package = bench.sign(&out.into_bytes())?;
    let round = bench.round(&device, Script::new([package.clone()]))?;
    let found = round.commands().contains(&package);
    ensure(found, "the card gets the very octets that the eIM signed")
}

fn plain(bench: &mut Bench) -> Check {
    let (_, round) = run(bench, &hex("BF2D00"))?;
    let result = round.result()?;
    let first = Tlv::parse(&result)?;
    if first.tag == Tag::SEQUENCE {
        let list = shown(&result);
        return ensure(!list.ends_with("A000"), "no empty list of notifications");
    }
    same("tag of the result", first.tag.get(), 0xBF51)
}

fn empty_answers(bench: &mut Bench) -> Check {
    for answer in ["BF5000", "BF50023000"] {
        let device = bench.device()?;
        let package = bench.package(&device, 1, &hex("BF2D00"))?;
        let mut script = Script::new([package]);
        script.provided = Some((200, hex(answer)));
        let round = bench.round(&device, script)?;
        same("results provided", round.sent("BF50").len(), 1)?;
        ensure(
            round.sent("BF4F").len() >= 2,
            &format!("after {answer} the round goes on"),
        )?;
    }
    Ok(())
}

fn refused(bench: &mut Bench) -> Check {
    for code in [2, 3, 4, 127] {
        let device = bench.device()?;
        let package = bench.package(&device, 1, &hex("BF2D00"))?;
        let mut script = Script::new([package]);
        script.provided = Some((200, tlv(0xBF50, &[2, 1, code])));
        let round = bench.round(&device, script)?;
        same(
            &format!("removals after error {code}"),
            round.count("BF30"),
            0,
        )?;
    }
    Ok(())
}

/// The code of an eimPackageResultResponseError.
fn error(round: &Round) -> Check<String> {
    let result = round.result()?;
    same("tag of the result", Tlv::parse(&result)?.tag.get(), 0xA0)?;
    Ok(shown(&result))
}

fn unknown_kind(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let round = bench.round(&device, Script::new([hex("BF5F03800101")]))?;
    let found = error(&round)?;
    ensure(
        found.ends_with("020102"),
        &format!("{found}: unknownPackage (2)"),
    )
}

fn unreadable(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let round = bench.round(&device, Script::new([hex("BF5103800101")]))?;
    let found = error(&round)?;
    ensure(
        found.ends_with("020101"),
        &format!("{found}: invalidPackageFormat (1)"),
    )
}

/// A card with notifications: P2 was enabled, and the eIM took the result alone.
fn with_notifications(bench: &mut Bench, status: u16) -> Check<Round> {
    let device = bench.device()?;
    let package = bench.package(&device, 1, &enable_p2()?)?;
    let mut script = Script::new([package]);
    script.notified = status;
    // An IPAd without a way of its own gives them to the eIM.
    script.wish.way = Way::Indirect;
    bench.round(&device, script)
}

fn refused_notification(bench: &mut Bench) -> Check {
    let round = with_notifications(bench, 500)?;
    if round.sent("BF3D").is_empty() && !shown(&round.result()?).starts_with("30") {
        return skip("the IPAd takes notifications to the SM-DP+ by itself");
    }
    // The result was acknowledged and removed; nothing else may be.
    one_of("removals", &round.count("BF30"), &[0, 1])
}

fn taken_notification(bench: &mut Bench) -> Check {
    let round = with_notifications(bench, 204)?;
    let sent = round.sent("BF3D").len();
    if sent == 0 {
        return skip("the IPAd sends notifications with results, or to the SM-DP+ by itself");
    }
    ensure(
        round.count("BF30") > sent.min(1),
        "each notification that was taken is removed",
    )
}
