//! The inventory with many devices against one with few: imports, searches, lists and
//! polls.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use fleet::inventory::{Association, Device, Modem, Profile, Sim, Tier};
use fleet::query::Query;
use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::Timestamp;
use rsp_crypto::software::Sealer;
use store::{EimHost, ImportedDevice, PostgresStore, SqliteStore, Store};

use super::measure::{Turns, compare, rate};
use super::polls;
use super::report::{Report, Row};
use super::setting::{Setting, now};
use crate::Failure;

const FEW: u32 = 10_000;

/// It may take 1.2 times as long.
const GOAL: f64 = 1.0 / 1.2;

/// Rows that are put aside at once.
const PART: usize = 2000;

/// Devices of a page.
const PAGE: usize = 100;

/// What is searched for, and what that is.
const SEARCHES: [(&str, &str); 3] = [
    (
        "the language's example, a page of 100",
        "tier = safety_critical and country in (DE, AT) and last_contact > 2d",
    ),
    ("devices of a site, a page of 100", "site = 'Plant 7'"),
    (
        "a pattern that nothing indexes, a page of 100",
        "model like *956 and not tag = pilot and cost > 1.5",
    ),
];

/// Measures on both stores.
pub(super) fn run(setting: &Setting, many: u32, seconds: f64) -> Result<bool, Failure> {
    if cfg!(debug_assertions) {
        eprintln!("this is no release build: its figures say nothing");
    }
    let mut report = Report::default();
    let folder = Folder::new()?;
    let sqlite = |name: &str| -> Result<Arc<dyn Store>, Failure> {
        let path = folder.0.join(name);
        Ok(Arc::new(SqliteStore::open(&path, Sealer::new([1; 32]))?))
    };
    measure(
        setting,
        "SQLite",
        [sqlite("many")?, sqlite("few")?],
        many,
        seconds,
        &mut report,
    )?;
    match std::env::var("SIMURGH_TEST_POSTGRES") {
        Err(_) => eprintln!("no PostgreSQL (`cargo xtask bench scale` starts one)"),
        Ok(url) => {
            let stores = [connect(&url, "bench_many")?, connect(&url, "bench_few")?];
            measure(setting, "PostgreSQL", stores, many, seconds, &mut report)?;
        }
    }
    report.print()?;
    Ok(true)
}

/// A database beside the one that is named.
fn connect(url: &str, name: &str) -> Result<Arc<dyn Store>, Failure> {
    let (server, _) = url.rsplit_once('/').ok_or("not the URL of a database")?;
    let settings = format!("{server}/{name}").parse()?;
    Ok(Arc::new(PostgresStore::connect(
        settings,
        Sealer::new([1; 32]),
    )?))
}

/// Removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("simurgh-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn measure(
    setting: &Setting,
    engine: &str,
    [many_store, few_store]: [Arc<dyn Store>; 2],
    many: u32,
    seconds: f64,
    report: &mut Report,
) -> Result<(), Failure> {
    let few = filled(setting, engine, few_store, FEW)?;
    let many_host = filled(setting, engine, many_store, many)?;
    let against = "the same at 10 000 devices";
    let mut row = |what: &str, work: &dyn Fn(&EimHost, u32) -> Result<(), Failure>| {
        eprintln!("measuring: {engine}: {what}");
        let (mut next_many, mut next_few) = (Turns::of(many), Turns::of(FEW));
        let [compared] = compare(
            seconds,
            |time| Ok([rate(time, || work(&many_host, next_many.next()))?]),
            |time| Ok([rate(time, || work(&few, next_few.next()))?]),
        )?;
        let name = format!("{engine}, {many} devices: {what}");
        report.add(Row::ratio(&name, against, compared, GOAL));
        Ok::<(), Failure>(())
    };
    row("a device by its IMEI", &|eim, number| {
        let query: Query = format!("imei = {}", imei(number)).parse()?;
        expect(eim, &query, None, 1)
    })?;
    for (what, query) in SEARCHES {
        let query: Query = query.parse()?;
        row(what, &|eim, _| expect(eim, &query, None, PAGE))?;
    }
    row(
        "a page of 100 of the list, from anywhere",
        &|eim, number| {
            // The last devices have fewer behind them.
            let after = name(number.saturating_sub(PAGE as u32 + 1)).parse()?;
            expect(eim, &Query::default(), Some(&after), PAGE)
        },
    )?;
    row("a device by its identifier", &|eim, number| {
        let device = eim.store().device(&name(number).parse()?)?;
        black_box(device.ok_or("a device is missing")?);
        Ok(())
    })?;
    row("a poll with nothing to do", &|eim, number| {
        poll(eim, number)
    })
}

