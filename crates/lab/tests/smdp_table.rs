//! The table of subject and reason codes (SGP.22 5.3, 5.6; SGP.32): every row
//! is either provoked against the real SM-DP+, over its wire, or belongs to a
//! role that is named here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod smdp_support;

use std::collections::BTreeSet;
use std::time::Duration;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    CancelSessionReason, DownloadErrorCode, PrepareDownloadResponse, PrepareDownloadResponseError,
};
use rsp_asn1::{Certificate, Extensions};
use rsp_core::binding::es2plus_json::{CancelOrder, ConfirmOrder, DownloadOrder, ReleaseProfile};
use rsp_core::binding::es2plus_json::{FinalProfileStatus, RequestHeader};
use rsp_core::binding::es9plus::Wire;
use rsp_core::binding::es9plus_json::GetBoundProfilePackageRequest;
use rsp_core::binding::{HttpResponse, json};
use rsp_core::pki::Role;
use rsp_core::profile;
use rsp_core::smdp::{Policy, SESSION_LIFETIME, Technology};
use smdp_support::{
    Bench, Ca, Card, PREFIX, START, YEAR, cancel_order, confirm, download, eid, iccid, name,
    refuse_in,
};

/// Provokes refusals, and gives what was answered.
type Provoke = fn() -> Vec<String>;

/// What becomes of a row.
enum How {
    /// Gives the pairs that the SM-DP+ answered: all must be that of the row.
    Provoked(Provoke),
    /// Not the SM-DP+'s: whose it is, and why.
    Role(&'static str, &'static str),
}

use How::{Provoked, Role as Other};

const EIM: &str = "eIM (ESipa)";
const SMDS: &str = "SM-DS (ES11, ES12), provoked in smds_table.rs";

