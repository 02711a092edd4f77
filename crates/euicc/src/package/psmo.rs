//! Profile State Management Operations (SGP.32 2.11.1.1.3, 3.4.1 to 3.4.3).
//!
//! They run against a draft: what the profiles will be once the package's
//! switch is done.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    ProfileInfoListError, ProfileInfoListRequest, ProfileInfoListResponse,
    SetDefaultDpAddressResult,
};
use rsp_asn1::sgp32::{
    ConfigureImmediateEnable, ConfigureImmediateEnableResult, DeleteProfileResult,
    DisableProfileResult, EnableProfileResult, EnablePsmo, EuiccResultData, Psmo,
    SetDefaultDpAddressResponse, SetFallbackAttributeResult, UnsetFallbackAttributeResult,
};

use super::Outcome;
use super::items::{self, Done};
use crate::es10::configured_addresses::accepted;
use crate::es10::profiles_info;
use crate::isdr::Isdr;
use crate::mechanisms::ImmediateEnable;
use crate::personalisation::EuiccKind;
use crate::state::{Profile, ProfileEvent, State};

/// Executes the operations of a package.
pub(super) fn run(isdr: &Isdr, list: &[u8]) -> Outcome {
    let mut draft = Draft::new(isdr);
    let results = items::run(list, |item| draft.execute(item));
    Outcome {
        results,
        ..draft.into_outcome()
    }
}

/// The profiles as the operations so far leave them.
struct Draft<'a> {
    isdr: &'a Isdr,
    state: &'a State,
    /// The profile enabled when the package came.
    enabled_before: Option<Iccid>,
    enabled: Option<Iccid>,
    events: Vec<(Iccid, ProfileEvent)>,
    has_enable: bool,
    has_disable: bool,
    /// The profile to which a rollback would return.
    rollback_to: Option<Iccid>,
    /// The profile with the Fallback Attribute.
    fallback: Option<Iccid>,
    /// A new default SM-DP+ address, or that there shall be none.
    default_dp_address: Option<Option<String>>,
    immediate_enable: ImmediateEnable,
}

