//! Delivery of notifications (SGP.32 3.7, SGP.22 3.5): straight to the SM-DP+
//! that each names where this IPA has ES9+ itself, otherwise to an eIM, which
//! forwards them.

use alloc::vec::Vec;

use rsp_asn1::Extensions;
use rsp_asn1::rsp::{NotificationSentRequest, NotificationSentResponse, PendingNotification};
use rsp_asn1::sgp32::{
    EsipaMessageFromIpaToEim, HandleNotificationEsipa, NotificationsSearchCriteria,
    RetrieveNotificationsListRequest, RetrieveNotificationsListResponse,
};

use super::poll::{Round, server_error};
use super::{Event, IpaError, Server, compact};
use crate::binding::es9plus_json::HandleNotificationRequest;
use crate::binding::esipa_asn1::USER_AGENT_IPAD;
use crate::binding::{self, Transport, json};
use crate::pki::TlsTrust;

impl Round<'_> {
    /// Delivers what waits, oldest first. One that is not taken stays on the
    /// eUICC and does not hold up the others.
    pub(super) async fn deliver_notifications(&self) -> Result<(), IpaError> {
        let mut waiting = self.waiting_notifications(None).await?;
        waiting.sort_by_key(PendingNotification::seq_number);
        let mut outcome = Ok(());
        for notification in waiting {
            outcome = outcome.and(self.deliver_notification(notification).await);
        }
        outcome
    }

    /// Notifications on the eUICC; all of them without criteria.
    pub(super) async fn waiting_notifications(
        &self,
        criteria: Option<NotificationsSearchCriteria>,
    ) -> Result<Vec<PendingNotification>, IpaError> {
        let request = RetrieveNotificationsListRequest {
            search_criteria: criteria,
            extensions: Extensions::default(),
        };
        let list = self.channel.call("RetrieveNotificationsList", &request);
        Ok(match list.await? {
            RetrieveNotificationsListResponse::NotificationList(waiting) => waiting,
            _ => Vec::new(),
        })
    }

    /// HandleNotification of ES9+ or ESipa, then removal from the eUICC, unless
    /// an eIM still waits for it.
    pub(super) async fn deliver_notification(
        &self,
        notification: PendingNotification,
    ) -> Result<(), IpaError> {
        let seq_number = notification.seq_number();
        if !self.memory.is_given(seq_number) {
            let forwarder = self.forwarder.borrow().clone();
            match forwarder {
                Some(eim) => self.give_notification_to(&eim, notification).await?,
                None => self.give_to_smdp(notification).await?,
            }
            self.memory.give(seq_number);
            self.port.event(Event::NotificationDelivered { seq_number });
        }
        match self.memory.holds(seq_number) {
            true => Ok(()),
            false => self.remove_notification(seq_number).await,
        }
    }

    /// ESipa.HandleNotification. What an eIM cannot complete goes to it whole.
    pub(super) async fn give_notification_to(
        &self,
        eim: &Server,
        notification: PendingNotification,
    ) -> Result<(), IpaError> {
        let given = |notification| {
            let notification = HandleNotificationEsipa::PendingNotification(notification);
            EsipaMessageFromIpaToEim::HandleNotification(notification)
        };
        if self.config.features.minimize {
            let relayed = match &notification {
                PendingNotification::ProfileInstallationResult(result) => {
                    let session = &result.profile_installation_result_data.transaction_id;
                    self.memory.is_relayed(session)
                }
                _ => false,
            };
            if let Some(compact) = compact::notification(&notification, self.eid, relayed) {
                match self.tell_eim(eim, &given(compact)).await {
                    Err(error) if error.is_refusal() => {}
                    taken => return taken,
                }
            }
        }
        self.tell_eim(eim, &given(notification)).await
    }

    async fn give_to_smdp(&self, notification: PendingNotification) -> Result<(), IpaError> {
        // The card makes no compact form, which has no address.
        let Some(metadata) = notification.metadata() else {
            return Ok(());
        };
        let smdp = self.smdp(&metadata.notification_address);
        let message = HandleNotificationRequest {
            pending_notification: notification,
        };
        let request = json::encode_request(&message, Some(USER_AGENT_IPAD))
            .map_err(|error| server_error(&smdp, error))?;
        let response = self.request(&smdp, request).await?;
        binding::executed(&response).map_err(|error| server_error(&smdp, error))
    }

    /// Removes what an eIM has taken over: of the numbers that it acknowledges
    /// those that were `sent` to it, and that no other result needs.
    pub(super) async fn remove_acknowledged(
        &self,
        acknowledged: &[i64],
        sent: &[i64],
    ) -> Result<(), IpaError> {
        for seq_number in sent {
            if acknowledged.contains(seq_number) && !self.memory.holds(*seq_number) {
                self.remove_notification(*seq_number).await?;
            }
        }
        Ok(())
    }

    /// ES10b.RemoveNotificationFromList. One that is gone already is no error.
    pub(super) async fn remove_notification(&self, seq_number: i64) -> Result<(), IpaError> {
        let request = NotificationSentRequest {
            seq_number,
            extensions: Extensions::default(),
        };
        let _: NotificationSentResponse = self
            .channel
            .call("RemoveNotificationFromList", &request)
            .await?;
        self.memory.forget(seq_number);
        Ok(())
    }

    /// An SM-DP+ under the CIs of this device.
    pub(super) fn smdp(&self, address: &str) -> Server {
        Server {
            address: address.into(),
            trust: Some(TlsTrust::RspServer(self.config.ci.clone())),
            transport: Transport::Https,
        }
    }
}
