//! A card for consumer devices: ES10c in place of the functions for an eIM
//! (SGP.22 5.7.16 to 5.7.21), with and without REFRESH.

use euicc::EuiccKind;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::*;
use rsp_asn1::{Asn1, BitString};

use crate::common::{Host, hex, personalisation};
use crate::pki::Pki;
use crate::server::{Contents, Server, metadata};

const A: &str = "89103000000000000019";
const B: &str = "89103000000000000027";
const UNKNOWN: &str = "89103000000000000035";

/// REFRESH as the terminal fetches it: UICC Reset.
const REFRESH: &str = "D009810301010482028182";
/// Performed, and currently not possible.
const DONE: &str = "801400000C810301010482028281830100";
const BUSY: &str = "801400000C810301010482028281830120";

fn consumer() -> Host {
    let mut personalisation = personalisation(&Pki::new());
    personalisation.kind = EuiccKind::Consumer;
    let mut host = Host::new(personalisation);
    host.open();
    host
}

/// A card with profiles A and B, both disabled, and nothing else to tell.
fn two_profiles() -> Host {
    let mut host = consumer();
    host.install(A);
    host.install(B);
    for number in 1..=2u8 {
        host.es10(&[0xBF, 0x30, 3, 0x80, 1, number]);
    }
    host
}

fn by_iccid(iccid: &str) -> ProfileIdentifier {
    ProfileIdentifier::Iccid(iccid.parse().unwrap())
}

impl Host {
    /// A function; its response and the last status word, which may tell
    /// of something to fetch.
    pub(crate) fn es10c(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut status = self.store(command);
        let mut response = Vec::new();
        while status >> 8 == 0x61 {
            let (piece, next) = self.apdu(&[self.channel, 0xC0, 0, 0, status as u8]);
            response.extend(piece);
            status = next;
        }
        (response, status)
    }

    fn enable(&mut self, identifier: ProfileIdentifier, refresh: bool) -> (EnableResult, u16) {
        let request = EnableProfileRequest {
            profile_identifier: identifier,
            refresh_flag: refresh,
            extensions: Default::default(),
        };
        let (response, status) = self.es10c(&request.to_der());
        let response = EnableProfileResponse::from_der(&response).unwrap();
        (response.enable_result, status)
    }

    fn disable(&mut self, identifier: ProfileIdentifier, refresh: bool) -> (DisableResult, u16) {
        let request = DisableProfileRequest {
            profile_identifier: identifier,
            refresh_flag: refresh,
            extensions: Default::default(),
        };
        let (response, status) = self.es10c(&request.to_der());
        let response = DisableProfileResponse::from_der(&response).unwrap();
        (response.disable_result, status)
    }

    fn delete(&mut self, iccid: &str) -> DeleteResult {
        let request = DeleteProfileRequest::Iccid(iccid.parse().unwrap());
        let (response, _) = self.es10c(&request.to_der());
        let response = DeleteProfileResponse::from_der(&response).unwrap();
        response.delete_result
    }

    fn nickname(&mut self, iccid: &str, name: &str) -> SetNicknameResult {
        let request = SetNicknameRequest {
            iccid: iccid.parse().unwrap(),
            profile_nickname: name.try_into().unwrap(),
            extensions: Default::default(),
        };
        let response = SetNicknameResponse::from_der(&self.es10(&request.to_der())).unwrap();
        response.set_nickname_result
    }

    fn list(&mut self, request: &str) -> Vec<ProfileInfo> {
        let (response, _) = self.es10c(&hex(request));
        match ProfileInfoListResponse::from_der(&response).unwrap() {
            ProfileInfoListResponse::Ok(list) => list,
            ProfileInfoListResponse::Error(error) => panic!("{error}"),
        }
    }

    /// ICCIDs and whether they are enabled.
    fn states(&mut self) -> Vec<(String, bool)> {
        let list = self.list("BF2D00");
        let state = |info: &ProfileInfo| {
            let enabled = info.profile_state == Some(ProfileState::ENABLED);
            (info.iccid.unwrap().to_string(), enabled)
        };
        list.iter().map(state).collect()
    }

    /// Events and ICCIDs of the notifications that wait, in order, and their
    /// numbers, which are without gaps.
    fn events(&mut self) -> Vec<(u8, String)> {
        let (response, _) = self.es10c(&hex("BF2800"));
        let response = ListNotificationResponse::from_der(&response).unwrap();
        let ListNotificationResponse::Ok(list) = response else {
            panic!("no list");
        };
        let numbers = list
            .windows(2)
            .map(|pair| pair[1].seq_number - pair[0].seq_number);
        assert!(numbers.into_iter().all(|step| step == 1), "{list:?}");
        let line = |metadata: &NotificationMetadata| {
            let bits = &metadata.profile_management_operation;
            let event = (0..4).find(|bit| bits.bit(*bit));
            (event.unwrap(), metadata.iccid.unwrap().to_string())
        };
        list.iter().map(line).collect()
    }
}

