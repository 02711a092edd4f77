//! ES6.UpdateMetadata (SGP.22 5.4.1), and what else the MNO-SD answers.

use lab::ota::{ScriptResponse, compact, expanded, store_data};
use rsp_asn1::rsp::{
    DisableProfileRequest, DisableProfileResponse, DisableResult, PPR1, PPR2, ProfileIdentifier,
    ProfileInfo, StoreMetadataRequest, UpdateMetadataRequest,
};
use rsp_asn1::{Asn1, BitString, Extensions};

use crate::bench::*;

pub(crate) fn update() -> UpdateMetadataRequest {
    UpdateMetadataRequest {
        service_provider_name: None,
        profile_name: None,
        icon_type: None,
        icon: None,
        profile_policy_rules: None,
        service_specific_data_stored_in_euicc: None,
        fallback_allowed: None,
        extensions: Extensions::default(),
    }
}

/// The status word of an update.
fn apply(bench: &mut Bench, request: &UpdateMetadataRequest) -> u16 {
    store(bench, &request.to_der())
}

fn store(bench: &mut Bench, data: &[u8]) -> u16 {
    let proof = bench.run(MNO_SD, &compact(&store_data(data)));
    assert_eq!((proof.status, proof.is_authentic), (0, true));
    let response = ScriptResponse::read(&proof.data).unwrap();
    response.last().unwrap().1
}

fn rules(info: &ProfileInfo) -> Vec<u8> {
    let rules = info.profile_policy_rules.as_ref();
    let is_set = |rule: &u8| rules.is_some_and(|rules| rules.bit(*rule));
    [PPR1, PPR2].into_iter().filter(is_set).collect()
}

#[test]
fn names_and_icon_change_and_outlast_power() {
    let mut bench = Bench::new();
    let before = bench.listed();
    assert_eq!(before.profile_name.unwrap().as_str(), "As it was");
    // 1000 octets of icon come in eight messages and four blocks.
    let icon: Vec<u8> = (0..1000).map(|n| n as u8).collect();
    let request = UpdateMetadataRequest {
        service_provider_name: Some("Nachher".try_into().unwrap()),
        profile_name: Some("Zähler".try_into().unwrap()),
        icon_type: Some(1),
        icon: Some(icon.clone()),
        ..update()
    };
    assert_eq!(apply(&mut bench, &request), 0x9000);
    bench.power_cut(&bench.journal.clone());
    let after = bench.listed();
    assert_eq!(after.service_provider_name.unwrap().as_str(), "Nachher");
    assert_eq!(after.profile_name.unwrap().as_str(), "Zähler");
    assert_eq!((after.icon_type, after.icon), (Some(1), Some(icon)));
    assert_eq!(
        (after.iccid, after.profile_class),
        (before.iccid, before.profile_class)
    );

    // An empty icon takes it away; what is not named stays.
    let request = UpdateMetadataRequest {
        icon: Some(vec![]),
        ..update()
    };
    assert_eq!(apply(&mut bench, &request), 0x9000);
    let after = bench.listed();
    assert_eq!((after.icon_type, after.icon), (None, None));
    assert_eq!(after.profile_name.unwrap().as_str(), "Zähler");
}

fn with_both_rules(metadata: &mut StoreMetadataRequest) {
    metadata.profile_policy_rules = Some(BitString::of(&[PPR1, PPR2]));
}

fn disable(bench: &mut Bench) -> DisableResult {
    let iccid = bench.listed().iccid.unwrap();
    let request = DisableProfileRequest {
        profile_identifier: ProfileIdentifier::Iccid(iccid),
        refresh_flag: false,
        extensions: Extensions::default(),
    };
    let answer = bench.es10(&request.to_der());
    DisableProfileResponse::from_der(&answer)
        .unwrap()
        .disable_result
}

#[test]
fn policy_rules_are_taken_away_and_never_set() {
    let mut bench = Bench::of(&Choice::with_metadata(with_both_rules));
    assert_eq!(rules(&bench.listed()), [PPR1, PPR2]);
    assert_eq!(disable(&mut bench), DisableResult::DISALLOWED_BY_POLICY);
    let update_to = |rules: &[u8]| UpdateMetadataRequest {
        profile_name: Some("Rules".try_into().unwrap()),
        profile_policy_rules: Some(BitString::of(rules)),
        ..update()
    };
    // pprUpdateControl has one value, and nothing of the rest is done.
    assert_eq!(apply(&mut bench, &update_to(&[0, PPR1])), 0x6A80);
    assert_eq!(bench.listed().profile_name.unwrap().as_str(), "As it was");
    // PPR2 stays, PPR1 goes; naming it again does not bring it back.
    assert_eq!(apply(&mut bench, &update_to(&[PPR2])), 0x9000);
    assert_eq!(rules(&bench.listed()), [PPR2]);
    assert_eq!(apply(&mut bench, &update_to(&[PPR1, PPR2])), 0x9000);
    assert_eq!(rules(&bench.listed()), [PPR2]);
    assert_eq!(apply(&mut bench, &update_to(&[])), 0x9000);
    assert_eq!(bench.listed().profile_policy_rules, None);
    assert_eq!(apply(&mut bench, &update_to(&[PPR1])), 0x9000);
    assert!(rules(&bench.listed()).is_empty());
    assert_eq!(disable(&mut bench), DisableResult::OK);
}

