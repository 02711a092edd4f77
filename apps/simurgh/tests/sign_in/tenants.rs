//! Tenants: who reaches whom.

use serde_json::{Value, json};

use crate::asking::{Asker, EID, JSON};
use crate::{As, PASSWORD, server, session};

const TENANT: &str = "simurgh-tenant";

pub(crate) fn admin_of<'a>(stranger: &'a Asker, tenant: &str, made: &Value) -> As<'a> {
    let once = made["admin"]["one_time_password"].as_str().unwrap();
    let asked = json!({"tenant": tenant, "user": "chief", "password": once});
    let begun = session(
        stranger,
        &stranger.post("/v1/session", &asked),
        "change_password",
    );
    let changed = begun.post(
        "/v1/session/password",
        &json!({"old": once, "new": PASSWORD}),
    );
    session(stranger, &changed, "open")
}

#[test]
fn nobody_reaches_up_or_sideways() {
    let server = server("access-tenants");
    let (top, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let add = |name: &str| {
        let made = top.post("/v1/tenants", &json!({"name": name, "admin": "chief"}));
        assert_eq!(made.status, 201, "{made:?}");
        made.json()
    };
    let reseller = admin_of(&stranger, "reseller", &add("reseller"));
    let other = admin_of(&stranger, "other", &add("other"));
    let made = reseller.post(
        "/v1/tenants",
        &json!({"name": "customer", "admin": "chief"}),
    );
    let customer = admin_of(&stranger, "customer", &made.json());

    let names = |answer: crate::asking::Answer| {
        let items = answer.json()["items"].as_array().unwrap().clone();
        let name = |item: &Value| item["name"].as_str().unwrap().to_string();
        items.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(reseller.get("/v1/tenants")), ["customer", "reseller"]);
    assert_eq!(names(other.get("/v1/tenants")), ["other"]);

    let on = |who: &As<'_>, tenant: &str| {
        who.send_with("GET", "/v1/users", &[(TENANT, tenant)], &Value::Null)
    };
    assert_eq!(names(on(&reseller, "customer")), ["chief"]);
    for (who, tenants) in [
        (
            &reseller,
            &["default", "other", "nowhere", "NOT A NAME"][..],
        ),
        (&customer, &["default", "reseller", "other"][..]),
        (&other, &["default", "reseller", "customer"][..]),
    ] {
        for tenant in tenants {
            on(who, tenant).problem(403);
        }
    }
    // The operator reaches all.
    let below = top.send("GET", "/v1/users", &[(TENANT, "customer"), JSON], b"");
    assert_eq!(names(below), ["chief"]);

    // A user of one tenant is not found by the other, identifier or not.
    let users = customer.get("/v1/users").json();
    let path = format!("/v1/users/{}", users["items"][0]["id"].as_str().unwrap());
    assert_eq!(customer.get(&path).status, 200);
    other.get(&path).problem(404);
    other.send("DELETE", &path, &Value::Null).problem(404);

    let gone = |who: &As<'_>, path: &str| who.send("DELETE", path, &Value::Null);
    gone(&other, "/v1/tenants/customer").problem(403);
    gone(&reseller, "/v1/tenants/reseller").problem(409);
    assert_eq!(gone(&reseller, "/v1/tenants/customer").status, 204);
    customer.get("/v1/users").problem(401);
}

/// What somebody of another tenant gets from every route of the document.
struct Routes(Value);

impl Routes {
    /// Asks for each that is not for anybody, with what is put in place of the
    /// parameters of its path, and the example of its body.
    fn each(&self, mut ask: impl FnMut(&str, &str, &Value)) -> usize {
        let mut asked = 0;
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                // Nor a stream, which does not end.
                let said = &operation["responses"]["200"]["content"];
                if operation["security"] == json!([{}]) || !said["text/event-stream"].is_null() {
                    continue;
                }
                let content = &operation["requestBody"]["content"]["application/json"];
                let reference = content["schema"]["$ref"].as_str().unwrap_or_default();
                let name = reference.rsplit('/').next().unwrap();
                let example = match &content["example"] {
                    Value::Null => &self.0["components"]["schemas"][name]["example"],
                    example => example,
                };
                ask(&method.to_uppercase(), path, example);
                asked += 1;
            }
        }
        asked
    }
}

