//! ES10b.ExecuteFallbackMechanism and ReturnFromFallback (SGP.32 3.4.6, 3.4.7,
//! 5.9.20, 5.9.21).

use alloc::vec;
use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    ExecuteFallbackMechanismRequest, ExecuteFallbackMechanismResponse,
    ExecuteFallbackMechanismResult, ReturnFromFallbackRequest, ReturnFromFallbackResponse,
    ReturnFromFallbackResult,
};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::state::ProfileEvent;

/// Enables the profile with the Fallback Attribute in place of the one that
/// leads nowhere.
pub(crate) fn execute_fallback_mechanism(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: ExecuteFallbackMechanismRequest = decode(command)?;
    let result = match to_execute(isdr) {
        Ok((from, to)) => {
            let events = vec![(from, ProfileEvent::Disable), (to, ProfileEvent::Enable)];
            isdr.begin_switch(events, request.refresh_flag)?;
            isdr.state.mechanisms.before_fallback = Some(from);
            isdr.state.rollback = None;
            ExecuteFallbackMechanismResult::OK
        }
        Err(code) => code,
    };
    let response = ExecuteFallbackMechanismResponse {
        execute_fallback_mechanism_result: result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// The checks in the order of SGP.32 5.9.20; gives the profile to leave and the
/// one to enable.
fn to_execute(isdr: &Isdr) -> Result<(Iccid, Iccid), ExecuteFallbackMechanismResult> {
    use ExecuteFallbackMechanismResult as Code;
    let enabled = isdr.state.enabled().map(|profile| *profile.iccid());
    let from = enabled.ok_or(Code::COMMAND_ERROR)?;
    if !isdr.ecasd.fallback_supported {
        return Err(Code::COMMAND_ERROR);
    }
    let mechanisms = &isdr.state.mechanisms;
    let to = mechanisms.fallback.ok_or(Code::FALLBACK_NOT_AVAILABLE)?;
    if mechanisms.emergency.is_some() {
        return Err(Code::ECALL_ACTIVE);
    }
    if from == to {
        return Err(Code::PROFILE_NOT_IN_DISABLED_STATE);
    }
    match isdr.toolkit.refresh_pending() {
        true => Err(Code::CAT_BUSY),
        false => Ok((from, to)),
    }
}

/// Returns to the profile that the fallback mechanism left.
pub(crate) fn return_from_fallback(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: ReturnFromFallbackRequest = decode(command)?;
    let result = match to_return(isdr) {
        Ok((from, to)) => {
            let events = vec![(from, ProfileEvent::Disable), (to, ProfileEvent::Enable)];
            isdr.begin_switch(events, request.refresh_flag)?;
            isdr.state.mechanisms.before_fallback = None;
            isdr.state.rollback = None;
            ReturnFromFallbackResult::OK
        }
        Err(code) => code,
    };
    let response = ReturnFromFallbackResponse {
        return_from_fallback_result: result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// The Fallback Profile, and the one to return to.
fn to_return(isdr: &Isdr) -> Result<(Iccid, Iccid), ReturnFromFallbackResult> {
    use ReturnFromFallbackResult as Code;
    if !isdr.ecasd.fallback_supported {
        return Err(Code::COMMAND_ERROR);
    }
    let mechanisms = &isdr.state.mechanisms;
    let (Some(from), Some(to)) = (mechanisms.fallback, mechanisms.before_fallback) else {
        return Err(Code::FALLBACK_NOT_AVAILABLE);
    };
    if !isdr.state.fallback_enabled() || isdr.state.profile(&to).is_none() {
        return Err(Code::FALLBACK_NOT_AVAILABLE);
    }
    match isdr.toolkit.refresh_pending() {
        true => Err(Code::CAT_BUSY),
        false => Ok((from, to)),
    }
}
