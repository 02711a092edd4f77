//! ES6.UpdateMetadata (SGP.22 5.4.1): the operator changes what its profile
//! says of itself. SGP.32 v1.3 adds fallbackAllowed.

use rsp_asn1::rsp::{PPR1, PPR2, StoreMetadataRequest, UpdateMetadataRequest};
use rsp_asn1::{Asn1, BitString};

use super::receive::Target;
use crate::apdu::Status;

/// PprIds: how to update, of which there is one way.
const PPR_UPDATE_CONTROL: u8 = 0;
/// Octets of an icon.
const MAX_ICON: usize = 1024;
/// JPEG and PNG.
const ICON_TYPES: core::ops::RangeInclusive<i64> = 0..=1;

/// Changes the metadata of the enabled profile, all of what is asked for or
/// nothing.
///
/// # Errors
/// [`Status::INCORRECT_DATA`] if it is no request or says what metadata may
/// not; [`Status::CONDITIONS_NOT_SATISFIED`] if fallbackAllowed were taken from
/// the profile that has the Fallback Attribute.
pub(super) fn update_metadata(target: &mut Target<'_>, data: &[u8]) -> Result<(), Status> {
    let request = UpdateMetadataRequest::from_der(data).map_err(|_| Status::INCORRECT_DATA)?;
    let holds_attribute = target.fallback_holder == Some(*target.profile.iccid());
    if request.fallback_allowed == Some(false) && holds_attribute {
        return Err(Status::CONDITIONS_NOT_SATISFIED);
    }
    let mut metadata = target.profile.metadata.clone();
    update_icon(&mut metadata, &request)?;
    if let Some(rules) = &request.profile_policy_rules {
        metadata.profile_policy_rules = remaining(&metadata, rules)?;
    }
    if let Some(name) = request.service_provider_name {
        metadata.service_provider_name = name;
    }
    if let Some(name) = request.profile_name {
        metadata.profile_name = name;
    }
    if let Some(data) = request.service_specific_data_stored_in_euicc {
        metadata.service_specific_data_stored_in_euicc = Some(data);
    }
    if let Some(allowed) = request.fallback_allowed {
        metadata.fallback_allowed = Some(allowed);
    }
    target.profile.metadata = metadata;
    Ok(())
}

/// Icon and its type come together; an empty icon takes both away.
fn update_icon(
    metadata: &mut StoreMetadataRequest,
    request: &UpdateMetadataRequest,
) -> Result<(), Status> {
    match (&request.icon_type, &request.icon) {
        (None, None) => {}
        (_, Some(icon)) if icon.is_empty() => {
            metadata.icon_type = None;
            metadata.icon = None;
        }
        (Some(kind), Some(icon)) if ICON_TYPES.contains(kind) && icon.len() <= MAX_ICON => {
            metadata.icon_type = Some(*kind);
            metadata.icon = Some(icon.clone());
        }
        _ => return Err(Status::INCORRECT_DATA),
    }
    Ok(())
}

/// Rules are taken away and never set: those that stay are those of before
/// that the request names as well.
fn remaining(
    metadata: &StoreMetadataRequest,
    named: &BitString,
) -> Result<Option<BitString>, Status> {
    if named.bit(PPR_UPDATE_CONTROL) {
        return Err(Status::INCORRECT_DATA);
    }
    let Some(before) = &metadata.profile_policy_rules else {
        return Ok(None);
    };
    let stays = |rule: &u8| before.bit(*rule) && named.bit(*rule);
    let rules: alloc::vec::Vec<u8> = [PPR1, PPR2].into_iter().filter(stays).collect();
    Ok((!rules.is_empty()).then(|| BitString::of(&rules)))
}
