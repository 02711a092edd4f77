//! ES10b.RetrieveNotificationsList and RemoveNotificationFromList (SGP.32
//! 5.9.11, 5.9.12): eUICC Package Results are kept here, notifications by the
//! eUICC. Numbers tell which is which.

use alloc::vec::Vec;

use rsp_asn1::rsp::{DeleteNotificationStatus, NotificationSentRequest, NotificationSentResponse};
use rsp_asn1::sgp32::{
    EuiccPackageResult, NotificationsSearchCriteria, RetrieveNotificationsListRequest,
    RetrieveNotificationsListResponse,
};
use rsp_asn1::{Asn1, Extensions};

use super::storage::{FIRST_NUMBER, number_of};
use super::{StandIn, decode};
use crate::ipa::IpaError;
use crate::ipa::channel::Channel;

impl StandIn<'_> {
    pub(super) async fn retrieve_notifications_list(
        &self,
        channel: &Channel<'_>,
        bytes: &[u8],
    ) -> Result<Vec<u8>, IpaError> {
        let command = "RetrieveNotificationsList";
        let request: RetrieveNotificationsListRequest = decode(command, bytes)?;
        let wanted = |result: &EuiccPackageResult| match &request.search_criteria {
            Some(NotificationsSearchCriteria::SeqNumber(number)) => number_of(result) == *number,
            _ => true,
        };
        let of_results = match &request.search_criteria {
            Some(NotificationsSearchCriteria::EuiccPackageResults(_)) => true,
            Some(NotificationsSearchCriteria::SeqNumber(number)) => *number >= FIRST_NUMBER,
            _ => false,
        };
        if of_results {
            let kept = self.card();
            let list = kept.results().filter(|result| wanted(result)).cloned();
            let list = RetrieveNotificationsListResponse::EuiccPackageResultList(list.collect());
            return Ok(list.to_der());
        }
        let answer = channel.transmit(command, bytes).await?;
        if let Ok(RetrieveNotificationsListResponse::NotificationList(waiting)) =
            RetrieveNotificationsListResponse::from_der(&answer)
        {
            self.learn_certificates_of(&waiting).await?;
        }
        Ok(answer)
    }

    pub(super) async fn remove_notification(
        &self,
        channel: &Channel<'_>,
        bytes: &[u8],
    ) -> Result<Vec<u8>, IpaError> {
        let command = "RemoveNotificationFromList";
        let request: NotificationSentRequest = decode(command, bytes)?;
        if request.seq_number < FIRST_NUMBER {
            return channel.transmit(command, bytes).await;
        }
        let mut card = self.card();
        let removed = card.remove(request.seq_number);
        self.save(card).await?;
        let response = NotificationSentResponse {
            delete_notification_status: match removed {
                true => DeleteNotificationStatus::OK,
                false => DeleteNotificationStatus::NOTHING_TO_DELETE,
            },
            extensions: Extensions::default(),
        };
        Ok(response.to_der())
    }
}
