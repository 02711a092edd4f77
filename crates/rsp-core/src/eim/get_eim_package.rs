//! ESipa.GetEimPackage (SGP.32 5.14.5, 3.1.1.1): the next package for a device
//! that asks. It is signed here, when it is fetched.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::{
    NOTIFICATION_INSTALL, NotificationEvent, ProfileInfoListRequest, SubjectKeyIdentifier,
};
use rsp_asn1::sgp32::{
    EimPackageError, EnablePsmo, EuiccPackage, EuiccPackageRequest, EuiccPackageSigned,
    GetEimPackageRequest, GetEimPackageResponse, IccidPsmo, IpaEuiccDataRequest,
    NotificationSearchCriteria, ProfileDownloadData, ProfileDownloadTriggerRequest, Psmo,
    StateChangeCause, association_token_object,
};
use rsp_asn1::{Asn1, Extensions, Null, Signed};

use super::{
    Eim, EuiccRecord, MAX_COUNTER_VALUE, Note, Operation, OperationId, OperationKind,
    OperationState, Poll, StateChange, Step, profiles,
};
use crate::{Context, Timestamp};

/// Tags of eumCertificate and euiccCertificate in IpaEuiccData.
const CERTIFICATE_TAGS: [u8; 2] = [0xA5, 0xA6];

/// Tag of notificationsList in IpaEuiccData.
const NOTIFICATIONS_TAG: [u8; 1] = [0xA0];

/// Changes of state that are remembered.
const STATE_CHANGES: usize = 8;

/// How often a package is sent again to a device that asks for it without a
/// pause, and what counts as a pause. A device that cannot deliver its result
/// and polls on would be busy for ever.
const MOST_IN_A_ROW: u32 = 8;
const PAUSE: Duration = Duration::from_secs(60);

/// Which of the open operations is next: one that was delivered and has no
/// result is sent again, otherwise the oldest.
fn first_possible(open: &[Operation]) -> Option<&Operation> {
    let delivered =
        |operation: &&Operation| matches!(operation.state, OperationState::Delivered { .. });
    let queued = |operation: &&Operation| operation.state == OperationState::Queued;
    open.iter()
        .find(delivered)
        .or_else(|| open.iter().find(queued))
}

/// Whether the next poll changes anything or is answered with a package. If
/// not, and the device reports no change of state, the answer is
/// [`nothing_pending`].
pub fn has_work(open: &[Operation]) -> bool {
    let executed =
        |operation: &Operation| matches!(operation.state, OperationState::Executed { .. });
    first_possible(open).is_some()
        || profiles::to_reconcile(open).is_some()
        || open.iter().any(executed)
}

impl Eim {
    /// Answers a poll. `open` are the operations of this eUICC that are not
    /// final, oldest first.
    pub fn get_eim_package(
        &self,
        mut record: EuiccRecord,
        open: &[Operation],
        request: &GetEimPackageRequest,
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        // A device that polls has carried out what it reported before.
        let poll = Poll {
            at: cx.now,
            r_plmn: request.r_plmn.map(|plmn| plmn.to_string()),
        };
        let confirmed = open
            .iter()
            .filter_map(|operation| confirm(operation, &poll));
        let confirmed: Vec<_> = confirmed.collect();
        let changed = note_state_change(&mut record, request, cx.now);
        let refresh = self.refresh(&record, open, changed, cx);
        let with_refresh: Vec<_> = open.iter().chain(&refresh).cloned().collect();
        let mut step = self.next_package(record, &with_refresh, cx);
        step.operations.extend(confirmed);
        // Unless it was delivered at once, it waits.
        let delivered = |new: &Operation| step.operations.iter().any(|o| o.id == new.id);
        if let Some(new) = refresh.filter(|new| !delivered(new)) {
            step.operations.push(new);
        }
        step.notes
            .extend(changed.map(|cause| Note::StateChanged { cause }));
        step.at(open, cx.now)
    }

