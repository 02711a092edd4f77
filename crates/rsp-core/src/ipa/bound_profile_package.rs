//! What the IPA does with a Bound Profile Package before the eUICC opens it
//! (SGP.22 2.5.5, 3.1.3 step 6).

use alloc::vec::Vec;

use rsp_asn1::rsp::{BoundProfilePackage, Segments, StoreMetadataRequest};
use rsp_asn1::{Asn1, DecodeError, Tag, Tagged, Tlv, Writer};

/// Octets of the MAC at the end of a segment.
const MAC_LENGTH: usize = 8;

/// The metadata that the eUICC will store: the segments '88' are not
/// encrypted, each is tag, length, data and MAC.
///
/// # Errors
/// If the segments hold no metadata.
pub(crate) fn metadata(package: &BoundProfilePackage) -> Result<StoreMetadataRequest, DecodeError> {
    let mut data = Vec::new();
    for segment in &package.sequence_of_88.0 {
        let value = Tlv::parse(segment)?.value;
        let length = value.len().saturating_sub(MAC_LENGTH);
        data.extend_from_slice(value.get(..length).unwrap_or_default());
    }
    StoreMetadataRequest::from_der(&data)
}

/// The pieces in which a package goes to the eUICC (SGP.22 2.5.5): headers
/// travel with what follows them, protected segments alone.
pub(super) fn segments(package: &BoundProfilePackage) -> Vec<Vec<u8>> {
    let first = package.initialise_secure_channel_request.as_bytes();
    let sequences = [
        Some((0xA0, &package.first_sequence_of_87)),
        Some((0xA1, &package.sequence_of_88)),
        package
            .second_sequence_of_87
            .as_ref()
            .map(|seq| (0xA2, seq)),
        Some((0xA3, &package.sequence_of_86)),
    ];
    let sequences: Vec<(u32, &Segments)> = sequences.into_iter().flatten().collect();
    let body = sequences
        .iter()
        .map(|(tag, segments)| header(*tag, segments).len() + octets(segments))
        .sum::<usize>();
    let mut whole = Writer::new();
    whole.header(BoundProfilePackage::TAG, first.len() + body);
    whole.raw(first);
    let mut out = alloc::vec![whole.into_bytes()];
    for (tag, segments) in sequences {
        let header = header(tag, segments);
        match tag {
            0xA0 | 0xA2 => out.push([header, segments.0.concat()].concat()),
            _ => {
                out.push(header);
                out.extend(segments.0.iter().cloned());
            }
        }
    }
    out
}

fn octets(segments: &Segments) -> usize {
    segments.0.iter().map(Vec::len).sum()
}

fn header(tag: u32, segments: &Segments) -> Vec<u8> {
    let mut out = Writer::new();
    out.header(Tag::new(tag), octets(segments));
    out.into_bytes()
}
