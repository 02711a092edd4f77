//! Downloads that the eIM relays, on a store: each function in two steps, with
//! the request to the SM-DP+ between them, which whoever calls carries.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, HandleNotificationEsipa,
    InitiateAuthenticationErrorEsipa, InitiateAuthenticationRequestEsipa,
};
use rsp_asn1::{Asn1, ids};
use rsp_core::binding::HttpResponse;
use rsp_core::binding::esipa::Function;
use rsp_core::eim::relay::{Ask, Refused, RelaySession, Relayed};
use rsp_core::eim::{Carried, EuiccRecord, Note, Operation, OperationId};
use rsp_core::{Context, Timestamp};

use crate::contract::{
    EuiccChange, OperationFilter, RelayChange, StoreError, StoredRelay, Versioned,
};
use crate::counted::{self, Came};
use crate::eim::{EimHost, EimReply};

/// Downloads that are looked through for one whose IPA names no transaction.
pub(crate) const LOOKED_THROUGH: usize = 1000;

/// What comes of a message so far.
#[derive(Debug)]
pub enum Answer {
    /// The reply.
    Reply(EimReply),
    /// First the SM-DP+ has to be asked.
    Ask(Box<Pending>),
}

/// A function that waits for an SM-DP+.
#[derive(Debug)]
pub struct Pending {
    /// What to ask it.
    pub ask: Ask,
    pub(crate) eid: Eid,
    operation: OperationId,
    /// The session, unless it is about to begin.
    session: Option<TransactionId>,
    /// Of the IPA's message.
    digest: Vec<u8>,
    /// How the message came, if it is to be counted.
    carried: Option<Carried>,
}

/// Why a function is not relayed.
enum Failure {
    Refused(Refused),
    Store(StoreError),
    /// It was answered before, in this download.
    Again(Vec<u8>, (Eid, OperationId)),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Failure::Refused(refused)
    }
}

/// What a function works on.
struct Loaded {
    session: Versioned<StoredRelay>,
    record: Versioned<EuiccRecord>,
    operation: Operation,
}

