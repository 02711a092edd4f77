//! A server of the suite's, which answers as a case says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lab::conform::euicc::Authority;
use lab::conform::{Answers, Certificates, HttpMessage, HttpReply, Played};
use rsp_asn1::Certificate;
use rsp_core::pki::{Issuer, Name, Role, Template, issue_under};
use rsp_crypto::Curve;
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_net::{ClientAuth, Limits, Peer, RawHandler, Server, TlsIdentity};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::now;
use crate::Failure;

/// A status for no answer at all, as long as anybody waits.
const NO_ANSWER: u16 = 0;
const SILENCE: Duration = Duration::from_secs(3600);

/// Requests as they came.
pub(crate) type Requests = Arc<Mutex<Vec<HttpMessage>>>;

/// The server behind its wire.
pub(crate) struct Emulated {
    answers: Mutex<Answers>,
    requests: Requests,
}

impl Emulated {
    pub(crate) fn new(answers: Answers) -> Emulated {
        Emulated {
            answers: Mutex::new(answers),
            requests: Requests::default(),
        }
    }

    /// Where the requests will be.
    pub(crate) fn requests(&self) -> Requests {
        self.requests.clone()
    }
}

impl RawHandler for Emulated {
    async fn handle(&self, request: http::Request<Bytes>, peer: &Peer) -> http::Response<Bytes> {
        let (parts, body) = request.into_parts();
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_string(), value)
        };
        let message = HttpMessage {
            path: parts.uri.path().to_string(),
            headers: parts.headers.iter().map(header).collect(),
            body: body.into(),
            certificates: match peer.certificate {
                Some(_) => Certificates::Operator,
                None => Certificates::None,
            },
            ..HttpMessage::default()
        };
        let reply = match self.answers.lock() {
            Ok(mut answers) => answers(&message),
            Err(_) => HttpReply::default(),
        };
        if let Ok(mut requests) = self.requests.lock() {
            requests.push(message);
        }
        if reply.status == NO_ANSWER {
            tokio::time::sleep(SILENCE).await;
        }
        let mut response = http::Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        response.body(Bytes::from(reply.body)).unwrap_or_default()
    }
}

/// A certificate of the suite in a role: issued by a CI, or by itself.
pub(crate) fn issued(
    role: Role,
    common_name: &str,
    authority: Option<&Authority>,
) -> Result<(Certificate, SoftwareKey), Failure> {
    let mut rng = crate::demo::random()?;
    let key = SoftwareKey::generate(Curve::NistP256, &mut rng)?;
    let now = now()?;
    let template = Template {
        role,
        subject: Name {
            common_name: common_name.into(),
            ..Name::default()
        },
        public_key: key.public_key(),
        serial: &[1],
        not_before: now,
        not_after: now.after(Duration::from_secs(86_400)),
    };
    let issued = match authority {
        None => {
            let issuer = Issuer::new(&template.subject, key.public_key(), &SoftwareProvider);
            issue_under(&template, &issuer, &key, &SoftwareProvider)?
        }
        Some(authority) => {
            let issuer = Issuer::of(&authority.certificate)?;
            let ci = authority.key.as_ref();
            let ci = ci.ok_or("the private key of the CI is needed (--ca)")?;
            issue_under(&template, &issuer, ci, &SoftwareProvider)?
        }
    };
    Ok((issued, key))
}

/// The same for TLS.
pub(crate) fn identity(
    role: Role,
    common_name: &str,
    authority: Option<&Authority>,
) -> Result<TlsIdentity, Failure> {
    let (certificate, key) = issued(role, common_name, authority)?;
    let chain = vec![certificate.as_bytes().to_vec()];
    Ok(TlsIdentity::from_key_pem(chain, &key.to_pkcs8_pem()?)?)
}

/// Looks at a server of the suite's for something that the subject does by
/// itself, and how long after each other.
const LOOKS: u32 = 100;
const LOOK: Duration = Duration::from_millis(100);

/// A name without its port.
fn host(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// A server of the suite's at a socket, for all cases of a run.
pub(crate) struct AtSocket {
    address: String,
    answers: Arc<Mutex<Answers>>,
    looks: u32,
    /// Its end ends the server.
    _stop: oneshot::Sender<()>,
    _runtime: Runtime,
}

impl AtSocket {
    /// An SM-DP+ at a socket, which the subject knows by this name.
    pub(crate) fn smdp(
        socket: SocketAddr,
        name: &str,
        authority: &Authority,
    ) -> Result<AtSocket, Failure> {
        let (oid, dns_name) = ("2.999.10".into(), host(name).into());
        let role = Role::DpTls { oid, dns_name };
        Self::start(socket, name, identity(role, host(name), Some(authority))?)
    }

    /// An SM-DS at a socket.
    pub(crate) fn smds(
        socket: SocketAddr,
        name: &str,
        authority: &Authority,
    ) -> Result<AtSocket, Failure> {
        let (oid, dns_name) = ("2.999.15".into(), host(name).into());
        let role = Role::DsTls { oid, dns_name };
        Self::start(socket, name, identity(role, host(name), Some(authority))?)
    }

    /// Devices that listen at a socket, and their certificate.
    pub(crate) fn device(
        socket: SocketAddr,
        name: &str,
        authority: &Authority,
    ) -> Result<(AtSocket, Certificate), Failure> {
        let dns_name = host(name).into();
        let role = Role::TlsServer { dns_name };
        let (certificate, key) = issued(role, host(name), Some(authority))?;
        let chain = vec![certificate.as_bytes().to_vec()];
        let identity = TlsIdentity::from_key_pem(chain, &key.to_pkcs8_pem()?)?;
        Ok((Self::start(socket, name, identity)?, certificate))
    }

    fn start(socket: SocketAddr, name: &str, identity: TlsIdentity) -> Result<AtSocket, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let bound = Server::bind(socket, identity, ClientAuth::None, Limits::default());
        let server = runtime.block_on(bound)?;
        let address = match name.contains(':') {
            true => name.to_string(),
            false => format!("{name}:{}", server.local_addr().port()),
        };
        let nothing: Answers = Box::new(|_| HttpReply::default());
        let answers = Arc::new(Mutex::new(nothing));
        let current = answers.clone();
        let emulated = Emulated::new(Box::new(move |message| match current.lock() {
            Ok(mut answers) => answers(message),
            Err(_) => HttpReply::default(),
        }));
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(server.serve_raw(emulated, async {
            let _ = stopped.await;
        }));
        Ok(AtSocket {
            address,
            answers,
            looks: 0,
            _stop: stop,
            _runtime: runtime,
        })
    }
}

impl Played for AtSocket {
    fn address(&self) -> String {
        self.address.clone()
    }

    fn answer(&mut self, answers: Answers) {
        self.looks = LOOKS;
        if let Ok(mut current) = self.answers.lock() {
            *current = answers;
        }
    }

    fn wait(&mut self) -> bool {
        self.looks = self.looks.saturating_sub(1);
        std::thread::sleep(LOOK);
        self.looks > 0
    }
}
