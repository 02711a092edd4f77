//! `simurgh device`: devices that the eIM manages.

use std::path::PathBuf;

use api::client::{self, ListDevicesQuery};
use api::{
    Device, DeviceSettings, EimConfiguration, IpaBuild, NewDevice, NewListener, NewPsk,
    OperationKind, Page, Psk,
};
use clap::{ArgAction, ArgGroup, Args, Subcommand};

use super::order::Ordering;
use super::output::Shown;
use super::{Listing, Remote};
use crate::Failure;

/// What can be done with devices.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List devices in the order of their identifiers, all or those that a query
    /// finds
    #[command(after_long_help = fleet::query::help())]
    List {
        /// What they are to be, for example 'tier = safety_critical and
        /// last_contact > 2d'; --help explains the language
        #[arg(long, short, value_name = "QUERY")]
        query: Option<String>,
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
        /// Take what the device says in place of an eUICC that has no functions
        /// for an eIM (one for consumer devices), although none signed it
        #[arg(long)]
        emulated: bool,
    },
    /// Announce devices as a factory made them: each is known when it polls for
    /// the first time, checked, and given its profile by the rules in
    /// simurgh.toml
    Announce(super::announce::Announce),
    /// Bring devices into the inventory: all of a file, or nothing if something in
    /// it is wrong
    Import(super::import::Import),
    /// Write devices to a file as an import reads them
    Export(super::export::Export),
    /// Put one device into the inventory, or describe a known one anew
    Describe(super::describe::Describe),
    /// Change what is set for a device
    #[command(group = ArgGroup::new("settings").required(true).multiple(true))]
    Set {
        #[command(flatten)]
        device: OneDevice,
        /// Whether its results are answered with an emptyResponse
        #[arg(long, group = "settings", value_name = "true|false")]
        empty_response: Option<bool>,
        /// Whether what the device says in place of an eUICC that has no
        /// functions for an eIM is taken, although none signed it
        #[arg(long, group = "settings", value_name = "true|false")]
        emulated: Option<bool>,
    },
    /// Forget a device; what its eUICC signed is kept
    Remove(OneDevice),
    /// Make a pre-shared key for CoAP over DTLS and show it this once; the one
    /// before is of no use any more
    Psk {
        #[command(flatten)]
        device: OneDevice,
        /// Identity under which the device presents it, instead of the EID
        #[arg(long, value_name = "NAME", conflicts_with = "remove")]
        identity: Option<String>,
        /// Forget the key instead
        #[arg(long)]
        remove: bool,
    },
    /// Say where a device listens: what waits for it is brought there
    /// (TransferEimPackage) in place of being fetched
    Listener {
        #[command(flatten)]
        device: OneDevice,
        /// https:// or coaps://, host, and a port if it is not the usual one
        #[arg(long, value_name = "URL", required_unless_present = "remove")]
        address: Option<String>,
        /// The device's certificate for that, or the CA's that issued it, PEM
        #[arg(long, value_name = "FILE", required_unless_present = "remove")]
        certificate: Option<PathBuf>,
        /// It listens no more
        #[arg(long, conflicts_with_all = ["address", "certificate"])]
        remove: bool,
    },
    /// Bring what waits for a device that listens, now: orders are brought by
    /// themselves, and tried again for some minutes
    Push(OneDevice),
    #[command(flatten)]
    Operation(DeviceOperation),
    /// Print what a factory tells eUICCs of this eIM with AddInitialEim
    EimConfiguration(Configuration),
}

