//! The key under which secrets rest: one file, and private keys sealed with it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsp_crypto::Rng;
use rsp_crypto::software::{Sealer, SoftwareKey};
use zeroize::Zeroizing;

use crate::{Failure, files, shell};

const BEGIN: &str = "-----BEGIN SIMURGH SEALED KEY-----";
const END: &str = "-----END SIMURGH SEALED KEY-----";

/// What a sealed private key is bound to.
const PLACE: [&str; 1] = ["private key"];

/// What to do without a key file.
const MISSING: &str = "is not there: bring its copy back, or name where it is by key_file or \
    SIMURGH__KEY_FILE. A new one, as `simurgh init` makes in an empty folder, opens no database \
    and no keys of the old one";

/// Characters in a line of PEM.
const LINE: usize = 64;

/// Where the next key waits while everything is sealed with it.
pub(crate) fn next(path: &Path) -> PathBuf {
    files::beside(path, "new")
}

/// Refuses a key file whose change was cut off: some of what it sealed has the
/// next key already.
pub(crate) fn check_whole(path: &Path) -> Result<(), Failure> {
    match next(path).exists() {
        false => Ok(()),
        true => Err(Failure::new(
            next(path).display(),
            "a change of the key was cut off: finish it with `simurgh key rotate`",
        )),
    }
}

/// Makes a key file of 32 random octets in hexadecimal, for its owner alone.
pub(crate) fn create(path: &Path) -> Result<Sealer, Failure> {
    let mut key = Zeroizing::new([0; 32]);
    shell::random()?.fill(key.as_mut());
    let text: String = key.iter().map(|octet| format!("{octet:02x}")).collect();
    files::write_secret(path, Zeroizing::new(text + "\n").as_bytes())?;
    Ok(Sealer::new(*key))
}

/// Reads a key file: 32 octets in hexadecimal or base64.
pub(crate) fn read(path: &Path) -> Result<Sealer, Failure> {
    let doing = || format!("the key file {}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::new(doing(), MISSING),
        _ => Failure::new(doing(), error),
    });
    let text = Zeroizing::new(text?);
    let key = octets(text.trim()).ok_or_else(|| {
        let form = "must hold 32 octets in hexadecimal or base64 and nothing else";
        Failure::new(doing(), form)
    })?;
    warn_if_readable(path);
    Ok(Sealer::new(*key))
}

fn octets(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut octets = Zeroizing::new([0; 32]);
    if text.len() != 64 {
        let decoded = Zeroizing::new(STANDARD.decode(text).ok()?);
        *octets = decoded.as_slice().try_into().ok()?;
        return Some(octets);
    }
    for (octet, digits) in octets.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        let digital = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        *octet = digital.then(|| u8::from_str_radix(digits, 16).ok())??;
    }
    Some(octets)
}

#[cfg(unix)]
fn warn_if_readable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "the key file is readable by others");
    }
}

#[cfg(not(unix))]
fn warn_if_readable(_path: &Path) {}

/// Writes a private key sealed, for its owner alone.
pub(crate) fn write_sealed(path: &Path, key: &SoftwareKey, sealer: &Sealer) -> Result<(), Failure> {
    let pem = key.to_pkcs8_pem();
    let pem = pem.map_err(|error| Failure::new("cannot encode a key", error))?;
    files::write_secret(path, seal(&pem, sealer)?.as_bytes())
}

/// A private key in PEM, sealed.
fn seal(pem: &str, sealer: &Sealer) -> Result<String, Failure> {
    let failed = |error| Failure::new("cannot seal a key", error);
    let sealed = sealer.seal(&PLACE, pem.as_bytes(), &mut shell::random()?);
    let body = STANDARD.encode(sealed.map_err(failed)?);
    let mut text = format!("{BEGIN}\n");
    for line in body.as_bytes().chunks(LINE) {
        text.extend(line.iter().map(|character| char::from(*character)));
        text.push('\n');
    }
    text.push_str(END);
    text.push('\n');
    Ok(text)
}

/// What has become of a file with a private key.
pub(crate) enum Resealed {
    /// It is sealed with the new key.
    Done,
    /// It was before.
    Before,
    /// It is in plain PEM and stays so.
    Plain,
}

/// Seals a private key in a file with another key. `write` false only tries.
pub(crate) fn reseal(
    path: &Path,
    old: &Sealer,
    new: &Sealer,
    write: bool,
) -> Result<Resealed, Failure> {
    let text = Zeroizing::new(files::read(path)?);
    if !is_sealed(&text) {
        return Ok(Resealed::Plain);
    }
    if open(path, &text, new).is_ok() {
        return Ok(Resealed::Before);
    }
    let pem = open(path, &text, old)?;
    if write {
        files::replace_secret(path, seal(&pem, new)?.as_bytes())?;
    }
    Ok(Resealed::Done)
}

/// A private key as PEM: opened if it is sealed, with a warning if it is not.
pub(crate) fn read_private_key(path: &Path, sealer: &Sealer) -> Result<Zeroizing<String>, Failure> {
    let text = Zeroizing::new(files::read(path)?);
    match is_sealed(&text) {
        true => open(path, &text, sealer),
        false => {
            tracing::warn!(file = %path.display(), "this private key is not sealed");
            Ok(text)
        }
    }
}

/// The PEM in a sealed text; the path is for the error.
pub(crate) fn open(path: &Path, text: &str, sealer: &Sealer) -> Result<Zeroizing<String>, Failure> {
    let doing = || format!("cannot open {}", path.display());
    let sealed = sealed_body(text).and_then(|body| STANDARD.decode(body).ok());
    let sealed = sealed.ok_or_else(|| Failure::new(doing(), "malformed base64"))?;
    let opened = sealer.open(&PLACE, &sealed);
    let opened = opened.map_err(|error| Failure::new(doing(), error))?;
    let pem = String::from_utf8(opened.to_vec());
    pem.map(Zeroizing::new)
        .map_err(|_| Failure::new(doing(), "it holds no PEM"))
}

/// Whether this is a sealed private key.
pub(crate) fn is_sealed(text: &str) -> bool {
    text.contains(BEGIN)
}

fn sealed_body(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    Some(body.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_files_in_both_forms() {
        let hex = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        let base64 = "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=";
        assert_eq!(octets(hex), octets(base64));
        assert!(octets(hex).is_some());
        for wrong in [
            "",
            "00",
            &hex[2..],
            &hex.replace('f', "g"),
            &hex.replace("00", "+0"),
        ] {
            assert!(octets(wrong).is_none(), "{wrong}");
        }
    }
}
