//! The Bound Profile Package as a stream of bytes (SGP.22 2.5.4). Hosts cut it
//! into segments (SGP.22 2.5.5); where they cut does not matter here.

use alloc::vec::Vec;

use rsp_asn1::rsp::{BppCommandId, ErrorReason};
use rsp_asn1::{ErrorKind, Reader, Tag};

/// Longest InitialiseSecureChannel or BSP segment taken, in bytes. Senders
/// should keep to 1020; some exceed it a little.
const MAX_ELEMENT: usize = 4096;

/// The sequences of BSP segments in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// 'A0': ConfigureISDP.
    First87,
    /// 'A1': StoreMetadata.
    Of88,
    /// 'A2': ReplaceSessionKeys.
    Second87,
    /// 'A3': profile elements.
    Of86,
}

impl Section {
    /// Tag of its segments.
    pub(crate) fn segment_tag(self) -> u32 {
        match self {
            Section::First87 | Section::Second87 => 0x87,
            Section::Of88 => 0x88,
            Section::Of86 => 0x86,
        }
    }

    /// The command that it carries.
    pub(crate) fn command(self) -> BppCommandId {
        match self {
            Section::First87 => BppCommandId::CONFIGURE_ISDP,
            Section::Of88 => BppCommandId::STORE_METADATA,
            Section::Second87 => BppCommandId::REPLACE_SESSION_KEYS,
            Section::Of86 => BppCommandId::LOAD_PROFILE_ELEMENTS,
        }
    }
}

/// What comes out of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The whole TLV BF23.
    InitialiseSecureChannel(Vec<u8>),
    /// A whole BSP segment: TLV 86, 87 or 88.
    Segment(Section, Vec<u8>),
    /// A sequence is complete.
    EndOf(Section),
    /// The package is complete.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Before BF36.
    Package,
    /// Before BF23.
    SecureChannel,
    /// Before a sequence; the one before is given.
    Between(Option<Section>),
    Within(Section),
    Ended,
}

/// The reader: what has come but is not whole yet, and where it belongs.
#[derive(Debug)]
pub(crate) struct BppStream {
    buffer: Vec<u8>,
    position: Position,
    /// Bytes of the package after the buffer's start.
    package_left: usize,
    /// Bytes of the open sequence after the buffer's start.
    section_left: usize,
    max_package: usize,
}

impl BppStream {
    /// A stream for a package of at most `max_package` bytes.
    pub(crate) fn new(max_package: usize) -> BppStream {
        BppStream {
            buffer: Vec::new(),
            position: Position::Package,
            package_left: 0,
            section_left: 0,
            max_package,
        }
    }

    /// Appends bytes as they came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The command to which the next byte belongs.
    pub(crate) fn command(&self) -> BppCommandId {
        match self.position {
            Position::Package | Position::SecureChannel => BppCommandId::INITIALISE_SECURE_CHANNEL,
            Position::Between(None) => BppCommandId::CONFIGURE_ISDP,
            Position::Between(Some(section)) | Position::Within(section) => section.command(),
            Position::Ended => BppCommandId::LOAD_PROFILE_ELEMENTS,
        }
    }

