//! `simurgh profile`: profiles on devices.

use std::time::Duration;

use api::client;
use api::{OperationKind, Profile, ProfileChange, Secret};
use clap::{Args, Subcommand};

use super::device::OneDevice;
use super::order::Ordering;
use super::output::{self, Shown};
use super::{Output, operation};
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
    /// Show what happened to the profiles of a device, as its eUICCs signed it
    History(OneDevice),
    /// Have a device download a profile
    Download {
        #[command(flatten)]
        device: OneDevice,
        #[command(flatten)]
        place: Place,
        /// What the operator gave beside the activation code; only for a device
        /// that downloads through the eIM, which adds it
        #[arg(long, value_name = "CODE")]
        confirmation_code: Option<Code>,
        #[command(flatten)]
        ordering: Ordering,
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
    /// Disable a profile on a device: only with --force, because none stays
    /// enabled
    Disable(OneProfile),
    /// Delete a profile from a device
    Delete(OneProfile),
    /// Make a profile the one that the device falls back to without a network
    SetFallback(OneProfile),
    /// Have no profile to fall back to
    UnsetFallback {
        #[command(flatten)]
        device: OneDevice,
        #[command(flatten)]
        ordering: Ordering,
    },
}

/// A profile on a device.
#[derive(Debug, Args)]
pub(crate) struct OneProfile {
    #[command(flatten)]
    device: OneDevice,
    /// ICCID of the profile, 18 to 20 digits
    #[arg(value_name = "ICCID")]
    iccid: String,
    #[command(flatten)]
    ordering: Ordering,
}

/// Where a profile waits.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Place {
    /// Where the profile waits, for example `LPA:1$smdp.example.com$CODE`
    #[arg(value_name = "ACTIVATION-CODE")]
    activation_code: Option<Code>,
    /// It waits for the eUICC at the default SM-DP+ that the eUICC names
    #[arg(long)]
    default_smdp: bool,
    /// It waits for the eUICC where an SM-DS says: this one, or the root SM-DS
    /// that the eUICC names
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true)]
    smds: Option<Option<String>>,
    /// A pool gives the activation code: see `simurgh pool`
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
}

impl Place {
    fn into_kind(self) -> OperationKind {
        match (self.activation_code, self.smds, self.pool) {
            (Some(code), ..) => OperationKind::Download {
                activation_code: Secret(code.0),
            },
            (None, Some(smds_address), _) => OperationKind::ContactSmds { smds_address },
            (None, None, Some(pool)) => OperationKind::DownloadFromPool { pool },
            (None, None, None) => OperationKind::ContactDefaultSmdp,
        }
    }
}

/// Not shown in Debug.
#[derive(Clone)]
pub(crate) struct Code(String);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for Code {
    fn from(text: String) -> Self {
        Code(text)
    }
}

impl OnDevice {
    /// Queues the operation and shows it; it is done when the device polls.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let on = |profile: OneProfile, kind: fn(String) -> OperationKind| {
            let kind = kind(profile.iccid);
            profile.ordering.order(profile.device, kind)
        };
        match self {
            OnDevice::List {
                device,
                refresh,
                timeout,
            } => list(&device, refresh, timeout.map(Duration::from_secs)),
            OnDevice::History(device) => history(&device),
            OnDevice::Download {
                device,
                place,
                confirmation_code,
                ordering,
            } => {
                let code = confirmation_code.map(|code| Secret(code.0));
                ordering.order_confirmed(device, place.into_kind(), code)
            }
            OnDevice::Enable { profile, rollback } => {
                let iccid = profile.iccid;
                let kind = OperationKind::Enable { iccid, rollback };
                profile.ordering.order(profile.device, kind)
            }
            OnDevice::Disable(profile) => on(profile, |iccid| OperationKind::Disable { iccid }),
            OnDevice::Delete(profile) => on(profile, |iccid| OperationKind::Delete { iccid }),
            OnDevice::SetFallback(profile) => on(profile, |iccid| {
                OperationKind::SetFallbackAttribute { iccid }
            }),
            OnDevice::UnsetFallback { device, ordering } => {
                ordering.order(device, OperationKind::UnsetFallbackAttribute)
            }
        }
    }
}

fn list(device: &OneDevice, refresh: bool, timeout: Option<Duration>) -> Result<(), Failure> {
    let api = device.remote.api()?;
    if refresh {
        let kind = OperationKind::ListProfileInfo {
            search: None,
            tags: None,
        };
        let queued = Ordering::default().queue(&api, device.eid.clone(), kind)?;
        eprintln!("waiting for the device to poll");
        operation::settled(&api, &queued.id, timeout)?;
    }
    let list = api.ask(client::list_device_profiles(&device.eid))?;
    match (&list.at, api.output) {
        (_, Output::Json) => output::json(&list),
        (None, Output::Table) => {
            outln!("no list yet: have the eUICC sign one with --refresh");
            Ok(())
        }
        (Some(at), Output::Table) => {
            let proof = match (list.emulated, list.unverified) {
                (true, _) => "EMULATED: the device says so, no eUICC signed it",
                (false, true) => "UNVERIFIED",
                (false, false) => "signed by the eUICC",
            };
            let stale = match list.stale {
                true => "; something may have changed since",
                false => "",
            };
            outln!("as of {at}, {proof}{stale}");
            output::table(&list.profiles);
            Ok(())
        }
    }
}

fn history(device: &OneDevice) -> Result<(), Failure> {
    let api = device.remote.api()?;
    let history = api.ask(client::get_profile_history(&device.eid))?;
    match api.output {
        Output::Json => output::json(&history),
        Output::Table => {
            output::table(&history.changes);
            Ok(())
        }
    }
}

impl Shown for ProfileChange {
    const TITLES: &'static [&'static str] = &["AT", "EID", "ICCID", "EVENT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.at.clone(),
            self.eid.clone(),
            self.iccid.clone(),
            self.event.clone(),
        ]
    }
}

impl Shown for Profile {
    const TITLES: &'static [&'static str] = &["ICCID", "STATE", "NAME", "FLAGS"];

    fn cells(&self) -> Vec<String> {
        let state = if self.enabled { "enabled" } else { "disabled" };
        let flags = [
            (self.fallback, "fallback"),
            (self.emergency, "emergency"),
            (self.ppr1, "PPR1"),
            (self.ppr2, "PPR2"),
        ];
        let flags: Vec<_> = flags
            .into_iter()
            .filter_map(|(set, name)| set.then_some(name))
            .collect();
        vec![
            self.iccid.clone().unwrap_or_default(),
            state.to_string(),
            self.name.clone().unwrap_or_default(),
            flags.join(" "),
        ]
    }
}
