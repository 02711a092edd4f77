//! CAMARA eSIM Profile Management, held against its definition and its scenarios.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::asking::{Answer, Asker, JSON};
use crate::field::Site;
use crate::support::Server;
use crate::{receiver, schemathesis};

const ROOT: &str = "/camara/esim-profile-management/vwip";
const NOBODY: &str = "89049032000000000000000000000357";
const FIRST: &str = "89999700000000000010";
const SECOND: &str = "89999700000000000028";
const ABSENT: &str = "89999700000000000036";
const CORRELATOR: &str = "b4333c46-49c0-4f62-80d7-f0ef930f1c46";

/// A server, one device in the field, and who asks for things.
struct Bench {
    asker: Asker,
    site: Site,
}

impl Bench {
    fn new(name: &str) -> Self {
        let site = Site::new(name, &[FIRST, SECOND]);
        Bench {
            asker: Asker::new(&site.server),
            site,
        }
    }

    fn eid(&self) -> String {
        self.site.device.eid().to_string()
    }

    /// The device does what there is, until this is confirmed.
    fn confirm(&mut self, id: &str) {
        let ours = || self.asker.get(&format!("/v1/operations/{id}")).json();
        self.site
            .poll_until(None, |_| ours()["state"] == "confirmed");
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [JSON, ("x-correlator", CORRELATOR)];
        let body = body.to_string();
        let path = format!("{ROOT}{path}");
        let answer = self.asker.send("POST", &path, &headers, body.as_bytes());
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["x-correlator"], CORRELATOR);
        answer
    }

    /// What is accepted, with what the definition wants of it; gives its name.
    fn accepted(&self, operation: &str, body: &Value) -> String {
        let answer = self.post(&format!("/{operation}"), body);
        assert_eq!(answer.status, 202, "{answer:?}");
        let said = answer.json();
        assert_eq!(said["operation"], operation);
        assert_eq!(said["status"], "ACCEPTED");
        assert!(said.get("result").is_none());
        for (member, value) in body["esimProfile"].as_object().unwrap() {
            assert_eq!(said["esimProfile"][member], *value);
        }
        let id = said["operationId"].as_str().unwrap().to_string();
        let location = answer.headers["location"].to_str().unwrap();
        let expected = format!("{}{ROOT}/operations/{id}", self.site.server.url());
        assert_eq!(location, expected);
        id
    }

    fn operation(&self, id: &str) -> Value {
        let answer = self.asker.get(&format!("{ROOT}/operations/{id}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["operationId"], id);
        answer.json()
    }

    /// Done, and what the device says of it.
    fn done(&mut self, operation: &str, body: &Value) {
        let id = self.accepted(operation, body);
        self.confirm(&id);
        let said = self.operation(&id);
        assert_eq!(said["status"], "COMPLETED", "{said}");
        assert_eq!(said["result"]["outcome"], "SUCCESS", "{said}");
    }

    fn states(&self, of: &Value) -> BTreeMap<String, (String, bool)> {
        let answer = self.post("/retrieve-status", &json!({ "esimProfile": of }));
        assert_eq!(answer.status, 200, "{answer:?}");
        let said = answer.json();
        let profiles = said["esimProfiles"].as_array().unwrap().iter();
        let state = |one: &Value| {
            assert_eq!(one["eid"], self.eid());
            let text = |member: &str| one[member].as_str().unwrap().to_string();
            (text("iccid"), (text("state"), one["isFallback"] == true))
        };
        profiles.map(state).collect()
    }

    fn refused(&self, path: &str, body: &Value, status: u16, code: &str) -> String {
        let answer = self.post(path, body);
        assert_eq!(answer.status, status, "{answer:?}");
        let said = answer.json();
        assert_eq!(
            (&said["status"], &said["code"]),
            (&status.into(), &code.into())
        );
        said["message"].as_str().unwrap().to_string()
    }
}

fn profile(iccid: &str) -> Value {
    json!({"esimProfile": {"iccid": iccid}})
}

/// The scenarios of `esim-profile-management.feature`, with a card that does what is
/// asked.
#[test]
fn the_scenarios_of_the_definition() {
    let mut bench = Bench::new("camara");
    let eid = bench.eid();
    let of_device = json!({ "eid": eid });
    // What the eUICC has not said, nobody says.
    let body = json!({ "esimProfile": of_device });
    bench.refused("/retrieve-status", &body, 422, "SERVICE_NOT_APPLICABLE");
    bench.refused("/enable", &profile(FIRST), 404, "IDENTIFIER_NOT_FOUND");
    let list = json!({"eid": eid, "operation": {"kind": "list_profile_info"}});
    let listed = bench.asker.post("/v1/operations", &list);
    assert_eq!(listed.status, 201, "{listed:?}");
    bench.confirm(listed.json()["id"].as_str().unwrap());

    let state = |name: &str, fallback| (name.to_string(), fallback);
    let both =
        |first, second| BTreeMap::from([(FIRST.to_string(), first), (SECOND.to_string(), second)]);
    let now = bench.states(&of_device);
    assert_eq!(now, both(state("DISABLED", false), state("ENABLED", false)));
    assert_eq!(bench.states(&json!({"iccid": FIRST})).len(), 1);

    let mismatch = json!({"esimProfile": {"eid": eid, "iccid": ABSENT}});
    bench.refused("/enable", &mismatch, 422, "IDENTIFIER_MISMATCH");
    bench.done("enable", &profile(FIRST));
    bench.done("set-fallback", &profile(SECOND));
    let now = bench.states(&of_device);
    assert_eq!(now, both(state("ENABLED", false), state("DISABLED", true)));
    // What its state does not allow is known at once.
    bench.refused("/enable", &profile(FIRST), 409, "INCOMPATIBLE_STATE");
    bench.refused("/delete", &profile(FIRST), 409, "INCOMPATIBLE_STATE");
    bench.refused("/disable", &profile(SECOND), 409, "INCOMPATIBLE_STATE");
    bench.done(
        "set-fallback",
        &json!({"esimProfile": {"eid": eid, "iccid": FIRST}}),
    );
    bench.done("delete", &profile(SECOND));
    assert_eq!(bench.states(&of_device).len(), 1);
    bench.refused("/enable", &profile(SECOND), 404, "IDENTIFIER_NOT_FOUND");
    bench.accepted("disable", &profile(FIRST));

    let code = "LPA:1$smdp.example.com$04386-AGYFT-A74Y8-3F815";
    let download = json!({"esimProfile": {"eid": eid}, "activationCode": code});
    let id = bench.accepted("download", &download);
    let cancelled = bench
        .asker
        .post(&format!("/v1/operations/{id}/cancel"), &json!({}));
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let said = bench.operation(&id);
    assert_eq!(said["result"]["outcome"], "FAILED");
    assert_eq!(said["result"]["failureReason"], "cancelled");
}

#[test]
fn what_is_wrong_is_said_in_its_words() {
    let bench = Bench::new("camara-wrong");
    let eid = bench.eid();
    let unknown = json!({"esimProfile": {"iccid": FIRST, "colour": "red"}});
    for body in [
        json!({}),
        json!({"esimProfile": {}}),
        profile("123"),
        unknown,
    ] {
        bench.refused("/enable", &body, 400, "INVALID_ARGUMENT");
    }
    let mismatch = json!({"esimProfile": {"eid": NOBODY, "iccid": FIRST}});
    bench.refused("/disable", &mismatch, 404, "IDENTIFIER_NOT_FOUND");
    let download = json!({"esimProfile": {"eid": eid}, "activationCode": "SECRET"});
    let said = bench.refused("/download", &download, 400, "INVALID_ARGUMENT");
    assert!(!said.contains("SECRET"), "{said}");
    let answer = bench.asker.get(&format!("{ROOT}/operations/0123"));
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (404, &"NOT_FOUND".into())
    );
    let headers = [JSON, ("x-correlator", "not one")];
    let path = format!("{ROOT}/enable");
    let answer = bench.asker.send("POST", &path, &headers, b"{}");
    assert_eq!(answer.json()["code"], "INVALID_ARGUMENT");
    assert!(!answer.headers.contains_key("x-correlator"));
    let answer = bench
        .asker
        .send("POST", &path, &[("content-type", "text/plain")], b"{}");
    assert_eq!(answer.json()["code"], "UNSUPPORTED_MEDIA_TYPE");
}

