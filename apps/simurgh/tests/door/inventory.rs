//! The inventory: files in and out, searches, telemetry.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::asking::{Answer, Asker, EID, JSON};
use crate::support::{Server, yesterday};

const CSV: (&str, &str) = ("content-type", "text/csv");
const TEXT: (&str, &str) = ("content-type", "application/x-ndjson");

fn import(asker: &Asker, kind: (&str, &str), file: &str) -> Answer {
    asker.send("POST", "/v1/imports/file", &[kind], file.as_bytes())
}

fn ids(asker: &Asker, query: &str) -> Vec<String> {
    let mut path = format!("/v1/devices?limit=2{query}");
    let mut ids = Vec::new();
    loop {
        let answer = asker.get(&path);
        assert_eq!(answer.status, 200, "{answer:?}");
        for item in answer.json()["items"].as_array().unwrap() {
            ids.push(item["id"].as_str().unwrap().to_string());
        }
        let Some(link) = answer.headers.get("link") else {
            return ids;
        };
        // Whatever was asked for is asked for on the next page, too.
        let link = link.to_str().unwrap();
        let next = link.strip_prefix('<').unwrap().split('>').next().unwrap();
        path = next.to_string();
    }
}

/// All of a file, or nothing; what is wrong with it is said by line.
#[test]
fn a_file_is_taken_whole_or_not_at_all() {
    let server = Server::start("door-import", &[]);
    let asker = Asker::new(&server);
    let wrong = import(
        &asker,
        CSV,
        "id,country,imei\na,DE,490154203237518\n\nb,XX,\nc,DE,490154203237518\nd,DE,1\n",
    );
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let report = wrong.json();
    assert_eq!(
        (&report["state"], &report["wrong"]),
        (&"refused".into(), &3.into())
    );
    let mut said: Vec<_> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64().unwrap(), error["column"].clone()))
        .collect();
    said.sort_by_key(|(line, _)| *line);
    let column = |line: u64, name: &str| (line, Value::from(name));
    assert_eq!(
        said,
        [column(4, "country"), column(5, "imei"), column(6, "imei")]
    );
    assert_eq!(ids(&asker, ""), [] as [&str; 0]);
}

/// CSV, an array in JSON, an object on each line: in, and out as an import reads them.
#[test]
fn a_file_has_three_forms() {
    let server = Server::start("door-forms", &[]);
    let asker = Asker::new(&server);
    let done = import(&asker, CSV, "id,country,tags\na,DE,x;y\nb,AT,\n").json();
    assert_eq!(
        (&done["state"], &done["added"]),
        (&"done".into(), &2.into())
    );
    let array =
        r#"[{"id": "b", "country": "CH"}, {"id": "a", "country": "DE", "tags": ["x", "y"]}]"#;
    let done = import(&asker, JSON, array).json();
    assert_eq!(
        (&done["updated"], &done["unchanged"]),
        (&1.into(), &1.into())
    );
    let lines = "{\"id\": \"c\"}\n{\"id\": \"d\", \"teir\": 1}\n";
    let report = import(&asker, TEXT, lines).json();
    assert_eq!(
        (&report["wrong"], &report["errors"][0]["line"]),
        (&1.into(), &2.into())
    );
    assert_eq!(ids(&asker, ""), ["a", "b"]);

    // What goes out comes in again as it is.
    for (format, kind) in [("csv", CSV), ("ndjson", TEXT)] {
        let out = asker.get(&format!("/v1/exports?format={format}"));
        assert_eq!(out.headers["content-type"], kind.1);
        let again = asker
            .send("POST", "/v1/imports/file", &[kind], &out.body)
            .json();
        assert_eq!(
            (&again["rows"], &again["unchanged"]),
            (&2.into(), &2.into()),
            "{again}"
        );
    }
    let one = asker.get("/v1/exports?format=ndjson&q=country%20%3D%20CH");
    assert_eq!(one.json(), json!({"id": "b", "country": "CH"}));
    asker.get("/v1/exports?q=country%20%3D").problem(422);
    asker.get("/v1/exports?format=xlsx").problem(422);
}

