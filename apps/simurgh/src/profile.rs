//! `simurgh profile`: packages in files, and profiles on devices.

use clap::Subcommand;

use crate::Failure;
use crate::remote::profile::OnDevice;

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    #[command(flatten)]
    OnDevice(OnDevice),
}

impl ProfileCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            ProfileCommand::OnDevice(command) => command.run(),
        }
    }
}
