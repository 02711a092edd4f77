//! eUICC Packages (SGP.32 3.3.1, 3.4).

use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, BitString, Tag, Writer};

use crate::common::{Host, eid, hex, personalisation, verifies};
use crate::eims::Eim;
use crate::pki::Pki;
use crate::server::{self, Contents};

pub(crate) const A: &str = "89103000000000000019";
pub(crate) const B: &str = "89103000000000000027";

/// A PSMO on a profile: `A3` enable, `A4` disable, `A5` delete.
pub(crate) fn psmo(tag: &str, iccid: &str) -> String {
    let iccid: rsp_asn1::ids::Iccid = iccid.parse().unwrap();
    let swapped = iccid.as_swapped().iter().map(|b| format!("{b:02X}"));
    format!("{tag}0C5A0A{}", swapped.collect::<String>())
}

pub(crate) fn enable(iccid: &str) -> String {
    psmo("A3", iccid)
}

pub(crate) fn enable_with_rollback(iccid: &str) -> String {
    psmo("A3", iccid).replace("A30C", "A30E") + "0500"
}

/// A card with profiles A and B, both disabled, and an eIM.
pub(crate) fn two_profiles() -> (Host, Eim) {
    let mut host = Host::ready();
    host.install(A);
    host.install(B);
    clear_notifications(&mut host);
    let eim = Eim::new("eim1");
    host.add(&eim, false);
    (host, eim)
}

pub(crate) fn clear_notifications(host: &mut Host) {
    for number in 1..100u8 {
        host.es10(&[0xBF, 0x30, 3, 0x80, 1, number]);
    }
}

/// ICCIDs and states.
pub(crate) fn profiles(host: &mut Host) -> Vec<(String, i64)> {
    let list = ProfileInfoListResponse::from_der(&host.es10(&hex("BF2D00"))).unwrap();
    let ProfileInfoListResponse::Ok(list) = list else {
        panic!("no list");
    };
    let line = |info: &ProfileInfo| {
        (
            info.iccid.unwrap().to_string(),
            info.profile_state.unwrap().0,
        )
    };
    list.iter().map(line).collect()
}

/// Events and ICCIDs of the notifications that wait.
pub(crate) fn notifications(host: &mut Host) -> Vec<(u8, String)> {
    let response = host.es10(&hex("BF2B00"));
    let response = RetrieveNotificationsListResponse::from_der(&response).unwrap();
    let RetrieveNotificationsListResponse::NotificationList(list) = response else {
        panic!("no notifications");
    };
    let euicc = Pki::new().euicc;
    let line = |notification: &PendingNotification| {
        if let PendingNotification::Other(other) = notification {
            let signed = [other.tbs_other_notification.as_bytes()];
            let signature = &other.euicc_notification_signature;
            assert!(verifies(euicc.public_key(), &signed, signature));
        }
        let metadata = notification.metadata().unwrap();
        let bit = (0..4).find(|b| metadata.profile_management_operation.bit(*b));
        (bit.unwrap(), metadata.iccid.unwrap().to_string())
    };
    list.iter().map(line).collect()
}

pub(crate) fn codes(results: &[EuiccResultData]) -> Vec<i64> {
    let code = |result: &EuiccResultData| match result {
        EuiccResultData::EnableResult(code) => code.0,
        EuiccResultData::DisableResult(code) => code.0,
        EuiccResultData::DeleteResult(code) => code.0,
        EuiccResultData::ConfigureImmediateEnableResult(code) => code.0,
        EuiccResultData::SetFallbackAttributeResult(code) => code.0,
        EuiccResultData::UnsetFallbackAttributeResult(code) => code.0,
        EuiccResultData::ProcessingTerminated(code) => 1000 + code.0,
        EuiccResultData::ListProfileInfoResult(ProfileInfoListResponse::Ok(list)) => {
            2000 + list.len() as i64
        }
        EuiccResultData::ListProfileInfoResult(ProfileInfoListResponse::Error(code)) => code.0,
        other => panic!("{other:?}"),
    };
    results.iter().map(code).collect()
}

