//! The installer of profile packages (SAIP 8).

mod build;
mod codes;
mod domain;
mod fault;
mod files;
mod generic;
mod naa;

use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::rsp::ErrorReason;
use rsp_asn1::saip::{PeHeader, ProfileElement};
use rsp_asn1::{Asn1, ErrorKind, Reader, Tag};
use rsp_crypto::Provider;

use super::card::Uicc;
use build::Build;
use fault::Fault;

/// Octets that one element may have.
const MAX_ELEMENT: usize = 64 * 1024;

/// Makes a [`Uicc`] from a profile package that arrives in pieces.
///
/// An element takes effect when its last octet has arrived. After an error the
/// package is lost: every further call gives the same error.
pub struct Installer {
    /// The element that is not complete yet.
    buffer: Vec<u8>,
    build: Build,
    failed: Option<InstallError>,
}

/// Why a profile package is not installed.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the profile package is not installed: {reason}")]
pub struct InstallError {
    /// `EUICCResponse` in DER: the status, the identification of the element
    /// if it is known, and that the installation was aborted (SAIP 8.11).
    pub response: Vec<u8>,
    /// The reason for the ProfileInstallationResult (SGP.22 2.5.6).
    pub reason: ErrorReason,
}

impl fmt::Debug for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstallError({}, ", self.reason)?;
        for octet in &self.response {
            write!(f, "{octet:02X}")?;
        }
        f.write_str(")")
    }
}

impl Installer {
    /// An installer that awaits the profile header.
    pub fn new() -> Installer {
        Installer {
            buffer: Vec::new(),
            build: Build::default(),
            failed: None,
        }
    }

    /// As [`Installer::new`], for a card with so many octets left: the element
    /// that no longer fits is the one that fails.
    pub fn with_memory(octets: usize) -> Installer {
        let mut installer = Installer::new();
        installer.build.limit_memory(octets);
        installer
    }

    /// Takes the next octets of the package, cut anywhere, and installs the
    /// elements that they complete. `provider` is for algorithms that an
    /// element may need.
    ///
    /// # Errors
    /// If an element is malformed, larger than 64 KiB, out of order, asks for
    /// what this card does not have, or does not fit into its memory.
    pub fn feed(&mut self, bytes: &[u8], _provider: &dyn Provider) -> Result<(), InstallError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.buffer.extend_from_slice(bytes);
        let result = self.install_complete();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
            self.buffer = Vec::new();
        }
        result
    }

    /// Ends the package: the card, and the `EUICCResponse` of success in DER.
    ///
    /// # Errors
    /// If an earlier call failed, or the package ends before its end element.
    pub fn finish(self) -> Result<(Uicc, Vec<u8>), InstallError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.buffer.is_empty() {
            return Err(Fault::FORMAT.of(identification(&self.buffer)));
        }
        self.build.finish().map_err(|fault| fault.of(None))
    }

    fn install_complete(&mut self) -> Result<(), InstallError> {
        let mut at = 0;
        loop {
            let rest = self.buffer.get(at..).unwrap_or_default();
            let Some(length) = element_length(rest).map_err(|fault| fault.of(None))? else {
                break;
            };
            let Some(element) = rest.get(..length) else {
                break;
            };
            install(&mut self.build, element)?;
            at += length;
        }
        self.buffer.drain(..at);
        Ok(())
    }
}

impl Default for Installer {
    fn default() -> Self {
        Installer::new()
    }
}

impl fmt::Debug for Installer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installer")
            .field("buffered", &self.buffer.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// Octets of the element that begins here, `None` if that is not known yet.
fn element_length(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new(bytes);
    match reader.header() {
        Ok((_, length)) if length > MAX_ELEMENT => Err(Fault::MEMORY),
        Ok((_, length)) => Ok(Some(reader.offset() + length)),
        Err(error) if error.kind == ErrorKind::Truncated => Ok(None),
        Err(_) => Err(Fault::FORMAT),
    }
}

fn install(build: &mut Build, element: &[u8]) -> Result<(), InstallError> {
    let named = |fault: Fault| fault.of(identification(element));
    let decoded = ProfileElement::from_der(element).map_err(|_| named(Fault::FORMAT))?;
    build.element(&decoded, element).map_err(named)
}

/// The PEHeader of an element of which nothing else need be known.
fn pe_header(element: &[u8]) -> Option<PeHeader> {
    let mut reader = Reader::new(element);
    reader.header().ok()?;
    let first = Reader::new(reader.rest()).tlv().ok()?;
    PeHeader::decode_tagged(Tag::new(0xA0), &first).ok()
}

fn identification(element: &[u8]) -> Option<i64> {
    pe_header(element).map(|header| header.identification)
}