#[test]
fn what_metadata_may_not_say_changes_nothing() {
    let mut bench = Bench::new();
    let name = Some("New".try_into().unwrap());
    let refused = [
        UpdateMetadataRequest {
            profile_name: name.clone(),
            icon: Some(vec![1]),
            ..update()
        },
        UpdateMetadataRequest {
            profile_name: name.clone(),
            icon_type: Some(1),
            ..update()
        },
        UpdateMetadataRequest {
            profile_name: name.clone(),
            icon_type: Some(2),
            icon: Some(vec![1]),
            ..update()
        },
        UpdateMetadataRequest {
            profile_name: name.clone(),
            icon_type: Some(1),
            icon: Some(vec![1; 1025]),
            ..update()
        },
    ];
    for request in refused {
        assert_eq!(apply(&mut bench, &request), 0x6A80);
    }
    // A name that is too long or no UTF-8, other functions, no TLV.
    let long = [hex("BF2A239121"), vec![b'x'; 33]].concat();
    for data in [long, hex("BF2A049202C328"), hex("BF2500"), hex("BF2A05")] {
        assert_eq!(store(&mut bench, &data), 0x6A80);
    }
    let listed = bench.listed();
    assert_eq!(listed.profile_name.unwrap().as_str(), "As it was");
    assert_eq!(listed.icon, None);
}

#[test]
fn fallback_allowed_is_granted() {
    let mut bench = Bench::new();
    let request = UpdateMetadataRequest {
        fallback_allowed: Some(true),
        ..update()
    };
    assert_eq!(apply(&mut bench, &request), 0x9000);
    assert_eq!(bench.listed().fallback_allowed, Some(true));
}

#[test]
fn the_isdp_is_personalised_by_its_own_or_the_reserved_aid() {
    let mut bench = Bench::new();
    let data = UpdateMetadataRequest {
        profile_name: Some("By the ISD-P".try_into().unwrap()),
        ..update()
    };
    let store = store_data(&data.to_der()).concat();
    let install = |aid: &str| {
        let mut command = hex("80E6200016000010");
        command.extend(hex(aid));
        command.extend([0, 0, 0]);
        command
    };
    let reserved = install("A0000005591010FFFFFFFF8900000F00");
    let own = install("A0000005591010FFFFFFFF8900001000");
    let another = install("A0000005591010FFFFFFFF8900001100");
    for first in [reserved, own] {
        let proof = bench.run(MNO_SD, &[first, store.clone()].concat());
        assert_eq!(proof.data, hex("029000"));
    }
    assert_eq!(
        bench.listed().profile_name.unwrap().as_str(),
        "By the ISD-P"
    );
    let proof = bench.run(MNO_SD, &[another, store].concat());
    assert_eq!(proof.data, hex("016A88"));
}

#[test]
fn blocks_come_in_order() {
    let mut bench = Bench::new();
    let data = UpdateMetadataRequest {
        icon_type: Some(0),
        icon: Some(vec![7; 600]),
        ..update()
    };
    let mut blocks = store_data(&data.to_der());
    assert_eq!(blocks.len(), 3);
    blocks.swap(0, 1);
    let proof = bench.run(MNO_SD, &compact(&blocks));
    assert_eq!(proof.data, hex("016A86"));
    // A chain does not go on in the next script.
    blocks.swap(0, 1);
    let proof = bench.run(MNO_SD, &blocks[0]);
    assert_eq!(proof.data, hex("019000"));
    let proof = bench.run(MNO_SD, &blocks[1..].concat());
    assert_eq!(proof.data, hex("016A86"));
    assert_eq!(bench.listed().icon, None);
    let proof = bench.run(MNO_SD, &expanded(&blocks));
    let response = ScriptResponse::read(&proof.data).unwrap();
    assert_eq!(
        (response.executed, response.last()),
        (3, Some((&[][..], 0x9000)))
    );
    assert_eq!(bench.listed().icon.unwrap().len(), 600);
}

#[test]
fn the_domain_tells_of_itself() {
    let mut bench = Bench::new();
    let answer = |bench: &mut Bench, command: &str| {
        let (_, data, status) = bench.compact(MNO_SD, &[command]);
        (data, status)
    };
    // GET STATUS of the domain; applications there are none.
    let domain = hex("E3134F08A0000001510000009F70010FC50382DC00");
    assert_eq!(answer(&mut bench, "80F28002024F00"), (domain, 0x9000));
    assert_eq!(answer(&mut bench, "80F28002034F01A1"), (vec![], 0x6A88));
    assert_eq!(answer(&mut bench, "80F24002024F00"), (vec![], 0x6A88));
    assert_eq!(answer(&mut bench, "80F28000024F00"), (vec![], 0x6A86));
    // GET DATA: three AES keys of version 1, memory left, nothing else.
    let keys = hex("E012C00401018810C00402018810C00403018810");
    assert_eq!(answer(&mut bench, "80CA00E000"), (keys, 0x9000));
    let (resources, _) = answer(&mut bench, "80CAFF2100");
    let free = bench.card.card().free_memory() as u32;
    assert_eq!(resources[..6], hex("FF210D810100")[..]);
    assert_eq!(resources[8..12], free.to_be_bytes());
    assert_eq!(answer(&mut bench, "80CA006600"), (vec![], 0x6A88));
    // Nothing is loaded or deleted, and no key is put.
    for command in ["80E4000000", "80D8000000", "80E8000000"] {
        assert_eq!(answer(&mut bench, command), (vec![], 0x6D00), "{command}");
    }
    assert_eq!(answer(&mut bench, "80E6020000"), (vec![], 0x6A86));
}
