//! DTLS 1.2 (RFC 6347) over UDP: own certificate or key, and whom to trust.
//!
//! The library below knows ECDHE_ECDSA with AES-GCM or ChaCha20-Poly1305, and
//! PSK with AES_128_CCM_8. It does not know TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8,
//! which RFC 7252 9.1.3.3 makes mandatory with certificates: a device that
//! offers nothing else is served with PSK only. It sends only the end entity
//! certificate, resumes no sessions, and asks for Extended Master Secret. Who
//! is trusted is decided by `rsp_core::pki`, as in TLS.

mod association;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, PskResolver};
use rsp_core::pki::{ChainError, Side, TlsTrust, verify_tls_server};
use rsp_crypto::Provider;
use zeroize::Zeroizing;

use crate::tls::{IdentityError, OperatorTrust, TlsIdentity, certificate};
use crate::{Clock, system_clock};

pub(crate) use association::{Association, Happened};

/// Octets of the largest datagram that is sent.
///
/// IPv6 carries 1280 octets anywhere; 48 of them are headers, and what goes
/// through a tunnel has some more.
const MTU: usize = 1200;

/// The one suite with a pre-shared key, as it stands in a ClientHello.
const PSK_WITH_AES_128_CCM_8: [u8; 2] = [0xC0, 0xA8];

/// Octets of a pre-shared key, at least (RFC 9257 4.2: 128 bits).
pub const MIN_KEY: usize = 16;

/// Finds the pre-shared key of a device.
pub trait PskKeys: Send + Sync + 'static {
    /// The key of this identity, of [`MIN_KEY`] octets at least; `None` if the
    /// identity is unknown, which the peer cannot tell from a wrong key.
    fn key(&self, identity: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
}

/// How a server proves itself, and what it asks of clients.
#[derive(Clone)]
pub struct ServerConfig {
    /// Certificate and key on P-256; without, only PSK is served.
    pub identity: Option<TlsIdentity>,
    /// Keys of devices; without, PSK is not offered.
    pub psk: Option<Arc<dyn PskKeys>>,
    /// With certificates, the CAs under which every client must have one;
    /// without, clients are not asked.
    pub client_trust: Option<OperatorTrust>,
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("identity", &self.identity)
            .field("psk", &self.psk.is_some())
            .field("client_trust", &self.client_trust)
            .finish()
    }
}

/// How a client proves itself, and whom it trusts.
#[derive(Clone)]
pub enum Credentials {
    /// The server has a certificate.
    Certificate {
        /// Whom to trust as the server.
        trust: TlsTrust,
        /// The own certificate, on P-256, for servers that ask for one.
        identity: TlsIdentity,
    },
    /// Both know a key.
    Psk {
        /// The name of the key: an EID, or what the two agreed on.
        identity: Vec<u8>,
        /// The key.
        key: Zeroizing<Vec<u8>>,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Certificate { trust, identity } => f
                .debug_struct("Certificate")
                .field("trust", trust)
                .field("identity", identity)
                .finish(),
            Credentials::Psk { identity, .. } => f
                .debug_struct("Psk")
                .field("identity", &String::from_utf8_lossy(identity))
                .field("key", &format_args!("[redacted]"))
                .finish(),
        }
    }
}

/// Why there is no secure association.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DtlsError {
    /// The peer's certificate is refused.
    #[error("{0}")]
    Certificate(ChainError),
    /// The handshake or the association failed.
    #[error("DTLS: {0}")]
    Failed(dimpl::Error),
    /// A key that is too short is no key.
    #[error("a pre-shared key of {0} octets; {MIN_KEY} are needed")]
    ShortKey(usize),
    /// The own certificate and key cannot be used.
    #[error("{0}")]
    Identity(#[from] IdentityError),
    /// Neither certificate nor PSK.
    #[error("neither a certificate nor pre-shared keys")]
    Nothing,
}

impl From<dimpl::Error> for DtlsError {
    fn from(error: dimpl::Error) -> Self {
        DtlsError::Failed(error)
    }
}

/// Makes associations of a server.
pub(crate) struct Acceptor {
    certificate: Option<(Arc<Config>, DtlsCertificate)>,
    psk: Option<Arc<dyn PskKeys>>,
    client_trust: Option<OperatorTrust>,
}

/// The identity that a client named, once it has.
pub(crate) type NamedIdentity = Arc<Mutex<Option<Vec<u8>>>>;

impl Acceptor {
    pub(crate) fn new(config: &ServerConfig) -> Result<Acceptor, DtlsError> {
        let certificate = match &config.identity {
            None => None,
            Some(identity) => {
                let asks = config.client_trust.is_some();
                let settings = settings().require_client_certificate(asks).build()?;
                let certificate = dtls_certificate(&settings, identity)?;
                Some((Arc::new(settings), certificate))
            }
        };
        if certificate.is_none() && config.psk.is_none() {
            return Err(DtlsError::Nothing);
        }
        Ok(Acceptor {
            certificate,
            psk: config.psk.clone(),
            client_trust: config.client_trust.clone(),
        })
    }

    /// An association for a client that says this; `None` if it is no
    /// ClientHello, or offers nothing that is served.
    pub(crate) fn accept(
        &self,
        datagram: &[u8],
        now: Instant,
    ) -> Option<(Association, NamedIdentity)> {
        let suites = offered_suites(datagram)?;
        let named = NamedIdentity::default();
        let has_psk = suites
            .chunks(2)
            .any(|suite| suite == PSK_WITH_AES_128_CCM_8);
        let dtls = match (&self.psk, &self.certificate) {
            (Some(keys), _) if has_psk => {
                let resolver = Arc::new(Named {
                    keys: keys.clone(),
                    named: named.clone(),
                });
                let config = settings().with_psk_server(None, resolver).build().ok()?;
                Dtls::new_12_psk(Arc::new(config), now)
            }
            (_, Some((config, certificate))) => {
                Dtls::new_12(config.clone(), certificate.clone(), now)
            }
            _ => return None,
        };
        Some((Association::new(dtls), named))
    }