/// EUI-03: enabling. EUI-06: an unknown profile, and one that is enabled.
/// EUI-60: whoever wants to know is told.
#[test]
fn enabling_disables_the_other_profile_and_tells_both() {
    let (mut host, mut eim) = two_profiles();
    assert_eq!(codes(&host.run(&mut eim, &enable(A))), [0]);
    assert_eq!(profiles(&mut host), [(A.into(), 1), (B.into(), 0)]);
    assert_eq!(codes(&host.run(&mut eim, &enable(B))), [0]);
    assert_eq!(profiles(&mut host), [(A.into(), 0), (B.into(), 1)]);
    let expected = [(1, A.into()), (2, A.into()), (1, B.into())];
    assert_eq!(notifications(&mut host), expected);
    assert_eq!(codes(&host.run(&mut eim, &enable(B))), [2]);
    assert_eq!(
        codes(&host.run(&mut eim, &enable("89103000000000000035"))),
        [1]
    );
}

#[test]
fn the_switch_waits_until_the_result_is_read() {
    let (mut host, mut eim) = two_profiles();
    let status = host.store(&eim.package(&hex(&enable(A))));
    assert_eq!(status >> 8, 0x61);
    // The ISD-R's FCI tells of an enabled profile only after the switch.
    let first = host.apdu(&[host.channel, 0xC0, 0, 0, 0x10]);
    assert_eq!((first.0.len(), first.1 >> 8), (0x10, 0x61));
    host.collect(first.1);
    assert_eq!(profiles(&mut host)[0].1, 1);

    // A host that does anything else does not stop it.
    host.store(&eim.package(&hex(&enable(B))));
    assert_eq!(profiles(&mut host), [(A.into(), 0), (B.into(), 1)]);

    // Nor does one that resets the card.
    host.store(&eim.package(&hex(&enable(A))));
    host.card.reset();
    host.open();
    assert_eq!(profiles(&mut host), [(A.into(), 1), (B.into(), 0)]);
}

#[test]
fn the_fci_tells_whether_a_profile_is_enabled() {
    let (mut host, mut eim) = two_profiles();
    assert!(host.open().ends_with(&hex("E103800100")));
    host.run(&mut eim, &enable(A));
    assert!(host.open().ends_with(&hex("E10480020640")));
}

/// EUI-04, EUI-05: disabling and deleting. EUI-06: what is enabled is not
/// deleted, what is not is not disabled.
#[test]
fn disable_and_delete() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    assert_eq!(codes(&host.run(&mut eim, &psmo("A5", A))), [2]);
    assert_eq!(codes(&host.run(&mut eim, &psmo("A4", B))), [2]);
    let both = psmo("A4", A) + &psmo("A5", A) + &psmo("A5", B);
    assert_eq!(codes(&host.run(&mut eim, &both)), [0, 0, 0]);
    assert_eq!(profiles(&mut host), []);
    let events: Vec<_> = notifications(&mut host).into_iter().map(|n| n.0).collect();
    assert_eq!(events, [1, 2, 3, 3]);
    assert_eq!(codes(&host.run(&mut eim, &psmo("A5", A))), [1]);
}

/// EUI-16: at most one enable and one disable. EUI-17: no list after a change.
#[test]
fn order_and_count() {
    let (mut host, mut eim) = two_profiles();
    let twice = enable(A) + &enable(B);
    assert_eq!(codes(&host.run(&mut eim, &twice)), [0, 127]);
    assert_eq!(profiles(&mut host), [(A.into(), 1), (B.into(), 0)]);
    let disable_after = enable(B) + &psmo("A4", B) + &psmo("A5", A);
    assert_eq!(codes(&host.run(&mut eim, &disable_after)), [0, 127]);
    let list_first = "BF2D00".to_string() + &enable(A) + "BF2D00";
    assert_eq!(codes(&host.run(&mut eim, &list_first)), [2002, 0, 11]);
    let deleted = psmo("A5", B) + &enable(B);
    assert_eq!(codes(&host.run(&mut eim, &deleted)), [0, 1]);
}

/// EUI-37: no profile to return to. EUI-38: the one to return to stays.
#[test]
fn the_right_to_roll_back_needs_a_profile_to_return_to() {
    let (mut host, mut eim) = two_profiles();
    assert_eq!(codes(&host.run(&mut eim, &enable_with_rollback(A))), [20]);
    assert_eq!(codes(&host.run(&mut eim, &enable(A))), [0]);
    let and_delete = enable_with_rollback(B) + &psmo("A5", A);
    assert_eq!(codes(&host.run(&mut eim, &and_delete)), [0, 20]);
    // A profile disabled before in the same package counts.
    let after_disable = psmo("A4", B) + &enable_with_rollback(A);
    assert_eq!(codes(&host.run(&mut eim, &after_disable)), [0, 0]);
    let after_delete = psmo("A4", A) + &psmo("A5", A) + &enable_with_rollback(B);
    assert_eq!(codes(&host.run(&mut eim, &after_delete)), [0, 0, 20]);
}

