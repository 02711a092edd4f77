//! How the IPAd begins and polls: IPA-01, -06, -20 to -24, -54, -57, -58.

use rsp_asn1::sgp32::{EimPublicKeyData, GetEimPackageRequest};
use rsp_asn1::{Asn1, SubjectPublicKeyInfo};
use rsp_crypto::SigningKey;

use super::bench::{Bench, EIM, Script};
use crate::conform::case::{Case, Check, case, ensure, one_of, same, some};
use crate::conform::der::{hex, shown};

pub(super) const CASES: &[Case<Bench>] = &[
    case("IPA-01", "the beginning of every round", beginning),
    case(
        "IPA-06",
        "GetEimPackage is answered with undefinedError",
        rejected,
    ),
    case("IPA-20", "polls until there is nothing", until_empty),
    case("IPA-21", "two eIMs, each with its own packages", two_eims),
    case("IPA-22", "no eIM is configured", no_eim),
    case(
        "IPA-23",
        "an eIM with another key than the one trusted",
        pinned,
    ),
    case("IPA-24", "a port in eimFqdn", beginning),
    case("IPA-54", "an eIM that is down comes back", down),
    case("IPA-57", "blocks of at most 255 octets", blocks),
    case("IPA-58", "answers in pieces", pieces),
];

fn beginning(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let round = bench.round(&device, Script::new([]))?;
    let apdus: Vec<String> = round.apdus.iter().map(|apdu| shown(apdu)).collect();
    let at = |start: &str| apdus.iter().position(|apdu| apdu.starts_with(start));
    let channel = some("MANAGE CHANNEL, open", at("007000"))?;
    let select = apdus
        .iter()
        .position(|a| a.contains("A0000005591010FFFFFFFF8900000100"));
    let select = some("SELECT ISD-R", select)?;
    ensure(
        channel < select,
        "the channel is opened before the ISD-R is selected",
    )?;
    if let Some(capability) = at("80AA0000") {
        ensure(
            capability < select,
            "TERMINAL CAPABILITY comes before the ISD-R is selected",
        )?;
    }
    ensure(round.count("BF55") > 0, "the eIMs are asked for (BF55)")?;
    let first = some("a request to the eIM", round.requests.first())?;
    let poll = GetEimPackageRequest::from_der(&first.body)?;
    same("the EID in GetEimPackage", poll.eid_value, device.eid)?;
    same("the path", first.path.as_str(), "/gsma/rsp2/asn1")?;
    let header = |name: &str| {
        let found = first.headers.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let kind = header("content-type");
    ensure(
        kind.starts_with("application/x-gsma-rsp-asn1"),
        &format!("Content-Type: {kind}"),
    )?;
    let agent = header("user-agent");
    ensure(
        agent.starts_with("gsma-rsp-ipa"),
        &format!("User-Agent: {agent}"),
    )?;
    let protocol = header("x-admin-protocol");
    ensure(
        protocol.starts_with("gsma/rsp/v"),
        &format!("X-Admin-Protocol: {protocol}"),
    )?;
    ensure(at("007080").is_some(), "the channel is closed at the end")
}

fn rejected(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let round = bench.round(&device, Script::new([hex("02017F")]))?;
    same("results provided", round.sent("BF50").len(), 0)?;
    same("packages given to the card", round.count("BF51"), 0)
}

fn until_empty(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let packages = [1, 2].map(|counter| bench.package(&device, counter, &hex("BF2D00")));
    let packages: Result<Vec<_>, _> = packages.into_iter().collect();
    let round = bench.round(&device, Script::new(packages?))?;
    same("packages given to the card", round.count("BF51"), 2)?;
    ensure(
        round.sent("BF4F").len() >= 3,
        "the third GetEimPackage found nothing",
    )
}

fn two_eims(bench: &mut Bench) -> Check {
    let both = vec![bench.configuration(EIM)?, bench.configuration("eimB")?];
    let device = bench.device_with(both)?;
    let round = bench.round(&device, Script::new([]))?;
    same(
        "GetEimPackage, one for each eIM",
        round.sent("BF4F").len(),
        2,
    )
}

fn no_eim(bench: &mut Bench) -> Check {
    let device = bench.device_with(Vec::new())?;
    let round = bench.round(&device, Script::new([]))?;
    same("requests to the eIM", round.requests.len(), 0)
}

fn pinned(bench: &mut Bench) -> Check {
    let mut eim = bench.configuration(EIM)?;
    let other = SigningKey::public_key(&bench.key).to_spki_der();
    let other = SubjectPublicKeyInfo::from_bytes(&other)?;
    eim.trusted_public_key_data_tls = Some(EimPublicKeyData::PublicKey(other));
    let device = bench.device_with(vec![eim])?;
    let round = bench.round(&device, Script::new([]))?;
    same("requests to the eIM", round.requests.len(), 0)
}

fn down(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let package = bench.package(&device, 1, &hex("BF2D00"))?;
    let mut script = Script::new([package]);
    script.down = 1;
    let round = bench.round(&device, script)?;
    // The next round at the latest.
    let again = match round.count("BF51") {
        0 => bench.round(
            &device,
            Script::new([bench.package(&device, 1, &hex("BF2D00"))?]),
        )?,
        _ => round,
    };
    same("packages given to the card", again.count("BF51"), 1)
}

fn blocks(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let package = bench.package(&device, 1, &hex("BF2D00").repeat(200))?;
    let round = bench.round(&device, Script::new([package.clone()]))?;
    let stored = round.apdus.iter().filter(|apdu| apdu.get(1) == Some(&0xE2));
    let mut number = 0;
    for apdu in stored {
        let [_, _, p1, p2, length, data @ ..] = apdu.as_slice() else {
            return crate::conform::case::fail("a STORE DATA without data");
        };
        one_of("P1", p1, &[0x11, 0x91])?;
        same("P2", *p2, number)?;
        same("Lc", usize::from(*length), data.len())?;
        number = if *p1 == 0x91 { 0 } else { number + 1 };
    }
    let whole = round.commands().contains(&package);
    ensure(whole, "the package is whole on the card")
}

fn pieces(bench: &mut Bench) -> Check {
    let device = bench.device()?;
    let package = bench.package(&device, 1, &hex("BF2D00").repeat(6))?;
    let round = bench.round(&device, Script::new([package]))?;
    let response = round.apdus.iter().filter(|apdu| apdu.get(1) == Some(&0xC0));
    ensure(
        response.count() > 1,
        "GET RESPONSE is sent until everything is there",
    )?;
    let result = round.result()?;
    ensure(
        result.len() > 256,
        "a result of more than 256 octets arrives",
    )
}
