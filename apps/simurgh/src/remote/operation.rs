//! `simurgh operation`: what is done on devices, and how far it is.

use api::Operation;
use clap::{Args, Subcommand};

use super::Remote;
use crate::Failure;

/// What can be done with operations.
#[derive(Debug, Subcommand)]
pub(crate) enum OperationCommand {
    /// Show one operation
    Show(OneOperation),
}

/// An operation and the server that has it.
#[derive(Debug, Args)]
pub(crate) struct OneOperation {
    /// Its identifier
    #[arg(value_name = "OPERATION")]
    id: String,
    #[command(flatten)]
    remote: Remote,
}

impl OperationCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            OperationCommand::Show(OneOperation { id, remote }) => {
                let api = remote.api()?;
                let operation: Operation = api.get(&format!("/operations/{id}"))?;
                api.output.one(&operation)
            }
        }
    }
}
