//! Who may come in, on every engine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use fleet::access::{
    Account, ApiKey, ApiKeyId, Attempts, Digest, Factor, PasswordHash, Permissions, Residency,
    Role, RoleName, Session, Subject, TenantName, Tenants, TotpSecret, TreeError, User, UserId,
};
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::EuiccRecord;
use store::{AccessStore, StoreError, StoredKey, Tenant, Versioned};

use support::{Bench, Folder, octets, suite};

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn name(text: &str) -> TenantName {
    text.parse().unwrap()
}

fn account(user: &str, role: &str) -> Account {
    Account::new(User {
        id: UserId(format!("id-{user}")),
        name: user.parse().unwrap(),
        role: role.parse().unwrap(),
        disabled: false,
        generation: 0,
        created: at(1),
    })
}

fn key(number: u8) -> StoredKey {
    let key = ApiKey {
        id: ApiKeyId(format!("key-{number}")),
        name: "erp".to_string(),
        owner: UserId("id-noc".to_string()),
        permissions: Permissions::all(),
        below: false,
        networks: vec!["192.0.2.0/24".parse().unwrap()],
        created: at(1),
        expires: Some(at(9)),
        revoked: None,
    };
    StoredKey {
        key,
        digest: Digest([number; 32]),
        seen: None,
    }
}

fn session(user: &str) -> Session {
    Session {
        user: UserId(format!("id-{user}")),
        generation: 0,
        factor: Factor::Password,
        created: at(1),
        seen: at(1),
    }
}

fn is_last_admin(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::LastAdmin(_)))
}

fn changed(
    store: &dyn AccessStore,
    user: &str,
    change: impl Fn(&mut Account),
) -> Result<(), StoreError> {
    let id = UserId(format!("id-{user}"));
    let mut account = store.account(&id)?.unwrap();
    change(&mut account.value);
    store.change_account(&account)
}

