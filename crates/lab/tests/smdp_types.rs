//! What a profile type says of its orders goes before what the SM-DP+ says of
//! all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod smdp_support;

use std::time::Duration;

use rsp_core::binding::es2plus_json::ConfirmOrder;
use rsp_core::profile;
use rsp_core::smdp::{OrderState, ProfileTypeSettings};
use smdp_support::{Bench, confirm, download};

const DAY: Duration = Duration::from_secs(86_400);

/// A bench with a profile of a type like this.
fn of_type(settings: ProfileTypeSettings) -> Bench {
    let mut bench = Bench::new();
    bench.settings = settings;
    bench.stock("special", &profile::template(), &[1]);
    bench.settings = ProfileTypeSettings::default();
    bench.stock("usual", &profile::template(), &[2]);
    bench
}

fn with_code(number: u32, matching_id: &str) -> ConfirmOrder {
    ConfirmOrder {
        confirmation_code: Some("4711".to_string()),
        ..confirm(number, matching_id)
    }
}

#[test]
fn a_confirmation_code_can_be_required() {
    let mut bench = of_type(ProfileTypeSettings {
        confirmation_code_required: true,
        ..ProfileTypeSettings::default()
    });
    bench.ordered(1, None);
    assert_eq!(bench.refusal(&confirm(1, "SPECIAL")), "8.2.7/2.2");
    let empty = ConfirmOrder {
        confirmation_code: Some(String::new()),
        ..confirm(1, "SPECIAL")
    };
    assert_eq!(bench.refusal(&empty), "8.2.7/2.2");
    assert_eq!(bench.order(1).state, OrderState::Allocated);
    bench.send(&with_code(1, "SPECIAL")).unwrap();
    bench.ordered(2, None);
    bench.send(&confirm(2, "USUAL")).unwrap();
}

#[test]
fn wrong_codes_end_an_order_as_soon_as_its_type_says() {
    let mut bench = of_type(ProfileTypeSettings {
        max_confirmation_failures: Some(1),
        ..ProfileTypeSettings::default()
    });
    for (number, id) in [(1, "SPECIAL"), (2, "USUAL")] {
        bench.ordered(number, None);
        bench.send(&with_code(number, id)).unwrap();
    }
    let mut card = bench.card(1);
    card.code = Some("wrong".to_string());
    let offered = bench.offered(&card, Some("SPECIAL"));
    assert_eq!(bench.refusal(&card.get_package(&offered)), "8.2.7/6.4");
    let offered = bench.offered(&card, Some("USUAL"));
    assert_eq!(bench.refusal(&card.get_package(&offered)), "8.2.7/3.8");
}

#[test]
fn attempts_are_counted_as_the_type_says() {
    let mut bench = of_type(ProfileTypeSettings {
        max_attempts: Some(1),
        ..ProfileTypeSettings::default()
    });
    let card = bench.card(1);
    for (number, id) in [(1, "SPECIAL"), (2, "USUAL")] {
        bench.ordered(number, None);
        bench.send(&confirm(number, id)).unwrap();
        bench.offered(&card, Some(id));
    }
    let started = bench.started(&card);
    let again = card.authenticate(&started, Some("SPECIAL"));
    assert_eq!(bench.refusal(&again), "8.8.5/6.4");
    bench.offered(&card, Some("USUAL"));
}

#[test]
fn orders_expire_as_the_type_says() {
    let mut bench = of_type(ProfileTypeSettings {
        order_validity_days: Some(2),
        ..ProfileTypeSettings::default()
    });
    let card = bench.card(1);
    for (number, id) in [(1, "SPECIAL"), (2, "USUAL")] {
        bench.ordered(number, None);
        bench.send(&confirm(number, id)).unwrap();
    }
    bench.now = bench.now.after(DAY);
    bench.offered(&card, Some("SPECIAL"));
    bench.now = bench.now.after(2 * DAY);
    let started = bench.started(&card);
    let late = card.authenticate(&started, Some("SPECIAL"));
    assert_eq!(bench.refusal(&late), "8.8.5/4.10");
    bench.offered(&card, Some("USUAL"));
}

#[test]
fn a_default_order_needs_no_matching_id() {
    let mut bench = of_type(ProfileTypeSettings {
        default_order: true,
        ..ProfileTypeSettings::default()
    });
    let unsaid = |number| ConfirmOrder {
        matching_id: None,
        ..confirm(number, "")
    };
    let card = bench.card(1);
    bench.send(&download(1, Some(card.eid))).unwrap();
    let confirmed = bench.send(&unsaid(1)).unwrap();
    assert_eq!(confirmed.matching_id, "");
    let id = bench.delivered(&card, None);
    bench.raw(&card.result(&id, true));
    assert_eq!(bench.order(1).state, OrderState::Installed);

    // Nobody else could be told from anybody: there a MatchingID is made.
    bench.ordered(2, None);
    let confirmed = bench.send(&unsaid(2)).unwrap();
    assert_eq!(confirmed.matching_id.len(), 20);
}

/// Types that were stored before a setting existed are the same types.
#[test]
fn what_is_not_set_is_not_stored() {
    let usual = serde_json::to_value(ProfileTypeSettings::default()).unwrap();
    let stored = serde_json::json!({
        "owner": null, "protection": "session_keys", "bound_once": false,
        "requires": [], "mnc_length": null,
    });
    assert_eq!(usual, stored);
}
