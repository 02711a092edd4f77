//! The eIM on a store.

use std::sync::Arc;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_asn1::rsp::{CancelSessionServerError, PendingNotification, ProfileInstallationResult};
use rsp_asn1::sgp32::{
    AuthenticateClientErrorEsipa, AuthenticateClientResponseEsipa, CancelSessionResponseEsipa,
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    GetBoundProfilePackageErrorEsipa, GetBoundProfilePackageResponseEsipa, GetEimPackageResponse,
    HandleNotificationEsipa, InitiateAuthenticationErrorEsipa, InitiateAuthenticationResponseEsipa,
    ProfileDownloadTriggerResultData, ProvideEimPackageResult, ProvideEimPackageResultResponse,
};
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::binding::{HttpResponse, StatusCodeData};
use rsp_core::eim::{
    About, Eim, EuiccRecord, Note, Operation, Step, Taken, has_work, poll_eid_not_found,
    poll_nothing_pending, result_eid_not_found, result_missing_eid, result_named_by,
};
use rsp_core::{Context, Timestamp};

use crate::announce::ChooseProfile;
use crate::contract::{EuiccChange, OperationFilter, Store, StoreError, Versioned};
use crate::counted::{Came, Counting};
use crate::index::{Found, Index, Owner};

/// What an IPA is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EimReply {
    /// A response message.
    Message(EsipaMessageFromEimToIpa),
    /// A refusal that passes an RSP server's reason on.
    Refused(EsipaMessageFromEimToIpa, StatusCodeData),
    /// There is none; only whether the notification was taken over.
    Notification(Taken),
    /// Nothing was executed, as an RSP server could not be asked: the IPA is to
    /// try again.
    Unavailable,
}

impl EimReply {
    fn of_poll(response: GetEimPackageResponse) -> Self {
        EimReply::Message(EsipaMessageFromEimToIpa::GetEimPackageResponse(response))
    }

    fn of_result(response: ProvideEimPackageResultResponse) -> Self {
        EimReply::Message(EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(
            response,
        ))
    }

    /// The reply in a binding over HTTPS.
    pub fn encode(&self, binding: EsipaBinding) -> HttpResponse {
        match self {
            EimReply::Message(message) => binding.encode_response(message),
            EimReply::Refused(message, reason) => binding.encode_refusal(message, reason),
            EimReply::Notification(taken) => binding.encode_taken(*taken),
            EimReply::Unavailable => HttpResponse::failure(503, "the SM-DP+ cannot be reached"),
        }
    }
}

/// Hears what an operator should read about an eUICC, if it is known which.
pub type Observer = Box<dyn Fn(Option<Eid>, &Note) + Send + Sync>;

/// eUICCs whose keys are tried on an installation result that names none.
pub(crate) const MAX_CANDIDATES: usize = 32;

/// States of a download of which an installation result can be.
pub(crate) const DOWNLOADED: [&str; 4] = ["delivered", "outcome_unknown", "executed", "confirmed"];

/// An eIM with the state of one tenant. What is to be done is added here, not in the
/// store: the index in memory would not know. What other processes on the same
/// database add is heard of by [`crate::Eims::hear`].
pub struct EimHost {
    eim: Arc<Eim>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) index: Arc<Index>,
    /// Whose eUICCs in the index are those of this host.
    pub(crate) owner: Owner,
    pub(crate) observer: Option<Arc<Observer>>,
    pub(crate) choose: Option<ChooseProfile>,
}

impl std::fmt::Debug for EimHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EimHost")
            .field("eim", &self.eim)
            .finish_non_exhaustive()
    }
}

impl EimHost {
    /// An eIM on a store, for one tenant and in one process; [`crate::Eims`] is for
    /// more.
    ///
    /// # Errors
    /// If the eUICCs cannot be read from the store.
    pub fn new(eim: Eim, store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let host = EimHost::sharing(Arc::new(eim), store, Arc::default(), Owner::default());
        for (eid, busy) in host.store.euicc_index()? {
            host.index.add(eid, host.owner, busy);
        }
        Ok(host)
    }

