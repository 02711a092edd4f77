//! Orders with everything in them, on our template and on packages of the
//! field; what inspection and lint say of the result.

extern crate std;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::saip::{
    AlgoConfiguration, FileCommand, ProfileElement, decode_package, encode_package,
};
use rsp_crypto::software::SoftwareProvider;

use super::element::{kind, member};
use super::*;

/// An order in the form of the files, as JSON.
pub(super) fn order(authentication: &str) -> Subscription {
    let text = format!(
        r#"{{
        "iccid": "8999970000000000019", "imsi": "310260123456789", "mnc_length": 3,
        "security_domain_keys": ["{0}1", "{0}2", "{0}3"],
        "authentication": {authentication},
        "codes": {{ "pin1": "4711", "pin1_enabled": true, "pin2": "1234", "puk1": "11223344",
                    "puk2": "55667788", "adm1": "0102030405060708" }},
        "files": {{
            "spn": {{ "name": "Meter", "show_plmn_at_home": true }},
            "sms_centre": "+491760000443", "msisdn": "+4917612345678",
            "apn": ["iot.example", "m2m"],
            "user_plmn": ["262-01:eutran"], "operator_plmn": ["262-02", "262-03:nb-iot"],
            "home_plmn": ["310-260:ngran+eutran"],
            "equivalent_home_plmn": ["310-260", "310-310"], "forbidden_plmn": ["262-07"],
            "five_g": {{
                "routing_indicator": "12", "suci_by": "device", "suci_null_scheme": true,
                "access_identities": [1, 2],
                "suci_keys": [{{ "scheme": "profile-a", "id": 27, "key": "{1}" }}]
            }}
        }} }}"#,
        "A".repeat(31),
        "5A".repeat(32),
    );
    let file: SubscriptionFile = serde_json::from_str(&text).unwrap();
    file.resolve(&SoftwareProvider).unwrap()
}

pub(super) const MILENAGE: &str = r#"{ "algorithm": "milenage",
    "k": "465B5CE8B199B49FAA5F0A2EE238A6BC", "op": "CDC202D5123E20F62B6D676AC72CB318" }"#;
const TEST: &str = r#"{ "algorithm": "test", "k": "000102030405060708090A0B0C0D0E0F" }"#;

fn tuak(key: &str) -> String {
    format!(
        r#"{{ "algorithm": "tuak", "k": "{}", "topc": "{}", "keccak_iterations": 2 }}"#,
        key,
        "7F".repeat(32)
    )
}

/// What the report says of a file.
pub(super) fn says(report: &Inspection, name: &str) -> String {
    let file = report.files.iter().find(|file| file.name == Some(name));
    let file = file.unwrap_or_else(|| panic!("no {name}"));
    file.says.clone().unwrap_or_default()
}

/// Findings but for those that somebody expects.
pub(super) fn unexpected(package: &[u8], expected: &[Rule]) -> Vec<String> {
    let findings = lint(package).into_iter();
    findings
        .filter(|finding| finding.severity() > Severity::Note)
        .filter(|finding| !expected.contains(&finding.rule))
        .map(|finding| format!("{} {finding}", finding.rule.code()))
        .collect()
}

fn assert_ordered(report: &Inspection) {
    for (name, text) in [
        ("EF.ICCID", "8999970000000000019"),
        ("EF.IMSI", "310260123456789"),
        ("EF.SPN", "Meter"),
        ("EF.SMSP", "+491760000443"),
        ("EF.MSISDN", "+4917612345678"),
        ("EF.ACL", "iot.example m2m"),
        ("EF.PLMNwAcT", "262-01:eutran"),
        (
            "EF.OPLMNwAcT",
            "262-02:eutran+utran+ngran+gsm 262-03:nb-iot",
        ),
        ("EF.HPLMNwAcT", "310-260:eutran+ngran"),
        ("EF.EHPLMN", "310-260 310-310"),
        ("EF.FPLMN", "262-07"),
        ("EF.AD", "MNC of 3 digits"),
        ("EF.ACC", "class 0200"),
        ("EF.Routing_Indicator", "12"),
        (
            "EF.SUCI_Calc_Info",
            "profile-a with key 27 of 32 octets, then null",
        ),
        (
            "EF.UAC_AIC",
            "access identities 1 (multimedia priority), 2 (mission critical)",
        ),
    ] {
        assert_eq!(says(report, name), text, "{name}");
    }
    assert_eq!(report.identity.plmn.as_deref(), Some("310-260"));
    let services = says(report, "EF.UST");
    for service in [12, 19, 20, 21, 34, 35, 42, 43, 71, 124, 126] {
        let wanted = format!(" {service} ");
        assert!(format!("{services} ").contains(&wanted), "{services}");
    }
}

