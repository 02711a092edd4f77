//! The feed of events: nothing is missing in it, page by page and as a stream.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::asking::{Asker, eid};
use crate::postgres;
use crate::support::{Folder, Server};

/// How long an event may take from what happened to the feed.
const SOON: Duration = Duration::from_secs(20);

/// Writers that are let wait for no minute.
pub(crate) const UNLIMITED: [&str; 4] = [
    "--set",
    "door.requests_per_minute=1000000",
    "--set",
    "door.requests_per_minute_of_tenant=1000000",
];

pub(crate) fn add_device(asker: &Asker, number: u64) {
    let device = json!({"eid": eid(number), "counter_value": 0});
    assert_eq!(asker.post("/v1/devices", &device).status, 201);
}

/// The numbers of the events of a page.
fn numbers(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(number).collect()
}

fn number(event: &Value) -> i64 {
    event["sequence"].as_str().unwrap().parse().unwrap()
}

/// All events that are there by now.
pub(crate) fn feed(asker: &Asker, query: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), "0".to_string());
    loop {
        let page = asker.get(&format!("/v1/events?limit=7&after={after}{query}"));
        assert_eq!(page.status, 200);
        let page = page.json();
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = next.to_string(),
            None => return all,
        }
    }
}

/// Waits until so many of a type are in the feed.
pub(crate) fn wait_for(asker: &Asker, kind: &str, count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = feed(asker, &format!("&type={kind}"));
        if all.len() >= count {
            return all;
        }
        assert!(begun.elapsed() < SOON, "{all:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn pages_types_subjects_and_places() {
    let server = Server::start("door-feed", &[]);
    let asker = Asker::new(&server);
    assert_eq!(asker.get("/v1/events").json()["items"], json!([]));
    (1..=20).for_each(|number| add_device(&asker, number));
    let order = json!({"eid": eid(1), "operations": [{"kind": "get_rat"}]});
    assert_eq!(asker.post("/v1/operations", &order).status, 201);
    let queued = wait_for(&asker, "operation.queued", 1);
    assert_eq!(queued[0]["type"], "io.simurgh.operation.queued.v1");
    let all = feed(&asker, "");
    let counted: Vec<i64> = all.iter().map(number).collect();
    assert_eq!(counted, (1..=21).collect::<Vec<_>>());
    let subject = format!("devices/{}", eid(3));
    let one = feed(&asker, &format!("&subject={subject}"));
    assert_eq!(one.len(), 1);
    assert_eq!(one[0]["subject"], subject.as_str());
    let both = feed(&asker, "&type=operation.*,device.added");
    assert_eq!(both.len(), 21);

    // Of a page it is said where the next one is.
    let first = asker.get("/v1/events?limit=7&type=device.*");
    let link = first.headers["link"].to_str().unwrap();
    assert!(link.contains("after=7&limit=7&type=device.%2A"), "{link}");
    // From the end.
    let last = asker.get("/v1/events?after=-3").json();
    assert_eq!(numbers(&last), [19, 20, 21]);
    assert!(asker.get("/v1/events?after=-0").json()["items"] == json!([]));
    assert_eq!(
        numbers(&asker.get("/v1/events?after=-1000").json()).len(),
        21
    );

    for (wrong, field) in [
        ("after=x", "after"),
        ("after=--1", "after"),
        ("after=9223372036854775808", "after"),
        ("type=device", "type"),
        ("subject=a*b", "subject"),
        ("limit=0", "limit"),
    ] {
        let problem = asker.get(&format!("/v1/events?{wrong}")).problem(422);
        assert_eq!(problem["field"], field, "{wrong}");
    }
    asker.get("/v1/events/stream?type=device").problem(422);
    assert!(asker.get("/v1/events?after=9223372036854775807").json()["next"].is_null());
}

/// Two write at once, one reads, and the server is killed: what was acknowledged is
/// in the feed, and the numbers have no gap at any time.
#[test]
fn the_feed_has_no_gap() {
    let mut folder = Folder::new("door-gap");
    crate::support::run_in(&folder.0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let mut feed = Feed::default();
    for life in 0..4 {
        let server = Server::in_folder(folder, &UNLIMITED);
        let askers = [0, 1].map(|_| Asker::new(&server));
        let reader = Asker::new(&server);
        // As a power cut would, while they write.
        folder = feed.live(life, askers, &reader, || server.stop());
    }
    feed.check(&Asker::new(&Server::in_folder(folder, &[])));
}

/// The same with two servers on one database, of which one is killed and comes again
/// while the other one goes on.
#[test]
fn the_feed_of_two_servers_has_no_gap() {
    let Some(database) = postgres::database("door_feed") else {
        return;
    };
    let mut folders = ["door-feed-a", "door-feed-b"].map(Folder::new);
    crate::support::run_in(&folders[0].0, &["init", "--plain-ca", "--ports", "0,0,0"]);
    let file = folders[0].0.join("simurgh.toml");
    let mut settings = std::fs::read_to_string(&file).unwrap();
    settings.push_str(&format!("\n[store]\nurl = \"{database}\"\n"));
    std::fs::write(&file, settings).unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .args([folders[0].0.join("."), folders[1].0.clone()])
        .status();
    assert!(copied.unwrap().success());
    let mut feed = Feed::default();
    for life in 0..3 {
        let [killed, stays] = folders.map(|folder| Server::in_folder(folder, &UNLIMITED));
        let askers = [Asker::new(&killed), Asker::new(&stays)];
        let reader = Asker::new(&stays);
        let left = feed.live(life, askers, &reader, || {
            let left = killed.stop();
            // Whoever numbered is gone: the other one takes it over.
            std::thread::sleep(Duration::from_secs(1));
            left
        });
        folders = [stays.stop(), left];
    }
    let [one, _other] = folders;
    feed.check(&Asker::new(&Server::in_folder(one, &[])));
}

/// What was acknowledged and what was read.
#[derive(Default)]
struct Feed {
    acknowledged: BTreeSet<String>,
    read: Vec<Value>,
}

impl Feed {
    /// All write and one reads until `kill`, and then until it is through.
    fn live<T>(
        &mut self,
        life: u64,
        askers: [Asker; 2],
        reader: &Asker,
        kill: impl FnOnce() -> T,
    ) -> T {
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let ended = &ended;
            let writers = askers.into_iter().enumerate().map(|(writer, asker)| {
                let first = 1_000_000 * (writer as u64 + 1) + 10_000 * life;
                scope.spawn(move || write(&asker, first, ended))
            });
            let writers: Vec<_> = writers.collect();
            let until = Instant::now() + Duration::from_millis(1500);
            while Instant::now() < until {
                read_on(reader, &mut self.read);
            }
            let killed = kill();
            ended.store(true, Ordering::SeqCst);
            for writer in writers {
                self.acknowledged.extend(writer.join().unwrap());
            }
            killed
        })
    }

    fn check(mut self, asker: &Asker) {
        let begun = Instant::now();
        loop {
            read_on(asker, &mut self.read);
            let told: BTreeSet<String> = self.read.iter().filter_map(added).collect();
            if told.is_superset(&self.acknowledged) {
                // Nothing is there twice.
                assert_eq!(told.len(), self.read.iter().filter_map(added).count());
                break;
            }
            assert!(begun.elapsed() < SOON, "acknowledged, but not in the feed");
        }
        let (events, added) = (self.read.len(), self.acknowledged.len());
        println!("{added} devices acknowledged, {events} events, no gap");
        assert!(added >= 40, "{added}");
        // Who begins anew reads the same.
        assert_eq!(feed(asker, "")[..events], self.read);
    }
}

