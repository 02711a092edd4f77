//! ES10b.ExecuteFallbackMechanism and ReturnFromFallback (SGP.32 3.4.6, 3.4.7,
//! 5.9.20, 5.9.21), and what there is not: an Emergency Profile.

use rsp_asn1::Extensions;
use rsp_asn1::rsp::EnableResult;
use rsp_asn1::sgp32::{
    DisableEmergencyProfileResponse, DisableEmergencyProfileResult, EnableEmergencyProfileResponse,
    EnableEmergencyProfileResult, ExecuteFallbackMechanismResponse, ExecuteFallbackMechanismResult,
    ReturnFromFallbackResponse, ReturnFromFallbackResult,
};

use super::StandIn;
use super::es10c::Euicc;
use super::psmo::enabled;
use crate::ipa::IpaError;
use crate::ipa::channel::Channel;

impl StandIn<'_> {
    pub(super) async fn execute_fallback(
        &self,
        channel: &Channel<'_>,
    ) -> Result<ExecuteFallbackMechanismResponse, IpaError> {
        Ok(ExecuteFallbackMechanismResponse {
            execute_fallback_mechanism_result: self.fall_back(&Euicc(channel)).await?,
            extensions: Extensions::default(),
        })
    }

    /// Where to return to is noted before the profiles switch.
    async fn fall_back(
        &self,
        euicc: &Euicc<'_>,
    ) -> Result<ExecuteFallbackMechanismResult, IpaError> {
        use ExecuteFallbackMechanismResult as Code;
        let mut card = self.card();
        let Some(from) = enabled(&euicc.profiles().await?) else {
            return Ok(Code::COMMAND_ERROR);
        };
        let Some(to) = card.fallback else {
            return Ok(Code::FALLBACK_NOT_AVAILABLE);
        };
        if from == to {
            return Ok(Code::PROFILE_NOT_IN_DISABLED_STATE);
        }
        (card.rollback, card.before_fallback) = (None, Some(from));
        self.save(card).await?;
        Ok(match euicc.enable(to).await? {
            EnableResult::OK => Code::OK,
            EnableResult::CAT_BUSY => Code::CAT_BUSY,
            _ => Code::UNDEFINED_ERROR,
        })
    }

    pub(super) async fn return_from_fallback(
        &self,
        channel: &Channel<'_>,
    ) -> Result<ReturnFromFallbackResponse, IpaError> {
        Ok(ReturnFromFallbackResponse {
            return_from_fallback_result: self.fall_forward(&Euicc(channel)).await?,
            extensions: Extensions::default(),
        })
    }

    async fn fall_forward(&self, euicc: &Euicc<'_>) -> Result<ReturnFromFallbackResult, IpaError> {
        use ReturnFromFallbackResult as Code;
        let mut card = self.card();
        let profiles = euicc.profiles().await?;
        let there = |iccid| profiles.iter().any(|profile| profile.iccid == iccid);
        let is_fallback = card.fallback.is_some() && enabled(&profiles) == card.fallback;
        let back = card.before_fallback.filter(|iccid| there(*iccid));
        let Some(to) = back.filter(|_| is_fallback) else {
            return Ok(Code::FALLBACK_NOT_AVAILABLE);
        };
        card.rollback = None;
        self.save(card.clone()).await?;
        match euicc.enable(to).await? {
            EnableResult::OK => {}
            EnableResult::CAT_BUSY => return Ok(Code::CAT_BUSY),
            _ => return Ok(Code::UNDEFINED_ERROR),
        }
        card.before_fallback = None;
        self.save(card).await?;
        Ok(Code::OK)
    }
}

/// Of EnableEmergencyProfile: there is none.
pub(super) fn no_emergency_profile() -> EnableEmergencyProfileResponse {
    EnableEmergencyProfileResponse {
        enable_emergency_profile_result: EnableEmergencyProfileResult::ECALL_NOT_AVAILABLE,
        extensions: Extensions::default(),
    }
}

/// Of DisableEmergencyProfile: none is enabled.
pub(super) fn no_emergency_to_end() -> DisableEmergencyProfileResponse {
    DisableEmergencyProfileResponse {
        disable_emergency_profile_result:
            DisableEmergencyProfileResult::PROFILE_NOT_IN_ENABLED_STATE,
        extensions: Extensions::default(),
    }
}
