//! HTTP over TLS to the subject, for suites that know neither.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lab::conform::{Certificates, Http, HttpMessage, HttpReply};
use rsp_core::pki::{Role, TlsTrust};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::{Client, TlsIdentity};
use tokio::runtime::Runtime;

use super::emulated;
use crate::Failure;

/// Where the subject is and whom to trust as it.
pub(crate) struct Subject {
    /// `https://host:port`, without path.
    pub(crate) url: String,
    pub(crate) trust: TlsTrust,
    pub(crate) resolve: Vec<(String, SocketAddr)>,
    pub(crate) timeout: Duration,
    pub(crate) operator: Option<TlsIdentity>,
    pub(crate) smds: Option<TlsIdentity>,
    pub(crate) stranger: Option<TlsIdentity>,
}

/// The wire to it.
pub(crate) struct Wire {
    runtime: Runtime,
    url: String,
    trust: TlsTrust,
    anybody: Client,
    operator: Option<Client>,
    smds: Option<Client>,
    stranger: Option<Client>,
}

impl Wire {
    pub(crate) fn new(subject: Subject) -> Result<Wire, Failure> {
        let client = |identity: Option<TlsIdentity>| {
            let mut client = Client::builder().timeout(subject.timeout);
            for (name, address) in &subject.resolve {
                client = client.resolve(name, *address);
            }
            if let Some(identity) = identity {
                client = client.client_identity(identity);
            }
            client.build(Arc::new(SoftwareProvider))
        };
        let as_somebody = |identity: Option<TlsIdentity>| {
            identity.map(|identity| client(Some(identity))).transpose()
        };
        Ok(Wire {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            anybody: client(None)?,
            operator: as_somebody(subject.operator.clone())?,
            smds: as_somebody(subject.smds.clone())?,
            stranger: as_somebody(subject.stranger.clone())?,
            url: subject.url.trim_end_matches('/').to_string(),
            trust: subject.trust.clone(),
        })
    }

    fn client(&self, certificates: Certificates) -> Result<&Client, String> {
        match certificates {
            Certificates::None => Ok(&self.anybody),
            Certificates::Operator => self
                .operator
                .as_ref()
                .ok_or("no certificate of an operator is given".into()),
            Certificates::Smds => self
                .smds
                .as_ref()
                .ok_or("no certificate of an SM-DS is given".into()),
            Certificates::Stranger => self
                .stranger
                .as_ref()
                .ok_or("no certificate of a stranger is there".into()),
        }
    }
}

impl Http for Wire {
    fn send(&mut self, message: &HttpMessage) -> Result<HttpReply, String> {
        let method = if message.method.is_empty() {
            "POST"
        } else {
            message.method
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{}", self.url, message.path));
        for (name, value) in &message.headers {
            request = request.header(name, value);
        }
        let request = request.body(Bytes::from(message.body.clone()));
        let request = request.map_err(|error| error.to_string())?;
        let client = self.client(message.certificates)?;
        let sent = client.request_raw(&self.trust, request);
        let response = self
            .runtime
            .block_on(sent)
            .map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_string(), value)
        };
        Ok(HttpReply {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(header).collect(),
            body: body.into(),
        })
    }
}

/// A certificate that nobody has a reason to trust, with its key.
pub(crate) fn stranger() -> Result<TlsIdentity, Failure> {
    let role = Role::Operator {
        oid: "2.999.4711".into(),
    };
    emulated::identity(role, "stranger", None)
}