/// Nothing of an import is in the inventory before all of it is.
#[test]
fn a_file_comes_in_parts() {
    let server = Server::start("door-parts", &[]);
    let asker = Asker::new(&server);
    let begin = || {
        let begun = asker.send("POST", "/v1/imports", &[], b"");
        assert_eq!(begun.status, 201, "{begun:?}");
        begun.json()["id"].as_str().unwrap().to_string()
    };
    let row = |line: u64, id: &str| json!({"line": line, "device": {"id": id}});
    let fill = |id: &str, rows: Vec<Value>| {
        asker.post(&format!("/v1/imports/{id}/rows"), &json!({"rows": rows}))
    };
    let switch = |id: &str| {
        let switching = asker.send("POST", &format!("/v1/imports/{id}/switch"), &[], b"");
        assert_eq!(switching.status, 202, "{switching:?}");
        let began = Instant::now();
        loop {
            let import = asker.get(&format!("/v1/imports/{id}")).json();
            if import["state"] != "switching" {
                return import;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{import}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let id = begin();
    for part in 0..3 {
        let rows = (0..2000).map(|at| row(at + 1, &format!("m-{part}-{at:04}")));
        let filled = fill(&id, rows.collect());
        assert_eq!(filled.json()["rows"], (part + 1) * 2000, "{filled:?}");
        assert_eq!(ids(&asker, ""), [] as [&str; 0]);
    }
    let too_many = (0..2001).map(|at| row(at, "x")).collect();
    assert_eq!(fill(&id, too_many).problem(422)["field"], "rows");
    let done = switch(&id);
    assert_eq!(
        (&done["state"], &done["added"]),
        (&"done".into(), &6000.into())
    );
    fill(&id, vec![row(1, "late")]).problem(409);
    asker
        .send("POST", &format!("/v1/imports/{id}/switch"), &[], b"")
        .problem(409);
    assert_eq!(ids(&asker, "&q=id%20like%20%27%2A-0001%27").len(), 3);

    // The same device twice, in parts of which none is wrong.
    let id = begin();
    assert_eq!(fill(&id, vec![row(2, "new")]).json()["wrong"], 0);
    let twice = fill(&id, vec![row(9, "new"), row(10, "newer")]).json();
    assert_eq!(
        (&twice["wrong"], &twice["errors"][0]["line"]),
        (&1.into(), &9.into())
    );
    assert_eq!(switch(&id)["state"], "refused");
    assert_eq!(ids(&asker, "&q=id%20in%20%28new%2C%20newer%29").len(), 0);
    assert_eq!(
        asker
            .send("DELETE", &format!("/v1/imports/{id}"), &[], b"")
            .status,
        204
    );
    asker.get(&format!("/v1/imports/{id}")).problem(404);
    fill(&id, Vec::new()).problem(404);
}

/// One language for lists, exports and searches that have a name.
#[test]
fn devices_are_searched() {
    let server = Server::start("door-search", &[]);
    let asker = Asker::new(&server);
    let file = "id,tier,country,model\n\
                a,safety_critical,DE,RUT956\nb,safety_critical,AT,RUT241\n\
                c,safety_critical,CH,RUT956\nd,non_critical,DE,MG-1\ne,safety_critical,DE,MG-1\n";
    assert_eq!(import(&asker, CSV, file).status, 200);
    let encoded = "&q=tier%20%3D%20safety_critical%20and%20country%20in%20%28DE%2C%20AT%29";
    assert_eq!(ids(&asker, encoded), ["a", "b", "e"]);
    let wrong = asker.get("/v1/devices?q=teir%20%3D%20x").problem(422);
    assert_eq!(wrong["field"], "q");
    assert!(
        wrong["detail"]
            .as_str()
            .unwrap()
            .contains("did you mean tier?"),
        "{wrong}"
    );

    let save = |name: &str, query: &str| {
        let body = json!({"query": query}).to_string();
        asker.send(
            "PUT",
            &format!("/v1/searches/{name}"),
            &[JSON],
            body.as_bytes(),
        )
    };
    assert_eq!(save("routers", "model like 'RUT*'").status, 200);
    assert_eq!(save("german", "country = DE").status, 200);
    save("x", "country =").problem(422);
    save("x%20y", "country = DE").problem(422);
    assert_eq!(ids(&asker, "&search=routers"), ["a", "b", "c"]);
    assert_eq!(ids(&asker, "&search=routers&q=country%20%3D%20DE"), ["a"]);
    asker.get("/v1/devices?search=nothing").problem(404);
    let page = asker.get("/v1/searches?limit=1").json();
    assert_eq!(
        (&page["items"][0]["name"], &page["next"]),
        (&"german".into(), &"german".into())
    );
    assert_eq!(
        asker.get("/v1/searches/german").json()["query"],
        "country = DE"
    );
    assert_eq!(
        asker.send("DELETE", "/v1/searches/german", &[], b"").status,
        204
    );
    asker.get("/v1/searches/german").problem(404);
    asker
        .send("DELETE", "/v1/searches/german", &[], b"")
        .problem(404);
}

/// One device, described by somebody who knows what it was.
#[test]
fn a_device_is_described() {
    let server = Server::start("door-describe", &[]);
    let asker = Asker::new(&server);
    let put = |id: &str, headers: &[(&str, &str)], device: &Value| {
        let headers = [&[JSON], headers].concat();
        let path = format!("/v1/devices/{id}/inventory");
        asker.send("PUT", &path, &headers, device.to_string().as_bytes())
    };
    let mut first = json!({"id": "a", "country": "DE",
        "modems": [{"imei": "490154203237518"}],
        "sims": [{"kind": "euicc", "eid": EID, "state": "active"}]});
    assert_eq!(put("a", &[], &first).status, 200);
    put("b", &[], &first).problem(422);
    put("c", &[], &json!({"id": "c", "country": "Germany"})).problem(422);
    let other = json!({"id": "b", "modems": [{"imei": "490154203237518"}]});
    let conflict = put("b", &[], &other).problem(409);
    let said = conflict["detail"].as_str().unwrap();
    assert!(
        said.contains("490154203237518") && said.contains("device a"),
        "{said}"
    );

    let shown = asker.get(&format!("/v1/devices/{EID}/inventory"));
    assert_eq!(shown.json()["id"], "a");
    let tag = shown.headers["etag"].to_str().unwrap().to_string();
    first["country"] = "AT".into();
    assert_eq!(put("a", &[("if-match", &tag)], &first).status, 200);
    first["country"] = "CH".into();
    put("a", &[("if-match", &tag)], &first).problem(412);
    first["sims"][0]["state"] = "inventory".into();
    let back = put("a", &[], &first).problem(422);
    assert_eq!(back["field"], "sims.state", "{back}");
    first["sims"][0]["state"] = "active".into();
    first["sims"][0]["eim"] = json!({"counter_value": 0});
    put("a", &[], &first).problem(422);

    // The eIM manages its eUICC as soon as it is told of it.
    assert_eq!(asker.get("/v1/devices/a").json()["managed"], false);
    let added = asker.post("/v1/devices", &json!({"eid": EID, "counter_value": 0}));
    let added = added.json();
    assert_eq!(
        (&added["id"], &added["managed"]),
        (&"a".into(), &true.into())
    );
    let history = asker.get("/v1/devices/a/profile-history").json();
    assert_eq!(history, json!({"changes": []}));
    asker
        .get("/v1/devices/nothing/profile-history")
        .problem(404);
    assert_eq!(asker.send("DELETE", "/v1/devices/a", &[], b"").status, 204);
    asker.get("/v1/devices/a/inventory").problem(404);
    asker.get(&format!("/v1/devices/{EID}")).problem(404);
}

/// Samples as they came, and spans of time as one.
#[test]
fn telemetry_comes_and_goes() {
    let server = Server::start("door-telemetry", &[]);
    let asker = Asker::new(&server);
    assert_eq!(import(&asker, CSV, "id,eid\na,\nb,\n").status, 200);
    let put = |samples: Value| asker.post("/v1/devices/a/telemetry", &json!({"samples": samples}));
    let day = yesterday();
    let sample = |minute: u32, rsrp: i32| {
        json!({"at": format!("{day}T12:{minute:02}:00Z"), "rsrp": rsrp,
            "network": "26201", "registration": "home", "tunnel": "up",
            "usage": [{"iccid": "89490000000000000017", "up": 10, "down": 20}]})
    };
    let samples: Vec<_> = (0..12)
        .map(|at| sample(at, -100 + i32::try_from(at).unwrap()))
        .collect();
    assert_eq!(put(samples.clone().into()).status, 204);
    // The same once more counts once.
    assert_eq!(put(samples.into()).status, 204);
    let raw = asker.get("/v1/devices/a/telemetry?limit=10").json();
    assert_eq!(raw["samples"].as_array().unwrap().len(), 10);
    assert_eq!(raw["samples"][3], sample(3, -97));
    let next = raw["next"].as_str().unwrap();
    let rest = asker
        .get(&format!("/v1/devices/a/telemetry?from={next}"))
        .json();
    assert_eq!(rest["samples"].as_array().unwrap().len(), 2);
    assert!(rest["next"].is_null());
    let hour = asker.get("/v1/devices/a/telemetry?level=hour").json();
    let measures = &hour["spans"][0]["measures"];
    assert_eq!(measures["rsrp"]["count"], 12, "{hour}");
    assert_eq!(
        (&measures["rsrp"]["min"], &measures["rsrp"]["max"]),
        (&(-100).into(), &(-89).into())
    );
    assert_eq!(measures["down"]["sum"], 240);
    assert_eq!(
        ids(&asker, "&q=rsrp%20%3E%20-90%20and%20network%20%3D%2026201"),
        ["a"]
    );
    let shown = asker.get("/v1/devices/b/telemetry").json();
    assert_eq!(shown["samples"], json!([]));

    for wrong in [
        json!({"at": "yesterday", "rsrp": -100}),
        json!({"at": "2199-01-01T00:00:00Z", "rsrp": -100}),
        json!({"at": "2026-03-01T12:00:00Z"}),
        json!({"at": "2026-03-01T12:00:00Z", "rsrp": 100}),
        json!({"at": "2026-03-01T12:00:00Z", "rat": "5g"}),
        json!({"at": "2026-03-01T12:00:00Z", "rssp": -100}),
    ] {
        put(json!([wrong])).problem(422);
    }
    put(vec![sample(0, -100); 1001].into()).problem(422);
    asker.get("/v1/devices/a/telemetry?level=week").problem(422);
    asker.get("/v1/devices/a/telemetry?from=noon").problem(422);
    asker.get("/v1/devices/nothing/telemetry").problem(404);
}
