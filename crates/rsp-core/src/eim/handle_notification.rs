//! ESipa.HandleNotification (SGP.32 5.14.7, 3.7). There is no response: what
//! comes back is only whether it is stored.

use rsp_asn1::sgp32::{EimPackageResult, HandleNotificationEsipa};

use super::{Eim, EuiccRecord, KeptNotification, Operation, Step};
use crate::Context;

/// Whether a notification was taken over. One that was not stays on the eUICC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Stored, or known already.
    Stored,
    /// Not proven to be of this eUICC.
    NotExecuted,
}

impl Eim {
    /// Takes a notification or the result of a download over.
    pub fn handle_notification(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        notification: &HandleNotificationEsipa,
        cx: &Context<'_>,
    ) -> Step<Taken> {
        match notification {
            HandleNotificationEsipa::PendingNotification(notification) => {
                match record.verify_notification(notification, self, cx) {
                    Ok(_) => Step {
                        notifications: alloc::vec![KeptNotification::of(notification)],
                        ..Step::unchanged(record, Taken::Stored)
                    },
                    Err(_) => Step::unchanged(record, Taken::NotExecuted),
                }
            }
            HandleNotificationEsipa::ProvideEimPackageResult(provided) => {
                match &provided.eim_package_result {
                    EimPackageResult::ProfileDownloadTriggerResult(result) => {
                        self.download_result(record, open, result, cx)
                    }
                    other => {
                        let step = self.provide_eim_package_result(record, open, other, cx);
                        step.map(|_| Taken::Stored)
                    }
                }
            }
        }
    }
}