suite! {
    #[test]
    fn tenants_stand_in_a_tree(bench: &Bench) {
        let database = bench.database(1);
        let top = database.access(Tenant::default());
        let within = |codes: &[&str]| Residency::within(codes.iter().map(|one| one.parse().unwrap()));
        let (anywhere, alps) = (within(&[]), within(&["CH", "AT"]));
        top.add_tenant(&name("reseller"), &name("default"), &alps).unwrap();
        // Whoever asks, it is the same tree.
        let other = database.access("reseller".parse().unwrap());
        other.add_tenant(&name("customer"), &name("reseller"), &anywhere).unwrap();
        let again = top.add_tenant(&name("customer"), &name("default"), &within(&["DE"]));
        assert!(matches!(again, Err(StoreError::Tenants(TreeError::Exists(_)))));
        let tree = top.tenants().unwrap();
        assert!(tree.is_below(&name("customer"), &name("default")));
        assert_eq!(other.tenants().unwrap(), tree);
        // What is said of those above holds for the others, and can be said anew.
        assert_eq!(tree.residency(&name("customer")), alps);
        other.restrict_tenant(&name("reseller"), &within(&["CH"])).unwrap();
        top.restrict_tenant(&name("default"), &within(&["CH", "FR"])).unwrap();
        assert_eq!(top.tenants().unwrap().residency(&name("customer")), within(&["CH"]));
        top.restrict_tenant(&name("default"), &anywhere).unwrap();
        let unknown = top.restrict_tenant(&name("nobody"), &alps);
        assert!(matches!(unknown, Err(StoreError::Tenants(TreeError::Unknown(_)))));

        let above = top.remove_tenant(&name("reseller"));
        assert!(matches!(above, Err(StoreError::Tenants(TreeError::HasTenants(_)))));
        let customer = database.store("customer".parse().unwrap());
        let eid: Eid = "89049032123451234512345678901235".parse().unwrap();
        customer.add_euicc(&EuiccRecord::new(eid, None, 0)).unwrap();
        let held = top.remove_tenant(&name("customer"));
        assert!(matches!(held, Err(StoreError::Exists(_))), "{held:?}");
        customer.remove_euicc(eid).unwrap();
        let held = top.remove_tenant(&name("customer"));
        assert!(matches!(held, Err(StoreError::Exists(_))), "{held:?}");
        customer.remove_device(&eid.to_string().parse().unwrap()).unwrap();
        top.remove_tenant(&name("customer")).unwrap();
        top.remove_tenant(&name("reseller")).unwrap();
        assert_eq!(top.tenants().unwrap(), Tenants::default());
        // A later one of its name may rest anywhere.
        top.add_tenant(&name("reseller"), &name("default"), &anywhere).unwrap();
        assert_eq!(top.tenants().unwrap().residency(&name("reseller")), anywhere);
    }

    #[test]
    fn accounts_are_found_and_changed_by_one_at_a_time(bench: &Bench) {
        let database = bench.database(1);
        let store = database.access(Tenant::default());
        let mut noc = account("noc", "operator");
        noc.subject = Some(Subject {
            issuer: "https://login.example.org".to_string(),
            subject: "42".to_string(),
        });
        store.add_account(&noc).unwrap();
        store.add_account(&account("plant", "viewer")).unwrap();
        let twice = store.add_account(&account("noc", "viewer"));
        assert!(matches!(twice, Err(StoreError::Exists(_))), "{twice:?}");

        let found = store.account_named(&noc.user.name).unwrap().unwrap();
        assert_eq!(found.value, noc);
        let of_subject = store.account_of_subject("https://login.example.org 42");
        assert_eq!(of_subject.unwrap(), Some(found.clone()));
        assert_eq!(store.account_of_subject("").unwrap(), None);
        let all = store.accounts(None, 9).unwrap();
        assert_eq!(all.len(), 2);
        let after = store.accounts(Some(&noc.user.name), 9).unwrap();
        assert_eq!(after.first().map(|account| account.user.id.0.as_str()), Some("id-plant"));

        store.change_account(&found).unwrap();
        let late = store.change_account(&found);
        assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");

        // Nobody of another tenant is seen, and names are each tenant's own.
        let other = database.access("other".parse().unwrap());
        assert_eq!(other.account_named(&noc.user.name).unwrap(), None);
        assert_eq!(other.account(&noc.user.id).unwrap(), None);
        other.add_account(&account("noc", "viewer")).unwrap();
    }

    #[test]
    fn the_last_admin_stays(bench: &Bench) {
        let store = bench.database(1).access(Tenant::default());
        for user in ["noc", "plant"] {
            store.add_account(&account(user, "admin")).unwrap();
        }
        store.add_account(&account("spare", "operator")).unwrap();
        changed(&*store, "plant", |plant| plant.set_disabled(true)).unwrap();
        let demoted = changed(&*store, "noc", |noc| {
            noc.user.role = "viewer".parse().unwrap();
        });
        assert!(is_last_admin(&demoted), "{demoted:?}");
        let disabled = changed(&*store, "noc", |noc| noc.set_disabled(true));
        assert!(is_last_admin(&disabled), "{disabled:?}");
        let removed = store.remove_account(&UserId("id-noc".to_string()));
        assert!(is_last_admin(&removed), "{removed:?}");
        // Neither the disabled one nor an admin of another tenant counts.
        changed(&*store, "plant", |plant| plant.set_disabled(false)).unwrap();
        store.remove_account(&UserId("id-noc".to_string())).unwrap();
        let removed = store.remove_account(&UserId("id-plant".to_string()));
        assert!(is_last_admin(&removed), "{removed:?}");
    }

    /// Two admins demote each other at the same moment: one stays.
    #[test]
    fn admins_who_demote_each_other_at_once_leave_one(bench: &Bench) {
        let database = bench.database(1);
        let store = database.access(Tenant::default());
        for round in 0..8 {
            let users = [format!("a{round}"), format!("b{round}")];
            for user in &users {
                store.add_account(&account(user, "admin")).unwrap();
            }
            if round > 0 {
                for old in store.accounts(None, 99).unwrap() {
                    if !users.contains(&old.user.name.to_string()) {
                        store.remove_account(&old.user.id).unwrap();
                    }
                }
            }
            std::thread::scope(|scope| {
                for user in &users {
                    let store = &store;
                    scope.spawn(move || {
                        let _ = changed(&**store, user, |account| {
                            account.user.role = "viewer".parse().unwrap();
                        });
                    });
                }
            });
            let admins = store.accounts(None, 99).unwrap();
            let admins = admins.iter().filter(|account| account.user.is_active_admin());
            assert_eq!(admins.count(), 1, "round {round}");
        }
    }

    #[test]
    fn roles_are_the_tenants_own_or_those_that_all_have(bench: &Bench) {
        let database = bench.database(1);
        let store = database.access(Tenant::default());
        let admin = store.role(&RoleName::admin()).unwrap().unwrap();
        assert!(!admin.mfa_required);
        store.put_role(&Role { mfa_required: true, ..admin.clone() }).unwrap();
        assert!(store.role(&RoleName::admin()).unwrap().unwrap().mfa_required);
        let night: RoleName = "night-shift".parse().unwrap();
        assert_eq!(store.role(&night).unwrap(), None);
        store.put_role(&Role { name: night.clone(), ..admin }).unwrap();
        assert_eq!(store.roles().unwrap().len(), 2);
        store.add_account(&account("noc", "night-shift")).unwrap();
        let held = store.remove_role(&night);
        assert!(matches!(held, Err(StoreError::Exists(_))), "{held:?}");
        store.remove_account(&UserId("id-noc".to_string())).unwrap();
        store.remove_role(&night).unwrap();
        // What was changed of a role that all have is taken back by that.
        store.remove_role(&RoleName::admin()).unwrap();
        assert!(!store.role(&RoleName::admin()).unwrap().unwrap().mfa_required);
        let other = database.access("other".parse().unwrap());
        assert_eq!(other.roles().unwrap(), []);
    }

    #[test]
    fn keys_are_found_by_what_is_kept_of_them_and_end_once(bench: &Bench) {
        let database = bench.database(1);
        let store = database.access(Tenant::default());
        store.add_api_key(&key(1)).unwrap();
        store.add_api_key(&key(2)).unwrap();
        let again = store.add_api_key(&StoredKey { digest: Digest([1; 32]), ..key(3) });
        assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
        assert_eq!(store.api_key_of(&Digest([2; 32])).unwrap(), Some(key(2)));
        assert_eq!(store.api_key_of(&Digest([9; 32])).unwrap(), None);
        let other = database.access("other".parse().unwrap());
        assert_eq!(other.api_key_of(&Digest([2; 32])).unwrap(), None);
        let after = store.api_keys(Some(&key(1).key.id), 9).unwrap();
        assert_eq!(after, [key(2)]);
        store.touch_api_key(&key(2).key.id, at(7)).unwrap();
        let revoked = store.revoke_api_key(&key(2).key.id, at(8)).unwrap();
        assert_eq!((revoked.seen, revoked.key.revoked), (Some(at(7)), Some(at(8))));
        let revoked = store.revoke_api_key(&key(2).key.id, at(9)).unwrap();
        assert_eq!(revoked.key.revoked, Some(at(8)));

        other.add_certificate(&Digest([5; 32]), &name("other")).unwrap();
        assert_eq!(store.certificate(&Digest([5; 32])).unwrap(), Some(name("other")));
        let taken = store.add_certificate(&Digest([5; 32]), &name("default"));
        assert!(matches!(taken, Err(StoreError::Exists(_))), "{taken:?}");
        store.remove_certificate(&Digest([5; 32])).unwrap();
        assert_eq!(other.certificate(&Digest([5; 32])).unwrap(), None);
    }

    #[test]
    fn sessions_are_exchanged_once_and_end_with_their_user(bench: &Bench) {
        let store = bench.database(1).access(Tenant::default());
        store.add_account(&account("noc", "viewer")).unwrap();
        let [one, two, three] = [1, 2, 3].map(|number| Digest([number; 32]));
        store.put_web_session(&one, &session("noc"), at(50)).unwrap();
        store.put_web_session(&one, &session("noc"), at(60)).unwrap();
        let strong = Session { factor: Factor::Passkey, ..session("noc") };
        store.exchange_web_session(&one, &two, &strong, at(70)).unwrap();
        let again = store.exchange_web_session(&one, &three, &strong, at(70));
        assert!(matches!(again, Err(StoreError::Unknown(_))), "{again:?}");
        assert_eq!(store.web_session(&one).unwrap(), None);
        assert_eq!(store.web_session(&two).unwrap(), Some(strong.clone()));
        assert_eq!(store.web_session(&three).unwrap(), None);
        store.put_web_session(&three, &strong, at(80)).unwrap();
        store.forget_access(at(75), at(0)).unwrap();
        assert_eq!(store.web_session(&two).unwrap(), None);
        store.remove_account(&UserId("id-noc".to_string())).unwrap();
        assert_eq!(store.web_session(&three).unwrap(), None);
    }

    #[test]
    fn what_is_pending_is_taken_once_and_in_time(bench: &Bench) {
        let store = bench.database(1).access(Tenant::default());
        let [one, two] = [1, 2].map(|number| Digest([number; 32]));
        store.put_pending(&one, b"challenge", at(50)).unwrap();
        let again = store.put_pending(&one, b"other", at(50));
        assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
        let taken = store.take_pending(&one, at(49)).unwrap().unwrap();
        assert_eq!(taken.as_slice(), b"challenge");
        assert_eq!(store.take_pending(&one, at(49)).unwrap(), None);
        store.put_pending(&two, b"challenge", at(50)).unwrap();
        assert_eq!(store.take_pending(&two, at(50)).unwrap(), None);
    }

    #[test]
    fn failures_of_many_at_once_are_all_counted(bench: &Bench) {
        let database = bench.database(1);
        let store = database.access(Tenant::default());
        let count = |attempts: Attempts| Attempts { failures: attempts.failures + 1, last: 5 };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        store.change_attempts("account:noc", &count).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.attempts("account:noc").unwrap().failures, 40);
        assert_eq!(store.attempts("account:plant").unwrap(), Attempts::default());
        store.change_attempts("account:noc", &|_| Attempts::default()).unwrap();
        assert_eq!(store.attempts("account:noc").unwrap(), Attempts::default());
        store.change_attempts("account:noc", &count).unwrap();
        store.forget_access(at(9), Timestamp(5)).unwrap();
        assert_eq!(store.attempts("account:noc").unwrap(), Attempts::default());
    }

    /// An account that is moved to another user or tenant does not open.
    #[test]
    fn accounts_are_bound_to_their_rows(bench: &Bench) {
        let database = bench.database(1);
        let store = database.access(Tenant::default());
        store.add_account(&account("noc", "admin")).unwrap();
        store.add_account(&account("plant", "viewer")).unwrap();
        bench.run(
            "UPDATE access_account SET document =
                (SELECT document FROM access_account WHERE name = 'noc')
             WHERE name = 'plant'",
        );
        let moved = store.account(&UserId("id-plant".to_string()));
        assert!(matches!(moved, Err(StoreError::Sealed(_))), "{moved:?}");
        bench.run("UPDATE access_account SET tenant = 'other' WHERE name = 'noc'");
        let other = database.access("other".parse().unwrap());
        let moved = other.account(&UserId("id-noc".to_string()));
        assert!(matches!(moved, Err(StoreError::Sealed(_))), "{moved:?}");
    }

    #[test]
    fn accounts_open_with_another_key_of_the_database(bench: &Bench) {
        {
            let store = bench.database(1).access(Tenant::default());
            store.add_account(&account("noc", "admin")).unwrap();
            store.put_pending(&Digest([1; 32]), b"challenge", at(50)).unwrap();
        }
        assert_eq!(bench.reseal(1, 2).unwrap(), Some(2));
        let store = bench.database(2).access(Tenant::default());
        assert_eq!(store.accounts(None, 9).unwrap().len(), 1);
        let taken = store.take_pending(&Digest([1; 32]), at(1)).unwrap();
        assert!(taken.is_some());
    }
}

#[test]
fn no_file_shows_a_credential() {
    let folder = Folder::new("no-credential");
    let store = folder.open(1).unwrap();
    let mut noc = account("noc", "admin");
    let secret = b"mark-of-the-app-here";
    noc.begin_totp(&TotpSecret::new(secret));
    noc.set_password(&PasswordHash::nobodys(), false);
    store.add_account(&noc).unwrap();
    store
        .put_pending(&Digest([1; 32]), b"mark-pending", at(9))
        .unwrap();
    let id = noc.user.id.clone();
    let value = store.account(&id).unwrap().unwrap();
    assert_eq!(
        value,
        Versioned {
            value: noc,
            version: 1
        }
    );
    let octets = octets(&folder.0);
    let shows = |mark: &[u8]| octets.windows(mark.len()).any(|part| part == mark);
    assert!(!shows(secret) && !shows(b"mark-pending") && !shows(b"argon2id"));
    // As JSON writes octets.
    assert!(!shows(b"109,97,114,107"));
    assert!(shows(b"id-noc"));
}