#[test]
fn an_order_with_everything_fills_the_template() {
    let subscription = order(MILENAGE);
    let package = personalise(&template(), &subscription).unwrap();
    assert_eq!(unexpected(&package, &[]), [] as [String; 0]);
    let report = inspect(&package, false).unwrap();
    assert_ordered(&report);
    let kinds: Vec<&str> = report.elements.iter().map(|e| e.name.kind).collect();
    assert_eq!(
        kinds[4..9],
        ["usim", "opt-usim", "pinCodes", "akaParameter", "df-5gs"]
    );
    let pin1 = report
        .codes
        .iter()
        .find(|code| code.name == "PIN1")
        .unwrap();
    assert!(pin1.enabled && pin1.value.is_none());
    assert_eq!(mnc_length(&package, &subscription), Ok(MncLength::Three));
    // OPc of 3GPP TS 35.207, test set 1, made from OP.
    let shown = inspect(&package, true).unwrap();
    assert_eq!(
        shown.algorithms[0].opc.as_deref(),
        Some("CD63CB71954A9F4E48A5994E37A02BAF")
    );
    let values: Vec<_> = shown.codes.iter().filter_map(|c| c.value.clone()).collect();
    assert_eq!(
        values,
        ["11223344", "55667788", "4711", "0102030405060708", "1234"]
    );
    assert_eq!(
        shown.keys[2].value.as_deref(),
        Some(&*format!("{}3", "A".repeat(31)))
    );
    // A second time nothing changes.
    assert!(personalise(&package, &subscription).unwrap() == package);
}

#[test]
fn secrets_are_shown_only_where_asked_for() {
    let package = personalise(&template(), &order(MILENAGE)).unwrap();
    let text = serde_json::to_string(&inspect(&package, false).unwrap()).unwrap();
    let shown = serde_json::to_string(&inspect(&package, true).unwrap()).unwrap();
    for secret in [
        "465B5CE8",
        "CD63CB71",
        "AAAAAAA",
        "11223344",
        "4711",
        "01020304050607",
    ] {
        assert!(!text.contains(secret), "{secret}");
        assert!(shown.contains(secret), "{secret}");
    }
    let debug = format!("{:?}", order(MILENAGE));
    for secret in ["465B", "4711", "170, 170", "70, 91"] {
        assert!(!debug.contains(secret), "{debug}");
    }
}

#[test]
fn a_usim_that_calculates_has_its_file_and_services() {
    let mut subscription = order(TEST);
    subscription.files.five_g.suci_by = SuciBy::Usim;
    let package = personalise(&template(), &subscription).unwrap();
    assert_eq!(unexpected(&package, &[]), [] as [String; 0]);
    let report = inspect(&package, false).unwrap();
    assert_eq!(
        says(&report, "EF.SUCI_Calc_Info_USIM"),
        "profile-a with key 27 of 32 octets, then null"
    );
    for service in ["get-identity", "profile-a-x25519", "usim-test-algorithm"] {
        assert!(report.header.mandatory_services.contains(&service));
    }
    assert!(!report.header.mandatory_services.contains(&"milenage"));
    assert!(says(&report, "EF.UST").contains(" 124 125 "));
}

