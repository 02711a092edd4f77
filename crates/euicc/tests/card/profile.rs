//! A small profile package with a USIM, under any ICCID.

use rsp_asn1::ids::Iccid;
use rsp_asn1::saip::{
    AlgoConfiguration, AlgorithmId, FileCommand, ProfileElement, Secret, TemplateElement,
    encode_package,
};

use crate::common::hex;
use crate::uicc_support;

/// Member of the MF template that is EF.ICCID.
const EF_ICCID: u8 = 4;

pub(crate) fn package(iccid: &str) -> Vec<u8> {
    package_of(iccid.parse().unwrap())
}

pub(crate) fn package_of(iccid: Iccid) -> Vec<u8> {
    encode_package(&elements_of(iccid))
}

/// Its elements.
pub(crate) fn elements_of(iccid: Iccid) -> Vec<ProfileElement> {
    let mut elements = uicc_support::package();
    for element in &mut elements {
        match element {
            ProfileElement::Header(header) => header.iccid = iccid.to_plain(),
            ProfileElement::Mf(mf) => set_ef_iccid(mf, &iccid),
            _ => {}
        }
    }
    elements
}

/// With this key for the network.
pub(crate) fn package_with_key(iccid: &str, algorithm: AlgorithmId, key: &[u8]) -> Vec<u8> {
    let mut elements = elements_of(iccid.parse().unwrap());
    if let ProfileElement::Header(header) = &mut elements[0]
        && algorithm == AlgorithmId::USIM_TEST_ALGORITHM
    {
        let services = &mut header.euicc_mandatory_services;
        services.usim_test_algorithm = services.milenage.take();
    }
    for element in &mut elements {
        if let ProfileElement::AkaParameter(aka) = element
            && let AlgoConfiguration::AlgoParameter(parameter) = &mut aka.algo_configuration
        {
            parameter.algorithm_id = algorithm;
            parameter.key = Secret(key.to_vec());
        }
    }
    encode_package(&elements)
}

/// A test profile: no operator has such a key (SGP.22 2.4.5.3).
pub(crate) fn test_package(iccid: &str) -> Vec<u8> {
    let key = hex("0000000000000000000000000000 4711");
    package_with_key(iccid, AlgorithmId::MILENAGE, &key)
}

/// With connectivity parameters.
pub(crate) fn package_with_connectivity(iccid: &str, parameters: &[u8]) -> Vec<u8> {
    let mut elements = elements_of(iccid.parse().unwrap());
    if let ProfileElement::Header(header) = &mut elements[0] {
        header.connectivity_parameters = Some(parameters.to_vec());
    }
    encode_package(&elements)
}

fn set_ef_iccid(mf: &mut TemplateElement, iccid: &Iccid) {
    let file = mf.files.iter_mut().find(|file| file.member == EF_ICCID);
    for command in &mut file.unwrap().file {
        if let FileCommand::FillFileContent(octets) = command {
            *octets = iccid.as_swapped().to_vec();
        }
    }
}
