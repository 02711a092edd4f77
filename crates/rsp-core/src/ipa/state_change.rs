//! Changes that no eIM asked for: what the device tells of itself, what the IPA
//! does about it, and the word of it that every eIM gets with the next poll
//! (notifyStateChange; SGP.32 5.14.5, 3.4.6, 3.4.7, 5.9.20 to 5.9.23).

use alloc::string::ToString;

use rsp_asn1::Extensions;
use rsp_asn1::ids::Plmn;
use rsp_asn1::sgp32::{
    DisableEmergencyProfileRequest, DisableEmergencyProfileResponse, DisableEmergencyProfileResult,
    EnableEmergencyProfileRequest, EnableEmergencyProfileResponse, EnableEmergencyProfileResult,
    EuiccPackageResult, EuiccResultData, ExecuteFallbackMechanismRequest,
    ExecuteFallbackMechanismResponse, ExecuteFallbackMechanismResult, ReturnFromFallbackRequest,
    ReturnFromFallbackResponse, ReturnFromFallbackResult, StateChangeCause,
};

use super::poll::Round;
use super::{Event, IpaError};

/// What a device tells its IPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceEvent {
    /// The modem is registered in this network, or in none. Every poll says
    /// which (`rPLMN`).
    Registered(Option<Plmn>),
    /// There has been no connectivity for so long that the Fallback Profile is
    /// to be enabled; the device decides how long that is.
    ConnectivityLost,
    /// The profile before the fallback is to be tried again.
    ReturnFromFallback,
    /// An emergency call begins: the Emergency Profile is to be enabled.
    EmergencyCall,
    /// The emergency call is over.
    EmergencyCallOver,
    /// Profiles were changed at the device itself.
    ChangedLocally,
    /// Profiles were deleted by a memory reset.
    MemoryReset,
    /// The eUICC is in another device.
    DeviceChanged,
    /// Profiles are other ones, or in another state, and nobody knows why.
    ChangedOtherwise,
}

