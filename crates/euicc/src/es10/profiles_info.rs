//! ES10b.GetProfilesInfo (SGP.32 5.9.14, SGP.22 5.7.15).

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    ProfileInfo, ProfileInfoListError, ProfileInfoListRequest, ProfileInfoListResponse,
    ProfileSearchCriteria,
};
use rsp_asn1::{Asn1, Reader};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::{Environment, EuiccKind};
use crate::state::{Profile, State};

/// Data objects that are told without a tag list (SGP.32 5.9.14).
const DEFAULT_TAGS: [u32; 9] = [0x5A, 0x4F, 0x9F70, 0x91, 0x92, 0x95, 0x9F7B, 0x9F26, 0x9F67];

/// The same of SGP.22 5.7.15.
const DEFAULT_TAGS_OF_CONSUMERS: [u32; 9] =
    [0x5A, 0x4F, 0x9F70, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95];

/// Data objects that can be asked for.
const KNOWN_TAGS: [u32; 18] = [
    0x5A, 0x4F, 0x9F70, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0xB6, 0xB7, 0xB8, 0x99, 0xBF22, 0x9F7B,
    0x9F26, 0x9F67, 0xBF64,
];

pub(crate) fn get_profiles_info(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: ProfileInfoListRequest = decode(command)?;
    let fallback = isdr.state.mechanisms.fallback;
    Ok(list(&isdr.state, fallback, &request, isdr.ecasd.kind).to_der())
}

/// The list that a request asks for; `fallback` is the profile with the
/// Fallback Attribute.
pub(crate) fn list(
    state: &State,
    fallback: Option<Iccid>,
    request: &ProfileInfoListRequest,
    kind: EuiccKind,
) -> ProfileInfoListResponse {
    let Some(tags) = requested_tags(request, kind) else {
        return ProfileInfoListResponse::Error(ProfileInfoListError::INCORRECT_INPUT_VALUES);
    };
    let profiles = state.profiles.iter();
    let found = profiles.filter(|profile| selected(profile, request.search_criteria.as_ref()));
    let described = found.map(|profile| ProfileInfo {
        fallback_attribute: fallback == Some(*profile.iccid()) && tags.contains(&0x9F26),
        ..info(profile, &tags)
    });
    ProfileInfoListResponse::Ok(described.collect())
}

fn selected(profile: &Profile, criteria: Option<&ProfileSearchCriteria>) -> bool {
    match criteria {
        None => true,
        Some(ProfileSearchCriteria::IsdpAid(aid)) => profile.aid == *aid,
        Some(ProfileSearchCriteria::Iccid(iccid)) => profile.iccid() == iccid,
        Some(ProfileSearchCriteria::ProfileClass(class)) => {
            profile.metadata.profile_class == *class
        }
    }
}

/// The tags to tell; `None` if the list is malformed or names an unknown one.
/// iotSpecificTagList (SGP.22 v2.7) adds to the other.
fn requested_tags(request: &ProfileInfoListRequest, kind: EuiccKind) -> Option<Vec<u32>> {
    let lists = [&request.tag_list, &request.iot_specific_tag_list];
    if lists.iter().all(|list| list.is_none()) {
        return Some(match kind {
            EuiccKind::Iot => DEFAULT_TAGS.to_vec(),
            EuiccKind::Consumer => DEFAULT_TAGS_OF_CONSUMERS.to_vec(),
        });
    }
    let mut tags = Vec::new();
    for list in lists.into_iter().flatten() {
        tags.extend(split_tags(list)?);
    }
    let all_known = tags.iter().all(|tag| KNOWN_TAGS.contains(tag));
    all_known.then_some(tags)
}

/// Concatenated tags, one by one.
pub(crate) fn split_tags(mut list: &[u8]) -> Option<Vec<u32>> {
    let mut tags = Vec::new();
    while let Some((first, _)) = list.split_first() {
        let length = match first & 0x1F {
            0x1F => 2,
            _ => 1,
        };
        let (tag, rest) = list.split_at_checked(length)?;
        // An element of length zero lets the common reader judge the tag.
        let (tag, _) = Reader::new(&[tag, &[0]].concat()).header().ok()?;
        tags.push(tag.get());
        list = rest;
    }
    Some(tags)
}

fn info(profile: &Profile, tags: &[u32]) -> ProfileInfo {
    let metadata = &profile.metadata;
    let wanted = |tag: u32| tags.contains(&tag);
    let mut info = ProfileInfo::empty();
    info.iccid = wanted(0x5A).then_some(metadata.iccid);
    info.isdp_aid = wanted(0x4F).then(|| profile.aid.clone());
    info.profile_state = wanted(0x9F70).then_some(profile.state);
    if wanted(0x90) {
        info.profile_nickname = profile.nickname.clone();
    }
    info.service_provider_name = wanted(0x91).then(|| metadata.service_provider_name.clone());
    info.profile_name = wanted(0x92).then(|| metadata.profile_name.clone());
    info.profile_class = wanted(0x95).then_some(metadata.profile_class);
    info.icon_type = metadata.icon_type.filter(|_| wanted(0x93));
    if wanted(0x94) {
        info.icon = metadata.icon.clone();
    }
    if wanted(0xB6) {
        info.notification_configuration_info = metadata.notification_configuration_info.clone();
    }
    if wanted(0xB7) {
        info.profile_owner = metadata.profile_owner.clone();
    }
    if wanted(0xB8) {
        info.dp_proprietary_data = profile.dp_proprietary_data.clone();
    }
    if wanted(0x99) {
        info.profile_policy_rules = metadata.profile_policy_rules.clone();
    }
    if wanted(0xBF22) {
        info.service_specific_data_stored_in_euicc =
            metadata.service_specific_data_stored_in_euicc.clone();
    }
    info.ecall_indication = metadata.ecall_indication.filter(|_| wanted(0x9F7B));
    info.fallback_allowed = metadata.fallback_allowed.filter(|_| wanted(0x9F67));
    if wanted(0xBF64) {
        info.iot_specific_profile_info = metadata.iot_specific_metadata.clone();
    }
    info
}
