//! `simurgh profile`: profiles on devices.

use std::time::Duration;

use api::{DeviceProfiles, NewOperation, Operation, OperationKind, Profile, Secret};
use clap::{Args, Subcommand};

use super::device::OneDevice;
use super::output::{self, Shown};
use super::{Api, Output, operation};
use crate::Failure;

/// What the eIM has done with the profiles of a device.
#[derive(Debug, Subcommand)]
pub(crate) enum OnDevice {
    /// List the profiles on a device, as its eUICC signed the last list
    List {
        #[command(flatten)]
        device: OneDevice,
        /// Have the eUICC sign a new list first, and wait for it
        #[arg(long)]
        refresh: bool,
        /// Wait at most so many seconds
        #[arg(long, value_name = "SECONDS", requires = "refresh")]
        timeout: Option<u64>,
    },
    /// Have a device download a profile
    Download {
        #[command(flatten)]
        device: OneDevice,
        /// Where the profile waits, for example `LPA:1$smdp.example.com$CODE`
        #[arg(value_name = "ACTIVATION-CODE")]
        activation_code: ActivationCode,
    },
    /// Enable a profile on a device
    Enable {
        #[command(flatten)]
        profile: OneProfile,
        /// Let the device go back to the profile before it if it finds no
        /// network
        #[arg(long)]
        rollback: bool,
    },
    /// Disable a profile on a device
    Disable(OneProfile),
    /// Delete a profile from a device
    Delete(OneProfile),
}

/// A profile on a device.
#[derive(Debug, Args)]
pub(crate) struct OneProfile {
    #[command(flatten)]
    device: OneDevice,
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
            OnDevice::List {
                device,
                refresh,
                timeout,
            } => return list(&device, refresh, timeout.map(Duration::from_secs)),
            OnDevice::Download {
                device,
                activation_code,
            } => {
                let activation_code = Secret(activation_code.0);
                (device, OperationKind::Download { activation_code })
            }
            OnDevice::Enable { profile, rollback } => {
                let OneProfile { device, iccid } = profile;
                (device, OperationKind::Enable { iccid, rollback })
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

fn list(device: &OneDevice, refresh: bool, timeout: Option<Duration>) -> Result<(), Failure> {
    let api = device.remote.api()?;
    if refresh {
        let new = NewOperation {
            eid: device.eid.clone(),
            operation: OperationKind::ListProfileInfo,
        };
        let queued: Operation = api.post("/operations", &new)?;
        eprintln!("waiting for the device to poll");
        operation::settled(&api, &queued.id, timeout)?;
    }
    let list: DeviceProfiles = api.get(&format!("{}/profiles", device.path()?))?;
    match (&list.at, api.output) {
        (_, Output::Json) => output::json(&list),
        (None, Output::Table) => {
            outln!("no list yet: have the eUICC sign one with --refresh");
            Ok(())
        }
        (Some(at), Output::Table) => {
            let proof = match list.unverified {
                true => "UNVERIFIED",
                false => "signed by the eUICC",
            };
            outln!("as of {at}, {proof}");
            output::table(&list.profiles);
            Ok(())
        }
    }
}

impl Shown for Profile {
    const TITLES: &'static [&'static str] = &["ICCID", "STATE", "NAME"];

    fn cells(&self) -> Vec<String> {
        let state = if self.enabled { "enabled" } else { "disabled" };
        vec![
            self.iccid.clone().unwrap_or_default(),
            state.to_string(),
            self.name.clone().unwrap_or_default(),
        ]
    }
}
