//! What the card's own IPA reads: from a TLS server, and from the terminal.

use std::sync::OnceLock;

use euicc::fuzzing::{ipae_package, ipae_response, tls_bodies, tls_connection, toolkit};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, SigningKey};

use crate::input::pieces;

/// Pieces from a server. Without the trusted key there is no connection,
/// whatever they are.
pub(crate) fn records(data: &[u8]) {
    static KEY: OnceLock<SoftwareKey> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        SoftwareKey::from_scalar(Curve::NistP256, &[9; 32]).expect("a scalar of the curve")
    });
    let trusted = SigningKey::public_key(key);
    let mut rng = SeededRng::new(1);
    let connected = tls_connection(trusted, &SoftwareProvider, &mut rng, pieces(data));
    assert!(!connected, "somebody else is believed");
    let _ = tls_bodies(trusted, &SoftwareProvider, data);
    if let Some(body) = ipae_response(pieces(data)) {
        assert!(body.len() < data.len());
    }
    for package in ipae_package(pieces(data)) {
        assert!(package.len() <= data.len());
    }
}

/// TERMINAL RESPONSE and ENVELOPE.
pub(crate) fn terminal(data: &[u8]) {
    let _ = toolkit(data);
}
