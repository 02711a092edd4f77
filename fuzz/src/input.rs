//! Cutting an input into pieces.

/// The pieces of an input: each has its length in front, in two octets. The
/// last one may be shorter than its length says.
pub(crate) fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let ([high, low], rest) = data.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (piece, rest) = rest.split_at(length);
        data = rest;
        Some(piece)
    })
}
