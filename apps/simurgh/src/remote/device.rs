//! `simurgh device`: devices that the eIM manages.

use api::{Device, DeviceSettings, EimConfiguration, NewDevice, Page};
use clap::{ArgAction, Args, Subcommand};
use http::Method;

use super::output::Shown;
use super::{Listing, Remote};
use crate::Failure;

/// What can be done with devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List devices in the order of their EIDs
    List {
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one device
    Show(OneDevice),
    /// Add a device whose eUICC was told of this eIM
    Add {
        #[command(flatten)]
        device: OneDevice,
        /// The token that the eUICC answered to AddInitialEim, if it made one
        #[arg(long, value_name = "NUMBER")]
        association_token: Option<i64>,
        /// The counterValue that the eUICC was told
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        counter_value: i64,
        /// Answer its results with an emptyResponse, which some devices expect
        #[arg(long)]
        empty_response: bool,
    },
    /// Change what is set for a device
    Set {
        #[command(flatten)]
        device: OneDevice,
        /// Whether its results are answered with an emptyResponse
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        empty_response: bool,
    },
    /// Forget a device; what its eUICC signed is kept
    Remove(OneDevice),
    /// Print what a factory tells eUICCs of this eIM with AddInitialEim
    EimConfiguration {
        #[command(flatten)]
        remote: Remote,
    },
}

/// A device and the server that manages it.
#[derive(Debug, Args)]
pub(crate) struct OneDevice {
    /// EID of the device's eUICC, 32 digits
    #[arg(value_name = "EID")]
    pub(super) eid: String,
    #[command(flatten)]
    pub(super) remote: Remote,
}

impl OneDevice {
    /// Its path in the API.
    pub(super) fn path(&self) -> Result<String, Failure> {
        Ok(format!("/devices/{}", super::word("EID", &self.eid)?))
    }
}

impl DeviceCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            DeviceCommand::List { listing, remote } => {
                let api = remote.api()?;
                let page: Page<Device> = api.get(&format!("/devices?{}", listing.query()))?;
                api.output.page(&page)
            }
            DeviceCommand::Show(device) => {
                let api = device.remote.api()?;
                let shown: Device = api.get(&device.path()?)?;
                api.output.one(&shown)
            }
            DeviceCommand::Add {
                device,
                association_token,
                counter_value,
                empty_response,
            } => {
                let api = device.remote.api()?;
                let new = NewDevice {
                    eid: device.eid,
                    association_token,
                    counter_value,
                    empty_response,
                };
                let added: Device = api.post("/devices", &new)?;
                api.output.one(&added)
            }
            DeviceCommand::Set {
                device,
                empty_response,
            } => {
                let api = device.remote.api()?;
                let settings = DeviceSettings {
                    empty_response: Some(empty_response),
                };
                let set: Device = api.call(Method::PATCH, &device.path()?, Some(&settings))?;
                api.output.one(&set)
            }
            DeviceCommand::Remove(device) => {
                let api = device.remote.api()?;
                api.call(Method::DELETE, &device.path()?, None::<&()>)
            }
            DeviceCommand::EimConfiguration { remote } => {
                let api = remote.api()?;
                let configuration: EimConfiguration = api.get("/eim-configuration")?;
                api.output.one(&configuration)
            }
        }
    }
}

impl Shown for Device {
    const TITLES: &'static [&'static str] = &[
        "EID",
        "LAST CONTACT",
        "CERTIFIED",
        "COUNTER",
        "TOKEN",
        "EMPTY RESPONSE",
        "PROOF",
    ];

    fn cells(&self) -> Vec<String> {
        let yes = |yes: bool| if yes { "yes" } else { "no" }.to_string();
        let token = self.association_token.map(|token| token.to_string());
        vec![
            self.eid.clone(),
            self.last_contact.clone().unwrap_or_else(|| "never".into()),
            yes(self.certified),
            self.counter_value.to_string(),
            token.unwrap_or_default(),
            yes(self.empty_response),
            match self.accepts_unverified {
                true => "NOT REQUIRED (lab)".to_string(),
                false => "required".to_string(),
            },
        ]
    }
}

impl Shown for EimConfiguration {
    const TITLES: &'static [&'static str] = &["EIM CONFIGURATION DATA", "COUNTER"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.eim_configuration_data.clone(),
            self.counter_value.to_string(),
        ]
    }
}