/// What eUICCs are told of an eIM.
#[derive(Debug, Args)]
pub(crate) struct Configuration {
    /// Write EimConfigurationData in DER to a file as well, for `simurgh eim
    /// add` at another eIM
    #[arg(long, value_name = "FILE")]
    der: Option<PathBuf>,
    /// Write AddInitialEimRequest in DER to a file as well, which a factory
    /// sends to the ISD-R
    #[arg(long, value_name = "FILE")]
    add_initial_eim: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

impl Configuration {
    pub(super) fn run(self) -> Result<(), Failure> {
        let api = self.remote.api()?;
        let configuration = api.ask(client::get_eim_configuration())?;
        for (path, hex) in [
            (&self.der, &configuration.eim_configuration_data),
            (&self.add_initial_eim, &configuration.add_initial_eim),
        ] {
            if let Some(path) = path {
                let octets = octets(hex)
                    .ok_or_else(|| Failure::new("the server's answer", "not hexadecimal"))?;
                std::fs::write(path, octets)
                    .map_err(|error| Failure::new(path.display(), error))?;
            }
        }
        api.output.one(&configuration)
    }
}

fn octets(hex: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
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
    /// Shows it.
    fn show(self) -> Result<(), Failure> {
        let api = self.remote.api()?;
        let shown = api.ask(client::get_device(&self.eid))?;
        api.output.one(&shown)
    }

    /// Says where it listens, or that it does not.
    fn listener(self, url: Option<String>, certificate: Option<PathBuf>) -> Result<(), Failure> {
        let api = self.remote.api()?;
        let (Some(url), Some(file)) = (url, certificate) else {
            return api.ask(client::remove_device_listener(&self.eid));
        };
        let certificate =
            std::fs::read_to_string(&file).map_err(|error| Failure::new(file.display(), error))?;
        let new = NewListener { url, certificate };
        let set = api.tell(client::set_device_listener(&self.eid, &new))?;
        api.output.one(&set)
    }

    /// Has brought what waits.
    fn push(self) -> Result<(), Failure> {
        let api = self.remote.api()?;
        api.ask(client::push_to_device(&self.eid))
    }

    /// Has a pre-shared key made, or forgotten.
    fn psk(self, identity: Option<String>, remove: bool) -> Result<(), Failure> {
        let api = self.remote.api()?;
        if remove {
            return api.ask(client::remove_device_psk(&self.eid));
        }
        let made = api.tell(client::make_device_psk(&self.eid, &NewPsk { identity }))?;
        api.output.one(&made)
    }
}

impl DeviceCommand {
    /// Does it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            DeviceCommand::List {
                query,
                listing,
                remote,
            } => list(query, None, listing, &remote),
            DeviceCommand::Show(device) => device.show(),
            DeviceCommand::Add {
                device: OneDevice { eid, remote },
                association_token,
                counter_value,
                empty_response,
                emulated,
            } => {
                let api = remote.api()?;
                let added = api.tell(client::add_device(&NewDevice {
                    eid,
                    association_token,
                    counter_value,
                    empty_response,
                    emulated,
                }))?;
                api.output.one(&added)
            }
            DeviceCommand::Announce(announce) => announce.run(),
            DeviceCommand::Import(import) => import.run(),
            DeviceCommand::Export(export) => export.run(),
            DeviceCommand::Describe(describe) => describe.run(),
            DeviceCommand::Set {
                device,
                empty_response,
                emulated,
            } => {
                let api = device.remote.api()?;
                let set = DeviceSettings {
                    empty_response,
                    emulated,
                };
                api.output
                    .one(&api.tell(client::set_device(&device.eid, &set))?)
            }
            DeviceCommand::Remove(device) => {
                let api = device.remote.api()?;
                api.ask(client::remove_device(&device.eid))
            }
            DeviceCommand::Psk {
                device,
                identity,
                remove,
            } => device.psk(identity, remove),
            DeviceCommand::Listener {
                device,
                address,
                certificate,
                remove: _,
            } => device.listener(address, certificate),
            DeviceCommand::Push(device) => device.push(),
            DeviceCommand::EimConfiguration(configuration) => configuration.run(),
            DeviceCommand::Operation(operation) => operation.order(),
        }
    }
}

/// Lists what a query or a saved search finds, as many as are asked for: the
/// server's pages may have fewer each, where it finds few among many.
pub(super) fn list(
    query: Option<String>,
    search: Option<String>,
    listing: Listing,
    remote: &Remote,
) -> Result<(), Failure> {
    let api = remote.api()?;
    let mut found: Page<Device> = Page {
        items: Vec::new(),
        next: listing.after,
    };
    let limit = usize::from(listing.limit);
    while found.items.len() < limit {
        let page = api.ask(client::list_devices(&ListDevicesQuery {
            after: found.next,
            limit: Some((limit - found.items.len()) as u64),
            q: query.clone(),
            search: search.clone(),
        }))?;
        found.items.extend(page.items);
        found.next = page.next;
        if found.next.is_none() {
            break;
        }
    }
    api.output.page(&found)
}

