//! A small profile package.

use rsp_asn1::ids::Iccid;
use rsp_asn1::saip::{End, PeHeader, ProfileElement, ProfileHeader, ServicesList, encode_package};
use rsp_asn1::Asn1;

/// Header and end, which is all that this room's own rules look at.
pub(crate) fn package(iccid: &str) -> Vec<u8> {
    let iccid: Iccid = iccid.parse().unwrap();
    encode_package(&[
        ProfileElement::Header(ProfileHeader {
            major_version: 2,
            minor_version: 3,
            profile_type: None,
            iccid: iccid.to_plain(),
            pol: None,
            euicc_mandatory_services: ServicesList::from_der(&[0x30, 0]).unwrap(),
            euicc_mandatory_gfste_list: Vec::new(),
            connectivity_parameters: None,
            euicc_mandatory_aids: None,
            iot_options: None,
            extensions: Default::default(),
        }),
        ProfileElement::End(End {
            header: PeHeader::mandated(1),
            extensions: Default::default(),
        }),
    ])
}
