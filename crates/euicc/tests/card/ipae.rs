//! The IPA in the card: activation, timers, channels, TLS and packages
//! (SGP.32 3.8, 5.9.3; ETSI TS 102 223).

use euicc::IpaeSettings;
use rsp_asn1::rsp::{EuiccInfo2, ProfileInfoListResponse};
use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, Certificate, Signed, SubjectPublicKeyInfo};
use rsp_crypto::software::SoftwareKey;

use crate::common::{Host, eid, hex, key, personalisation};
use crate::eims::Eim;
use crate::packages::{A, enable};
use crate::pki::{self, Pki, Spec};
use crate::terminal::{Asked, Terminal};

const SERVER: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const ISSUER: &str = "2323232323232323232323232323232323232323232323232323232323232323";
const NAME: &str = "eim.example.com";
const ACTIVATE: &str = "BF420480020780";

fn trusted(key: &SoftwareKey) -> Option<EimPublicKeyData> {
    let spki = key.public_key().to_spki_der();
    let spki = SubjectPublicKeyInfo::from_bytes(&spki).unwrap();
    Some(EimPublicKeyData::PublicKey(spki))
}

/// A card with an IPA, profile A, and an eIM at this address whose TLS key is
/// this one.
fn card(fqdn: &str, tls: &SoftwareKey) -> (Host, Eim) {
    let mut with_ipa = personalisation(&Pki::new());
    with_ipa.ipae = Some(IpaeSettings {
        poll_interval: 3600,
        hosts: vec![(NAME.into(), [192, 0, 2, 7])],
        direct: true,
        indirect: false,
    });
    let mut host = Host::new(with_ipa);
    host.open();
    host.install(A);
    let eim = Eim::new("eim1");
    let mut data = eim.configuration();
    data.eim_fqdn = Some(fqdn.into());
    data.trusted_public_key_data_tls = trusted(tls);
    let added = host.add_initial(vec![data]);
    assert!(matches!(added, AddInitialEimResponse::Ok(_)));
    (host, eim)
}

/// A terminal whose server has its key pinned.
fn pinned() -> Terminal {
    let key = key(SERVER);
    let certificate = Spec::leaf(&key).sign(&crate::common::key(pki::CI));
    Terminal::new(&key, &[certificate])
}

fn activate(host: &mut Host, terminal: &mut Terminal) {
    terminal.start(host, &mut |_| panic!("nothing is asked yet"));
    assert_eq!(terminal.asked, []);
    let (answer, status) = host.es10c(&hex(ACTIVATE));
    assert_eq!((answer, status >> 8), (hex("BF4203800100"), 0x91));
    terminal.serve(host, status, &mut |_| panic!("nothing is asked yet"));
    assert_eq!(terminal.asked, [Asked::Events, Asked::Timer(5)]);
    terminal.asked.clear();
}

fn nothing() -> Vec<u8> {
    let none = GetEimPackageResponse::EimPackageError(EimPackageError::NO_EIM_PACKAGE_AVAILABLE);
    EsipaMessageFromEimToIpa::GetEimPackageResponse(none).to_der()
}

fn acknowledged(numbers: &[i64]) -> Vec<u8> {
    let response =
        ProvideEimPackageResultResponse::EimAcknowledgements(EimAcknowledgements(numbers.to_vec()));
    EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response).to_der()
}

fn read(body: &[u8]) -> EsipaMessageFromIpaToEim {
    EsipaMessageFromIpaToEim::from_der(body).unwrap()
}

fn is_poll(message: &EsipaMessageFromIpaToEim) -> bool {
    matches!(message, EsipaMessageFromIpaToEim::GetEimPackageRequest(request)
        if request.eid_value == eid())
}

fn provided(message: EsipaMessageFromIpaToEim) -> EimPackageResult {
    match message {
        EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) => {
            assert_eq!(provided.eid_value, Some(eid()));
            provided.eim_package_result
        }
        other => panic!("{other:?}"),
    }
}

/// The last state of profile A.
fn is_enabled(host: &mut Host) -> bool {
    host.open();
    let (list, _) = host.es10c(&hex("BF2D00"));
    match ProfileInfoListResponse::from_der(&list).unwrap() {
        ProfileInfoListResponse::Ok(list) => list[0].profile_state.unwrap().0 == 1,
        ProfileInfoListResponse::Error(code) => panic!("{code}"),
    }
}