/// Pair, where the notes say it occurs, and how it is provoked.
const TABLE: &[(&str, &str, How)] = &[
    ("8.1/4.8", "authenticateClient", Provoked(memory)),
    (
        "8.1/6.1",
        "authenticateClient, getBpp, cancelSession",
        Provoked(signatures),
    ),
    ("8.1.1/2.2", "ES2+", Provoked(eid_missing)),
    (
        "8.1.1/3.1",
        "see note",
        Other("none", "3.10, damaged in a spreadsheet, as the note says"),
    ),
    ("8.1.1/3.8", "authenticateClient", Provoked(other_eid)),
    ("8.1.1/3.10", "ES2+", Provoked(ordered_for_other_eid)),
    ("8.1.2/6.1", "authenticateClient", Provoked(eum_invalid)),
    ("8.1.2/6.3", "authenticateClient", Provoked(eum_expired)),
    ("8.1.3/6.1", "authenticateClient", Provoked(euicc_invalid)),
    ("8.1.3/6.3", "authenticateClient", Provoked(euicc_expired)),
    ("8.2/1.2", "authenticateClient", Provoked(not_released)),
    ("8.2/3.7", "getBpp", Provoked(bound_once)),
    ("8.2.1/1.2", "ES2+", Provoked(iccid_of_another)),
    ("8.2.1/3.3", "ES2+", Provoked(iccid_taken)),
    ("8.2.1/3.5", "ES2+", Provoked(not_confirmed)),
    ("8.2.1/3.9", "ES2+", Provoked(iccid_unknown)),
    ("8.2.1/3.10", "ES2+", Provoked(cancelled_by_other_eid)),
    ("8.2.5/1.2", "ES2+", Provoked(type_of_another)),
    ("8.2.5/3.7", "ES2+", Provoked(none_left)),
    ("8.2.5/3.8", "ES2+", Provoked(type_mismatch)),
    ("8.2.5/3.9", "ES2+", Provoked(type_unknown)),
    ("8.2.5/4.3", "authenticateClient", Provoked(device_lacks)),
    ("8.2.6/3.3", "ES2+", Provoked(matching_id_taken)),
    ("8.2.6/3.10", "ES2+", Provoked(matching_id_of_another)),
    (
        "8.2.6/3.8",
        "authenticateClient",
        Provoked(matching_id_unknown),
    ),
    ("8.2.7/2.2", "getBpp", Provoked(code_missing)),
    ("8.2.7/3.8", "getBpp", Provoked(code_wrong)),
    ("8.2.7/6.4", "getBpp", Provoked(code_too_often)),
    (
        "8.2.8/1.2",
        "ESipa authenticateClient",
        Other(EIM, "an eIM refuses PPRs, not the SM-DP+"),
    ),
    (
        "8.2.9/3.11",
        "ESipa getBpp",
        Other(EIM, "an eIM compares the metadata"),
    ),
    (
        "8.8/3.10",
        "cancelSession, ESipa initiateAuthentication",
        Provoked(other_oid),
    ),
    (
        "8.8.1/3.8",
        "initiateAuthentication",
        Provoked(other_address),
    ),
    (
        "8.8.1/3.10",
        "ESipa",
        Other(EIM, "an eIM compares the address with its order"),
    ),
    (
        "8.8.2/3.1",
        "initiateAuthentication",
        Provoked(no_common_ci),
    ),
    ("8.8.3/3.1", "initiateAuthentication", Provoked(too_old)),
    (
        "8.8.4/3.7",
        "initiateAuthentication",
        Provoked(no_certificate),
    ),
    (
        "8.8.5/4.10",
        "authenticateClient",
        Provoked(|| [expired(), expired_meanwhile()].concat()),
    ),
    ("8.8.5/6.4", "authenticateClient", Provoked(too_often)),
    (
        "8.9/4.2",
        "ES2+, ES12",
        Other(
            SMDS,
            "what an SM-DS answers; at ES2+ the shell passes it on",
        ),
    ),
    ("8.9/5.1", "ES2+, ES12", Provoked(smds_unusable)),
    ("8.9.1/3.8", "ES11", Other(SMDS, "the address of an SM-DS")),
    ("8.9.2/3.1", "ES11", Other(SMDS, "the CIs of an SM-DS")),
    ("8.9.3/3.1", "ES11", Other(SMDS, "the version of an SM-DS")),
    (
        "8.9.4/3.7",
        "ES11",
        Other(SMDS, "the certificates of an SM-DS"),
    ),
    (
        "8.9.5/3.3",
        "ES12, ES11",
        Other(SMDS, "events are registered there"),
    ),
    (
        "8.9.5/3.9",
        "ES12, ES11",
        Other(SMDS, "events are registered there"),
    ),
    (
        "8.10.1/3.9",
        "all session functions",
        Provoked(unknown_transaction),
    ),
    ("8.11.1/3.9", "authenticateClient", Provoked(unknown_ci)),
    (
        "8.31.2/3.10",
        "ESipa",
        Other(EIM, "eimTransactionId is the eIM's"),
    ),
    (
        "8.1.1/2.1",
        "ESipa (02)",
        Other(EIM, "GetEimPackage names the EID"),
    ),
    (
        "8.1.1/2.2",
        "ESipa (02)",
        Other(EIM, "GetEimPackage names the EID"),
    ),
    (
        "8.1.1/3.7",
        "ESipa (02)",
        Other(EIM, "GetEimPackage names the EID"),
    ),
    (
        "8.1.1/3.9",
        "ESipa (02)",
        Other(EIM, "GetEimPackage names the EID"),
    ),
    ("1.2.1/2.1", "PYS only", Provoked(content_type)),
    ("1.2.2/2.1", "PYS only", Provoked(admin_protocol)),
    ("1.3.1/2.2", "PYS only", Provoked(missing_parameter)),
];

#[test]
fn every_row_is_provoked_or_another_roles() {
    for (pair, place, how) in TABLE {
        match how {
            Provoked(provoke) => {
                let answered = provoke();
                assert!(!answered.is_empty());
                for answer in answered {
                    assert_eq!(answer, *pair, "{place}");
                }
            }
            Other(role, why) => println!("{pair} ({place}): {role}: {why}"),
        }
    }
}

