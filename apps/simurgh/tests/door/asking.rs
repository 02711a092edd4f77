//! One request, one answer.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use rsp_core::pki::{TlsTrust, certificate_from_pem};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use serde_json::Value;

use crate::support::Server;

pub(crate) const EID: &str = "89049032000000000000000000000163";
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// The EID of a device of the tests (SGP.29: the last two digits make 1 modulo 97).
pub(crate) fn eid(number: u64) -> String {
    let digits = format!("890490320000000000{number:012}");
    let value: u128 = digits.parse().unwrap();
    format!("{digits}{:02}", 98 - value * 100 % 97)
}

/// Asks a server.
pub(crate) struct Asker {
    client: Client,
    trust: TlsTrust,
    runtime: tokio::runtime::Runtime,
    url: String,
    authorization: String,
}

/// What the API is said to answer.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let document = include_str!("../../../../crates/api/openapi.json");
    serde_json::from_str(document).unwrap()
});

/// The function of the document that a request is for, if it is for one: what a path
/// has in full is preferred to a parameter.
fn function(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or(path);
    let is_meant = |template: &str| {
        let mut parts = template.split('/').zip(path.split('/'));
        template.split('/').count() == path.split('/').count()
            && parts.all(|(there, here)| there.starts_with('{') || there == here)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let meant = paths.iter().filter(|(template, _)| is_meant(template));
    let (_, functions) = meant.min_by_key(|(template, _)| template.matches('{').count())?;
    functions.get(method.to_lowercase())
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem document of a refusal, which is whole.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail", "remedy"] {
            let text = problem[member].as_str().unwrap();
            assert!(!text.is_empty(), "{member}: {problem}");
        }
        problem
    }
}

impl Asker {
    pub(crate) fn new(server: &Server) -> Self {
        let ca = std::fs::read_to_string(server.folder().join("pki/private_ca.pem")).unwrap();
        let token = std::fs::read_to_string(server.folder().join("door.token")).unwrap();
        Asker {
            client: Client::builder().build(Arc::new(SoftwareProvider)).unwrap(),
            trust: TlsTrust::Certificate(certificate_from_pem(&ca).unwrap()),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            url: server.url().to_string(),
            authorization: format!("Bearer {}", token.trim()),
        }
    }

    /// Without a token.
    pub(crate) fn stranger(server: &Server) -> Self {
        Asker {
            authorization: String::new(),
            ..Asker::new(server)
        }
    }

    /// `None` if the server ended meanwhile. Whatever a test asks, the answer is one that
    /// the document has.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{}{path}", self.url));
        if !self.authorization.is_empty() {
            request = request.header("authorization", &self.authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        let sent = self.client.request_raw(&self.trust, request);
        let (parts, body) = self.runtime.block_on(sent).ok()?.into_parts();
        if let Some(function) = function(method, path) {
            let status = parts.status.as_str();
            let documented = &function["responses"];
            assert!(
                documented.get(status).is_some(),
                "{method} {path} answers {status}, which is not documented: {body:?}"
            );
        }
        Some(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// `None` if the server ended meanwhile.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send("POST", path, &[JSON], body.to_string().as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[JSON], body.to_string().as_bytes())
    }
}
