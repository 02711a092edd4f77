//! The module as a whole: on its own template, and on packages of the field.

extern crate std;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::path::PathBuf;
use std::println;

use rsp_asn1::rsp::{PROFILE_CLASS_OPERATIONAL, StoreMetadataRequest};
use rsp_asn1::saip::{
    AlgoConfiguration, AlgorithmId, FileCommand, PinCodesChoice, ProfileElement, Secret,
    TemplateElement, decode_package, encode_package,
};
use rsp_asn1::{Asn1, Null};

use super::contents::image;
use super::element::{kind, member};
use super::*;

const KI: [u8; 16] = [0xC1; 16];
const OPC: [u8; 16] = [0xC2; 16];

fn subscription(iccid: &str, imsi: &str) -> Subscription {
    Subscription::new(iccid.parse().unwrap(), imsi.parse().unwrap(), KI, OPC)
}

fn usual() -> Subscription {
    subscription("8949000000001234567", "262011234567897")
}

fn elements() -> Vec<ProfileElement> {
    decode_package(&template()).unwrap()
}

fn file_of(elements: &[ProfileElement], wanted: &str, member: u8) -> Vec<u8> {
    let element = elements.iter().find(|e| kind(e) == wanted).unwrap();
    let (ProfileElement::Mf(pe) | ProfileElement::Usim(pe)) = element else {
        panic!("{wanted} has no such file");
    };
    image(pe.file(member).unwrap()).unwrap()
}

fn usim_of(elements: &mut [ProfileElement]) -> &mut TemplateElement {
    let found = elements.iter_mut().find_map(|element| match element {
        ProfileElement::Usim(usim) => Some(usim),
        _ => None,
    });
    found.unwrap()
}

/// Secrets of the algorithm parameters, K and OPc.
fn secrets(elements: &[ProfileElement]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let found = elements.iter().filter_map(services::algorithm);
    found.map(|p| (p.key.0.clone(), p.opc.0.clone())).collect()
}

#[test]
fn a_personalised_template_is_the_subscriptions() {
    let subscription = usual();
    let package = personalise(&template(), &subscription).unwrap();
    let elements = decode_package(&package).unwrap();
    let description = describe(&package).unwrap();
    assert_eq!(description.iccid, subscription.iccid);
    assert_eq!(description.imsi, Some(subscription.imsi.clone()));
    assert_eq!(description.version, (2, 3));
    assert_eq!(description.services, ["usim", "milenage"]);
    assert_eq!(description.algorithms, [AlgorithmId::MILENAGE]);
    assert_eq!(
        description.elements,
        describe(&template()).unwrap().elements
    );
    assert_eq!(
        file_of(&elements, "mf", member::ICCID),
        [0x98, 0x94, 0, 0, 0, 0, 0x21, 0x43, 0x65, 0xF7]
    );
    assert_eq!(
        file_of(&elements, "usim", member::IMSI),
        [0x08, 0x29, 0x26, 0x10, 0x21, 0x43, 0x65, 0x87, 0x79]
    );
    assert_eq!(file_of(&elements, "usim", member::ACC), [0x00, 0x80]);
    assert_eq!(secrets(&elements), [(KI.to_vec(), OPC.to_vec())]);
    assert_eq!(check(&package), []);
    assert_eq!(package.len(), template().len());
}

#[test]
fn access_classes_are_bits() {
    for (imsi, class) in [
        ("001010000000000", [0x00, 0x01]),
        ("001010000000007", [0x00, 0x80]),
        ("001010000000008", [0x01, 0x00]),
        ("001010000000009", [0x02, 0x00]),
    ] {
        let subscription = subscription("8949000000001234567", imsi);
        assert_eq!(subscription.access_class(), class);
    }
}

