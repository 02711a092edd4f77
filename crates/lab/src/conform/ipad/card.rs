//! Cards that answer otherwise than usual, and the way back: IPA-04, -28, -30,
//! -53, -55; and the JSON binding: IPA-59.

use rsp_asn1::Tlv;

use super::bench::{Bench, Device, P2, Round, Script};
use super::json;
use crate::conform::case::{Case, Check, case, ensure, same, skip};
use crate::conform::der::{hex, shown, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case(
        "IPA-04",
        "a rollback, since the eIM does not answer",
        rolled_back,
    ),
    case("IPA-28", "BF2B fails", no_list),
    case("IPA-30", "REFRESH closes the channel", refreshed),
    case("IPA-53", "BF30 finds nothing to delete", nothing_to_delete),
    case("IPA-55", "the rollback is not allowed", not_allowed),
    case("IPA-59", "the JSON binding", in_json),
];

/// enable of P2, with or without leave to go back.
fn enable_p2(rollback: bool) -> Check<Vec<u8>> {
    let iccid: rsp_asn1::ids::Iccid = P2.parse()?;
    let mut members = tlv(0x5A, iccid.as_swapped());
    if rollback {
        members.extend(hex("0500"));
    }
    Ok(tlv(0xA3, &members))
}

/// A card that answers a command of ES10 with this, and does not carry it out.
fn instead(start: &'static str, answer: &'static str) -> super::bench::CardBend {
    let start = hex(start);
    Box::new(move |command, card| match command {
        [_, 0xE2, _, _, _, data @ ..] if data.starts_with(&start) => hex(answer),
        _ => card(command),
    })
}

fn is_result(round: &Round, item: &str) -> Check {
    let sent = round.sent("BF50");
    ensure(
        sent.iter().any(|body| shown(body).contains(item)),
        &format!("a result with {item} is provided"),
    )
}

fn no_list(bench: &mut Bench) -> Check {
    for answer in ["BF2B0381017F9000", "6A88"] {
        let device = bench.device()?;
        let package = bench.package(&device, 1, &enable_p2(false)?)?;
        // What the IPAd looks for before the package is found.
        let (mut failing, mut loaded) = (instead("BF2B", answer), false);
        device.bend(Box::new(move |command, card| {
            loaded |= matches!(command, [_, 0xE2, _, _, _, 0xBF, 0x51, ..]);
            match loaded {
                true => failing(command, card),
                false => card(command),
            }
        }));
        let round = bench.round(&device, Script::new([package]))?;
        is_result(&round, "830100")?;
    }
    Ok(())
}

/// After the package the card has no channel until one is opened again.
fn refreshed(bench: &mut Bench) -> Check {
    for status in ["6881", "6982"] {
        let device = bench.device()?;
        let package = bench.package(&device, 1, &enable_p2(false)?)?;
        let (mut loading, mut closed) = (false, false);
        let status = hex(status);
        device.bend(Box::new(move |command, card| {
            match command {
                // MANAGE CHANNEL, open, and a reset before it.
                [_, 0x70, 0x00, ..] => closed = false,
                [_, 0xE2, _, _, _, 0xBF, 0x51, ..] => loading = true,
                _ => {}
            }
            if closed {
                return status.clone();
            }
            let answer = card(command);
            // The response has been fetched.
            if loading && answer.ends_with(&[0x90, 0x00]) && answer.len() > 2 {
                (loading, closed) = (false, true);
            }
            answer
        }));
        let round = bench.round(&device, Script::new([package]))?;
        let again = match round.sent("BF50").is_empty() {
            // The next round at the latest.
            true => bench.round(&device, Script::new([]))?,
            false => round,
        };
        is_result(&again, "830100")?;
    }
    Ok(())
}

fn nothing_to_delete(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let first = bench.package(&device, 1, &hex("BF2D00"))?;
    let second = bench.package(&device, 2, &hex("BF2D00"))?;
    device.bend(instead("BF30", "BF30038001019000"));
    let round = bench.round(&device, Script::new([first, second]))?;
    same("packages given to the card", round.count("BF51"), 2)
}

/// A package with leave to go back, whose result the eIM does not answer.
fn out_of_reach(bench: &mut Bench, refuse: bool) -> Check<(Device, Round)> {
    let device = bench.device()?;
    let package = bench.package(&device, 1, &enable_p2(true)?)?;
    if refuse {
        device.bend(instead("BF58", "BF58038001019000"));
    }
    let mut script = Script::new([package]);
    script.deaf_until = Some("BF58");
    let round = bench.round(&device, script)?;
    match round.count("BF58") {
        0 => skip("the IPAd does not go back in the time that it has (--timeout)"),
        _ => Ok((device, round)),
    }
}

fn rolled_back(bench: &mut Bench) -> Check {
    let (_, round) = out_of_reach(bench, false)?;
    is_result(&round, "8C0100")?;
    ensure(round.count("BF30") > 0, "what the eIM took is removed")
}

fn not_allowed(bench: &mut Bench) -> Check {
    let (device, round) = out_of_reach(bench, true)?;
    is_result(&round, "830100")?;
    if round.count("BF30") > 0 {
        return Ok(());
    }
    // The next round at the latest.
    let again = bench.round(&device, Script::new([]))?;
    is_result(&again, "830100")?;
    ensure(again.count("BF30") > 0, "what the eIM took is removed")
}

fn in_json(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let package = bench.package(&device, 1, &enable_p2(false)?)?;
    let request = hex("BF52085C02A8A983020901");
    let mut script = Script::new([package.clone(), request]);
    script.wish.json = true;
    let round = bench.round(&device, script)?;
    let mut functions = Vec::new();
    for request in &round.requests {
        let Some(function) = request.path.strip_prefix(json::PATH) else {
            return skip("the IPAd speaks the ASN.1 binding");
        };
        let body: serde_json::Value = serde_json::from_slice(&request.body)?;
        if function != "handleNotification" {
            let eid = body.get("eidValue").and_then(serde_json::Value::as_str);
            same("eidValue", eid, Some(device.eid.to_string().as_str()))?;
        }
        ensure(body.get("header").is_none(), "a request has no header")?;
        if function == "provideEimPackageResult" {
            use base64::Engine;
            let text = body.get("eimPackageResult").and_then(|text| text.as_str());
            let standard = base64::engine::general_purpose::STANDARD;
            let octets = standard.decode(text.unwrap_or_default().as_bytes());
            let octets = octets.unwrap_or_default();
            let tag = Tlv::parse(&octets)?.tag.get();
            crate::conform::case::one_of("eimPackageResult", &tag, &[0x30, 0xBF51, 0xBF52])?;
        }
        functions.push(function.to_string());
    }
    let count = |name: &str| functions.iter().filter(|found| *found == name).count();
    ensure(
        round.commands().contains(&package),
        "the card gets the package",
    )?;
    same("results provided", count("provideEimPackageResult"), 2)?;
    ensure(count("getEimPackage") >= 3, "polls until there is nothing")
}