impl EimHost {
    /// Takes a message of an IPA: answers it, or says what is to be asked of an
    /// SM-DP+ first.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn begin(
        &self,
        message: &EsipaMessageFromIpaToEim,
        cx: &mut Context<'_>,
    ) -> Result<Answer, StoreError> {
        self.begin_of(message, Came::default(), cx)
    }

    /// As [`EimHost::begin`], of a message of which more is known.
    pub(crate) fn begin_of(
        &self,
        message: &EsipaMessageFromIpaToEim,
        came: Came,
        cx: &mut Context<'_>,
    ) -> Result<Answer, StoreError> {
        let digest = || cx.crypto.sha256(&[&message.to_der()]).to_vec();
        let begun = match message {
            EsipaMessageFromIpaToEim::InitiateAuthenticationRequest(request) => {
                self.begin_session(request, digest())
            }
            EsipaMessageFromIpaToEim::AuthenticateClientRequest(request) => {
                let function = Function::AuthenticateClient;
                let id = &request.transaction_id;
                self.in_session(function, id, digest(), cx, |loaded, _| {
                    let session = &loaded.session.value.session;
                    let eim = self.eim();
                    eim.relay_authenticate_client(&loaded.record.value, session, request)
                })
            }
            EsipaMessageFromIpaToEim::GetBoundProfilePackageRequest(request) => {
                let function = Function::GetBoundProfilePackage;
                let id = &request.transaction_id;
                self.in_session(function, id, digest(), cx, |loaded, cx| {
                    let session = &loaded.session.value.session;
                    let eim = self.eim();
                    eim.relay_get_bound_profile_package(session, request, cx)
                })
            }
            EsipaMessageFromIpaToEim::CancelSessionRequest(request) => {
                let function = Function::CancelSession;
                let id = &request.transaction_id;
                self.in_session(function, id, digest(), cx, |loaded, cx| {
                    let session = &loaded.session.value.session;
                    let record = &loaded.record.value;
                    self.eim()
                        .relay_cancel_session(record, session, request, cx)
                })
            }
            other => return Ok(Answer::Reply(self.handle_of(other, came, cx)?)),
        };
        let begun = begun.map(|pending| {
            let carried = came.carried;
            Answer::Ask(Box::new(Pending { carried, ..pending }))
        });
        self.answered(begun, (came.carried, None), cx.now)
    }

    /// Takes the SM-DP+'s response, or why there is none, and gives the reply;
    /// or what is to be asked instead. What follows from it is stored.
    ///
    /// # Errors
    /// If the store fails: then the IPA has to repeat its message.
    pub fn finish(
        &self,
        pending: Pending,
        response: Result<HttpResponse, String>,
        cx: &mut Context<'_>,
    ) -> Result<Answer, StoreError> {
        let response = match response {
            Ok(response) if !is_passing(response.status) => response,
            // The IPA tries again.
            _ => return Ok(Answer::Reply(EimReply::Unavailable)),
        };
        if let Some(ask) = pending.ask.otherwise(&response) {
            return Ok(Answer::Ask(Box::new(Pending { ask, ..pending })));
        }
        loop {
            match self.finish_once(&pending, &response, cx) {
                Err(Failure::Store(StoreError::Conflict)) => {}
                finished => {
                    let finished = finished.map(|m| Answer::Reply(EimReply::Message(m)));
                    let download = (pending.eid, pending.operation.clone());
                    return self.answered(finished, (pending.carried, Some(download)), cx.now);
                }
            }
        }
    }

    fn finish_once(
        &self,
        pending: &Pending,
        response: &HttpResponse,
        cx: &mut Context<'_>,
    ) -> Result<EsipaMessageFromEimToIpa, Failure> {
        let (function, eim) = (pending.ask.function, self.eim());
        let Some(id) = &pending.session else {
            let (record, operation) = self.subject(function, pending.eid, &pending.operation)?;
            let begun = eim.relay_initiated(&record.value, &operation, &pending.ask, response)?;
            let id = &begun.session.transaction_id;
            if self.store.relay_is_taken(id, cx.now)? {
                let because = "the SM-DP+ gave a transaction that is in use";
                return Err(Refused::undefined(function, because).into());
            }
            return self.commit(pending, begun, 0, (&record, &operation), cx);
        };
        let loaded = self.load(function, id, &pending.digest, cx.now)?;
        let (record, session) = (&loaded.record.value, &loaded.session.value.session);
        let (operation, ask) = (&loaded.operation, &pending.ask);
        let relayed = match function {
            Function::AuthenticateClient => {
                eim.relay_authenticated(record, operation, session, ask, response, cx)?
            }
            Function::GetBoundProfilePackage => eim.relay_bound(record, session, response)?,
            _ => eim.relay_cancelled(record, operation, session, ask, response, cx)?,
        };
        let subject = (&loaded.record, operation);
        self.commit(pending, relayed, loaded.session.version, subject, cx)
    }

    /// Stores what a function led to, whole.
    fn commit(
        &self,
        pending: &Pending,
        relayed: Relayed,
        version: i64,
        (record, download): (&Versioned<EuiccRecord>, &Operation),
        cx: &Context<'_>,
    ) -> Result<EsipaMessageFromEimToIpa, Failure> {
        let stored = StoredRelay {
            kept_until: cx.now.after(relayed.session.kept_for()),
            session: relayed.session,
            request_digest: pending.digest.clone(),
            reply: relayed.reply.to_der(),
        };
        let mut operations = relayed.operations;
        if let Some(carried) = &pending.carried {
            let reply = EimReply::Message(relayed.reply.clone());
            let exchange = counted::exchange(carried, &reply);
            let changed = operations.iter().position(|o| o.id == download.id);
            let changed = changed.map(|at| operations.remove(at));
            let download = changed.as_ref().unwrap_or(download);
            operations.insert(0, download.relayed_by(&record.value, &exchange, cx.now));
        }
        let change = EuiccChange {
            record: &record.value,
            version: record.version,
            operations: &operations,
            evidence: &[],
            now: cx.now,
        };
        self.store.commit_relay(&RelayChange {
            session: &Versioned {
                value: stored,
                version,
            },
            euicc: (!operations.is_empty()).then_some(change),
            now: cx.now,
        })?;
        if !operations.is_empty() {
            self.index.busy(pending.eid);
        }
        for note in &relayed.notes {
            self.observed(Some(pending.eid), note);
        }
        Ok(relayed.reply)
    }

    /// What an IPA is told. A refusal or a repetition is counted by itself, if it is
    /// known of which download it is.
    fn answered(
        &self,
        outcome: Result<Answer, Failure>,
        (carried, download): (Option<Carried>, Option<(Eid, OperationId)>),
        now: Timestamp,
    ) -> Result<Answer, StoreError> {
        let (reply, download) = match outcome {
            Ok(answer) => return Ok(answer),
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Refused(refused)) => {
                let because = refused.because.clone();
                let function = refused.function.name();
                self.observed(None, &Note::NotRelayed { function, because });
                let (message, reason) = (refused.reply(), refused.reason);
                let reply = match reason {
                    Some(reason) => EimReply::Refused(message, *reason),
                    None => EimReply::Message(message),
                };
                (reply, download)
            }
            Err(Failure::Again(reply, download)) => {
                let message = EsipaMessageFromEimToIpa::from_der(&reply);
                let unread = |_| StoreError::Unknown("a reply that can be read again");
                (EimReply::Message(message.map_err(unread)?), Some(download))
            }
        };
        if let (Some(carried), Some((eid, id))) = (carried, download) {
            self.count_alone((eid, &id), &counted::exchange(&carried, &reply), now)?;
        }
        Ok(Answer::Reply(reply))
    }

    fn begin_session(
        &self,
        request: &InitiateAuthenticationRequestEsipa,
        digest: Vec<u8>,
    ) -> Result<Pending, Failure> {
        let function = Function::InitiateAuthentication;
        let Some(operation) = self.download_asked_for(request)? else {
            let code = InitiateAuthenticationErrorEsipa::INVALID_EIM_TRANSACTION_ID.0;
            let because = "no download waits for this transaction";
            return Err(Refused::new(function, code, because).into());
        };
        let eid = operation.eid;
        let (record, operation) = self.subject(function, eid, &operation.id)?;
        let eim = self.eim();
        let ask = eim.relay_initiate_authentication(&record.value, &operation, request)?;
        Ok(Pending {
            ask,
            eid,
            operation: operation.id,
            session: None,
            digest,
            carried: None,
        })
    }

    /// The download that an IPA begins.
    pub(crate) fn download_asked_for(
        &self,
        request: &InitiateAuthenticationRequestEsipa,
    ) -> Result<Option<Operation>, StoreError> {
        match &request.eim_transaction_id {
            Some(id) => self.download_of(id),
            None => self.download_at(request.smdp_address.as_deref()),
        }
    }

    /// The download whose trigger has this transaction.
    fn download_of(&self, id: &TransactionId) -> Result<Option<Operation>, StoreError> {
        let Some(eid) = self.store.euicc_of_transaction(id)? else {
            return Ok(None);
        };
        let open = self.store.open_operations(eid)?;
        let mut downloads = open.into_iter().filter(|o| o.kind.downloads());
        Ok(downloads.find(|download| download.sent().is_some_and(|(sent, _)| sent == id)))
    }

    /// The only download that was triggered and is at this server.
    fn download_at(&self, address: Option<&str>) -> Result<Option<Operation>, StoreError> {
        let Some(address) = address else {
            return Ok(None);
        };
        let filter = OperationFilter {
            state: Some("delivered".to_string()),
            limit: LOOKED_THROUGH,
            ..OperationFilter::default()
        };
        let is_there = |operation: &Operation| operation.is_at(address);
        let found = self.store.operations(&filter)?;
        let mut found = found.into_iter().filter(is_there);
        Ok(found.next().filter(|_| found.next().is_none()))
    }

    fn in_session(
        &self,
        function: Function,
        id: &TransactionId,
        digest: Vec<u8>,
        cx: &mut Context<'_>,
        step: impl FnOnce(&Loaded, &mut Context<'_>) -> Result<Ask, Refused>,
    ) -> Result<Pending, Failure> {
        let loaded = self.load(function, id, &digest, cx.now)?;
        Ok(Pending {
            ask: step(&loaded, cx)?,
            eid: loaded.record.value.eid,
            operation: loaded.operation.id,
            session: Some(id.clone()),
            digest,
            carried: None,
        })
    }

    fn load(
        &self,
        function: Function,
        id: &TransactionId,
        digest: &[u8],
        now: Timestamp,
    ) -> Result<Loaded, Failure> {
        let session = self.store.relay_session(id)?;
        let session = session.filter(|session| session.value.kept_until > now);
        let session = session.ok_or_else(|| Refused::unknown_transaction(function))?;
        if session.value.request_digest == digest && !session.value.reply.is_empty() {
            let RelaySession { eid, operation, .. } = session.value.session;
            return Err(Failure::Again(session.value.reply, (eid, operation)));
        }
        let of = &session.value.session;
        let (record, operation) = self.subject(function, of.eid, &of.operation)?;
        Ok(Loaded {
            session,
            record,
            operation,
        })
    }

    fn subject(
        &self,
        function: Function,
        eid: Eid,
        operation: &OperationId,
    ) -> Result<(Versioned<EuiccRecord>, Operation), Failure> {
        let record = self.store.euicc(eid)?;
        let operation = self.store.operation(operation)?;
        let gone = || Refused::unknown_transaction(function);
        Ok((record.ok_or_else(gone)?, operation.ok_or_else(gone)?))
    }

    /// The session in which an installation result was made, if it was relayed.
    pub(crate) fn relayed(
        &self,
        notification: &PendingNotification,
    ) -> Result<Option<RelaySession>, StoreError> {
        let Some(id) = session_of(notification) else {
            return Ok(None);
        };
        let stored = self.store.relay_session(id)?;
        Ok(stored.map(|stored| stored.value.session))
    }

    /// The message with its notifications as the eUICC gave them, where an IPA
    /// left out what is known. What cannot be completed stays as it is, and
    /// proves nothing.
    pub(crate) fn whole(
        &self,
        message: &EsipaMessageFromIpaToEim,
    ) -> Result<Option<EsipaMessageFromIpaToEim>, StoreError> {
        match message {
            EsipaMessageFromIpaToEim::HandleNotification(
                HandleNotificationEsipa::PendingNotification(notification),
            ) => Ok(self.whole_notification(notification, None)?.map(|whole| {
                EsipaMessageFromIpaToEim::HandleNotification(
                    HandleNotificationEsipa::PendingNotification(whole),
                )
            })),
            EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) => {
                let EimPackageResult::EprAndNotifications(both) = &provided.eim_package_result
                else {
                    return Ok(None);
                };
                let (mut whole, mut changed) = (both.clone(), false);
                for notification in &mut whole.notification_list {
                    if let Some(complete) =
                        self.whole_notification(notification, provided.eid_value)?
                    {
                        (*notification, changed) = (complete, true);
                    }
                }
                let mut provided = provided.clone();
                provided.eim_package_result = EimPackageResult::EprAndNotifications(whole);
                let whole = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
                Ok(changed.then_some(whole))
            }
            _ => Ok(None),
        }
    }

    fn whole_notification(
        &self,
        notification: &PendingNotification,
        eid: Option<ids::Eid>,
    ) -> Result<Option<PendingNotification>, StoreError> {
        match notification {
            PendingNotification::CompactProfileInstallationResult(compact) => {
                let session = self.relayed(notification)?;
                Ok(session.and_then(|session| session.whole_installation_result(compact)))
            }
            PendingNotification::CompactOther(compact) => {
                let Some(eid) = compact.eid_value.or(eid) else {
                    return Ok(None);
                };
                let record = self.store.euicc(eid)?;
                Ok(record.and_then(|record| record.value.whole_notification(compact)))
            }
            _ => Ok(None),
        }
    }
}

/// The RSP session in which what a notification is about was done.
pub(crate) fn session_of(notification: &PendingNotification) -> Option<&TransactionId> {
    match notification {
        PendingNotification::ProfileInstallationResult(result) => {
            Some(&result.profile_installation_result_data.transaction_id)
        }
        PendingNotification::CompactProfileInstallationResult(result) => {
            let data = &result.compact_profile_installation_result_data;
            Some(&data.transaction_id)
        }
        _ => None,
    }
}

/// Whether the SM-DP+ could not answer just then.
fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502..=599)
}
