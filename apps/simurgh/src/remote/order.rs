//! Ordering operations.

use api::{NewOperation, Operation, OperationKind, Page};
use clap::Args;

use super::device::OneDevice;
use super::output;
use super::{Api, Output};
use crate::Failure;

/// How an operation is ordered.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Order")]
pub(crate) struct Ordering {
    /// Send it in a package of its own; otherwise what waits for a device that
    /// sleeps travels together where that changes nothing
    #[arg(long)]
    separate: bool,
    /// Do it even if the device may be lost by it, without a profile that works
    /// or without an eIM; the server's log says so
    #[arg(long)]
    force: bool,
}

impl Ordering {
    /// Queues one operation and shows it.
    pub(super) fn order(self, device: OneDevice, kind: OperationKind) -> Result<(), Failure> {
        let api = device.remote.api()?;
        let queued = self.queue(&api, device.eid, kind)?;
        api.output.one(&queued)
    }

    pub(super) fn queue(
        self,
        api: &Api,
        eid: String,
        kind: OperationKind,
    ) -> Result<Operation, Failure> {
        let new = NewOperation {
            separate: self.separate,
            force: self.force,
            ..NewOperation::one(eid, kind)
        };
        api.post("/operations", &new)
    }

    /// Queues a list that travels in one package, and shows it.
    pub(super) fn order_list(
        self,
        device: OneDevice,
        operations: Vec<OperationKind>,
    ) -> Result<(), Failure> {
        let api = device.remote.api()?;
        let new = NewOperation {
            eid: device.eid,
            operation: None,
            operations,
            separate: self.separate,
            force: self.force,
        };
        let queued: Page<Operation> = api.post("/operations", &new)?;
        match api.output {
            Output::Json => output::json(&queued),
            Output::Table => {
                output::table(&queued.items);
                Ok(())
            }
        }
    }
}
