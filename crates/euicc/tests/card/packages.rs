//! eUICC Packages (SGP.32 3.3.1, 3.4).

use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, BitString, Tag, Writer};

use crate::common::{Host, eid, hex, personalisation, verifies};
use crate::eims::Eim;
use crate::pki::Pki;
use crate::server::{self, Contents};

const A: &str = "89103000000000000019";
const B: &str = "89103000000000000027";

/// A PSMO on a profile: `A3` enable, `A4` disable, `A5` delete.
fn psmo(tag: &str, iccid: &str) -> String {
    let iccid: rsp_asn1::ids::Iccid = iccid.parse().unwrap();
    let swapped = iccid.as_swapped().iter().map(|b| format!("{b:02X}"));
    format!("{tag}0C5A0A{}", swapped.collect::<String>())
}

fn enable(iccid: &str) -> String {
    psmo("A3", iccid)
}

fn enable_with_rollback(iccid: &str) -> String {
    psmo("A3", iccid).replace("A30C", "A30E") + "0500"
}

/// A card with profiles A and B, both disabled, and an eIM.
fn two_profiles() -> (Host, Eim) {
    let mut host = Host::ready();
    host.install(A);
    host.install(B);
    clear_notifications(&mut host);
    let eim = Eim::new("eim1");
    host.add(&eim, false);
    (host, eim)
}

fn clear_notifications(host: &mut Host) {
    for number in 1..100u8 {
        host.es10(&[0xBF, 0x30, 3, 0x80, 1, number]);
    }
}

/// ICCIDs and states.
fn profiles(host: &mut Host) -> Vec<(String, i64)> {
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
fn notifications(host: &mut Host) -> Vec<(u8, String)> {
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

fn codes(results: &[EuiccResultData]) -> Vec<i64> {
    let code = |result: &EuiccResultData| match result {
        EuiccResultData::EnableResult(code) => code.0,
        EuiccResultData::DisableResult(code) => code.0,
        EuiccResultData::DeleteResult(code) => code.0,
        EuiccResultData::ProcessingTerminated(code) => 1000 + code.0,
        EuiccResultData::ListProfileInfoResult(ProfileInfoListResponse::Ok(list)) => {
            2000 + list.len() as i64
        }
        EuiccResultData::ListProfileInfoResult(ProfileInfoListResponse::Error(code)) => code.0,
        other => panic!("{other:?}"),
    };
    results.iter().map(code).collect()
}

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

#[test]
fn unknown_and_damaged_items_end_the_processing() {
    let (mut host, mut eim) = two_profiles();
    for item in ["AF00", "A300", "A8028000", "A3045A029801"] {
        let list = "BF2D00".to_string() + item + &enable(A);
        assert_eq!(codes(&host.run(&mut eim, &list)), [2002, 1002], "{item}");
    }
    let eco = eim.sign(&eim.signed(eid().as_bytes(), eim.counter + 1, &hex("A102AB00")));
    let result = EuiccPackageResult::from_der(&host.es10(&eco)).unwrap();
    let EuiccPackageResult::Signed(result) = result else {
        panic!("not signed");
    };
    assert_eq!(
        codes(&result.euicc_package_result_data_signed.euicc_result),
        [1002]
    );
}

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

fn owner(plmn: [u8; 3]) -> OperatorId {
    OperatorId {
        mcc_mnc: rsp_asn1::ids::Plmn::from_bytes(plmn),
        gid1: Some(Vec::new()),
        gid2: Some(Vec::new()),
        extensions: Default::default(),
    }
}

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

/// The results that wait.
fn results(host: &mut Host) -> Vec<EuiccPackageResult> {
    let response = host.es10(&hex("BF2B04A0028200"));
    match RetrieveNotificationsListResponse::from_der(&response).unwrap() {
        RetrieveNotificationsListResponse::EuiccPackageResultList(list) => list,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rollback_returns_once_and_replaces_the_result() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    assert_eq!(host.es10(&hex("BF58038001FF")), hex("BF5803020101"));
    host.run(&mut eim, &enable_with_rollback(B));
    assert_eq!(profiles(&mut host), [(A.into(), 0), (B.into(), 1)]);
    let before = results(&mut host);
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
    let after = results(&mut host);
    assert_eq!(after.len(), before.len(), "the granting result is gone");
    assert_eq!(after.last(), Some(&rollback));
    assert_eq!(after[..after.len() - 1], before[..before.len() - 1]);

    // Once.
    assert_eq!(host.es10(&hex("BF58038001FF")), hex("BF5803020101"));
    assert_eq!(profiles(&mut host), [(A.into(), 1), (B.into(), 0)]);
}

#[test]
fn the_next_package_ends_the_right_to_return() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    host.run(&mut eim, &enable_with_rollback(B));
    host.run(&mut eim, "BF2D00");
    assert_eq!(host.es10(&hex("BF5803010100")), hex("BF5803020101"));
    assert_eq!(profiles(&mut host), [(A.into(), 0), (B.into(), 1)]);
}

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

#[test]
fn a_memory_reset_deletes_what_it_names() {
    let (mut host, mut eim) = two_profiles();
    host.run(&mut eim, &enable(A));
    clear_notifications(&mut host);
    // Provisioning profiles and pre-loaded test profiles: none are here.
    assert_eq!(host.es10(&hex("BF640482020318")), hex("BF6403800101"));
    assert_eq!(profiles(&mut host).len(), 2);
    // Operational profiles, and what this card has no configuration for.
    assert_eq!(host.es10(&hex("BF640482020182")), hex("BF6406800100820101"));
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