/// What is done on the device, when it polls.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceOperation {
    /// Ask the device's IPA for data objects, which nobody signs
    Data {
        #[command(flatten)]
        device: OneDevice,
        /// Tags of IpaEuiccData (SGP.32 2.11.2.2), hexadecimal, one after the
        /// other
        #[arg(long, default_value = "81BF20BF228384A8A9", value_name = "TAGS")]
        tags: String,
        #[command(flatten)]
        ordering: Ordering,
    },
    /// Have the eUICC sign its Rules Authorisation Table
    Rat {
        #[command(flatten)]
        device: OneDevice,
        #[command(flatten)]
        ordering: Ordering,
    },
    /// Allow the device to enable profiles right after their installation, or
    /// forbid it
    ImmediateEnable {
        #[command(flatten)]
        device: OneDevice,
        /// Whether it may
        #[arg(action = ArgAction::Set, value_name = "true|false")]
        enable: bool,
        /// Only profiles of the SM-DP+ with this OID
        #[arg(long, value_name = "OID")]
        smdp_oid: Option<String>,
        /// Only profiles of the SM-DP+ at this address
        #[arg(long, value_name = "HOST")]
        smdp_address: Option<String>,
        #[command(flatten)]
        ordering: Ordering,
    },
    /// Set the default SM-DP+ address of the eUICC
    DefaultSmdp {
        #[command(flatten)]
        device: OneDevice,
        /// Host name; an empty one removes it
        #[arg(value_name = "HOST")]
        address: String,
        #[command(flatten)]
        ordering: Ordering,
    },
}

impl DeviceOperation {
    fn order(self) -> Result<(), Failure> {
        match self {
            DeviceOperation::Data {
                device,
                tags,
                ordering,
            } => {
                let kind = OperationKind::GetEuiccData {
                    tags,
                    ci: None,
                    notification: None,
                    package_result: None,
                };
                ordering.order(device, kind)
            }
            DeviceOperation::Rat { device, ordering } => {
                ordering.order(device, OperationKind::GetRat)
            }
            DeviceOperation::ImmediateEnable {
                device,
                enable,
                smdp_oid,
                smdp_address,
                ordering,
            } => {
                let kind = OperationKind::ConfigureImmediateEnable {
                    enable,
                    smdp_oid,
                    smdp_address,
                };
                ordering.order(device, kind)
            }
            DeviceOperation::DefaultSmdp {
                device,
                address,
                ordering,
            } => ordering.order(device, OperationKind::SetDefaultDpAddress { address }),
        }
    }
}

/// A build of an IPA in a few words.
fn ipa(build: &IpaBuild) -> String {
    let agent = build.user_agent.as_deref().unwrap_or("unnamed");
    match build.quirks.is_empty() {
        true => agent.to_string(),
        false => format!("{agent}: {}", build.quirks.join(" ")),
    }
}

impl Shown for Device {
    const TITLES: &'static [&'static str] = &[
        "DEVICE",
        "EID",
        "LAST CONTACT",
        "CERTIFIED",
        "COUNTER",
        "TOKEN",
        "EMPTY RESPONSE",
        "PROOF",
        "IMEI",
        "NETWORK",
        "ZERO-TOUCH",
        "LISTENS",
        "IPA",
    ];

    fn cells(&self) -> Vec<String> {
        let yes = |yes: bool| if yes { "yes" } else { "no" }.to_string();
        let token = self.association_token.map(|token| token.to_string());
        let imei = self.facts.device.as_ref().and_then(|d| d.imei.as_ref());
        let zero_touch = self.zero_touch.as_ref().map(|way| match &way.reason {
            Some(reason) => format!("{}: {reason}", way.stage),
            None => way.stage.clone(),
        });
        let network = self.networks.last().map(|seen| &seen.plmn);
        vec![
            self.id.clone(),
            self.eid.clone(),
            self.last_contact.clone().unwrap_or_else(|| "never".into()),
            yes(self.certified),
            self.counter_value.to_string(),
            token.unwrap_or_default(),
            yes(self.empty_response),
            match (self.accepts_unverified, self.emulated) {
                (true, _) => "NOT REQUIRED (lab)".to_string(),
                (false, true) => "EMULATED: not of packages".to_string(),
                (false, false) => "required".to_string(),
            },
            imei.cloned().unwrap_or_default(),
            network.cloned().unwrap_or_default(),
            zero_touch.unwrap_or_default(),
            self.listener.clone().unwrap_or_default(),
            self.ipa_build.as_ref().map(ipa).unwrap_or_default(),
        ]
    }
}

impl Shown for Psk {
    const TITLES: &'static [&'static str] = &["EID", "IDENTITY", "KEY"];

    fn cells(&self) -> Vec<String> {
        vec![self.eid.clone(), self.identity.clone(), self.key.clone()]
    }
}

impl Shown for EimConfiguration {
    const TITLES: &'static [&'static str] =
        &["EIM CONFIGURATION DATA", "ADD INITIAL EIM", "COUNTER"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.eim_configuration_data.clone(),
            self.add_initial_eim.clone(),
            self.counter_value.to_string(),
        ]
    }
}
