//! Reading BER: elements, their offsets, and the bytes as received.

use crate::{DecodeError, ErrorKind, Tag};

/// Levels of indefinite-length nesting that are followed to find an end.
const MAX_INDEFINITE_DEPTH: usize = 16;

/// One element as received.
#[derive(Clone, Copy, Debug)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its contents, without end-of-contents octets.
    pub value: &'a [u8],
    /// The whole element as received: tag, length, contents.
    pub raw: &'a [u8],
    /// Offset of the element in the outermost buffer.
    pub offset: usize,
    /// Offset of the contents in the outermost buffer.
    pub value_offset: usize,
}

impl<'a> Tlv<'a> {
    /// A reader over the contents.
    pub fn reader(&self) -> Reader<'a> {
        Reader {
            rest: self.value,
            offset: self.value_offset,
        }
    }

    /// An error located at this element.
    pub fn error(&self, kind: ErrorKind) -> DecodeError {
        DecodeError::new(self.offset, kind)
    }

    /// Decodes the single element that `bytes` must hold.
    ///
    /// # Errors
    /// If the bytes are no BER element, or bytes follow it.
    pub fn parse(bytes: &'a [u8]) -> Result<Tlv<'a>, DecodeError> {
        let mut reader = Reader::new(bytes);
        let tlv = reader.tlv()?;
        reader.finish()?;
        Ok(tlv)
    }
}

/// Reads elements one after another.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`; offsets in errors count from its start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader {
            rest: bytes,
            offset: 0,
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Offset of the next element in the outermost buffer.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next element.
    ///
    /// # Errors
    /// If the data ends early or tag or length are malformed.
    pub fn tlv(&mut self) -> Result<Tlv<'a>, DecodeError> {
        let tlv = read_tlv(self.rest, self.offset, 0)?;
        self.rest = self.rest.get(tlv.raw.len()..).unwrap_or_default();
        self.offset += tlv.raw.len();
        Ok(tlv)
    }

    /// Reads tag and length of the next element and stops before its contents,
    /// which may not be complete. Gives the tag and the length of the contents.
    ///
    /// # Errors
    /// If tag or length are malformed, cut off, or the length is indefinite.
    pub fn header(&mut self) -> Result<(Tag, usize), DecodeError> {
        let fail = |kind| DecodeError::new(self.offset, kind);
        let (tag, tag_len) = read_tag(self.rest).map_err(fail)?;
        let after = self.rest.get(tag_len..).unwrap_or_default();
        let (length, length_len) = read_length(after).map_err(fail)?;
        let length = length.ok_or(fail(ErrorKind::MalformedLength))?;
        self.rest = after.get(length_len..).unwrap_or_default();
        self.offset += tag_len + length_len;
        Ok((tag, length))
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// If something is left.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let kind = ErrorKind::TrailingData(self.rest.len());
        Err(DecodeError::new(self.offset, kind))
    }
}

fn read_tlv(bytes: &[u8], offset: usize, depth: usize) -> Result<Tlv<'_>, DecodeError> {
    let fail = |kind| DecodeError::new(offset, kind);
    let (tag, tag_len) = read_tag(bytes).map_err(fail)?;
    let after = bytes.get(tag_len..).unwrap_or_default();
    let (length, length_len) = read_length(after).map_err(fail)?;
    let header = tag_len + length_len;
    let value_offset = offset + header;
    let contents = bytes.get(header..).unwrap_or_default();
    let (length, trailer) = match length {
        Some(length) => (length, 0),
        None if !tag.is_constructed() => return Err(fail(ErrorKind::MalformedLength)),
        None => (indefinite_length(contents, value_offset, depth)?, 2),
    };
    let truncated = || fail(ErrorKind::Truncated);
    let value = contents.get(..length).ok_or_else(truncated)?;
    let total = header + length + trailer;
    Ok(Tlv {
        tag,
        value,
        raw: bytes.get(..total).ok_or_else(truncated)?,
        offset,
        value_offset,
    })
}

/// Length of the contents before the end-of-contents octets.
fn indefinite_length(bytes: &[u8], offset: usize, depth: usize) -> Result<usize, DecodeError> {
    if depth >= MAX_INDEFINITE_DEPTH {
        return Err(DecodeError::new(offset, ErrorKind::TooDeep));
    }
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(&[0, 0]) {
            return Ok(at);
        }
        at += read_tlv(rest, offset + at, depth + 1)?.raw.len();
    }
}

/// Identifier octets: the tag and how many octets it took.
fn read_tag(bytes: &[u8]) -> Result<(Tag, usize), ErrorKind> {
    let mut octets = bytes.iter().copied();
    let first = octets.next().ok_or(ErrorKind::Truncated)?;
    let mut tag = u32::from(first);
    if first == 0 {
        return Err(ErrorKind::MalformedTag);
    }
    if first & 0x1F != 0x1F {
        return Ok((Tag::new(tag), 1));
    }
    for len in 2..=4 {
        let octet = octets.next().ok_or(ErrorKind::Truncated)?;
        if len == 2 && octet == 0x80 {
            return Err(ErrorKind::MalformedTag);
        }
        tag = tag << 8 | u32::from(octet);
        if octet & 0x80 == 0 {
            return Ok((Tag::new(tag), len));
        }
    }
    Err(ErrorKind::MalformedTag)
}

/// Length octets: the length (`None` is the indefinite form) and how many
/// octets it took. Non-minimal forms are accepted.
fn read_length(bytes: &[u8]) -> Result<(Option<usize>, usize), ErrorKind> {
    let first = *bytes.first().ok_or(ErrorKind::Truncated)?;
    if first < 0x80 {
        return Ok((Some(usize::from(first)), 1));
    }
    let count = usize::from(first & 0x7F);
    if count == 0 {
        return Ok((None, 1));
    }
    if count > 8 {
        return Err(ErrorKind::MalformedLength);
    }
    let octets = bytes.get(1..=count).ok_or(ErrorKind::Truncated)?;
    let mut length = 0u64;
    for octet in octets {
        length = length << 8 | u64::from(*octet);
    }
    let length = usize::try_from(length).map_err(|_| ErrorKind::MalformedLength)?;
    if length > usize::MAX / 2 {
        return Err(ErrorKind::MalformedLength);
    }
    Ok((Some(length), count + 1))
}
