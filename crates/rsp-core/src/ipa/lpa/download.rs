//! Profile download for the user of a device (SGP.22 3.1.2, 3.1.3). Who gives
//! the activation code agrees to the download; policy rules are shown to
//! nobody, so that a profile with some is not taken.

use rsp_asn1::rsp::FinalResult;

use super::{Answer, HashCc};
use crate::ipa::poll::Round;
use crate::ipa::{ActivationCode, IpaError};

impl Round<'_> {
    /// Downloads and installs, and tells the SM-DP+ how it went.
    pub(super) async fn download_locally(
        &self,
        code: &ActivationCode,
        hash_cc: Option<&HashCc>,
    ) -> Result<Answer, IpaError> {
        if code.confirmation_code_required && hash_cc.is_none() {
            return Err(IpaError::Protocol("a confirmation code is needed"));
        }
        let result = self.download_for_user(code, hash_cc).await?;
        let data = &result.profile_installation_result_data;
        // What is not taken now stays on the eUICC, to be sent later.
        let _ = self.send(Some(data.notification_metadata.seq_number)).await;
        match &data.final_result {
            FinalResult::Success(_) => Ok(Answer::Installed(data.notification_metadata.iccid)),
            FinalResult::Error(error) => Err(IpaError::CardRefused {
                command: "LoadBoundProfilePackage",
                code: error.error_reason.0,
            }),
        }
    }
}
