//! `[traces]`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rsp_crypto::Rng as _;
use rsp_net::WebClient;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use super::context::{Numbers, Share};
use super::counts::Counts;
use super::exporter::{Exporter, QUEUE, TIMEOUT};
use super::{Inside, otlp};
use crate::config::Config;
use crate::{Failure, files, shell};

/// What `simurgh init` writes of it.
pub(crate) const EXAMPLE: &str = r#"
# Traces of requests, messages of devices and calls to other servers go to a collector of
# OpenTelemetry (OTLP over HTTPS, in JSON); see docs/operators-guide.md.
#[traces]
# /v1/traces follows it.
#endpoint = "https://collector.example.com:4318"
# CA of the collector's certificate [default: those that the system trusts].
#ca = "collector-ca.pem"
# File with headers that the collector asks for, "Name: value" in each line.
#headers_file = "traces.headers"
# Share of the traces begun here that are kept, 0 to 1; a caller's trace is kept if the
# caller keeps it.
#sample = 0.1
# What the server (service.name) and this process of it (service.instance.id; default:
# another one at each start) are called.
#service_name = "simurgh"
#instance = "eim-1"
"#;

/// `[traces]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceSettings {
    /// `https://host[:port][/path]`.
    endpoint: String,
    ca: Option<PathBuf>,
    headers_file: Option<PathBuf>,
    #[serde(default = "sample")]
    sample: f64,
    #[serde(default = "service_name")]
    service_name: String,
    instance: Option<String>,
}

const fn sample() -> f64 {
    0.1
}

fn service_name() -> String {
    "simurgh".to_string()
}

impl TraceSettings {
    /// Files that it names.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.ca.iter_mut().chain(&mut self.headers_file)
    }

    /// Who makes spans, and who sends them when `end` says so at the latest.
    ///
    /// # Errors
    /// Key and remedy of what is wrong.
    pub(super) fn start(
        &self,
        config: &Config,
        end: watch::Receiver<bool>,
    ) -> Result<(Inside, Exporter), Failure> {
        let wrong =
            |key: &str, what: &dyn std::fmt::Display| Failure::new(format!("[traces] {key}"), what);
        let share = Share::new(self.sample);
        let share = share.ok_or_else(|| wrong("sample", &"give a number from 0 to 1"))?;
        let client = WebClient::new(self.ca.as_deref(), TIMEOUT);
        let mut client = client.map_err(|error| wrong("ca", &error))?;
        for (name, address) in &config.resolve {
            client = client.resolve(name, *address);
        }
        let headers = match &self.headers_file {
            Some(file) => headers(file).map_err(|error| wrong("headers_file", &error))?,
            None => HeaderMap::new(),
        };
        let instance = match &self.instance {
            Some(instance) => instance.clone(),
            None => random_uuid()?,
        };
        let numbers = Arc::new(Numbers::new()?);
        let counts = Arc::new(Counts::default());
        let (sender, queue) = mpsc::channel(QUEUE);
        let exporter = Exporter {
            queue,
            client,
            uri: self.uri().map_err(|error| wrong("endpoint", &error))?,
            headers,
            resource: otlp::resource(&self.service_name, &instance),
            numbers: numbers.clone(),
            counts: counts.clone(),
            end,
            batch: Vec::new(),
            complained: None,
        };
        let inside = Inside {
            numbers,
            share,
            engine: config.database()?.engine(),
            queue: sender,
            counts,
        };
        Ok((inside, exporter))
    }

    /// Where spans go.
    fn uri(&self) -> Result<Uri, &'static str> {
        const FORM: &str = "give https://host, with port and path where the collector has them";
        let reads = |character: char| character.is_ascii_graphic() && !"?#@".contains(character);
        let place = self.endpoint.trim_end_matches('/');
        let host = place.strip_prefix("https://").ok_or(FORM)?;
        if host.is_empty() || host.starts_with('/') || !place.chars().all(reads) {
            return Err(FORM);
        }
        format!("{place}{}", otlp::PATH).parse().map_err(|_| FORM)
    }
}

/// Headers, one in each line. An error has the number of a line, and nothing of it.
fn headers(file: &Path) -> Result<HeaderMap, Failure> {
    let text = Zeroizing::new(files::read(file)?);
    let mut headers = HeaderMap::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("{} line {number}", file.display());
        let form = || Failure::new(place(), "write it as \"Name: value\"");
        let (name, value) = line.split_once(':').ok_or_else(form)?;
        let name: HeaderName = name.trim().parse().map_err(|_| form())?;
        let mut value = HeaderValue::from_str(value.trim()).map_err(|_| form())?;
        if [
            HOST,
            CONNECTION,
            CONTENT_LENGTH,
            CONTENT_TYPE,
            TRANSFER_ENCODING,
        ]
        .contains(&name)
        {
            return Err(Failure::new(
                place(),
                format!("{name} is set here: remove it"),
            ));
        }
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// A UUID of version 4.
fn random_uuid() -> Result<String, Failure> {
    let mut octets = [0; 16];
    shell::random()?.fill(&mut octets);
    let random = u128::from_be_bytes(octets);
    let variant = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{variant:032x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    Ok([
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn read(text: &str) -> TraceSettings {
        #[derive(Deserialize)]
        struct All {
            traces: TraceSettings,
        }
        toml::from_str::<All>(text).unwrap().traces
    }

    #[test]
    fn the_example_is_read() {
        let lines = EXAMPLE.lines().filter(|line| !line.starts_with("# "));
        let lines: Vec<&str> = lines.map(|line| line.trim_start_matches('#')).collect();
        let settings = read(&lines.join("\n"));
        let uri = settings.uri().unwrap();
        assert_eq!(uri, "https://collector.example.com:4318/v1/traces");
        assert!((settings.sample - sample()).abs() < f64::EPSILON);
    }

    #[test]
    fn an_endpoint_is_https_and_may_have_a_path() {
        let uri = |endpoint: &str| read(&format!("[traces]\nendpoint = {endpoint:?}")).uri();
        assert_eq!(uri("https://a/otlp/").unwrap(), "https://a/otlp/v1/traces");
        for wrong in [
            "http://a",
            "a",
            "https://",
            "https:///v1",
            "https://a?b",
            "https://u@a",
            "https://a b",
        ] {
            assert!(uri(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn headers_are_read_and_errors_keep_them_secret() {
        let file = std::env::temp_dir().join(format!("simurgh-headers-{}", std::process::id()));
        std::fs::write(&file, "# of the collector\nAuthorization: Bearer a:b\n\n").unwrap();
        let read = headers(&file).unwrap();
        assert_eq!(read.get("authorization").unwrap(), "Bearer a:b");
        assert!(!format!("{read:?}").contains("a:b"));
        for wrong in [
            "Bearer-secret",
            "a b: secret",
            "host: secret",
            "x: \u{7}secret",
        ] {
            std::fs::write(&file, format!("\n{wrong}")).unwrap();
            let said = headers(&file).unwrap_err().to_string();
            assert!(
                said.contains("line 2") && !said.contains("secret"),
                "{said}"
            );
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn an_instance_is_a_uuid() {
        let uuid = random_uuid().unwrap();
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(&uuid[14..15], "4", "{uuid}");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
