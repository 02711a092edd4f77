//! Connectivity parameters that a profile brings for its security domain
//! (SGP.02 4.1.3.4, SAIP 8.7).

use alloc::vec::Vec;

use rsp_asn1::saip::ProfileElement;
use rsp_asn1::{Asn1, Reader, Tag, Tlv};

use super::card::Uicc;

/// Data grouping identifier of the connectivity parameters.
const CONNECTIVITY_PARAMETERS: [u8; 2] = [0x3A, 0x07];

/// Those for HTTPS among them.
const HTTPS: Tag = Tag::new(0xA2);

impl Uicc {
    /// The parameters for HTTPS of the first security domain that has some.
    pub(crate) fn http_parameters(&self) -> Option<Vec<u8>> {
        self.elements.iter().find_map(|element| {
            let Ok(ProfileElement::SecurityDomain(domain)) = ProfileElement::from_der(&element.0)
            else {
                return None;
            };
            let mut groups = domain.sd_perso_data.iter().flatten();
            groups.find_map(|group| https_in(group))
        })
    }
}

/// In a data group: its identifier, its length, its elements.
fn https_in(group: &[u8]) -> Option<Vec<u8>> {
    let (identifier, rest) = group.split_first_chunk::<2>()?;
    if *identifier != CONNECTIVITY_PARAMETERS {
        return None;
    }
    // An identifier of its own in place of a tag lets the common reader take
    // the length.
    let contents = Tlv::parse(&[&[0x04], rest].concat()).ok()?.value.to_vec();
    let mut reader = Reader::new(&contents);
    while !reader.is_empty() {
        let element = reader.tlv().ok()?;
        if element.tag == HTTPS {
            return Some(element.value.to_vec());
        }
    }
    None
}
