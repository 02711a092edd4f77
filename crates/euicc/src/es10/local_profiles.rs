//! ES10c.EnableProfile, DisableProfile and DeleteProfile (SGP.22 5.7.16 to
//! 5.7.18): the profile management of a consumer eUICC, where the user's own
//! device may do what with SGP.32 takes an eIM.

use alloc::vec;
use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    DeleteProfileRequest, DeleteProfileResponse, DeleteResult, DisableProfileRequest,
    DisableProfileResponse, DisableResult, EnableProfileRequest, EnableProfileResponse,
    EnableResult, ProfileIdentifier, ProfileState,
};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::state::{Profile, ProfileEvent, State};
use crate::switch::Switch;

/// Enables a profile in place of the one that is enabled.
pub(crate) fn enable_profile(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: EnableProfileRequest = decode(command)?;
    let enable_result = match to_enable(isdr, &request.profile_identifier) {
        Ok(events) => {
            isdr.begin_switch(events, request.refresh_flag)?;
            EnableResult::OK
        }
        Err(code) => code,
    };
    let response = EnableProfileResponse {
        enable_result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// The checks of SGP.22 5.7.16; gives what is to happen.
fn to_enable(
    isdr: &Isdr,
    wanted: &ProfileIdentifier,
) -> Result<Vec<(Iccid, ProfileEvent)>, EnableResult> {
    let profile = find(&isdr.state, wanted).ok_or(EnableResult::ICCID_OR_AID_NOT_FOUND)?;
    if isdr.toolkit.refresh_pending() {
        return Err(EnableResult::CAT_BUSY);
    }
    if profile.state != ProfileState::DISABLED {
        return Err(EnableResult::PROFILE_NOT_IN_DISABLED_STATE);
    }
    let enable = (*profile.iccid(), ProfileEvent::Enable);
    let Some(enabled) = isdr.state.enabled() else {
        return Ok(vec![enable]);
    };
    if !enabled.may_give_way_to(profile) {
        return Err(EnableResult::DISALLOWED_BY_POLICY);
    }
    // From a test profile the way leads back to where it came from.
    let before_test = isdr.state.mechanisms.before_test.as_ref();
    let is_other = before_test.is_some_and(|before| before != profile.iccid());
    if enabled.is_test() && !profile.is_test() && is_other {
        return Err(EnableResult::WRONG_PROFILE_REENABLING);
    }
    Ok(vec![(*enabled.iccid(), ProfileEvent::Disable), enable])
}

/// Disables the enabled profile.
pub(crate) fn disable_profile(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: DisableProfileRequest = decode(command)?;
    let disable_result = match to_disable(isdr, &request.profile_identifier) {
        Ok(event) => {
            isdr.begin_switch(vec![event], request.refresh_flag)?;
            DisableResult::OK
        }
        Err(code) => code,
    };
    let response = DisableProfileResponse {
        disable_result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

fn to_disable(
    isdr: &Isdr,
    wanted: &ProfileIdentifier,
) -> Result<(Iccid, ProfileEvent), DisableResult> {
    let profile = find(&isdr.state, wanted).ok_or(DisableResult::ICCID_OR_AID_NOT_FOUND)?;
    if isdr.toolkit.refresh_pending() {
        return Err(DisableResult::CAT_BUSY);
    }
    if profile.state != ProfileState::ENABLED {
        return Err(DisableResult::PROFILE_NOT_IN_ENABLED_STATE);
    }
    match profile.must_stay_enabled() {
        true => Err(DisableResult::DISALLOWED_BY_POLICY),
        false => Ok((*profile.iccid(), ProfileEvent::Disable)),
    }
}

/// Deletes a profile that is not enabled, at once.
pub(crate) fn delete_profile(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let wanted = match decode(command)? {
        DeleteProfileRequest::IsdpAid(aid) => ProfileIdentifier::IsdpAid(aid),
        DeleteProfileRequest::Iccid(iccid) => ProfileIdentifier::Iccid(iccid),
    };
    let delete_result = match to_delete(isdr, &wanted) {
        Ok(event) => {
            let number = isdr.state.notifications.next_number();
            Switch::prepare(isdr, vec![event], number)?.apply(isdr);
            DeleteResult::OK
        }
        Err(code) => code,
    };
    let response = DeleteProfileResponse {
        delete_result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

fn to_delete(
    isdr: &Isdr,
    wanted: &ProfileIdentifier,
) -> Result<(Iccid, ProfileEvent), DeleteResult> {
    let profile = find(&isdr.state, wanted).ok_or(DeleteResult::ICCID_OR_AID_NOT_FOUND)?;
    if profile.state != ProfileState::DISABLED {
        return Err(DeleteResult::PROFILE_NOT_IN_DISABLED_STATE);
    }
    // It may be the one that a REFRESH is going to enable.
    if isdr.toolkit.refresh_pending() {
        return Err(DeleteResult::UNDEFINED_ERROR);
    }
    match profile.must_not_be_deleted() {
        true => Err(DeleteResult::DISALLOWED_BY_POLICY),
        false => Ok((*profile.iccid(), ProfileEvent::Delete)),
    }
}

fn find<'a>(state: &'a State, wanted: &ProfileIdentifier) -> Option<&'a Profile> {
    match wanted {
        ProfileIdentifier::Iccid(iccid) => state.profile(iccid),
        ProfileIdentifier::IsdpAid(aid) => state.profiles.iter().find(|p| p.aid == *aid),
    }
}
