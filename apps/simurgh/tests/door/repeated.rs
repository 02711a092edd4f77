//! Requests that come again at another server process, or after a restart; and limits
//! that several processes count together.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::asking::{Answer, Asker, EID, JSON};
use crate::postgres;
use crate::support::{Folder, Server};

/// How long something may take to be in the database.
const SOON: Duration = Duration::from_secs(20);

fn keyed(asker: &Asker, key: &str, path: &str, body: &Value) -> Option<Answer> {
    let headers = [JSON, ("idempotency-key", key)];
    asker.try_send("POST", path, &headers, body.to_string().as_bytes())
}

fn watcher() -> Value {
    json!({"name": "watcher", "role": "viewer"})
}

fn order() -> Value {
    json!({"eid": EID, "operation": {"kind": "get_rat"}})
}

/// Two servers on one database, each in a folder of its own as on two machines.
fn two(name: &str, database: &str, set: &[&str]) -> [Server; 2] {
    let store = format!("store.url={database}");
    let serve = [&["--set", &store], set].concat();
    let first = Server::start(name, &serve);
    let folder = Folder::new(&format!("{name}-beside"));
    let copied = Command::new("cp")
        .arg("-a")
        .arg(first.folder().join("."))
        .arg(&folder.0)
        .status();
    assert!(copied.unwrap().success());
    [first, Server::in_folder(folder, &serve)]
}

/// The database behind the servers.
struct Behind {
    runtime: tokio::runtime::Runtime,
    client: tokio_postgres::Client,
}

