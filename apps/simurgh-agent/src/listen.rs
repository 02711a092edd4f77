//! Where the eIM brings its packages (ESipa.TransferEimPackage, SGP.32 5.14.4),
//! for devices that can be reached: over HTTPS or CoAP, from the one eIM that is
//! configured, known by its certificate. Without `[listen]` nobody is let in.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_asn1::sgp32::{TransferEimPackageRequest, TransferEimPackageResponse};
use rsp_core::binding::{HttpRequest, HttpResponse, esipa_asn1};
use rsp_core::ipa::{Injection, Server as EimServer};
use rsp_core::pki::ParsedCertificate;
use rsp_crypto::PublicKey;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::dtls::ServerConfig;
use rsp_net::{
    ClientAuth, CoapLimits, CoapServer, Handler, Limits, OperatorTrust, Peer, Server, TlsIdentity,
};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::Failure;
use crate::config::certificate;

/// How long the eUICC may take over a package.
const PATIENCE: Duration = Duration::from_secs(100);

/// Octets of a message.
const MAX_BODY: usize = 64 << 10;

/// Connections and associations at a time: there is one eIM.
const MAX_PEERS: usize = 8;

/// Octets of all CoAP messages in blocks.
const MAX_MEMORY: usize = 1 << 20;

/// `[listen]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    /// Where HTTPS is served.
    https: Option<SocketAddr>,
    /// Where CoAP over DTLS is served.
    coaps: Option<SocketAddr>,
    /// The device's own certificate and key.
    certificate: PathBuf,
    key: PathBuf,
    /// `eimFqdn` of the eIM on the eUICC.
    eim: String,
    /// The certificate with which that eIM comes: its key counts.
    eim_certificate: PathBuf,
    /// The CA that issued it.
    eim_ca: PathBuf,
}

/// A message of the eIM, and who waits for the answer.
pub(crate) struct Brought {
    request: TransferEimPackageRequest,
    answer: oneshot::Sender<TransferEimPackageResponse>,
}

impl Listen {
    /// Takes paths as relative to this folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        for path in [
            &mut self.certificate,
            &mut self.key,
            &mut self.eim_certificate,
            &mut self.eim_ca,
        ] {
            *path = folder.join(&*path);
        }
    }

    /// Binds, and serves as long as the runtime lives.
    pub(crate) async fn start(&self) -> Result<Listening, Failure> {
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path);
            text.map_err(|error| Failure::new(path.display(), error))
        };
        let identity = TlsIdentity::from_pem(&read(&self.certificate)?, &read(&self.key)?);
        let identity = identity.map_err(Failure::of)?;
        let ca = certificate(&self.eim_ca)?.as_bytes().to_vec();
        let trust = OperatorTrust::new(&[ca], Arc::new(SoftwareProvider));
        let trust = trust.map_err(|error| Failure::new(self.eim_ca.display(), error))?;
        let (bring, incoming) = mpsc::channel(1);
        let door = Door {
            eim_key: self.eim_key()?,
            bring,
        };
        if self.https.is_none() && self.coaps.is_none() {
            return Err(Failure::new("listen", "neither https nor coaps is given"));
        }
        if let Some(at) = self.https {
            let limits = Limits {
                max_body: MAX_BODY,
                max_connections: MAX_PEERS,
                ..Limits::default()
            };
            let auth = ClientAuth::Optional(trust.clone());
            let server = Server::bind(at, identity.clone(), auth, limits).await;
            let server = server.map_err(|error| Failure::new(at, error))?;
            tracing::info!(https = %server.local_addr(), "listens");
            tokio::spawn(server.serve(door.clone(), std::future::pending()));
        }
        if let Some(at) = self.coaps {
            let config = ServerConfig {
                identity: Some(identity),
                psk: None,
                client_trust: Some(trust),
            };
            let limits = CoapLimits {
                max_body: MAX_BODY,
                max_memory: MAX_MEMORY,
                max_peers: MAX_PEERS,
                max_handshakes: MAX_PEERS,
                max_requests: MAX_PEERS,
                ..CoapLimits::default()
            };
            let server = CoapServer::bind(at, &config, limits).await;
            let server = server.map_err(|error| Failure::new(at, error))?;
            tracing::info!(coaps = %server.local_addr(), "listens");
            tokio::spawn(server.serve(door, std::future::pending()));
        }
        Ok(Listening {
            incoming,
            injection: Injection::new(self.eim.clone()),
            waiting: None,
            active: false,
        })
    }

    fn eim_key(&self) -> Result<PublicKey, Failure> {
        let certificate = certificate(&self.eim_certificate)?;
        let parsed = ParsedCertificate::parse(&certificate);
        let parsed = parsed.map_err(|error| Failure::new(self.eim_certificate.display(), error))?;
        Ok(parsed.public_key)
    }
}