    /// Whether a client may present this certificate.
    pub(crate) fn check(&self, presented: &[u8]) -> Result<(), DtlsError> {
        match &self.client_trust {
            Some(trust) => trust.check(presented, &[]).map_err(DtlsError::Certificate),
            None => Ok(()),
        }
    }
}

/// Makes associations of a client.
#[derive(Clone)]
pub(crate) struct Connector {
    credentials: Credentials,
    clock: Clock,
    crypto: Arc<dyn Provider>,
}

impl Connector {
    pub(crate) fn new(
        credentials: Credentials,
        clock: Option<Clock>,
        crypto: Arc<dyn Provider>,
    ) -> Connector {
        Connector {
            credentials,
            clock: clock.unwrap_or_else(system_clock),
            crypto,
        }
    }

    /// An association that is to begin.
    pub(crate) fn connect(&self, now: Instant) -> Result<Association, DtlsError> {
        let mut dtls = match &self.credentials {
            Credentials::Certificate { identity, .. } => {
                let config = settings().build()?;
                let certificate = dtls_certificate(&config, identity)?;
                Dtls::new_12(Arc::new(config), certificate, now)
            }
            Credentials::Psk { key, .. } if key.len() < MIN_KEY => {
                return Err(DtlsError::ShortKey(key.len()));
            }
            Credentials::Psk { identity, key } => {
                let key = Arc::new(OneKey(key.clone()));
                let config = settings().with_psk_client(identity.clone(), key);
                Dtls::new_12_psk(Arc::new(config.build()?), now)
            }
        };
        dtls.set_active(true);
        Ok(Association::new(dtls))
    }

    /// Whether the server may present this certificate under this name.
    pub(crate) fn check(&self, presented: &[u8], name: &str) -> Result<(), DtlsError> {
        let Credentials::Certificate { trust, .. } = &self.credentials else {
            return Ok(());
        };
        let side = Side::Leaf;
        let verified = certificate(presented)
            .map_err(|cause| ChainError::Malformed { side, cause })
            .and_then(|presented| {
                let now = (self.clock)();
                verify_tls_server(&presented, name, trust, now, self.crypto.as_ref())
            });
        verified.map(drop).map_err(DtlsError::Certificate)
    }

    /// Whether the server is to prove itself with a certificate.
    pub(crate) fn wants_certificate(&self) -> bool {
        matches!(self.credentials, Credentials::Certificate { .. })
    }
}

fn settings() -> dimpl::ConfigBuilder {
    Config::builder()
        .mtu(MTU)
        .require_client_certificate(false)
        .handshake_timeout(Duration::from_secs(30))
}

fn dtls_certificate(config: &Config, identity: &TlsIdentity) -> Result<DtlsCertificate, DtlsError> {
    // The library panics over a key that it cannot read, and does not compare
    // it with the certificate.
    identity.resolver()?;
    let keys = config.crypto_provider().key_provider;
    let readable = keys.load_private_key(&identity.key_der);
    readable.map_err(|error| IdentityError::Key(format!("{error:?}")))?;
    let certificate = identity.chain.first();
    Ok(DtlsCertificate {
        certificate: certificate.cloned().unwrap_or_default(),
        private_key: identity.key_der.to_vec(),
    })
}

struct OneKey(Zeroizing<Vec<u8>>);

impl PskResolver for OneKey {
    fn resolve(&self, _identity: &[u8]) -> Option<Vec<u8>> {
        Some(self.0.to_vec())
    }
}

/// Finds a key, and keeps in mind whose.
struct Named {
    keys: Arc<dyn PskKeys>,
    named: NamedIdentity,
}

// A lookup that panics leaves nothing half done here.
impl std::panic::UnwindSafe for Named {}
impl std::panic::RefUnwindSafe for Named {}

impl PskResolver for Named {
    fn resolve(&self, identity: &[u8]) -> Option<Vec<u8>> {
        let key = self.keys.key(identity);
        let key = key.filter(|key| key.len() >= MIN_KEY)?;
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        *named = Some(identity.to_vec());
        Some(key.to_vec())
    }
}

/// Whether a datagram begins a handshake: a ClientHello in epoch 0.
pub(crate) fn is_client_hello(datagram: &[u8]) -> bool {
    offered_suites(datagram).is_some()
}

/// Whether a datagram begins with a ServerHello.
pub(crate) fn is_server_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22) && datagram.get(13) == Some(&2)
}

/// The cipher suites of a ClientHello that stands whole at the beginning of a
/// datagram (RFC 6347 4.2.1).
fn offered_suites(datagram: &[u8]) -> Option<&[u8]> {
    // Record: type 22, version, epoch 0, sequence number, length.
    let record = datagram.get(13..)?;
    if datagram.first() != Some(&22) || datagram.get(3..5) != Some(&[0, 0]) {
        return None;
    }
    // Handshake: type 1, length, message number, fragment offset and length.
    if record.first() != Some(&1) || record.get(6..9) != Some(&[0, 0, 0]) {
        return None;
    }
    // Version, random; session ID and cookie with their lengths.
    let hello = record.get(12..)?.get(34..)?;
    let (length, rest) = hello.split_first()?;
    let rest = rest.get(usize::from(*length)..)?;
    let (length, rest) = rest.split_first()?;
    let rest = rest.get(usize::from(*length)..)?;
    let ([high, low], rest) = rest.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes([*high, *low])))
}