    /// One of several on an index, which knows its eUICCs as this owner's.
    pub(crate) fn sharing(
        eim: Arc<Eim>,
        store: Arc<dyn Store>,
        index: Arc<Index>,
        owner: Owner,
    ) -> Self {
        EimHost {
            eim,
            store,
            index,
            owner,
            observer: None,
            choose: None,
        }
    }

    /// Has somebody hear what happens.
    pub fn observe(&mut self, observer: Observer) {
        self.observer = Some(Arc::new(observer));
    }

    /// The eIM.
    pub fn eim(&self) -> &Eim {
        &self.eim
    }

    /// The eIM, whose settings may be changed before it serves; `None` if several
    /// tenants share it.
    pub fn eim_mut(&mut self) -> Option<&mut Eim> {
        Arc::get_mut(&mut self.eim)
    }

    /// The store, for reading.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Adds an eUICC that knows this eIM.
    ///
    /// # Errors
    /// As [`Store::add_euicc`].
    pub fn add_euicc(&self, record: &EuiccRecord) -> Result<(), StoreError> {
        self.store.add_euicc(record)?;
        self.index.add(record.eid, self.owner, false);
        Ok(())
    }

    /// Forgets an eUICC.
    ///
    /// # Errors
    /// As [`Store::remove_euicc`].
    pub fn remove_euicc(&self, eid: Eid) -> Result<(), StoreError> {
        self.store.remove_euicc(eid)?;
        self.index.remove(eid, self.owner);
        Ok(())
    }

    /// Changes what is set for an eUICC.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it is not known, or if the store fails.
    pub fn set_empty_response(
        &self,
        eid: Eid,
        empty_response: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_record(eid, now, |record| {
            let record = EuiccRecord {
                empty_response,
                ..record
            };
            Ok((record, Vec::new()))
        })
    }

    /// Says whether its device answers for an eUICC that has no functions for an
    /// eIM, unsigned.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if it is not known, or if the store fails.
    pub fn set_emulated(&self, eid: Eid, emulated: bool, now: Timestamp) -> Result<(), StoreError> {
        self.change_record(eid, now, |record| {
            let record = EuiccRecord { emulated, ..record };
            Ok((record, Vec::new()))
        })
    }

    /// Answers a message without asking the store, if it is a poll to which
    /// there is nothing to say: what devices do nearly always.
    pub fn handle_idle(
        &self,
        message: &EsipaMessageFromIpaToEim,
        now: Timestamp,
    ) -> Option<EimReply> {
        idle(&self.index, message, now)
    }

