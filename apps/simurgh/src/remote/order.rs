//! Ordering operations.

use api::{NewOperation, Operation, OperationKind, Page, Secret};
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
        self.order_confirmed(device, kind, None)
    }

    /// As [`Ordering::order`], with the code that confirms a download.
    pub(super) fn order_confirmed(
        self,
        device: OneDevice,
        kind: OperationKind,
        confirmation_code: Option<Secret>,
    ) -> Result<(), Failure> {
        let api = device.remote.api()?;
        let new = NewOperation {
            confirmation_code,
            ..self.one(device.eid, kind)
        };
        let queued: Operation = api.post("/operations", &new)?;
        api.output.one(&queued)
    }

    fn one(self, eid: String, kind: OperationKind) -> NewOperation {
        NewOperation {
            separate: self.separate,
            force: self.force,
            ..NewOperation::one(eid, kind)
        }
    }

    pub(super) fn queue(
        self,
        api: &Api,
        eid: String,
        kind: OperationKind,
    ) -> Result<Operation, Failure> {
        api.post("/operations", &self.one(eid, kind))
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
            confirmation_code: None,
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