    /// The next piece, `None` while it is not complete.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>, ErrorReason> {
        loop {
            match self.position {
                Position::Package => match self.header()? {
                    None => return Ok(None),
                    Some(header) => self.open_package(header)?,
                },
                Position::SecureChannel => return self.secure_channel(),
                Position::Between(Some(Section::Of86)) => return self.end(),
                Position::Between(last) => match self.header()? {
                    None => return Ok(None),
                    Some(header) => self.open_section(last, header)?,
                },
                Position::Within(section) => return self.segment(section),
                Position::Ended if self.buffer.is_empty() => return Ok(None),
                Position::Ended => return Err(ErrorReason::SCP03T_STRUCTURE_ERROR),
            }
        }
    }

    fn open_package(&mut self, header: Header) -> Result<(), ErrorReason> {
        if header.tag != Tag::new(0xBF36) {
            return Err(ErrorReason::INCORRECT_INPUT_VALUES);
        }
        if header.contents > self.max_package {
            return Err(ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE);
        }
        self.take(header.length);
        self.package_left = header.contents;
        self.position = Position::SecureChannel;
        Ok(())
    }

    fn secure_channel(&mut self) -> Result<Option<Piece>, ErrorReason> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        if header.tag != Tag::new(0xBF23) || header.contents > MAX_ELEMENT {
            return Err(ErrorReason::INCORRECT_INPUT_VALUES);
        }
        if self.buffer.len() < header.total() {
            return Ok(None);
        }
        self.package_left = less(self.package_left, header.total())?;
        self.position = Position::Between(None);
        Ok(Some(Piece::InitialiseSecureChannel(
            self.take(header.total()),
        )))
    }

    fn open_section(&mut self, last: Option<Section>, header: Header) -> Result<(), ErrorReason> {
        let section = match (last, header.tag.get()) {
            (None, 0xA0) => Section::First87,
            (Some(Section::First87), 0xA1) => Section::Of88,
            (Some(Section::Of88), 0xA2) => Section::Second87,
            (Some(Section::Of88 | Section::Second87), 0xA3) => Section::Of86,
            _ => return Err(ErrorReason::SCP03T_STRUCTURE_ERROR),
        };
        self.package_left = less(self.package_left, header.total())?;
        self.section_left = header.contents;
        self.take(header.length);
        self.position = Position::Within(section);
        Ok(())
    }

    fn segment(&mut self, section: Section) -> Result<Option<Piece>, ErrorReason> {
        if self.section_left == 0 {
            self.position = Position::Between(Some(section));
            return Ok(Some(Piece::EndOf(section)));
        }
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        let wrong_tag = header.tag != Tag::new(section.segment_tag());
        if wrong_tag || header.contents > MAX_ELEMENT || header.total() > self.section_left {
            return Err(ErrorReason::SCP03T_STRUCTURE_ERROR);
        }
        if self.buffer.len() < header.total() {
            return Ok(None);
        }
        self.section_left = less(self.section_left, header.total())?;
        Ok(Some(Piece::Segment(section, self.take(header.total()))))
    }

    fn end(&mut self) -> Result<Option<Piece>, ErrorReason> {
        if self.package_left != 0 {
            return Err(ErrorReason::SCP03T_STRUCTURE_ERROR);
        }
        self.position = Position::Ended;
        Ok(Some(Piece::End))
    }

    /// Tag and length at the start of the buffer, `None` while cut off.
    fn header(&self) -> Result<Option<Header>, ErrorReason> {
        let mut reader = Reader::new(&self.buffer);
        match reader.header() {
            Ok((tag, contents)) => Ok(Some(Header {
                tag,
                length: reader.offset(),
                contents,
            })),
            Err(error) if error.kind == ErrorKind::Truncated => Ok(None),
            Err(_) => Err(ErrorReason::SCP03T_STRUCTURE_ERROR),
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        core::mem::replace(&mut self.buffer, rest)
    }
}

/// Tag and length of an element.
struct Header {
    tag: Tag,
    /// Bytes of tag and length.
    length: usize,
    /// Bytes of the contents.
    contents: usize,
}

impl Header {
    fn total(&self) -> usize {
        self.length.saturating_add(self.contents)
    }
}

fn less(left: usize, taken: usize) -> Result<usize, ErrorReason> {
    left.checked_sub(taken)
        .ok_or(ErrorReason::SCP03T_STRUCTURE_ERROR)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const PACKAGE: [u8; 26] = [
        0xBF, 0x36, 23, 0xBF, 0x23, 1, 9, 0xA0, 2, 0x87, 0, 0xA1, 5, 0x88, 1, 1, 0x88, 0, 0xA3, 6,
        0x86, 1, 5, 0x86, 1, 6,
    ];

    fn pieces(cuts: &[&[u8]]) -> Result<Vec<Piece>, ErrorReason> {
        let mut stream = BppStream::new(1000);
        let mut found = Vec::new();
        for cut in cuts {
            stream.push(cut);
            while let Some(piece) = stream.next()? {
                found.push(piece);
            }
        }
        Ok(found)
    }

    #[test]
    fn where_it_is_cut_does_not_matter() {
        let whole = pieces(&[&PACKAGE]).unwrap();
        assert_eq!(whole.len(), 10);
        assert_eq!(
            whole[0],
            Piece::InitialiseSecureChannel(vec![0xBF, 0x23, 1, 9])
        );
        assert_eq!(whole[9], Piece::End);
        for at in 1..PACKAGE.len() {
            let (first, second) = PACKAGE.split_at(at);
            assert_eq!(pieces(&[first, second]).unwrap(), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = PACKAGE.chunks(1).collect();
        assert_eq!(pieces(&bytes).unwrap(), whole);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut late = PACKAGE.to_vec();
        late[7] = 0xA1;
        assert!(pieces(&[&late]).is_err());
        let mut longer = PACKAGE.to_vec();
        longer[2] = 24;
        assert!(pieces(&[&longer]).is_err());
        let mut wrong = PACKAGE.to_vec();
        wrong[9] = 0x86;
        assert!(pieces(&[&wrong]).is_err());
        let mut after = PACKAGE.to_vec();
        after.push(0);
        assert!(pieces(&[&after]).is_err());
        let huge = [0xBF, 0x36, 0x84, 0x7F, 0xFF, 0xFF, 0xFF];
        assert_eq!(
            pieces(&[&huge]),
            Err(ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE)
        );
    }
}
