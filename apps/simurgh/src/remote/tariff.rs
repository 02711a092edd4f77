//! `simurgh tariff`: what operators bill for octets.

use api::client::{self, ListTariffsQuery};
use api::{Rounded, Tariff, TariffSettings};
use clap::{Subcommand, ValueEnum};

use super::output::Shown;
use super::{Listing, Remote};
use crate::Failure;

/// What can be done with tariffs.
#[derive(Debug, Subcommand)]
pub(crate) enum TariffCommand {
    /// Say what a tariff costs; another one of the same name takes its place
    Set {
        /// Its name, as profiles of the inventory have it
        name: String,
        /// What a megabyte (1 000 000 octets) costs beyond the included volume, for
        /// example '0.05 EUR'
        #[arg(long, value_name = "AMOUNT")]
        per_megabyte: Option<String>,
        /// Octets in a month that are paid with the basic fee
        #[arg(long, value_name = "OCTETS")]
        included: Option<u64>,
        /// Octets up to whole multiples of which is rounded
        #[arg(long, value_name = "OCTETS", default_value_t = 1)]
        step: u64,
        /// When that is
        #[arg(long, value_enum, default_value_t = At::Session)]
        rounded: At,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show a tariff
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// List tariffs
    List {
        #[command(flatten)]
        listing: Listing,
        #[command(flatten)]
        remote: Remote,
    },
    /// Forget a tariff
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// When octets are rounded up.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum At {
    /// At the end of each session
    Session,
    /// At the end of each day
    Day,
}

impl Shown for Tariff {
    const TITLES: &'static [&'static str] =
        &["NAME", "PER MEGABYTE", "INCLUDED", "STEP", "ROUNDED"];

    fn cells(&self) -> Vec<String> {
        let TariffSettings {
            per_megabyte,
            included,
            step,
            rounded,
        } = &self.settings;
        let rounded = match rounded {
            Rounded::Session => "session",
            Rounded::Day => "day",
        };
        vec![
            self.name.clone(),
            per_megabyte.clone().unwrap_or_default(),
            included
                .map(|octets| octets.to_string())
                .unwrap_or_default(),
            step.to_string(),
            rounded.to_string(),
        ]
    }
}

impl TariffCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            TariffCommand::Set {
                name,
                per_megabyte,
                included,
                step,
                rounded,
                remote,
            } => {
                let api = remote.api()?;
                let settings = TariffSettings {
                    per_megabyte,
                    included,
                    step,
                    rounded: match rounded {
                        At::Session => Rounded::Session,
                        At::Day => Rounded::Day,
                    },
                };
                let tariff = api.tell(client::put_tariff(&name, &settings))?;
                api.output.one(&tariff)
            }
            TariffCommand::Show { name, remote } => {
                let api = remote.api()?;
                let tariff = api.ask(client::get_tariff(&name))?;
                api.output.one(&tariff)
            }
            TariffCommand::List { listing, remote } => {
                let api = remote.api()?;
                let page = api.ask(client::list_tariffs(&ListTariffsQuery {
                    after: listing.after,
                    limit: Some(listing.limit.into()),
                }))?;
                api.output.page(&page)
            }
            TariffCommand::Delete { name, remote } => {
                let api = remote.api()?;
                api.ask(client::remove_tariff(&name))
            }
        }
    }
}
