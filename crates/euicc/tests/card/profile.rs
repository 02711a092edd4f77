//! A small profile package with a USIM, under any ICCID.

use rsp_asn1::ids::Iccid;
use rsp_asn1::saip::{
    ApplicationInstance, FileCommand, ProfileElement, SecurityDomain, TemplateElement,
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

/// With a security domain that gets a data group.
pub(crate) fn package_with_data(iccid: &str, group: &[u8]) -> Vec<u8> {
    let mut elements = elements_of(iccid.parse().unwrap());
    let end = elements.len() - 1;
    let domain = SecurityDomain {
        header: uicc_support::header(98),
        instance: instance(),
        key_list: None,
        sd_perso_data: Some(vec![group.to_vec()]),
        open_perso_data: None,
        cat_tp_parameters: None,
        extensions: Default::default(),
    };
    elements.insert(end, ProfileElement::SecurityDomain(domain));
    encode_package(&elements)
}

fn instance() -> ApplicationInstance {
    ApplicationInstance {
        application_load_package_aid: hex("A0000001515350"),
        class_aid: hex("A000000151535041"),
        instance_aid: hex("A000000151000000"),
        extradite_security_domain_aid: None,
        application_privileges: hex("82DC20"),
        life_cycle_state: [0x0F],
        application_specific_parameters_c9: hex("810280008201F0"),
        system_specific_parameters: None,
        application_parameters: None,
        process_data: None,
        control_reference_template: None,
        extensions: Default::default(),
    }
}

fn set_ef_iccid(mf: &mut TemplateElement, iccid: &Iccid) {
    let file = mf.files.iter_mut().find(|file| file.member == EF_ICCID);
    for command in &mut file.unwrap().file {
        if let FileCommand::FillFileContent(octets) = command {
            *octets = iccid.as_swapped().to_vec();
        }
    }
}
