//! ESipa.GetEimPackage (SGP.32 5.14.5, 3.1.1.1): the next package for a device
//! that asks. It is signed here, when it is fetched.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{
    EimPackageError, GetEimPackageRequest, GetEimPackageResponse, StateChangeCause,
};

use super::guard::Verdict;
use super::{
    Eim, EuiccRecord, Note, Operation, OperationId, OperationKind, OperationState, Poll,
    StateChange, Step, operation, package, profiles, validity,
};
use crate::{Context, Timestamp};

/// Changes of state that are remembered.
const STATE_CHANGES: usize = 8;

/// How often a package is sent again to a device that asks for it without a
/// pause, and what counts as a pause. A device that cannot deliver its result
/// and polls on would be busy for ever.
const MOST_IN_A_ROW: u32 = 8;
const PAUSE: Duration = Duration::from_secs(60);

/// Why nothing is done on a device of whose eUICC no proof can come.
const NOT_ALLOWED: &str = "not sent: the eUICC is one for consumer devices, so the device would answer in its place, unsigned: if that is to be taken, set `emulated` for the device";

/// Why nothing is sent that a list of profiles is needed for.
pub(super) const fn no_list(kind: &OperationKind) -> &'static str {
    if kind.downloads() {
        "not sent: the eUICC gives no list of its profiles, without which a refused download could not be told from one whose result was lost"
    } else {
        "not sent: the eUICC gives no list of its profiles, and this could leave it without one that works"
    }
}

/// The operation that was sent first of those without a result.
fn delivered(open: &[Operation]) -> Option<&Operation> {
    let delivered =
        |operation: &&Operation| matches!(operation.state, OperationState::Delivered { .. });
    open.iter().find(delivered)
}