    /// Answers a message of an IPA; a function that would have to be relayed is
    /// refused, [`EimHost::begin`] takes it.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn handle(
        &self,
        message: &EsipaMessageFromIpaToEim,
        cx: &mut Context<'_>,
    ) -> Result<EimReply, StoreError> {
        self.handle_of(message, Came::default(), cx)
    }

    /// As [`EimHost::handle`], of a message of which more is known.
    pub(crate) fn handle_of(
        &self,
        message: &EsipaMessageFromIpaToEim,
        came: Came,
        cx: &mut Context<'_>,
    ) -> Result<EimReply, StoreError> {
        if let Some(reply) = self.handle_idle(message, cx.now) {
            return Ok(reply);
        }
        let whole = self.whole(message)?;
        match whole.as_ref().unwrap_or(message) {
            EsipaMessageFromIpaToEim::GetEimPackageRequest(request) => {
                let eid = request.eid_value;
                let counting = came.counting(About::Poll, |reply: &GetEimPackageResponse| {
                    EimReply::of_poll(reply.clone())
                });
                let reply = self.step(eid, None, counting, cx, |eim, record, open, cx| {
                    eim.get_eim_package(record, open, request, cx)
                })?;
                Ok(EimReply::of_poll(
                    reply.unwrap_or_else(|| poll_eid_not_found(eid)),
                ))
            }
            EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) => {
                let result = &provided.eim_package_result;
                let (_, named) = result_named_by(result);
                let about = About::Result(named);
                let counting = came.counting(about, |reply: &ProvideEimPackageResultResponse| {
                    EimReply::of_result(reply.clone())
                });
                let reply = match self.or_of_result(came.from, provided, cx)? {
                    Some(eid) => self
                        .step(eid, named, counting, cx, |eim, record, open, cx| {
                            eim.provide_eim_package_result(record, open, result, cx)
                        })?
                        .unwrap_or_else(|| result_eid_not_found(eid)),
                    None => result_missing_eid(),
                };
                Ok(EimReply::of_result(reply))
            }
            EsipaMessageFromIpaToEim::HandleNotification(notification) => {
                self.notified(notification, came, cx)
            }
            other => Ok(not_offered(other)),
        }
    }

    fn notified(
        &self,
        notification: &HandleNotificationEsipa,
        came: Came,
        cx: &mut Context<'_>,
    ) -> Result<EimReply, StoreError> {
        let from = came.from;
        let (eid, relayed) = match notification {
            HandleNotificationEsipa::ProvideEimPackageResult(provided) => {
                (self.or_of_result(from, provided, cx)?, None)
            }
            HandleNotificationEsipa::PendingNotification(notification) => {
                match self.relayed(notification)? {
                    Some(session) => (Some(session.eid), Some(session.operation)),
                    None if from.is_some() => (from, None),
                    None => (self.eid_of_notification(notification, cx)?, None),
                }
            }
        };
        let download = relayed.as_ref().map(|id| self.store.operation(id));
        let download = download.transpose()?.flatten();
        let named = match notification {
            HandleNotificationEsipa::ProvideEimPackageResult(provided) => {
                result_named_by(&provided.eim_package_result).1
            }
            HandleNotificationEsipa::PendingNotification(_) => {
                download.as_ref().and_then(Operation::transaction)
            }
        };
        let about = match &relayed {
            Some(download) => Some(About::Download(download)),
            // Of what names no operation nothing is counted.
            None => named.map(|named| About::Result(Some(named))),
        };
        let counting = about
            .and_then(|about| came.counting(about, |taken: &Taken| EimReply::Notification(*taken)));
        let taken = match eid {
            Some(eid) => self.step(eid, named, counting, cx, |eim, record, open, cx| {
                eim.handle_notification(record, open, notification, relayed.as_ref(), cx)
            })?,
            None => None,
        };
        Ok(EimReply::Notification(taken.unwrap_or(Taken::NotExecuted)))
    }

    fn or_of_result(
        &self,
        known: Option<Eid>,
        provided: &ProvideEimPackageResult,
        cx: &Context<'_>,
    ) -> Result<Option<Eid>, StoreError> {
        match known {
            Some(eid) => Ok(Some(eid)),
            None => self.eid_of_result(provided, cx),
        }
    }

    /// The eUICC that a result is from: named beside it, or by the result
    /// itself (SGP.32 6.3.2.7 NOTE 1).
    pub(crate) fn eid_of_result(
        &self,
        provided: &ProvideEimPackageResult,
        cx: &Context<'_>,
    ) -> Result<Option<Eid>, StoreError> {
        if provided.eid_value.is_some() {
            return Ok(provided.eid_value);
        }
        match result_named_by(&provided.eim_package_result) {
            (Some(eid), _) => Ok(Some(eid)),
            (None, Some(transaction)) => self.store.euicc_of_transaction(transaction),
            (None, None) => match installation_result(&provided.eim_package_result) {
                Some(result) => self.eid_of_notification(&result, cx),
                None => Ok(None),
            },
        }
    }

    /// The eUICC that a notification is from. An installation result does not
    /// name it: it is that of the order or of one of the downloads, the key of
    /// which verifies it.
    pub(crate) fn eid_of_notification(
        &self,
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) -> Result<Option<Eid>, StoreError> {
        let PendingNotification::ProfileInstallationResult(result) = notification else {
            return Ok(eid_of(notification));
        };
        let order = installed(result).map(|iccid| self.store.order(iccid));
        let order = order.transpose()?.flatten();
        let mut candidates: Vec<Eid> = order.and_then(|o| o.value.eid).into_iter().collect();
        for state in DOWNLOADED {
            let filter = OperationFilter {
                eid: None,
                state: Some(state.to_string()),
                after: None,
                limit: MAX_CANDIDATES,
            };
            let operations = self.store.operations(&filter)?.into_iter();
            let downloads = operations.filter(|o| o.kind.downloads());
            candidates.extend(downloads.map(|operation| operation.eid));
        }
        candidates.sort();
        candidates.dedup();
        for eid in candidates.into_iter().take(MAX_CANDIDATES) {
            if self.has_signed(eid, notification, cx)? {
                return Ok(Some(eid));
            }
        }
        let what = "profile installation result";
        self.observed(None, &Note::OfNobody { what });
        Ok(None)
    }

    /// Whether an eUICC of this host has signed a notification.
    pub(crate) fn has_signed(
        &self,
        eid: Eid,
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) -> Result<bool, StoreError> {
        let record = self.store.euicc(eid)?;
        Ok(record.is_some_and(|r| r.value.has_signed(notification, &self.eim, cx)))
    }

    pub(crate) fn observed(&self, eid: Option<Eid>, note: &Note) {
        if let Some(observer) = &self.observer {
            observer(eid, note);
        }
    }

    /// Load, step, count, commit; once more if somebody else was faster. `named` is the
    /// transaction that the message is about. `None` if the eUICC is not known.
    fn step<R>(
        &self,
        eid: Eid,
        named: Option<&TransactionId>,
        counting: Option<Counting<'_, R>>,
        cx: &mut Context<'_>,
        mut machine: impl FnMut(&Eim, EuiccRecord, &[Operation], &mut Context<'_>) -> Step<R>,
    ) -> Result<Option<R>, StoreError> {
        loop {
            let Some(seen) = self.index.seen(eid) else {
                return Ok(None);
            };
            let Some(mut found) = self.store.euicc(eid)? else {
                return Ok(None);
            };
            if found.value.waits_for_profile() {
                self.choose_profile(&found.value, cx)?;
                let Some(chosen) = self.store.euicc(eid)? else {
                    return Ok(None);
                };
                found = chosen;
            }
            let Versioned { value, version } = found;
            let open = self.open_and_named(eid, named)?;
            let before = value.clone();
            let mut step = machine(&self.eim, value, &open, cx);
            if let Some(counting) = &counting {
                counting.count(&mut step, &open, cx.now);
            }
            let unchanged =
                step.record == before && step.operations.is_empty() && step.evidence.is_empty();
            if !unchanged {
                let committed = self.store.commit_euicc(&EuiccChange {
                    record: &step.record,
                    version,
                    operations: &step.operations,
                    evidence: &step.evidence,
                    now: cx.now,
                });
                match committed {
                    Ok(()) => {}
                    Err(StoreError::Conflict) => continue,
                    Err(error) => return Err(error),
                }
            }
            let waits = step.record.waits_for_profile();
            match waits || has_work(&after(open, &step.operations)) {
                true => self.index.busy(eid),
                false => self.index.idle(eid, seen),
            }
            if let Some(observer) = &self.observer {
                step.notes.iter().for_each(|note| observer(Some(eid), note));
            }
            return Ok(Some(step.reply));
        }
    }

    /// What is open on an eUICC, and what a message names although it is not.
    fn open_and_named(
        &self,
        eid: Eid,
        named: Option<&TransactionId>,
    ) -> Result<Vec<Operation>, StoreError> {
        let mut open = self.store.open_operations(eid)?;
        let is_named = |open: &Operation| open.transaction() == named;
        if let Some(named) = named.filter(|_| !open.iter().any(is_named)) {
            let settled = self.store.operations_of_transaction(named)?.into_iter();
            open.extend(settled.filter(|operation| operation.eid == eid));
        }
        Ok(open)
    }

    /// Changes a record and operations outside the procedures.
    pub(crate) fn change_record(
        &self,
        eid: Eid,
        now: Timestamp,
        mut change: impl FnMut(EuiccRecord) -> Result<(EuiccRecord, Vec<Operation>), StoreError>,
    ) -> Result<(), StoreError> {
        loop {
            let found = self.store.euicc(eid)?;
            let Versioned { value, version } =
                found.ok_or(StoreError::Unknown("an eUICC with this EID"))?;
            let (record, operations) = change(value)?;
            let committed = self.store.commit_euicc(&EuiccChange {
                record: &record,
                version,
                operations: &operations,
                evidence: &[],
                now,
            });
            match committed {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
        }
    }
}

/// A poll to which there is nothing to say, whosever it is.
pub(crate) fn idle(
    index: &Index,
    message: &EsipaMessageFromIpaToEim,
    now: Timestamp,
) -> Option<EimReply> {
    let EsipaMessageFromIpaToEim::GetEimPackageRequest(request) = message else {
        return None;
    };
    let reply = match index.poll(request.eid_value, now) {
        Found::Unknown => poll_eid_not_found(request.eid_value),
        Found::Idle if request.notify_state_change.is_none() => poll_nothing_pending(),
        Found::Idle | Found::Busy => return None,
    };
    let reply = EsipaMessageFromEimToIpa::GetEimPackageResponse(reply);
    Some(EimReply::Message(reply))
}

/// The open operations after a step.
fn after(mut open: Vec<Operation>, changed: &[Operation]) -> Vec<Operation> {
    open.retain(|operation| changed.iter().all(|changed| changed.id != operation.id));
    open.extend(
        changed
            .iter()
            .filter(|changed| !changed.is_final())
            .cloned(),
    );
    open
}

/// Functions for which an SM-DP+ would have to be asked.
fn not_offered(message: &EsipaMessageFromIpaToEim) -> EimReply {
    use EsipaMessageFromIpaToEim as Request;
    EimReply::Message(match message {
        Request::InitiateAuthenticationRequest(_) => {
            EsipaMessageFromEimToIpa::InitiateAuthenticationResponse(
                InitiateAuthenticationResponseEsipa::Error(
                    InitiateAuthenticationErrorEsipa::UNDEFINED_ERROR,
                ),
            )
        }
        Request::AuthenticateClientRequest(_) => {
            EsipaMessageFromEimToIpa::AuthenticateClientResponse(
                AuthenticateClientResponseEsipa::Error(
                    AuthenticateClientErrorEsipa::INVALID_TRANSACTION_ID,
                ),
            )
        }
        Request::GetBoundProfilePackageRequest(_) => {
            EsipaMessageFromEimToIpa::GetBoundProfilePackageResponse(
                GetBoundProfilePackageResponseEsipa::Error(
                    GetBoundProfilePackageErrorEsipa::INVALID_TRANSACTION_ID,
                ),
            )
        }
        Request::CancelSessionRequest(_) => EsipaMessageFromEimToIpa::CancelSessionResponse(
            CancelSessionResponseEsipa::Error(CancelSessionServerError::INVALID_TRANSACTION_ID),
        ),
        _ => return EimReply::Notification(Taken::NotExecuted),
    })
}

/// The profile that an installation result is about.
pub(crate) fn installed(result: &ProfileInstallationResult) -> Option<Iccid> {
    let data = &result.profile_installation_result_data;
    data.notification_metadata.iccid
}

/// The installation result in the result of a trigger.
pub(crate) fn installation_result(result: &EimPackageResult) -> Option<PendingNotification> {
    let EimPackageResult::ProfileDownloadTriggerResult(result) = result else {
        return None;
    };
    match &result.profile_download_trigger_result_data {
        ProfileDownloadTriggerResultData::ProfileInstallationResult(result) => Some(
            PendingNotification::ProfileInstallationResult(result.clone()),
        ),
        ProfileDownloadTriggerResultData::ProfileDownloadError(_) => None,
    }
}

/// The eUICC that a notification comes from: in its certificate, if it has one.
pub(crate) fn eid_of(notification: &PendingNotification) -> Option<Eid> {
    match notification {
        PendingNotification::Other(other) => {
            rsp_core::pki::ParsedCertificate::parse(&other.euicc_certificate)
                .ok()?
                .eid()
        }
        _ => None,
    }
}
