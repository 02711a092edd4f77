//! Why there is no response.

use std::error::Error;
use std::io;
use std::time::Duration;

use rsp_core::pki::ChainError;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Not `host` or `host:port`, or not an `https` URI.
    #[error("{0:?} is no server address")]
    Address(String),
    /// Nothing says whom to trust as the server. The trust store of the
    /// platform is not used.
    #[error("{0}: no trust anchor, pinned key or certificate is set for this server")]
    NoTrust(String),
    /// Path or header values are not valid in HTTP.
    #[error("request: {0}")]
    Request(#[from] http::Error),
    /// The name service has no address for the host.
    #[error("{address}: no address: {error}")]
    Resolve {
        /// Which server.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// The server cannot be reached.
    #[error("{address}: connection: {error}")]
    Connect {
        /// Which server.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// The server's certificate is refused.
    #[error("{address}: {error}")]
    Certificate {
        /// Which server.
        address: String,
        /// Why.
        error: ChainError,
    },
    /// The handshake failed, or the server ended TLS with an alert.
    #[error("{address}: TLS: {error}")]
    Tls {
        /// Which server.
        address: String,
        /// Why.
        error: rustls::Error,
    },
    /// Nothing complete within the time.
    #[error("{address}: no response within {limit:?}")]
    Timeout {
        /// Which server.
        address: String,
        /// The time.
        limit: Duration,
    },
    /// The connection ended early, or what came is no HTTP response.
    #[error("{address}: HTTP: {error}")]
    Http {
        /// Which server.
        address: String,
        /// What.
        error: hyper::Error,
    },
    /// The handshake of DTLS failed, or the association broke.
    #[error("{address}: {error}")]
    Dtls {
        /// Which server.
        address: String,
        /// Why.
        error: crate::dtls::DtlsError,
    },
    /// CoAP gave no response.
    #[error("{address}: {error}")]
    Coap {
        /// Which server.
        address: String,
        /// Why.
        error: rsp_core::binding::coap::CoapError,
    },
    /// The broker gave no response.
    #[error("{address}: {error}")]
    Mqtt {
        /// Which broker.
        address: String,
        /// Why.
        error: crate::mqtt::MqttError,
    },
    /// The response is larger than accepted.
    #[error("{address}: the response has more than {limit} octets")]
    BodyTooLarge {
        /// Which server.
        address: String,
        /// The limit.
        limit: usize,
    },
}

impl ClientError {
    /// Of a connection attempt.
    pub(super) fn connecting(address: String, error: io::Error) -> Self {
        match tls_error(&error) {
            Some(error) => Self::tls(address, error),
            None => ClientError::Connect { address, error },
        }
    }

    /// Of an exchange on a connection.
    pub(super) fn exchanging(address: String, error: hyper::Error) -> Self {
        match tls_error(&error) {
            Some(error) => Self::tls(address, error),
            None => ClientError::Http { address, error },
        }
    }

    fn tls(address: String, error: rustls::Error) -> Self {
        match refusal(&error) {
            Some(error) => ClientError::Certificate { address, error },
            None => ClientError::Tls { address, error },
        }
    }
}

/// The verdict of `rsp_core::pki`, if that is why the handshake ended.
fn refusal(error: &rustls::Error) -> Option<ChainError> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref().cloned()
        }
        _ => None,
    }
}

/// The TLS error that is somewhere below.
pub(super) fn tls_error(error: &(dyn Error + 'static)) -> Option<rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls.clone());
    }
    // An io::Error shows what it was made of only this way.
    let inner = error.downcast_ref().and_then(io::Error::get_ref);
    match inner {
        Some(inner) => tls_error(inner),
        None => tls_error(error.source()?),
    }
}