#[test]
fn it_says_what_it_is_and_has_no_functions_for_an_eim() {
    let mut host = consumer();
    let fci = host.open();
    assert!(!fci.windows(2).any(|tag| tag == [0xE1, 0x04]));
    let info = EuiccInfo2::from_der(&host.es10(&hex("BF2200"))).unwrap();
    assert_eq!(info.ipa_mode, None);
    assert_eq!(info.iot_specific_info, None);
    for command in [
        "BF5500",
        "BF5600",
        "BF5702A000",
        "BF58038001FF",
        "BF640482020780",
    ] {
        assert_eq!(host.store(&hex(command)), 0x6A80, "{command}");
    }
    host.assert_usable();
}

/// The other way round: what SGP.32 does not give an IoT eUICC is answered like
/// any unknown function, and does nothing.
#[test]
fn an_iot_card_refuses_local_profile_management() {
    let mut host = Host::ready();
    host.install(A);
    let iccid: Iccid = A.parse().unwrap();
    let swapped: String = iccid
        .as_swapped()
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect();
    for command in [
        format!("BF3111A00C5A0A{swapped}8101FF"),
        format!("BF3211A00C5A0A{swapped}810100"),
        format!("BF330C5A0A{swapped}"),
        "BF340482020780".to_string(),
    ] {
        assert_eq!(host.store(&hex(&command)), 0x6A80, "{command}");
        assert_eq!(host.states(), [(A.to_string(), false)]);
    }
    // The nickname is its user's in any device.
    assert_eq!(host.nickname(A, "Meter"), SetNicknameResult::OK);
    let list = host.list("BF2D035C0190");
    assert_eq!(list[0].profile_nickname, Some("Meter".try_into().unwrap()));
    // The list of SGP.22 v2.7 asks as well as the old one.
    let both = host.list("BF2D065C01905D0195");
    assert_eq!(both[0].profile_nickname, list[0].profile_nickname);
    assert_eq!((both[0].profile_class, both[0].iccid), (Some(2), None));
}

#[test]
fn profiles_switch_without_refresh_when_the_response_is_read() {
    let mut host = two_profiles();
    assert_eq!(host.enable(by_iccid(A), false), (EnableResult::OK, 0x9000));
    assert_eq!(
        host.states(),
        [(A.to_string(), true), (B.to_string(), false)]
    );
    // The other by the AID of its ISD-P.
    let aid = host.list("BF2D00")[1].isdp_aid.clone().unwrap();
    let by_aid = ProfileIdentifier::IsdpAid(aid);
    assert_eq!(
        host.enable(by_aid.clone(), false),
        (EnableResult::OK, 0x9000)
    );
    assert_eq!(
        host.states(),
        [(A.to_string(), false), (B.to_string(), true)]
    );
    let expected = [(1, A), (2, A), (1, B)].map(|(event, iccid)| (event, iccid.to_string()));
    assert_eq!(host.events(), expected);
    // What cannot be.
    let enable = |host: &mut Host, identifier| host.enable(identifier, false).0;
    let again = enable(&mut host, by_aid);
    assert_eq!(again, EnableResult::PROFILE_NOT_IN_DISABLED_STATE);
    let unknown = enable(&mut host, by_iccid(UNKNOWN));
    assert_eq!(unknown, EnableResult::ICCID_OR_AID_NOT_FOUND);
    let disabled = host.disable(by_iccid(A), false).0;
    assert_eq!(disabled, DisableResult::PROFILE_NOT_IN_ENABLED_STATE);
    let unknown = host.disable(by_iccid(UNKNOWN), false).0;
    assert_eq!(unknown, DisableResult::ICCID_OR_AID_NOT_FOUND);
    assert_eq!(host.delete(B), DeleteResult::PROFILE_NOT_IN_DISABLED_STATE);
    assert_eq!(host.delete(UNKNOWN), DeleteResult::ICCID_OR_AID_NOT_FOUND);
    assert_eq!(
        host.disable(by_iccid(B), false),
        (DisableResult::OK, 0x9000)
    );
    assert_eq!(host.delete(B), DeleteResult::OK);
    assert_eq!(host.states(), [(A.to_string(), false)]);
    assert_eq!(host.events()[3..], [(2, B.to_string()), (3, B.to_string())]);
    assert_eq!(host.store(&hex("BF3103A00130")), 0x6A80, "malformed");
}

