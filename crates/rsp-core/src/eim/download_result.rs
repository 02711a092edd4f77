//! The result of a download that the IPA did itself (SGP.32 2.11.2.3, 3.2.3.1).

use alloc::string::String;

use rsp_asn1::rsp::{ErrorReason, FinalResult, ProfileInstallationResult};
use rsp_asn1::sgp32::{
    ProfileDownloadError, ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData,
};

use super::verified::{Unproven, Verified};
use super::{Eim, EuiccRecord, Operation, OperationKind, Outcome, Step, Taken, operation};
use crate::Context;
use crate::ipa::ActivationCode;

/// Characters of an IPA's own words that are kept.
const MAX_REASON: usize = 200;

impl Eim {
    /// Takes the result over. An installation result that is not proven
    /// changes nothing; what the IPA says unsigned leaves the outcome unknown.
    pub(super) fn download_result(
        &self,
        mut record: EuiccRecord,
        open: &[Operation],
        result: &ProfileDownloadTriggerResult,
        cx: &Context<'_>,
    ) -> Step<Taken> {
        let transaction = result.eim_transaction_id.as_ref();
        let Some(asked) = operation::find(open, transaction, None) else {
            // Settled before, or never ours: there is nothing to be kept.
            return Step::unchanged(record, Taken::Stored);
        };
        let changed = match &result.profile_download_trigger_result_data {
            ProfileDownloadTriggerResultData::ProfileInstallationResult(pir) => {
                match record.verify_new_installation(pir, asked, cx) {
                    Ok(pir) => {
                        let data = &pir.profile_installation_result_data;
                        record.installation_seq_number = data.notification_metadata.seq_number;
                        outcome(asked, &pir)
                    }
                    // Some SM-DP+ may have its notifications sent elsewhere.
                    Err(unproven @ Unproven::OtherSmdp) => asked.outcome_unknown(unproven),
                    Err(_) => return Step::unchanged(record, Taken::NotExecuted),
                }
            }
            ProfileDownloadTriggerResultData::ProfileDownloadError(error) => {
                asked.outcome_unknown(unsigned_reason(error))
            }
        };
        Step {
            operations: alloc::vec![changed],
            ..Step::unchanged(record, Taken::Stored)
        }
    }
}

impl EuiccRecord {
    /// The signature, and that the result is of this download: newer than any
    /// before it, and from the SM-DP+ that the IPA was sent to.
    fn verify_new_installation(
        &self,
        result: &ProfileInstallationResult,
        asked: &Operation,
        cx: &Context<'_>,
    ) -> Result<Verified<ProfileInstallationResult>, Unproven> {
        let verified = self.verify_installation_result(result, cx)?;
        let data = &verified.profile_installation_result_data;
        let metadata = &data.notification_metadata;
        if metadata.seq_number <= self.installation_seq_number {
            return Err(Unproven::Replayed);
        }
        let code = match &asked.kind {
            OperationKind::Download { activation_code } => activation_code.parse(),
            _ => return Err(Unproven::OtherSmdp),
        };
        let sent_there = code.is_ok_and(|code: ActivationCode| {
            let address = &metadata.notification_address;
            code.smdp_address.eq_ignore_ascii_case(address)
        });
        match sent_there {
            true => Ok(verified),
            false => Err(Unproven::OtherSmdp),
        }
    }
}

/// That the ICCID exists may be because an earlier attempt, whose result was
/// lost, succeeded.
fn outcome(operation: &Operation, result: &Verified<ProfileInstallationResult>) -> Operation {
    const EXISTS: ErrorReason = ErrorReason::INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC;
    let data = &result.profile_installation_result_data;
    let error = match &data.final_result {
        FinalResult::Success(_) => {
            let iccid = data.notification_metadata.iccid;
            return operation.executed(Outcome::Installed { iccid });
        }
        FinalResult::Error(error) => error,
    };
    let reason = alloc::format!(
        "the eUICC did not install the profile: {} at {}",
        error.error_reason,
        error.bpp_command_id
    );
    match error.error_reason {
        EXISTS => operation.outcome_unknown(reason),
        _ => operation.failed(reason),
    }
}

/// What the IPA says, cut to what a person reads.
fn unsigned_reason(error: &ProfileDownloadError) -> String {
    let said = error.error_response.as_deref().unwrap_or_default();
    let said = String::from_utf8_lossy(said);
    let said: String = said
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_REASON)
        .collect();
    let reason = error.profile_download_error_reason;
    alloc::format!("the IPA says, unsigned, that it could not download: {reason} {said}")
}
