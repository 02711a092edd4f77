//! Orders over ES2+, the keys of the SM-DP+, and what `Debug` shows of secrets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_core::binding::es2plus_json::{ConfirmOrder, ReleaseProfile, RequestHeader};
use rsp_core::binding::json;
use rsp_core::pki::{ChainError, Role, Side, TrustAnchor};
use rsp_core::profile;
use rsp_core::smdp::{DpIdentity, OrderKey, OrderState, Session, SetupError, Smdp};
use rsp_core::{Context, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use smdp_support::{ADDRESS, Bench, Ca, START, YEAR, confirm, copy, identity, name};

#[test]
fn the_same_order_again_succeeds() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1, 2]);
    for (number, eid) in [(1, Some(card.eid)), (2, None)] {
        bench.ordered(number, eid);
        let first = bench.order(number);
        bench.ordered(number, eid);
        assert_eq!(bench.order(number), first);
    }
}

#[test]
fn a_confirmation_can_be_repeated_but_not_changed() {
    let mut bench = Bench::new();
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.stock("operational", &profile::template(), &[1, 2]);
    bench.ordered(1, None);
    let bound = ConfirmOrder {
        eid: Some(card.eid),
        ..confirm(1, "TOKEN")
    };
    let first = bench.send(&bound).unwrap();
    let order = bench.order(1);
    assert_eq!(bench.send(&bound).unwrap(), first);
    let other_eid = ConfirmOrder {
        eid: Some(stranger.eid),
        ..bound.clone()
    };
    assert_eq!(bench.refusal(&other_eid), "8.1.1/3.10");
    let other_id = ConfirmOrder {
        matching_id: Some("OTHER".to_string()),
        ..bound.clone()
    };
    assert_eq!(bench.refusal(&other_id), "8.2.1/3.5");
    let not_released = ConfirmOrder {
        release_flag: false,
        ..bound
    };
    assert_eq!(bench.refusal(&not_released), "8.2.1/3.5");
    assert_eq!(bench.order(1), order);

    // One for any eUICC cannot be bound afterwards.
    bench.ordered(2, None);
    bench.send(&confirm(2, "ANY")).unwrap();
    bench.send(&confirm(2, "ANY")).unwrap();
    let bound_later = ConfirmOrder {
        eid: Some(card.eid),
        ..confirm(2, "ANY")
    };
    assert_eq!(bench.refusal(&bound_later), "8.1.1/3.10");
    assert_eq!(bench.order(2).eid, None);
}

#[test]
fn an_order_without_matching_id_is_found_by_its_euicc() {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1, 2, 3]);
    // Younger orders have lower ICCIDs; the first has a MatchingID.
    for (number, matching_id) in [(3, "TOKEN"), (2, ""), (1, "")] {
        bench.ordered(number, Some(card.eid));
        bench.send(&confirm(number, matching_id)).unwrap();
    }
    for (number, matching_id) in [(2, None), (1, Some(""))] {
        let offered = bench.offered(&card, matching_id);
        let iccid = smdp_support::iccid(number);
        assert_eq!(offered.profile_metadata.iccid, iccid);
        // The result of the first attempt never comes: it can be made again.
        bench.send(&card.get_package(&offered)).unwrap();
        assert_eq!(bench.order(number).state, OrderState::Downloaded);
        let offered = bench.offered(&card, matching_id);
        assert_eq!(offered.profile_metadata.iccid, iccid);
        let id = offered.transaction_id.clone();
        bench.send(&card.get_package(&offered)).unwrap();
        assert_eq!(bench.raw(&card.result(&id, true)).status, 204);
    }
    let started = bench.started(&card);
    let none_left = card.authenticate(&started, None);
    assert_eq!(bench.refusal(&none_left), "8.1.1/3.8");
    let release = ReleaseProfile {
        header: RequestHeader::default(),
        iccid: smdp_support::iccid(3),
    };
    bench.send(&release).unwrap();
    bench.offered(&card, Some("TOKEN"));
}

