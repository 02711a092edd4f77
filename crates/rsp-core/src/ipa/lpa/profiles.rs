//! Local profile management (SGP.22 3.2; ES10c).

use alloc::vec::Vec;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    DeleteProfileRequest, DeleteProfileResponse, DisableProfileRequest, DisableProfileResponse,
    EnableProfileRequest, EnableProfileResponse, ProfileIdentifier, ProfileInfo,
    ProfileInfoListRequest, ProfileInfoListResponse, SetNicknameRequest, SetNicknameResponse,
};
use rsp_asn1::{Asn1, BoundedString, Extensions};

use super::Answer;
use crate::ipa::IpaError;
use crate::ipa::poll::Round;

impl Round<'_> {
    /// ES10c.GetProfilesInfo.
    pub(super) async fn profiles(&self) -> Result<Vec<ProfileInfo>, IpaError> {
        let request = ProfileInfoListRequest {
            search_criteria: None,
            tag_list: None,
            iot_specific_tag_list: None,
            extensions: Extensions::default(),
        };
        let command = "GetProfilesInfo";
        match self.channel.call(command, &request).await? {
            ProfileInfoListResponse::Ok(profiles) => Ok(profiles),
            ProfileInfoListResponse::Error(code) => Err(IpaError::CardRefused {
                command,
                code: code.0,
            }),
        }
    }

    /// ES10c.EnableProfile. No REFRESH: a reader has no toolkit that would carry
    /// one out, so the profiles switch at once.
    pub(super) async fn enable(&self, iccid: Iccid) -> Result<Answer, IpaError> {
        let request = EnableProfileRequest {
            profile_identifier: ProfileIdentifier::Iccid(iccid),
            refresh_flag: false,
            extensions: Extensions::default(),
        };
        let code = |response: EnableProfileResponse| response.enable_result.0;
        self.done("EnableProfile", &request, code).await
    }

    /// ES10c.DisableProfile, without REFRESH as well.
    pub(super) async fn disable(&self, iccid: Iccid) -> Result<Answer, IpaError> {
        let request = DisableProfileRequest {
            profile_identifier: ProfileIdentifier::Iccid(iccid),
            refresh_flag: false,
            extensions: Extensions::default(),
        };
        let code = |response: DisableProfileResponse| response.disable_result.0;
        self.done("DisableProfile", &request, code).await
    }

    /// ES10c.DeleteProfile.
    pub(super) async fn delete(&self, iccid: Iccid) -> Result<Answer, IpaError> {
        let request = DeleteProfileRequest::Iccid(iccid);
        let code = |response: DeleteProfileResponse| response.delete_result.0;
        self.done("DeleteProfile", &request, code).await
    }

    /// ES10c.SetNickname.
    pub(super) async fn set_nickname(&self, iccid: Iccid, name: &str) -> Result<Answer, IpaError> {
        let profile_nickname: BoundedString<0, 64> = name
            .try_into()
            .map_err(|_| IpaError::Protocol("a nickname has at most 64 octets"))?;
        let request = SetNicknameRequest {
            iccid,
            profile_nickname,
            extensions: Extensions::default(),
        };
        let code = |response: SetNicknameResponse| response.set_nickname_result.0;
        self.done("SetNickname", &request, code).await
    }

    async fn done<R: Asn1>(
        &self,
        command: &'static str,
        request: &impl Asn1,
        code: impl Fn(R) -> i64,
    ) -> Result<Answer, IpaError> {
        match code(self.channel.call(command, request).await?) {
            0 => Ok(Answer::Done),
            code => Err(IpaError::CardRefused { command, code }),
        }
    }
}