/// What is provoked, and the function and integer that it is in the ASN.1
/// binding (SGP.22 5.6): less than the pairs say.
const INTEGERS: &[(Provoke, &[&str])] = &[
    (other_address, &["InitiateAuthentication 1"]),
    (too_old, &["InitiateAuthentication 2"]),
    (no_common_ci, &["InitiateAuthentication 3"]),
    (no_certificate, &["InitiateAuthentication 3"]),
    (eum_invalid, &["AuthenticateClient 1"; 2]),
    (eum_expired, &["AuthenticateClient 2"]),
    (euicc_invalid, &["AuthenticateClient 3"]),
    (euicc_expired, &["AuthenticateClient 4"]),
    (
        signatures,
        &[
            "AuthenticateClient 5",
            "GetBoundProfilePackage 1",
            "CancelSession 2",
        ],
    ),
    (matching_id_unknown, &["AuthenticateClient 6"]),
    (other_eid, &["AuthenticateClient 7"; 2]),
    (device_lacks, &["AuthenticateClient 8"]),
    (unknown_ci, &["AuthenticateClient 9"]),
    (
        unknown_transaction,
        &[
            "AuthenticateClient 10",
            "GetBoundProfilePackage 95",
            "CancelSession 1",
            "GetBoundProfilePackage 95",
        ],
    ),
    (memory, &["AuthenticateClient 11"]),
    (expired, &["AuthenticateClient 18"]),
    (not_released, &["AuthenticateClient 127"]),
    (too_often, &["AuthenticateClient 127"]),
    (code_missing, &["GetBoundProfilePackage 2"]),
    (code_wrong, &["GetBoundProfilePackage 3"]),
    (code_too_often, &["GetBoundProfilePackage 4"]),
    (bound_once, &["GetBoundProfilePackage 5"]),
    (expired_meanwhile, &["GetBoundProfilePackage 6"]),
    (not_prepared, &["GetBoundProfilePackage 127"]),
    (other_oid, &["CancelSession 127"]),
];

#[test]
fn every_refusal_of_es9plus_is_its_integer_in_asn1() {
    refuse_in(Wire::Asn1);
    for (provoke, integers) in INTEGERS {
        assert_eq!(&provoke(), integers);
    }
}

#[test]
fn the_table_is_that_of_the_notes() {
    let Some(folder) = lab::test_data::folder("the_table_is_that_of_the_notes") else {
        return;
    };
    let file = folder.join("spec/06-es2plus-es9plus-es11-es12-json.md");
    let notes = std::fs::read_to_string(file).unwrap();
    let ours: BTreeSet<_> = TABLE
        .iter()
        .map(|(pair, place, _)| (pair.to_string(), place.to_string()))
        .collect();
    let mut theirs = BTreeSet::new();
    for row in rows(&notes, "## 6. ", "| Pair |") {
        for pair in pairs(&row[0]) {
            theirs.insert((pair, row[2].clone()));
        }
    }
    assert!(theirs.len() > 50, "the notes have another form now");
    assert_eq!(ours, theirs);

    let of_es2plus = rows(&notes, "## 4. ", "| Situation");
    let of_es2plus: Vec<String> = of_es2plus.iter().flat_map(|row| pairs(&row[1])).collect();
    assert!(of_es2plus.len() > 6, "the notes have another form now");
    for pair in of_es2plus {
        let provoked = |row: &&(&str, &str, How)| row.0 == pair && matches!(row.2, Provoked(_));
        assert!(TABLE.iter().any(|row| provoked(&row)), "{pair}");
    }
}

/// The rows of the table under a heading that begins with `first`, cells
/// trimmed.
fn rows(notes: &str, heading: &str, first: &str) -> Vec<Vec<String>> {
    let section = notes.split(heading).nth(1).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with(first));
    let cells = |line: &str| {
        let line = line.trim().trim_matches('|');
        line.split('|')
            .map(|cell| cell.trim().to_string())
            .collect()
    };
    let rows = table.skip(2).take_while(|line| line.starts_with('|'));
    rows.map(cells).collect()
}

/// `8.1.2/6.1, 6.3` is two pairs, `8.1 / 2` is one; other words are skipped.
fn pairs(cell: &str) -> Vec<String> {
    let is_code = |text: &str| {
        let digits = |c: char| c.is_ascii_digit() || c == '.';
        text.contains('.') && text.chars().all(digits)
    };
    let (mut found, mut subject) = (Vec::new(), String::new());
    let joined = cell.replace(" / ", "/");
    for word in joined.split([',', ' ', '(', ')']) {
        match word.split_once('/') {
            Some((left, right)) if is_code(left) && is_code(right) => {
                subject = left.to_string();
                found.push(word.to_string());
            }
            None if is_code(word) && !subject.is_empty() => found.push(format!("{subject}/{word}")),
            _ => {}
        }
    }
    found
}

