//! How far imports are, for all servers on one database.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use fleet::import::RowError;
use fleet::inventory::Device;
use rsp_core::Timestamp;
use store::{
    ImportReport, ImportState, ImportStore, ImportedDevice, MOST_ERRORS, REPORTS_KEPT,
    SWITCH_HEARD, StoreError, Tenant,
};
use support::{Bench, suite};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn reports(bench: &Bench) -> Arc<dyn ImportStore> {
    bench.database(1).imports(Tenant::default())
}

fn row(line: u64, id: &str) -> ImportedDevice {
    let device: Device = serde_json::from_value(serde_json::json!({ "id": id })).unwrap();
    ImportedDevice { line, device }
}

fn wrong(line: u64) -> RowError {
    RowError {
        line,
        column: None,
        what: "wrong".to_string(),
        remedy: "correct it".to_string(),
    }
}

fn report(reports: &dyn ImportStore, now: Timestamp) -> ImportReport {
    reports.import("one", now).unwrap().unwrap()
}

fn state(reports: &dyn ImportStore, now: Timestamp) -> ImportState {
    report(reports, now).state
}

suite! {
    #[test]
    fn each_process_knows_how_far_it_is(bench: &Bench) {
        // Each part at another one.
        let (first, second) = (reports(bench), reports(bench));
        first.begin_import("one", 1, NOW).unwrap();
        let more = second.begin_import("two", 1, NOW);
        assert!(matches!(more, Err(StoreError::Exceeded(_))), "{more:?}");
        assert_eq!(state(&*second, NOW), ImportState::Receiving);
        let rows = [row(1, "a"), row(2, "b")];
        assert_eq!(bench.store().stage_devices("one", &rows[..1], NOW).unwrap(), []);
        assert_eq!(bench.store().stage_devices("one", &rows[1..], NOW).unwrap(), []);
        assert_eq!(report(&*first, NOW).rows, 2);
        assert_eq!(second.begin_switch("one", NOW).unwrap(), ImportState::Switching);
        let twice = first.begin_switch("one", NOW);
        assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
        let late = bench.store().stage_devices("one", &[row(3, "c")], NOW);
        assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
        let switched = bench.store().switch_devices("one", NOW, &mut |_| ()).unwrap();
        assert_eq!(switched.added, 2);
        bench.store().drop_staged("one").unwrap();
        let done = report(&*first, NOW);
        assert_eq!((done.state, done.rows, done.through, done.added), (ImportState::Done, 2, 2, 2));
        first.forget_reports(NOW.after(REPORTS_KEPT - Duration::from_secs(1))).unwrap();
        assert_eq!(state(&*first, NOW), ImportState::Done);
        first.forget_reports(NOW.after(REPORTS_KEPT)).unwrap();
        assert_eq!(first.import("one", NOW).unwrap(), None);
    }

    #[test]
    fn one_that_was_interrupted_is_switched_over_once(bench: &Bench) {
        let (first, second) = (reports(bench), reports(bench));
        first.begin_import("one", 9, NOW).unwrap();
        bench.store().stage_devices("one", &[row(1, "a")], NOW).unwrap();
        first.begin_switch("one", NOW).unwrap();
        let later = NOW.after(SWITCH_HEARD);
        assert_eq!(state(&*second, later), ImportState::Interrupted);
        assert_eq!(second.begin_switch("one", later).unwrap(), ImportState::Switching);
        // Who takes it over says that, and nobody takes it over from them.
        assert_eq!(state(&*first, later), ImportState::Switching);
        let again = first.begin_switch("one", later);
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
        // The first only slept: of the two one does it.
        let stores = [bench.store(), bench.store()];
        let switched = std::thread::scope(|scope| {
            let switch = stores.iter().map(|store| {
                scope.spawn(|| store.switch_devices("one", later, &mut |_| ()))
            });
            let switching: Vec<_> = switch.collect();
            let switched = switching.into_iter().map(|one| one.join().unwrap());
            switched.collect::<Vec<_>>()
        });
        let conflict = |one: &&Result<_, _>| matches!(one, Err(StoreError::Conflict));
        assert_eq!(switched.iter().filter(conflict).count(), 1, "{switched:?}");
        assert_eq!(switched.iter().filter(|one| one.is_ok()).count(), 1);
        assert_eq!(report(&*first, later).added, 1);
        // And what is done has not failed.
        let failed = first.switch_failed("one");
        assert!(matches!(failed, Err(StoreError::Conflict)), "{failed:?}");
    }

    #[test]
    fn one_with_which_nobody_goes_on_is_given_up(bench: &Bench) {
        let reports = reports(bench);
        reports.begin_import("one", 9, NOW).unwrap();
        bench.store().stage_devices("one", &[row(1, "a")], NOW).unwrap();
        bench.store().drop_abandoned(Timestamp(NOW.0 + 1)).unwrap();
        assert_eq!(state(&*reports, NOW), ImportState::GivenUp);
        // What comes now would be without what came before.
        let late = bench.store().stage_devices("one", &[row(2, "b")], NOW);
        assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
        let switch = reports.begin_switch("one", NOW);
        assert!(matches!(switch, Err(StoreError::Conflict)), "{switch:?}");
        // It is not under way any more.
        reports.begin_import("two", 1, NOW).unwrap();
    }

    #[test]
    fn one_with_a_wrong_row_is_refused(bench: &Bench) {
        let reports = reports(bench);
        reports.begin_import("one", 9, NOW).unwrap();
        let many: Vec<_> = (0..MOST_ERRORS as u64).map(wrong).collect();
        reports.refuse_rows("one", &many).unwrap();
        let rows = [row(1, "a"), row(2, "a")];
        assert_eq!(bench.store().stage_devices("one", &rows, NOW).unwrap().len(), 1);
        let refused = report(&*reports, NOW);
        assert_eq!((refused.rows, refused.wrong), (1002, 1001));
        assert_eq!(refused.errors.len(), MOST_ERRORS);
        assert_eq!(reports.begin_switch("one", NOW).unwrap(), ImportState::Refused);
        assert_eq!(state(&*reports, NOW), ImportState::Refused);
        let switched = bench.store().switch_devices("one", NOW, &mut |_| ());
        assert!(matches!(switched, Err(StoreError::Conflict)), "{switched:?}");
    }

    #[test]
    fn what_is_wrong_with_what_is_there_stands_in_the_report(bench: &Bench) {
        let reports = reports(bench);
        let with_imei = |id: &str| {
            let device = serde_json::json!({"id": id, "modems": [{"imei": "490154203237518"}]});
            let device: Device = serde_json::from_value(device).unwrap();
            [ImportedDevice { line: 4, device }]
        };
        bench.store().put_device(&with_imei("there")[0].device, 0, NOW).unwrap();
        reports.begin_import("one", 9, NOW).unwrap();
        bench.store().stage_devices("one", &with_imei("new"), NOW).unwrap();
        reports.begin_switch("one", NOW).unwrap();
        let switched = bench.store().switch_devices("one", NOW, &mut |_| ()).unwrap();
        assert_eq!(switched.errors.len(), 1);
        let refused = report(&*reports, NOW);
        assert_eq!((refused.state, refused.wrong), (ImportState::Refused, 1));
        assert_eq!(refused.errors, switched.errors);
        reports.forget_import("one").unwrap();
        assert_eq!(reports.import("one", NOW).unwrap(), None);
        assert_eq!(bench.rows("device_stage").len(), 0);
    }

    #[test]
    fn one_that_takes_long_is_heard_of(bench: &Bench) {
        let reports = reports(bench);
        reports.begin_import("one", 9, NOW).unwrap();
        bench.store().stage_devices("one", &[row(1, "a")], NOW).unwrap();
        reports.begin_switch("one", NOW).unwrap();
        reports.heard_of_switch("one", 7, NOW.after(SWITCH_HEARD)).unwrap();
        let seen = report(&*reports, NOW.after(SWITCH_HEARD));
        let expected = match bench {
            // Where there is one process alone, it knows by itself.
            Bench::Sqlite(_) => (ImportState::Interrupted, 0),
            Bench::Postgres(_) => (ImportState::Switching, 7),
        };
        assert_eq!((seen.state, seen.through), expected);
    }
}
