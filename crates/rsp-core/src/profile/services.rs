//! Mandatory services, and the elements that they stand for.

use alloc::format;
use alloc::vec::Vec;

use rsp_asn1::Null;
use rsp_asn1::saip::{AlgoConfiguration, AlgoParameter, AlgorithmId, ProfileElement, ServicesList};

use super::check::Findings;
use super::element::kind;
use super::{Rule, TuakLengths};

/// A service: its name in the module, and whether the header mandates it.
type Service = (&'static str, Option<Null>);

/// The services that the list mandates, in the spelling of the module.
pub(super) fn names(list: &ServicesList) -> Vec<&'static str> {
    let mandated = |(name, flag): Service| flag.map(|_| name);
    all(list).into_iter().filter_map(mandated).collect()
}

fn all(list: &ServicesList) -> [Service; 30] {
    [
        ("contactless", list.contactless),
        ("usim", list.usim),
        ("isim", list.isim),
        ("csim", list.csim),
        ("milenage", list.milenage),
        ("tuak128", list.tuak128),
        ("cave", list.cave),
        ("gba-usim", list.gba_usim),
        ("gba-isim", list.gba_isim),
        ("mbms", list.mbms),
        ("eap", list.eap),
        ("javacard", list.javacard),
        ("multos", list.multos),
        ("multiple-usim", list.multiple_usim),
        ("multiple-isim", list.multiple_isim),
        ("multiple-csim", list.multiple_csim),
        ("tuak256", list.tuak256),
        ("usim-test-algorithm", list.usim_test_algorithm),
        ("ber-tlv", list.ber_tlv),
        ("dfLink", list.df_link),
        ("cat-tp", list.cat_tp),
        ("get-identity", list.get_identity),
        ("profile-a-x25519", list.profile_a_x25519),
        ("profile-b-p256", list.profile_b_p256),
        ("suciCalculatorApi", list.suci_calculator_api),
        ("dns-resolution", list.dns_resolution),
        ("scp11ac", list.scp11ac),
        (
            "scp11c-authorization-mechanism",
            list.scp11c_authorization_mechanism,
        ),
        ("s16mode", list.s16mode),
        ("eaka", list.eaka),
    ]
}

/// Every mandated service has an element that needs it.
pub(super) fn check(list: &ServicesList, elements: &[ProfileElement], out: &mut Findings) {
    for service in names(list) {
        if let Some(needed) = needed(service).filter(|needed| !needed.is_met(elements)) {
            out.add(
                Rule::Service,
                elements.first(),
                format!("the service {service} is mandated, but nothing needs it"),
                format!(
                    "add {} or take {service} out of the header",
                    needed.describe()
                ),
            );
        }
    }
}

/// What a service stands for.
enum Needed {
    /// One of these elements.
    Element(&'static [&'static str]),
    /// An algorithm with keys of this many octets.
    Algorithm(AlgorithmId, usize),
}

fn needed(service: &str) -> Option<Needed> {
    Some(match service {
        "usim" | "gba-usim" | "mbms" | "multiple-usim" => Needed::Element(&["usim", "iot"]),
        "isim" | "gba-isim" | "multiple-isim" => Needed::Element(&["isim"]),
        "csim" | "multiple-csim" => Needed::Element(&["csim"]),
        "cave" => Needed::Element(&["cdmaParameter"]),
        "eap" => Needed::Element(&["eap"]),
        "get-identity" | "profile-a-x25519" | "profile-b-p256" => {
            Needed::Element(&["usim", "isim", "iot"])
        }
        "milenage" => Needed::Algorithm(AlgorithmId::MILENAGE, 16),
        "tuak128" => Needed::Algorithm(AlgorithmId::TUAK, 16),
        "tuak256" => Needed::Algorithm(AlgorithmId::TUAK, 32),
        "usim-test-algorithm" => Needed::Algorithm(AlgorithmId::USIM_TEST_ALGORITHM, 16),
        _ => return None,
    })
}

impl Needed {
    fn is_met(&self, elements: &[ProfileElement]) -> bool {
        match self {
            Needed::Element(kinds) => elements.iter().any(|e| kinds.contains(&kind(e))),
            Needed::Algorithm(id, length) => elements
                .iter()
                .filter_map(algorithm)
                .any(|p| p.algorithm_id == *id && p.key.0.len() == *length),
        }
    }

    fn describe(&self) -> alloc::string::String {
        match self {
            Needed::Element(kinds) => format!("an element {}", kinds.join(" or ")),
            Needed::Algorithm(id, length) => {
                format!("an akaParameter with {id} and a key of {length} octets")
            }
        }
    }
}

/// The algorithm parameters of an akaParameter that has its own.
pub(super) fn algorithm(element: &ProfileElement) -> Option<&AlgoParameter> {
    match element {
        ProfileElement::AkaParameter(aka) => match &aka.algo_configuration {
            AlgoConfiguration::AlgoParameter(parameter) => Some(parameter),
            AlgoConfiguration::MappingParameter(_) => None,
        },
        _ => None,
    }
}

