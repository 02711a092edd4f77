//! Columns of a table, and what they say of a device.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use super::error::RowError;
use crate::inventory::{Association, Device, DeviceId, Modem, Profile, ProfileState, Sim, SimKind};
use crate::query::{nearest, seconds};

/// Columns by their names, and what is in them. Those of modems and SIMs may have a
/// number behind them, `imei.2`: that of the second.
pub const COLUMNS: &[(&str, &str)] = &[
    ("id", "what the device is called; the EID if it is empty"),
    ("serial", "serial number of its maker"),
    ("model", "model"),
    (
        "tier",
        "safety_critical, production_critical or non_critical",
    ),
    ("site", "where it stands"),
    ("country", "two letters of ISO 3166-1"),
    ("owner", "whoever answers for it"),
    ("tags", "groups, separated by ;"),
    ("poll_interval", "how often it is expected to poll: 15m, 1d"),
    ("imei", "IMEI of a modem"),
    ("modem_model", "model of a modem"),
    ("modem_firmware", "firmware of a modem"),
    (
        "technologies",
        "gsm, umts, lte, lte_m, nb_iot, nr, redcap, satellite, separated by ;",
    ),
    ("bands", "bands of a modem, separated by ;"),
    ("sim", "euicc, sim or multi_imsi; euicc if there is an EID"),
    ("eid", "EID of an eUICC"),
    ("form_factor", "mff2, 2ff, 3ff, 4ff or isim"),
    ("grade", "consumer, industrial or automotive"),
    (
        "state",
        "inventory, test, active, standby, suspended or retired",
    ),
    ("standards", "sgp02, sgp22, sgp32, separated by ;"),
    ("ipa", "ipad or ipae"),
    ("free_memory", "octets for profiles"),
    (
        "package_version",
        "version of profile packages that it takes",
    ),
    ("ci_keys", "CI keys that it trusts, separated by ;"),
    ("euicc_firmware", "firmware of the SIM"),
    ("iccid", "ICCID of its profile, or of the SIM"),
    ("imsis", "IMSIs of the profile, separated by ;"),
    ("operator", "operator of the profile"),
    ("tariff", "tariff of the profile"),
    ("cost", "what it costs in a month: 1.50 EUR"),
    (
        "residency",
        "country in which its traffic leaves the network",
    ),
    ("profile_state", "enabled or disabled"),
    (
        "bootstrap",
        "true if it connects the device for the first time",
    ),
    ("fallback", "true if the eUICC falls back to it"),
    ("association_token", "for this eIM: the token of the eUICC"),
    (
        "counter_value",
        "for this eIM: the counterValue; if it is there, the eIM manages the eUICC",
    ),
    (
        "emulated",
        "for this eIM: true if the device answers for an eUICC of SGP.22",
    ),
    (
        "more",
        "what has no column: JSON with modems, sims and profiles",
    ),
];

/// Other names of columns.
const ALIASES: [(&str, &str); 4] = [
    ("imsi", "imsis"),
    ("tag", "tags"),
    ("technology", "technologies"),
    ("band", "bands"),
];

/// A column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    name: &'static str,
    /// Of which modem or SIM, from 0.
    place: usize,
    /// As it is written in the file.
    written: String,
}

