//! Downloads: IPA-02, -37, -39, -47 to -50, -61.

use std::sync::{Arc, Mutex};

use rsp_asn1::Null;

use super::bench::{Bench, Device, EIM, Round, Script, Way};
use crate::conform::case::{Case, Check, Stop, absent, case, ensure, fail, one_of, same, skip};
use crate::conform::der::{hex, shown, tlv};
use crate::conform::played::{Bend, Seen, Smdp};

pub(super) const CASES: &[Case<Bench>] = &[
    case("IPA-02", "an indirect download", indirect),
    case("IPA-37", "contactDefaultSmdp", default_smdp),
    absent(
        "IPA-38",
        "contactSmds",
        "needs an SM-DS of the suite's own at the IPAd; held for our own IPA by \
         crates/lab/tests/smds_discovery.rs",
    ),
    case("IPA-39", "a direct download", direct),
    case("IPA-47", "a policy rule without leave", policy),
    case("IPA-48", "the eIM answers pprNotAllowed", |b| {
        let refuse = Bend::Refuse("authenticateClient", ("8.2.8", "1.2"), 50);
        cancelled(b, Way::Indirect, refuse, &[3])
    }),
    case("IPA-49", "the eIM answers metadataMismatch", |b| {
        let refuse = Bend::Refuse("getBoundProfilePackage", ("8.2.9", "3.11"), 50);
        cancelled(b, Way::Indirect, refuse, &[4])
    }),
    case("IPA-50", "the package ends without result", cut_off),
    case("IPA-61", "an answer that does not fit the request", |b| {
        let reasons = [0, 1, 3, 4, 5, 6, 7, 127];
        cancelled(b, Way::Any, Bend::WrongFunction, &reasons)
    }),
];

type Shared = Arc<Mutex<Smdp>>;

/// eimTransactionId of the triggers.
const TRANSACTION: &str = "82020777";

/// A trigger with this data.
fn trigger(data: &[u8]) -> Vec<u8> {
    tlv(0xBF54, &[tlv(0xA0, data), hex(TRANSACTION)].concat())
}

fn activation_code(bench: &Bench) -> Vec<u8> {
    tlv(0x80, format!("1${}$MATCHING", bench.address()).as_bytes())
}

/// A device that may go this way.
fn device(bench: &mut Bench, way: Way, commands: &[Vec<u8>]) -> Check<Device> {
    let mut eim = bench.configuration(EIM)?;
    if way == Way::Indirect {
        eim.indirect_profile_download = Some(Null);
    }
    bench.device_after(vec![eim], commands)
}

/// A round with a trigger of this data at this SM-DP+; skipped if the IPAd goes
/// another way.
fn round(bench: &mut Bench, device: &Device, way: Way, data: &[u8], smdp: &Shared) -> Check<Round> {
    let mut script = Script::new([trigger(data)]);
    script.smdp = Some(smdp.clone());
    script.wish.way = way;
    let round = bench.round(device, script)?;
    let (at_smdp, at_eim) = (
        round.es9plus("initiateAuthentication"),
        round.sent("BF39").len(),
    );
    match way {
        Way::Indirect if at_smdp > 0 => skip("the IPAd downloads from the SM-DP+ itself"),
        Way::Direct if at_eim > 0 => skip("the IPAd downloads through the eIM"),
        _ => Ok(round),
    }
}

/// Fails if something that came to the SM-DP+ was not as it should be.
fn told(smdp: &Shared) -> Check<Vec<Seen>> {
    let smdp = smdp.lock();
    let smdp = smdp.map_err(|error| Stop::Failed(error.to_string()))?;
    match &smdp.wrong {
        Some(wrong) => fail(wrong.clone()),
        None => Ok(smdp.seen.clone()),
    }
}

/// Fails unless the commands came in this order.
fn in_order(round: &Round, commands: &[&str]) -> Check {
    let sent: Vec<String> = round.commands().iter().map(|c| shown(c)).collect();
    let mut rest = sent.iter();
    for command in commands {
        ensure(
            rest.any(|sent| sent.starts_with(command)),
            &format!("{command} to the card, in the order of {commands:?}"),
        )?;
    }
    Ok(())
}

/// What the eIM was told of the download.
fn result(round: &Round) -> Check<String> {
    let bodies = round.sent("BF3D").into_iter().chain(round.sent("BF50"));
    let mut texts = bodies.map(shown);
    let found = texts.find(|text| text.contains("BF54") || text.contains("BF37"));
    match found {
        Some(text) => Ok(text),
        None => fail("the eIM is told nothing of the download"),
    }
}