/// Keys have the length that their algorithm takes (3GPP TS 35.206, 35.231).
pub(super) fn check_keys(elements: &[ProfileElement], out: &mut Findings) {
    for element in elements {
        let Some(parameter) = algorithm(element) else {
            continue;
        };
        let (key, opc) = (parameter.key.0.len(), parameter.opc.0.len());
        let [options] = parameter.algorithm_options;
        let fits = match parameter.algorithm_id {
            AlgorithmId::MILENAGE => key == 16 && opc == 16,
            AlgorithmId::TUAK => {
                matches!(key, 16 | 32)
                    && opc == 32
                    && parameter.number_of_keccak > 0
                    && TuakLengths::from_options(options).is_some()
            }
            AlgorithmId::USIM_TEST_ALGORITHM => key == 16 && options & 0x07 <= 2,
            _ => false,
        };
        if !fits {
            out.add(
                Rule::AlgorithmKey,
                Some(element),
                format!(
                    "{} with a key of {key} and an OPc of {opc} octets",
                    parameter.algorithm_id
                ),
                "Milenage takes 16 and 16, TUAK 16 or 32 and 32 and iterations of Keccak, the \
                 test algorithm a key of 16",
            );
        }
        check_values(element, parameter, out);
    }
    check_domain_keys(elements, out);
}

/// Keys that protect nothing.
fn check_values(element: &ProfileElement, parameter: &AlgoParameter, out: &mut Findings) {
    if parameter.algorithm_id == AlgorithmId::USIM_TEST_ALGORITHM {
        out.add(
            Rule::TestAlgorithm,
            Some(element),
            "the profile authenticates with the test algorithm, which protects nothing",
            "give it Milenage or TUAK before it meets a live network",
        );
    }
    if parameter.key.0.iter().all(|octet| *octet == 0) {
        out.add(
            Rule::Placeholder,
            Some(element),
            "K is zero",
            "personalise the package before it is delivered",
        );
    }
    check_sequence(element, out);
}

/// The largest SEQ: 43 bits (SAIP 8.5).
const MAX_SEQ: [u8; 6] = [0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

fn check_sequence(element: &ProfileElement, out: &mut Findings) {
    let ProfileElement::AkaParameter(aka) = element else {
        return;
    };
    let init = aka.sqn_init.as_deref().unwrap_or_default();
    let mut values = init.iter().chain([&aka.sqn_delta, &aka.sqn_age_limit]);
    if values.any(|value| *value > MAX_SEQ) || !matches!(init.len(), 0 | 32) {
        out.add(
            Rule::Sequence,
            Some(element),
            "a sequence number, without index, is above 07FFFFFFFFFF, or there are not 32",
            "give 32 values of 43 bits in sqnInit, or none",
        );
    }
}

fn check_domain_keys(elements: &[ProfileElement], out: &mut Findings) {
    for element in elements {
        let ProfileElement::SecurityDomain(domain) = element else {
            continue;
        };
        let mut components = domain
            .key_list
            .iter()
            .flatten()
            .flat_map(|key| &key.key_components);
        let zero = |octets: &[u8]| !octets.is_empty() && octets.iter().all(|octet| *octet == 0);
        if components.any(|component| zero(&component.key_data.0)) {
            out.add(
                Rule::Placeholder,
                Some(element),
                "a key of the security domain is zero",
                "give the domain keys of its operator before it is delivered",
            );
        }
    }
}

/// What elements need of the eUICC, the header mandates: an eUICC that lacks
/// it would otherwise fail in the middle.
pub(super) fn check_declared(elements: &[ProfileElement], out: &mut Findings) {
    let Some(ProfileElement::Header(header)) = elements.first() else {
        return;
    };
    let declared = names(&header.euicc_mandatory_services);
    for element in elements {
        let mandated = element
            .header()
            .is_some_and(|header| header.mandated.is_some());
        let Some(service) = needs(element).filter(|_| mandated) else {
            continue;
        };
        if !declared.contains(&service) {
            out.add(
                Rule::ServiceUndeclared,
                Some(element),
                format!("it needs the service {service}, which the header does not mandate"),
                format!("mandate {service} in the header"),
            );
        }
    }
}

/// The service that an element cannot do without.
fn needs(element: &ProfileElement) -> Option<&'static str> {
    Some(match element {
        ProfileElement::Usim(_) => "usim",
        ProfileElement::Isim(_) => "isim",
        ProfileElement::Csim(_) => "csim",
        ProfileElement::Eap(_) => "eap",
        ProfileElement::CdmaParameter(_) => "cave",
        ProfileElement::Application(application) if application.load_block.is_some() => "javacard",
        ProfileElement::AkaParameter(_) => {
            let parameter = algorithm(element)?;
            match parameter.algorithm_id {
                AlgorithmId::MILENAGE => "milenage",
                AlgorithmId::TUAK if parameter.key.0.len() == 32 => "tuak256",
                AlgorithmId::TUAK => "tuak128",
                AlgorithmId::USIM_TEST_ALGORITHM => "usim-test-algorithm",
                _ => return None,
            }
        }
        _ => return None,
    })
}