impl<'a> Draft<'a> {
    fn new(isdr: &'a Isdr) -> Draft<'a> {
        let state = &isdr.state;
        let enabled = state.enabled().map(|profile| *profile.iccid());
        Draft {
            isdr,
            state,
            enabled_before: enabled,
            enabled,
            events: Vec::new(),
            has_enable: false,
            has_disable: false,
            rollback_to: None,
            fallback: state.mechanisms.fallback,
            default_dp_address: None,
            immediate_enable: state.mechanisms.immediate_enable.clone(),
        }
    }

    /// What is to be done.
    fn into_outcome(self) -> Outcome {
        Outcome {
            events: self.events,
            enables: self.has_enable,
            rollback_to: self.rollback_to,
            default_dp_address: self.default_dp_address,
            fallback: Some(self.fallback),
            immediate_enable: Some(self.immediate_enable),
            ..Outcome::default()
        }
    }

    fn execute(&mut self, item: Psmo) -> Done {
        use EuiccResultData as Data;
        let (result, succeeded) = match item {
            Psmo::Enable(item) => {
                let code = self.enable(&item);
                (Data::EnableResult(code), code == EnableProfileResult::OK)
            }
            Psmo::Disable(item) => {
                let code = self.disable(item.iccid);
                (Data::DisableResult(code), code == DisableProfileResult::OK)
            }
            Psmo::Delete(item) => {
                let code = self.delete(item.iccid);
                (Data::DeleteResult(code), code == DeleteProfileResult::OK)
            }
            Psmo::ListProfileInfo(request) => {
                let list = self.list_profile_info(&request);
                let succeeded = matches!(list, ProfileInfoListResponse::Ok(_));
                (Data::ListProfileInfoResult(list), succeeded)
            }
            Psmo::GetRat(_) => {
                let rules = &self.isdr.ecasd.rules_authorisation_table;
                (Data::GetRatResult(rules.clone()), true)
            }
            Psmo::ConfigureImmediateEnable(item) => {
                let code = self.configure_immediate_enable(item);
                let succeeded = code == ConfigureImmediateEnableResult::OK;
                (Data::ConfigureImmediateEnableResult(code), succeeded)
            }
            Psmo::SetFallbackAttribute(item) => {
                let code = self.set_fallback_attribute(item.iccid);
                let succeeded = code == SetFallbackAttributeResult::OK;
                (Data::SetFallbackAttributeResult(code), succeeded)
            }
            Psmo::UnsetFallbackAttribute(_) => {
                let code = self.unset_fallback_attribute();
                let succeeded = code == UnsetFallbackAttributeResult::OK;
                (Data::UnsetFallbackAttributeResult(code), succeeded)
            }
            Psmo::SetDefaultDpAddress(request) => {
                let address = accepted(request.default_dp_address);
                let succeeded = address.is_some();
                self.default_dp_address = address.or(self.default_dp_address.take());
                (set_default_dp_address_result(succeeded), succeeded)
            }
            Psmo::Unknown(_) => return Done::unknown(),
        };
        Done { result, succeeded }
    }

    fn enable(&mut self, item: &EnablePsmo) -> EnableProfileResult {
        if self.has_enable {
            return EnableProfileResult::UNDEFINED_ERROR;
        }
        let Some(profile) = self.profile(&item.iccid) else {
            return EnableProfileResult::ICCID_OR_AID_NOT_FOUND;
        };
        if self.isdr.toolkit.refresh_pending() {
            return EnableProfileResult::CAT_BUSY;
        }
        if self.enabled == Some(item.iccid) {
            return EnableProfileResult::PROFILE_NOT_IN_DISABLED_STATE;
        }
        let old = self.enabled_profile();
        if old.is_some_and(|old| !old.may_give_way_to(profile)) {
            return EnableProfileResult::DISALLOWED_BY_POLICY;
        }
        if item.rollback_flag.is_some() {
            // A profile deleted meanwhile is none to return to.
            let before = self
                .enabled_before
                .filter(|iccid| self.profile(iccid).is_some());
            if before.is_none() {
                return EnableProfileResult::ROLLBACK_NOT_AVAILABLE;
            }
            self.rollback_to = before;
        }
        if let Some(old) = self.enabled.replace(item.iccid) {
            self.events.push((old, ProfileEvent::Disable));
        }
        self.events.push((item.iccid, ProfileEvent::Enable));
        self.has_enable = true;
        EnableProfileResult::OK
    }

    /// At most one, and none after an enable, which disables by itself.
    fn disable(&mut self, iccid: Iccid) -> DisableProfileResult {
        if self.has_disable || self.has_enable {
            return DisableProfileResult::UNDEFINED_ERROR;
        }
        let Some(profile) = self.profile(&iccid) else {
            return DisableProfileResult::ICCID_OR_AID_NOT_FOUND;
        };
        if self.isdr.toolkit.refresh_pending() {
            return DisableProfileResult::CAT_BUSY;
        }
        if self.enabled != Some(iccid) {
            return DisableProfileResult::PROFILE_NOT_IN_ENABLED_STATE;
        }
        if profile.must_stay_enabled() {
            return DisableProfileResult::DISALLOWED_BY_POLICY;
        }
        self.enabled = None;
        self.events.push((iccid, ProfileEvent::Disable));
        self.has_disable = true;
        DisableProfileResult::OK
    }

    fn delete(&mut self, iccid: Iccid) -> DeleteProfileResult {
        let Some(profile) = self.profile(&iccid) else {
            return DeleteProfileResult::ICCID_OR_AID_NOT_FOUND;
        };
        // It may be the one that a REFRESH is going to enable.
        if self.isdr.toolkit.refresh_pending() {
            return DeleteProfileResult::UNDEFINED_ERROR;
        }
        if self.enabled == Some(iccid) {
            return DeleteProfileResult::PROFILE_NOT_IN_DISABLED_STATE;
        }
        if profile.must_not_be_deleted() {
            return DeleteProfileResult::DISALLOWED_BY_POLICY;
        }
        if self.rollback_to == Some(iccid) {
            return DeleteProfileResult::ROLLBACK_NOT_AVAILABLE;
        }
        let returns_to = self.state.mechanisms.before_fallback;
        if self.fallback_enabled() && returns_to == Some(iccid) {
            return DeleteProfileResult::RETURN_FALLBACK_PROFILE;
        }
        if self.fallback == Some(iccid) {
            self.fallback = None;
        }
        self.events.push((iccid, ProfileEvent::Delete));
        DeleteProfileResult::OK
    }

    /// The attribute moves from the profile that has it, unless that is in use.
    fn set_fallback_attribute(&mut self, iccid: Iccid) -> SetFallbackAttributeResult {
        let Some(profile) = self.profile(&iccid) else {
            return SetFallbackAttributeResult::ICCID_OR_AID_NOT_FOUND;
        };
        let allowed = profile.metadata.fallback_allowed == Some(true);
        if !allowed || !self.isdr.ecasd.fallback_supported {
            return SetFallbackAttributeResult::FALLBACK_NOT_ALLOWED;
        }
        if self.fallback != Some(iccid) && self.fallback_enabled() {
            return SetFallbackAttributeResult::FALLBACK_PROFILE_ENABLED;
        }
        // What is enabled is about to change.
        if self.isdr.toolkit.refresh_pending() {
            return SetFallbackAttributeResult::UNDEFINED_ERROR;
        }
        self.fallback = Some(iccid);
        SetFallbackAttributeResult::OK
    }

    fn unset_fallback_attribute(&mut self) -> UnsetFallbackAttributeResult {
        if !self.isdr.ecasd.fallback_supported {
            return UnsetFallbackAttributeResult::COMMAND_ERROR;
        }
        if self.fallback.is_none() {
            return UnsetFallbackAttributeResult::NO_FALLBACK_ATTRIBUTE;
        }
        if self.fallback_enabled() {
            return UnsetFallbackAttributeResult::FALLBACK_PROFILE_ENABLED;
        }
        if self.isdr.toolkit.refresh_pending() {
            return UnsetFallbackAttributeResult::UNDEFINED_ERROR;
        }
        self.fallback = None;
        UnsetFallbackAttributeResult::OK
    }

    fn configure_immediate_enable(
        &mut self,
        item: ConfigureImmediateEnable,
    ) -> ConfigureImmediateEnableResult {
        let address = match item.default_smdp_address.map(accepted) {
            None => None,
            Some(Some(address)) => Some(address),
            Some(None) => return ConfigureImmediateEnableResult::COMMAND_ERROR,
        };
        let active = item.immediate_enable_flag.is_some();
        self.immediate_enable
            .configure(active, item.default_smdp_oid, address);
        ConfigureImmediateEnableResult::OK
    }

    /// Not after a change: the list would no longer be true when it is read.
    fn list_profile_info(&self, request: &ProfileInfoListRequest) -> ProfileInfoListResponse {
        if !self.events.is_empty() {
            return ProfileInfoListResponse::Error(ProfileInfoListError::PROFILE_CHANGE_ONGOING);
        }
        profiles_info::list(self.state, self.fallback, request, EuiccKind::Iot)
    }

    /// The profile, unless an operation has deleted it.
    fn profile(&self, iccid: &Iccid) -> Option<&'a Profile> {
        let deleted = self.events.contains(&(*iccid, ProfileEvent::Delete));
        self.state.profile(iccid).filter(|_| !deleted)
    }

    fn fallback_enabled(&self) -> bool {
        self.enabled.is_some() && self.enabled == self.fallback
    }

    fn enabled_profile(&self) -> Option<&'a Profile> {
        self.state.profile(self.enabled.as_ref()?)
    }
}

fn set_default_dp_address_result(succeeded: bool) -> EuiccResultData {
    EuiccResultData::SetDefaultDpAddressResult(SetDefaultDpAddressResponse {
        set_default_dp_address_result: match succeeded {
            true => SetDefaultDpAddressResult::OK,
            false => SetDefaultDpAddressResult::UNDEFINED_ERROR,
        },
        extensions: Default::default(),
    })
}
