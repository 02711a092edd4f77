//! Elements that an order adds to a package, because it sets files for which
//! the package has no place.

use alloc::vec::Vec;

use rsp_asn1::Oid;
use rsp_asn1::saip::{Fcp, FileCommand, PeHeader, ProfileElement, TemplateElement, TemplateFile};

use super::ProfileError;
use super::catalogue::Template;
use super::contents::descriptor;

fn element_template(element: &ProfileElement) -> Option<Oid> {
    match element {
        ProfileElement::OptUsim(pe) | ProfileElement::Df5gs(pe) | ProfileElement::DfSaip(pe) => {
            Some(pe.template_id.clone())
        }
        _ => None,
    }
}

/// Has the header say that the eUICC must know the element's template.
pub(super) fn mandate(elements: &mut [ProfileElement], element: &ProfileElement) {
    let (Some(ProfileElement::Header(header)), Some(template)) =
        (elements.first_mut(), element_template(element))
    else {
        return;
    };
    let list = &mut header.euicc_mandatory_gfste_list;
    if !list.contains(&template) {
        list.push(template);
    }
}

/// Files that a new DF.5GS has besides those of the order: location, security
/// context and keys of 5GS, as the template fills them.
const BASIC_5GS: [u8; 6] = [DIRECTORY, 3, 4, 5, 6, 7];

/// The first member of a template that creates a directory: itself.
const DIRECTORY: u8 = 2;

/// An element of a kind for an application: the directory of its template, with
/// the files that it cannot do without.
///
/// # Errors
/// If there is no template of this kind.
pub(super) fn of_kind(
    elements: &[ProfileElement],
    usim: usize,
    place: &'static str,
) -> Result<ProfileElement, ProfileError> {
    let used = elements.iter().filter_map(ProfileElement::header);
    let highest = used.map(|header| header.identification).max();
    let template = Template::of_kind(place).and_then(Template::oid);
    // A directory says itself which PINs count in it (SAIP 8.3.4).
    let directory = |member| match member {
        DIRECTORY => alloc::vec![FileCommand::FileDescriptor(Fcp {
            pin_status_template_do: pins_of(elements.get(usim)),
            ..Fcp::empty()
        })],
        _ => Vec::new(),
    };
    let members: &[u8] = match place {
        "df-5gs" => &BASIC_5GS,
        "df-saip" => &[DIRECTORY],
        _ => &[],
    };
    let element = TemplateElement {
        header: PeHeader::mandated(highest.unwrap_or_default() + 1),
        template_id: template.ok_or(ProfileError::Missing("template"))?,
        files: members
            .iter()
            .map(|member| TemplateFile {
                member: *member,
                file: directory(*member),
            })
            .collect(),
    };
    Ok(match place {
        "df-5gs" => ProfileElement::Df5gs(element),
        "df-saip" => ProfileElement::DfSaip(element),
        _ => ProfileElement::OptUsim(element),
    })
}

/// The PIN references of an application.
fn pins_of(usim: Option<&ProfileElement>) -> Option<Vec<u8>> {
    let Some(ProfileElement::Usim(usim)) = usim else {
        return None;
    };
    let mut files = usim.files.iter();
    files.find_map(|member| descriptor(&member.file)?.pin_status_template_do.clone())
}