/// A search that must find so many on its first page.
fn expect(
    eim: &EimHost,
    query: &Query,
    after: Option<&fleet::inventory::DeviceId>,
    count: usize,
) -> Result<(), Failure> {
    let page = eim.store().search(query, after, count, now())?;
    match page.devices.len() == count {
        true => Ok(()),
        false => Err(format!("{query}: {} devices", page.devices.len()).into()),
    }
}

fn poll(eim: &EimHost, number: u32) -> Result<(), Failure> {
    let message = EsipaMessageFromIpaToEim::GetEimPackageRequest(polls::request(eid(number)?));
    match black_box(eim.handle_idle(&message, now())) {
        Some(_) => Ok(()),
        None => Err("the eIM has something to do".into()),
    }
}

/// An eIM whose devices came by an import and have polled since.
fn filled(
    setting: &Setting,
    engine: &str,
    store: Arc<dyn Store>,
    devices: u32,
) -> Result<EimHost, Failure> {
    eprintln!("importing: {engine}: {devices} devices");
    let began = Instant::now();
    let eim = EimHost::new(setting.eim()?, store)?;
    let mut part = Vec::new();
    for number in 0..devices {
        let line = u64::from(number) + 2;
        let device = device(number)?;
        part.push(ImportedDevice { line, device });
        if part.len() == PART || number + 1 == devices {
            let wrong = eim.store().stage_devices("bench", &part, now())?;
            if let Some(wrong) = wrong.first() {
                return Err(wrong.to_string().into());
            }
            part.clear();
        }
    }
    let staged = began.elapsed();
    let switched = eim.switch_import("bench", now(), &mut |_| ())?;
    if switched.added != u64::from(devices) || switched.euiccs != u64::from(devices) {
        return Err(format!("{switched:?}").into());
    }
    eprintln!(
        "imported: {engine}: {devices} devices in {:.1} s, of it {:.1} s the switch",
        began.elapsed().as_secs_f64(),
        (began.elapsed() - staged).as_secs_f64(),
    );
    contacts(&eim, devices)?;
    Ok(eim)
}

/// One device in five was silent for three days.
fn contacts(eim: &EimHost, devices: u32) -> Result<(), Failure> {
    let mut contacts = Vec::new();
    for number in 0..devices {
        let silent = if number % 5 == 0 { 3 * 86_400_000 } else { 0 };
        contacts.push((eid(number)?, Timestamp(now().0 - silent)));
        if contacts.len() == PART || number + 1 == devices {
            eim.store().put_contacts(&contacts)?;
            contacts.clear();
        }
    }
    Ok(())
}

fn name(number: u32) -> String {
    format!("device-{number:08}")
}

fn eid(number: u32) -> Result<Eid, Failure> {
    Ok(Eid::with_check_digits(&format!("8904{number:026}"))?)
}

/// Without its check digit, which is added.
fn imei(number: u32) -> String {
    let imei: Result<rsp_asn1::ids::Imei, _> = format!("35{number:012}").parse();
    imei.map(|imei| imei.to_string()).unwrap_or_default()
}

/// A router as fleets have them: a modem, an eUICC for this eIM, a profile.
fn device(number: u32) -> Result<Device, Failure> {
    let of = |texts: &[&str]| {
        texts
            .get(number as usize % texts.len())
            .map(|text| text.parse())
    };
    let mut sim = Sim::euicc(eid(number)?);
    sim.eim = Some(Association::default());
    let iccid = rsp_asn1::ids::Iccid::with_check_digit(&format!("8949{number:015}"))?;
    let mut profile = Profile::new(iccid);
    profile.imsis = vec![format!("26201{number:010}").parse()?];
    profile.operator = of(&["Nordnetz", "Suedfunk"]).transpose()?;
    profile.cost = Some("2.5 EUR".parse()?);
    sim.profiles.push(profile);
    let country = ["DE", "AT", "CH", "FR", "PL", "IT", "ES"].get(number as usize % 7);
    Ok(Device {
        serial: Some(format!("S{number:010}").parse()?),
        model: of(&["RUT956", "RUT241", "MG-1"]).transpose()?,
        tier: Tier::ALL.get(number as usize % 3).copied(),
        site: Some(format!("Plant {}", number % 50).parse()?),
        country: country.map(|country| country.parse()).transpose()?,
        // As many as nothing else has, so that all of it comes together.
        tags: of(&["pilot", "field", "lab", "shop"])
            .transpose()?
            .into_iter()
            .collect(),
        modems: vec![Modem {
            imei: Some(imei(number).parse()?),
            ..Modem::default()
        }],
        sims: vec![sim],
        ..Device::new(name(number).parse()?)
    })
}
