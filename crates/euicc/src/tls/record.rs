//! Records and their protection (RFC 8446 5).

use alloc::vec::Vec;

use rsp_crypto::Provider;
use zeroize::Zeroizing;

use super::TlsError;
use super::gcm;
use super::schedule::{Secret, expand};

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// Octets of plain text in one record.
const MAX_PLAIN: usize = 1 << 14;
const HEADER: usize = 5;
/// With type, padding and tag.
const MAX_ENCRYPTED: usize = MAX_PLAIN + 256;

/// One direction of traffic.
pub(super) struct Direction {
    key: Zeroizing<[u8; 16]>,
    iv: Zeroizing<[u8; 12]>,
    number: u64,
}

impl Direction {
    pub(super) fn new(provider: &dyn Provider, secret: &Secret) -> Direction {
        Direction {
            key: expand(provider, secret, "key", &[]),
            iv: expand(provider, secret, "iv", &[]),
            number: 0,
        }
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mut nonce = *self.iv;
        let number = self.number.to_be_bytes();
        for (to, from) in nonce.iter_mut().skip(4).zip(number) {
            *to ^= from;
        }
        self.number += 1;
        nonce
    }

    /// Records with this content.
    pub(super) fn seal(&mut self, provider: &dyn Provider, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in content.chunks(MAX_PLAIN) {
            let inner = Zeroizing::new([piece, &[kind]].concat());
            let header = header(APPLICATION_DATA, inner.len() + gcm::TAG);
            let nonce = self.nonce();
            let sealed = gcm::seal(provider, &self.key, &nonce, &header, &inner);
            out.extend(header);
            out.extend(sealed);
        }
        out
    }

    /// Type and content of a record.
    pub(super) fn open(
        &mut self,
        provider: &dyn Provider,
        record: &Record,
    ) -> Result<(u8, Vec<u8>), TlsError> {
        let header = header(record.kind, record.body.len());
        let nonce = self.nonce();
        let inner = gcm::open(provider, &self.key, &nonce, &header, &record.body);
        let mut inner = inner.ok_or(TlsError::Protection)?;
        if inner.len() > MAX_PLAIN + 1 {
            return Err(TlsError::Malformed("a record that is too long"));
        }
        while inner.last() == Some(&0) {
            inner.pop();
        }
        let kind = inner.pop().ok_or(TlsError::Malformed("an empty record"))?;
        Ok((kind, inner))
    }
}

pub(super) fn header(kind: u8, length: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [kind, 3, 3, high, low]
}

/// A record as it came.
pub(super) struct Record {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

/// The next whole record of what has come; `None` if it has not all come.
pub(super) fn take(incoming: &mut Vec<u8>) -> Result<Option<Record>, TlsError> {
    let Some([kind, _, _, high, low]) = incoming.first_chunk::<HEADER>().copied() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_ENCRYPTED {
        return Err(TlsError::Malformed("a record that is too long"));
    }
    if incoming.len() < HEADER + length {
        return Ok(None);
    }
    let rest = incoming.split_off(HEADER + length);
    let whole = core::mem::replace(incoming, rest);
    Ok(Some(Record {
        kind,
        body: whole.into_iter().skip(HEADER).collect(),
    }))
}