/// EUI-07: the processing ends at the first item that fails or that nobody
/// knows.
#[test]
fn unknown_and_damaged_items_end_the_processing() {
    let (mut host, mut eim) = two_profiles();
    for item in ["AF00", "A300", "A8028000", "A3045A029801"] {
        let list = "BF2D00".to_string() + item + &enable(A);
        assert_eq!(codes(&host.run(&mut eim, &list)), [2002, 1002], "{item}");
    }
}

/// EUI-11: another EID. EUI-12: a replay. EUI-13, EUI-14: gaps, the highest
/// counter, and one above it.
#[test]
fn eid_and_counter() {
    let (mut host, mut eim) = two_profiles();
    let mut error = |counter: i64, eid: &[u8; 16]| {
        let package = eim.sign(&eim.signed(eid, counter, &hex("A000")));
        match EuiccPackageResult::from_der(&host.es10(&package)).unwrap() {
            EuiccPackageResult::Signed(_) => 0,
            EuiccPackageResult::ErrorSigned(error) => {
                let data = &error.euicc_package_error_data_signed;
                let token = association_token_object(None);
                let key = Pki::new().euicc;
                let message = [data.as_bytes(), &token];
                assert!(verifies(
                    rsp_crypto::SigningKey::public_key(&key),
                    &message,
                    &error.euicc_sign_epe
                ));
                assert_eq!(data.counter_value, counter);
                data.euicc_package_error_code.0
            }
            EuiccPackageResult::ErrorUnsigned(_) => -1,
        }
    };
    let own = eid();
    assert_eq!(error(5, &[0x12; 16]), 3);
    assert_eq!(error(5, own.as_bytes()), 0);
    assert_eq!(error(5, own.as_bytes()), 4);
    assert_eq!(error(4, own.as_bytes()), 4);
    assert_eq!(error(0x80_0000, own.as_bytes()), 6);
    assert_eq!(error(0x7F_FFFF, own.as_bytes()), 0);
    eim.counter = 0;
}

/// EUI-08: an unknown eIM. EUI-09: a wrong signature, and the right one after it.
#[test]
fn what_proves_nothing_gets_an_unsigned_error() {
    let (mut host, mut eim) = two_profiles();
    let mut stranger = Eim::new("eim2");
    assert_eq!(
        host.es10(&stranger.package(&[])),
        hex("BF5108A206800465696D32")
    );
    let mut impostor = Eim::new("eim1");
    impostor.key = crate::common::key(crate::pki::CI);
    assert_eq!(
        host.es10(&impostor.package(&[])),
        hex("BF5108A206800465696D31")
    );
    assert_eq!(host.es10(&hex("BF5100")), hex("BF5104A2028000"));
    assert_eq!(host.es10(&hex("BF51023000")), hex("BF5104A2028000"));
    assert_eq!(codes(&host.run(&mut eim, &enable(A))), [0]);
}

/// EUI-33: a result waits, and is removed once.
#[test]
fn results_wait_until_they_are_removed() {
    let (mut host, mut eim) = two_profiles();
    assert_eq!(host.es10(&hex("BF2B04A0028200")), hex("BF2B02A200"));
    let result = host.es10(&eim.package(&hex(&enable(A))));
    let mut expected = Writer::new();
    expected.constructed(Tag::new(0xBF2B), |out| {
        out.constructed(Tag::new(0xA2), |out| out.raw(&result));
    });
    let expected = expected.into_bytes();
    assert_eq!(host.es10(&hex("BF2B04A0028200")), expected);
    // By number as well; the notification of the switch has the next one.
    let EuiccPackageResult::Signed(signed) = EuiccPackageResult::from_der(&result).unwrap() else {
        panic!("not signed");
    };
    let number = signed.euicc_package_result_data_signed.seq_number as u8;
    assert_eq!(
        host.es10(&[0xBF, 0x2B, 5, 0xA0, 3, 0x80, 1, number]),
        expected
    );
    let next = host.es10(&[0xBF, 0x2B, 5, 0xA0, 3, 0x80, 1, number + 1]);
    let next = RetrieveNotificationsListResponse::from_der(&next).unwrap();
    assert!(matches!(
        next,
        RetrieveNotificationsListResponse::NotificationList(list) if list.len() == 1
    ));
    assert_eq!(
        host.es10(&[0xBF, 0x30, 3, 0x80, 1, number]),
        hex("BF3003800100")
    );
    assert_eq!(
        host.es10(&[0xBF, 0x30, 3, 0x80, 1, number]),
        hex("BF3003800101")
    );
    assert_eq!(host.es10(&hex("BF2B04A0028200")), hex("BF2B02A200"));
    let none = host.es10(&[0xBF, 0x2B, 5, 0xA0, 3, 0x80, 1, 120]);
    assert_eq!(none, hex("BF2B02A000"));
}

