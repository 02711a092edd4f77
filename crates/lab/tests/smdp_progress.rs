//! What operators are told (ES2+.HandleDownloadProgressInfo, SGP.22 5.3.5): one
//! message for each point of a profile's life, and none twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod smdp_support;

use rsp_asn1::rsp::{
    CancelSessionReason, NOTIFICATION_DELETE, NOTIFICATION_DISABLE, NOTIFICATION_ENABLE,
};
use rsp_core::binding::es2plus_json::{ConfirmOrder, NotificationPoint};
use rsp_core::binding::json::ExecutionStatus;
use rsp_core::profile;
use smdp_support::{Bench, OPERATOR, SMDP_OID, confirm, iccid};

/// Points and, where they were not passed, the pair that says why; in their
/// order.
fn told(bench: &Bench) -> Vec<(u8, String)> {
    let told = bench.progress().into_iter().map(|progress| {
        assert_eq!(progress.operator, OPERATOR);
        let message = progress.message;
        let header = &message.header;
        assert_eq!(header.function_requester_identifier, SMDP_OID);
        assert!(!header.function_call_identifier.is_empty());
        assert_eq!(message.timestamp, bench.now.to_rfc3339());
        let status = &message.notification_point_status;
        let pair = status.status_code_data.as_ref();
        let pair = pair.map(|data| format!("{}/{}", data.subject_code, data.reason_code));
        let passed = status.status == ExecutionStatus::ExecutedSuccess;
        assert_eq!(passed, pair.is_none());
        (message.notification_point_id.0, pair.unwrap_or_default())
    });
    told.collect()
}

fn passed(points: &[NotificationPoint]) -> Vec<(u8, String)> {
    points
        .iter()
        .map(|point| (point.0, String::new()))
        .collect()
}

#[test]
fn each_point_of_a_profiles_life_is_told_once() {
    use NotificationPoint as At;
    let mut bench = Bench::new();
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.released(1, None, "TOKEN");
    let offered = bench.offered(&card, Some("TOKEN"));
    assert_eq!(told(&bench), passed(&[At::ELIGIBILITY]));
    bench.send(&card.get_package(&offered)).unwrap();
    assert_eq!(told(&bench), passed(&[At::BPP_DOWNLOAD]));
    let result = card.result(&offered.transaction_id, true);
    for times in [1, 0] {
        assert_eq!(bench.raw(&result).status, 204);
        let expected = [At::BPP_INSTALLATION];
        let expected = expected.get(..times).unwrap();
        assert_eq!(told(&bench), passed(expected));
    }
    let events = [
        (2, NOTIFICATION_ENABLE, At::ENABLED),
        (3, NOTIFICATION_DISABLE, At::DISABLED),
        (4, NOTIFICATION_ENABLE, At::ENABLED),
        (5, NOTIFICATION_DELETE, At::DELETED),
    ];
    for (number, event, point) in events {
        let notification = card.notifies(number, event, iccid(1));
        assert_eq!(bench.raw(&notification).status, 204);
        let progress = bench.progress();
        let [only] = progress.as_slice() else {
            panic!("{progress:?}");
        };
        assert_eq!(only.message.notification_point_id, point);
        assert_eq!(only.message.eid, Some(card.eid));
        assert_eq!(only.message.iccid, iccid(1));
        assert_eq!(only.message.profile_type, "operational");
        // Sent again, it is taken again, and nobody hears of it twice.
        assert_eq!(bench.raw(&notification).status, 204);
        assert!(bench.progress().is_empty());
    }
    // What another eUICC says of this profile is kept, and told to nobody.
    let other = stranger.notifies(1, NOTIFICATION_ENABLE, iccid(1));
    assert_eq!(bench.raw(&other).status, 204);
    assert!(bench.progress().is_empty());
}

#[test]
fn what_nobody_ordered_or_verified_is_told_to_nobody() {
    let mut bench = Bench::new();
    let (card, forger) = (bench.card(1), bench.card(2));
    bench.stock("operational", &profile::template(), &[1]);
    let notification = card.notifies(1, NOTIFICATION_ENABLE, iccid(1));
    assert_eq!(bench.raw(&notification).status, 204);
    let unknown = card.notifies(2, NOTIFICATION_ENABLE, iccid(9));
    assert_eq!(bench.raw(&unknown).status, 204);
    assert!(bench.progress().is_empty());

    bench.ordered(1, None);
    bench.send(&confirm(1, "TOKEN")).unwrap();
    let id = bench.delivered(&card, Some("TOKEN"));
    bench.raw(&card.result(&id, true));
    bench.progress();
    let forged = card.enabled(3, &forger);
    assert_ne!(bench.raw(&forged).status, 204);
    assert!(bench.progress().is_empty());
}

#[test]
fn what_went_wrong_is_told_with_its_codes() {
    let mut bench = Bench::new();
    let mut card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1]);
    bench.ordered(1, None);
    let confirm = ConfirmOrder {
        confirmation_code: Some("4711".to_string()),
        ..confirm(1, "TOKEN")
    };
    bench.send(&confirm).unwrap();

    let resource = std::mem::replace(&mut card.info.ext_card_resource, vec![0x82, 1, 9]);
    let started = bench.started(&card);
    bench.refusal(&card.authenticate(&started, Some("TOKEN")));
    assert_eq!(told(&bench), [(1, "8.1/4.8".to_string())]);
    card.info.ext_card_resource = resource;

    card.code = Some("1234".to_string());
    let offered = bench.offered(&card, Some("TOKEN"));
    bench.refusal(&card.get_package(&offered));
    let expected = [(1, String::new()), (2, "8.2.7/3.8".to_string())];
    assert_eq!(told(&bench), expected);

    let reason = CancelSessionReason::POSTPONED;
    bench
        .send(&card.cancel(&offered.transaction_id, reason))
        .unwrap();
    assert_eq!(told(&bench), [(2, "8.2/3.8".to_string())]);

    card.code = Some("4711".to_string());
    let id = bench.delivered(&card, Some("TOKEN"));
    bench.raw(&card.result(&id, false));
    let expected = [
        (1, String::new()),
        (3, String::new()),
        (4, "8.2/4.2".to_string()),
    ];
    assert_eq!(told(&bench), expected);
}
