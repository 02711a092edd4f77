//! Where what is kept of tenants must rest: a server that is not there does not serve
//! them.

use serde_json::json;

use crate::asking::Asker;
use crate::support::{Server, simurgh};
use crate::tenants::admin_of;

const HERE: &str = r#"residency.database=["DE", "AT"]"#;

#[test]
fn a_tenant_rests_where_it_must_or_not_at_all() {
    let server = Server::start("access-residency", &["--set", HERE]);
    let (top, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let add = |name: &str, countries: &[&str]| {
        let new = json!({"name": name, "admin": "chief", "residency": countries});
        top.post("/v1/tenants", &new)
    };
    for (countries, status) in [(&["DE"][..], 409), (&["CH", "FR"], 409), (&["EU"], 422)] {
        let problem = add("acme", countries).problem(status);
        assert_eq!(
            status == 409,
            problem["detail"]
                .to_string()
                .contains("the database is in AT, DE"),
            "{problem}"
        );
    }
    let made = add("acme", &["at", "CH", "DE"]);
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["residency"], json!(["AT", "CH", "DE"]));
    let acme = admin_of(&stranger, "acme", &made.json());

    // Who is of it can leave countries out, not go elsewhere or back.
    let restrict = |countries: &[&str]| {
        let body = json!({"residency": countries});
        acme.send("PUT", "/v1/tenants/acme/residency", &body)
    };
    assert_eq!(
        restrict(&["AT", "DE"]).json(),
        json!({"residency": ["AT", "DE"]})
    );
    restrict(&["AT", "CH", "DE"]).problem(403);
    restrict(&[]).problem(403);
    restrict(&["AT"]).problem(409);

    // What is said of it holds below it.
    let new = json!({"name": "branch", "admin": "chief", "residency": ["AT", "DE", "FR"]});
    let branch = acme.send("POST", "/v1/tenants", &new).json();
    assert_eq!(branch["residency"], json!(["AT", "DE"]));
    let seen = acme.get("/v1/tenants").json();
    assert_eq!(seen["items"][1]["residency"], json!(["AT", "DE"]), "{seen}");

    let elsewhere = server.failure(&["tenant", "residency", "acme", "CH"]);
    assert!(elsewhere.contains("must rest in CH"), "{elsewhere}");
    let lifted = server.json(&["tenant", "residency", "branch", "--anywhere"]);
    assert_eq!(lifted, json!({"residency": ["AT", "DE"]}));
    let nobody = server.failure(&["tenant", "residency", "nobody", "DE,AT"]);
    assert!(nobody.contains("nobody"), "{nobody}");
}

#[test]
fn a_server_that_is_elsewhere_does_not_start() {
    let server = Server::start("access-residency-moved", &["--set", HERE]);
    let made = server.json(&[
        "tenant",
        "add",
        "acme",
        "--admin",
        "chief",
        "--residency",
        "AT,DE",
    ]);
    assert_eq!(made["residency"], json!(["AT", "DE"]));
    let folder = server.stop();
    let refused = |set: &[&str]| {
        let mut serve = simurgh();
        serve.current_dir(&folder.0).arg("serve");
        for set in set {
            serve.args(["--set", set]);
        }
        let output = serve.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let unsaid = refused(&[]);
    assert!(
        unsaid.contains("acme must rest in AT, DE, and nobody said where the database is"),
        "{unsaid}"
    );
    let moved = refused(&[r#"residency.database=["AT", "US"]"#]);
    assert!(moved.contains("the database is in AT, US"), "{moved}");
    let told = "traces.endpoint=https://localhost:1/v1/traces";
    let traces = refused(&[HERE, told]);
    assert!(
        traces.contains("nobody said where the collector of [traces] is"),
        "{traces}"
    );
    let wrong = refused(&[r#"residency.database=["Europe"]"#]);
    assert!(wrong.contains("two letters of ISO 3166-1"), "{wrong}");

    let server = Server::in_folder(folder, &["--set", r#"residency.database=["AT"]"#]);
    let tenants = server.json(&["tenant", "list"]);
    assert_eq!(tenants["items"][0]["name"], "acme", "{tenants}");
}