/// Where the definition is, if it is here.
fn definition() -> Option<PathBuf> {
    let data = std::env::var_os("SIMURGH_TEST_DATA").map(PathBuf::from);
    let data =
        data.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let folder = data.join("data/camara");
    match folder.join("esim-profile-management.yaml").exists() {
        true => Some(folder),
        false => {
            receiver::skipped("CAMARA", "its definition is not here (SIMURGH_TEST_DATA)");
            None
        }
    }
}

/// The definition in a folder, as its references want it.
fn laid_out(server: &Server) -> Option<PathBuf> {
    let from = definition()?;
    let to = server.folder().join("camara");
    for (file, place) in [
        ("esim-profile-management.yaml", "api"),
        ("CAMARA_common.yaml", "common"),
        ("CAMARA_event_common.yaml", "common"),
    ] {
        std::fs::create_dir_all(to.join(place)).unwrap();
        let text = std::fs::read(from.join(file)).unwrap();
        std::fs::write(to.join(place).join(file), text).unwrap();
    }
    Some(to.join("api/esim-profile-management.yaml"))
}

/// Every path of the definition is there, and nobody is let in who is not known.
#[test]
fn who_is_not_known_is_told_nothing() {
    let Some(folder) = definition() else {
        return;
    };
    let server = Server::start("camara-guards", &[]);
    let stranger = Asker::stranger(&server);
    let text = std::fs::read_to_string(folder.join("esim-profile-management.yaml")).unwrap();
    // In it paths alone stand at this depth and begin so, and their methods below.
    let (mut path, mut seen) = (String::new(), 0);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("  /") {
            path = format!(
                "{ROOT}/{}",
                name.trim_end_matches(':').replace(['{', '}'], "")
            );
        }
        let method = match line {
            "    get:" => "GET",
            "    post:" => "POST",
            _ => continue,
        };
        let answer = stranger.send(method, &path, &[JSON], b"{");
        assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
        assert_eq!(answer.json()["code"], "UNAUTHENTICATED");
        seen += 1;
    }
    assert_eq!(seen, 7);
}

/// Schemathesis makes requests from the definition itself.
#[test]
fn answers_are_as_defined() {
    let Some(program) = schemathesis::program("CAMARA") else {
        return;
    };
    let server = schemathesis::server("camara-schemathesis");
    let Some(definition) = laid_out(&server) else {
        return;
    };
    let mut run = Command::new(program);
    run.arg("run").arg(definition);
    run.arg("--url").arg(format!("{}{ROOT}", server.url()));
    // What it makes for `coverage` of schemas such as these it cannot always make again,
    // which it takes for an error.
    run.args(["--phases", "examples,fuzzing"]);
    // Commonalities leave it to each API which of their errors it names.
    let unchecked = "positive_data_acceptance,ensure_resource_availability,status_code_conformance";
    schemathesis::run(run, &server, "20", unchecked);
}
