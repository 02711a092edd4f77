//! The list of profiles: EUI-18, -19.

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::ProfileInfoListResponse;
use rsp_asn1::{Asn1, Tlv};

use super::bench::{Bench, P1, P2, P3};
use crate::conform::case::{Case, Check, case, ensure, fail, one_of, same, some};
use crate::conform::der::{hex, same_octets, tlv};

pub(super) const CASES: &[Case<Bench>] = &[
    case("EUI-18", "listProfileInfo with the default tags", defaults),
    case(
        "EUI-19",
        "listProfileInfo by class, ICCID and AID",
        searches,
    ),
];

/// The default tag list of SGP.32 5.9.14.
const DEFAULT: [u32; 10] = [
    0x5A, 0x4F, 0x9F70, 0x91, 0x92, 0x95, 0x9F7B, 0x9F26, 0x9F67, 0xBF64,
];

fn defaults(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let found = bench.psmos(&mut eim, &hex("BF2D00"))?;
    let list = Tlv::parse(&found)?.reader().tlv()?;
    let mut profiles = list.reader();
    let mut count = 0;
    while !profiles.is_empty() {
        let mut members = profiles.tlv()?.reader();
        let mut tags = Vec::new();
        while !members.is_empty() {
            let tag = members.tlv()?.tag.get();
            one_of("a data object", &tag, &DEFAULT)?;
            tags.push(tag);
        }
        for mandatory in [0x5A, 0x4F, 0x9F70, 0x91, 0x92, 0x95] {
            let what = format!("the data object {mandatory:X}");
            ensure(tags.contains(&mandatory), &what)?;
        }
        count += 1;
    }
    same("profiles in the list", count, 2)
}

/// The ICCIDs that a search gives.
fn search(bench: &mut Bench, criterion: &[u8]) -> Check<Vec<Iccid>> {
    let request = tlv(0xBF2D, &tlv(0xA0, criterion));
    match ProfileInfoListResponse::from_der(&bench.es10(&request)?)? {
        ProfileInfoListResponse::Ok(list) => {
            Ok(list.iter().filter_map(|profile| profile.iccid).collect())
        }
        ProfileInfoListResponse::Error(code) => fail(format!("the search is refused: {code}")),
    }
}

fn searches(bench: &mut Bench) -> Check {
    let mut eim = bench.ready()?;
    let (p1, p2): (Iccid, Iccid) = (P1.parse()?, P2.parse()?);
    let list = bench.profile_list()?;
    let first = list.iter().find(|profile| profile.iccid == Some(p2));
    let aid = some("the AID of P2", first.and_then(|p| p.isdp_aid.clone()))?;
    let by_iccid = search(bench, &tlv(0x5A, p1.as_swapped()))?;
    same("by ICCID", by_iccid, vec![p1])?;
    same("by AID", search(bench, &tlv(0x4F, &aid))?, vec![p2])?;
    let mut operational = search(bench, &tlv(0x95, &[2]))?;
    operational.sort_by_key(|iccid| iccid.to_string());
    same("by class operational", operational, vec![p1, p2])?;
    same(
        "by class test",
        search(bench, &tlv(0x95, &[0]))?,
        Vec::new(),
    )?;
    let p3: Iccid = P3.parse()?;
    let nothing = tlv(0xBF2D, &tlv(0xA0, &tlv(0x5A, p3.as_swapped())));
    let found = bench.psmos(&mut eim, &nothing)?;
    same_octets("a search that finds nothing", &found, "BF2D02A000")
}