#[test]
fn notifications_by_event() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    host.run(&mut eim, &enable(B));
    let count = |host: &mut Host, bits: &[u8]| {
        let request = ListNotificationRequest {
            profile_management_operation: Some(BitString::of(bits)),
            extensions: Default::default(),
        };
        match ListNotificationResponse::from_der(&host.es10(&request.to_der())).unwrap() {
            ListNotificationResponse::Ok(list) => list.len(),
            ListNotificationResponse::Error(code) => panic!("{code}"),
        }
    };
    assert_eq!(count(&mut host, &[1]), 2);
    assert_eq!(count(&mut host, &[2]), 1);
    assert_eq!(count(&mut host, &[1, 2]), 3);
    assert_eq!(count(&mut host, &[0]), 0);
    let only_disable = host.es10(&hex("BF2B06A00481020520"));
    let list = RetrieveNotificationsListResponse::from_der(&only_disable).unwrap();
    assert!(matches!(
        list,
        RetrieveNotificationsListResponse::NotificationList(list) if list.len() == 1
    ));
}

/// A card that lets every owner set every rule, with a profile under `rules`.
fn with_rules(rules: &[u8]) -> (Host, Eim) {
    let mut personalisation = personalisation(&Pki::new());
    personalisation.rules_authorisation_table = vec![ProfilePolicyAuthorisationRule {
        ppr_ids: BitString::of(&[PPR1, PPR2]),
        allowed_operators: vec![owner([0xEE; 3])],
        ppr_flags: BitString::default(),
        extensions: Default::default(),
    }];
    let mut host = Host::new(personalisation);
    host.open();
    let mut metadata = server::metadata(A);
    metadata.profile_policy_rules = Some(BitString::of(rules));
    metadata.profile_owner = Some(owner([0x62, 0xF2, 0x10]));
    let mut contents = Contents::of(A);
    contents.metadata = metadata.to_der();
    let result = host.download(&contents);
    let result = &result.profile_installation_result_data.final_result;
    assert!(matches!(result, FinalResult::Success(_)), "{result:?}");
    host.install(B);
    let eim = Eim::new("eim1");
    host.add(&eim, false);
    (host, eim)
}

pub(crate) fn owner(plmn: [u8; 3]) -> OperatorId {
    OperatorId {
        mcc_mnc: rsp_asn1::ids::Plmn::from_bytes(plmn),
        gid1: Some(Vec::new()),
        gid2: Some(Vec::new()),
        extensions: Default::default(),
    }
}

/// EUI-06: PPR1 and PPR2.
#[test]
fn policy_rules_hold() {
    let (mut host, mut eim) = with_rules(&[PPR1]);
    assert_eq!(codes(&host.run(&mut eim, &enable(A))), [0]);
    assert_eq!(codes(&host.run(&mut eim, &psmo("A4", A))), [3]);
    assert_eq!(codes(&host.run(&mut eim, &enable(B))), [3]);
    assert_eq!(profiles(&mut host), [(A.into(), 1), (B.into(), 0)]);
    let (mut host, mut eim) = with_rules(&[PPR2]);
    assert_eq!(codes(&host.run(&mut eim, &psmo("A5", A))), [3]);
    assert_eq!(codes(&host.run(&mut eim, &psmo("A5", B))), [0]);
}

