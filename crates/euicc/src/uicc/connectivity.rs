//! Connectivity parameters that a profile brings in its header (SAIP 8.2, in
//! the form of SGP.02 4.1.3.4).

use alloc::vec::Vec;

use rsp_asn1::saip::ProfileElement;
use rsp_asn1::{Asn1, Reader, Tag};

use super::card::Uicc;

/// Those for HTTPS.
const HTTPS: Tag = Tag::new(0xA2);

impl Uicc {
    /// The parameters for HTTPS: all of them if they are no list of TLVs.
    pub(crate) fn http_parameters(&self) -> Option<Vec<u8>> {
        let parameters =
            self.elements.iter().find_map(|element| {
                match ProfileElement::from_der(&element.0) {
                    Ok(ProfileElement::Header(header)) => header.connectivity_parameters,
                    _ => None,
                }
            })?;
        https_in(&parameters).unwrap_or(Some(parameters))
    }
}

/// `None` if it is no list of TLVs, `Some(None)` if HTTPS is not among them.
fn https_in(parameters: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut reader = Reader::new(parameters);
    let mut found = None;
    while !reader.is_empty() {
        let element = reader.tlv().ok()?;
        if element.tag == HTTPS {
            found = Some(element.value.to_vec());
        }
    }
    Some(found)
}
