//! A package explained to a person.

mod elements;
mod files;
mod secrets;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::Reader;
use rsp_asn1::ids::{Iccid, Imsi};
use rsp_asn1::saip::{ProfileElement, ProfileHeader, decode_package};

use super::describe::{as_header, imsi};
use super::hex;
use super::personalise::ef_ad;
use super::{ProfileError, services, tree};

pub use elements::{ApplicationReport, ElementReport};
pub use files::FileReport;
pub use secrets::{AlgorithmReport, CodeReport, KeyReport};

/// What a package is and does. Secrets are in it only if they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Inspection {
    /// The profile header.
    pub header: HeaderReport,
    /// Who the subscriber is.
    pub identity: IdentityReport,
    /// How it authenticates.
    pub algorithms: Vec<AlgorithmReport>,
    /// PIN, PUK and ADM.
    pub codes: Vec<CodeReport>,
    /// Keys of the security domains.
    pub keys: Vec<KeyReport>,
    /// Applications, remote file management and security domains.
    pub applications: Vec<ApplicationReport>,
    /// The elements, in order.
    pub elements: Vec<ElementReport>,
    /// The files, in order of creation.
    pub files: Vec<FileReport>,
    /// Sizes.
    pub sizes: SizeReport,
}

/// The profile header (SAIP 8.2).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct HeaderReport {
    /// Version of the format, `2.3`.
    pub version: String,
    /// Free text.
    pub profile_type: Option<String>,
    /// ICCID.
    pub iccid: Iccid,
    /// Services that the eUICC must support.
    pub mandatory_services: Vec<&'static str>,
    /// Templates that the eUICC must support.
    pub mandatory_templates: Vec<String>,
    /// AIDs of libraries that the eUICC must have, with their versions.
    pub mandatory_aids: Vec<String>,
    /// Profile policy, if the package has one, in hexadecimal.
    pub policy: Option<String>,
    /// Octets of connectivity parameters.
    pub connectivity_parameters: Option<usize>,
    /// PIX of an IoT Minimal Profile.
    pub iot_pix: Option<String>,
}

/// Who the subscriber is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct IdentityReport {
    /// IMSI of the first USIM.
    pub imsi: Option<Imsi>,
    /// Its network, by the MNC length of EF.AD, or of two digits.
    pub plmn: Option<String>,
    /// Digits of the MNC, if EF.AD says.
    pub mnc_length: Option<u8>,
}

/// Sizes in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SizeReport {
    /// The package.
    pub package: usize,
    /// How many elements.
    pub elements: usize,
    /// How many files.
    pub files: usize,
    /// What the files hold on the card, without their administration.
    pub file_contents: usize,
    /// Load blocks of applications.
    pub load_blocks: usize,
    /// What the load blocks ask for at most: code, non-volatile and volatile
    /// data (C6, C8, C7).
    pub memory_quota: [usize; 3],
}

/// Explains a package. With `show_secrets`, values of codes and keys are in
/// the result.
///
/// # Errors
/// If it is malformed (the error says at which offset and in which field), has
/// no header, or EF.IMSI is no IMSI.
pub fn inspect(package: &[u8], show_secrets: bool) -> Result<Inspection, ProfileError> {
    let elements = decode_package(package)?;
    let header = elements.iter().find_map(as_header);
    let header = header.ok_or(ProfileError::Missing("header"))?;
    let nodes = tree::tree(&elements);
    let imsi = imsi(&elements)?;
    let length = ef_ad(&elements);
    let plmn = imsi
        .as_ref()
        .and_then(|imsi| length.unwrap_or_default().plmn(imsi));
    Ok(Inspection {
        header: header_report(header),
        identity: IdentityReport {
            imsi,
            plmn: plmn.map(|plmn| plmn.to_string()),
            mnc_length: length.map(u8::from),
        },
        algorithms: secrets::algorithms(&elements, show_secrets),
        codes: secrets::codes(&elements, show_secrets),
        keys: secrets::keys(&elements, show_secrets),
        applications: elements::applications(&elements),
        elements: elements::elements(&elements, &places(package)),
        files: files::files(&nodes),
        sizes: sizes(package, &elements, &nodes),
    })
}

fn header_report(header: &ProfileHeader) -> HeaderReport {
    let aids = header.euicc_mandatory_aids.iter().flatten();
    let list = header.euicc_mandatory_gfste_list.iter();
    HeaderReport {
        version: alloc::format!("{}.{}", header.major_version, header.minor_version),
        profile_type: header.profile_type.clone().map(String::from),
        iccid: Iccid::from_plain(header.iccid),
        mandatory_services: services::names(&header.euicc_mandatory_services),
        mandatory_templates: list.map(ToString::to_string).collect(),
        mandatory_aids: aids
            .map(|entry| {
                let [major, minor] = entry.version;
                alloc::format!("{} version {major}.{minor}", hex::encode(&entry.aid))
            })
            .collect(),
        policy: header.pol.as_deref().map(hex::encode),
        connectivity_parameters: header.connectivity_parameters.as_ref().map(Vec::len),
        iot_pix: header.iot_options.as_ref().map(|iot| hex::encode(&iot.pix)),
    }
}

/// Offset and length of each element.
fn places(package: &[u8]) -> Vec<(usize, usize)> {
    let mut reader = Reader::new(package);
    let mut places = Vec::new();
    while let Ok(tlv) = reader.tlv() {
        places.push((tlv.offset, tlv.raw.len()));
    }
    places
}

fn sizes(package: &[u8], elements: &[ProfileElement], nodes: &[tree::Node<'_>]) -> SizeReport {
    let mut sizes = SizeReport {
        package: package.len(),
        elements: elements.len(),
        files: nodes.len(),
        file_contents: nodes.iter().map(tree::Node::size).sum(),
        load_blocks: 0,
        memory_quota: [0; 3],
    };
    for element in elements {
        let ProfileElement::Application(application) = element else {
            continue;
        };
        let Some(block) = &application.load_block else {
            continue;
        };
        sizes.load_blocks += block.load_block_object.len();
        let limits = [
            &block.non_volatile_code_limit_c6,
            &block.non_volatile_data_limit_c8,
            &block.volatile_data_limit_c7,
        ];
        for (quota, limit) in sizes.memory_quota.iter_mut().zip(limits) {
            let limit = limit.as_deref().map_or(0, super::contents::number);
            *quota = quota.saturating_add(limit);
        }
    }
    sizes
}
