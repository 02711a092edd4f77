//! What each element does, and the applications among them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::saip::{
    AlgoConfiguration, Application, ApplicationInstance, FileManagementCommand, PinCodesChoice,
    ProfileElement, Rfm,
};

use crate::profile::contents::is_left_out;
use crate::profile::structure::template_element;
use crate::profile::{ElementName, hex};

/// An element.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ElementReport {
    /// Offset in the package.
    pub offset: usize,
    /// Octets.
    pub size: usize,
    /// Its name.
    #[serde(flatten)]
    pub name: ElementName,
    /// Whether the eUICC must refuse the profile if it cannot do this.
    pub mandated: bool,
    /// What it does.
    pub does: String,
}

pub(super) fn elements(
    elements: &[ProfileElement],
    places: &[(usize, usize)],
) -> Vec<ElementReport> {
    let placed = elements.iter().zip(places);
    placed
        .map(|(element, (offset, size))| ElementReport {
            offset: *offset,
            size: *size,
            name: ElementName::of(element),
            mandated: element
                .header()
                .is_some_and(|header| header.mandated.is_some()),
            does: does(element),
        })
        .collect()
}

fn does(element: &ProfileElement) -> String {
    if let Some(template) = template_element(element) {
        let (left_out, given): (Vec<_>, Vec<_>) = template
            .files
            .iter()
            .partition(|file| is_left_out(&file.file));
        let mut text = format!("{} files of template {}", given.len(), template.template_id);
        if !left_out.is_empty() {
            text.push_str(&format!(", {} left out", left_out.len()));
        }
        return text;
    }
    match element {
        ProfileElement::Header(_) => "says what the profile is".to_string(),
        ProfileElement::GenericFileManagement(pe) => {
            let commands = pe.file_management_cmd.iter().flatten();
            let created =
                |c: &&FileManagementCommand| matches!(c, FileManagementCommand::CreateFcp(_));
            format!(
                "creates {} files by commands",
                commands.filter(created).count()
            )
        }
        ProfileElement::PinCodes(pe) => match &pe.pin_codes {
            PinCodesChoice::PinConfig(pins) => format!("{} PINs", pins.len()),
            PinCodesChoice::FilePath(path) => format!("PINs shared with {}", hex::encode(path)),
        },
        ProfileElement::PukCodes(pe) => format!("{} PUKs", pe.puk_codes.len()),
        ProfileElement::AkaParameter(pe) => match &pe.algo_configuration {
            AlgoConfiguration::AlgoParameter(parameter) => {
                format!("algorithm {}", parameter.algorithm_id)
            }
            AlgoConfiguration::MappingParameter(mapping) => {
                format!("algorithm of {}", hex::encode(&mapping.mapping_source))
            }
        },
        ProfileElement::CdmaParameter(_) => "keys of CAVE".to_string(),
        ProfileElement::SecurityDomain(pe) => {
            let keys = pe.key_list.iter().flatten().count();
            format!(
                "{} with {keys} keys",
                hex::encode(&pe.instance.instance_aid)
            )
        }
        ProfileElement::Rfm(pe) => rfm(pe),
        ProfileElement::Application(pe) => application(pe),
        ProfileElement::NonStandard(pe) => {
            format!("{} octets of {}", pe.content.len(), pe.issuer_id)
        }
        ProfileElement::End(_) => "ends the profile".to_string(),
        _ => "an element of a later version".to_string(),
    }
}

fn tars(list: Option<&Vec<[u8; 3]>>) -> String {
    let tars: Vec<String> = list
        .into_iter()
        .flatten()
        .map(|tar| hex::encode(tar))
        .collect();
    match tars.is_empty() {
        true => "the TAR of its AID".to_string(),
        false => format!("TAR {}", tars.join(" ")),
    }
}

fn rfm(pe: &Rfm) -> String {
    let place = match &pe.adf_rfm_access {
        Some(access) => format!("application {}", hex::encode(&access.adf_aid)),
        None => "the UICC".to_string(),
    };
    let [level] = pe.minimum_security_level;
    format!(
        "remote file management of {place}, {}, security level {level:02X} at least",
        tars(pe.tar_list.as_ref())
    )
}

fn application(pe: &Application) -> String {
    let instances = pe.instance_list.iter().flatten().count();
    match &pe.load_block {
        Some(block) => format!(
            "loads {} ({} octets), {instances} instances",
            hex::encode(&block.load_package_aid),
            block.load_block_object.len()
        ),
        None => format!("{instances} instances"),
    }
}

/// An application, a security domain, or remote file management.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ApplicationReport {
    /// The element.
    pub element: ElementName,
    /// `security domain`, `remote file management`, `package` or `applet`.
    pub kind: &'static str,
    /// AID of the instance, or of the package.
    pub aid: String,
    /// What more there is to say.
    pub remarks: String,
}

pub(super) fn applications(elements: &[ProfileElement]) -> Vec<ApplicationReport> {
    let mut reports = Vec::new();
    for element in elements {
        let name = ElementName::of(element);
        let mut add = |kind, aid: &[u8], remarks| {
            reports.push(ApplicationReport {
                element: name,
                kind,
                aid: hex::encode(aid),
                remarks,
            });
        };
        match element {
            ProfileElement::SecurityDomain(pe) => {
                let instance = &pe.instance;
                add(
                    "security domain",
                    &instance.instance_aid,
                    privileges(instance),
                );
            }
            ProfileElement::Rfm(pe) => add("remote file management", &pe.instance_aid, rfm(pe)),
            ProfileElement::Application(pe) => {
                if let Some(block) = &pe.load_block {
                    let octets = block.load_block_object.len();
                    add(
                        "package",
                        &block.load_package_aid,
                        format!("{octets} octets"),
                    );
                }
                for instance in pe.instance_list.iter().flatten() {
                    add("applet", &instance.instance_aid, privileges(instance));
                }
            }
            _ => {}
        }
    }
    reports
}

fn privileges(instance: &ApplicationInstance) -> String {
    format!(
        "privileges {}",
        hex::encode(&instance.application_privileges)
    )
}