/// The installation result that reached the SM-DP+ was removed.
fn installed(round: &Round, smdp: &Shared, matching_id: Option<&str>) -> Check {
    let seen = told(smdp)?;
    let asked = seen.iter().find_map(|seen| match seen {
        Seen::Authenticated { matching_id } => Some(matching_id.clone().unwrap_or_default()),
        _ => None,
    });
    let expected = matching_id.unwrap_or_default();
    same("the MatchingID", asked.as_deref(), Some(expected))?;
    in_order(round, &["BF2E", "BF38", "BF21", "BF36"])?;
    let result = result(round)?;
    ensure(
        result.contains("BF37"),
        "the eIM is told the installation result",
    )?;
    ensure(round.count("BF30") > 0, "what was delivered is removed")
}

fn indirect(bench: &mut Bench) -> Check {
    let device = device(bench, Way::Indirect, &[])?;
    let (smdp, code) = (bench.smdp(Bend::Nothing)?, activation_code(bench));
    let round = round(bench, &device, Way::Indirect, &code, &smdp)?;
    let first = round.sent("BF39");
    same("InitiateAuthentication at the eIM", first.len(), 1)?;
    let first = first.first().map(|body| shown(body)).unwrap_or_default();
    ensure(
        first.contains(TRANSACTION),
        &format!("{first}: the eimTransactionId of the trigger"),
    )?;
    installed(&round, &smdp, Some("MATCHING"))
}

fn direct(bench: &mut Bench) -> Check {
    let device = device(bench, Way::Direct, &[])?;
    let (smdp, code) = (bench.smdp(Bend::Nothing)?, activation_code(bench));
    let round = round(bench, &device, Way::Direct, &code, &smdp)?;
    installed(&round, &smdp, Some("MATCHING"))?;
    ensure(
        result(&round)?.contains(TRANSACTION),
        "the result names the trigger",
    )?;
    let has_result = smdp.lock().is_ok_and(|smdp| smdp.has_result());
    ensure(
        has_result,
        "the SM-DP+ is told the installation result, too",
    )
}

fn default_smdp(bench: &mut Bench) -> Check {
    let address = bench.address();
    let set = tlv(0xBF3F, &tlv(0x80, address.as_bytes()));
    let with_address = device(bench, Way::Any, &[set])?;
    let smdp = bench.smdp(Bend::Nothing)?;
    let done = round(bench, &with_address, Way::Any, &hex("8100"), &smdp)?;
    ensure(done.count("BF3C") > 0, "the address is read (BF3C)")?;
    installed(&done, &smdp, None)?;

    let without = device(bench, Way::Any, &[])?;
    let smdp = bench.smdp(Bend::Nothing)?;
    let failed = round(bench, &without, Way::Any, &hex("8100"), &smdp)?;
    same("requests to an SM-DP+", told(&smdp)?.len(), 0)?;
    let result = result(&failed)?;
    ensure(
        result.contains("80017F"),
        &format!("{result}: undefinedError (127)"),
    )
}

/// A download that the IPAd has to cancel with one of these reasons, and to
/// report as failed.
fn cancelled(bench: &mut Bench, way: Way, bend: Bend, reasons: &[i64]) -> Check {
    let device = device(bench, way, &[])?;
    let (smdp, code) = (bench.smdp(bend)?, activation_code(bench));
    let round = round(bench, &device, way, &code, &smdp)?;
    is_cancelled(&round, &smdp, reasons)
}

fn is_cancelled(round: &Round, smdp: &Shared, reasons: &[i64]) -> Check {
    let reason = told(smdp)?.into_iter().find_map(|seen| match seen {
        Seen::Cancelled { reason } => Some(reason),
        _ => None,
    });
    let Some(reason) = reason else {
        return fail("the session is not cancelled");
    };
    one_of("the reason of the cancellation", &reason, reasons)?;
    ensure(round.count("BF41") > 0, "the card cancels the session")?;
    let result = result(round)?;
    ensure(
        result.contains("80017F"),
        &format!("{result}: undefinedError (127)"),
    )
}

fn policy(bench: &mut Bench) -> Check {
    cancelled(bench, Way::Any, Bend::Policy, &[3])
}

/// The card answers a segment of the profile with an error.
fn cut_off(bench: &mut Bench) -> Check {
    let device = device(bench, Way::Any, &[])?;
    device.bend(Box::new(|command, card| match command {
        [_, 0xE2, _, _, _, 0x86, ..] => hex("6A80"),
        _ => card(command),
    }));
    let (smdp, code) = (bench.smdp(Bend::Nothing)?, activation_code(bench));
    let round = round(bench, &device, Way::Any, &code, &smdp)?;
    is_cancelled(&round, &smdp, &[5])
}
