//! The installation result of a relayed download, by
//! ESipa.HandleNotification (SGP.32 5.14.7).

use rsp_asn1::rsp::PendingNotification;

use crate::Context;
use crate::eim::{Eim, Operation, OperationId, Step};

impl Eim {
    /// What an installation result, come as a notification and taken over, says
    /// of the download in whose session it was made.
    pub(in crate::eim) fn settle_relayed<R>(
        &self,
        step: &mut Step<R>,
        open: &[Operation],
        relayed: &OperationId,
        notification: &PendingNotification,
        cx: &Context<'_>,
    ) {
        let PendingNotification::ProfileInstallationResult(result) = notification else {
            return;
        };
        match open.iter().find(|operation| operation.id == *relayed) {
            Some(asked) if asked.sent().is_some() => self.settle_with(step, asked, result, cx),
            // Settled before: only that it succeeded would be new.
            Some(settled) => self.succeeded_after_all(step, settled, result, cx),
            None => {}
        }
    }
}
