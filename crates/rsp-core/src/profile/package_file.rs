//! Files in which packages travel: DER, and texts of it.

use alloc::vec::Vec;

use base64::Engine as _;
use rsp_asn1::Reader;

use super::hex;

/// Octets of the largest file that is read as a package. Cards hold less.
pub const MAX_PACKAGE_FILE: usize = 4 << 20;

/// Why a file holds no package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageFileError {
    /// It is larger than any package.
    #[error("it is larger than {MAX_PACKAGE_FILE} octets: no profile package")]
    TooLarge,
    /// It is a BoundProfilePackage.
    #[error(
        "it is a BoundProfilePackage (BF36), encrypted for one eUICC: give the package before it \
         was bound"
    )]
    Bound,
    /// It is neither DER nor a text of it.
    #[error(
        "it begins with no profile header: neither a SAIP package in DER, nor one in hexadecimal \
         or base64"
    )]
    Unknown,
}

/// Tag of the profile header, with which every package begins.
const HEADER: u8 = 0xA0;

/// The package in a file: in DER, in hexadecimal or base64 text with any white
/// space, in PEM, and each of these as one SEQUENCE of elements.
///
/// # Errors
/// If there is none. That its elements can be read is not checked.
pub fn package_of_file(contents: &[u8]) -> Result<Vec<u8>, PackageFileError> {
    if contents.len() > MAX_PACKAGE_FILE {
        return Err(PackageFileError::TooLarge);
    }
    let binary = unwrapped(contents);
    if let Some(package) = binary? {
        return Ok(package.to_vec());
    }
    let text = core::str::from_utf8(contents).map_err(|_| PackageFileError::Unknown)?;
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("-----"));
    let text: alloc::string::String = lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let decoded = hex::decode(&text)
        .or_else(|| base64::engine::general_purpose::STANDARD.decode(&text).ok())
        .ok_or(PackageFileError::Unknown)?;
    let package = unwrapped(&decoded)?;
    package.map(<[u8]>::to_vec).ok_or(PackageFileError::Unknown)
}

/// The elements, out of a SEQUENCE if they are in one; `None` if there is no
/// profile header.
fn unwrapped(octets: &[u8]) -> Result<Option<&[u8]>, PackageFileError> {
    match octets {
        [HEADER, ..] => Ok(Some(octets)),
        [0xBF, 0x36, ..] => Err(PackageFileError::Bound),
        [0x30, ..] => {
            let inner = Reader::new(octets).tlv().ok().map(|tlv| tlv.value);
            Ok(inner.filter(|inner| inner.first() == Some(&HEADER)))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn packages_in_every_form() {
        let package = crate::profile::template();
        let hex = hex::encode(&package).to_lowercase();
        let base64 = base64::engine::general_purpose::STANDARD.encode(&package);
        let lines = |text: &str| {
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(64)
                .map(|l| core::str::from_utf8(l).unwrap())
                .collect();
            lines.join("\n")
        };
        let pem = format!(
            "-----BEGIN PROFILE-----\n{}\n-----END PROFILE-----\n",
            lines(&base64)
        );
        let mut sequence = alloc::vec![0x30, 0x82];
        sequence.extend((package.len() as u16).to_be_bytes());
        sequence.extend(&package);
        for form in [
            package.clone(),
            sequence,
            lines(&hex).into_bytes(),
            format!(" {base64}\r\n").into_bytes(),
            pem.into_bytes(),
        ] {
            assert!(package_of_file(&form).unwrap() == package);
        }
    }

    #[test]
    fn other_files_are_refused() {
        let bound = String::from("BF3600");
        assert_eq!(
            package_of_file(bound.as_bytes()),
            Err(PackageFileError::Bound)
        );
        for other in ["", "hello", "30", "3000", "\u{FF}"] {
            let refused = package_of_file(other.as_bytes());
            assert_eq!(refused, Err(PackageFileError::Unknown), "{other}");
        }
        let large = alloc::vec![HEADER; MAX_PACKAGE_FILE + 1];
        assert_eq!(package_of_file(&large), Err(PackageFileError::TooLarge));
    }
}
