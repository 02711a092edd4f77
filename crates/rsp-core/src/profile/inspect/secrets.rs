//! Algorithms, codes and keys: what they are, and their values if asked for.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::saip::{
    AlgoConfiguration, AlgoParameter, AlgorithmId, KeyObject, PinCodesChoice, PinConfiguration,
    ProfileElement,
};

use crate::profile::codes::{PIN_ENABLED, reference};
use crate::profile::{Code, ElementName, TuakLengths, hex};

/// An algorithm.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AlgorithmReport {
    /// The element.
    pub element: ElementName,
    /// `milenage`, `tuak`, `usim-test-algorithm`, or `mapped`.
    pub algorithm: String,
    /// What more there is to say.
    pub remarks: Vec<String>,
    /// Bits of K.
    pub key_bits: Option<usize>,
    /// K.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<String>,
    /// OPc or TOPc.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opc: Option<String>,
}

pub(super) fn algorithms(elements: &[ProfileElement], secrets: bool) -> Vec<AlgorithmReport> {
    let mut reports = Vec::new();
    for element in elements {
        let ProfileElement::AkaParameter(aka) = element else {
            continue;
        };
        let name = ElementName::of(element);
        reports.push(match &aka.algo_configuration {
            AlgoConfiguration::AlgoParameter(parameter) => algorithm(name, parameter, secrets),
            AlgoConfiguration::MappingParameter(mapping) => AlgorithmReport {
                element: name,
                algorithm: "mapped".to_string(),
                remarks: alloc::vec![alloc::format!(
                    "those of the application {}",
                    hex::encode(&mapping.mapping_source)
                )],
                key_bits: None,
                k: None,
                opc: None,
            },
        });
    }
    reports
}

fn algorithm(element: ElementName, parameter: &AlgoParameter, secrets: bool) -> AlgorithmReport {
    let [options] = parameter.algorithm_options;
    let mut remarks = Vec::new();
    match parameter.algorithm_id {
        AlgorithmId::TUAK => {
            remarks.push(alloc::format!(
                "{} iterations of Keccak",
                parameter.number_of_keccak
            ));
            if let Some([mac, res, ck, ik]) =
                TuakLengths::from_options(options).map(TuakLengths::octets)
            {
                remarks.push(alloc::format!(
                    "MAC of {mac}, RES of {res}, CK of {ck}, IK of {ik} octets"
                ));
            }
        }
        AlgorithmId::USIM_TEST_ALGORITHM => {
            remarks.push(alloc::format!("RES of {} octets", 4usize << (options & 3)));
            remarks.push("protects nothing".to_string());
        }
        _ => {}
    }
    let zero = |octets: &[u8]| octets.iter().all(|octet| *octet == 0);
    if zero(&parameter.key.0) {
        remarks.push("K is zero: a placeholder".to_string());
    }
    if parameter.auth_counter_max.is_some() {
        remarks.push("the number of authentications is limited".to_string());
    }
    AlgorithmReport {
        element,
        algorithm: match parameter.algorithm_id {
            AlgorithmId::MILENAGE => "milenage".to_string(),
            AlgorithmId::TUAK => "tuak".to_string(),
            AlgorithmId::USIM_TEST_ALGORITHM => "usim-test-algorithm".to_string(),
            other => other.to_string(),
        },
        remarks,
        key_bits: Some(parameter.key.0.len() * 8),
        k: secrets.then(|| hex::encode(&parameter.key.0)),
        opc: secrets.then(|| hex::encode(&parameter.opc.0)),
    }
}

/// A PIN, PUK or ADM.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CodeReport {
    /// The element.
    pub element: ElementName,
    /// `PIN1`, `PUK1`, `PIN2`, `ADM1` and so on.
    pub name: String,
    /// Key reference.
    pub reference: i64,
    /// Whether it is asked for; PUKs and ADMs always are.
    pub enabled: bool,
    /// Tries in all, and those left.
    pub tries: (i64, i64),
    /// The PUK that unblocks it.
    pub unblocked_by: Option<String>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

