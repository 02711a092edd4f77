//! A CI with servers and operators below it, and peers without manners.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rsp_asn1::Certificate;
use rsp_core::Timestamp;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::ipa;
use rsp_core::pki::{Name, Role, Template, TlsTrust, TrustAnchor, issue};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Provider};
use rsp_net::{
    Client, ClientAuth, ClientBuilder, Clock, Handler, Limits, Peer, Server, TlsIdentity,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

pub(crate) const NAME: &str = "smdp.example";
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_760_000_000);
pub(crate) const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
pub(crate) const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// A clock that the test moves.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        TestClock(Arc::new(AtomicU64::new(NOW.0)))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = self.0.clone();
        Arc::new(move || Timestamp(now.load(Ordering::SeqCst)))
    }
}

pub(crate) fn crypto() -> Arc<dyn Provider> {
    Arc::new(SoftwareProvider)
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) certificate: Certificate,
    pub(crate) key: SoftwareKey,
}

impl Issued {
    pub(crate) fn der(&self) -> Vec<u8> {
        self.certificate.as_bytes().to_vec()
    }

    pub(crate) fn identity(&self) -> TlsIdentity {
        identity(&self.certificate, &self.key)
    }
}

/// Certificate and key, whether they belong together or not.
pub(crate) fn identity(certificate: &Certificate, key: &SoftwareKey) -> TlsIdentity {
    let pem = key.to_pkcs8_pem().unwrap();
    TlsIdentity::from_key_pem(vec![certificate.as_bytes().to_vec()], &pem).unwrap()
}

/// As rustls takes it, without any check.
pub(crate) fn unchecked(identity: &TlsIdentity) -> Arc<SingleCertAndKey> {
    let key = PrivateKeyDer::try_from(identity.key_der.as_slice()).unwrap();
    let key = aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let chain = identity.chain.iter().cloned().map(CertificateDer::from);
    Arc::new(CertifiedKey::new(chain.collect(), key).into())
}

pub(crate) fn key(seed: u64) -> SoftwareKey {
    SoftwareKey::generate(Curve::NistP256, &mut SeededRng::new(seed)).unwrap()
}

/// A CI; another seed is another CI.
pub(crate) struct Ci {
    pub(crate) root: Issued,
    name: Name,
}

impl Ci {
    pub(crate) fn new(seed: u64) -> Self {
        let key = key(seed);
        let name = Name {
            organization: "Example".into(),
            common_name: format!("CI {seed}"),
            ..Name::default()
        };
        let oid = "2.999.1".into();
        let certificate = certificate(Role::Ci { oid }, &name, &key, &name, &key);
        let root = Issued { certificate, key };
        Ci { root, name }
    }

    pub(crate) fn issue(&self, role: Role, seed: u64) -> Issued {
        let key = key(seed);
        let subject = subject(seed);
        let certificate = certificate(role, &subject, &key, &self.name, &self.root.key);
        Issued { certificate, key }
    }

    /// A CA under this one.
    pub(crate) fn sub_ca(&self, kind: SubCa, seed: u64) -> Ci {
        let oid = || "2.999.1".into();
        let role = match kind {
            SubCa::Free => Role::Ci { oid: oid() },
            SubCa::LastOne => Role::PrivateCa,
            SubCa::Constrained => Role::Eum {
                oid: oid(),
                eid_prefix: "89049032".into(),
            },
        };
        self.named(self.issue(role, seed), seed)
    }

    /// Something issued with [`Ci::issue`], as an issuer.
    pub(crate) fn named(&self, root: Issued, seed: u64) -> Ci {
        let name = subject(seed);
        Ci { root, name }
    }

    pub(crate) fn smdp(&self) -> Issued {
        let (oid, dns_name) = ("2.999.10".into(), NAME.into());
        self.issue(Role::DpTls { oid, dns_name }, 1001)
    }

    pub(crate) fn operator(&self) -> Issued {
        self.issue(operator_role(), 1002)
    }

    pub(crate) fn trust(&self) -> TlsTrust {
        let anchor = TrustAnchor::new(&self.root.certificate, &SoftwareProvider).unwrap();
        TlsTrust::RspServer(vec![anchor])
    }
}

fn subject(seed: u64) -> Name {
    Name {
        organization: "Example".into(),
        common_name: format!("subject {seed}"),
        ..Name::default()
    }
}

/// What a CA under another may issue.
#[derive(Clone, Copy)]
pub(crate) enum SubCa {
    /// Further CAs, too.
    Free,
    /// End entities alone.
    LastOne,
    /// What its nameConstraints permit.
    Constrained,
}

