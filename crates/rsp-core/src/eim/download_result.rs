//! The result of a download that the IPA did itself (SGP.32 2.11.2.3, 3.2.3.1).

use alloc::string::String;

use rsp_asn1::Signed;
use rsp_asn1::rsp::{
    ErrorReason, FinalResult, PendingNotification, ProfileInstallationResult,
    ProfileInstallationResultData,
};
use rsp_asn1::sgp32::{
    ProfileDownloadError, ProfileDownloadTriggerResult, ProfileDownloadTriggerResultData,
};

use super::package_result::unverified;
use super::retry::Failure;
use super::verified::{Believed, Unproven};
use super::{
    Eim, EuiccRecord, Evidence, Note, Operation, OperationId, OperationKind, OperationState,
    Outcome, Step, Taken, operation,
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
        let Some(asked) = operation::find_one(open, transaction) else {
            self.settled_before(&mut step, open, result, cx);
            if step.operations.is_empty() {
                // Or never ours: there is nothing to be kept.
                step.notes.push(Note::NothingOpen { what: WHAT });
            }
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
                let settled = outcome(asked, &believed);
                step.record.note_installation(&settled);
                step.operations.push(Operation {
                    unverified: believed.unproven().is_some(),
                    ..settled
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

impl Eim {
    /// What a result says whose download was settled before, for now, or that names
    /// none.
    fn settled_before(
        &self,
        step: &mut Step<Taken>,
        open: &[Operation],
        result: &ProfileDownloadTriggerResult,
        cx: &Context<'_>,
    ) {
        let transaction = result.eim_transaction_id.as_ref();
        let ProfileDownloadTriggerResultData::ProfileInstallationResult(pir) =
            &result.profile_download_trigger_result_data
        else {
            return;
        };
        match operation::settled_in(open, transaction, None).next() {
            Some(settled) if matches!(settled.state, OperationState::Failed { .. }) => {
                self.succeeded_after_all(step, settled, pir, cx);
            }
            Some(settled) => self.of_further_event(step, settled, pir, cx),
            None if transaction.is_none() => {
                let pir = PendingNotification::ProfileInstallationResult(pir.clone());
                self.settle_by_notification(step, open, &pir, cx);
            }
            None => {}
        }
    }

    /// A trigger can be carried out again, by whoever repeats it on its way,
    /// after a list that did not show the profile: what the eUICC then
    /// installed is known by its signature. That it failed is known already.
    pub(super) fn succeeded_after_all<R>(
        &self,
        step: &mut Step<R>,
        failed: &Operation,
        result: &Signed<ProfileInstallationResult>,
        cx: &Context<'_>,
    ) {
        let data = &result.profile_installation_result_data;
        if matches!(failed.state, OperationState::Failed { .. })
            && matches!(data.final_result, FinalResult::Success(_))
        {
            let asked = Operation {
                settled_by: None,
                ..failed.clone()
            };
            self.settle_with(step, &asked, result, cx);
        }
    }

    /// One trigger of contactSmds may lead to several downloads: each after the
    /// first is an operation of its own, which begins with its result.
    fn of_further_event(
        &self,
        step: &mut Step<Taken>,
        first: &Operation,
        result: &Signed<ProfileInstallationResult>,
        cx: &Context<'_>,
    ) {
        let data = &result.profile_installation_result_data;
        let number = data.notification_metadata.seq_number;
        let further = Operation {
            id: OperationId(alloc::format!("{}-{number}", first.id)),
            state: OperationState::Queued,
            created: cx.now,
            since: cx.now,
            event: None,
            expects: None,
            settled_by: None,
            ..first.clone()
        };
        self.settle_with(step, &further, result, cx);
    }

    /// What an installation result, come as a notification and taken over, says
    /// of the download whose own result is missing. It must be the only one
    /// that it can be of: nothing is guessed. A failure settles only what is
    /// unknown; what was merely delivered may still succeed.
    pub(super) fn settle_by_notification<R>(
        &self,
        step: &mut Step<R>,
        open: &[Operation],
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) {
        let PendingNotification::ProfileInstallationResult(result) = notification else {
            return;
        };
        let data = &result.profile_installation_result_data;
        let changed = |asked: &Operation| step.operations.iter().any(|o| o.id == asked.id);
        let mut possible = open
            .iter()
            .filter(|asked| can_be_of(data, asked) && !changed(asked));
        let (Some(asked), None) = (possible.next(), possible.next()) else {
            return;
        };
        let is_unknown = matches!(asked.state, OperationState::OutcomeUnknown { .. });
        if !is_unknown && matches!(data.final_result, FinalResult::Error(_)) {
            return;
        }
        self.settle_with(step, asked, result, cx);
    }

    /// What an installation result, come as a notification and taken over, says
    /// of this download. That it was interrupted settles nothing.
    pub(super) fn settle_with<R>(
        &self,
        step: &mut Step<R>,
        asked: &Operation,
        result: &Signed<ProfileInstallationResult>,
        cx: &Context<'_>,
    ) {
        let data = &result.profile_installation_result_data;
        let believed = step
            .record
            .believe_new_installation(result, asked, self, cx);
        let Some(believed) = believed.ok().filter(|b| b.unproven().is_none()) else {
            return;
        };
        let settled = outcome(asked, &believed);
        match settled.state {
            OperationState::Executed { .. } => {}
            OperationState::Failed { .. } if !was_interrupted(data) => {}
            // Asked again, the IPA would only meet the same.
            OperationState::OutcomeUnknown { .. } if settled.state_name() != asked.state_name() => {
            }
            _ => return,
        }
        step.record.installation_seq_number = data.notification_metadata.seq_number;
        match step.evidence.last_mut() {
            Some(evidence) => evidence.operation = Some(asked.id.clone()),
            None => step.evidence.push(Evidence::of_installation_result(
                result,
                &believed,
                asked.id.clone(),
                cx,
            )),
        }
        step.notes.push(Note::SettledByNotification {
            operation: asked.id.clone(),
            state: settled.state_name(),
        });
        step.record.note_installation(&settled);
        step.operations.push(settled);
    }
}

/// Whether an installation result can be of a download: by its SM-DP+, and by
/// its profile where that is known.
fn can_be_of(data: &ProfileInstallationResultData, asked: &Operation) -> bool {
    let metadata = &data.notification_metadata;
    let fits = asked.expects.is_none() || asked.expects == metadata.iccid;
    asked.sent().is_some() && may_be_at(asked, &metadata.notification_address) && fits
}

/// Whether a download may be from this SM-DP+. Where a default SM-DP+ or an
/// event leads an IPA that goes there by itself, nobody here knows.
fn may_be_at(asked: &Operation, address: &str) -> bool {
    let is = |known: &str| known.eq_ignore_ascii_case(address);
    match (&asked.kind, &asked.event) {
        (_, Some(event)) => is(&event.rsp_server_address),
        (OperationKind::Download { activation_code }, None) => activation_code
            .parse()
            .is_ok_and(|code: ActivationCode| is(&code.smdp_address)),
        (kind, None) => kind.downloads(),
    }
}

/// The IPA begins anew: it says nothing of the download.
fn was_interrupted(data: &ProfileInstallationResultData) -> bool {
    matches!(&data.final_result, FinalResult::Error(error)
        if error.error_reason == ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION)
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
        // A bench's dummy results name any address.
        match may_be_at(asked, &metadata.notification_address) || believed.unproven().is_some() {
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
        code => operation.failed_by(Failure::of(code).said(reason)),
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