#[test]
fn cells_are_read_whole() {
    let read = |cell| pairs(cell).join(" ");
    assert_eq!(read("8.1.2/6.1, 6.3"), "8.1.2/6.1 8.1.2/6.3");
    assert_eq!(read("8.9.1/3.8 8.9.2/3.1"), "8.9.1/3.8 8.9.2/3.1");
    assert_eq!(read("8.2.1 / 3.3"), "8.2.1/3.3");
    assert_eq!(
        read("Failed (8.1.1/2.2 or 3.10 UNSURE)"),
        "8.1.1/2.2 8.1.1/3.10"
    );
    assert_eq!(read("success (resend)"), "");
}

/// What AuthenticateClient answers to a card that began honestly.
fn authenticated(bench: &mut Bench, card: &Card) -> String {
    let honest = bench.card(1);
    let started = bench.started(&honest);
    bench.refusal(&card.authenticate(&started, Some("TOKEN")))
}

fn released() -> (Bench, Card) {
    let mut bench = Bench::new();
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    (bench, card)
}

fn stocked(numbers: &[u32]) -> Bench {
    let mut bench = Bench::new();
    bench.stock("operational", &profile::template(), numbers);
    bench
}

fn of_type(profile_type: &str, iccid: Option<u32>) -> DownloadOrder {
    DownloadOrder {
        iccid: iccid.map(smdp_support::iccid),
        profile_type: Some(profile_type.to_string()),
        ..download(1, None)
    }
}

fn flipped(certificate: &Certificate) -> Certificate {
    let mut der = certificate.as_bytes().to_vec();
    *der.last_mut().unwrap() ^= 0x01;
    Certificate::from_bytes(&der).unwrap()
}

fn nobodys() -> TransactionId {
    TransactionId::from_bytes(&[9; 16]).unwrap()
}

fn memory() -> Vec<String> {
    let (mut bench, mut card) = released();
    card.info.ext_card_resource = vec![0x82, 1, 9];
    vec![authenticated(&mut bench, &card)]
}

fn signatures() -> Vec<String> {
    let (mut bench, card) = released();
    let forger = Card {
        key: bench.card(1).key,
        certificate: card.certificate.clone(),
        eum: card.eum.clone(),
        ci: card.ci.clone(),
        info: card.info.clone(),
        otpk: card.otpk,
        code: None,
        eid: card.eid,
    };
    let first = authenticated(&mut bench, &forger);
    let offered = bench.offered(&card, Some("TOKEN"));
    let second = bench.refusal(&forger.get_package(&offered));
    let reason = CancelSessionReason::POSTPONED;
    let third = bench.refusal(&forger.cancel(&offered.transaction_id, reason));
    vec![first, second, third]
}

fn eid_missing() -> Vec<String> {
    let mut bench = stocked(&[1, 2]);
    let card = bench.card(1);
    bench.ordered(1, None);
    bench.ordered(2, Some(card.eid));
    let cancel = cancel_order(2, FinalProfileStatus::Available);
    vec![bench.refusal(&confirm(1, "")), bench.refusal(&cancel)]
}

fn other_eid() -> Vec<String> {
    let mut bench = Bench::new();
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.released(1, Some(card.eid), "TOKEN");
    let bound = authenticated(&mut bench, &stranger);
    let started = bench.started(&stranger);
    vec![bound, bench.refusal(&stranger.authenticate(&started, None))]
}

fn ordered_for_other_eid() -> Vec<String> {
    let mut bench = stocked(&[1]);
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.ordered(1, Some(card.eid));
    let request = ConfirmOrder {
        eid: Some(stranger.eid),
        ..confirm(1, "TOKEN")
    };
    vec![bench.refusal(&request)]
}

/// Certificates of an EUM with this end of validity.
fn eum(bench: &Bench, role: Role, until: rsp_core::Timestamp) -> Certificate {
    let key = smdp_support::copy(&bench.home.eum_key);
    bench.home.issue(role, name("Test EUM", ""), &key, until)
}

