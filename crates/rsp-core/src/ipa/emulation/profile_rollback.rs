//! ES10b.ProfileRollback (SGP.32 3.3.2, 5.9.16).

use alloc::vec::Vec;

use rsp_asn1::Extensions;
use rsp_asn1::rsp::EnableResult;
use rsp_asn1::sgp32::{
    EuiccPackageResult, ProfileRollbackCmdResult, ProfileRollbackRequest, ProfileRollbackResponse,
};

use super::es10c::Euicc;
use super::load_euicc_package::conclude;
use super::storage::{Effect, Unfinished};
use super::{StandIn, decode};
use crate::ipa::IpaError;
use crate::ipa::channel::Channel;

impl StandIn<'_> {
    /// Back to the profile before, once; the result takes the place of the one
    /// that the eIM did not get.
    pub(super) async fn profile_rollback(
        &self,
        channel: &Channel<'_>,
        bytes: &[u8],
    ) -> Result<ProfileRollbackResponse, IpaError> {
        let _: ProfileRollbackRequest = decode("ProfileRollback", bytes)?;
        self.finish(channel).await?;
        let mut card = self.card();
        let Some(granted) = card.rollback.clone() else {
            let code = ProfileRollbackCmdResult::ROLLBACK_NOT_ALLOWED;
            return Ok(response(code, None));
        };
        let effect = Effect::RollBack {
            to: granted.to,
            replaces: granted.result,
        };
        card.unfinished = Some(Unfinished {
            package: granted.package,
            results: Vec::new(),
            doing: Some(effect),
            left: 1,
            return_to: None,
        });
        self.save(card.clone()).await?;
        let code = Euicc(channel).enable(granted.to).await?;
        if code == EnableResult::OK {
            card.took_effect();
            let result = conclude(&mut card);
            self.save(card).await?;
            return Ok(response(ProfileRollbackCmdResult::OK, result));
        }
        card.unfinished = None;
        let busy = code == EnableResult::CAT_BUSY;
        card.rollback = card.rollback.filter(|_| busy);
        self.save(card).await?;
        let code = match busy {
            true => ProfileRollbackCmdResult::CAT_BUSY,
            false => ProfileRollbackCmdResult::UNDEFINED_ERROR,
        };
        Ok(response(code, None))
    }
}

fn response(
    cmd_result: ProfileRollbackCmdResult,
    euicc_package_result: Option<EuiccPackageResult>,
) -> ProfileRollbackResponse {
    ProfileRollbackResponse {
        cmd_result,
        euicc_package_result,
        extensions: Extensions::default(),
    }
}