/// Adds devices until it ends, or the server does; gives those that were acknowledged.
fn write(asker: &Asker, first: u64, ended: &AtomicBool) -> Vec<String> {
    let mut added = Vec::new();
    for number in first.. {
        let device = json!({"eid": eid(number), "counter_value": 0});
        match asker.try_post("/v1/devices", &device) {
            _ if ended.load(Ordering::SeqCst) => break,
            Some(answer) => assert_eq!(answer.status, 201),
            // The last one may have got no answer.
            None => break,
        }
        added.push(eid(number));
    }
    added
}

/// What is new; the next number is always that of the one before and one.
fn read_on(asker: &Asker, read: &mut Vec<Value>) {
    let after = read.last().map_or(0, number);
    let page = asker.get(&format!("/v1/events?limit=1000&after={after}"));
    for event in page.json()["items"].as_array().unwrap() {
        assert_eq!(number(event), read.last().map_or(0, number) + 1);
        read.push(event.clone());
    }
}

fn added(event: &Value) -> Option<String> {
    let added = event["type"] == "io.simurgh.device.added.v1";
    let eid = event["data"]["eid"].as_str()?;
    added.then(|| eid.to_string())
}

/// curl, which reads a stream.
struct Stream {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stream {
    fn open(server: &Server, path: &str, last: Option<i64>) -> Self {
        let token = std::fs::read_to_string(server.folder().join("door.token")).unwrap();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--no-buffer", "--max-time", "60", "--cacert"])
            .arg(server.folder().join("pki/private_ca.pem"))
            .args([
                "--header",
                &format!("Authorization: Bearer {}", token.trim()),
            ]);
        if let Some(last) = last {
            curl.args(["--header", &format!("Last-Event-ID: {last}")]);
        }
        let curl = curl.arg(format!("{}{path}", server.url()));
        let mut child = curl.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Stream { child, lines }
    }

