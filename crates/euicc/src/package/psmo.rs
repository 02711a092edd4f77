//! Profile State Management Operations (SGP.32 2.11.1.1.3, 3.4.1 to 3.4.3).
//!
//! They run against a draft: what the profiles will be once the package's
//! switch is done.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    ProfileInfoListError, ProfileInfoListRequest, ProfileInfoListResponse,
    ProfilePolicyAuthorisationRule, SetDefaultDpAddressResult,
};
use rsp_asn1::sgp32::{
    DeleteProfileResult, DisableProfileResult, EnableProfileResult, EnablePsmo, EuiccResultData,
    ProcessingTerminated, Psmo, SetDefaultDpAddressResponse,
};
use rsp_asn1::{Asn1, Reader};

use crate::es10::configured_addresses::accepted;
use crate::es10::profiles_info;
use crate::personalisation::EuiccKind;
use crate::state::{Profile, ProfileEvent, State};

/// The profiles as the operations so far leave them.
pub(crate) struct Draft<'a> {
    state: &'a State,
    rules: &'a Vec<ProfilePolicyAuthorisationRule>,
    /// The profile enabled when the package came.
    enabled_before: Option<Iccid>,
    enabled: Option<Iccid>,
    events: Vec<(Iccid, ProfileEvent)>,
    has_enable: bool,
    has_disable: bool,
    /// The profile to which a rollback would return.
    rollback_to: Option<Iccid>,
    /// A new default SM-DP+ address, or that there shall be none.
    default_dp_address: Option<Option<String>>,
}

/// What the operations want done.
pub(crate) struct Outcome {
    /// What is to happen to the profiles, in order.
    pub(crate) events: Vec<(Iccid, ProfileEvent)>,
    pub(crate) rollback_to: Option<Iccid>,
    pub(crate) default_dp_address: Option<Option<String>>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        state: &'a State,
        rules: &'a Vec<ProfilePolicyAuthorisationRule>,
    ) -> Draft<'a> {
        let enabled = state.enabled().map(|profile| *profile.iccid());
        Draft {
            state,
            rules,
            enabled_before: enabled,
            enabled,
            events: Vec::new(),
            has_enable: false,
            has_disable: false,
            rollback_to: None,
            default_dp_address: None,
        }
    }

    /// Executes the operations in order, up to the first that fails.
    pub(crate) fn run(&mut self, list: &[u8]) -> Vec<EuiccResultData> {
        let mut results = Vec::new();
        let mut reader = Reader::new(list);
        while !reader.is_empty() {
            let item = reader.tlv().and_then(|tlv| Psmo::decode_tlv(&tlv));
            let (result, succeeded) = match item {
                Ok(item) => self.execute(item),
                Err(_) => terminated(),
            };
            results.push(result);
            if !succeeded {
                break;
            }
        }
        results
    }

    /// What is to be done.
    pub(crate) fn into_outcome(self) -> Outcome {
        Outcome {
            events: self.events,
            rollback_to: self.rollback_to,
            default_dp_address: self.default_dp_address,
        }
    }

    /// The result of one operation, and whether it succeeded.
    fn execute(&mut self, item: Psmo) -> (EuiccResultData, bool) {
        match item {
            Psmo::Enable(item) => {
                let code = self.enable(&item);
                let succeeded = code == EnableProfileResult::OK;
                (EuiccResultData::EnableResult(code), succeeded)
            }
            Psmo::Disable(item) => {
                let code = self.disable(item.iccid);
                let succeeded = code == DisableProfileResult::OK;
                (EuiccResultData::DisableResult(code), succeeded)
            }
            Psmo::Delete(item) => {
                let code = self.delete(item.iccid);
                let succeeded = code == DeleteProfileResult::OK;
                (EuiccResultData::DeleteResult(code), succeeded)
            }
            Psmo::ListProfileInfo(request) => {
                let list = self.list_profile_info(&request);
                let succeeded = matches!(list, ProfileInfoListResponse::Ok(_));
                (EuiccResultData::ListProfileInfoResult(list), succeeded)
            }
            Psmo::GetRat(_) => (EuiccResultData::GetRatResult(self.rules.clone()), true),
            Psmo::SetDefaultDpAddress(request) => {
                let address = accepted(request.default_dp_address);
                let code = match address.is_some() {
                    true => SetDefaultDpAddressResult::OK,
                    false => SetDefaultDpAddressResult::UNDEFINED_ERROR,
                };
                let succeeded = address.is_some();
                self.default_dp_address = address.or(self.default_dp_address.take());
                (set_default_dp_address_result(code), succeeded)
            }
            Psmo::ConfigureImmediateEnable(_)
            | Psmo::SetFallbackAttribute(_)
            | Psmo::UnsetFallbackAttribute(_)
            | Psmo::Unknown(_) => terminated(),
        }
    }

    fn enable(&mut self, item: &EnablePsmo) -> EnableProfileResult {
        if self.has_enable {
            return EnableProfileResult::UNDEFINED_ERROR;
        }
        if self.profile(&item.iccid).is_none() {
            return EnableProfileResult::ICCID_OR_AID_NOT_FOUND;
        }
        if self.enabled == Some(item.iccid) {
            return EnableProfileResult::PROFILE_NOT_IN_DISABLED_STATE;
        }
        if self
            .enabled_profile()
            .is_some_and(Profile::must_stay_enabled)
        {
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
        if self.enabled == Some(iccid) {
            return DeleteProfileResult::PROFILE_NOT_IN_DISABLED_STATE;
        }
        if profile.must_not_be_deleted() {
            return DeleteProfileResult::DISALLOWED_BY_POLICY;
        }
        if self.rollback_to == Some(iccid) {
            return DeleteProfileResult::ROLLBACK_NOT_AVAILABLE;
        }
        self.events.push((iccid, ProfileEvent::Delete));
        DeleteProfileResult::OK
    }

    /// Not after a change: the list would no longer be true when it is read.
    fn list_profile_info(&self, request: &ProfileInfoListRequest) -> ProfileInfoListResponse {
        if !self.events.is_empty() {
            return ProfileInfoListResponse::Error(ProfileInfoListError::PROFILE_CHANGE_ONGOING);
        }
        profiles_info::list(self.state, request, EuiccKind::Iot)
    }

    /// The profile, unless an operation has deleted it.
    fn profile(&self, iccid: &Iccid) -> Option<&'a Profile> {
        let deleted = self.events.contains(&(*iccid, ProfileEvent::Delete));
        self.state.profile(iccid).filter(|_| !deleted)
    }

    fn enabled_profile(&self) -> Option<&'a Profile> {
        self.state.profile(self.enabled.as_ref()?)
    }
}

fn set_default_dp_address_result(code: SetDefaultDpAddressResult) -> EuiccResultData {
    EuiccResultData::SetDefaultDpAddressResult(SetDefaultDpAddressResponse {
        set_default_dp_address_result: code,
        extensions: Default::default(),
    })
}

fn terminated() -> (EuiccResultData, bool) {
    let code = ProcessingTerminated::UNKNOWN_OR_DAMAGED_COMMAND;
    (EuiccResultData::ProcessingTerminated(code), false)
}