    /// After a change that was not ours the eUICC is asked for its profiles,
    /// unless it would refuse (ecallActive) or somebody asks already. A bench
    /// gets what it ordered and nothing else.
    fn refresh(
        &self,
        record: &EuiccRecord,
        open: &[Operation],
        changed: Option<StateChangeCause>,
        cx: &mut Context<'_>,
    ) -> Option<Operation> {
        let lists = |operation: &Operation| {
            operation.kind == OperationKind::ListProfileInfo
                && (operation.state == OperationState::Queued || operation.sent().is_some())
        };
        let asks = changed.is_some_and(|cause| cause != StateChangeCause::EMERGENCY_PROFILE)
            && !open.iter().any(lists)
            && !self.lab.accepts_unverified(record.eid);
        asks.then(|| {
            let kind = OperationKind::ListProfileInfo;
            Operation::queued(OperationId::new(cx), record.eid, kind, cx.now)
        })
    }

    fn next_package(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let unknown = profiles::to_reconcile(open);
        let next = match (first_possible(open), unknown) {
            (Some(next), _) if next.state != OperationState::Queued => next,
            (_, Some(unknown)) => return self.reconcile(record, unknown, open, cx),
            (Some(next), None) => next,
            (None, None) => return Step::unchanged(record, nothing_pending()),
        };
        if let OperationState::Delivered { package, .. } = &next.state
            && let Ok(reply) = GetEimPackageResponse::from_der(package)
        {
            let Some((again, notes)) = repeated(next, cx.now) else {
                return Step::unchanged(record, nothing_pending());
            };
            return Step {
                operations: alloc::vec![again],
                notes,
                ..Step::unchanged(record, reply)
            };
        }
        if self.needs_key(&record, &next.kind)
            || self.ci_to_ask_about(&record, &next.kind).is_some()
        {
            return self.ask_for_certificates(record, next, open, cx);
        }
        self.deliver(record, next, open, cx)
    }

    /// Asks for the profiles, or for installation results, to find out what a
    /// package did whose result was lost.
    fn reconcile(
        &self,
        record: EuiccRecord,
        unknown: &Operation,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let kind = profiles::who_tells(unknown);
        let list = Operation {
            reconciles: Some(unknown.id.clone()),
            ..Operation::queued(OperationId::new(cx), record.eid, kind, cx.now)
        };
        if self.needs_key(&record, &list.kind) {
            return self.ask_for_certificates(record, unknown, open, cx);
        }
        let mut step = self.deliver(record, &list, open, cx);
        step.operations.push(profiles::asked_again(unknown));
        step
    }

    /// Without the eUICC's key the result could not be verified. A device whose
    /// last answer was no good is asked again in its next round.
    fn ask_for_certificates(
        &self,
        record: EuiccRecord,
        next: &Operation,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let number = match record.public_key {
            None => 0,
            Some(_) => record.further_keys.len() + 1,
        };
        let id = OperationId(match number {
            0 => alloc::format!("{}-certificates", next.id),
            number => alloc::format!("{}-certificates-{number}", next.id),
        });
        if let Some(asked) = open.iter().find(|operation| operation.id == id) {
            return Step {
                operations: alloc::vec![asked.failed("the eUICC gave no valid certificates")],
                ..Step::unchanged(record, nothing_pending())
            };
        }
        let ask = Operation::queued(id, record.eid, OperationKind::GetCertificates, cx.now);
        self.deliver(record, &ask, open, cx)
    }

    /// Makes the package, and the state that must be stored before it leaves.
    fn deliver(
        &self,
        mut record: EuiccRecord,
        operation: &Operation,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let made = self.make_package(&mut record, operation, cx);
        match made {
            Ok((reply, eim_transaction_id, counter_value)) => {
                let state = OperationState::Delivered {
                    eim_transaction_id,
                    counter_value,
                    package: reply.to_der(),
                    repeated: 0,
                    sent: Some(cx.now),
                    in_a_row: 0,
                };
                let mut operations = alloc::vec![operation.with(state)];
                if operation.kind.changes_profiles() {
                    operations.extend(profiles::overtaken(open));
                }
                Step {
                    operations,
                    ..Step::unchanged(record, reply)
                }
            }
            Err(reason) => {
                let error = EimPackageError::UNDEFINED_ERROR;
                let reply = GetEimPackageResponse::EimPackageError(error);
                Step {
                    operations: alloc::vec![operation.failed(reason)],
                    ..Step::unchanged(record, reply)
                }
            }
        }
    }

