//! `simurgh profile stock`: profiles for the stock of the SM-DP+.

use std::path::PathBuf;

use api::client;
use api::{
    Imported, NewProfiles, NewSubscription, ProfileClass, ProfileTypeSettings, Protection, Secret,
};
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use rsp_core::profile::{Authentication, Subscription};

use super::Remote;
use super::output::Shown;
use crate::Failure;
use crate::profile::{read_package, read_table};

/// Put profiles into stock.
#[derive(Debug, Args)]
pub(crate) struct Stock {
    /// Name of the profile type, as operators order it over ES2+
    #[arg(value_name = "TYPE")]
    profile_type: String,
    /// A table of subscriptions with Milenage: comma separated, the first line
    /// names the columns (iccid, imsi, k, opc or op)
    #[arg(long, value_name = "FILE")]
    subscriptions: PathBuf,
    /// The package that is personalised; without it, the built-in one
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Service provider, shown on the device
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// Profile name, shown on the device [default: the type]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    remote: Remote,
}

/// How profiles of the type are ordered and delivered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Profile type")]
struct Settings {
    /// The operator, as in simurgh.toml, who alone may order
    #[arg(long, value_name = "OPERATOR")]
    owner: Option<String>,
    /// What the profiles are for
    #[arg(long, value_enum, default_value_t = Class::Operational)]
    class: Class,
    /// Orders are confirmed only with a confirmation code
    #[arg(long)]
    confirmation_code_required: bool,
    /// Wrong confirmation codes with which an order ends
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one())]
    max_confirmation_failures: Option<u32>,
    /// Downloads of one order that may be begun
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one())]
    max_attempts: Option<u32>,
    /// Days after its confirmation in which an order can be downloaded
    #[arg(long, value_name = "DAYS", value_parser = at_least_one())]
    order_validity_days: Option<u32>,
    /// An order for one eUICC that is confirmed without MatchingID has none:
    /// the eUICC gets it by its EID
    #[arg(long)]
    default_order: bool,
    /// Keys that protect the profile elements
    #[arg(long, value_enum, default_value_t = Keys::Session)]
    protection: Keys,
    /// A package stays bound to the one-time key of its first delivery
    #[arg(long)]
    bound_once: bool,
    /// Technology that the device must support; may be repeated
    #[arg(long, value_name = "TECHNOLOGY", value_parser = PossibleValuesParser::new(TECHNOLOGIES))]
    requires: Vec<String>,
    /// Digits of the MNC in the IMSI [default: as EF.AD of the package says]
    #[arg(long, value_name = "2|3", value_parser = clap::value_parser!(u8).range(2..=3))]
    mnc_length: Option<u8>,
}

/// As the API names them.
const TECHNOLOGIES: [&str; 10] = [
    "gsm",
    "utran",
    "cdma1x",
    "cdma_hrpd",
    "cdma_ehrpd",
    "eutran_epc",
    "contactless",
    "nr_epc",
    "nr5gc",
    "eutran5gc",
];

/// `ProfileClass`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Class {
    Test,
    Provisioning,
    Operational,
}

/// `Protection`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Keys {
    /// Those of the session
    Session,
    /// Random ones of the package
    Profile,
}

fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

impl Stock {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let template = self.template.as_deref().map(read_package).transpose()?;
        let subscriptions = read_table(None, &self.subscriptions)?;
        let new = NewProfiles {
            profile_type: self.profile_type.clone(),
            template: template.map(|package| hex(&package)),
            service_provider_name: self.provider.clone(),
            profile_name: self.name.clone().unwrap_or(self.profile_type.clone()),
            settings: self.settings.shown(),
            subscriptions: subscriptions.iter().map(shown).collect::<Result<_, _>>()?,
        };
        let api = self.remote.api()?;
        let imported = api.tell(client::add_profiles(&new))?;
        api.output.one(&imported)
    }
}

impl Settings {
    fn shown(&self) -> ProfileTypeSettings {
        ProfileTypeSettings {
            owner: self.owner.clone(),
            profile_class: match self.class {
                Class::Test => ProfileClass::Test,
                Class::Provisioning => ProfileClass::Provisioning,
                Class::Operational => ProfileClass::Operational,
            },
            confirmation_code_required: self.confirmation_code_required,
            max_confirmation_failures: self.max_confirmation_failures,
            max_attempts: self.max_attempts,
            order_validity_days: self.order_validity_days,
            default_order: self.default_order,
            protection: match self.protection {
                Keys::Session => Protection::SessionKeys,
                Keys::Profile => Protection::ProfileKeys,
            },
            bound_once: self.bound_once,
            requires: self.requires.clone(),
            mnc_length: self.mnc_length,
        }
    }
}

/// As the API takes it.
fn shown(subscription: &Subscription) -> Result<NewSubscription, Failure> {
    let iccid = subscription.iccid;
    let Authentication::Milenage { k, opc } = &subscription.authentication else {
        return Err(Failure::new(iccid, "the API takes Milenage alone"));
    };
    let plain = Subscription::new(iccid, subscription.imsi.clone(), *k, *opc);
    if *subscription != plain {
        let said = "the API takes iccid, imsi, k and opc alone: put the rest into the template";
        return Err(Failure::new(iccid, said));
    }
    Ok(NewSubscription {
        iccid: iccid.to_string(),
        imsi: subscription.imsi.to_string(),
        ki: Secret(hex(k)),
        opc: Secret(hex(opc)),
        sd_keys: None,
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

impl Shown for Imported {
    const TITLES: &'static [&'static str] = &["IMPORTED"];

    fn cells(&self) -> Vec<String> {
        vec![self.imported.to_string()]
    }
}