fn eum_role() -> Role {
    Role::Eum {
        oid: "2.999.5".to_string(),
        eid_prefix: PREFIX.to_string(),
    }
}

fn eum_invalid() -> Vec<String> {
    let (mut bench, mut card) = released();
    let good = card.eum.clone();
    card.eum = flipped(&good);
    let signature = authenticated(&mut bench, &card);
    let role = Role::DpAuth {
        oid: "2.999.5".to_string(),
    };
    card.eum = eum(&bench, role, START.after(YEAR));
    vec![signature, authenticated(&mut bench, &card)]
}

fn eum_expired() -> Vec<String> {
    let (mut bench, mut card) = released();
    card.eum = eum(&bench, eum_role(), START.after(Duration::from_secs(1)));
    bench.now = START.after(Duration::from_secs(60));
    vec![authenticated(&mut bench, &card)]
}

fn euicc_invalid() -> Vec<String> {
    let (mut bench, mut card) = released();
    card.certificate = flipped(&card.certificate);
    vec![authenticated(&mut bench, &card)]
}

fn euicc_expired() -> Vec<String> {
    let (mut bench, _) = released();
    let soon = START.after(Duration::from_secs(1));
    let card = bench.home.card(eid(PREFIX, 1), soon, &mut bench.rng);
    bench.now = START.after(Duration::from_secs(60));
    vec![authenticated(&mut bench, &card)]
}

fn not_released() -> Vec<String> {
    let mut bench = stocked(&[1]);
    let card = bench.card(1);
    bench.ordered(1, None);
    let request = ConfirmOrder {
        release_flag: false,
        ..confirm(1, "TOKEN")
    };
    bench.send(&request).unwrap();
    vec![authenticated(&mut bench, &card)]
}

fn bound_once() -> Vec<String> {
    let mut bench = Bench::new();
    bench.settings.bound_once = true;
    let mut card = bench.card(1);
    bench.released(1, None, "TOKEN");
    bench.delivered(&card, Some("TOKEN"));
    card.otpk = 6;
    let offered = bench.offered(&card, Some("TOKEN"));
    vec![bench.refusal(&card.get_package(&offered))]
}

fn iccid_of_another() -> Vec<String> {
    let mut bench = stocked(&[1]);
    bench.ordered(1, None);
    bench.operator = "other";
    let cancel = cancel_order(1, FinalProfileStatus::Available);
    let release = ReleaseProfile {
        header: RequestHeader::default(),
        iccid: iccid(1),
    };
    vec![
        bench.refusal(&download(1, None)),
        bench.refusal(&confirm(1, "TOKEN")),
        bench.refusal(&cancel),
        bench.refusal(&release),
    ]
}

fn iccid_taken() -> Vec<String> {
    let mut bench = stocked(&[1]);
    let card = bench.card(1);
    bench.ordered(1, None);
    vec![bench.refusal(&download(1, Some(card.eid)))]
}

fn not_confirmed() -> Vec<String> {
    let mut bench = stocked(&[1]);
    bench.ordered(1, None);
    let release = ReleaseProfile {
        header: RequestHeader::default(),
        iccid: iccid(1),
    };
    vec![bench.refusal(&release)]
}

fn iccid_unknown() -> Vec<String> {
    let mut bench = stocked(&[1]);
    let cancel = cancel_order(9, FinalProfileStatus::Available);
    vec![
        bench.refusal(&download(9, None)),
        bench.refusal(&confirm(9, "TOKEN")),
        bench.refusal(&cancel),
    ]
}

fn cancelled_by_other_eid() -> Vec<String> {
    let mut bench = stocked(&[1]);
    let (card, stranger) = (bench.card(1), bench.card(2));
    bench.ordered(1, Some(card.eid));
    let request = CancelOrder {
        eid: Some(stranger.eid),
        ..cancel_order(1, FinalProfileStatus::Available)
    };
    vec![bench.refusal(&request)]
}

fn type_of_another() -> Vec<String> {
    let mut bench = Bench::new();
    bench.settings.owner = Some("other".to_string());
    bench.stock("theirs", &profile::template(), &[1]);
    vec![bench.refusal(&of_type("theirs", None))]
}

