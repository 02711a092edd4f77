//! The result of a download that the IPA did itself (SGP.32 2.11.2.3, 3.2.3.1).

use alloc::string::String;

use rsp_asn1::rsp::{ErrorReason, FinalResult, ProfileInstallationResult};
use rsp_asn1::sgp32::{
    ProfileDownloadError, ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData,
};

use super::package_result::unverified;
use super::verified::{Believed, Unproven};
use super::{
    Eim, EuiccRecord, Evidence, Note, Operation, OperationKind, Outcome, Step, Taken, operation,
};
use crate::Context;
use crate::ipa::ActivationCode;

/// Characters of an IPA's own words that are kept.
const MAX_REASON: usize = 200;

impl Eim {
    /// Takes the result over. An installation result that is not proven
    /// changes nothing; what the IPA says unsigned leaves the outcome unknown.
    pub(super) fn download_result(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        result: &ProfileDownloadTriggerResult,
        cx: &Context<'_>,
    ) -> Step<Taken> {
        const WHAT: &str = "download result";
        let transaction = result.eim_transaction_id.as_ref();
        let mut step = Step::unchanged(record, Taken::Stored);
        let Some(asked) = operation::find(open, transaction, None) else {
            // Settled before, or never ours: there is nothing to be kept.
            step.notes.push(Note::NothingOpen { what: WHAT });
            return step;
        };
        let pir = match &result.profile_download_trigger_result_data {
            ProfileDownloadTriggerResultData::ProfileInstallationResult(pir) => pir,
            ProfileDownloadTriggerResultData::ProfileDownloadError(error) => {
                let unknown = asked.outcome_unknown(unsigned_reason(error));
                step.operations.push(unknown);
                return step;
            }
        };
        match step.record.believe_new_installation(pir, asked, self, cx) {
            Ok(believed) => {
                let data = &believed.profile_installation_result_data;
                step.record.installation_seq_number = data.notification_metadata.seq_number;
                step.notes.extend(unverified(WHAT, believed.unproven()));
                let id = asked.id.clone();
                step.evidence
                    .push(Evidence::of_installation_result(pir, &believed, id, cx));
                step.operations.push(Operation {
                    unverified: believed.unproven().is_some(),
                    ..outcome(asked, &believed)
                });
            }
            Err(because) => {
                step.notes.push(Note::NotBelieved {
                    what: WHAT,
                    because,
                });
                match because {
                    // Some SM-DP+ may have its notifications sent elsewhere.
                    Unproven::OtherSmdp => step.operations.push(asked.outcome_unknown(because)),
                    _ => step.reply = Taken::NotExecuted,
                }
            }
        }
        step
    }
}

impl EuiccRecord {
    /// The signature, and that the result is of this download: newer than any
    /// before it, and from the SM-DP+ that the IPA was sent to.
    fn believe_new_installation(
        &self,
        result: &ProfileInstallationResult,
        asked: &Operation,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Believed<ProfileInstallationResult>, Unproven> {
        let believed = self.believe_installation_result(result, eim, cx)?;
        let data = &believed.profile_installation_result_data;
        let metadata = &data.notification_metadata;
        let proven = believed.unproven().is_none();
        if proven && metadata.seq_number <= self.installation_seq_number {
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
        // A bench's dummy results name any address.
        match sent_there || believed.unproven().is_some() {
            true => Ok(believed),
            false => Err(Unproven::OtherSmdp),
        }
    }
}

/// That the ICCID exists may be because an earlier attempt, whose result was
/// lost, succeeded.
fn outcome(operation: &Operation, result: &Believed<ProfileInstallationResult>) -> Operation {
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
