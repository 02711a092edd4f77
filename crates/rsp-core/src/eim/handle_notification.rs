//! ESipa.HandleNotification (SGP.32 5.14.7, 3.7). There is no response: what
//! comes back is only whether it is stored.

use rsp_asn1::sgp32::{EimPackageResult, HandleNotificationEsipa, ProvideEimPackageResultResponse};

use super::package_result::unverified;
use super::{Eim, EuiccRecord, Evidence, Note, Operation, OperationId, Step};
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
    /// Takes a notification or the result of a download over. `open` are the
    /// operations of this eUICC that are not final, and those that the result
    /// names. `relayed` is the
    /// download in whose session the installation result was made, if this eIM
    /// relayed it.
    pub fn handle_notification(
        &self,
        record: EuiccRecord,
        open: &[Operation],
        notification: &HandleNotificationEsipa,
        relayed: Option<&OperationId>,
        cx: &Context<'_>,
    ) -> Step<Taken> {
        match notification {
            HandleNotificationEsipa::PendingNotification(notification) => {
                match record.believe_notification(notification, self, cx) {
                    Ok(believed) => {
                        let kept = Evidence::of_notification(notification, &believed, cx);
                        let mut step = Step {
                            evidence: alloc::vec![kept],
                            notes: unverified("notification", believed.unproven())
                                .into_iter()
                                .collect(),
                            ..Step::unchanged(record, Taken::Stored)
                        };
                        match relayed {
                            Some(id) => self.settle_relayed(&mut step, open, id, notification, cx),
                            None => self.settle_by_notification(&mut step, open, notification, cx),
                        }
                        step.at(open, cx.now)
                    }
                    Err(because) => Step {
                        notes: alloc::vec![Note::NotBelieved {
                            what: "notification",
                            because,
                        }],
                        ..Step::unchanged(record, Taken::NotExecuted)
                    },
                }
            }
            HandleNotificationEsipa::ProvideEimPackageResult(provided) => {
                match &provided.eim_package_result {
                    EimPackageResult::ProfileDownloadTriggerResult(result) => {
                        let step = self.download_result(record, open, result, cx);
                        step.at(open, cx.now)
                    }
                    other => {
                        let step = self.provide_eim_package_result(record, open, other, cx);
                        step.map(|reply| taken(&reply))
                    }
                }
            }
        }
    }
}

/// There is no response to say it with but the status.
fn taken(reply: &ProvideEimPackageResultResponse) -> Taken {
    match reply {
        ProvideEimPackageResultResponse::Error(_) => Taken::NotExecuted,
        _ => Taken::Stored,
    }
}