impl Behind {
    fn new(test: &str) -> Self {
        let server = std::env::var("SIMURGH_TEST_POSTGRES").unwrap();
        // What the connection does it does beside this thread.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let connected = tokio_postgres::connect(&server, tokio_postgres::NoTls);
            let (client, connection) = connected.await.unwrap();
            tokio::spawn(connection);
            client
        });
        let behind = Behind { runtime, client };
        behind.run(&format!("SET search_path = {test}_{}", std::process::id()));
        behind
    }

    fn run(&self, sql: &str) {
        self.runtime
            .block_on(self.client.batch_execute(sql))
            .unwrap();
    }

    fn count(&self, rows: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {rows}");
        let row = self.runtime.block_on(self.client.query_one(&sql, &[]));
        row.unwrap().get(0)
    }

    fn wait_for(&self, rows: &str) {
        let begun = Instant::now();
        while self.count(rows) == 0 {
            assert!(begun.elapsed() < SOON, "no {rows}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As if nobody had been heard of for as long as a claim is held.
    fn time_passes(&self) {
        self.run("UPDATE request_key SET until = 0");
    }
}

#[test]
fn another_process_gives_the_first_answer_and_does_nothing_again() {
    let Some(database) = postgres::database("repeated") else {
        return;
    };
    let servers = two("repeated", &database, &[]);
    let [first, second] = [Asker::new(&servers[0]), Asker::new(&servers[1])];
    let made = keyed(&first, "one", "/v1/users", &watcher()).unwrap();
    assert_eq!(made.status, 201);
    let again = keyed(&second, "one", "/v1/users", &watcher()).unwrap();
    assert_eq!((again.status, &again.body), (made.status, &made.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["content-type"], made.headers["content-type"]);
    keyed(&second, "one", "/v1/users", &json!({}))
        .unwrap()
        .problem(422);
    // What is shown once stands in no row.
    let password = made.json()["one_time_password"]
        .as_str()
        .unwrap()
        .to_string();
    let behind = Behind::new("repeated");
    let shown = "request_key WHERE position('{}'::bytea in document) > 0";
    assert_eq!(behind.count(&shown.replace("{}", &password)), 0);
    assert_eq!(behind.count("request_key WHERE state = 'answered'"), 1);
}

#[test]
fn a_restart_forgets_no_answer() {
    let server = Server::start("repeated-restart", &[]);
    let made = keyed(&Asker::new(&server), "one", "/v1/users", &watcher()).unwrap();
    assert_eq!(made.status, 201);
    // As a power cut would end it.
    let server = Server::in_folder(server.stop(), &[]);
    let again = keyed(&Asker::new(&server), "one", "/v1/users", &watcher()).unwrap();
    assert_eq!((again.status, &again.body), (made.status, &made.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[test]
fn what_a_killed_process_had_not_done_is_done_by_another() {
    let Some(database) = postgres::database("repeated_undone") else {
        return;
    };
    let [first, second] = two("repeated-undone", &database, &[]);
    let (asker, other) = (Asker::new(&first), Asker::new(&second));
    let device = json!({"eid": EID, "counter_value": 0});
    assert_eq!(asker.post("/v1/devices", &device).status, 201);
    let behind = Behind::new("repeated_undone");
    behind.run("BEGIN; LOCK TABLE operation IN SHARE MODE");
    std::thread::scope(|scope| {
        let cut = scope.spawn(|| keyed(&asker, "one", "/v1/operations", &order()));
        behind.wait_for("pg_locks WHERE NOT granted AND relation = 'operation'::regclass");
        drop(first);
        assert!(cut.join().unwrap().is_none());
    });
    behind.run("COMMIT");
    // Nobody knows yet that it was killed.
    let running = keyed(&other, "one", "/v1/operations", &order()).unwrap();
    running.problem(409);
    assert_eq!(running.headers["retry-after"], "1");
    behind.time_passes();
    let done = keyed(&other, "one", "/v1/operations", &order()).unwrap();
    assert_eq!(done.status, 201, "{done:?}");
    assert!(!done.headers.contains_key("idempotency-replayed"));
    assert_eq!(behind.count("operation"), 1);
}

#[test]
fn what_a_killed_process_had_done_is_not_done_again() {
    let Some(database) = postgres::database("repeated_done") else {
        return;
    };
    let [first, second] = two("repeated-done", &database, &[]);
    let (asker, other) = (Asker::new(&first), Asker::new(&second));
    let device = json!({"eid": EID, "counter_value": 0});
    assert_eq!(asker.post("/v1/devices", &device).status, 201);
    let behind = Behind::new("repeated_done");
    // Between the work and its answer.
    behind.run(
        "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(3); RETURN NEW; END';
         CREATE TRIGGER later BEFORE UPDATE ON request_key
             FOR EACH ROW WHEN (NEW.state = 'answered') EXECUTE FUNCTION later()",
    );
    std::thread::scope(|scope| {
        let cut = scope.spawn(|| keyed(&asker, "one", "/v1/operations", &order()));
        behind.wait_for("request_key WHERE state = 'begun'");
        assert_eq!(behind.count("operation"), 1);
        drop(first);
        assert!(cut.join().unwrap().is_none());
    });
    behind.run("DROP TRIGGER later ON request_key");
    behind.time_passes();
    let lost = keyed(&other, "one", "/v1/operations", &order()).unwrap();
    let problem = lost.problem(409);
    assert_eq!(problem["title"], "answer lost", "{problem}");
    assert_eq!(behind.count("operation"), 1);
    // It is there for whoever looks, as the remedy says.
    let found = other.get(&format!("/v1/operations?eid={EID}")).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
}

#[test]
fn devices_are_counted_by_all_processes_together() {
    let Some(database) = postgres::database("repeated_touched") else {
        return;
    };
    let set = ["--set", "door.devices_per_hour=3"];
    let [first, second] = two("repeated-touched", &database, &set);
    let askers = [Asker::new(&first), Asker::new(&second)];
    let device = json!({"eid": EID, "counter_value": 0});
    assert_eq!(askers[0].post("/v1/devices", &device).status, 201);
    for turn in 0..3 {
        let ordered = askers[turn % 2].post("/v1/operations", &order());
        assert_eq!(ordered.status, 201, "{ordered:?}");
    }
    for asker in &askers {
        let refused = asker.post("/v1/operations", &order());
        refused.problem(429);
        let wait = refused.headers["retry-after"].to_str().unwrap();
        let wait: u64 = wait.parse().unwrap();
        assert!((1100..=1200).contains(&wait), "{wait}");
    }
}

fn rows(lines: std::ops::Range<u64>) -> Value {
    let row = |line: u64| json!({"line": line, "device": {"id": format!("d-{line}")}});
    json!({"rows": lines.map(row).collect::<Vec<_>>()})
}

/// How an import is when it is not under way any more.
fn settled(asker: &Asker, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let import = asker.get(path).json();
        match import["state"].as_str().unwrap() {
            "receiving" | "switching" => assert!(begun.elapsed() < SOON, "{import}"),
            _ => return import,
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_import_goes_on_at_another_process() {
    let Some(database) = postgres::database("repeated_import") else {
        return;
    };
    let [first, second] = two("repeated-import", &database, &[]);
    let (asker, other) = (Asker::new(&first), Asker::new(&second));
    let begun = asker.post("/v1/imports", &Value::Null).json();
    let path = format!("/v1/imports/{}", begun["id"].as_str().unwrap());
    let fill = format!("{path}/rows");
    assert_eq!(asker.post(&fill, &rows(1..3)).status, 200);
    let filled = other.post(&fill, &rows(3..6)).json();
    assert_eq!(filled["rows"], 5);
    let behind = Behind::new("repeated_import");
    behind.run("BEGIN; LOCK TABLE device IN SHARE MODE");
    let switch = format!("{path}/switch");
    assert_eq!(asker.post(&switch, &Value::Null).status, 202);
    behind.wait_for("pg_locks WHERE NOT granted AND relation = 'device'::regclass");
    assert_eq!(other.get(&path).json()["state"], "switching");
    drop(first);
    behind.run("COMMIT");
    // As if nobody had been heard of for half a minute.
    behind.run("UPDATE import SET at = 0");
    let interrupted = other.get(&path).json();
    assert_eq!(interrupted["state"], "interrupted", "{interrupted}");
    assert!(interrupted["remedy"].as_str().is_some(), "{interrupted}");
    assert_eq!(behind.count("device"), 0);
    assert_eq!(other.post(&switch, &Value::Null).status, 202);
    let done = settled(&other, &path);
    assert_eq!(
        (&done["state"], &done["added"]),
        (&json!("done"), &json!(5)),
        "{done}"
    );
    assert_eq!(behind.count("device"), 5);
    assert_eq!(other.send("DELETE", &path, &[], b"").status, 204);
    other.get(&path).problem(404);
}

/// Although SQLite does nothing else while it makes the rows the inventory.
#[test]
fn an_import_says_how_far_it_is() {
    let server = Server::start("repeated-import-progress", &[]);
    let asker = Asker::new(&server);
    let begun = asker.post("/v1/imports", &Value::Null).json();
    let path = format!("/v1/imports/{}", begun["id"].as_str().unwrap());
    for part in 0..10 {
        let lines = 1000 * part + 1..1000 * (part + 1) + 1;
        let filled = asker.post(&format!("{path}/rows"), &rows(lines));
        assert_eq!(filled.status, 200);
    }
    asker.post(&format!("{path}/switch"), &Value::Null);
    let seen = std::iter::repeat_with(|| asker.get(&path).json());
    let begins = |import: &Value| import["state"] == "switching" && import["through"] == 0;
    let mut seen = seen.skip_while(begins);
    let first = seen.next().unwrap();
    assert_eq!(first["state"], "switching", "{first}");
    assert_eq!(settled(&asker, &path)["added"], 10_000);
}

#[test]
fn an_import_that_a_restart_ended_says_so() {
    let server = Server::start("repeated-import-restart", &[]);
    let asker = Asker::new(&server);
    let begin = || {
        let begun = asker.post("/v1/imports", &Value::Null).json();
        format!("/v1/imports/{}", begun["id"].as_str().unwrap())
    };
    let (whole, cut) = (begin(), begin());
    for path in [&whole, &cut] {
        let lines = if path == &whole { 1..3 } else { 3..6 };
        assert_eq!(
            asker.post(&format!("{path}/rows"), &rows(lines)).status,
            200
        );
    }
    asker.post(&format!("{whole}/switch"), &Value::Null);
    assert_eq!(settled(&asker, &whole)["state"], "done");
    let server = Server::in_folder(server.stop(), &[]);
    let asker = Asker::new(&server);
    assert_eq!(settled(&asker, &whole)["added"], 2);
    let failed = settled(&asker, &cut);
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(failed["remedy"].as_str().is_some(), "{failed}");
    let late = asker.post(&format!("{cut}/rows"), &rows(6..7));
    late.problem(409);
}