/// Every route of the document, asked by somebody of a tenant without anything, on
/// another tenant.
#[test]
fn no_route_works_on_a_tenant_out_of_reach() {
    let server = server("access-routes");
    let (top, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let made = top.post("/v1/tenants", &json!({"name": "other", "admin": "chief"}));
    let other = admin_of(&stranger, "other", &made.json());
    let routes = Routes(stranger.get("/v1/openapi.json").json());
    let asked = routes.each(|method, path, _| {
        let path = path.replace(['{', '}'], "x");
        let answer = other.send_with(method, &path, &[(TENANT, "default")], &Value::Null);
        answer.problem(403);
    });
    println!("{asked} routes");
    assert!(asked > 30, "{asked}");
}

/// One thing of each kind, of the default tenant: what its path has in place of a
/// parameter, and where it is seen.
fn things(top: &Asker) -> Vec<(&'static str, String, String)> {
    let post = |path: &str, body: Value| {
        let made = top.post(path, &body);
        assert_eq!(made.status, 201, "{path}: {made:?}");
        made.json()
    };
    let put = |path: &str, body: Value| {
        let made = top.send("PUT", path, &[JSON], body.to_string().as_bytes());
        assert!(made.status.is_success(), "{path}: {made:?}");
    };
    post("/v1/devices", json!({"eid": EID, "counter_value": 0}));
    let order = json!({"eid": EID, "operation": {"kind": "get_rat"}});
    let ordered = post("/v1/operations", order);
    let operation = ordered["id"].as_str().unwrap().to_string();
    let user = post(
        "/v1/users",
        json!({"name": "hidden-noc", "role": "operator"}),
    );
    let user = user["id"].as_str().unwrap().to_string();
    let key = json!({"name": "hidden-key", "owner": user, "permissions": ["devices:read"]});
    let key = post("/v1/api-keys", key);
    let key = key["id"].as_str().unwrap().to_string();
    put(
        "/v1/roles/hidden-role",
        json!({"permissions": ["devices:read"]}),
    );
    put("/v1/activation-code-pools/hidden-pool", json!({}));
    vec![
        ("/v1/devices", EID.to_string(), format!("/v1/devices/{EID}")),
        (
            "/v1/operations",
            operation.clone(),
            format!("/v1/operations/{operation}"),
        ),
        ("/v1/users", user.clone(), format!("/v1/users/{user}")),
        ("/v1/api-keys", key, "/v1/api-keys".to_string()),
        (
            "/v1/roles",
            "hidden-role".to_string(),
            "/v1/roles".to_string(),
        ),
        (
            "/v1/activation-code",
            "hidden-pool".to_string(),
            "/v1/activation-code-pools/hidden-pool".to_string(),
        ),
        (
            "/v1/tenants",
            "default".to_string(),
            "/v1/caller".to_string(),
        ),
    ]
}

/// Somebody who may everything in a tenant: by a key, which has no session that a
/// route could end.
pub(crate) fn with_everything<'a>(top: &Asker, stranger: &'a Asker, tenant: &str) -> As<'a> {
    let made = top.post("/v1/tenants", &json!({"name": tenant, "admin": "chief"}));
    let chief = admin_of(stranger, tenant, &made.json());
    let all = chief.get("/v1/caller").json()["permissions"].clone();
    let new = json!({"name": "all", "permissions": all, "below": true});
    let made = chief.post("/v1/api-keys", &new).json();
    As {
        stranger,
        token: made["key"].as_str().unwrap().to_string(),
    }
}

