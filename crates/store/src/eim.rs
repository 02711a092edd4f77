//! The eIM on a store.

use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, HandleNotificationEsipa,
};
use rsp_core::Context;
use rsp_core::binding::{HttpResponse, esipa_asn1};
use rsp_core::eim::{
    Eim, EuiccRecord, Operation, Step, Taken, poll_eid_not_found, result_eid_not_found,
    result_missing_eid,
};

use crate::contract::{EuiccChange, Store, StoreError, Versioned};

/// What an IPA is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EimReply {
    /// A response message.
    Message(EsipaMessageFromEimToIpa),
    /// There is none; only whether the notification was taken over.
    Notification(Taken),
}

impl EimReply {
    /// The reply in the ASN.1 binding over HTTPS.
    pub fn encode(&self) -> HttpResponse {
        match self {
            EimReply::Message(message) => esipa_asn1::encode_response(message),
            EimReply::Notification(taken) => esipa_asn1::encode_taken(*taken),
        }
    }
}

/// An eIM with its state.
pub struct EimHost {
    eim: Eim,
    store: Arc<dyn Store>,
}

impl std::fmt::Debug for EimHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EimHost")
            .field("eim", &self.eim)
            .finish_non_exhaustive()
    }
}

impl EimHost {
    /// An eIM on a store.
    pub fn new(eim: Eim, store: Arc<dyn Store>) -> Self {
        EimHost { eim, store }
    }

    /// The eIM.
    pub fn eim(&self) -> &Eim {
        &self.eim
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Answers a message of an IPA.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn handle(
        &self,
        message: &EsipaMessageFromIpaToEim,
        cx: &mut Context<'_>,
    ) -> Result<EimReply, StoreError> {
        match message {
            EsipaMessageFromIpaToEim::GetEimPackageRequest(request) => {
                let reply = self.step(request.eid_value, cx, |eim, record, open, cx| {
                    eim.get_eim_package(record, open, cx)
                })?;
                let reply = reply.unwrap_or_else(poll_eid_not_found);
                let reply = EsipaMessageFromEimToIpa::GetEimPackageResponse(reply);
                Ok(EimReply::Message(reply))
            }
            EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) => {
                let result = &provided.eim_package_result;
                let reply = match provided.eid_value {
                    Some(eid) => self
                        .step(eid, cx, |eim, record, open, cx| {
                            eim.provide_eim_package_result(record, open, result, cx)
                        })?
                        .unwrap_or_else(result_eid_not_found),
                    None => result_missing_eid(),
                };
                let reply = EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(reply);
                Ok(EimReply::Message(reply))
            }
            EsipaMessageFromIpaToEim::HandleNotification(notification) => {
                let taken = match eid_of(notification) {
                    Some(eid) => self.step(eid, cx, |eim, record, open, cx| {
                        eim.handle_notification(record, open, notification, cx)
                    })?,
                    None => None,
                };
                Ok(EimReply::Notification(taken.unwrap_or(Taken::NotExecuted)))
            }
        }
    }

    /// Load, step, commit; once more if somebody else was faster. `None` if
    /// the eUICC is not known.
    fn step<R>(
        &self,
        eid: Eid,
        cx: &mut Context<'_>,
        mut machine: impl FnMut(&Eim, EuiccRecord, &[Operation], &mut Context<'_>) -> Step<R>,
    ) -> Result<Option<R>, StoreError> {
        loop {
            let Some(Versioned { value, version }) = self.store.euicc(eid)? else {
                return Ok(None);
            };
            let open = self.store.open_operations(eid)?;
            let before = value.clone();
            let step = machine(&self.eim, value, &open, cx);
            if step.record == before && step.operations.is_empty() && step.notifications.is_empty()
            {
                return Ok(Some(step.reply));
            }
            let committed = self.store.commit_euicc(&EuiccChange {
                record: &step.record,
                version,
                operations: &step.operations,
                notifications: &step.notifications,
                now: cx.now,
            });
            match committed {
                Ok(()) => return Ok(Some(step.reply)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The eUICC that a notification comes from: named beside it, or in its
/// certificate.
fn eid_of(notification: &HandleNotificationEsipa) -> Option<Eid> {
    match notification {
        HandleNotificationEsipa::ProvideEimPackageResult(provided) => provided.eid_value,
        HandleNotificationEsipa::PendingNotification(PendingNotification::Other(other)) => {
            rsp_core::pki::ParsedCertificate::parse(&other.euicc_certificate)
                .ok()?
                .eid()
        }
        HandleNotificationEsipa::PendingNotification(_) => None,
    }
}
