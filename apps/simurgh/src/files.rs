//! Keys and certificates in files.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Certificate;
use rsp_crypto::software::SoftwareKey;

use crate::Failure;

/// Writes a file that only its owner can read. An existing file is not
/// replaced: a key that is lost cannot be had again.
pub(crate) fn write_secret(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let doing = || format!("cannot write {}", path.display());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options.open(path).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()
    });
    written.map_err(|error| Failure::new(doing(), error))
}

/// Writes a certificate as PEM.
pub(crate) fn write_certificate(path: &Path, certificate: &Certificate) -> Result<(), Failure> {
    let text = STANDARD.encode(certificate.as_bytes());
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    std::fs::write(path, pem)
        .map_err(|error| Failure::new(format!("cannot write {}", path.display()), error))
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {}", path.display()), error))
}

/// Reads a certificate from PEM.
pub(crate) fn read_certificate(path: &Path) -> Result<Certificate, Failure> {
    let doing = || format!("{} holds no certificate", path.display());
    let pem = read(path)?;
    let body: String = pem
        .lines()
        .skip_while(|line| *line != "-----BEGIN CERTIFICATE-----")
        .skip(1)
        .take_while(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD.decode(body);
    let der = der.map_err(|error| Failure::new(doing(), error))?;
    Certificate::from_bytes(&der).map_err(|error| Failure::new(doing(), error))
}

/// Reads a private key from PEM.
pub(crate) fn read_key(path: &Path) -> Result<SoftwareKey, Failure> {
    SoftwareKey::from_pkcs8_pem(&read(path)?)
        .map_err(|error| Failure::new(format!("{} holds no key", path.display()), error))
}