/// Whether the next poll changes anything or is answered with a package. If
/// not, and the device reports no change of state, the answer is
/// [`nothing_pending`].
pub fn has_work(open: &[Operation]) -> bool {
    let acts = |operation: &Operation| {
        matches!(
            operation.state,
            OperationState::Queued
                | OperationState::Delivered { .. }
                | OperationState::Executed { .. }
        )
    };
    open.iter().any(acts) || profiles::to_reconcile(open).is_some()
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
        let polled = validity::polled(open, &poll);
        let changed_by_poll = polled.iter().filter(|now| !open.contains(now)).cloned();
        let changed_by_poll: Vec<_> = changed_by_poll.collect();
        record.note_network(poll.r_plmn.as_deref(), cx.now);
        let changed = note_state_change(&mut record, request, cx.now);
        let refresh = self.refresh(&record, &polled, changed, cx);
        let with_refresh: Vec<_> = polled.iter().chain(&refresh).cloned().collect();
        let mut step = self.next_package(record, &with_refresh, cx);
        // What was delivered at once has changed again, and the rest waits.
        for new in changed_by_poll.into_iter().chain(refresh) {
            if step.operations.iter().all(|known| known.id != new.id) {
                step.operations.push(new);
            }
        }
        step.notes
            .extend(changed.map(|cause| Note::StateChanged { cause }));
        let build = step.record.facts.build.clone().unwrap_or_default();
        step.at(open, cx.now).map(|reply| build.adapt(reply))
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

    /// What was sent and has no result comes first, then what finds out what a
    /// package did, then what waits.
    fn next_package(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        if let Some(sent) = delivered(open) {
            return self.send_again(record, sent, open, cx);
        }
        if let Some(unknown) = profiles::to_reconcile(open)
            && let Some(kind) = record.who_tells(unknown)
        {
            return self.reconcile(record, unknown, kind, open, cx);
        }
        let mut open = open.to_vec();
        let mut refused = Vec::new();
        loop {
            let package = package::next(&open, cx.now);
            let Some(first) = package.first() else {
                let mut step = Step::unchanged(record, nothing_pending());
                step.operations = refused;
                return step;
            };
            let mut step = if self.needs_key(&record, &first.kind)
                || self.ci_to_ask_about(&record, &first.kind).is_some()
            {
                self.ask_for_certificates(record, first, &open, cx)
            } else if record.needs_facts(first) && !self.lab.accepts_unverified(record.eid) {
                self.ask_before(record, first, "facts", cx)
            } else if self.needs_list(&record, first, &open) {
                self.ask_before(record, first, "profiles", cx)
            } else {
                match self.check_package(&record, &open, &package) {
                    None => self.deliver(record, &package, &open, cx),
                    Some((unsure, Verdict::Unknown)) if !profiles::asked_in_vain(unsure, &open) => {
                        self.ask_before(record, unsure, "profiles", cx)
                    }
                    Some((operation, Verdict::Safe)) => {
                        self.deliver(record, &[operation], &open, cx)
                    }
                    Some((operation, verdict)) => {
                        let reason = match verdict {
                            Verdict::Unsafe(reason) => alloc::format!("not sent: {reason}"),
                            _ => no_list(&operation.kind).to_string(),
                        };
                        refused.extend(profiles::failed_with_list(operation, &open, &reason));
                        open.retain(|open| refused.iter().all(|refused| refused.id != open.id));
                        continue;
                    }
                }
            };
            step.operations.extend(refused);
            return step;
        }
    }

    /// The same package once more: what was lost may have been the package or
    /// its result.
    fn send_again(
        &self,
        record: EuiccRecord,
        sent: &Operation,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let transaction = sent.sent().map(|(transaction, _)| transaction);
        let together = operation::named(open, transaction);
        let OperationState::Delivered { package, .. } = &sent.state else {
            return Step::unchanged(record, nothing_pending());
        };
        let Ok(reply) = GetEimPackageResponse::from_der(package) else {
            return self.deliver(record, &together, open, cx);
        };
        let again: Option<Vec<_>> = together
            .iter()
            .map(|operation| repeated(operation, cx.now))
            .collect();
        let Some(again) = again else {
            return Step::unchanged(record, nothing_pending());
        };
        let notes = again.iter().find_map(|(_, note)| note.clone());
        Step {
            operations: again.into_iter().map(|(operation, _)| operation).collect(),
            notes: notes.into_iter().collect(),
            ..Step::unchanged(record, reply)
        }
    }

    /// Asks for the profiles, or for installation results, to find out what a
    /// package did whose result was lost.
    fn reconcile(
        &self,
        record: EuiccRecord,
        unknown: &Operation,
        kind: OperationKind,
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let list = Operation {
            reconciles: Some(unknown.id.clone()),
            ..Operation::queued(OperationId::new(cx), record.eid, kind, cx.now)
        };
        if self.needs_key(&record, &list.kind) {
            return self.ask_for_certificates(record, unknown, open, cx);
        }
        let mut step = self.deliver(record, &[&list], open, cx);
        step.operations.push(profiles::asked_again(unknown));
        step
    }

    /// Asks for what has to be known before an operation is sent: the profiles,
    /// of which it might leave none, or what the IPA can do.
    fn ask_before(
        &self,
        record: EuiccRecord,
        operation: &Operation,
        about: &'static str,
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        let kind = match about {
            "facts" => record.facts.question(),
            _ => OperationKind::ListProfileInfo,
        };
        let ask = Operation {
            checks: Some(operation.id.clone()),
            ..Operation::queued(OperationId::new(cx), record.eid, kind, cx.now)
        };
        self.deliver(record, &[&ask], &[], cx)
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
            let mut operations = alloc::vec![asked.failed("the eUICC gave no valid certificates")];
            if !record.emulated && record.facts.is_iot_euicc() == Some(false) {
                operations.extend(profiles::failed_with_list(next, open, NOT_ALLOWED));
            }
            return Step {
                operations,
                ..Step::unchanged(record, nothing_pending())
            };
        }
        let ask = Operation::queued(id, record.eid, OperationKind::GetCertificates, cx.now);
        self.deliver(record, &[&ask], open, cx)
    }

    /// Makes the package, and the state that must be stored before it leaves.
    fn deliver(
        &self,
        mut record: EuiccRecord,
        together: &[&Operation],
        open: &[Operation],
        cx: &mut Context<'_>,
    ) -> Step<GetEimPackageResponse> {
        match self.make_package(&mut record, together, cx) {
            Ok((reply, eim_transaction_id, counter_value)) => {
                let package = reply.to_der();
                let sent = |(place, operation): (usize, &&Operation)| Operation {
                    before: profiles::before(&record, operation),
                    ..operation.with(OperationState::Delivered {
                        eim_transaction_id: eim_transaction_id.clone(),
                        counter_value,
                        package: package.clone(),
                        repeated: 0,
                        sent: Some(cx.now),
                        in_a_row: 0,
                        place,
                    })
                };
                let mut operations: Vec<_> = together.iter().enumerate().map(sent).collect();
                operations.extend(profiles::overtaken(open, together));
                let downloads = |o: &&Operation| o.kind.downloads();
                if let Some(list) = &mut record.profiles {
                    list.stale |= together.iter().any(downloads);
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
                    operations: together.iter().map(|o| o.failed(reason)).collect(),
                    ..Step::unchanged(record, reply)
                }
            }
        }
    }

    /// Whether nobody could tell later if a download brought nothing, because it is
    /// not known which profiles were there before. On an eUICC as it left its factory
    /// the enabled one is old; one that was given a profile since may have enabled
    /// that at once, and who knows what else is disabled.
    fn needs_list(&self, record: &EuiccRecord, first: &Operation, open: &[Operation]) -> bool {
        first.kind.downloads()
            && first.expects.is_none()
            && record.profiles.is_none()
            && !record.installed.is_empty()
            && !self.lab.accepts_unverified(record.eid)
            && !profiles::asked_in_vain(first, open)
    }

    /// Whether the result would be worth nothing without the eUICC's key. A
    /// device that emulates signs no packages, and cannot show certificates
    /// before its first download; what the eUICC signs is asked for after it.
    pub(super) fn needs_key(&self, record: &EuiccRecord, kind: &OperationKind) -> bool {
        let unsigned = matches!(
            kind,
            OperationKind::GetCertificates | OperationKind::GetEuiccData(_)
        );
        if record.emulated && *kind != OperationKind::GetInstallationResults {
            return false;
        }
        !unsigned && record.public_key.is_none() && !self.lab.accepts_unverified(record.eid)
    }
}

/// The same package once more: what was lost may have been the package or its
/// result. `None` if the device has to pause first.
fn repeated(operation: &Operation, now: Timestamp) -> Option<(Operation, Option<Note>)> {
    let mut again = operation.clone();
    let mut note = None;
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
            note = Some(Note::AskedWithoutPause { operation });
        }
        *repeated = repeated.saturating_add(1);
        *sent = Some(now);
    }
    Some((again, note))
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
    if let Some(list) = &mut record.profiles {
        list.stale = true;
    }
    record.state_changes.push(StateChange {
        cause: cause.0,
        at: now,
    });
    let surplus = record.state_changes.len().saturating_sub(STATE_CHANGES);
    record.state_changes.drain(..surplus);
    Some(cause)
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
