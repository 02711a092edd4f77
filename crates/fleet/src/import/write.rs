//! What goes out, as it comes in.

use std::fmt::Display;

use super::columns::{COLUMNS, More};
use crate::inventory::{Device, Modem, Profile, Sim};
use crate::query::of_seconds;

/// Columns that go out: not what is the eIM's own.
fn columns() -> impl Iterator<Item = &'static str> {
    let own = ["association_token", "counter_value", "emulated"];
    let names = COLUMNS.iter().map(|(name, _)| *name);
    names.filter(move |name| !own.contains(name))
}

/// The first line of a table, with its end.
pub fn csv_header() -> String {
    let names: Vec<_> = columns().collect();
    format!("{}\r\n", names.join(","))
}

/// A device as a line of a table, with its end. What has no column is in the last
/// one.
pub fn csv_line(device: &Device) -> String {
    let mut modems = device.modems.iter();
    let mut sims = device.sims.iter();
    let (modem, sim) = (modems.next(), sims.next());
    let mut profiles = sim.iter().flat_map(|sim| &sim.profiles);
    let profile = profiles.next();
    let more = More {
        modems: modems.cloned().collect(),
        sims: sims.cloned().collect(),
        profiles: profiles.cloned().collect(),
    };
    let cells = columns().map(|name| {
        let cell = head(device, name)
            .or_else(|| modem.and_then(|modem| of_modem(modem, name)))
            .or_else(|| sim.and_then(|sim| of_sim(sim, name)))
            .or_else(|| profile.and_then(|profile| of_profile(profile, name)));
        match name {
            "more" => more_cell(&more),
            _ => quoted(&cell.unwrap_or_default()),
        }
    });
    let cells: Vec<_> = cells.collect();
    format!("{}\r\n", cells.join(","))
}

fn more_cell(more: &More) -> String {
    let nothing = more.modems.is_empty() && more.sims.is_empty() && more.profiles.is_empty();
    match (nothing, serde_json::to_string(more)) {
        (false, Ok(json)) => quoted(&json),
        _ => String::new(),
    }
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r', '\'']) || cell.trim() != cell {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_string(),
    }
}

fn text<T: Display>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn list<T: Display>(values: impl IntoIterator<Item = T>) -> Option<String> {
    let escaped = |value: T| value.to_string().replace('\\', "\\\\").replace(';', "\\;");
    let values: Vec<_> = values.into_iter().map(escaped).collect();
    Some(values.join(";"))
}

fn flag(value: bool) -> Option<String> {
    value.then(|| "true".to_string())
}

fn head(device: &Device, name: &str) -> Option<String> {
    match name {
        "id" => Some(device.id.to_string()),
        "serial" => text(device.serial.as_ref()),
        "model" => text(device.model.as_ref()),
        "tier" => text(device.tier.as_ref()),
        "site" => text(device.site.as_ref()),
        "country" => text(device.country.as_ref()),
        "owner" => text(device.owner.as_ref()),
        "tags" => list(&device.tags),
        "poll_interval" => device
            .poll_interval
            .map(|seconds| of_seconds(seconds.into())),
        _ => None,
    }
}

fn of_modem(modem: &Modem, name: &str) -> Option<String> {
    match name {
        "imei" => text(modem.imei.as_ref()),
        "modem_model" => text(modem.model.as_ref()),
        "modem_firmware" => text(modem.firmware.as_ref()),
        "technologies" => list(&modem.technologies),
        "bands" => list(&modem.bands),
        _ => None,
    }
}

fn of_sim(sim: &Sim, name: &str) -> Option<String> {
    match name {
        "sim" => text(Some(&sim.kind)),
        "eid" => text(sim.eid.as_ref()),
        "form_factor" => text(sim.form_factor.as_ref()),
        "grade" => text(sim.grade.as_ref()),
        "state" => text(Some(&sim.state)),
        "standards" => list(&sim.standards),
        "ipa" => text(sim.ipa.as_ref()),
        "free_memory" => text(sim.free_memory.as_ref()),
        "package_version" => text(sim.package_version.as_ref()),
        "ci_keys" => list(&sim.ci_keys),
        "euicc_firmware" => text(sim.firmware.as_ref()),
        _ => None,
    }
}

fn of_profile(profile: &Profile, name: &str) -> Option<String> {
    match name {
        "iccid" => Some(profile.iccid.to_string()),
        "imsis" => list(&profile.imsis),
        "operator" => text(profile.operator.as_ref()),
        "tariff" => text(profile.tariff.as_ref()),
        "cost" => text(profile.cost.as_ref()),
        "residency" => text(profile.residency.as_ref()),
        "profile_state" => text(profile.state.as_ref()),
        "bootstrap" => flag(profile.bootstrap),
        "fallback" => flag(profile.fallback),
        _ => None,
    }
}