/// EUI-20: getRAT.
#[test]
fn the_table_of_rules_can_be_read() {
    let (mut host, mut eim) = with_rules(&[PPR1]);
    let rules = "3014800205 60A10B 30098003EEEEEE81008200 820100";
    assert_eq!(
        host.es10(&hex("BF4300")),
        hex(&format!("BF4318A016{rules}"))
    );
    let results = host.run(&mut eim, "A600");
    let [rat @ EuiccResultData::GetRatResult(_)] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert_eq!(rat.to_der(), hex(&format!("A616{rules}")));
}

#[test]
fn the_list_by_criteria_and_tags() {
    let (mut host, _) = two_profiles();
    let only_iccids = host.es10(&hex("BF2D035C015A"));
    let b: rsp_asn1::ids::Iccid = B.parse().unwrap();
    let mut by_iccid = hex("BF2D11A00C5A0A");
    by_iccid.extend(b.as_swapped());
    by_iccid.extend(hex("5C015A"));
    let one = host.es10(&by_iccid);
    assert_eq!(only_iccids.len(), 5 + 2 * 14);
    assert_eq!(one[..7], hex("BF2D10A00EE30C"));
    let by_aid = "BF2D18A0124F10A0000005591010FFFFFFFF89000011005C025A4F";
    let aid = host.es10(&hex(by_aid));
    assert!(aid.windows(10).any(|w| w == b.as_swapped()), "{aid:02X?}");
    assert_eq!(host.es10(&hex("BF2D05A003950100")), hex("BF2D02A000"));
    for bad in [
        "BF2D035C0144",
        "BF2D045C029F70",
        "BF2D035C019F",
        "BF2D045C025A9F",
    ] {
        let answer = host.es10(&hex(bad));
        let good = bad.ends_with("9F70");
        assert_eq!(answer == hex("BF2D03810101"), !good, "{bad}");
    }
}

/// EUI-35: the rollback and its result. EUI-36: without a grant, and twice.
/// EUI-61: the flag under its automatic tag.
#[test]
fn a_rollback_returns_once_and_replaces_the_result() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    assert_eq!(host.es10(&hex("BF58038001FF")), hex("BF5803020101"));
    host.run(&mut eim, &enable_with_rollback(B));
    assert_eq!(profiles(&mut host), [(A.into(), 0), (B.into(), 1)]);
    let before = host.waiting_results();
    // The right outlasts power; a malformed request does not use it up.
    host.card.reset();
    host.open();
    assert_eq!(host.es10(&hex("BF5800")), hex("BF5803020107"));

    let answer = host.es10(&hex("BF58038001FF"));
    assert!(answer.starts_with(&hex("BF58")), "{answer:02X?}");
    let at = answer.windows(2).position(|w| w == hex("BF51")).unwrap();
    assert_eq!(answer[at - 3..at], hex("020100"));
    let rollback = EuiccPackageResult::from_der(&answer[at..]).unwrap();
    assert_eq!(profiles(&mut host), [(A.into(), 1), (B.into(), 0)]);
    let EuiccPackageResult::Signed(result) = &rollback else {
        panic!("{rollback:?}");
    };
    let data = &result.euicc_package_result_data_signed;
    assert_eq!(data.counter_value, eim.counter);
    let done = EuiccResultData::RollbackResult(RollbackProfileResult::OK);
    assert_eq!(data.euicc_result, [done]);
    let after = host.waiting_results();
    assert_eq!(after.len(), before.len(), "the granting result is gone");
    assert_eq!(after.last(), Some(&rollback));
    assert_eq!(after[..after.len() - 1], before[..before.len() - 1]);

    // Once.
    assert_eq!(host.es10(&hex("BF58038001FF")), hex("BF5803020101"));
    assert_eq!(profiles(&mut host), [(A.into(), 1), (B.into(), 0)]);
}

/// EUI-36: after the next package. EUI-61: the flag under its universal tag.
#[test]
fn the_next_package_ends_the_right_to_return() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    host.run(&mut eim, &enable_with_rollback(B));
    host.run(&mut eim, "BF2D00");
    assert_eq!(host.es10(&hex("BF5803010100")), hex("BF5803020101"));
    assert_eq!(profiles(&mut host), [(A.into(), 0), (B.into(), 1)]);
}

