//! `[residency]`: where is what this server keeps of tenants, and sends of all of them.

use std::collections::BTreeSet;

use fleet::access::Place;
use fleet::inventory::Country;
use serde::Deserialize;

use crate::config::Config;

/// `[residency]`: countries by their codes of ISO 3166-1.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResidencySettings {
    /// Where the database is, with its replicas and backups.
    database: BTreeSet<Country>,
    /// Where the broker of `[events.mqtt]` is.
    mqtt: BTreeSet<Country>,
    /// Where the collector of `[traces]` is.
    traces: BTreeSet<Country>,
}

/// Places that a server of this configuration has.
pub(crate) fn places(config: &Config) -> Vec<Place> {
    let said = &config.residency;
    let mqtt = config.events.mqtt.as_ref().map(|_| &said.mqtt);
    let traces = config.traces.as_ref().map(|_| &said.traces);
    let place = |what, countries: &BTreeSet<Country>| Place {
        what,
        countries: countries.clone(),
    };
    std::iter::once(place("the database", &said.database))
        .chain(mqtt.map(|at| place("the broker of [events.mqtt]", at)))
        .chain(traces.map(|at| place("the collector of [traces]", at)))
        .collect()
}
