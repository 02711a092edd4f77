//! ES10b.EnableEmergencyProfile and DisableEmergencyProfile (SGP.32 5.9.22,
//! 5.9.23). Nobody is notified of either: no server ordered it.

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    DisableEmergencyProfileRequest, DisableEmergencyProfileResponse, DisableEmergencyProfileResult,
    EnableEmergencyProfileRequest, EnableEmergencyProfileResponse, EnableEmergencyProfileResult,
};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::mechanisms::Emergency;
use crate::personalisation::Environment;
use crate::state::ProfileEvent;
use crate::switch::Switch;

/// Enables the Emergency Profile in place of any other. Until it is disabled,
/// packages are refused.
pub(crate) fn enable_emergency_profile(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: EnableEmergencyProfileRequest = decode(command)?;
    let result = match to_enable(isdr) {
        Ok(profile) => {
            let before = isdr.state.enabled().map(|profile| *profile.iccid());
            let disable = before.map(|iccid| (iccid, ProfileEvent::Disable));
            let enable = (profile, ProfileEvent::Enable);
            let events = disable.into_iter().chain([enable]).collect();
            isdr.order(Switch::silent(events), request.refresh_flag);
            isdr.state.mechanisms.emergency = Some(Emergency { profile, before });
            isdr.state.rollback = None;
            EnableEmergencyProfileResult::OK
        }
        Err(code) => code,
    };
    let response = EnableEmergencyProfileResponse {
        enable_emergency_profile_result: result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// The Emergency Profile: the first that says that it is one.
fn to_enable(isdr: &Isdr) -> Result<Iccid, EnableEmergencyProfileResult> {
    use EnableEmergencyProfileResult as Code;
    let mut profiles = isdr.state.profiles.iter();
    let found = profiles.find(|profile| profile.metadata.ecall_indication == Some(true));
    let found = found.filter(|_| isdr.ecasd.ecall_supported);
    let profile = *found.ok_or(Code::ECALL_NOT_AVAILABLE)?.iccid();
    let enabled = isdr.state.enabled().map(|profile| *profile.iccid());
    if isdr.state.mechanisms.emergency.is_some() || enabled == Some(profile) {
        return Err(Code::PROFILE_NOT_IN_DISABLED_STATE);
    }
    match isdr.toolkit.refresh_pending() {
        true => Err(Code::CAT_BUSY),
        false => Ok(profile),
    }
}

/// Returns to what was enabled before the Emergency Profile.
pub(crate) fn disable_emergency_profile(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: DisableEmergencyProfileRequest = decode(command)?;
    let emergency = isdr.state.mechanisms.emergency.clone();
    let result = match emergency {
        None => DisableEmergencyProfileResult::PROFILE_NOT_IN_ENABLED_STATE,
        Some(_) if isdr.toolkit.refresh_pending() => DisableEmergencyProfileResult::CAT_BUSY,
        Some(emergency) => {
            let disable = (emergency.profile, ProfileEvent::Disable);
            let before = emergency.before;
            let enable = before.map(|iccid| (iccid, ProfileEvent::Enable));
            let events = [disable].into_iter().chain(enable).collect();
            isdr.order(Switch::silent(events), request.refresh_flag);
            isdr.state.mechanisms.emergency = None;
            isdr.state.rollback = None;
            DisableEmergencyProfileResult::OK
        }
    };
    let response = DisableEmergencyProfileResponse {
        disable_emergency_profile_result: result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}