/// A path with this in place of each parameter.
fn filled(template: &str, name: &str) -> String {
    let parts = template.split('/').map(|part| match part.starts_with('{') {
        true => name,
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Every route of the document, asked by somebody who may everything in another
/// tenant, for the things of the default one: none is shown, found or changed.
#[test]
fn what_is_another_tenants_is_not_there() {
    let server = server("access-cross-tenant");
    let (top, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let other = with_everything(&top, &stranger, "other");
    let things = things(&top);
    let seen = || -> Vec<String> {
        let see = |(_, _, path): &(_, _, String)| {
            let seen = top.get(path);
            assert_eq!(seen.status, 200, "{path}: {seen:?}");
            String::from_utf8_lossy(&seen.body).into_owned()
        };
        things.iter().map(see).collect()
    };
    let before = seen();
    let routes = Routes(stranger.get("/v1/openapi.json").json());
    let mut answers = Vec::new();
    let asked = routes.each(|method, template, example| {
        let of = things.iter().find(|(of, ..)| template.starts_with(of));
        let name = of.map_or("x", |(_, name, _)| name);
        let path = filled(template, name);
        // What is put by its name is the caller's own then, and is asked for last.
        if method == "PUT" || of.is_some_and(|(of, ..)| *of == "/v1/tenants") {
            return;
        }
        let answer = other.send(method, &path, example);
        let status = answer.status.as_u16();
        answers.push((method.to_string(), template.to_string(), status));
        if answer.status.is_success() {
            // Of the caller's own, with no name of what is the default tenant's in it
            // but one that the caller said.
            let body = String::from_utf8_lossy(&answer.body);
            let said = example.to_string();
            let mut told = things
                .iter()
                .filter(|(_, told, _)| !said.contains(told.as_str()));
            let told = told.find(|(_, told, _)| body.contains(told.as_str()));
            assert_eq!(told, None, "{method} {path}: {body}");
            assert!(
                of.is_none() || !template.contains('{'),
                "{method} {path}: {body}"
            );
        } else {
            assert!(status < 500, "{method} {path}: {answer:?}");
            answer.problem(status);
        }
    });
    let count = |status: u16| answers.iter().filter(|(.., one)| *one == status).count();
    // What is the server's is nobody else's; all else may be the caller's own.
    let refused: Vec<_> = answers
        .iter()
        .filter(|(.., status)| *status == 403)
        .collect();
    let of_server = [("GET", "/metrics"), ("POST", "/v1/profiles")];
    let refused: Vec<_> = refused
        .iter()
        .map(|(method, path, _)| (&**method, &**path))
        .collect();
    assert_eq!(refused, of_server, "{answers:?}");
    println!("{asked} routes: {answers:?}");
    assert!(asked > 50 && count(404) > 20, "{asked} {answers:?}");
    assert_eq!(seen(), before);
}

/// Those of the facade, which are in another document: the device is not there.
#[test]
fn the_facade_has_nothing_of_another_tenant() {
    let server = server("access-facade");
    let (top, stranger) = (Asker::new(&server), Asker::stranger(&server));
    let other = with_everything(&top, &stranger, "other");
    let new = json!({"eid": EID, "counter_value": 0});
    assert_eq!(top.post("/v1/devices", &new).status, 201);
    let profile = json!({"esimProfile": {"eid": EID, "iccid": "8949000000000000017"}});
    let code = json!({"esimProfile": {"eid": EID}, "activationCode": "LPA:1$smdp.example$b"});
    let root = "/camara/esim-profile-management/vwip";
    for name in [
        "enable",
        "disable",
        "delete",
        "set-fallback",
        "retrieve-status",
    ] {
        let answer = other.post(&format!("{root}/{name}"), &profile);
        assert_eq!(answer.status, 404, "{name}: {answer:?}");
    }
    let download = other.post(&format!("{root}/download"), &code);
    assert_eq!(download.status, 404, "{download:?}");
    let operation = other.get(&format!("{root}/operations/0123"));
    assert_eq!(operation.status, 404, "{operation:?}");
}
