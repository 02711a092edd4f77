//! Whose device sends a message. What names an EID is answered from memory; the rest is
//! looked up in the rows of all tenants at once, so that it costs the same however many
//! tenants there are (docs/store.md).

use std::sync::Arc;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EsipaMessageFromIpaToEim, HandleNotificationEsipa, InitiateAuthenticationRequestEsipa,
    ProvideEimPackageResult,
};
use rsp_core::Context;
use rsp_core::eim::result_named_by;

use crate::contract::StoreError;
use crate::eim::{DOWNLOADED, EimHost, MAX_CANDIDATES, eid_of, installation_result, installed};
use crate::eims::Eims;
use crate::relay::{LOOKED_THROUGH, session_of};
use crate::tenant::Tenant;

/// Where a message belongs.
pub(crate) struct Whose {
    pub(crate) host: Arc<EimHost>,
    /// The eUICC, if it was found on the way.
    pub(crate) eid: Option<Eid>,
}

impl Eims {
    /// The eUICC that a message is about ([`EimHost::euicc_of`]), and the host that
    /// serves it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn euicc_of(
        &self,
        message: &EsipaMessageFromIpaToEim,
        cx: &Context<'_>,
    ) -> Result<Option<(Arc<EimHost>, Eid)>, StoreError> {
        let Some(Whose { host, eid }) = self.whose(message, cx)? else {
            return Ok(None);
        };
        let eid = match eid {
            Some(eid) => Some(eid),
            None => host.euicc_of(message, cx)?,
        };
        Ok(eid.map(|eid| (host, eid)))
    }

    /// The tenant whose device sends a message; `None` if no tenant has anything of
    /// what it names.
    pub(crate) fn whose(
        &self,
        message: &EsipaMessageFromIpaToEim,
        cx: &Context<'_>,
    ) -> Result<Option<Whose>, StoreError> {
        use EsipaMessageFromIpaToEim as Message;
        match message {
            Message::GetEimPackageRequest(request) => self.of_eid(request.eid_value),
            Message::ProvideEimPackageResult(provided) => self.of_result(provided, cx),
            Message::HandleNotification(notification) => match notification {
                HandleNotificationEsipa::ProvideEimPackageResult(provided) => {
                    self.of_result(provided, cx)
                }
                HandleNotificationEsipa::PendingNotification(notification) => {
                    self.of_notification(notification, cx)
                }
            },
            Message::InitiateAuthenticationRequest(request) => self.of_download(request),
            Message::AuthenticateClientRequest(request) => self.of_relay(&request.transaction_id),
            Message::GetBoundProfilePackageRequest(request) => {
                self.of_relay(&request.transaction_id)
            }
            Message::CancelSessionRequest(request) => self.of_relay(&request.transaction_id),
            // An answer, which nobody has asked for here.
            Message::TransferEimPackageResponse(_) => Ok(None),
        }
    }

    fn of_eid(&self, eid: Eid) -> Result<Option<Whose>, StoreError> {
        let host = self.of_euicc(eid)?;
        Ok(host.map(|host| Whose {
            host,
            eid: Some(eid),
        }))
    }

    fn of_tenant(&self, tenant: Option<Tenant>) -> Option<Whose> {
        tenant.map(|tenant| Whose {
            host: self.of(&tenant),
            eid: None,
        })
    }

    fn of_relay(&self, id: &TransactionId) -> Result<Option<Whose>, StoreError> {
        Ok(self.of_tenant(self.database.tenant_of_relay(id)?))
    }

    fn of_result(
        &self,
        provided: &ProvideEimPackageResult,
        cx: &Context<'_>,
    ) -> Result<Option<Whose>, StoreError> {
        let (eid, transaction) = result_named_by(&provided.eim_package_result);
        match (provided.eid_value.or(eid), transaction) {
            (Some(eid), _) => self.of_eid(eid),
            (None, Some(id)) => Ok(self.of_tenant(self.database.tenant_of_transaction(id)?)),
            (None, None) => match installation_result(&provided.eim_package_result) {
                Some(result) => self.of_signer(&result, cx),
                None => Ok(None),
            },
        }
    }

    fn of_notification(
        &self,
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) -> Result<Option<Whose>, StoreError> {
        if let Some(id) = session_of(notification)
            && let Some(whose) = self.of_relay(id)?
        {
            return Ok(Some(whose));
        }
        if let PendingNotification::CompactOther(compact) = notification {
            return match compact.eid_value {
                Some(eid) => self.of_eid(eid),
                None => Ok(None),
            };
        }
        self.of_signer(notification, cx)
    }

    /// By its certificate, or, of an installation result, by the key of the order or
    /// of one of the latest downloads of all tenants that verifies it.
    fn of_signer(
        &self,
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) -> Result<Option<Whose>, StoreError> {
        let PendingNotification::ProfileInstallationResult(result) = notification else {
            return match eid_of(notification) {
                Some(eid) => self.of_eid(eid),
                None => Ok(None),
            };
        };
        // The SM-DP+ of this server is the default tenant's.
        let order = installed(result).map(|iccid| self.first().store().order(iccid));
        let order = order.transpose()?.flatten();
        let mut candidates: Vec<Eid> = order.and_then(|o| o.value.eid).into_iter().collect();
        for state in DOWNLOADED {
            let operations = self.database.operations_in(state, MAX_CANDIDATES)?;
            let downloads = operations.into_iter().filter(|(_, o)| o.kind.downloads());
            candidates.extend(downloads.map(|(_, operation)| operation.eid));
        }
        candidates.sort();
        candidates.dedup();
        for eid in candidates.into_iter().take(MAX_CANDIDATES) {
            if let Some(whose) = self.of_eid(eid)?
                && whose.host.has_signed(eid, notification, cx)?
            {
                return Ok(Some(whose));
            }
        }
        // The host that refuses it says so.
        Ok(None)
    }

    /// By the transaction of the trigger, or else the only download of all tenants
    /// that was triggered and is at this server.
    fn of_download(
        &self,
        request: &InitiateAuthenticationRequestEsipa,
    ) -> Result<Option<Whose>, StoreError> {
        if let Some(id) = &request.eim_transaction_id {
            return Ok(self.of_tenant(self.database.tenant_of_transaction(id)?));
        }
        let Some(address) = request.smdp_address.as_deref() else {
            return Ok(None);
        };
        let delivered = self.database.operations_in("delivered", LOOKED_THROUGH)?;
        let mut there = delivered.into_iter().filter(|(_, o)| o.is_at(address));
        let first = there.next().filter(|_| there.next().is_none());
        Ok(self.of_tenant(first.map(|(tenant, _)| tenant)))
    }
}