#[test]
fn tuak_takes_keys_of_both_lengths() {
    for (key, service) in [("1F".repeat(16), "tuak128"), ("1F".repeat(32), "tuak256")] {
        let subscription = order(&tuak(&key));
        let package = personalise(&template(), &subscription).unwrap();
        assert_eq!(unexpected(&package, &[]), [] as [String; 0]);
        let report = inspect(&package, true).unwrap();
        assert_eq!(report.header.mandatory_services, ["usim", service]);
        assert_eq!(report.algorithms[0].algorithm, "tuak");
        assert_eq!(report.algorithms[0].k.as_deref(), Some(&*key));
        let read = Subscription::of_package(&package).unwrap();
        assert!(read.authentication == subscription.authentication);
    }
}

#[test]
fn lengths_of_tuak_are_coded() {
    for (lengths, options) in [
        ((8, 8, 16, 16), 0x01),
        ((8, 4, 16, 16), 0x00),
        ((32, 32, 32, 32), 0x73),
        ((16, 16, 16, 32), 0x4A),
    ] {
        let (mac, res, ck, ik) = lengths;
        let made = TuakLengths::new(mac, res, ck, ik).unwrap();
        assert_eq!(made.options(), options);
        assert_eq!(TuakLengths::from_options(options), Some(made));
    }
    assert_eq!(TuakLengths::new(8, 9, 16, 16), None);
    for wrong in [0x80, 0x04, 0x18] {
        assert_eq!(TuakLengths::from_options(wrong), None);
    }
}

#[test]
fn orders_with_wrong_keys_are_refused_without_showing_them() {
    for (authentication, field) in [
        (r#"{"algorithm":"milenage","k":"00"}"#, "authentication"),
        (r#"{"algorithm":"test","k":"465B"}"#, "authentication.k"),
        (
            r#"{"algorithm":"tuak","k":"465B","topc":"00"}"#,
            "authentication.k",
        ),
        (r#"{"algorithm":"tuak","k":"465B"}"#, "authentication.topc"),
    ] {
        let text = format!(
            r#"{{"iccid":"8999970000000000019","imsi":"999700000000001",
                "authentication":{authentication}}}"#
        );
        let file: SubscriptionFile = serde_json::from_str(&text).unwrap();
        let refused = file.resolve(&SoftwareProvider).unwrap_err();
        assert!(refused.field.starts_with(field), "{refused}");
        assert!(!refused.to_string().contains("465B"));
    }
    let unknown = r#"{"iccid":"8999970000000000019","imsi":"999700000000001","x":1,
        "authentication":{"algorithm":"test","k":"00"}}"#;
    assert!(serde_json::from_str::<SubscriptionFile>(unknown).is_err());
}

#[test]
fn orders_that_no_file_can_hold_are_refused() {
    let mut long = order(MILENAGE);
    long.files.spn.as_mut().unwrap().name = "seventeen letters".into();
    let mut identity = order(MILENAGE);
    identity.files.five_g.access_identities = Some(alloc::vec![7]);
    for wrong in [long, identity] {
        let refused = personalise(&template(), &wrong);
        assert!(
            matches!(refused, Err(ProfileError::Value(_))),
            "{refused:?}"
        );
    }
    let mut alone = order(MILENAGE);
    alone.files.five_g.suci_keys.clear();
    alone.files.five_g.suci_null_scheme = false;
    let refused = personalise(&template(), &alone);
    assert!(
        matches!(refused, Err(ProfileError::Missing(_))),
        "{refused:?}"
    );
    let mut elements = decode_package(&template()).unwrap();
    elements.retain(|element| kind(element) != "pukCodes");
    assert_eq!(
        personalise(&encode_package(&elements), &order(MILENAGE)),
        Err(ProfileError::Missing("pukCodes with PUK1"))
    );
}

