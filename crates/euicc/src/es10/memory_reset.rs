//! eUICCMemoryReset: of ES10b (SGP.32 5.9.5), and of ES10c (SGP.22 5.7.19).

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    PROFILE_CLASS_OPERATIONAL, PROFILE_CLASS_PROVISIONING, PROFILE_CLASS_TEST,
    RESET_DEFAULT_SMDP_ADDRESS, RESET_FIELD_LOADED_TEST_PROFILES, RESET_OPERATIONAL_PROFILES,
    ResetResult,
};
use rsp_asn1::sgp32::{
    RESET_EIM_CONFIG_DATA, RESET_IMMEDIATE_ENABLE_CONFIG, RESET_PRE_LOADED_TEST_PROFILES,
    RESET_PROVISIONING_PROFILES, ResetEimResult, ResetImmediateEnableConfigResult,
};
use rsp_asn1::{Asn1, BitString, rsp, sgp32};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::state::{Profile, ProfileEvent};

/// Options that a consumer eUICC knows.
const OF_CONSUMERS: [u8; 3] = [
    RESET_OPERATIONAL_PROFILES,
    RESET_FIELD_LOADED_TEST_PROFILES,
    RESET_DEFAULT_SMDP_ADDRESS,
];

/// Of SGP.32: deletes what the options name, policy rules notwithstanding.
/// Profiles go when the host has read the response, the enabled one with a
/// REFRESH if the terminal knows it. While an Emergency Profile is enabled, or
/// a REFRESH is under way, nothing is done.
pub(crate) fn euicc_memory_reset_iot(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: sgp32::EuiccMemoryResetRequest = decode(command)?;
    let options = &request.reset_options;
    let refused = if isdr.state.mechanisms.emergency.is_some() {
        Some(ResetResult::ECALL_ACTIVE)
    } else {
        isdr.toolkit
            .refresh_pending()
            .then_some(ResetResult::CAT_BUSY)
    };
    let (reset_result, eim_result, immediate_result) = match refused {
        Some(code) => (
            code,
            ResetEimResult::UNDEFINED_ERROR,
            ResetImmediateEnableConfigResult::UNDEFINED_ERROR,
        ),
        None => {
            let result = reset_profiles(isdr, options)?;
            isdr.state.rollback = None;
            let (eims, immediate) = reset_configuration(isdr, options);
            (result, eims, immediate)
        }
    };
    let immediate = options.bit(RESET_IMMEDIATE_ENABLE_CONFIG);
    let response = sgp32::EuiccMemoryResetResponse {
        reset_result,
        reset_eim_result: options.bit(RESET_EIM_CONFIG_DATA).then_some(eim_result),
        reset_immediate_enable_config_result: immediate.then_some(immediate_result),
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// eIMs and the configuration for immediate enabling, as far as the options
/// name them.
fn reset_configuration(
    isdr: &mut Isdr,
    options: &BitString,
) -> (ResetEimResult, ResetImmediateEnableConfigResult) {
    if options.bit(RESET_IMMEDIATE_ENABLE_CONFIG) {
        isdr.state.mechanisms.immediate_enable = Default::default();
    }
    let eims = match options.bit(RESET_EIM_CONFIG_DATA) {
        true => core::mem::take(&mut isdr.state.eims),
        false => Vec::new(),
    };
    let eim_result = match eims.is_empty() {
        true => ResetEimResult::NOTHING_TO_DELETE,
        false => ResetEimResult::OK,
    };
    (eim_result, ResetImmediateEnableConfigResult::OK)
}

/// Profiles and the default SM-DP+ address. When the enabled profile is to go,
/// the terminal is asked to begin anew.
fn reset_profiles(isdr: &mut Isdr, options: &BitString) -> Result<ResetResult, Status> {
    let (result, events) = prepare(isdr, options);
    let enabled = isdr.state.enabled().map(|profile| *profile.iccid());
    let is_enabled = |(iccid, _): &(Iccid, ProfileEvent)| Some(*iccid) == enabled;
    let with_refresh = events.iter().any(is_enabled);
    isdr.begin_switch(events, with_refresh)?;
    // From here on nothing fails.
    if options.bit(RESET_DEFAULT_SMDP_ADDRESS) {
        isdr.state.default_dp_address = None;
    }
    Ok(result)
}

/// Of SGP.22: the same, and when the enabled profile is to go, it goes with a
/// REFRESH.
pub(crate) fn euicc_memory_reset(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: rsp::EuiccMemoryResetRequest = decode(command)?;
    let wanted = OF_CONSUMERS.into_iter();
    let wanted: Vec<u8> = wanted
        .filter(|bit| request.reset_options.bit(*bit))
        .collect();
    let options = BitString::of(&wanted);
    let reset_result = match isdr.toolkit.refresh_pending() {
        true => ResetResult::CAT_BUSY,
        false => reset_profiles(isdr, &options)?,
    };
    let response = rsp::EuiccMemoryResetResponse {
        reset_result,
        extensions: Default::default(),
    };
    Ok(response.to_der())
}

/// What happens to profiles, and whether anything happens at all.
fn prepare(isdr: &Isdr, options: &BitString) -> (ResetResult, Vec<(Iccid, ProfileEvent)>) {
    let profiles = isdr.state.profiles.iter();
    let events: Vec<(Iccid, ProfileEvent)> = profiles
        .filter(|profile| concerns(options, profile))
        .map(|profile| (*profile.iccid(), ProfileEvent::Delete))
        .collect();
    let has_address = isdr.state.default_dp_address.is_some();
    let address = options.bit(RESET_DEFAULT_SMDP_ADDRESS) && has_address;
    match events.is_empty() && !address {
        true => (ResetResult::NOTHING_TO_DELETE, events),
        false => (ResetResult::OK, events),
    }
}

fn concerns(options: &BitString, profile: &Profile) -> bool {
    let bit = match (profile.metadata.profile_class, profile.preloaded) {
        (PROFILE_CLASS_OPERATIONAL, _) => RESET_OPERATIONAL_PROFILES,
        (PROFILE_CLASS_PROVISIONING, _) => RESET_PROVISIONING_PROFILES,
        (PROFILE_CLASS_TEST, true) => RESET_PRE_LOADED_TEST_PROFILES,
        _ => RESET_FIELD_LOADED_TEST_PROFILES,
    };
    options.bit(bit)
}
