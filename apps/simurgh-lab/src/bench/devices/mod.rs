//! The inventory with many devices against one with few: imports, searches, lists and
//! polls, as who asks has them, and in the store alone.

mod filled;
mod served;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use fleet::inventory::DeviceId;
use fleet::query::Query;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_crypto::software::Sealer;
use store::{EimHost, PostgresStore, SqliteStore, Store};

use super::measure::{Turns, compare, rate};
use super::polls;
use super::report::{Report, Row};
use super::setting::{Setting, TemporaryFolder, now};
use crate::Failure;
use filled::{eid, filled, imei, name};
use served::Served;

const FEW: u32 = 10_000;

/// It may take 1.2 times as long.
const GOAL: f64 = 1.0 / 1.2;

/// Devices of a page.
const PAGE: usize = 100;

/// What is asked for.
enum Question {
    /// The device with an IMEI, of all in turn.
    Imei,
    /// The first page of a search.
    Search(&'static str),
    /// A page of the list, behind each device in turn.
    List,
    /// A device by its name, in turn.
    Device,
    /// A device polls, in turn, and there is nothing to do.
    Poll,
}

const QUESTIONS: [(&str, Question); 7] = [
    ("a device by its IMEI", Question::Imei),
    (
        "the language's example, a page of 100",
        Question::Search("tier = safety_critical and country in (DE, AT) and last_contact > 2d"),
    ),
    (
        "devices of a site, a page of 100",
        Question::Search("site = 'Plant 7'"),
    ),
    (
        "a pattern that nothing indexes, a page of 100",
        Question::Search("model like *956 and not tag = pilot and cost > 1.5"),
    ),
    ("a page of 100 of the list, from anywhere", Question::List),
    ("a device by its identifier", Question::Device),
    ("a poll with nothing to do", Question::Poll),
];

/// Where the devices are.
#[derive(Clone, Copy)]
enum Place<'a> {
    Sqlite,
    /// Databases of this server, whose URL names any of them.
    Postgres(&'a str),
}

impl Place<'_> {
    const fn name(self) -> &'static str {
        match self {
            Place::Sqlite => "SQLite",
            Place::Postgres(_) => "PostgreSQL",
        }
    }

    /// Another database beside the one that is named.
    fn url(self, database: &str) -> Result<Option<String>, Failure> {
        let Place::Postgres(url) = self else {
            return Ok(None);
        };
        let (server, _) = url.rsplit_once('/').ok_or("not the URL of a database")?;
        Ok(Some(format!("{server}/{database}")))
    }

    fn open(
        self,
        folder: &Path,
        database: &str,
        sealer: Sealer,
    ) -> Result<Arc<dyn Store>, Failure> {
        Ok(match self.url(database)? {
            None => Arc::new(SqliteStore::open(&folder.join("simurgh.db"), sealer)?),
            Some(url) => Arc::new(PostgresStore::connect(url.parse()?, sealer)?),
        })
    }
}

/// Measures on both stores.
pub(super) fn run(setting: &Setting, many: u32, seconds: f64) -> Result<bool, Failure> {
    if cfg!(debug_assertions) {
        eprintln!("this is no release build: its figures say nothing");
    }
    let mut report = Report::default();
    measure(setting, Place::Sqlite, many, seconds, &mut report)?;
    match std::env::var("SIMURGH_TEST_POSTGRES") {
        Err(_) => eprintln!("no PostgreSQL (`cargo xtask bench scale` starts one)"),
        Ok(url) => measure(setting, Place::Postgres(&url), many, seconds, &mut report)?,
    }
    report.print()?;
    Ok(true)
}

fn measure(
    setting: &Setting,
    place: Place<'_>,
    many: u32,
    seconds: f64,
    report: &mut Report,
) -> Result<(), Failure> {
    let engine = place.name();
    let folder = TemporaryFolder::new()?;
    let sides = [("bench_few", FEW), ("bench_many", many)];
    let sides = sides.map(|(database, devices)| -> Result<_, Failure> {
        let folder = folder.path().join(database);
        let sealer = served::prepare(&folder)?;
        let store = place.open(&folder, database, sealer)?;
        let eim = filled(setting, engine, store, devices)?;
        Ok((database, folder, eim))
    });
    let [few, many_side] = sides;
    let ((few_name, few_folder, few), (many_name, many_folder, many_host)) = (few?, many_side?);
    let turns = || (Turns::of(many), Turns::of(FEW));
    let against = format!("the same at {FEW} devices");

    // The stores alone, of which a server would be the second user.
    let mut alone = Vec::new();
    for (what, question) in &QUESTIONS {
        eprintln!("measuring: {engine}: {what}: the store alone");
        let (mut next_many, mut next_few) = turns();
        let [compared] = compare(
            seconds,
            |time| Ok([rate(time, || ask(&many_host, question, next_many.next()))?]),
            |time| Ok([rate(time, || ask(&few, question, next_few.next()))?]),
        )?;
        alone.push(Row::ratio_without_goal(
            "  of it the store",
            &against,
            compared,
        ));
    }
    drop((few, many_host));

    let few = Served::start(&few_folder, place.url(few_name)?)?;
    let many_served = Served::start(&many_folder, place.url(many_name)?)?;
    for (served, devices) in [(&few, FEW), (&many_served, many)] {
        eprintln!("reading once: {engine}: {devices} devices");
        served.walk(devices)?;
    }
    for ((what, question), alone) in QUESTIONS.iter().zip(alone) {
        eprintln!("measuring: {engine}: {what}: request to response");
        let (mut next_many, mut next_few) = turns();
        let [compared] = compare(
            seconds,
            |time| Ok([rate(time, || many_served.ask(question, next_many.next()))?]),
            |time| Ok([rate(time, || few.ask(question, next_few.next()))?]),
        )?;
        let figure = format!("{engine}, {many} devices: {what}");
        report.add(Row::ratio(&figure, &against, compared, GOAL));
        report.add(alone);
    }
    Ok(())
}

/// Asks the store, or the eIM on it.
fn ask(eim: &EimHost, question: &Question, number: u32) -> Result<(), Failure> {
    match question {
        Question::Imei => {
            let query: Query = format!("imei = {}", imei(number)).parse()?;
            expect(eim, &query, None, 1)
        }
        Question::Search(query) => expect(eim, &query.parse()?, None, PAGE),
        Question::List => {
            let after = behind(number).parse()?;
            expect(eim, &Query::default(), Some(&after), PAGE)
        }
        Question::Device => {
            let device = eim.store().device(&name(number).parse()?)?;
            black_box(device.ok_or("a device is missing")?);
            Ok(())
        }
        Question::Poll => poll(eim, number),
    }
}

/// Behind which device a page begins: the last devices have fewer behind them.
fn behind(number: u32) -> String {
    name(number.saturating_sub(PAGE as u32 + 1))
}

/// A search that must find so many on its first page.
fn expect(
    eim: &EimHost,
    query: &Query,
    after: Option<&DeviceId>,
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
