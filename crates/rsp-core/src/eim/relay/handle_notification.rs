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
        let asked = open.iter().find(|operation| operation.id == *relayed);
        // Settled before: there is nothing new in it.
        let Some(asked) = asked.filter(|operation| operation.sent().is_some()) else {
            return;
        };
        self.settle_with(step, asked, result, cx);
    }
}
