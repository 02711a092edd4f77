//! Certificates, revocation lists and keys from files, PEM or DER.

use std::path::Path;

use rsp_asn1::Certificate;
use rsp_core::pki::{Crl, certificate_from_pem, crl_from_pem};
use rsp_crypto::software::{Sealer, SoftwareKey};
use zeroize::Zeroizing;

use crate::{Failure, key_file};

/// Octets of the longest file that is read.
const MAX_LENGTH: u64 = 2 << 20;

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Material {
    Certificate(Certificate),
    /// A revocation list, as received.
    Crl(Vec<u8>),
    Key(SoftwareKey),
}

/// Reads a file and finds out what it is.
pub(crate) fn read(path: &Path) -> Result<Material, Failure> {
    let doing = || format!("cannot read {}", path.display());
    let length = std::fs::metadata(path).map_err(|error| Failure::new(doing(), error))?;
    if length.len() > MAX_LENGTH {
        return Err(Failure::new(doing(), "it is longer than 2 MiB"));
    }
    let octets = std::fs::read(path).map_err(|error| Failure::new(doing(), error))?;
    let found = match std::str::from_utf8(&octets) {
        Ok(text) if text.contains("-----BEGIN ") => from_pem(text),
        _ => from_der(&octets),
    };
    if std::str::from_utf8(&octets).is_ok_and(key_file::is_sealed) {
        return Err(Failure::new(
            doing(),
            "it is a sealed private key: give --key-file, or open it with `simurgh key open`",
        ));
    }
    found.ok_or_else(|| {
        let kinds = "it holds no certificate, revocation list or private key on P-256 or \
                     brainpoolP256r1, in PEM or DER";
        Failure::new(doing(), kinds)
    })
}

fn from_pem(text: &str) -> Option<Material> {
    if let Some(certificate) = certificate_from_pem(text) {
        return Some(Material::Certificate(certificate));
    }
    if let Some(crl) = crl_from_pem(text) {
        return Some(Material::Crl(crl));
    }
    SoftwareKey::from_pkcs8_pem(text).ok().map(Material::Key)
}

fn from_der(octets: &[u8]) -> Option<Material> {
    if let Ok(key) = SoftwareKey::from_der(octets) {
        return Some(Material::Key(key));
    }
    if Crl::parse(octets).is_ok() {
        return Some(Material::Crl(octets.to_vec()));
    }
    let certificate = Certificate::from_bytes(octets).ok()?;
    Some(Material::Certificate(certificate))
}

/// Reads a certificate.
pub(crate) fn certificate(path: &Path) -> Result<Certificate, Failure> {
    match read(path)? {
        Material::Certificate(certificate) => Ok(certificate),
        _ => Err(Failure::new(path.display(), "is no certificate")),
    }
}

/// Reads a private key, which may be sealed.
pub(crate) fn key(path: &Path, sealer: Option<&Sealer>) -> Result<SoftwareKey, Failure> {
    if let Some(sealer) = sealer {
        let text = Zeroizing::new(std::fs::read_to_string(path).unwrap_or_default());
        if key_file::is_sealed(&text) {
            let pem = key_file::open(path, &text, sealer)?;
            let key = SoftwareKey::from_pkcs8_pem(&pem);
            return key.map_err(|error| Failure::new(path.display(), error));
        }
    }
    match read(path)? {
        Material::Key(key) => Ok(key),
        _ => Err(Failure::new(path.display(), "is no private key")),
    }
}

/// Reads a revocation list.
pub(crate) fn crl(path: &Path) -> Result<Vec<u8>, Failure> {
    match read(path)? {
        Material::Crl(crl) => Ok(crl),
        _ => Err(Failure::new(path.display(), "is no revocation list")),
    }
}