/// EUI-24: setDefaultDpAddress.
#[test]
fn the_default_smdp_address_is_set_and_removed() {
    let (mut host, mut eim) = two_profiles();
    let addresses = |host: &mut Host| host.es10(&hex("BF3C00"));
    let none = addresses(&mut host);
    assert_eq!(host.es10(&hex("BF3F05800361 2E62")), hex("BF3F03800100"));
    assert!(addresses(&mut host).starts_with(&hex("BF3C16 8003612E62")));
    host.card.reset();
    host.open();
    assert!(addresses(&mut host).starts_with(&hex("BF3C16 8003612E62")));
    // No host name.
    assert_eq!(host.es10(&hex("BF65038001 20")), hex("BF650380017F"));
    let results = host.run(&mut eim, "BF65058003632E64");
    let ok =
        EuiccResultData::SetDefaultDpAddressResult(rsp_asn1::sgp32::SetDefaultDpAddressResponse {
            set_default_dp_address_result: SetDefaultDpAddressResult::OK,
            extensions: Default::default(),
        });
    assert_eq!(results, [ok]);
    assert!(addresses(&mut host).starts_with(&hex("BF3C16 8003632E64")));
    assert_eq!(host.es10(&hex("BF65028000")), hex("BF6503800100"));
    assert_eq!(addresses(&mut host), none);
}

/// EUI-46: eIMs are reset, and others can come.
#[test]
fn a_memory_reset_deletes_what_it_names() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    clear_notifications(&mut host);
    // Provisioning profiles and pre-loaded test profiles: none are here.
    assert_eq!(host.es10(&hex("BF640482020318")), hex("BF6403800101"));
    assert_eq!(profiles(&mut host).len(), 2);
    // Operational profiles, and the configuration for immediate enabling.
    assert_eq!(host.es10(&hex("BF640482020182")), hex("BF6406800100820100"));
    assert!(profiles(&mut host).is_empty());
    let events = notifications(&mut host);
    assert_eq!(events.iter().filter(|(event, _)| *event == 3).count(), 2);
    // The eIM, too; then another one can come.
    assert_eq!(host.es10(&hex("BF640482020204")), hex("BF6406800101810100"));
    assert_eq!(host.es10(&hex("BF5500")), hex("BF5502A000"));
    host.card.reset();
    host.open();
    host.add(&Eim::new("eim2"), true);
}

/// What is too large: a package by a signed sizeOverflow(15), a result by
/// resultSizeOverflow(1) at the item that does not fit, which is the last.
#[test]
fn sizes_are_bounded() {
    let (mut host, mut eim) = two_profiles();
    host.block = 250;
    let too_large = eim.package(&hex(&"BF2D00".repeat(6000)));
    assert_eq!(host.refusal(&eim, &too_large), 15);
    // The counter was not taken.
    eim.counter -= 1;
    let lists = host.run(&mut eim, &"BF2D00".repeat(1000));
    let codes = codes(&lists);
    let (last, before) = codes.split_last().unwrap();
    assert_eq!(*last, 1001);
    assert!(before.len() > 100 && before.iter().all(|code| *code == 2002));
    let size: usize = lists.iter().map(|item| item.to_der().len()).sum();
    assert!((16_000..=16_384).contains(&size), "{size}");
    // An item that changes something is not begun without room for its result.
    let rest = "BF2D00".repeat(before.len());
    let deletions = "A50C5A0A98010300000000000099".to_string();
    let results = host.run(&mut eim, &(rest + &deletions));
    assert!(matches!(
        results.last(),
        Some(EuiccResultData::DeleteResult(_) | EuiccResultData::ProcessingTerminated(_))
    ));
    host.assert_usable();
}