/// What an eIM answers in a round in which it wants data, then has a package.
fn data_then_package(step: u32, body: &[u8], package: &Signed<EuiccPackageRequest>) -> Vec<u8> {
    let message = read(body);
    let response = match step {
        1 => {
            assert!(is_poll(&message));
            GetEimPackageResponse::IpaEuiccDataRequest(IpaEuiccDataRequest {
                tag_list: hex("A5A6BF2281"),
                euicc_ci_pk_identifier_to_be_used: None,
                search_criteria_notification: None,
                search_criteria_euicc_package_result: None,
                eim_transaction_id: None,
                extensions: Default::default(),
            })
        }
        2 => {
            let EimPackageResult::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data)) =
                provided(message)
            else {
                panic!("no data");
            };
            let certificate = data.euicc_certificate.unwrap();
            assert_eq!(certificate.as_bytes(), Pki::new().euicc_certificate);
            assert_eq!(data.euicc_info2.unwrap().ipa_mode, Some(1));
            return acknowledged(&[]);
        }
        3 => {
            assert!(is_poll(&message));
            GetEimPackageResponse::EuiccPackageRequest(package.clone())
        }
        other => panic!("request {other}"),
    };
    EsipaMessageFromEimToIpa::GetEimPackageResponse(response).to_der()
}

/// Takes the result of the first package, and what comes along.
fn take_result(eim: &Eim, body: &[u8]) -> Vec<u8> {
    let EimPackageResult::EprAndNotifications(both) = provided(read(body)) else {
        panic!("no result");
    };
    let EuiccPackageResult::Signed(result) = &*both.euicc_package_result else {
        panic!("no signed result");
    };
    let data = eim.verified(result);
    assert_eq!(data.counter_value, 1);
    let waiting = both.notification_list.iter();
    let waiting = waiting.map(|n| n.metadata().unwrap().seq_number);
    let numbers: Vec<i64> = [data.seq_number].into_iter().chain(waiting).collect();
    // The result, the installation, the enabling.
    assert_eq!(numbers, [2, 1, 3]);
    acknowledged(&numbers)
}

/// The whole way: data about the eUICC, a package that enables a profile, a
/// REFRESH, and its result in the next round.
#[test]
fn a_package_is_fetched_executed_and_reported() {
    let (mut host, mut eim) = card("192.0.2.1:8443", &key(SERVER));
    let mut terminal = pinned();
    activate(&mut host, &mut terminal);
    let package = eim.package(&hex(&enable(A)));
    let package = Signed::<EuiccPackageRequest>::from_der(&package).unwrap();
    let mut step = 0;
    terminal.expire(&mut host, &mut |body| {
        step += 1;
        data_then_package(step, body, &package)
    });
    let opened = Asked::Open {
        address: [192, 0, 2, 1],
        port: 8443,
    };
    let expected = [
        Asked::Timer(120),
        opened.clone(),
        Asked::Close,
        Asked::Timer(3600),
        Asked::Refresh,
        Asked::Events,
        Asked::Timer(5),
    ];
    assert_eq!(terminal.asked, expected);
    terminal.asked.clear();
    let mut step = 0;
    terminal.expire(&mut host, &mut |body| {
        step += 1;
        if step > 1 {
            assert!(is_poll(&read(body)));
            return nothing();
        }
        take_result(&eim, body)
    });
    assert_eq!(step, 2);
    let expected = [Asked::Timer(120), opened, Asked::Close, Asked::Timer(3600)];
    assert_eq!(terminal.asked, expected);
    // Nothing waits any more, and a device with an IPA of its own takes over.
    assert!(is_enabled(&mut host));
    assert_eq!(host.waiting_results(), []);
    assert_eq!(host.es10(&hex("BF2B00")), hex("BF2B02A000"));
    let info = EuiccInfo2::from_der(&host.es10(&hex("BF2200"))).unwrap();
    assert_eq!(info.ipa_mode, Some(0));
}

/// The card polls after a power cut too: activation lasts.
#[test]
fn activation_lasts_until_a_device_has_an_ipa_of_its_own() {
    let (mut host, _) = card("192.0.2.1:8443", &key(SERVER));
    assert!(host.open().ends_with(&hex("E10480020780")));
    let mut terminal = pinned();
    activate(&mut host, &mut terminal);
    host.card.reset();
    terminal.start(&mut host, &mut |_| panic!("nothing is asked yet"));
    assert_eq!(terminal.asked, [Asked::Events, Asked::Timer(5)]);
    terminal.asked.clear();
    let mut polls = 0;
    terminal.expire(&mut host, &mut |body| {
        assert!(is_poll(&read(body)));
        polls += 1;
        nothing()
    });
    assert_eq!(
        (polls, terminal.asked.last()),
        (1, Some(&Asked::Timer(3600)))
    );
    // The device declares its own.
    host.card.reset();
    host.open();
    terminal.asked.clear();
    terminal.start(&mut host, &mut |_| panic!("the IPA is off"));
    assert_eq!(terminal.asked, []);
    // A card without an IPA has none to activate.
    let mut without = Host::ready();
    assert_eq!(without.es10(&hex(ACTIVATE)), hex("BF4203800101"));
}

