//! ES10b.ListNotification, RetrieveNotificationsList and
//! RemoveNotificationFromList (SGP.22 5.7.9 to 5.7.11, SGP.32 5.9.11).

use alloc::vec;
use alloc::vec::Vec;

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{
    DeleteNotificationStatus, ListNotificationRequest, ListNotificationResponse,
    NotificationSentRequest, NotificationSentResponse,
};
use rsp_asn1::sgp32::{
    NotificationsSearchCriteria, RetrieveNotificationsListRequest,
    RetrieveNotificationsListResponse,
};

use super::decode;
use crate::apdu::Status;
use crate::isdr::Isdr;
use crate::notification_store::Entry;
use crate::personalisation::Environment;

/// Metadata of the notifications that wait.
pub(crate) fn list_notification(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: ListNotificationRequest = decode(command)?;
    let events = request.profile_management_operation.as_ref();
    let found = isdr.state.notifications.notifications(events);
    let list = found.filter_map(|n| n.metadata().cloned()).collect();
    Ok(ListNotificationResponse::Ok(list).to_der())
}

/// The notifications themselves, or eUICC Package Results.
pub(crate) fn retrieve_notifications_list(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    use RetrieveNotificationsListResponse::{EuiccPackageResultList, NotificationList};
    let request: RetrieveNotificationsListRequest = decode(command)?;
    let store = &isdr.state.notifications;
    let response = match request.search_criteria {
        None => NotificationList(store.notifications(None).cloned().collect()),
        Some(NotificationsSearchCriteria::ProfileManagementOperation(events)) => {
            NotificationList(store.notifications(Some(&events)).cloned().collect())
        }
        Some(NotificationsSearchCriteria::EuiccPackageResults(_)) => {
            EuiccPackageResultList(store.package_results().cloned().collect())
        }
        Some(NotificationsSearchCriteria::SeqNumber(number)) => match store.get(number) {
            Some(Entry::Notification(notification)) => NotificationList(vec![notification.clone()]),
            Some(Entry::PackageResult(result)) => EuiccPackageResultList(vec![result.clone()]),
            None => NotificationList(Vec::new()),
        },
    };
    Ok(response.to_der())
}

/// Forgets a notification or eUICC Package Result that has been delivered.
pub(crate) fn remove_notification_from_list(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: NotificationSentRequest = decode(command)?;
    let removed = isdr.state.notifications.remove(request.seq_number);
    let response = NotificationSentResponse {
        delete_notification_status: match removed {
            true => DeleteNotificationStatus::OK,
            false => DeleteNotificationStatus::NOTHING_TO_DELETE,
        },
        extensions: Default::default(),
    };
    Ok(response.to_der())
}
