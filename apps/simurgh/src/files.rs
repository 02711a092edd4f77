//! Keys and certificates in files.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use rsp_asn1::Certificate;
use rsp_core::pki::{certificate_from_pem, certificate_to_pem};
use rsp_crypto::software::SoftwareKey;

use crate::Failure;

/// Writes a file that only its owner can read. An existing file is not
/// replaced: a key that is lost cannot be had again.
pub(crate) fn write_secret(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let mut file = create_secret(path)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    written.map_err(|error| Failure::new(format!("cannot write {}", path.display()), error))
}

/// Makes a file that only its owner can read, as [`write_secret`] does.
pub(crate) fn create_secret(path: &Path) -> Result<File, Failure> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let file = options.open(path);
    file.map_err(|error| Failure::new(format!("cannot write {}", path.display()), error))
}

/// Puts a file that only its owner can read in the place of another, whole or
/// not at all.
pub(crate) fn replace_secret(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    let next = beside(path, "next");
    // Left by a run that was cut off.
    let _ = std::fs::remove_file(&next);
    write_secret(&next, contents)?;
    std::fs::rename(&next, path)
        .map_err(|error| Failure::new(format!("cannot replace {}", path.display()), error))
}

/// The file of this name with an ending more.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Keeps other processes of ours from a database as long as the file is open.
pub(crate) fn lock(database: &Path) -> Result<File, Failure> {
    let path = beside(database, "lock");
    let doing = || format!("cannot lock {}", path.display());
    let mut options = File::options();
    let file = options.create(true).append(true).open(&path);
    let file = file.map_err(|error| Failure::new(doing(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            database.display(),
            "another simurgh uses it: end that one first",
        )),
        Err(TryLockError::Error(error)) => Err(Failure::new(doing(), error)),
    }
}

/// Writes a private key as PEM, for its owner alone.
pub(crate) fn write_key(path: &Path, key: &SoftwareKey) -> Result<(), Failure> {
    let pem = key.to_pkcs8_pem();
    let pem = pem.map_err(|error| Failure::new("cannot encode a key", error))?;
    write_secret(path, pem.as_bytes())
}

/// Writes a certificate as PEM.
pub(crate) fn write_certificate(path: &Path, certificate: &Certificate) -> Result<(), Failure> {
    std::fs::write(path, certificate_to_pem(certificate))
        .map_err(|error| Failure::new(format!("cannot write {}", path.display()), error))
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {}", path.display()), error))
}

/// Reads a file of octets.
pub(crate) fn read_octets(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::new(format!("cannot read {}", path.display()), error))
}

/// Reads a certificate from PEM.
pub(crate) fn read_certificate(path: &Path) -> Result<Certificate, Failure> {
    let certificate = certificate_from_pem(&read(path)?);
    certificate.ok_or_else(|| Failure::new(path.display(), "holds no certificate in PEM"))
}
