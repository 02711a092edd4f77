//! The server as a process of its own, and who asks it over HTTPS.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use rsp_core::ipa;
use rsp_core::pki::{TlsTrust, member};
use rsp_crypto::software::{Sealer, SoftwareProvider};
use rsp_net::Client;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::super::polls;
use super::{PAGE, Question, behind, eid, imei};
use crate::Failure;
use crate::demo::operator;
use crate::demo::server::{self, DOOR, EIM, ServerProcess};

/// What keeps others from asking without an end.
const LIMITS: [&str; 2] = ["requests_per_minute", "requests_per_minute_of_tenant"];

/// Of devices so far apart at least one is on each page of an index.
const APART: usize = 20;

/// Makes the folder of a server, with keys and certificates; gives what its secrets
/// are sealed with.
pub(super) fn prepare(folder: &Path) -> Result<Sealer, Failure> {
    runtime()?.block_on(server::init(&server::beside()?, folder, &[]))?;
    let key = std::fs::read_to_string(folder.join("simurgh.key"))?;
    let mut octets = [0; 32];
    for (octet, digits) in octets.iter_mut().zip(key.trim().as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
    }
    Ok(Sealer::new(octets))
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// A running server, and a client with a connection to each of its listeners.
pub(super) struct Served {
    runtime: Runtime,
    client: Client,
    door: TlsTrust,
    url: String,
    token: String,
    eim: ipa::Server,
    _process: ServerProcess,
}

impl Served {
    /// In a prepared folder; on a database other than the file in it, if there is one.
    pub(super) fn start(folder: &Path, database: Option<String>) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let mut settings: Vec<_> = LIMITS
            .iter()
            .map(|limit| format!("door.{limit}=100000000"))
            .collect();
        if let Some(url) = database {
            settings.push(format!("store.url={url}"));
            let ca = std::env::var("SIMURGH_TEST_POSTGRES_CA");
            settings.extend(ca.map(|file| format!("store.ca={file}")));
        }
        let program = server::beside()?;
        let process = ServerProcess::serve_kept(&program, folder, &settings);
        let process = runtime.block_on(process)?;
        let ca = process.ca();
        let trust = |name: &str| -> Result<TlsTrust, Failure> {
            let certificate = server::certificate(&ca.join(format!("{name}.pem")))?;
            Ok(TlsTrust::Certificate(certificate))
        };
        Ok(Served {
            client: operator::client(&process).build(Arc::new(SoftwareProvider))?,
            url: format!(
                "https://{DOOR}:{}{}/devices",
                process.addresses.door.port(),
                api::V1
            ),
            token: process.token()?,
            eim: ipa::Server {
                address: EIM.to_string(),
                trust: Some(trust(member::CI)?),
                transport: rsp_core::binding::Transport::Https,
            },
            door: trust(member::PRIVATE_CA)?,
            runtime,
            _process: process,
        })
    }

    /// Reads so many devices once, page by page, and looks some of them up, as a server
    /// has that was up for a while: what SQLite maps, and what each of PostgreSQL's
    /// processes maps of their shared memory, it has touched.
    pub(super) fn walk(&self, devices: u32) -> Result<(), Failure> {
        let (mut all, mut path) = (0, "?limit=1000".to_string());
        loop {
            let page = self.get(&path)?;
            let items = page.get("items").and_then(Value::as_array);
            all += items.map_or(0, Vec::len);
            let Some(next) = page.get("next").and_then(Value::as_str) else {
                break;
            };
            path = format!("?limit=1000&after={}", escaped(next));
        }
        if all != devices as usize {
            return Err("the list has not all devices".into());
        }
        for number in (0..devices).step_by(APART) {
            self.ask(&Question::Imei, number)?;
            self.ask(&Question::Device, number)?;
        }
        Ok(())
    }

    /// What the API says of devices.
    fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = Request::get(format!("{}{path}", self.url))
            .header(AUTHORIZATION, format!("Bearer {}", self.token.trim()))
            .body(Bytes::new())?;
        let answer = self.client.request_raw(&self.door, request);
        let answer = self.runtime.block_on(answer)?;
        if !answer.status().is_success() {
            let said = String::from_utf8_lossy(answer.body());
            return Err(format!("{path}: {}: {said}", answer.status()).into());
        }
        Ok(serde_json::from_slice(answer.body())?)
    }

    /// Asks, and looks at the answer no closer than it must.
    pub(super) fn ask(&self, question: &Question, number: u32) -> Result<(), Failure> {
        let search = |query: &str| format!("?limit={PAGE}&q={}", escaped(query));
        let (path, count) = match question {
            Question::Imei => (search(&format!("imei = {}", imei(number))), 1),
            Question::Search(query) => (search(query), PAGE),
            Question::List => (format!("?limit={PAGE}&after={}", behind(number)), PAGE),
            Question::Device => (format!("/{}", eid(number)?), 0),
            Question::Poll => {
                let poll = self.client.post(&self.eim, polls::poll(eid(number)?));
                let response = self.runtime.block_on(poll)?;
                return match response.status {
                    200 => Ok(()),
                    status => Err(format!("the eIM answered {status}").into()),
                };
            }
        };
        let found = self.get(&path)?;
        let devices = found.get("items").and_then(Value::as_array);
        match devices.map_or(0, Vec::len) == count {
            true => Ok(()),
            false => Err(format!("{path}: not {count} devices").into()),
        }
    }
}

/// As it stands in a query string (RFC 3986 section 2).
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|octet| match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(octet).to_string(),
            _ => format!("%{octet:02X}"),
        })
        .collect()
}