/// The certificate of a name, by an issuer that is trusted, with one between
/// them and without; and those that are refused.
#[test]
fn whom_the_card_believes() {
    let (server, issuer, ca) = (key(SERVER), key(ISSUER), key(pki::CI));
    let leaf = |hosts: &'static [&'static str], by: &SoftwareKey| {
        let spec = Spec {
            hosts,
            ..Spec::leaf(&server)
        };
        spec.sign(by)
    };
    let between = |ca: bool| {
        let spec = Spec {
            ca,
            ..Spec::leaf(&issuer)
        };
        spec.sign(&crate::common::key(pki::CI))
    };
    let name: &[&str] = &[NAME];
    let other: &[&str] = &["eim.example.net"];
    let cases: [(Vec<Certificate>, bool); 7] = [
        (vec![leaf(name, &ca)], true),
        (vec![leaf(name, &issuer), between(true)], true),
        (vec![leaf(name, &issuer), between(false)], false),
        (vec![leaf(name, &issuer)], false),
        (vec![leaf(other, &ca)], false),
        (vec![leaf(&[], &ca)], false),
        (vec![leaf(name, &server)], false),
    ];
    for (number, (chain, believed)) in cases.into_iter().enumerate() {
        let (mut host, _) = card(NAME, &ca);
        let mut terminal = Terminal::new(&server, &chain);
        activate(&mut host, &mut terminal);
        let mut polls = 0;
        terminal.expire(&mut host, &mut |_| {
            polls += 1;
            nothing()
        });
        assert_eq!(polls, i32::from(believed), "case {number}");
        let opened = Asked::Open {
            address: [192, 0, 2, 7],
            port: 443,
        };
        let expected = [Asked::Timer(120), opened, Asked::Close, Asked::Timer(3600)];
        assert_eq!(terminal.asked, expected);
    }
}

/// Four letters are not the address of four octets that they are.
#[test]
fn a_name_does_not_go_for_an_address() {
    let (server, ca) = (key(SERVER), key(pki::CI));
    let hosts: &[&str] = &["abcd"];
    let spec = Spec {
        hosts,
        ..Spec::leaf(&server)
    };
    let (mut host, _) = card("97.98.99.100", &ca);
    let mut terminal = Terminal::new(&server, &[spec.sign(&ca)]);
    activate(&mut host, &mut terminal);
    terminal.expire(&mut host, &mut |_| panic!("the server is somebody else"));
    assert_eq!(terminal.asked.last(), Some(&Asked::Timer(3600)));
}

/// No channel, a link that breaks anywhere, an octet that was changed anywhere:
/// the round ends, and the next one is a good one.
#[test]
fn a_round_that_fails_is_followed_by_another() {
    let (mut host, mut eim) = card("192.0.2.1:8443", &key(SERVER));
    let mut terminal = pinned();
    activate(&mut host, &mut terminal);
    terminal.reachable = false;
    terminal.expire(&mut host, &mut |_| panic!("nobody is reached"));
    assert_eq!(terminal.asked.last(), Some(&Asked::Timer(3600)));
    terminal.reachable = true;
    for at in (0..1400).step_by(61) {
        terminal.breaks_after = Some(at);
        terminal.expire(&mut host, &mut |_| nothing());
        assert_eq!(terminal.asked.last(), Some(&Asked::Timer(3600)), "{at}");
        terminal.breaks_after = None;
        terminal.changes = Some(at);
        terminal.expire(&mut host, &mut |_| nothing());
        terminal.changes = None;
        if terminal.asked.last() != Some(&Asked::Timer(3600)) {
            // A length was changed: the card waits for what never comes.
            terminal.expire(&mut host, &mut |_| nothing());
        }
        assert_eq!(terminal.asked.last(), Some(&Asked::Timer(3600)), "{at}");
    }
    // What the eIM says may be anything.
    for answer in [vec![], hex("BF4F00"), vec![0xFF; 3000], hex("BF50023000")] {
        terminal.expire(&mut host, &mut |_| answer.clone());
        assert_eq!(terminal.asked.last(), Some(&Asked::Timer(3600)));
    }
    let mut polls = 0;
    let package = eim.package(&hex("BF2D00"));
    let package = Signed::<EuiccPackageRequest>::from_der(&package).unwrap();
    terminal.expire(&mut host, &mut |body| {
        polls += 1;
        match polls {
            1 => {
                let package = GetEimPackageResponse::EuiccPackageRequest(package.clone());
                EsipaMessageFromEimToIpa::GetEimPackageResponse(package).to_der()
            }
            2 => {
                let EimPackageResult::EprAndNotifications(both) = provided(read(body)) else {
                    panic!("no result");
                };
                let EuiccPackageResult::Signed(result) = &*both.euicc_package_result else {
                    panic!("no signed result");
                };
                acknowledged(&[eim.verified(result).seq_number])
            }
            _ => nothing(),
        }
    });
    assert_eq!(polls, 3);
}
