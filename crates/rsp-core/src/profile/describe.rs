//! What a package is, for people and for comparisons.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::{Iccid, Imsi};
use rsp_asn1::rsp::EuiccInfo2;
use rsp_asn1::saip::{
    AlgoConfiguration, AlgorithmId, FileCommand, ProfileElement, ProfileHeader, decode_package,
};

use super::ProfileError;
use super::contents::image;
use super::element::{ElementName, member};
use super::services;

/// What a profile package is. No secret is among it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProfileDescription {
    /// ICCID of the header.
    pub iccid: Iccid,
    /// IMSI of the first USIM, if the package has one.
    pub imsi: Option<Imsi>,
    /// `profileType` of the header: free text.
    pub profile_type: Option<String>,
    /// Version of the format, major and minor.
    pub version: (i64, i64),
    /// Services that the eUICC must support, in the spelling of the module.
    pub services: Vec<&'static str>,
    /// AID of each ADF, with the element that creates it.
    pub applications: Vec<(ElementName, Vec<u8>)>,
    /// Algorithms of the akaParameter elements; mapped ones are not repeated.
    pub algorithms: Vec<AlgorithmId>,
    /// The elements in order.
    pub elements: Vec<ElementName>,
    /// Octets of the package.
    pub size: usize,
}

/// Describes a package.
///
/// # Errors
/// If it is malformed, has no header, or EF.IMSI is no IMSI.
pub fn describe(package: &[u8]) -> Result<ProfileDescription, ProfileError> {
    let elements = decode_package(package)?;
    let header = elements.iter().find_map(as_header);
    let header = header.ok_or(ProfileError::Missing("header"))?;
    Ok(ProfileDescription {
        iccid: Iccid::from_plain(header.iccid),
        imsi: imsi(&elements)?,
        profile_type: header.profile_type.clone().map(String::from),
        version: (header.major_version, header.minor_version),
        services: services::names(&header.euicc_mandatory_services),
        applications: elements.iter().filter_map(application).collect(),
        algorithms: elements.iter().filter_map(algorithm).collect(),
        elements: elements.iter().map(ElementName::of).collect(),
        size: package.len(),
    })
}

/// Whether an eUICC can install packages of this major version. One of a later
/// version than it reads it cannot; later minor versions can be by design of the
/// format.
pub fn reads_packages_of(info: &EuiccInfo2, major: i64) -> bool {
    let more = info.additional_euicc_profile_package_versions.iter();
    let mut read = more.flatten().chain([&info.profile_version]);
    read.any(|[version, ..]| i64::from(*version) >= major)
}

/// The profile header, if the element is one.
pub(super) fn as_header(element: &ProfileElement) -> Option<&ProfileHeader> {
    match element {
        ProfileElement::Header(header) => Some(header),
        _ => None,
    }
}

/// The IMSI of the first USIM.
pub(super) fn imsi(elements: &[ProfileElement]) -> Result<Option<Imsi>, ProfileError> {
    let found = elements.iter().find_map(|element| match element {
        ProfileElement::Usim(usim) => Some((element, usim.file(member::IMSI))),
        ProfileElement::Iot(iot) => Some((element, iot.file(member::IOT_IMSI))),
        _ => None,
    });
    let Some((element, file)) = found else {
        return Ok(None);
    };
    let file = file.ok_or(ProfileError::Missing("EF.IMSI"))?;
    imsi_of_file(ElementName::of(element), file).map(Some)
}

/// The IMSI that a file is filled with.
pub(super) fn imsi_of_file(
    element: ElementName,
    commands: &[FileCommand],
) -> Result<Imsi, ProfileError> {
    let file = "EF.IMSI";
    let image = image(commands).map_err(|_| ProfileError::FillCommands { element, file })?;
    Imsi::from_ef(&image).map_err(|source| ProfileError::Identifier {
        element,
        file,
        source,
    })
}

fn application(element: &ProfileElement) -> Option<(ElementName, Vec<u8>)> {
    let file = match element {
        ProfileElement::Usim(naa) | ProfileElement::Isim(naa) | ProfileElement::Csim(naa) => {
            naa.file(member::ADF)?
        }
        _ => return None,
    };
    let aid = file.iter().find_map(|command| match command {
        FileCommand::FileDescriptor(fcp) => fcp.df_name.clone(),
        _ => None,
    })?;
    Some((ElementName::of(element), aid))
}

fn algorithm(element: &ProfileElement) -> Option<AlgorithmId> {
    let ProfileElement::AkaParameter(aka) = element else {
        return None;
    };
    match &aka.algo_configuration {
        AlgoConfiguration::AlgoParameter(parameter) => Some(parameter.algorithm_id),
        AlgoConfiguration::MappingParameter(_) => None,
    }
}
