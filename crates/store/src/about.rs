//! Which eUICC a message is about: what a device says that has proven to be
//! another one must not count.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::sgp32::{EsipaMessageFromIpaToEim, HandleNotificationEsipa};
use rsp_core::Context;

use crate::contract::StoreError;
use crate::eim::EimHost;

impl EimHost {
    /// The eUICC that a message is about, by what it names: an EID, a
    /// transaction of the eIM or of an SM-DP+, or a notification. `None` if
    /// that is nothing that the eIM knows: then nothing comes of the message.
    ///
    /// # Errors
    /// If the store fails.
    pub fn euicc_of(
        &self,
        message: &EsipaMessageFromIpaToEim,
        cx: &Context<'_>,
    ) -> Result<Option<Eid>, StoreError> {
        use EsipaMessageFromIpaToEim as Message;
        match message {
            Message::GetEimPackageRequest(request) => Ok(Some(request.eid_value)),
            Message::ProvideEimPackageResult(provided) => self.eid_of_result(provided, cx),
            Message::HandleNotification(notification) => match notification {
                HandleNotificationEsipa::ProvideEimPackageResult(provided) => {
                    self.eid_of_result(provided, cx)
                }
                HandleNotificationEsipa::PendingNotification(notification) => {
                    match self.relayed(notification)? {
                        Some(session) => Ok(Some(session.eid)),
                        None => self.eid_of_notification(notification, cx),
                    }
                }
            },
            Message::InitiateAuthenticationRequest(request) => {
                let download = self.download_asked_for(request)?;
                Ok(download.map(|operation| operation.eid))
            }
            Message::AuthenticateClientRequest(request) => self.of_session(&request.transaction_id),
            Message::GetBoundProfilePackageRequest(request) => {
                self.of_session(&request.transaction_id)
            }
            Message::CancelSessionRequest(request) => self.of_session(&request.transaction_id),
            // An answer, which nobody has asked for here.
            Message::TransferEimPackageResponse(_) => Ok(None),
        }
    }

    fn of_session(&self, id: &TransactionId) -> Result<Option<Eid>, StoreError> {
        let session = self.store().relay_session(id)?;
        Ok(session.map(|stored| stored.value.session.eid))
    }
}