pub(super) fn codes(elements: &[ProfileElement], secrets: bool) -> Vec<CodeReport> {
    let mut reports = Vec::new();
    for element in elements {
        let name = ElementName::of(element);
        match element {
            ProfileElement::PukCodes(pe) => reports.extend(pe.puk_codes.iter().map(|puk| {
                let counter = puk.max_num_of_attemps_retry_num_left;
                CodeReport {
                    element: name,
                    name: code_name("PUK", puk.key_reference),
                    reference: puk.key_reference,
                    enabled: true,
                    tries: (counter >> 4, counter & 15),
                    unblocked_by: None,
                    value: secrets.then(|| value(&puk.puk_value.0)),
                }
            })),
            ProfileElement::PinCodes(pe) => {
                if let PinCodesChoice::PinConfig(pins) = &pe.pin_codes {
                    reports.extend(pins.iter().map(|p| pin(name, p, secrets)));
                }
            }
            _ => {}
        }
    }
    reports
}

fn pin(element: ElementName, pin: &PinConfiguration, secrets: bool) -> CodeReport {
    let counter = pin.max_num_of_attemps_retry_num_left;
    let puk = pin.unblocking_pin_reference;
    CodeReport {
        element,
        name: code_name("PIN", pin.key_reference),
        reference: pin.key_reference,
        enabled: pin.pin_attributes & PIN_ENABLED != 0,
        tries: (counter >> 4, counter & 15),
        unblocked_by: puk.map(|puk| code_name("PUK", puk)),
        value: secrets.then(|| value(&pin.pin_value.0)),
    }
}

/// What people call a key reference (ETSI TS 102 221 9.5.1).
fn code_name(kind: &str, key: i64) -> String {
    match key {
        reference::PIN1 => alloc::format!("{kind}1"),
        reference::PIN2 => alloc::format!("{kind}2"),
        0x02..=0x08 => alloc::format!("{kind}1 of application {key}"),
        0x82..=0x88 => alloc::format!("{kind}2 of application {}", key - 0x80),
        0x0A..=0x0E => alloc::format!("ADM{}", key - 9),
        0x8A..=0x8E => alloc::format!("ADM{}", key - 0x84),
        _ => alloc::format!("{kind} {key}"),
    }
}

fn value(octets: &[u8]) -> String {
    let code = octets.try_into().ok().map(Code::from_bytes);
    code.and_then(|code| code.digits())
        .unwrap_or_else(|| hex::encode(octets))
}

/// A key of a security domain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyReport {
    /// The element.
    pub element: ElementName,
    /// Key version number.
    pub version: u8,
    /// Key identifier.
    pub identifier: u8,
    /// `AES-128`, `DES` and so on.
    pub kind: String,
    /// What its version number makes it: a key of SCP80, SCP81 or SCP03.
    pub used_by: &'static str,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

pub(super) fn keys(elements: &[ProfileElement], secrets: bool) -> Vec<KeyReport> {
    let mut reports = Vec::new();
    for element in elements {
        let ProfileElement::SecurityDomain(domain) = element else {
            continue;
        };
        for key in domain.key_list.iter().flatten() {
            reports.extend(key_reports(ElementName::of(element), key, secrets));
        }
    }
    reports
}

fn key_reports(element: ElementName, key: &KeyObject, secrets: bool) -> Vec<KeyReport> {
    let ([version], [identifier]) = (key.key_version_number, key.key_identifier);
    let components = key.key_components.iter();
    components
        .map(|component| {
            let octets = component.key_data.0.as_slice();
            KeyReport {
                element,
                version,
                identifier,
                kind: key_kind(&component.key_type, octets.len()),
                used_by: used_by(version),
                value: secrets.then(|| hex::encode(octets)),
            }
        })
        .collect()
}

/// GlobalPlatform Card Specification 11.1.8.
fn key_kind(key_type: &[u8], octets: usize) -> String {
    match key_type {
        [0x80 | 0x82] => alloc::format!("DES of {octets} octets"),
        [0x85] => alloc::format!("TLS PSK of {octets} octets"),
        [0x88] => alloc::format!("AES-{}", octets * 8),
        [0xB0] => "elliptic curve, public".to_string(),
        [0xB1] => "elliptic curve, private".to_string(),
        [0xF0] => "elliptic curve parameters".to_string(),
        other => alloc::format!("type {} of {octets} octets", hex::encode(other)),
    }
}

/// Ranges of key version numbers (SAIP 8.6; ETSI TS 102 225, 102 226).
const fn used_by(version: u8) -> &'static str {
    match version {
        0x01..=0x0F => "SCP80 (short messages)",
        0x30..=0x3F => "SCP03",
        0x40..=0x4F => "SCP81 (HTTPS)",
        0x70..=0x7F => "data authentication, tokens and receipts",
        _ => "other",
    }
}