#[test]
fn domain_keys_and_adm1_are_replaced_where_given() {
    let mut subscription = usual();
    subscription.sd_keys = Some([[1; 16], [2; 16], [3; 16]]);
    subscription.codes.adm1 = Some("87654321".parse().unwrap());
    let elements = decode_package(&personalise(&template(), &subscription).unwrap()).unwrap();
    let mut keys = Vec::new();
    let mut adm1 = Vec::new();
    for element in &elements {
        match element {
            ProfileElement::SecurityDomain(domain) => {
                let list = domain.key_list.iter().flatten();
                keys.extend(list.flat_map(|key| key.key_components.clone()));
            }
            ProfileElement::PinCodes(codes) => {
                let PinCodesChoice::PinConfig(pins) = &codes.pin_codes else {
                    continue;
                };
                adm1.extend(pins.iter().filter(|pin| pin.key_reference == 10).cloned());
            }
            _ => {}
        }
    }
    let keys: Vec<Vec<u8>> = keys.into_iter().map(|key| key.key_data.0).collect();
    assert_eq!(keys, [[1; 16], [2; 16], [3; 16]]);
    assert_eq!(adm1[0].pin_value, Secret(b"87654321".to_vec()));
    assert_eq!(adm1[0].max_num_of_attemps_retry_num_left, 0xAA);

    let mut without: Vec<_> = self::elements();
    without.retain(|element| !matches!(element, ProfileElement::SecurityDomain(_)));
    assert_eq!(
        personalise(&encode_package(&without), &subscription),
        Err(ProfileError::Missing(
            "securityDomain with AES-128 keys 1 to 3"
        ))
    );
}

#[test]
fn a_package_that_cannot_become_the_subscriptions_is_refused() {
    for (missing, error) in [
        ("header", "header"),
        ("mf", "mf with an EF.ICCID"),
        ("usim", "usim with an EF.IMSI"),
        ("akaParameter", "akaParameter with an algoParameter"),
    ] {
        let mut elements = elements();
        elements.retain(|element| kind(element) != missing);
        let result = personalise(&encode_package(&elements), &usual());
        assert_eq!(result, Err(ProfileError::Missing(error)));
    }
    let mut left_out = elements();
    *usim_of(&mut left_out).file_mut(member::IMSI).unwrap() =
        alloc::vec![FileCommand::DoNotCreate(Null)];
    assert_eq!(
        personalise(&encode_package(&left_out), &usual()),
        Err(ProfileError::Missing("EF.IMSI"))
    );
    let mut backwards = elements();
    *usim_of(&mut backwards).file_mut(member::IMSI).unwrap() =
        alloc::vec![FileCommand::FillFileOffset(-1)];
    assert!(matches!(
        personalise(&encode_package(&backwards), &usual()),
        Err(ProfileError::FillCommands { .. })
    ));
}

fn with_algorithm(elements: &mut [ProfileElement], algorithm: AlgorithmId) {
    for element in elements {
        if let ProfileElement::AkaParameter(aka) = element
            && let AlgoConfiguration::AlgoParameter(parameter) = &mut aka.algo_configuration
        {
            parameter.algorithm_id = algorithm;
        }
    }
}

#[test]
fn truncated_packages_are_refused_at_every_octet() {
    let template = template();
    let whole: BTreeSet<usize> = {
        let mut ends = BTreeSet::from([0]);
        let mut end = 0;
        for element in elements() {
            end += element.to_der().len();
            ends.insert(end);
        }
        ends
    };
    for end in 0..template.len() {
        let package = &template[..end];
        assert!(!check(package).is_empty(), "{end} octets");
        let decoded = whole.contains(&end);
        assert_eq!(decode_package(package).is_ok(), decoded, "{end} octets");
        if !decoded {
            assert!(personalise(package, &usual()).is_err());
            assert!(describe(package).is_err());
        }
    }
}

