//! `simurgh profile`: profiles on devices.

use api::{NewOperation, Operation, OperationKind, Secret};
use clap::{Args, Subcommand};

use super::output::Shown;
use super::{Api, Remote};
use crate::Failure;

/// What the eIM has done with the profiles of a device.
#[derive(Debug, Subcommand)]
pub(crate) enum OnDevice {
    /// Have a device download a profile
    Download {
        #[command(flatten)]
        device: Device,
        /// Where the profile waits, for example `LPA:1$smdp.example.com$CODE`
        #[arg(value_name = "ACTIVATION-CODE")]
        activation_code: ActivationCode,
    },
    /// Enable a profile on a device
    Enable(OneProfile),
    /// Disable a profile on a device
    Disable(OneProfile),
    /// Delete a profile from a device
    Delete(OneProfile),
}

/// A device and the server that manages it.
#[derive(Debug, Args)]
pub(crate) struct Device {
    /// EID of the device's eUICC, 32 digits
    #[arg(value_name = "EID")]
    eid: String,
    #[command(flatten)]
    remote: Remote,
}

/// A profile on a device.
#[derive(Debug, Args)]
pub(crate) struct OneProfile {
    #[command(flatten)]
    device: Device,
    /// ICCID of the profile, 18 to 20 digits
    #[arg(value_name = "ICCID")]
    iccid: String,
}

/// Not shown in Debug.
#[derive(Clone)]
pub(crate) struct ActivationCode(String);

impl std::fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for ActivationCode {
    fn from(text: String) -> Self {
        ActivationCode(text)
    }
}

impl OnDevice {
    /// Queues the operation and shows it; it is done when the device polls.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let (device, operation) = match self {
            OnDevice::Download {
                device,
                activation_code,
            } => {
                let activation_code = Secret(activation_code.0);
                (device, OperationKind::Download { activation_code })
            }
            OnDevice::Enable(OneProfile { device, iccid }) => {
                (device, OperationKind::Enable { iccid })
            }
            OnDevice::Disable(OneProfile { device, iccid }) => {
                (device, OperationKind::Disable { iccid })
            }
            OnDevice::Delete(OneProfile { device, iccid }) => {
                (device, OperationKind::Delete { iccid })
            }
        };
        let api = device.remote.api()?;
        queue(&api, device.eid, operation)
    }
}

fn queue(api: &Api, eid: String, operation: OperationKind) -> Result<(), Failure> {
    let new = NewOperation { eid, operation };
    let queued: Operation = api.post("/operations", &new)?;
    api.output.one(&queued)
}

impl Shown for Operation {
    const TITLES: &'static [&'static str] = &["OPERATION", "EID", "KIND", "STATE", "REASON"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.eid.clone(),
            self.kind.clone(),
            self.state.clone(),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}