    fn make_package(
        &self,
        record: &mut EuiccRecord,
        operation: &Operation,
        cx: &mut Context<'_>,
    ) -> Result<(GetEimPackageResponse, TransactionId, Option<i64>), &'static str> {
        let transaction = TransactionId::from_bytes(&cx.random::<16>())
            .map_err(|_| "no transaction identifier")?;
        let psmo = match &operation.kind {
            OperationKind::GetCertificates => {
                let ci = self.next_ci(record);
                let request = certificates_request(ci, &transaction);
                return Ok((request, transaction, None));
            }
            OperationKind::GetInstallationResults => {
                let request = installation_results_request(&transaction);
                return Ok((request, transaction, None));
            }
            OperationKind::Download { activation_code } => {
                let request = download_trigger(activation_code, &transaction)?;
                return Ok((request, transaction, None));
            }
            OperationKind::Enable { iccid, rollback } => Psmo::Enable(EnablePsmo {
                iccid: *iccid,
                rollback_flag: rollback.then_some(Null),
                extensions: Extensions::default(),
            }),
            OperationKind::Disable { iccid } => Psmo::Disable(IccidPsmo {
                iccid: *iccid,
                extensions: Extensions::default(),
            }),
            OperationKind::Delete { iccid } => Psmo::Delete(IccidPsmo {
                iccid: *iccid,
                extensions: Extensions::default(),
            }),
            OperationKind::ListProfileInfo => Psmo::ListProfileInfo(ProfileInfoListRequest {
                search_criteria: None,
                tag_list: None,
                iot_specific_tag_list: None,
                extensions: Extensions::default(),
            }),
        };
        let request = self.sign_package(record, psmo, &transaction)?;
        Ok((request, transaction, Some(record.counter_value)))
    }

    /// Takes the next counter and signs (SGP.32 2.11.1.1).
    fn sign_package(
        &self,
        record: &mut EuiccRecord,
        psmo: Psmo,
        transaction: &TransactionId,
    ) -> Result<GetEimPackageResponse, &'static str> {
        if record.counter_value >= MAX_COUNTER_VALUE {
            return Err("the counter of this eUICC is used up");
        }
        record.counter_value += 1;
        let signed = Signed::new(EuiccPackageSigned {
            eim_id: self.eim_id.clone(),
            eid_value: record.eid,
            counter_value: record.counter_value,
            eim_transaction_id: Some(transaction.clone()),
            euicc_package: EuiccPackage::PsmoList(alloc::vec![psmo]),
            extensions: Extensions::default(),
        });
        let token = association_token_object(record.association_token);
        let signature = self.signing.key.sign(&[signed.as_bytes(), &token]);
        let signature = signature.map_err(|_| "the eIM's key did not sign")?;
        let request = Signed::new(EuiccPackageRequest {
            euicc_package_signed: signed,
            eim_signature: signature.as_bytes().to_vec(),
            extensions: Extensions::default(),
        });
        Ok(GetEimPackageResponse::EuiccPackageRequest(request))
    }

    /// Whether the result would be worth nothing without the eUICC's key.
    fn needs_key(&self, record: &EuiccRecord, kind: &OperationKind) -> bool {
        *kind != OperationKind::GetCertificates
            && record.public_key.is_none()
            && !self.lab.accepts_unverified(record.eid)
    }
}