/// The columns that the first line names.
pub(super) fn header(line: u64, cells: &[String]) -> Result<Vec<Column>, RowError> {
    let mut columns: Vec<Column> = Vec::new();
    for cell in cells {
        let wrong = |what: String, remedy: &str| RowError::new(line, what, remedy).in_column(cell);
        let lower = cell.to_lowercase();
        let (name, place) = match lower.rsplit_once('.') {
            Some((name, place)) => (name, place.parse::<usize>().ok()),
            None => (lower.as_str(), Some(1)),
        };
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        let name = alias.map_or(name, |(_, name)| name);
        let known = COLUMNS.iter().find(|(known, _)| *known == name);
        let Some((name, _)) = known else {
            let meant = nearest(name, COLUMNS.iter().map(|(name, _)| *name));
            let remedy = match meant {
                Some(meant) => format!("did you mean {meant}?"),
                None => "leave it out, or put it into tags".to_string(),
            };
            return Err(wrong("there is no such column".to_string(), &remedy));
        };
        let Some(place) = place.filter(|place| (1..=16).contains(place)) else {
            return Err(wrong(
                "no such number".to_string(),
                "number modems and SIMs from 1 to 16",
            ));
        };
        let place = place - 1;
        if columns
            .iter()
            .any(|one| one.name == *name && one.place == place)
        {
            return Err(wrong("it is there twice".to_string(), "leave one out"));
        }
        columns.push(Column {
            name,
            place,
            written: cell.clone(),
        });
    }
    let names_devices = |column: &Column| ["id", "eid"].contains(&column.name);
    match columns.iter().any(names_devices) {
        true => Ok(columns),
        false => Err(RowError::new(
            line,
            "no column id or eid: the first line names the columns",
            "add one, or give JSON",
        )),
    }
}

/// A row under its columns.
pub(super) fn from_cells(
    line: u64,
    columns: &[Column],
    cells: &[String],
) -> Result<Device, RowError> {
    if cells.len() > columns.len() {
        let what = format!("{} cells, and {} columns", cells.len(), columns.len());
        let remedy = "put texts with commas in quotes";
        return Err(RowError::new(line, what, remedy));
    }
    let mut draft = Draft::default();
    for (column, cell) in columns.iter().zip(cells) {
        if !cell.is_empty() {
            draft.set(column, cell).map_err(|what| {
                RowError::new(line, what, help(column.name)).in_column(&column.written)
            })?;
        }
    }
    draft.finish().map_err(|wrong| wrong.at(line))
}

fn help(name: &str) -> &'static str {
    let column = COLUMNS.iter().find(|(known, _)| *known == name);
    column.map_or("correct it", |(_, help)| help)
}

/// An object of JSON; its `id` may be absent as in a table.
pub(super) fn from_json(line: u64, text: &[u8]) -> Result<Device, RowError> {
    let wrong = |error: serde_json::Error| {
        let what = error.to_string();
        // The library counts within the object.
        let what = what
            .split(" at line")
            .next()
            .unwrap_or_default()
            .to_string();
        RowError::new(line, what, "see the device of the API for its members")
    };
    let mut value: serde_json::Value = serde_json::from_slice(text).map_err(wrong)?;
    if let Some(members) = value.as_object_mut()
        && !members.contains_key("id")
    {
        let sims = members.get("sims").and_then(|sims| sims.as_array());
        let eid = sims
            .into_iter()
            .flatten()
            .find_map(|sim| sim.get("eid"))
            .cloned();
        members.extend(eid.map(|eid| ("id".to_string(), eid)));
    }
    let device: Device = serde_json::from_value(value).map_err(wrong)?;
    match device.check() {
        Ok(()) => Ok(device),
        Err(what) => Err(RowError::new(line, what, "correct the device")),
    }
}

/// Something about a whole row.
struct Wrong(String, &'static str);

impl Wrong {
    fn at(self, line: u64) -> RowError {
        RowError::new(line, self.0, self.1)
    }
}

/// A device that is being put together.
#[derive(Default)]
struct Draft {
    id: Option<DeviceId>,
    head: Head,
    modems: Vec<Modem>,
    sims: Vec<DraftSim>,
    more: More,
}

#[derive(Default)]
struct Head {
    serial: Option<crate::inventory::Text>,
    model: Option<crate::inventory::Text>,
    tier: Option<crate::inventory::Tier>,
    site: Option<crate::inventory::Text>,
    country: Option<crate::inventory::Country>,
    owner: Option<crate::inventory::Text>,
    tags: BTreeSet<crate::inventory::Text>,
    poll_interval: Option<u32>,
}

/// A SIM whose kind and profile are not known yet.
#[derive(Default)]
struct DraftSim {
    kind: Option<SimKind>,
    sim: Option<Sim>,
    iccid: Option<rsp_asn1::ids::Iccid>,
    profile: Option<Profile>,
    eim: Option<Association>,
    managed: bool,
}

/// What has no column: further modems and SIMs, and further profiles of the first.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct More {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) modems: Vec<Modem>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sims: Vec<Sim>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) profiles: Vec<Profile>,
}