/// Lets the eIM in, and nobody else.
#[derive(Clone)]
struct Door {
    eim_key: PublicKey,
    bring: mpsc::Sender<Brought>,
}

impl Door {
    /// That the certificate was issued by the CA is known by now.
    fn is_eim(&self, peer: &Peer) -> bool {
        let presented = peer.certificate.as_ref();
        let presented = presented.and_then(|der| Certificate::from_bytes(der).ok());
        let parsed = presented.and_then(|presented| ParsedCertificate::parse(&presented).ok());
        parsed.is_some_and(|parsed| parsed.public_key == self.eim_key)
    }
}

impl Handler for Door {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        if !self.is_eim(peer) {
            tracing::warn!(peer = %peer.address, "brings something and is not the eIM: refused");
            return HttpResponse::failure(403, "not the eIM of this device");
        }
        if request.path != esipa_asn1::PATH {
            return HttpResponse::failure(404, "no function here");
        }
        let request = match Injection::read(&request) {
            Ok(request) => request,
            Err(error) => return Injection::refuse(&request, &error),
        };
        let (answer, answered) = oneshot::channel();
        let busy = || HttpResponse::failure(503, "the device is busy");
        if self.bring.try_send(Brought { request, answer }).is_err() {
            return busy();
        }
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(Ok(answer)) => Injection::write(answer),
            _ => busy(),
        }
    }
}

/// What is between the IPA and the eIM that brings packages.
pub(crate) struct Listening {
    incoming: mpsc::Receiver<Brought>,
    injection: Injection,
    waiting: Option<oneshot::Sender<TransferEimPackageResponse>>,
    /// Whether the round is about what was brought.
    active: bool,
}

impl Listening {
    /// The next message of the eIM; to be asked for between two rounds.
    pub(crate) async fn next(&mut self) -> Brought {
        match self.incoming.recv().await {
            Some(brought) => brought,
            None => std::future::pending().await,
        }
    }

    /// Takes it; the IPA is to be woken.
    pub(crate) fn begin(&mut self, brought: Brought) {
        tracing::info!("the eIM has brought something");
        self.injection.transfer(brought.request);
        self.waiting = Some(brought.answer);
        self.active = true;
        self.flush();
    }

    /// The answer to a request of the IPA, if it does not go over the network.
    pub(crate) fn answer(
        &mut self,
        server: &EimServer,
        request: &HttpRequest,
    ) -> Option<HttpResponse> {
        if !self.active {
            return None;
        }
        let answer = self.injection.answer(server, request);
        self.flush();
        answer
    }

    /// The round is over.
    pub(crate) fn round_is_over(&mut self) {
        if self.active {
            self.injection.round_is_over();
            self.flush();
            self.active = false;
        }
    }

    /// Answers the eIM as soon as there is an answer.
    fn flush(&mut self) {
        if let Some(answer) = self.injection.poll_response()
            && let Some(waiting) = self.waiting.take()
        {
            // An eIM that is gone asks again.
            let _ = waiting.send(answer);
        }
    }
}