fn certificates_request(
    ci: Option<SubjectKeyIdentifier>,
    transaction: &TransactionId,
) -> GetEimPackageResponse {
    GetEimPackageResponse::IpaEuiccDataRequest(IpaEuiccDataRequest {
        tag_list: CERTIFICATE_TAGS.to_vec(),
        euicc_ci_pk_identifier_to_be_used: ci,
        search_criteria_notification: None,
        search_criteria_euicc_package_result: None,
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    })
}

fn installation_results_request(transaction: &TransactionId) -> GetEimPackageResponse {
    let installations = NotificationEvent::of(&[NOTIFICATION_INSTALL]);
    GetEimPackageResponse::IpaEuiccDataRequest(IpaEuiccDataRequest {
        tag_list: NOTIFICATIONS_TAG.to_vec(),
        euicc_ci_pk_identifier_to_be_used: None,
        search_criteria_notification: Some(NotificationSearchCriteria::ProfileManagementOperation(
            installations,
        )),
        search_criteria_euicc_package_result: None,
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    })
}

fn download_trigger(
    activation_code: &str,
    transaction: &TransactionId,
) -> Result<GetEimPackageResponse, &'static str> {
    let code = activation_code
        .try_into()
        .map_err(|_| "the activation code is longer than 255 characters")?;
    let request = ProfileDownloadTriggerRequest {
        profile_download_data: Some(ProfileDownloadData::ActivationCode(code)),
        eim_transaction_id: Some(transaction.clone()),
        extensions: Extensions::default(),
    };
    Ok(GetEimPackageResponse::ProfileDownloadTriggerRequest(
        request,
    ))
}

/// The same package once more: what was lost may have been the package or its
/// result. `None` if the device has to pause first.
fn repeated(operation: &Operation, now: Timestamp) -> Option<(Operation, Vec<Note>)> {
    let mut again = operation.clone();
    let mut notes = Vec::new();
    if let OperationState::Delivered {
        repeated,
        sent,
        in_a_row,
        ..
    } = &mut again.state
    {
        let paused = sent.is_none_or(|sent| now.since(sent) >= PAUSE);
        *in_a_row = match paused {
            true => 0,
            false if *in_a_row >= MOST_IN_A_ROW => return None,
            false => *in_a_row + 1,
        };
        if *in_a_row == MOST_IN_A_ROW {
            let operation = operation.id.clone();
            notes.push(Note::AskedWithoutPause { operation });
        }
        *repeated = repeated.saturating_add(1);
        *sent = Some(now);
    }
    Some((again, notes))
}

/// Takes down what the device reports by itself (SGP.32 5.14.5).
fn note_state_change(
    record: &mut EuiccRecord,
    request: &GetEimPackageRequest,
    now: Timestamp,
) -> Option<StateChangeCause> {
    request.notify_state_change.as_ref()?;
    let cause = request.state_change_cause;
    let cause = cause.unwrap_or(StateChangeCause::UNDEFINED);
    record.state_changes.push(StateChange {
        cause: cause.0,
        at: now,
    });
    let surplus = record.state_changes.len().saturating_sub(STATE_CHANGES);
    record.state_changes.drain(..surplus);
    Some(cause)
}

fn confirm(operation: &Operation, poll: &Poll) -> Option<Operation> {
    match &operation.state {
        OperationState::Executed { outcome } => Some(operation.with(OperationState::Confirmed {
            outcome: outcome.clone(),
            poll: Some(poll.clone()),
        })),
        _ => None,
    }
}

/// The answer to a device for which nothing is to be done.
pub fn nothing_pending() -> GetEimPackageResponse {
    GetEimPackageResponse::EimPackageError(EimPackageError::NO_EIM_PACKAGE_AVAILABLE)
}

/// The answer to a device that this eIM does not manage.
pub fn eid_not_found(eid: Eid) -> GetEimPackageResponse {
    GetEimPackageResponse::EimPackageError(match eid.is_decimal() {
        true => EimPackageError::EID_NOT_FOUND,
        false => EimPackageError::INVALID_EID,
    })
}