#[test]
fn debug_shows_no_secret() {
    const SECRET: &str = "MATCHING-SECRET";
    const CODE: &str = "CODE-SECRET";
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, SECRET);
    let order = bench.order(1);
    let request = ConfirmOrder {
        confirmation_code: Some(CODE.to_string()),
        ..confirm(1, SECRET)
    };
    let encoded = json::encode_request(&request, None).unwrap();
    let answered = bench.raw(&confirm(1, SECRET));
    let confirmed = bench.send(&confirm(1, SECRET)).unwrap();
    let client = {
        let mut cx = Context {
            now: START,
            rng: &mut bench.rng,
            crypto: &SoftwareProvider,
        };
        let smdp = bench.host.smdp();
        let started = smdp.initiate_authentication(&card.initiate(), &mut cx);
        let started = started.unwrap();
        let Session::AwaitAuthenticateClient(state) = &started.session else {
            panic!("another state");
        };
        let request = card.authenticate(&started.reply, Some(SECRET));
        state.authenticate(&request, smdp, &cx).unwrap()
    };
    let key = OrderKey::MatchingId(SECRET.to_string());
    assert_eq!(client.order_key(), key);
    let bytes = |secret: &str| format!("{:?}", secret.as_bytes()).replace(['[', ']'], "");
    let shown = [
        format!("{order:?}"),
        format!("{request:?}"),
        format!("{confirmed:?}"),
        format!("{client:?}"),
        format!("{key:?}"),
    ];
    for text in &shown {
        assert!(text.contains("[redacted]"), "{text}");
    }
    let bodies = [
        (format!("{encoded:?}"), encoded.body.len()),
        (format!("{answered:?}"), answered.body.len()),
    ];
    for (text, octets) in &bodies {
        assert!(text.contains(&format!("[{octets} octets]")), "{text}");
    }
    for text in shown.iter().chain(bodies.iter().map(|(text, _)| text)) {
        for secret in [SECRET, CODE] {
            assert!(
                !text.contains(secret) && !text.contains(&bytes(secret)),
                "{text}"
            );
        }
    }
}

type Keyed = (Certificate, SoftwareKey);

fn setup(auth: &Keyed, pb: &Keyed, anchors: &[&Ca], now: Timestamp) -> Result<Smdp, SetupError> {
    let anchors: Vec<TrustAnchor> = anchors.iter().map(|ca| ca.anchor.clone()).collect();
    let address = ADDRESS.to_string();
    let set = DpIdentity {
        auth: identity(auth),
        pb: identity(pb),
    };
    Smdp::new(address, vec![set], anchors, now, &SoftwareProvider)
}

#[test]
fn keys_and_certificates_must_be_those_of_one_smdp() {
    let mut rng = SeededRng::new(3);
    let (home, other) = (Ca::new(&mut rng), Ca::new(&mut rng));
    let both = [&home, &other];
    let (auth, pb) = (&home.auth, &home.pb);
    setup(auth, pb, &both, START).unwrap();

    let swapped = |certificate: &Keyed, key: &Keyed| (certificate.0.clone(), copy(&key.1));
    let refused = setup(&swapped(auth, pb), pb, &both, START).unwrap_err();
    assert_eq!(refused, SetupError::Key("CERT.DPauth"));
    let refused = setup(auth, &swapped(pb, auth), &both, START).unwrap_err();
    assert_eq!(refused, SetupError::Key("CERT.DPpb"));

    let role = SetupError::Chain(ChainError::Policy { side: Side::Leaf });
    assert_eq!(setup(pb, pb, &both, START).unwrap_err(), role);
    assert_eq!(setup(auth, auth, &both, START).unwrap_err(), role);

    let refused = setup(auth, &other.pb, &both, START).unwrap_err();
    assert_eq!(refused, SetupError::Ci);
    let refused = setup(auth, pb, &[&other], START).unwrap_err();
    let unknown = ChainError::UnknownIssuer { side: Side::Leaf };
    assert_eq!(refused, SetupError::Chain(unknown));

    let late = START.after(11 * YEAR);
    let expired = ChainError::Expired { side: Side::Ci };
    let refused = setup(auth, pb, &both, late).unwrap_err();
    assert_eq!(refused, SetupError::Chain(expired));

    let dp_pb = |oid: &str| Role::DpPb {
        oid: oid.to_string(),
    };
    let until = START.after(Duration::from_secs(60));
    let stranger = home.issue(dp_pb("2.999.11"), name("SM-DP+", ""), &pb.1, until);
    let refused = setup(auth, &(stranger, copy(&pb.1)), &both, START).unwrap_err();
    assert_eq!(refused, SetupError::Oid);
}
