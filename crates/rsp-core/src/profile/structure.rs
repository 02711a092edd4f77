//! Order, number, dependencies and identification of elements.

use alloc::format;

use rsp_asn1::Oid;
use rsp_asn1::saip::{
    FileManagementCommand, ProfileElement, ProfileHeader, ServicesList, TemplateElement,
};

use super::Rule;
use super::check::Findings;
use super::describe::as_header;
use super::element::kind;

/// Checks order, number, dependencies and identification.
pub(super) fn check(elements: &[ProfileElement], out: &mut Findings) {
    order(elements, out);
    numbers(elements, out);
    dependencies(elements, out);
    identifications(elements, out);
    if let Some(header) = elements.iter().find_map(as_header) {
        applications(&header.euicc_mandatory_services, elements, out);
        template_list(header, elements, out);
    }
}

fn order(elements: &[ProfileElement], out: &mut Findings) {
    let (first, last) = (elements.first(), elements.last());
    if first.is_some_and(|element| kind(element) != "header") {
        out.add(
            Rule::Order,
            first,
            "the package does not begin with the header",
            "put the header first",
        );
    }
    if last.is_some_and(|element| kind(element) != "end") {
        out.add(
            Rule::Order,
            last,
            "the package does not stop with the end element",
            "put end last and nothing behind it",
        );
    }
    let mf = elements.iter().position(|element| kind(element) == "mf");
    if let Some(position) = mf.filter(|position| *position != 1) {
        out.add(
            Rule::Order,
            elements.get(position),
            "the MF is not created first",
            "put mf right behind the header",
        );
    }
}

/// Elements of which there is exactly one, and of which there is one at most.
fn numbers(elements: &[ProfileElement], out: &mut Findings) {
    for (wanted, needed) in [
        ("header", true),
        ("end", true),
        ("mf", !creates_mf_otherwise(elements)),
        ("cd", false),
        ("telecom", false),
    ] {
        let mut found = elements.iter().filter(|element| kind(element) == wanted);
        if found.next().is_none() && needed {
            out.add(
                Rule::Missing,
                None,
                format!("the package has no {wanted}"),
                format!("add an element {wanted}"),
            );
        }
        for again in found {
            out.add(
                Rule::Repeated,
                Some(again),
                format!("the package has {wanted} already"),
                "take the second one out",
            );
        }
    }
}

/// Whether file management or an IoT Minimal Profile creates the MF.
fn creates_mf_otherwise(elements: &[ProfileElement]) -> bool {
    elements.iter().any(|element| match element {
        ProfileElement::Iot(_) => true,
        ProfileElement::GenericFileManagement(gfm) => {
            gfm.file_management_cmd.iter().flatten().any(|command| {
                matches!(command, FileManagementCommand::CreateFcp(fcp)
                    if fcp.file_id == Some([0x3F, 0x00]))
            })
        }
        _ => false,
    })
}

/// Several applications of one kind need a service.
fn applications(services: &ServicesList, elements: &[ProfileElement], out: &mut Findings) {
    for (wanted, service, mandated) in [
        ("usim", "multiple-usim", services.multiple_usim.is_some()),
        ("isim", "multiple-isim", services.multiple_isim.is_some()),
        ("csim", "multiple-csim", services.multiple_csim.is_some()),
    ] {
        let mut found = elements.iter().filter(|element| kind(element) == wanted);
        let second = found.nth(1);
        if second.is_some() && !mandated {
            out.add(
                Rule::Repeated,
                second,
                format!("a second {wanted} without the service {service}"),
                format!("mandate {service} in the header, or take the second one out"),
            );
        }
    }
}

/// The applications that an element may follow.
fn follows(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "opt-usim" | "gsm-access" | "phonebook" | "df-5gs" | "df-saip" | "df-snpn"
        | "df-5gprose" => &["usim"],
        "opt-isim" => &["isim"],
        "opt-csim" | "cdmaParameter" => &["csim"],
        "opt-iot" => &["iot"],
        "akaParameter" => &["usim", "isim", "iot"],
        _ => return None,
    })
}

fn dependencies(elements: &[ProfileElement], out: &mut Findings) {
    let mut application = "no application";
    let mut once: alloc::vec::Vec<&str> = alloc::vec::Vec::new();
    for element in elements {
        let name = kind(element);
        if matches!(name, "usim" | "isim" | "csim" | "iot") {
            application = name;
            once.clear();
        }
        if let Some(wanted) = follows(name).filter(|wanted| !wanted.contains(&application)) {
            out.add(
                Rule::Dependency,
                Some(element),
                format!("{name} applies to the application before it, which is {application}"),
                format!("put it behind {}", wanted.join(" or ")),
            );
        }
        if matches!(name, "df-5gs" | "df-saip") {
            if once.contains(&name) {
                out.add(
                    Rule::Repeated,
                    Some(element),
                    format!("this {application} has {name} already"),
                    "take the second one out",
                );
            }
            once.push(name);
        }
    }
}

fn identifications(elements: &[ProfileElement], out: &mut Findings) {
    let mut seen = alloc::collections::BTreeSet::new();
    for element in elements {
        let Some(header) = element.header() else {
            continue;
        };
        let problem = match header.identification {
            identification if !(0..=32767).contains(&identification) => {
                format!("identification {identification} is outside 0 to 32767")
            }
            identification if !seen.insert(identification) => {
                format!("identification {identification} is another element's already")
            }
            _ => continue,
        };
        out.add(
            Rule::Identification,
            Some(element),
            problem,
            "give every element a number of its own",
        );
    }
}

/// What the templates of mandated elements need, the header says.
fn template_list(header: &ProfileHeader, elements: &[ProfileElement], out: &mut Findings) {
    for element in elements {
        let Some(template) = mandated_template(element) else {
            continue;
        };
        if !header.euicc_mandatory_gfste_list.contains(template) {
            out.add(
                Rule::TemplateList,
                Some(element),
                format!("its template {template} is not in eUICC-Mandatory-GFSTEList"),
                format!("add {template} to the list of the header"),
            );
        }
    }
}

fn mandated_template(element: &ProfileElement) -> Option<&Oid> {
    let template = template_element(element)?;
    template.header.mandated.map(|_| &template.template_id)
}

/// The element, if it creates files from a template.
pub(super) fn template_element(element: &ProfileElement) -> Option<&TemplateElement> {
    match element {
        ProfileElement::Mf(pe)
        | ProfileElement::Cd(pe)
        | ProfileElement::Telecom(pe)
        | ProfileElement::Usim(pe)
        | ProfileElement::OptUsim(pe)
        | ProfileElement::Isim(pe)
        | ProfileElement::OptIsim(pe)
        | ProfileElement::Phonebook(pe)
        | ProfileElement::GsmAccess(pe)
        | ProfileElement::Csim(pe)
        | ProfileElement::OptCsim(pe)
        | ProfileElement::Eap(pe)
        | ProfileElement::Df5gs(pe)
        | ProfileElement::DfSaip(pe)
        | ProfileElement::DfSnpn(pe)
        | ProfileElement::Df5gprose(pe)
        | ProfileElement::Iot(pe)
        | ProfileElement::OptIot(pe) => Some(pe),
        _ => None,
    }
}