#[test]
fn a_ready_package_stays_as_it_is() {
    let package = personalise(&template(), &order(MILENAGE)).unwrap();
    let ready = Subscription::of_package(&package).unwrap();
    assert!(ready.ready);
    assert!(personalise(&package, &ready).unwrap() == package);
    let mut other = ready.clone();
    other.imsi = "310260123456780".parse().unwrap();
    let refused = personalise(&package, &other);
    assert!(matches!(
        refused,
        Err(ProfileError::OtherSubscription { .. })
    ));
    let stored = serde_json::to_string(&ready).unwrap();
    assert!(serde_json::from_str::<Subscription>(&stored).unwrap() == ready);
}

#[test]
fn tables_have_a_subscription_a_line() {
    let shared = order(MILENAGE);
    let row = |columns: &str, values: &str| {
        let columns: Vec<&str> = columns.split(',').collect();
        let values: Vec<&str> = values.split(',').collect();
        table_row(Some(&shared), &columns, &values, &SoftwareProvider)
    };
    let (k, opc) = ("11".repeat(16), "22".repeat(16));
    let columns = "iccid,imsi,k,opc,pin1,msisdn";
    let values = format!("8999970000000000027,999700000000002,{k},{opc},0815,+49555");
    let read = row(columns, &values).unwrap();
    assert_eq!(read.imsi.as_str(), "999700000000002");
    assert!(read.codes.pin1 == Some("0815".parse().unwrap()));
    assert_eq!(read.codes.pin2, shared.codes.pin2);
    assert_eq!(read.files.msisdn, Some("+49555".parse().unwrap()));
    assert_eq!(read.files.spn, shared.files.spn);
    for (columns, values, place) in [
        ("iccid", "12", "iccid"),
        ("colour", "red", "colour"),
        (
            "iccid,imsi,k",
            "8999970000000000027,999700000000002,00",
            "authentication",
        ),
        ("imsi", "999700000000002", "needed"),
    ] {
        let refused = row(columns, values).unwrap_err();
        assert!(refused.contains(place), "{refused}");
    }
}

