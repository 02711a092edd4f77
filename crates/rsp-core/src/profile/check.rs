//! What can be said of a package without an eUICC.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Iccid, Imsi};
use rsp_asn1::rsp::StoreMetadataRequest;
use rsp_asn1::saip::{ProfileElement, TemplateElement, decode_package};

use super::contents::image;
use super::describe::{as_header, imsi, imsi_of_file};
use super::element::{ElementName, member};
use super::{MncLength, Rule, Severity, access, files, network_rules, services, structure, tree};

/// Checks a package against the structural rules of the format: what an eUICC
/// would refuse, or install and not be able to use. Empty is good.
///
/// Not checked is what only the eUICC knows: memory, supported services and
/// templates, contents of applications.
pub fn check(package: &[u8]) -> Vec<Finding> {
    let mut findings = lint(package);
    findings.retain(|finding| finding.severity() == Severity::Error);
    findings
}

/// Everything that can be said against a package: what [`check`] says, and
/// what works but is probably not meant, or only worth knowing.
pub fn lint(package: &[u8]) -> Vec<Finding> {
    let mut out = Findings::default();
    match decode_package(package) {
        Ok(elements) => check_elements(&elements, &mut out),
        Err(error) => out.add(
            Rule::Encoding,
            None,
            error.to_string(),
            "encode the package in DER as module PEDefinitions says",
        ),
    }
    out.0
}

/// Checks that metadata and package are of one profile: an eUICC refuses
/// another ICCID (installFailedDueToDataMismatch).
pub fn check_metadata(package: &[u8], metadata: &StoreMetadataRequest) -> Vec<Finding> {
    let mut out = Findings::default();
    let Ok(elements) = decode_package(package) else {
        return check(package);
    };
    let header = elements.iter().find_map(as_header);
    let iccid = header.map(|header| Iccid::from_plain(header.iccid));
    if iccid.is_some_and(|iccid| iccid != metadata.iccid) {
        out.add(
            Rule::Iccid,
            elements.first(),
            format!("the metadata are of the ICCID {}", metadata.iccid),
            "send the metadata of this profile",
        );
    }
    let owner = metadata.profile_owner.as_ref().map(|owner| owner.mcc_mnc);
    if let (Ok(Some(imsi)), Some(owner)) = (imsi(&elements), owner) {
        let starts = |length: MncLength| length.plmn(&imsi) == Some(owner);
        if !starts(MncLength::Two) && !starts(MncLength::Three) {
            out.add(
                Rule::Imsi,
                None,
                format!("the metadata name the owner {owner}, the IMSI another network"),
                "set profileOwner to the MCC and MNC of the IMSI",
            );
        }
    }
    out.0
}

/// A rule of the format that a package does not keep.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Where, `None` if the package as a whole is meant.
    pub element: Option<ElementName>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(element) = &self.element {
            write!(f, "{element}: ")?;
        }
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

/// Collects what is found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(
        &mut self,
        rule: Rule,
        element: Option<&ProfileElement>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Finding {
            rule,
            element: element.map(ElementName::of),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }
}

fn check_elements(elements: &[ProfileElement], out: &mut Findings) {
    structure::check(elements, out);
    if let Some(header) = elements.iter().find_map(as_header) {
        services::check(&header.euicc_mandatory_services, elements, out);
        check_iccid(&Iccid::from_plain(header.iccid), elements, out);
    }
    services::check_keys(elements, out);
    services::check_declared(elements, out);
    access::check(elements, out);
    let nodes = tree::tree(elements);
    files::check(elements, &nodes, out);
    network_rules::check(elements, &nodes, out);
    check_imsi(elements, out);
    check_security_domain(elements, out);
}

/// Header and EF.ICCID agree, and hold digits.
fn check_iccid(iccid: &Iccid, elements: &[ProfileElement], out: &mut Findings) {
    if iccid.to_string().parse() != Ok(*iccid) {
        out.add(
            Rule::Iccid,
            elements.first(),
            format!("{iccid} is no ICCID"),
            "18 to 20 decimal digits in reading order, padded with F",
        );
    }
    for element in elements {
        let (ProfileElement::Mf(mf) | ProfileElement::Iot(mf)) = element else {
            continue;
        };
        let Some(file) = mf.file(member::ICCID) else {
            continue;
        };
        if image(file).ok().as_deref() != Some(iccid.as_swapped().as_slice()) {
            out.add(
                Rule::Iccid,
                Some(element),
                format!("EF.ICCID is not filled with {iccid}, the ICCID of the header"),
                "fill it with the digits of the header, nibbles swapped",
            );
        }
    }
}

fn check_imsi(elements: &[ProfileElement], out: &mut Findings) {
    for element in elements {
        let file = match element {
            ProfileElement::Usim(usim) => file_of(usim, member::IMSI),
            ProfileElement::Iot(iot) => file_of(iot, member::IOT_IMSI),
            _ => None,
        };
        let read = file.map(|file| imsi_of_file(ElementName::of(element), file));
        let wrong = read.and_then(|imsi: Result<Imsi, _>| imsi.err());
        if let Some(error) = wrong {
            out.add(
                Rule::Imsi,
                Some(element),
                error.to_string(),
                "fill EF.IMSI as 3GPP TS 31.102 4.2.2 says",
            );
        }
    }
}

fn file_of(element: &TemplateElement, member: u8) -> Option<&[rsp_asn1::saip::FileCommand]> {
    element.file(member).map(Vec::as_slice)
}

/// The first security domain is the MNO-SD, and without keys nobody reaches it.
fn check_security_domain(elements: &[ProfileElement], out: &mut Findings) {
    let domain = elements.iter().find_map(|element| match element {
        ProfileElement::SecurityDomain(domain) => Some((element, domain)),
        _ => None,
    });
    let remedy = "add a securityDomain for the MNO-SD with at least one key set";
    match domain {
        None => out.add(
            Rule::SecurityDomain,
            None,
            "the profile has no MNO-SD",
            remedy,
        ),
        Some((element, domain)) if domain.key_list.iter().flatten().next().is_none() => {
            out.add(
                Rule::SecurityDomain,
                Some(element),
                "the MNO-SD has no keys",
                remedy,
            );
        }
        Some(_) => {}
    }
}