fn none_left() -> Vec<String> {
    let mut bench = stocked(&[1]);
    bench.ordered(1, None);
    vec![bench.refusal(&of_type("operational", None))]
}

fn type_mismatch() -> Vec<String> {
    let mut bench = stocked(&[1]);
    bench.stock("other", &profile::template(), &[2]);
    vec![bench.refusal(&of_type("other", Some(1)))]
}

fn type_unknown() -> Vec<String> {
    let mut bench = stocked(&[1]);
    let by_type = bench.refusal(&of_type("unknown", None));
    vec![by_type, bench.refusal(&of_type("unknown", Some(1)))]
}

fn device_lacks() -> Vec<String> {
    let mut bench = Bench::new();
    bench.settings.requires = vec![Technology::CdmaHrpd];
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    vec![authenticated(&mut bench, &card)]
}

fn matching_id_taken() -> Vec<String> {
    let mut bench = stocked(&[1, 2]);
    bench.ordered(1, None);
    bench.ordered(2, None);
    bench.send(&confirm(1, "TOKEN")).unwrap();
    vec![bench.refusal(&confirm(2, "TOKEN"))]
}

fn matching_id_of_another() -> Vec<String> {
    let (mut bench, _) = released();
    let request = CancelOrder {
        matching_id: Some("OTHER".to_string()),
        ..cancel_order(1, FinalProfileStatus::Available)
    };
    vec![bench.refusal(&request)]
}

fn matching_id_unknown() -> Vec<String> {
    let (mut bench, card) = released();
    let started = bench.started(&card);
    vec![bench.refusal(&card.authenticate(&started, Some("OTHER")))]
}

fn with_code(code: Option<&str>, limit: u32) -> Vec<String> {
    let mut bench = Bench::limited(Policy {
        max_confirmation_failures: limit,
        ..Policy::default()
    });
    let mut card = bench.card(1);
    bench.stock("operational", &profile::template(), &[1]);
    bench.ordered(1, None);
    let request = ConfirmOrder {
        confirmation_code: Some("1234".to_string()),
        ..confirm(1, "TOKEN")
    };
    bench.send(&request).unwrap();
    card.code = code.map(ToString::to_string);
    let offered = bench.offered(&card, Some("TOKEN"));
    vec![bench.refusal(&card.get_package(&offered))]
}

fn code_missing() -> Vec<String> {
    with_code(None, 9)
}

fn code_wrong() -> Vec<String> {
    with_code(Some("4321"), 9)
}

fn code_too_often() -> Vec<String> {
    with_code(Some("4321"), 1)
}

fn other_oid() -> Vec<String> {
    let (mut bench, card) = released();
    let id = bench.offered(&card, Some("TOKEN")).transaction_id;
    let reason = CancelSessionReason::POSTPONED;
    vec![bench.refusal(&card.cancel_with(&id, &id, "2.999.11", reason))]
}

fn initiated(
    change: impl Fn(&mut rsp_core::binding::es9plus_json::InitiateAuthenticationRequest),
) -> Vec<String> {
    let mut bench = Bench::new();
    let mut request = bench.card(1).initiate();
    change(&mut request);
    vec![bench.refusal(&request)]
}

fn other_address() -> Vec<String> {
    initiated(|request| request.smdp_address = "other.example.com".to_string())
}

fn no_common_ci() -> Vec<String> {
    initiated(|request| {
        request.euicc_info1.euicc_ci_pk_id_list_for_signing = vec![vec![9; 20]];
    })
}

fn too_old() -> Vec<String> {
    initiated(|request| request.euicc_info1.svn = [1, 0, 0])
}

fn no_certificate() -> Vec<String> {
    initiated(|request| {
        request.euicc_info1.euicc_ci_pk_id_list_for_verification = vec![vec![9; 20]];
    })
}

fn expired() -> Vec<String> {
    let (mut bench, card) = released();
    bench.now = START.after(Policy::default().order_validity);
    vec![authenticated(&mut bench, &card)]
}