/// Damage to a package, and the rule that says so.
type Damage = (&'static str, fn(&mut Vec<ProfileElement>), Rule);

const DAMAGES: &[Damage] = &[
    (
        "a service without its file",
        |e| files(e, "opt-usim").retain(|file| file.member != member::MSISDN),
        Rule::ServiceFile,
    ),
    (
        "a file without its service",
        |e| write(e, member::UST, &[0; 17]),
        Rule::FileService,
    ),
    (
        "EF.EST without services",
        |e| {
            write(e, member::UST, &[0; 17]);
            write(e, member::EST, &[7]);
        },
        Rule::ServiceTable,
    ),
    (
        "too much in a file",
        |e| write(e, member::IMSI, &[8; 10]),
        Rule::FileContents,
    ),
    (
        "EF.AD without a length",
        |e| write(e, member::AD, &[0, 0, 0, 0]),
        Rule::MncLength,
    ),
    (
        "EF.AD against the country",
        |e| write(e, member::AD, &[0, 0, 0, 2]),
        Rule::MncLength,
    ),
    (
        "another access class",
        |e| write(e, member::ACC, &[0, 1]),
        Rule::AccessClass,
    ),
    (
        "an application that EF.DIR lacks",
        |e| {
            let ProfileElement::Mf(mf) = &mut e[1] else {
                panic!("no mf");
            };
            let directory = mf.file_mut(member::DIR).unwrap();
            directory.retain(|c| matches!(c, FileCommand::FileDescriptor(_)));
        },
        Rule::ApplicationList,
    ),
    (
        "keys of zero",
        |e| aka(e, |p| p.key.0.fill(0)),
        Rule::Placeholder,
    ),
    (
        "the test algorithm",
        |e| {
            aka(e, |p| {
                p.algorithm_id = rsp_asn1::saip::AlgorithmId::USIM_TEST_ALGORITHM
            })
        },
        Rule::TestAlgorithm,
    ),
    (
        "TUAK without Keccak",
        |e| {
            aka(e, |p| {
                p.algorithm_id = rsp_asn1::saip::AlgorithmId::TUAK;
                p.opc.0.resize(32, 1);
                p.number_of_keccak = 0;
            })
        },
        Rule::AlgorithmKey,
    ),
    (
        "a service that the header lacks",
        |e| {
            let ProfileElement::Header(header) = &mut e[0] else {
                panic!("no header");
            };
            header.euicc_mandatory_services.milenage = None;
        },
        Rule::ServiceUndeclared,
    ),
    (
        "SUCI information that is none",
        |e| five_gs(e, 9, &[0xA0, 0x02, 0x01, 0x01]),
        Rule::Suci,
    ),
    (
        "no routing indicator",
        |e| df_5gs(e).files.retain(|file| file.member != 12),
        Rule::ServiceFile,
    ),
    (
        "a PIN that cannot be typed",
        |e| {
            for element in e {
                if let ProfileElement::PinCodes(pe) = element
                    && let rsp_asn1::saip::PinCodesChoice::PinConfig(pins) = &mut pe.pin_codes
                {
                    pins[0].pin_value.0 = alloc::vec![7; 8];
                }
            }
        },
        Rule::PinCoding,
    ),
    (
        "a sequence number out of range",
        |e| {
            for element in e {
                if let ProfileElement::AkaParameter(aka) = element {
                    aka.sqn_delta = [0xFF; 6];
                }
            }
        },
        Rule::Sequence,
    ),
];

fn df_5gs(elements: &mut [ProfileElement]) -> &mut rsp_asn1::saip::TemplateElement {
    let found = elements.iter_mut().find_map(|element| match element {
        ProfileElement::Df5gs(pe) => Some(pe),
        _ => None,
    });
    found.unwrap()
}

fn five_gs(elements: &mut [ProfileElement], member: u8, contents: &[u8]) {
    let file = df_5gs(elements).file_mut(member).unwrap();
    file.retain(|command| matches!(command, FileCommand::FileDescriptor(_)));
    file.push(FileCommand::FillFileContent(contents.to_vec()));
}

/// The files of an element.
fn files<'a>(
    elements: &'a mut [ProfileElement],
    place: &str,
) -> &'a mut Vec<rsp_asn1::saip::TemplateFile> {
    let found = elements.iter_mut().find_map(|element| {
        let wanted = kind(element) == place;
        match element {
            ProfileElement::Usim(pe) | ProfileElement::OptUsim(pe) if wanted => Some(pe),
            _ => None,
        }
    });
    &mut found.unwrap().files
}

fn write(elements: &mut [ProfileElement], member: u8, contents: &[u8]) {
    let files = files(elements, "usim");
    let file = files.iter_mut().find(|file| file.member == member).unwrap();
    let commands = &mut file.file;
    commands.retain(|command| matches!(command, FileCommand::FileDescriptor(_)));
    commands.push(FileCommand::FillFileContent(contents.to_vec()));
}

fn aka(elements: &mut [ProfileElement], change: fn(&mut rsp_asn1::saip::AlgoParameter)) {
    for element in elements {
        if let ProfileElement::AkaParameter(aka) = element
            && let AlgoConfiguration::AlgoParameter(parameter) = &mut aka.algo_configuration
        {
            change(parameter);
        }
    }
}

#[test]
fn every_damage_is_found() {
    let package = personalise(&template(), &order(MILENAGE)).unwrap();
    let found = |package: &[u8], rule: Rule| lint(package).iter().any(|f| f.rule == rule);
    for (what, damage, rule) in DAMAGES {
        assert!(!found(&package, *rule), "{what}: before the damage");
        let mut elements = decode_package(&package).unwrap();
        damage(&mut elements);
        let damaged = encode_package(&elements);
        assert!(found(&damaged, *rule), "{what}: {:?}", lint(&damaged));
    }
}

#[test]
fn rules_have_codes_and_sections_of_their_own() {
    let codes: alloc::collections::BTreeSet<&str> = Rule::all().map(Rule::code).collect();
    assert_eq!(codes.len(), Rule::all().count());
    assert!(Rule::all().all(|rule| !rule.section().is_empty() && rule.code() != "unknown"));
}