pub(crate) fn operator_role() -> Role {
    let oid = "2.999.30".into();
    Role::Operator { oid }
}

fn certificate(
    role: Role,
    subject: &Name,
    key: &SoftwareKey,
    issuer: &Name,
    issuer_key: &SoftwareKey,
) -> Certificate {
    let template = Template {
        role,
        subject: subject.clone(),
        public_key: key.public_key(),
        serial: &[1],
        not_before: Timestamp::from_secs(NOW.as_secs() - 86_400),
        not_after: not_after(),
    };
    issue(&template, issuer, issuer_key, &SoftwareProvider).unwrap()
}

pub(crate) fn not_after() -> Timestamp {
    Timestamp::from_secs(NOW.as_secs() + 100 * 86_400)
}

/// Answers with what it was asked, and remembers who asked.
#[derive(Clone, Default)]
pub(crate) struct Echo {
    pub(crate) seen: Arc<Mutex<Vec<(HttpRequest, Peer)>>>,
}

impl Echo {
    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(crate) fn connections(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        let mut ports: Vec<_> = seen.iter().map(|(_, peer)| peer.address.port()).collect();
        ports.sort_unstable();
        ports.dedup();
        ports.len()
    }

    pub(crate) fn last(&self) -> (HttpRequest, Peer) {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

impl Handler for Echo {
    async fn handle(&self, request: HttpRequest, peer: &Peer) -> HttpResponse {
        let seen = (request.clone(), peer.clone());
        self.seen.lock().unwrap().push(seen);
        match request.path.as_str() {
            "/nothing" => HttpResponse::no_content(),
            "/slow" => {
                tokio::time::sleep(Duration::from_millis(600)).await;
                HttpResponse::ok("text/plain", b"at last".to_vec())
            }
            _ => HttpResponse::ok(&request.content_type, request.body),
        }
    }
}

/// A server that runs until it is stopped or the test ends.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) echo: Echo,
    stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(identity: TlsIdentity, auth: ClientAuth, limits: Limits) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::bind(any, identity, auth, limits).await.unwrap();
        let address = server.local_addr();
        let echo = Echo::default();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _: Result<(), _> = stopped.await;
        };
        let task = tokio::spawn(server.serve(echo.clone(), shutdown));
        Running {
            address,
            echo,
            stop,
            task,
        }
    }

    pub(crate) async fn plain(ci: &Ci) -> Self {
        let identity = ci.smdp().identity();
        Self::start(identity, ClientAuth::None, Limits::default()).await
    }

    pub(crate) async fn limited(ci: &Ci, limits: Limits) -> Self {
        Self::start(ci.smdp().identity(), ClientAuth::None, limits).await
    }

    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.task
    }
}

/// A client that reaches [`NAME`] at `address`, at the time [`NOW`].
pub(crate) fn builder(address: SocketAddr) -> ClientBuilder {
    Client::builder()
        .resolve(NAME, address)
        .clock(Arc::new(|| NOW))
        .timeout(Duration::from_secs(10))
}

pub(crate) fn client(address: SocketAddr) -> Client {
    builder(address).build(crypto()).unwrap()
}

pub(crate) fn server(trust: TlsTrust) -> ipa::Server {
    ipa::Server {
        address: NAME.into(),
        trust: Some(trust),
        transport: rsp_core::binding::Transport::Https,
    }
}

pub(crate) fn request(path: &str, body: &[u8]) -> HttpRequest {
    HttpRequest {
        path: path.into(),
        content_type: "application/x-gsma-rsp-asn1".into(),
        admin_protocol: None,
        user_agent: None,
        body: body.to_vec(),
    }
}

/// A TLS client that trusts anybody.
pub(crate) async fn raw_client(
    address: SocketAddr,
    versions: &[&'static SupportedProtocolVersion],
    identity: Option<Arc<SingleCertAndKey>>,
) -> io::Result<client::TlsStream<TcpStream>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let config = match identity {
        Some(identity) => config.with_client_cert_resolver(identity),
        None => config.with_no_client_auth(),
    };
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(NAME).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// A TLS server on a port of its own that says whatever it wants.
pub(crate) struct RawServer {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl RawServer {
    pub(crate) async fn bind(
        identity: Arc<SingleCertAndKey>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(identity);
        RawServer {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            tls: TlsAcceptor::from(Arc::new(config)),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub(crate) async fn accept(&self) -> io::Result<server::TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await?;
        self.tls.accept(stream).await
    }
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