#[test]
fn with_refresh_the_terminal_decides_when() {
    let mut host = two_profiles();
    let (result, status) = host.enable(by_iccid(A), true);
    assert_eq!((result, status), (EnableResult::OK, 0x910B));
    // Not yet, and every response says that there is something to fetch.
    assert_eq!(
        host.states(),
        [(A.to_string(), false), (B.to_string(), false)]
    );
    assert_eq!(host.es10c(&hex("BF3E035C015A")).1, 0x910B);
    assert_eq!(host.enable(by_iccid(B), false).0, EnableResult::CAT_BUSY);
    assert_eq!(host.disable(by_iccid(B), true).0, DisableResult::CAT_BUSY);
    assert_eq!(host.delete(A), DeleteResult::UNDEFINED_ERROR);
    let reset = host.es10c(&hex("BF3404820205E0")).0;
    assert_eq!(reset, hex("BF3403800105"));
    // A profile may come meanwhile: its result is told before the switch.
    let server = Server::new();
    let contents = Contents::of(UNKNOWN);
    let challenge = host.es10c(&hex("BF2E00")).0;
    let challenge = GetEuiccChallengeResponse::from_der(&challenge).unwrap();
    let request = server.authenticate(challenge.euicc_challenge);
    let ok = host.es10c(&request.to_der()).0;
    let AuthenticateServerResponse::Ok(ok) = AuthenticateServerResponse::from_der(&ok).unwrap()
    else {
        panic!("not authenticated");
    };
    let prepare = server.prepare(&ok.euicc_signature1, None, None).to_der();
    let prepared = PrepareDownloadResponse::from_der(&host.es10c(&prepare).0).unwrap();
    let PrepareDownloadResponse::Ok(prepared) = prepared else {
        panic!("not prepared");
    };
    let package = server.package(&prepared.euicc_signed2.euicc_otpk, &contents);
    for segment in crate::server::segments(&package) {
        host.es10c(&segment);
    }
    assert_eq!(host.events(), [(0, UNKNOWN.to_string())]);
    // The terminal cannot now, and is asked again.
    assert_eq!(host.send("801400000C810301010482028281830100").1, 0x6985);
    assert_eq!(host.send("801200000B"), (hex(REFRESH), 0x9000));
    assert_eq!(host.send(BUSY).1, 0x910B);
    assert_eq!(host.send("801200000B"), (hex(REFRESH), 0x9000));
    assert_eq!(host.send("8014000002 0102").1, 0x6A80);
    assert_eq!(host.send(DONE).1, 0x9000);
    // Logical channels are closed.
    assert_eq!(host.apdu(&[host.channel, 0xC0, 0, 0, 0]).1, 0x6881);
    host.open();
    assert_eq!(host.states()[0], (A.to_string(), true));
    assert_eq!(
        host.events(),
        [(0, UNKNOWN.to_string()), (1, A.to_string())]
    );
    assert_eq!(host.send("801200000B").1 >> 8, 0x6D, "nothing to fetch");
}

#[test]
fn a_reset_does_what_the_refresh_would_have() {
    let mut host = two_profiles();
    assert_eq!(host.enable(by_iccid(A), false).0, EnableResult::OK);
    host.es10(&hex("BF3E035C015A"));
    assert_eq!(host.disable(by_iccid(A), true), (DisableResult::OK, 0x910B));
    // Power fails: what was ordered is in the card's memory.
    host.card.reset();
    host.open();
    assert_eq!(
        host.states(),
        [(A.to_string(), false), (B.to_string(), false)]
    );
    assert_eq!(host.events(), [(1, A.to_string()), (2, A.to_string())]);
}

#[test]
fn policy_rules_hold() {
    let mut allowing = personalisation(&Pki::new());
    allowing.kind = EuiccKind::Consumer;
    allowing.rules_authorisation_table = vec![ProfilePolicyAuthorisationRule {
        ppr_ids: BitString::of(&[PPR1, PPR2]),
        allowed_operators: vec![owner()],
        ppr_flags: BitString::default(),
        extensions: Default::default(),
    }];
    let mut host = Host::new(allowing);
    host.open();
    for (iccid, rules) in [(A, Some(vec![PPR1, PPR2])), (B, None)] {
        let mut metadata = metadata(iccid);
        metadata.profile_owner = Some(owner());
        metadata.profile_policy_rules = rules.map(|rules| BitString::of(&rules));
        let contents = Contents {
            metadata: metadata.to_der(),
            ..Contents::of(iccid)
        };
        let result = host.download(&contents);
        let result = &result.profile_installation_result_data.final_result;
        assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    }
    assert_eq!(host.delete(A), DeleteResult::DISALLOWED_BY_POLICY);
    assert_eq!(host.enable(by_iccid(A), false).0, EnableResult::OK);
    let other = host.enable(by_iccid(B), false).0;
    assert_eq!(other, EnableResult::DISALLOWED_BY_POLICY);
    let disabled = host.disable(by_iccid(A), false).0;
    assert_eq!(disabled, DisableResult::DISALLOWED_BY_POLICY);
    // ... but not against a reset of the whole card.
    let reset = EuiccMemoryResetRequest {
        reset_options: BitString::of(&[RESET_OPERATIONAL_PROFILES]),
        extensions: Default::default(),
    };
    let (response, status) = host.es10c(&reset.to_der());
    // The enabled one is among them: the terminal has to begin anew.
    assert_eq!((response, status), (hex("BF3403800100"), 0x910B));
    assert_eq!(host.send("801200000B"), (hex(REFRESH), 0x9000));
    assert_eq!(host.send(DONE).1, 0x9000);
    host.open();
    assert_eq!(host.states(), []);
    assert_eq!(host.es10(&reset.to_der()), hex("BF3403800101"));
}