/// EUI-34: one ascending sequence for notifications and results, whose numbers
/// stay positive in DER beyond 127. Of results that nobody removes the oldest
/// give way, and those that are there can be read one by one.
#[test]
fn the_oldest_result_gives_way() {
    let (mut host, mut eim) = two_profiles();
    for _ in 0..3 {
        assert_eq!(codes(&host.run(&mut eim, &enable(A))), [0]);
        assert_eq!(codes(&host.run(&mut eim, &psmo("A4", A))), [0]);
    }
    for _ in 0..127 {
        host.es10(&eim.package(&[]));
    }
    assert_eq!(codes(&host.run(&mut eim, &enable(A))), [0]);
    let numbers: Vec<i64> = host
        .waiting_results()
        .iter()
        .map(|result| match result {
            EuiccPackageResult::Signed(signed) => eim.verified(signed).seq_number,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(numbers.len(), 128);
    assert!(numbers.is_sorted());
    let notified = host.es10(&hex("BF2B00"));
    let RetrieveNotificationsListResponse::NotificationList(list) =
        RetrieveNotificationsListResponse::from_der(&notified).unwrap()
    else {
        panic!("no notifications");
    };
    let of_notifications = list.iter().map(|n| n.metadata().unwrap().seq_number);
    let mut all: Vec<i64> = of_notifications.chain(numbers.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 128 + list.len());
    assert!(numbers.contains(&(*all.last().unwrap() - 1)));
    // Three octets in DER would be negative without their leading zero.
    let positive = *numbers.iter().find(|n| (128..256).contains(*n)).unwrap();
    let criteria = [0xBF, 0x2B, 6, 0xA0, 4, 0x80, 2, 0, positive as u8];
    let one = host.es10(&criteria);
    let encoded = [0x83, 2, 0, positive as u8];
    assert!(one.windows(4).any(|window| window == encoded));
    let RetrieveNotificationsListResponse::EuiccPackageResultList(one) =
        RetrieveNotificationsListResponse::from_der(&one).unwrap()
    else {
        panic!("no result");
    };
    assert_eq!(one.len(), 1);
    let remove = [0xBF, 0x30, 4, 0x80, 2, 0, positive as u8];
    assert_eq!(host.es10(&remove), hex("BF3003800100"));
    assert_eq!(host.es10(&remove), hex("BF3003800101"));
    assert_eq!(host.waiting_results().len(), 127);
    // They outlast power.
    let image = host.card.image();
    host.card.reset();
    assert!(host.card.image() == image);
}

/// EUI-19: by class, by ICCID, by AID; and what the metadata say of emergencies
/// and fallback, kept and told.
#[test]
fn profiles_of_a_class_and_what_their_metadata_say() {
    let (mut host, mut eim) = two_profiles();
    host.install_with("89103000000000000035", |metadata| {
        metadata.profile_class = PROFILE_CLASS_TEST;
        metadata.ecall_indication = Some(true);
        metadata.fallback_allowed = Some(true);
    });
    let list = |host: &mut Host, eim: &mut Eim, request: &str| {
        let results = host.run(eim, request);
        let [EuiccResultData::ListProfileInfoResult(list)] = results.as_slice() else {
            panic!("{results:?}");
        };
        list.to_der()
    };
    let operational = list(&mut host, &mut eim, "BF2D09A003950102 5C02 9F70");
    assert_eq!(operational, hex("BF2D0EA00C E3049F700100 E3049F700100"));
    let test = list(&mut host, &mut eim, "BF2D0EA003950100 5C07 9F7B9F269F675A");
    let expected = "BF2D18A016E3145A0A98010300000000000053 9F7B01FF9F6701FF";
    assert_eq!(test, hex(expected));
    let none = list(&mut host, &mut eim, "BF2D05A003950101");
    assert_eq!(none, hex("BF2D02A000"));
    let by_iccid = "BF2D10A00C5A0A980103000000000000725C0195".replace("BF2D10", "BF2D11");
    assert_eq!(
        list(&mut host, &mut eim, &by_iccid),
        hex("BF2D07A005E303950102")
    );
    // A search that a package makes for a tag nobody knows, EUI-18's default
    // set without one, and the list of later versions.
    assert_eq!(
        list(&mut host, &mut eim, "BF2D035C0144"),
        hex("BF2D03810101")
    );
    let later = list(&mut host, &mut eim, "BF2D08A003950100 5D0195");
    assert_eq!(later, hex("BF2D07A005E303950100"));
    host.run(&mut eim, &psmo("A8", "89103000000000000035"));
    let attribute = list(&mut host, &mut eim, "BF2D055C039F265A");
    assert!(attribute.ends_with(&hex("5A0A980103000000000000539F2601FF")));
}

/// EUI-18: what is told without a tag list, and that what is absent or false is
/// left out.
#[test]
fn the_list_without_tags() {
    let (mut host, mut eim) = two_profiles();
    let results = host.run(&mut eim, "BF2D00");
    let [EuiccResultData::ListProfileInfoResult(list)] = results.as_slice() else {
        panic!("{results:?}");
    };
    let ProfileInfoListResponse::Ok(list) = list else {
        panic!("{list:?}");
    };
    let expected = "E32F 5A0A98010300000000000091 4F10A0000005591010FFFFFFFF8900001000 \
                    9F700100 91025350 92044E616D65 950102";
    assert_eq!(list[0].to_der(), hex(expected));
}
