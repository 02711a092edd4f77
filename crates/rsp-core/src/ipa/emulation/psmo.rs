//! Profile State Management Operations (SGP.32 2.11.1.1.3, 3.4.1 to 3.4.3).
//! Each is checked against what the eUICC shows, noted, and done on it; its own
//! refusal counts as well.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    DeleteResult, DisableResult, EnableResult, ProfileInfoListError, ProfileInfoListRequest,
    ProfileInfoListResponse, SetDefaultDpAddressResult,
};
use rsp_asn1::sgp32::{
    ConfigureImmediateEnable, ConfigureImmediateEnableResult, DeleteProfileResult,
    DisableProfileResult, EnableProfileResult, EnablePsmo, EuiccPackageSigned, EuiccResultData,
    ProcessingTerminated, Psmo, SetDefaultDpAddressResponse, SetFallbackAttributeResult,
    UnsetFallbackAttributeResult,
};
use rsp_asn1::{Asn1, Extensions};

use super::StandIn;
use super::es10c::{Euicc, Profile};
use super::load_euicc_package::{MAX_RESULTS, begin};
use super::profile_list;
use super::storage::{Card, Effect, ImmediateEnable};
use crate::ipa::IpaError;

/// Octets that the result of an operation may need which changes something.
const SHORT_RESULT: usize = 32;

/// Longest address of an SM-DP+.
const MAX_ADDRESS: usize = 261;

/// A package under way.
struct Run<'a> {
    stand_in: &'a StandIn<'a>,
    euicc: &'a Euicc<'a>,
    card: Card,
    /// As the operations so far leave them.
    profiles: Vec<Profile>,
    /// The profile enabled when the package came.
    enabled_before: Option<Iccid>,
    has_changed: bool,
    has_enable: bool,
    has_disable: bool,
}

/// What comes of an operation.
enum Done {
    /// The eUICC has done what was noted.
    Effect,
    /// This, and whether it is a success.
    Result(EuiccResultData, bool),
}

impl StandIn<'_> {
    /// Item by item, up to the first that fails.
    pub(super) async fn run_psmos(
        &self,
        euicc: &Euicc<'_>,
        mut card: Card,
        package: &EuiccPackageSigned,
        psmos: &[Psmo],
    ) -> Result<Card, IpaError> {
        let profiles = euicc.profiles().await?;
        begin(&mut card, package, psmos.len());
        let mut run = Run {
            stand_in: self,
            euicc,
            card,
            enabled_before: enabled(&profiles),
            profiles,
            has_changed: false,
            has_enable: false,
            has_disable: false,
        };
        let mut size = 0;
        for psmo in psmos {
            let done = match size + SHORT_RESULT > MAX_RESULTS {
                true => overflow(),
                false => run.execute(psmo).await?,
            };
            let Done::Result(mut result, mut succeeded) = done else {
                size += SHORT_RESULT;
                run.card.took_effect();
                continue;
            };
            size += result.to_der().len();
            if size > MAX_RESULTS {
                (result, succeeded) = terminated(ProcessingTerminated::RESULT_SIZE_OVERFLOW);
            }
            run.card.add_result(result);
            if !succeeded {
                break;
            }
        }
        Ok(run.card)
    }
}