    /// The next event, whose parts say the same.
    fn next(&mut self) -> Value {
        let mut parts: [Option<String>; 3] = Default::default();
        loop {
            let Some(line) = self.lines.next() else {
                panic!("the stream ended");
            };
            let line = line.unwrap();
            match line.split_once(": ") {
                Some(("id", id)) => parts[0] = Some(id.to_string()),
                Some(("event", kind)) => parts[1] = Some(kind.to_string()),
                Some(("data", data)) => parts[2] = Some(data.to_string()),
                _ if line.is_empty() && parts[2].is_some() => break,
                _ => {}
            }
        }
        let [Some(id), Some(kind), Some(data)] = parts else {
            panic!("{parts:?}");
        };
        let event: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(number(&event).to_string(), id);
        assert_eq!(event["type"], kind.as_str());
        event
    }

    fn next_numbers(&mut self, count: usize) -> Vec<i64> {
        (0..count).map(|_| number(&self.next())).collect()
    }
}

#[test]
fn a_stream_goes_on_where_it_was() {
    let server = Server::start("door-stream", &[]);
    let asker = Asker::new(&server);
    add_device(&asker, 1);
    let mut stream = Stream::open(&server, "/v1/events/stream", None);
    assert_eq!(number(&stream.next()), 1);
    // What happens while it is open comes.
    add_device(&asker, 2);
    assert_eq!(number(&stream.next()), 2);
    // The connection is lost, much happens, and nothing is missed.
    drop(stream);
    (3..=30).for_each(|number| add_device(&asker, number));
    let mut stream = Stream::open(&server, "/v1/events/stream?after=20", Some(2));
    assert_eq!(stream.next_numbers(28), (3..=30).collect::<Vec<_>>());
    let mut others = Stream::open(
        &server,
        "/v1/events/stream?type=device.removed&after=-5",
        None,
    );
    let path = format!("/v1/devices/{}", eid(7));
    assert_eq!(asker.send("DELETE", &path, &[], b"").status, 204);
    assert_eq!(number(&others.next()), 31);
    assert_eq!(number(&stream.next()), 31);

    // The server is killed: the stream ends, and goes on at another one.
    let folder = server.stop();
    assert!(
        stream
            .lines
            .next()
            .is_none_or(|line| line.is_err() || line.unwrap().is_empty())
    );
    let server = Server::in_folder(folder, &[]);
    add_device(&Asker::new(&server), 31);
    let mut stream = Stream::open(&server, "/v1/events/stream", Some(30));
    assert_eq!(stream.next_numbers(2), [31, 32]);
}

/// Who asks for what is forgotten is told so, and not given less than there was.
#[test]
fn what_is_forgotten_is_said() {
    let server = Server::start("door-forgotten", &[]);
    let asker = Asker::new(&server);
    (1..=3).for_each(|number| add_device(&asker, number));
    wait_for(&asker, "device.added", 3);
    // A server that keeps nothing looks for what is old when it begins.
    let server = Server::in_folder(server.stop(), &["--set", "events.keep_days=0"]);
    let asker = Asker::new(&server);
    let begun = Instant::now();
    while asker.get("/v1/events?after=1").status != 410 {
        assert!(begun.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(100));
    }
    let problem = asker.get("/v1/events?after=1").problem(410);
    assert!(problem["detail"].as_str().unwrap().contains("up to 3"));
    let said = [("last-event-id", "2")];
    asker
        .send("GET", "/v1/events/stream", &said, b"")
        .problem(410);
    // Who was there in time goes on, with the numbers that follow.
    add_device(&asker, 4);
    while numbers(&asker.get("/v1/events?after=3").json()) != [4] {
        assert!(begun.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(numbers(&asker.get("/v1/events").json()), [4]);
}
