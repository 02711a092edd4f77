//! ESipa.HandleNotification (SGP.32 5.14.7, 3.7). There is no response: what
//! comes back is only that it is stored.

use rsp_asn1::sgp32::{EimPackageResult, HandleNotificationEsipa};

use super::{Eim, EuiccRecord, Operation, Step};
use crate::Context;

impl Eim {
    /// Takes a notification or the result of a download over.
    pub fn handle_notification(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        notification: &HandleNotificationEsipa,
        cx: &Context<'_>,
    ) -> Step<()> {
        match notification {
            HandleNotificationEsipa::PendingNotification(notification) => Step {
                notifications: alloc::vec![notification.as_bytes().to_vec()],
                ..Step::unchanged(record, ())
            },
            HandleNotificationEsipa::ProvideEimPackageResult(provided) => {
                match &provided.eim_package_result {
                    EimPackageResult::ProfileDownloadTriggerResult(result) => {
                        self.download_result(record, open, result, cx)
                    }
                    other => {
                        let step = self.provide_eim_package_result(record, open, other, cx);
                        Step {
                            reply: (),
                            record: step.record,
                            operations: step.operations,
                            notifications: step.notifications,
                        }
                    }
                }
            }
        }
    }
}