impl Run<'_> {
    async fn execute(&mut self, psmo: &Psmo) -> Result<Done, IpaError> {
        use EuiccResultData as Data;
        Ok(match psmo {
            Psmo::Enable(item) => match self.enable(item).await? {
                EnableProfileResult::OK => Done::Effect,
                code => Done::Result(Data::EnableResult(code), false),
            },
            Psmo::Disable(item) => match self.disable(item.iccid).await? {
                DisableProfileResult::OK => Done::Effect,
                code => Done::Result(Data::DisableResult(code), false),
            },
            Psmo::Delete(item) => match self.delete(item.iccid).await? {
                DeleteProfileResult::OK => Done::Effect,
                code => Done::Result(Data::DeleteResult(code), false),
            },
            Psmo::ListProfileInfo(request) => {
                let list = self.list(request).await?;
                let succeeded = matches!(list, ProfileInfoListResponse::Ok(_));
                Done::Result(Data::ListProfileInfoResult(list), succeeded)
            }
            Psmo::GetRat(_) => Done::Result(Data::GetRatResult(self.euicc.rat().await?), true),
            Psmo::ConfigureImmediateEnable(item) => {
                let code = self.configure_immediate_enable(item);
                let succeeded = code == ConfigureImmediateEnableResult::OK;
                Done::Result(Data::ConfigureImmediateEnableResult(code), succeeded)
            }
            Psmo::SetFallbackAttribute(item) => {
                let code = self.set_fallback_attribute(item.iccid);
                let succeeded = code == SetFallbackAttributeResult::OK;
                Done::Result(Data::SetFallbackAttributeResult(code), succeeded)
            }
            Psmo::UnsetFallbackAttribute(_) => {
                let code = self.unset_fallback_attribute();
                let succeeded = code == UnsetFallbackAttributeResult::OK;
                Done::Result(Data::UnsetFallbackAttributeResult(code), succeeded)
            }
            Psmo::SetDefaultDpAddress(item) => {
                match self
                    .set_default_dp_address(&item.default_dp_address)
                    .await?
                {
                    SetDefaultDpAddressResult::OK => Done::Effect,
                    code => Done::Result(address_result(code), false),
                }
            }
            Psmo::Unknown(_) => {
                let code = ProcessingTerminated::UNKNOWN_OR_DAMAGED_COMMAND;
                let (result, succeeded) = terminated(code);
                Done::Result(result, succeeded)
            }
        })
    }

    /// Notes what is about to be done, with the counter and all results so far.
    async fn intend(&mut self, effect: Effect) -> Result<(), IpaError> {
        if let Some(unfinished) = &mut self.card.unfinished {
            unfinished.doing = Some(effect);
        }
        self.stand_in.save(self.card.clone()).await
    }

    fn profile(&self, iccid: Iccid) -> Option<Profile> {
        let mut profiles = self.profiles.iter();
        profiles.find(|profile| profile.iccid == iccid).copied()
    }

    /// At most one in a package.
    async fn enable(&mut self, item: &EnablePsmo) -> Result<EnableProfileResult, IpaError> {
        if self.has_enable {
            return Ok(EnableProfileResult::UNDEFINED_ERROR);
        }
        let Some(profile) = self.profile(item.iccid) else {
            return Ok(EnableProfileResult::ICCID_OR_AID_NOT_FOUND);
        };
        if profile.enabled {
            return Ok(EnableProfileResult::PROFILE_NOT_IN_DISABLED_STATE);
        }
        let before = self.enabled_before;
        let before = before.filter(|iccid| self.profile(*iccid).is_some());
        let return_to = match item.rollback_flag {
            Some(_) if before.is_none() => return Ok(EnableProfileResult::ROLLBACK_NOT_AVAILABLE),
            Some(_) => before,
            None => None,
        };
        let iccid = item.iccid;
        self.intend(Effect::Enable { iccid, return_to }).await?;
        let code = match self.euicc.enable(iccid).await? {
            EnableResult::WRONG_PROFILE_REENABLING => EnableProfileResult::UNDEFINED_ERROR,
            EnableResult(code) => EnableProfileResult(code),
        };
        if code == EnableProfileResult::OK {
            (self.has_enable, self.has_changed) = (true, true);
            for profile in &mut self.profiles {
                profile.enabled = profile.iccid == iccid;
            }
        }
        Ok(code)
    }

    /// At most one, and none after an enable, which disables by itself.
    async fn disable(&mut self, iccid: Iccid) -> Result<DisableProfileResult, IpaError> {
        if self.has_enable || self.has_disable {
            return Ok(DisableProfileResult::UNDEFINED_ERROR);
        }
        let Some(profile) = self.profile(iccid) else {
            return Ok(DisableProfileResult::ICCID_OR_AID_NOT_FOUND);
        };
        if !profile.enabled {
            return Ok(DisableProfileResult::PROFILE_NOT_IN_ENABLED_STATE);
        }
        self.intend(Effect::Disable(iccid)).await?;
        let DisableResult(code) = self.euicc.disable(iccid).await?;
        if code == DisableResult::OK.0 {
            (self.has_disable, self.has_changed) = (true, true);
            for profile in &mut self.profiles {
                profile.enabled = false;
            }
        }
        Ok(DisableProfileResult(code))
    }

    async fn delete(&mut self, iccid: Iccid) -> Result<DeleteProfileResult, IpaError> {
        let Some(profile) = self.profile(iccid) else {
            return Ok(DeleteProfileResult::ICCID_OR_AID_NOT_FOUND);
        };
        if profile.enabled {
            return Ok(DeleteProfileResult::PROFILE_NOT_IN_DISABLED_STATE);
        }
        let unfinished = self.card.unfinished.as_ref();
        if unfinished.is_some_and(|unfinished| unfinished.return_to == Some(iccid)) {
            return Ok(DeleteProfileResult::ROLLBACK_NOT_AVAILABLE);
        }
        if self.fallback_enabled() && self.card.before_fallback == Some(iccid) {
            return Ok(DeleteProfileResult::RETURN_FALLBACK_PROFILE);
        }
        self.intend(Effect::Delete(iccid)).await?;
        let DeleteResult(code) = self.euicc.delete(iccid).await?;
        if code == DeleteResult::OK.0 {
            self.has_changed = true;
            self.profiles.retain(|profile| profile.iccid != iccid);
        }
        Ok(DeleteProfileResult(code))
    }

    /// Not after a change: the list would no longer be true when it is read.
    async fn list(
        &self,
        request: &ProfileInfoListRequest,
    ) -> Result<ProfileInfoListResponse, IpaError> {
        if self.has_changed {
            let code = ProfileInfoListError::PROFILE_CHANGE_ONGOING;
            return Ok(ProfileInfoListResponse::Error(code));
        }
        profile_list::list(self.euicc, request, self.card.fallback).await
    }

    /// Members that are not given stay as they are.
    fn configure_immediate_enable(
        &mut self,
        item: &ConfigureImmediateEnable,
    ) -> ConfigureImmediateEnableResult {
        let address = item.default_smdp_address.as_ref();
        if address.is_some_and(|address| !is_address(address)) {
            return ConfigureImmediateEnableResult::COMMAND_ERROR;
        }
        let before = self.card.immediate_enable.clone();
        let none = |address: &String| Some(address.clone()).filter(|address| !address.is_empty());
        self.card.immediate_enable = ImmediateEnable {
            active: item.immediate_enable_flag.is_some(),
            smdp_oid: item.default_smdp_oid.clone().or(before.smdp_oid),
            smdp_address: address.map_or(before.smdp_address, none),
        };
        ConfigureImmediateEnableResult::OK
    }

    /// The attribute moves from the profile that has it, unless that is in use.
    fn set_fallback_attribute(&mut self, iccid: Iccid) -> SetFallbackAttributeResult {
        let Some(profile) = self.profile(iccid) else {
            return SetFallbackAttributeResult::ICCID_OR_AID_NOT_FOUND;
        };
        if !profile.fallback_allowed {
            return SetFallbackAttributeResult::FALLBACK_NOT_ALLOWED;
        }
        if self.card.fallback != Some(iccid) && self.fallback_enabled() {
            return SetFallbackAttributeResult::FALLBACK_PROFILE_ENABLED;
        }
        self.card.fallback = Some(iccid);
        SetFallbackAttributeResult::OK
    }

    fn unset_fallback_attribute(&mut self) -> UnsetFallbackAttributeResult {
        if self.card.fallback.is_none() {
            return UnsetFallbackAttributeResult::NO_FALLBACK_ATTRIBUTE;
        }
        if self.fallback_enabled() {
            return UnsetFallbackAttributeResult::FALLBACK_PROFILE_ENABLED;
        }
        self.card.fallback = None;
        UnsetFallbackAttributeResult::OK
    }

    /// An empty address removes the one that is there.
    async fn set_default_dp_address(
        &mut self,
        address: &str,
    ) -> Result<SetDefaultDpAddressResult, IpaError> {
        if !is_address(address) {
            return Ok(SetDefaultDpAddressResult::UNDEFINED_ERROR);
        }
        self.intend(Effect::SetDefaultDpAddress(address.into()))
            .await?;
        self.euicc.set_default_dp_address(address.into()).await
    }

    fn fallback_enabled(&self) -> bool {
        let enabled = enabled(&self.profiles);
        enabled.is_some() && enabled == self.card.fallback
    }
}

/// The profile that is enabled.
pub(super) fn enabled(profiles: &[Profile]) -> Option<Iccid> {
    let enabled = profiles.iter().find(|profile| profile.enabled);
    enabled.map(|profile| profile.iccid)
}

fn is_address(address: &str) -> bool {
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    address.len() <= MAX_ADDRESS && address.chars().all(is_host)
}

fn terminated(code: ProcessingTerminated) -> (EuiccResultData, bool) {
    (EuiccResultData::ProcessingTerminated(code), false)
}

fn overflow() -> Done {
    let (result, succeeded) = terminated(ProcessingTerminated::RESULT_SIZE_OVERFLOW);
    Done::Result(result, succeeded)
}

fn address_result(code: SetDefaultDpAddressResult) -> EuiccResultData {
    EuiccResultData::SetDefaultDpAddressResult(SetDefaultDpAddressResponse {
        set_default_dp_address_result: code,
        extensions: Extensions::default(),
    })
}
