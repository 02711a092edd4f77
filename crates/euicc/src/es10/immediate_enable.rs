//! ES10b.ImmediateEnable and ConfigureImmediateProfileEnabling (SGP.32 3.4.4,
//! 3.4.5, 5.9.15, 5.9.17).

use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::ProfileState;
use rsp_asn1::sgp32::{
    ConfigImmediateEnableResult, ConfigureImmediateProfileEnablingRequest,
    ConfigureImmediateProfileEnablingResponse, ImmediateEnableRequest, ImmediateEnableResponse,
    ImmediateEnableResult,
};

use super::configured_addresses::accepted;
use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::session::Session;
use crate::state::ProfileEvent;

/// Enables the profile that this session has just installed.
pub(crate) fn immediate_enable(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: ImmediateEnableRequest = decode(command)?;
    let result = match to_enable(isdr) {
        Ok(events) => {
            isdr.begin_switch(events, request.refresh_flag)?;
            isdr.session = Session::None;
            isdr.state.mechanisms.before_fallback = None;
            isdr.state.rollback = None;
            ImmediateEnableResult::OK
        }
        Err(code) => code,
    };
    let response = ImmediateEnableResponse {
        immediate_enable_result: result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// What happens to profiles, if the configuration allows it.
fn to_enable(isdr: &Isdr) -> Result<Vec<(Iccid, ProfileEvent)>, ImmediateEnableResult> {
    use ImmediateEnableResult as Code;
    let configuration = &isdr.state.mechanisms.immediate_enable;
    if !configuration.active {
        return Err(Code::IMMEDIATE_ENABLE_NOT_AVAILABLE);
    }
    let Session::Installed(installed) = &isdr.session else {
        return Err(Code::NO_SESSION_CONTEXT);
    };
    if !configuration.allows(&installed.smdp_oid, &installed.server_address) {
        return Err(Code::IMMEDIATE_ENABLE_NOT_AVAILABLE);
    }
    if isdr.toolkit.refresh_pending() {
        return Err(Code::CAT_BUSY);
    }
    let profile = isdr.state.profile(&installed.iccid);
    let profile = profile.filter(|profile| profile.state == ProfileState::DISABLED);
    let profile = profile.ok_or(Code::NO_SESSION_CONTEXT)?;
    let enabled = isdr.state.enabled();
    let emergency = isdr.state.mechanisms.emergency.is_some();
    if emergency || enabled.is_some_and(|enabled| !enabled.may_give_way_to(profile)) {
        return Err(Code::UNDEFINED_ERROR);
    }
    let disable = enabled.map(|enabled| (*enabled.iccid(), ProfileEvent::Disable));
    let enable = (*profile.iccid(), ProfileEvent::Enable);
    Ok(disable.into_iter().chain([enable]).collect())
}

/// The device's own configuration, as long as no eIM is associated.
pub(crate) fn configure_immediate_profile_enabling(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: ConfigureImmediateProfileEnablingRequest = decode(command)?;
    let address = request.default_smdp_address.map(accepted);
    let result = match address {
        _ if !isdr.state.eims.is_empty() => {
            ConfigImmediateEnableResult::ASSOCIATED_EIM_ALREADY_EXISTS
        }
        Some(None) => ConfigImmediateEnableResult::UNDEFINED_ERROR,
        address => {
            let active = request.immediate_enable_flag.is_some();
            let configuration = &mut isdr.state.mechanisms.immediate_enable;
            configuration.configure(active, request.default_smdp_oid, address.flatten());
            ConfigImmediateEnableResult::OK
        }
    };
    let response = ConfigureImmediateProfileEnablingResponse {
        config_immediate_enable_result: result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}
