//! File system elements.

use alloc::vec::Vec;

use super::PeHeader;
use crate::{Asn1, DecodeError, ErrorKind, Null, Oid, Tag, Tagged, Tlv, Writer};

/// An element that creates files from a template: `PE-MF`, `PE-USIM` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateElement {
    /// Member 0.
    pub header: PeHeader,
    /// Member 1, the template.
    pub template_id: Oid,
    /// The files given, in the order of the template.
    pub files: Vec<TemplateFile>,
}

/// One file of a [`TemplateElement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFile {
    /// Number of the member in the SEQUENCE of the module: 2 is the first file.
    pub member: u8,
    /// How it differs from the template.
    pub file: File,
}

/// `File`: commands that create and fill one file.
pub type File = Vec<FileCommand>;

impl TemplateElement {
    /// The file with this member number.
    pub fn file(&self, member: u8) -> Option<&File> {
        let found = self.files.iter().find(|entry| entry.member == member);
        found.map(|entry| &entry.file)
    }

    /// The file with this member number, to be changed.
    pub fn file_mut(&mut self, member: u8) -> Option<&mut File> {
        let found = self.files.iter_mut().find(|entry| entry.member == member);
        found.map(|entry| &mut entry.file)
    }
}

/// The constructed context tag with this number.
fn member_tag(number: u8) -> Tag {
    match number {
        0..31 => Tag::new(0xA0 | u32::from(number)),
        31..128 => Tag::new(0xBF00 | u32::from(number)),
        _ => Tag::new(0xBF_8100 | u32::from(number & 0x7F)),
    }
}

/// The number of a constructed context tag, `None` for other tags.
fn member_number(tag: Tag) -> Option<u8> {
    match tag.get() {
        tag @ 0xA0..0xBF => Some((tag & 0x1F) as u8),
        tag @ 0xBF1F..0xBF80 => Some((tag & 0x7F) as u8),
        tag @ 0xBF_8100..0xBF_8180 => Some(0x80 | (tag & 0x7F) as u8),
        _ => None,
    }
}

impl Tagged for TemplateElement {
    const TAG: Tag = Tag::SEQUENCE;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        let mut reader = tlv.reader();
        let header = PeHeader::decode_tagged(member_tag(0), &reader.tlv()?)
            .map_err(|error| error.within("header"))?;
        let template_id = Oid::decode_tagged(Tag::new(0x81), &reader.tlv()?)
            .map_err(|error| error.within("template_id"))?;
        let mut files = Vec::new();
        while !reader.is_empty() {
            let tlv = reader.tlv()?;
            let member = member_number(tlv.tag)
                .ok_or_else(|| tlv.error(ErrorKind::Value("not a file of a template")))?;
            let file = File::decode_value(&tlv).map_err(|error| error.within("file"))?;
            files.push(TemplateFile { member, file });
        }
        Ok(TemplateElement {
            header,
            template_id,
            files,
        })
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.constructed(tag, |out| {
            self.header.encode_tagged(member_tag(0), out);
            self.template_id.encode_tagged(Tag::new(0x81), out);
            for entry in &self.files {
                entry.file.encode_tagged(member_tag(entry.member), out);
            }
        });
    }
}

choice! {
    /// A command of `File`.
    pub enum FileCommand {
        DoNotCreate(Null) = 0x80,
        FileDescriptor(Fcp) = 0xA1,
        /// Octets to skip from the current position.
        FillFileOffset(i64) = 0x82,
        FillFileContent(Vec<u8>) = 0x83,
    }
}

sequence! {
    /// `Fcp`: file control parameters.
    pub struct Fcp {
        /// ETSI TS 102 222 6.3.2.2.2.
        file_descriptor: Option<Vec<u8>> = 0x82,
        file_id: Option<[u8; 2]> = 0x83,
        df_name: Option<Vec<u8>> = 0x84,
        lcsi: [u8; 1] = 0x8A => [0x05],
        security_attributes_referenced: Option<Vec<u8>> = 0x8B,
        /// As few octets as possible.
        ef_file_size: Option<Vec<u8>> = 0x80,
        pin_status_template_do: Option<Vec<u8>> = 0xC6,
        /// Empty: no short identifier.
        short_efid: Option<Vec<u8>> = 0x88,
        proprietary_ef_info: Option<ProprietaryInfo> = 0xA5,
        link_path: Option<Vec<u8>> = 0xC7,
    }
}

impl Fcp {
    /// With no parameter at all.
    pub fn empty() -> Self {
        Fcp {
            file_descriptor: None,
            file_id: None,
            df_name: None,
            lcsi: [0x05],
            security_attributes_referenced: None,
            ef_file_size: None,
            pin_status_template_do: None,
            short_efid: None,
            proprietary_ef_info: None,
            link_path: None,
            extensions: crate::Extensions::default(),
        }
    }
}

sequence! {
    /// `ProprietaryInfo`.
    pub struct ProprietaryInfo {
        special_file_information: [u8; 1] = 0xC0 => [0x00],
        fill_pattern: Option<Vec<u8>> = 0xC1,
        repeat_pattern: Option<Vec<u8>> = 0xC2,
        maximum_file_size: Option<Vec<u8>> = 0x86,
        file_details: [u8; 1] = 0x84 => [0x01],
    }
}

sequence! {
    /// `PE-GenericFileManagement`.
    pub struct GenericFileManagement {
        header: PeHeader = 0xA0,
        file_management_cmd: Vec<Vec<FileManagementCommand>> = 0xA1,
    }
}

choice! {
    /// A command of `FileManagement`.
    pub enum FileManagementCommand {
        /// From the MF, with the temporary identifier of an ADF.
        FilePath(Vec<u8>) = 0x80,
        CreateFcp(Fcp) = 0x62,
        FillFileOffset(i64),
        FillFileContent(Vec<u8>) = 0x81,
    }
}