fn owner() -> OperatorId {
    OperatorId {
        mcc_mnc: rsp_asn1::ids::Plmn::from_bytes([0x62, 0xF2, 0x10]),
        gid1: None,
        gid2: None,
        extensions: Default::default(),
    }
}

#[test]
fn nicknames_are_kept_and_removed() {
    let mut host = two_profiles();
    assert_eq!(host.nickname(A, "Home \u{1F3E0}"), SetNicknameResult::OK);
    assert_eq!(
        host.nickname(UNKNOWN, "x"),
        SetNicknameResult::ICCID_NOT_FOUND
    );
    host.card.reset();
    host.open();
    // Among the data objects that a consumer eUICC tells without being asked.
    let names = |host: &mut Host| {
        let list = host.list("BF2D00").into_iter();
        let names = list.map(|info| info.profile_nickname.map(String::from));
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&mut host), [Some("Home \u{1F3E0}".to_string()), None]);
    assert_eq!(host.nickname(A, ""), SetNicknameResult::OK);
    assert_eq!(names(&mut host), [None, None]);
    // 65 octets are too many.
    let iccid: Iccid = A.parse().unwrap();
    let swapped: String = iccid
        .as_swapped()
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect();
    let long = format!("BF294F5A0A{swapped}9041{}", "41".repeat(65));
    assert_eq!(host.store(&hex(&long)), 0x6A80);
}

/// A test profile takes the place of any other, PPR1 notwithstanding, and leads
/// back to that one alone, over other test profiles (SGP.22 5.7.16).
#[test]
fn a_test_profile_leads_back_to_where_it_came_from() {
    const TEST: &str = "89103000000000000043";
    const OTHER_TEST: &str = "89103000000000000050";
    let mut allowing = personalisation(&Pki::new());
    allowing.kind = EuiccKind::Consumer;
    allowing.rules_authorisation_table = vec![ProfilePolicyAuthorisationRule {
        ppr_ids: BitString::of(&[PPR1]),
        allowed_operators: vec![owner()],
        ppr_flags: BitString::default(),
        extensions: Default::default(),
    }];
    let mut host = Host::new(allowing);
    host.open();
    host.install_with(A, |metadata| {
        metadata.profile_owner = Some(owner());
        metadata.profile_policy_rules = Some(BitString::of(&[PPR1]));
    });
    host.install(B);
    for iccid in [TEST, OTHER_TEST] {
        host.install_with(iccid, |m| m.profile_class = PROFILE_CLASS_TEST);
    }
    let mut enable = |iccid: &str| {
        let result = host.enable(by_iccid(iccid), false).0;
        host.card.reset();
        host.open();
        result
    };
    assert_eq!(enable(A), EnableResult::OK);
    assert_eq!(enable(B), EnableResult::DISALLOWED_BY_POLICY);
    assert_eq!(enable(TEST), EnableResult::OK);
    assert_eq!(enable(B), EnableResult::WRONG_PROFILE_REENABLING);
    assert_eq!(enable(OTHER_TEST), EnableResult::OK);
    assert_eq!(enable(B), EnableResult::WRONG_PROFILE_REENABLING);
    assert_eq!(enable(A), EnableResult::OK);
    assert_eq!(enable(B), EnableResult::DISALLOWED_BY_POLICY);
    assert_eq!(enable(TEST), EnableResult::OK);
    // Disabled, it leads nowhere any more.
    assert_eq!(
        host.disable(by_iccid(TEST), false),
        (DisableResult::OK, 0x9000)
    );
    assert_eq!(host.enable(by_iccid(B), false).0, EnableResult::OK);
    assert_eq!(host.enable(by_iccid(TEST), false).0, EnableResult::OK);
    assert_eq!(host.states()[2], (TEST.to_string(), true));
}