impl Round<'_> {
    /// Takes over what the device has told since the last round. What the eUICC
    /// refuses is an event, and no reason not to poll.
    pub(super) async fn handle_device_events(&self) -> Result<(), IpaError> {
        while let Some(event) = self.port.device_event() {
            let cause = match event {
                // The port keeps it.
                DeviceEvent::Registered(_) => None,
                DeviceEvent::ConnectivityLost => self.fall_back().await?,
                DeviceEvent::ReturnFromFallback => self.return_from_fallback().await?,
                DeviceEvent::EmergencyCall => self.enable_emergency_profile().await?,
                DeviceEvent::EmergencyCallOver => self.disable_emergency_profile().await?,
                DeviceEvent::ChangedLocally => Some(StateChangeCause::LOCAL),
                DeviceEvent::MemoryReset => Some(StateChangeCause::RESET),
                DeviceEvent::DeviceChanged => Some(StateChangeCause::DEVICE_CHANGE),
                DeviceEvent::ChangedOtherwise => Some(StateChangeCause::UNDEFINED),
            };
            if let Some(cause) = cause {
                self.memory.changed(cause, None);
            }
            // The word of it must outlive a power cut.
            self.save().await?;
            self.port.device_event_done();
        }
        Ok(())
    }

    /// A package of one eIM that changed profiles is news to the others.
    pub(super) fn note_package(&self, eim: &super::poll::Eim, result: &EuiccPackageResult) {
        let EuiccPackageResult::Signed(result) = result else {
            return;
        };
        let results = &result.euicc_package_result_data_signed.euicc_result;
        if results.iter().any(changes_profiles) {
            let cause = StateChangeCause::OTHER_EIM;
            self.memory.changed(cause, Some(&eim.id));
        }
    }

    /// The eUICC has enabled a profile right after its installation.
    pub(super) fn note_immediate_enable(&self) {
        let command = "ImmediateEnable";
        self.port.event(Event::ProfileSwitched { command });
        self.memory.stay_all();
        let cause = StateChangeCause::IMMEDIATE_ENABLE_PROFILE;
        self.memory.changed(cause, None);
    }

    /// ES10b.ExecuteFallbackMechanism.
    async fn fall_back(&self) -> Result<Option<StateChangeCause>, IpaError> {
        let request = ExecuteFallbackMechanismRequest {
            refresh_flag: true,
            extensions: Extensions::default(),
        };
        let command = "ExecuteFallbackMechanism";
        let response: ExecuteFallbackMechanismResponse =
            self.channel.call(command, &request).await?;
        let code = response.execute_fallback_mechanism_result;
        let done = code == ExecuteFallbackMechanismResult::OK;
        Ok(self.switched(command, done, &code, StateChangeCause::FALLBACK))
    }

    /// ES10b.ReturnFromFallback.
    async fn return_from_fallback(&self) -> Result<Option<StateChangeCause>, IpaError> {
        let request = ReturnFromFallbackRequest {
            refresh_flag: true,
            extensions: Extensions::default(),
        };
        let command = "ReturnFromFallback";
        let response: ReturnFromFallbackResponse = self.channel.call(command, &request).await?;
        let code = response.return_from_fallback_result;
        let done = code == ReturnFromFallbackResult::OK;
        Ok(self.switched(command, done, &code, StateChangeCause::FALLBACK))
    }

    /// ES10b.EnableEmergencyProfile.
    async fn enable_emergency_profile(&self) -> Result<Option<StateChangeCause>, IpaError> {
        let request = EnableEmergencyProfileRequest {
            refresh_flag: true,
            extensions: Extensions::default(),
        };
        let command = "EnableEmergencyProfile";
        let response: EnableEmergencyProfileResponse = self.channel.call(command, &request).await?;
        let code = response.enable_emergency_profile_result;
        let done = code == EnableEmergencyProfileResult::OK;
        if done || code == EnableEmergencyProfileResult::PROFILE_NOT_IN_DISABLED_STATE {
            self.memory.emergency(true);
        }
        Ok(self.switched(command, done, &code, StateChangeCause::EMERGENCY_PROFILE))
    }

    /// ES10b.DisableEmergencyProfile.
    async fn disable_emergency_profile(&self) -> Result<Option<StateChangeCause>, IpaError> {
        let request = DisableEmergencyProfileRequest {
            refresh_flag: true,
            extensions: Extensions::default(),
        };
        let command = "DisableEmergencyProfile";
        let response: DisableEmergencyProfileResponse =
            self.channel.call(command, &request).await?;
        let code = response.disable_emergency_profile_result;
        let done = code == DisableEmergencyProfileResult::OK;
        if done || code == DisableEmergencyProfileResult::PROFILE_NOT_IN_ENABLED_STATE {
            self.memory.emergency(false);
        }
        Ok(self.switched(command, done, &code, StateChangeCause::EMERGENCY_PROFILE))
    }

    fn switched(
        &self,
        command: &'static str,
        done: bool,
        code: &impl ToString,
        cause: StateChangeCause,
    ) -> Option<StateChangeCause> {
        match done {
            true => {
                self.port.event(Event::ProfileSwitched { command });
                // The eUICC has forgotten what a package allowed.
                self.memory.stay_all();
                Some(cause)
            }
            false => {
                let reason = code.to_string();
                self.port.event(Event::SwitchRefused { command, reason });
                None
            }
        }
    }
}

/// Whether profiles are other ones, or in another state, after this.
fn changes_profiles(result: &EuiccResultData) -> bool {
    match result {
        EuiccResultData::EnableResult(code) => code.0 == 0,
        EuiccResultData::DisableResult(code) => code.0 == 0,
        EuiccResultData::DeleteResult(code) => code.0 == 0,
        EuiccResultData::RollbackResult(code) => code.0 == 0,
        _ => false,
    }
}