/// The order's time is over between the offer and the package.
fn expired_meanwhile() -> Vec<String> {
    let minute = Duration::from_secs(60);
    let mut bench = Bench::limited(Policy {
        order_validity: minute,
        ..Policy::default()
    });
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    let offered = bench.offered(&card, Some("TOKEN"));
    bench.now = START.after(minute);
    vec![bench.refusal(&card.get_package(&offered))]
}

/// The card answers PrepareDownload with an error: 8.1/4.2, which the table of
/// the notes does not have.
fn not_prepared() -> Vec<String> {
    let (mut bench, card) = released();
    let offered = bench.offered(&card, Some("TOKEN"));
    let error = PrepareDownloadResponseError {
        transaction_id: offered.transaction_id.clone(),
        download_error_code: DownloadErrorCode::UNDEFINED_ERROR,
        extensions: Extensions::default(),
    };
    let request = GetBoundProfilePackageRequest {
        transaction_id: offered.transaction_id,
        prepare_download_response: PrepareDownloadResponse::Error(error),
    };
    vec![bench.refusal(&request)]
}

fn too_often() -> Vec<String> {
    let mut bench = Bench::limited(Policy {
        max_attempts: 1,
        ..Policy::default()
    });
    let card = bench.card(1);
    bench.released(1, None, "TOKEN");
    bench.offered(&card, Some("TOKEN"));
    vec![authenticated(&mut bench, &card)]
}

/// The codes in a response, whatever its status.
fn codes(response: &HttpResponse) -> String {
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let data = &body["header"]["functionExecutionStatus"]["statusCodeData"];
    let code = |member: &str| data[member].as_str().unwrap().to_string();
    format!("{}/{}", code("subjectCode"), code("reasonCode"))
}

fn with_smds(address: &str) -> (Bench, ConfirmOrder) {
    let mut bench = stocked(&[1]);
    let card = bench.card(1);
    bench.ordered(1, Some(card.eid));
    let request = ConfirmOrder {
        smds_address: Some(address.to_string()),
        ..confirm(1, "TOKEN")
    };
    (bench, request)
}

fn smds_unusable() -> Vec<String> {
    let (mut bench, request) = with_smds("no host");
    vec![bench.refusal(&request)]
}

fn unknown_transaction() -> Vec<String> {
    let (mut bench, card) = released();
    let started = bench.started(&card);
    let mut authenticate = card.authenticate(&started, Some("TOKEN"));
    authenticate.transaction_id = nobodys();
    let offered = bench.offered(&card, Some("TOKEN"));
    let mut get = card.get_package(&offered);
    get.transaction_id = nobodys();
    let cancel = card.cancel(&nobodys(), CancelSessionReason::POSTPONED);
    let late = card.get_package(&offered);
    let mut answers = vec![
        bench.refusal(&authenticate),
        bench.refusal(&get),
        bench.refusal(&cancel),
    ];
    bench.now = bench.now.after(SESSION_LIFETIME);
    answers.push(bench.refusal(&late));
    answers
}

fn unknown_ci() -> Vec<String> {
    let (mut bench, _) = released();
    let foreign = Ca::new(&mut bench.rng);
    let until = START.after(YEAR);
    let card = foreign.card(eid(PREFIX, 1), until, &mut bench.rng);
    vec![authenticated(&mut bench, &card)]
}

/// A request of ES9+ and one of ES2+, changed.
fn changed(change: impl Fn(&mut rsp_core::binding::HttpRequest)) -> Vec<String> {
    let mut bench = stocked(&[1]);
    let initiate = json::encode_request(&bench.card(1).initiate(), None).unwrap();
    let order = json::encode_request(&download(1, None), None).unwrap();
    let mut answers = Vec::new();
    for mut request in [initiate, order] {
        assert_eq!(bench.http(&request).status, 200);
        change(&mut request);
        let response = bench.http(&request);
        assert_eq!(response.status, 400);
        answers.push(codes(&response));
    }
    answers
}

fn content_type() -> Vec<String> {
    changed(|request| {
        request.content_type = "text/xml".to_string();
        request.body = b"<order/>".to_vec();
    })
}

fn admin_protocol() -> Vec<String> {
    changed(|request| request.admin_protocol = Some("gsma/rsp/v3.0.0".to_string()))
}

fn missing_parameter() -> Vec<String> {
    changed(|request| request.body = b"{}".to_vec())
}
