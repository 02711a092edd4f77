//! listProfileInfo (SGP.32 5.9.14): the eUICC's own list, with what is kept
//! here in it.

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{ProfileInfoListError, ProfileInfoListRequest, ProfileInfoListResponse};
use rsp_asn1::{Extensions, Reader};

use super::es10c::Euicc;
use crate::ipa::IpaError;

/// iccid.
const ICCID: u32 = 0x5A;
/// fallbackAttribute, which is kept here.
const FALLBACK_ATTRIBUTE: u32 = 0x9F26;

/// What is told without a tag list.
const DEFAULT: [u32; 9] = [
    ICCID,
    0x4F,
    0x9F70,
    0x91,
    0x92,
    0x95,
    0x9F7B,
    FALLBACK_ATTRIBUTE,
    0x9F67,
];

/// Data objects that SGP.22 has, too.
const OF_SGP22: [u32; 14] = [
    ICCID, 0x4F, 0x9F70, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0xB6, 0xB7, 0xB8, 0x99, 0xBF22,
];

/// The list that a request asks for. What the eUICC does not know is left out.
pub(super) async fn list(
    euicc: &Euicc<'_>,
    request: &ProfileInfoListRequest,
    fallback: Option<Iccid>,
) -> Result<ProfileInfoListResponse, IpaError> {
    let Some(wanted) = wanted(request) else {
        let code = ProfileInfoListError::INCORRECT_INPUT_VALUES;
        return Ok(ProfileInfoListResponse::Error(code));
    };
    let asked = |known: &dyn Fn(u32) -> bool| {
        let tags = wanted.iter().copied().filter(|tag| known(*tag));
        // Without the ICCID it is not known which is the fallback.
        let tags = tags.chain((!wanted.contains(&ICCID)).then_some(ICCID));
        ProfileInfoListRequest {
            search_criteria: request.search_criteria.clone(),
            tag_list: Some(tags.flat_map(octets).collect()),
            iot_specific_tag_list: None,
            extensions: Extensions::default(),
        }
    };
    let all = asked(&|tag| tag != FALLBACK_ATTRIBUTE);
    let listed = match euicc.get_profiles_info(&all).await {
        Ok(listed @ ProfileInfoListResponse::Ok(_)) => listed,
        Err(error) if error.needs_reset() => return Err(error),
        _ => {
            let fewer = asked(&|tag| OF_SGP22.contains(&tag));
            euicc.get_profiles_info(&fewer).await?
        }
    };
    let ProfileInfoListResponse::Ok(mut profiles) = listed else {
        return Ok(listed);
    };
    for profile in &mut profiles {
        let is_fallback = fallback.is_some() && profile.iccid == fallback;
        profile.fallback_attribute = is_fallback && wanted.contains(&FALLBACK_ATTRIBUTE);
        profile.iccid = profile.iccid.filter(|_| wanted.contains(&ICCID));
    }
    Ok(ProfileInfoListResponse::Ok(profiles))
}

/// The tags of both lists, one by one; `None` if they are none.
fn wanted(request: &ProfileInfoListRequest) -> Option<Vec<u32>> {
    let lists = [&request.tag_list, &request.iot_specific_tag_list];
    if lists.iter().all(|list| list.is_none()) {
        return Some(DEFAULT.to_vec());
    }
    let mut tags = Vec::new();
    for mut list in lists.into_iter().flatten().map(Vec::as_slice) {
        while let Some(first) = list.first() {
            let length = if first & 0x1F == 0x1F { 2 } else { 1 };
            let (tag, rest) = list.split_at_checked(length)?;
            // A tag with a length after it is an element: the reader checks it.
            let (tag, _) = Reader::new(&[tag, &[0]].concat()).header().ok()?;
            tags.push(tag.get());
            list = rest;
        }
    }
    Some(tags)
}

/// A tag as it is encoded.
fn octets(tag: u32) -> Vec<u8> {
    let octets = tag.to_be_bytes();
    let leading = octets.iter().take_while(|octet| **octet == 0).count();
    octets.iter().skip(leading).copied().collect()
}