fn read<T: FromStr<Err: Display>>(cell: &str) -> Result<Option<T>, String> {
    cell.parse()
        .map(Some)
        .map_err(|error: T::Err| error.to_string())
}

/// Items with `;` between them; a backslash takes the next character as it is.
fn list<T: FromStr<Err: Display>, C: FromIterator<T>>(cell: &str) -> Result<C, String> {
    let mut items = vec![String::new()];
    let mut chars = cell.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            ';' => {
                items.push(String::new());
                continue;
            }
            '\\' => chars.next().unwrap_or('\\'),
            c => c,
        };
        if let Some(last) = items.last_mut() {
            last.push(c);
        }
    }
    let items = items.iter().map(|item| item.trim());
    let read = |item: &str| {
        item.parse()
            .map_err(|error: T::Err| format!("{item}: {error}"))
    };
    items.filter(|item| !item.is_empty()).map(read).collect()
}

impl Draft {
    fn set(&mut self, column: &Column, cell: &str) -> Result<(), String> {
        let head = &mut self.head;
        match column.name {
            "id" => self.id = read(cell)?,
            "serial" => head.serial = read(cell)?,
            "model" => head.model = read(cell)?,
            "tier" => head.tier = read(cell)?,
            "site" => head.site = read(cell)?,
            "country" => head.country = read(cell)?,
            "owner" => head.owner = read(cell)?,
            "tags" => head.tags = list(cell)?,
            "poll_interval" => {
                let read = seconds(cell).and_then(|seconds| u32::try_from(seconds).ok());
                head.poll_interval = Some(read.ok_or("it is no span of time")?);
            }
            "more" => self.more = serde_json::from_str(cell).map_err(|error| error.to_string())?,
            name if is_of_modem(name) => {
                place(&mut self.modems, column.place)
                    .map_or(Ok(()), |modem| set_modem(modem, name, cell))?;
            }
            name => {
                place(&mut self.sims, column.place).map_or(Ok(()), |sim| sim.set(name, cell))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Device, Wrong> {
        let mut sims = Vec::new();
        for draft in self.sims {
            sims.push(draft.finish()?);
        }
        if let Some(first) = sims.first_mut() {
            first.profiles.extend(self.more.profiles);
        } else if !self.more.profiles.is_empty() {
            return Err(Wrong(
                "profiles of no SIM".to_string(),
                "give them with a SIM",
            ));
        }
        sims.extend(self.more.sims);
        let mut modems = self.modems;
        modems.extend(self.more.modems);
        let eid = sims.iter().find_map(|sim| sim.eid);
        let of_eid = || eid.map(DeviceId::from);
        let id = self.id.or_else(of_eid);
        let id = id.ok_or(Wrong("neither id nor EID".to_string(), "give one of them"))?;
        let head = self.head;
        let device = Device {
            serial: head.serial,
            model: head.model,
            tier: head.tier,
            site: head.site,
            country: head.country,
            owner: head.owner,
            tags: head.tags,
            poll_interval: head.poll_interval,
            modems,
            sims,
            ..Device::new(id)
        };
        let checked = device.check();
        checked.map_err(|what| Wrong(what.to_string(), "correct the device"))?;
        Ok(device)
    }
}

/// The part with this number; those before it are there, too.
fn place<T: Default>(parts: &mut Vec<T>, at: usize) -> Option<&mut T> {
    while parts.len() <= at {
        parts.push(T::default());
    }
    parts.get_mut(at)
}

fn is_of_modem(name: &str) -> bool {
    [
        "imei",
        "modem_model",
        "modem_firmware",
        "technologies",
        "bands",
    ]
    .contains(&name)
}

fn set_modem(modem: &mut Modem, name: &str, cell: &str) -> Result<(), String> {
    match name {
        "imei" => modem.imei = read(cell)?,
        "modem_model" => modem.model = read(cell)?,
        "modem_firmware" => modem.firmware = read(cell)?,
        "technologies" => modem.technologies = list(cell)?,
        _ => modem.bands = list(cell)?,
    }
    Ok(())
}

fn truth(cell: &str) -> Result<bool, String> {
    match cell.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("it is neither true nor false".to_string()),
    }
}

impl DraftSim {
    fn set(&mut self, name: &str, cell: &str) -> Result<(), String> {
        let sim = self.sim.get_or_insert_with(|| Sim::new(SimKind::Euicc));
        match name {
            "sim" => self.kind = read(cell)?,
            "eid" => sim.eid = read(cell)?,
            "form_factor" => sim.form_factor = read(cell)?,
            "grade" => sim.grade = read(cell)?,
            "state" => sim.state = cell.parse().map_err(|error| format!("{error}"))?,
            "standards" => sim.standards = list(cell)?,
            "ipa" => sim.ipa = read(cell)?,
            "free_memory" => sim.free_memory = read(cell)?,
            "package_version" => sim.package_version = read(cell)?,
            "ci_keys" => sim.ci_keys = list(cell)?,
            "euicc_firmware" => sim.firmware = read(cell)?,
            "iccid" => self.iccid = read(cell)?,
            "association_token" => self.eim().association_token = read(cell)?,
            "counter_value" => {
                self.managed = true;
                self.eim().counter_value = cell.parse().map_err(|_| "it is no number")?;
            }
            "emulated" => self.eim().emulated = truth(cell)?,
            name => self.set_profile(name, cell)?,
        }
        Ok(())
    }

    fn eim(&mut self) -> &mut Association {
        self.eim.get_or_insert_default()
    }

    fn set_profile(&mut self, name: &str, cell: &str) -> Result<(), String> {
        // Its ICCID comes at the end.
        let blank = || Profile::new(rsp_asn1::ids::Iccid::from_swapped([0; 10]));
        let profile = self.profile.get_or_insert_with(blank);
        match name {
            "imsis" => profile.imsis = list(cell)?,
            "operator" => profile.operator = read(cell)?,
            "tariff" => profile.tariff = read(cell)?,
            "cost" => profile.cost = read(cell)?,
            "residency" => profile.residency = read(cell)?,
            "profile_state" => profile.state = read::<ProfileState>(cell)?,
            "bootstrap" => profile.bootstrap = truth(cell)?,
            _ => profile.fallback = truth(cell)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Sim, Wrong> {
        let mut sim = self.sim.unwrap_or_else(|| Sim::new(SimKind::Sim));
        let guess = match sim.eid {
            Some(_) => SimKind::Euicc,
            None => SimKind::Sim,
        };
        sim.kind = self.kind.unwrap_or(guess);
        sim.profiles = match (self.iccid, self.profile) {
            (Some(iccid), Some(profile)) => vec![Profile { iccid, ..profile }],
            (Some(iccid), None) => vec![Profile::new(iccid)],
            (None, None) => Vec::new(),
            (None, Some(_)) => {
                return Err(Wrong(
                    "a profile without its ICCID".to_string(),
                    "give iccid, or leave out what is said of the profile",
                ));
            }
        };
        sim.eim = match (self.eim, self.managed) {
            (Some(eim), true) => Some(eim),
            // A column for all, and nothing in it for this one.
            (
                None
                | Some(Association {
                    association_token: None,
                    emulated: false,
                    ..
                }),
                false,
            ) => None,
            _ => {
                return Err(Wrong(
                    "an eUICC for this eIM without its counterValue".to_string(),
                    "give counter_value as in the eIM configuration data, often 0",
                ));
            }
        };
        Ok(sim)
    }
}
