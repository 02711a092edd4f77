//! What the eUICC itself does: ES10c and ES10a of SGP.22. There is no toolkit
//! here that could carry out a REFRESH, so profiles switch at once.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    DeleteProfileRequest, DeleteProfileResponse, DeleteResult, DisableProfileRequest,
    DisableProfileResponse, DisableResult, EnableProfileRequest, EnableProfileResponse,
    EnableResult, EuiccConfiguredAddressesRequest, EuiccConfiguredAddressesResponse, GetRatRequest,
    GetRatResponse, ProfileIdentifier, ProfileInfo, ProfileInfoListRequest,
    ProfileInfoListResponse, ProfileState, RulesAuthorisationTable, SetDefaultDpAddressRequest,
    SetDefaultDpAddressResponse, SetDefaultDpAddressResult,
};
use rsp_asn1::{Asn1, Extensions};

use super::storage::Effect;
use crate::ipa::IpaError;
use crate::ipa::channel::Channel;

/// iccid and profileState, and with them fallbackAllowed.
const STATES: [u8; 3] = [0x5A, 0x9F, 0x70];
const STATES_AND_FALLBACK: [u8; 5] = [0x5A, 0x9F, 0x70, 0x9F, 0x67];

/// The eUICC without its stand-in.
pub(super) struct Euicc<'a>(pub(super) &'a Channel<'a>);

/// A profile on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    pub(super) iccid: Iccid,
    pub(super) enabled: bool,
    pub(super) fallback_allowed: bool,
}

impl Euicc<'_> {
    async fn call<R: Asn1>(
        &self,
        command: &'static str,
        request: &impl Asn1,
    ) -> Result<R, IpaError> {
        let answer = self.0.transmit(command, &request.to_der()).await?;
        R::from_der(&answer).map_err(|error| IpaError::CardAnswer { command, error })
    }

    /// Its profiles. Many do not know the data objects of SGP.32: then no
    /// profile may be the fallback.
    pub(super) async fn profiles(&self) -> Result<Vec<Profile>, IpaError> {
        let with_fallback = self.list(Some(STATES_AND_FALLBACK.to_vec())).await;
        let list = match with_fallback {
            Ok(ProfileInfoListResponse::Ok(list)) => list,
            Err(error) if error.needs_reset() => return Err(error),
            _ => match self.list(Some(STATES.to_vec())).await? {
                ProfileInfoListResponse::Ok(list) => list,
                ProfileInfoListResponse::Error(code) => {
                    return Err(IpaError::CardRefused {
                        command: "GetProfilesInfo",
                        code: code.0,
                    });
                }
            },
        };
        let profile = |info: &ProfileInfo| {
            Some(Profile {
                iccid: info.iccid?,
                enabled: info.profile_state == Some(ProfileState::ENABLED),
                fallback_allowed: info.fallback_allowed == Some(true),
            })
        };
        Ok(list.iter().filter_map(profile).collect())
    }

    async fn list(&self, tag_list: Option<Vec<u8>>) -> Result<ProfileInfoListResponse, IpaError> {
        self.get_profiles_info(&ProfileInfoListRequest {
            search_criteria: None,
            tag_list,
            iot_specific_tag_list: None,
            extensions: Extensions::default(),
        })
        .await
    }

    /// ES10c.GetProfilesInfo.
    pub(super) async fn get_profiles_info(
        &self,
        request: &ProfileInfoListRequest,
    ) -> Result<ProfileInfoListResponse, IpaError> {
        self.call("GetProfilesInfo", request).await
    }

    /// ES10c.EnableProfile.
    pub(super) async fn enable(&self, iccid: Iccid) -> Result<EnableResult, IpaError> {
        let request = EnableProfileRequest {
            profile_identifier: ProfileIdentifier::Iccid(iccid),
            refresh_flag: false,
            extensions: Extensions::default(),
        };
        let response: EnableProfileResponse = self.call("EnableProfile", &request).await?;
        Ok(response.enable_result)
    }

    /// ES10c.DisableProfile.
    pub(super) async fn disable(&self, iccid: Iccid) -> Result<DisableResult, IpaError> {
        let request = DisableProfileRequest {
            profile_identifier: ProfileIdentifier::Iccid(iccid),
            refresh_flag: false,
            extensions: Extensions::default(),
        };
        let response: DisableProfileResponse = self.call("DisableProfile", &request).await?;
        Ok(response.disable_result)
    }

    /// ES10c.DeleteProfile.
    pub(super) async fn delete(&self, iccid: Iccid) -> Result<DeleteResult, IpaError> {
        let request = DeleteProfileRequest::Iccid(iccid);
        let response: DeleteProfileResponse = self.call("DeleteProfile", &request).await?;
        Ok(response.delete_result)
    }

    /// ES10b.GetRAT.
    pub(super) async fn rat(&self) -> Result<RulesAuthorisationTable, IpaError> {
        let request = GetRatRequest {
            extensions: Extensions::default(),
        };
        let response: GetRatResponse = self.call("GetRAT", &request).await?;
        Ok(response.rat)
    }

    /// ES10a.SetDefaultDpAddress.
    pub(super) async fn set_default_dp_address(
        &self,
        default_dp_address: String,
    ) -> Result<SetDefaultDpAddressResult, IpaError> {
        let request = SetDefaultDpAddressRequest {
            default_dp_address,
            extensions: Extensions::default(),
        };
        let response: SetDefaultDpAddressResponse =
            self.call("SetDefaultDpAddress", &request).await?;
        Ok(response.set_default_dp_address_result)
    }

    /// Whether it shows that something was done.
    pub(super) async fn has_done(&self, effect: &Effect) -> Result<bool, IpaError> {
        if let Effect::SetDefaultDpAddress(address) = effect {
            let request = EuiccConfiguredAddressesRequest {
                extensions: Extensions::default(),
            };
            let command = "GetEuiccConfiguredAddresses";
            let known: EuiccConfiguredAddressesResponse = self.call(command, &request).await?;
            return Ok(known.default_dp_address.unwrap_or_default() == *address);
        }
        let profiles = self.profiles().await?;
        let find = |iccid: &Iccid| profiles.iter().find(|profile| profile.iccid == *iccid);
        let is_enabled = |iccid: &Iccid| find(iccid).is_some_and(|profile| profile.enabled);
        Ok(match effect {
            Effect::Enable { iccid, .. } | Effect::RollBack { to: iccid, .. } => is_enabled(iccid),
            Effect::Disable(iccid) => find(iccid).is_some_and(|profile| !profile.enabled),
            Effect::Delete(iccid) => find(iccid).is_none(),
            Effect::SetDefaultDpAddress(_) => false,
        })
    }
}