#[test]
fn secrets_are_not_shown() {
    let mut subscription = usual();
    subscription.sd_keys = Some([[0xC3; 16]; 3]);
    subscription.codes.adm1 = Some(Code::from_bytes([0xC4; 8]));
    let shown = format!("{subscription:?}");
    assert!(shown.contains("8949000000001234567"));
    for secret in ["193", "194", "195", "196", "c1", "C1", "c3", "C3"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn the_template_has_no_finding() {
    assert_eq!(check(&template()), []);
}

/// What a broken package is, how it is broken, and the rule that says so.
type Broken = (&'static str, fn(&mut Vec<ProfileElement>), Rule);

const BROKEN: &[Broken] = &[
    ("header last", |e| e.rotate_left(1), Rule::Order),
    ("something behind end", |e| e.swap(9, 10), Rule::Order),
    ("mf late", |e| e.swap(1, 2), Rule::Order),
    ("no end", |e| drop(e.pop()), Rule::Missing),
    ("no mf", |e| drop(e.remove(1)), Rule::Missing),
    ("two mf", |e| e.insert(2, e[1].clone()), Rule::Repeated),
    ("two usim", |e| e.insert(8, e[4].clone()), Rule::Repeated),
    ("opt-usim first", |e| e.swap(4, 5), Rule::Dependency),
    ("no aka", |e| drop(e.remove(7)), Rule::Service),
    (
        "another algorithm",
        |e| with_algorithm(e, AlgorithmId::USIM_TEST_ALGORITHM),
        Rule::Service,
    ),
    (
        "OPc for TUAK",
        |e| with_algorithm(e, AlgorithmId::TUAK),
        Rule::AlgorithmKey,
    ),
    (
        "one identification twice",
        |e| usim_of(e).header.identification = 1,
        Rule::Identification,
    ),
    (
        "an identification too large",
        |e| usim_of(e).header.identification = 32768,
        Rule::Identification,
    ),
    (
        "a template that is not listed",
        |e| usim_of(e).template_id = "2.23.143.1.2.4.2".parse().unwrap(),
        Rule::TemplateList,
    ),
    ("PIN before PUK", |e| e.swap(2, 3), Rule::PukReference),
    ("no PUK", |e| drop(e.remove(2)), Rule::PukReference),
    ("no local PIN", |e| drop(e.remove(6)), Rule::KeyReference),
    ("no global PIN", |e| drop(e.remove(3)), Rule::KeyReference),
    ("no EF.UST", |e| remove_file(e, member::UST), Rule::Missing),
    ("few access rules", |e| shorten_rules(e), Rule::AccessRule),
    (
        "no record length",
        |e| {
            let file = usim_of(e).file_mut(member::USIM_ARR).unwrap();
            file.remove(0);
        },
        Rule::AccessRule,
    ),
    ("another ICCID", |e| other_iccid(e), Rule::Iccid),
    (
        "no IMSI",
        |e| *usim_of(e).file_mut(member::IMSI).unwrap() = Vec::new(),
        Rule::Imsi,
    ),
    (
        "no security domain",
        |e| drop(e.remove(8)),
        Rule::SecurityDomain,
    ),
];

fn remove_file(elements: &mut [ProfileElement], member: u8) {
    usim_of(elements).files.retain(|file| file.member != member);
}

/// Leaves the first nine access rules of the USIM.
fn shorten_rules(elements: &mut [ProfileElement]) {
    let file = usim_of(elements).file_mut(member::USIM_ARR).unwrap();
    let FileCommand::FileDescriptor(fcp) = &file[0] else {
        panic!("no descriptor");
    };
    let length = usize::from(fcp.file_descriptor.as_ref().unwrap()[3]);
    let FileCommand::FillFileContent(content) = &mut file[1] else {
        panic!("no content");
    };
    content.truncate(9 * length);
}

fn other_iccid(elements: &mut [ProfileElement]) {
    let ProfileElement::Header(header) = &mut elements[0] else {
        panic!("no header");
    };
    header.iccid[4] = 0x11;
}

#[test]
fn every_broken_rule_is_found() {
    for (what, damage, rule) in BROKEN {
        let mut elements = elements();
        damage(&mut elements);
        let findings = check(&encode_package(&elements));
        let found = findings.iter().any(|finding| finding.rule == *rule);
        assert!(found, "{what}: {findings:?}");
        for finding in &findings {
            assert!(!finding.remedy.is_empty());
        }
    }
    assert_eq!(check(b"\x30\x80")[0].rule, Rule::Encoding);
    assert_eq!(
        check(b"")
            .iter()
            .filter(|f| f.rule == Rule::Missing)
            .count(),
        3
    );
}

#[test]
fn a_finding_names_element_and_remedy() {
    let mut elements = elements();
    shorten_rules(&mut elements);
    let findings = check(&encode_package(&elements));
    let finding = findings.iter().find(|f| f.problem.contains("ef-spn"));
    assert_eq!(
        finding.unwrap().to_string(),
        "usim (4): the access rule of ef-spn is record 10, which EF.ARR lacks; \
         add the record, or name another one in securityAttributesReferenced"
    );
}

fn order(subscription: &Subscription) -> MetadataOrder<'_> {
    MetadataOrder {
        iccid: subscription.iccid,
        imsi: &subscription.imsi,
        mnc_length: MncLength::Two,
        service_provider_name: "Simurgh",
        profile_name: "IoT",
        smdp_address: "smdp.example.com",
        profile_class: PROFILE_CLASS_OPERATIONAL,
    }
}

#[test]
fn metadata_are_coded_as_the_module_says() {
    let metadata = metadata(&order(&usual())).unwrap();
    let mut expected = Vec::from(*b"\xBF\x25\x6B\x5A\x0A\x98\x94\0\0\0\0\x21\x43\x65\xF7");
    expected.extend(b"\x91\x07Simurgh\x92\x03IoT\xB6\x48");
    for event in [b"\x06\x40", b"\x05\x20", b"\x04\x10"] {
        expected.extend(b"\x30\x16\x80\x02");
        expected.extend(event);
        expected.extend(b"\x81\x10smdp.example.com".iter());
    }
    expected.extend(b"\xB7\x05\x80\x03\x62\xF2\x10");
    let der = metadata.to_der();
    assert_eq!(der, expected);
    assert_eq!(StoreMetadataRequest::from_der(&der).unwrap(), metadata);
}

#[test]
fn the_owner_depends_on_the_length_of_the_mnc() {
    let subscription = subscription("8949000000001234567", "310260123456789");
    let mut order = order(&subscription);
    let owner = |order: &MetadataOrder<'_>| {
        let metadata = metadata(order).unwrap();
        metadata.profile_owner.unwrap().mcc_mnc.to_string()
    };
    assert_eq!(owner(&order), "310-26");
    order.mnc_length = MncLength::Three;
    assert_eq!(owner(&order), "310-260");
}

#[test]
fn metadata_that_cannot_be_coded_are_refused() {
    let subscription = usual();
    let long = "x".repeat(33);
    for (field, order) in [
        (
            "service_provider_name",
            MetadataOrder {
                service_provider_name: &long,
                ..order(&subscription)
            },
        ),
        (
            "smdp_address",
            MetadataOrder {
                smdp_address: "https://smdp.example.com",
                ..order(&subscription)
            },
        ),
    ] {
        let refused = matches!(metadata(&order),
            Err(ProfileError::Metadata { field: named, .. }) if named == field);
        assert!(refused, "{field}");
    }
}

#[test]
fn metadata_of_another_profile_are_found() {
    let package = personalise(&template(), &usual()).unwrap();
    let own = metadata(&order(&usual())).unwrap();
    assert_eq!(check_metadata(&package, &own), []);
    let other = subscription("8949000000001234568", "001011234567897");
    let other = metadata(&order(&other)).unwrap();
    let rules: Vec<Rule> = check_metadata(&package, &other)
        .iter()
        .map(|finding| finding.rule)
        .collect();
    assert_eq!(rules, [Rule::Iccid, Rule::Imsi]);
}

/// The folder with test data, or a line in the log of skipped tests.
#[allow(
    clippy::disallowed_methods,
    reason = "a test learns from its environment where its data are"
)]
fn test_data(test: &str) -> Option<PathBuf> {
    use std::io::Write;
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var("SIMURGH_TEST_DATA").unwrap_or_else(|_| default.into());
    let folder = PathBuf::from(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: {test}: no folder {}", folder.display());
    if let Ok(log) = std::env::var("SIMURGH_SKIP_LOG") {
        let options = std::fs::OpenOptions::new();
        let mut log = options.clone().append(true).create(true).open(log).unwrap();
        std::writeln!(log, "{test}").unwrap();
    }
    None
}

/// Name and contents of the packages of the field.
pub(super) fn packages(test: &str) -> Vec<(String, Vec<u8>)> {
    let Some(folder) = test_data(test) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("data/ts48"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.push(folder.join("spec/minimal-profile.der"));
    assert!(files.len() > 5);
    files
        .iter()
        .map(|file| (file.display().to_string(), std::fs::read(file).unwrap()))
        .collect()
}

/// Replaces every `from` by `to` of the same length, and counts.
fn substitute(package: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let mut count = 0;
    for start in 0..=package.len() - from.len() {
        if package[start..].starts_with(from) {
            package[start..start + to.len()].copy_from_slice(to);
            count += 1;
        }
    }
    count
}

/// `value` as the contents of the tag.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = alloc::vec![tag, value.len() as u8];
    out.extend(value);
    out
}

#[test]
fn only_the_subscriptions_octets_of_real_packages_change() {
    // The access class of this IMSI is that of the packages' EF.ACC but for
    // the minimal one, so that it need not be searched for.
    let subscription = subscription("8949000000001234567", "262011234567890");
    for (name, package) in packages("only_the_subscriptions_octets_of_real_packages_change") {
        let before = decode_package(&package).unwrap();
        let mut expected = package.clone();
        let mut replace = |tag, from: &[u8], to: &[u8]| {
            substitute(&mut expected, &tagged(tag, from), &tagged(tag, to))
        };
        let ProfileElement::Header(header) = &before[0] else {
            panic!("{name}");
        };
        assert_eq!(
            replace(0x83, &header.iccid, &subscription.iccid.to_plain()),
            1
        );
        let iccid = file_of(&before, "mf", member::ICCID);
        assert_eq!(replace(0x83, &iccid, subscription.iccid.as_swapped()), 1);
        let imsi = file_of(&before, "usim", member::IMSI);
        assert_eq!(replace(0x83, &imsi, &subscription.imsi.to_ef()), 1);
        let minimal = name.ends_with("minimal-profile.der");
        let subscription = match minimal {
            true => subscription.clone(),
            false => Subscription {
                authentication: Authentication::Test { k: KI },
                ..subscription.clone()
            },
        };
        let (key, opc) = secrets(&before)[0].clone();
        assert!(replace(0x82, &key, &KI) > 0, "{name}");
        if minimal {
            assert_eq!(replace(0x83, &opc, &OPC), 1);
            assert_eq!(replace(0x83, &[0x00, 0x02], &[0x00, 0x01]), 1);
        }
        let personalised = personalise(&package, &subscription).unwrap();
        assert!(personalised == expected, "{name}");
        assert!(personalised != package, "{name}");
    }
}

#[test]
fn real_packages_pass_the_checks() {
    for (name, package) in packages("real_packages_pass_the_checks") {
        for finding in lint(&package) {
            println!("{name}: {}: {finding}", finding.rule.code());
        }
        let findings = check(&package);
        let minimal = name.ends_with("minimal-profile.der");
        for finding in &findings {
            println!("{name}: {finding}");
            // It is a syntax sample: files that the template creates by
            // default lack their access rules.
            assert!(
                minimal && finding.rule == Rule::AccessRule,
                "{name}: {finding}"
            );
        }
        assert_eq!(findings.is_empty(), !minimal, "{name}");
        let description = describe(&package).unwrap();
        assert!(description.imsi.is_some(), "{name}");
        assert!(!description.applications.is_empty(), "{name}");
    }
}
