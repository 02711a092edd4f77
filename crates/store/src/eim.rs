//! The eIM on a store.

use std::sync::Arc;

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, HandleNotificationEsipa,
};
use rsp_core::Context;
use rsp_core::eim::{Eim, EuiccRecord, Operation, Step, poll_eid_not_found, result_eid_not_found};

use crate::contract::{EuiccChange, Store, StoreError, Versioned};

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

    /// Answers a message of an IPA; `None` where the function has no response.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn handle(
        &self,
        message: &EsipaMessageFromIpaToEim,
        cx: &mut Context<'_>,
    ) -> Result<Option<EsipaMessageFromEimToIpa>, StoreError> {
        match message {
            EsipaMessageFromIpaToEim::GetEimPackageRequest(request) => {
                let reply = self.step(request.eid_value, cx, |eim, record, open, cx| {
                    eim.get_eim_package(record, open, cx)
                })?;
                let reply = reply.unwrap_or_else(poll_eid_not_found);
                Ok(Some(EsipaMessageFromEimToIpa::GetEimPackageResponse(reply)))
            }
            EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided) => {
                let result = &provided.eim_package_result;
                let reply = match provided.eid_value {
                    Some(eid) => self.step(eid, cx, |eim, record, open, cx| {
                        eim.provide_eim_package_result(record, open, result, cx)
                    })?,
                    None => None,
                };
                let reply = reply.unwrap_or_else(result_eid_not_found);
                Ok(Some(
                    EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(reply),
                ))
            }
            EsipaMessageFromIpaToEim::HandleNotification(notification) => {
                if let Some(eid) = eid_of(notification) {
                    self.step(eid, cx, |eim, record, open, cx| {
                        eim.handle_notification(record, open, notification, cx)
                    })?;
                }
                Ok(None)
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
