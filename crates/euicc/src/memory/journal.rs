//! The journal: records one after another, each whole or not there.
//!
//! ```text
//! journal = "SIMUICC" version record*
//! record  = 'C7' length(4) digest(8) payload(length)
//! ```
//!
//! The digest is the head of SHA-256 over the number of the record (8 octets,
//! from 0) and the payload, so that a record out of its place is noticed too.
//! Numbers are big endian. What is written last may be cut anywhere; whoever
//! writes waits until a record is durable before he begins the next one, so
//! everything before the last record is whole or the file was damaged.

use alloc::vec::Vec;

use rsp_crypto::Provider;

/// First octets of a journal; the last one is the version of the format.
const MAGIC: [u8; 8] = *b"SIMUICC\x04";

/// First octet of a record.
const RECORD: u8 = 0xC7;
const DIGEST: usize = 8;
const HEADER: usize = 1 + 4 + DIGEST;

/// Octets of one record, far more than a full card has.
const MAX_PAYLOAD: usize = 64 * 1024 * 1024;

/// Why a journal cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("not the memory of a card, or of an unknown version")]
    NotAJournal,
    #[error("the first image is not complete")]
    Empty,
    #[error("damaged at octet {offset}")]
    Damaged { offset: usize },
}

/// The start of a journal.
pub(super) fn begin() -> Vec<u8> {
    MAGIC.to_vec()
}

/// Appends a record.
pub(super) fn append(out: &mut Vec<u8>, number: u64, payload: &[u8], provider: &dyn Provider) {
    out.push(RECORD);
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend(length.to_be_bytes());
    out.extend(digest(number, payload, provider));
    out.extend(payload);
}

fn digest(number: u64, payload: &[u8], provider: &dyn Provider) -> [u8; DIGEST] {
    let full = provider.sha256(&[&number.to_be_bytes(), payload]);
    full.first_chunk().copied().unwrap_or_default()
}

/// The payloads of a journal, and its length without a cut last record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents<'a> {
    pub(super) payloads: Vec<&'a [u8]>,
    pub(super) length: usize,
}

/// Reads a journal.
pub(super) fn read<'a>(journal: &'a [u8], provider: &dyn Provider) -> Result<Contents<'a>, Fault> {
    let Some(mut rest) = journal.strip_prefix(&MAGIC) else {
        let is_start = journal.len() < MAGIC.len() && MAGIC.starts_with(journal);
        return Err(if is_start {
            Fault::Empty
        } else {
            Fault::NotAJournal
        });
    };
    let mut payloads = Vec::new();
    let mut number = 0;
    while !rest.is_empty() {
        let offset = journal.len() - rest.len();
        match record(rest, number, provider) {
            Record::Whole(payload, after) => {
                payloads.push(payload);
                rest = after;
                number += 1;
            }
            Record::Cut => break,
            Record::Damaged => return Err(Fault::Damaged { offset }),
        }
    }
    if payloads.is_empty() {
        return Err(Fault::Empty);
    }
    Ok(Contents {
        payloads,
        length: journal.len() - rest.len(),
    })
}

enum Record<'a> {
    Whole(&'a [u8], &'a [u8]),
    /// It may have been cut while it was written.
    Cut,
    Damaged,
}

fn record<'a>(bytes: &'a [u8], number: u64, provider: &dyn Provider) -> Record<'a> {
    // A file system may have made the file longer without what belongs there.
    if bytes.iter().all(|octet| *octet == 0) {
        return Record::Cut;
    }
    if bytes.first() != Some(&RECORD) {
        return Record::Damaged;
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Record::Cut;
    };
    let [_, a, b, c, d, expected @ ..] = *header;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > MAX_PAYLOAD {
        return Record::Damaged;
    }
    let Some((payload, after)) = rest.split_at_checked(length) else {
        return Record::Cut;
    };
    match (digest(number, payload, provider) == expected, after) {
        (true, after) => Record::Whole(payload, after),
        // The last one: its place was made, its contents had not come.
        (false, []) => Record::Cut,
        (false, _) => Record::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use rsp_crypto::software::SoftwareProvider;

    use super::*;

    fn journal() -> (Vec<u8>, Vec<usize>) {
        let mut bytes = begin();
        let mut ends = vec![];
        for (number, payload) in [&b"image"[..], b"", b"change"].into_iter().enumerate() {
            append(&mut bytes, number as u64, payload, &SoftwareProvider);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn cut_anywhere_it_is_what_was_whole() {
        let (bytes, ends) = journal();
        for cut in 0..=bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let read = read(&bytes[..cut], &SoftwareProvider);
            match whole {
                0 => assert_eq!(read, Err(Fault::Empty), "{cut}"),
                whole => {
                    let contents = read.unwrap();
                    assert_eq!(contents.payloads.len(), whole, "{cut}");
                    assert_eq!(contents.length, ends[whole - 1]);
                }
            }
            // The same with zeros in place of what had not come.
            let mut zeroed = bytes[..cut].to_vec();
            zeroed.resize(bytes.len(), 0);
            match super::read(&zeroed, &SoftwareProvider) {
                Ok(contents) => assert!(contents.payloads.len() == whole, "{cut}"),
                Err(fault) => assert!(whole == 0 || fault != Fault::Empty, "{cut} {fault}"),
            }
        }
    }

    #[test]
    fn a_change_within_is_noticed() {
        let (bytes, ends) = journal();
        for at in 0..ends[1] {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            let Err(fault) = read(&changed, &SoftwareProvider) else {
                // A length that now reaches beyond the end looks like a cut.
                let contents = read(&changed, &SoftwareProvider).unwrap();
                assert!(contents.payloads.len() < 3, "{at}");
                continue;
            };
            assert!(fault != Fault::Empty || at < ends[0], "{at} {fault}");
        }
    }

    #[test]
    fn records_keep_their_order() {
        let mut bytes = begin();
        append(&mut bytes, 0, b"image", &SoftwareProvider);
        let offset = bytes.len();
        append(&mut bytes, 2, b"later", &SoftwareProvider);
        append(&mut bytes, 1, b"sooner", &SoftwareProvider);
        let refused = read(&bytes, &SoftwareProvider);
        assert_eq!(refused, Err(Fault::Damaged { offset }));
        assert_eq!(
            read(b"something else", &SoftwareProvider),
            Err(Fault::NotAJournal)
        );
    }
}
