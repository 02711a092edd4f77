//! The files that a package creates: where each is, what it is called, how
//! large it is and what is written into it.

use alloc::vec::Vec;

use rsp_asn1::Reader;
use rsp_asn1::saip::{
    Fcp, FileManagementCommand, GenericFileManagement, ProfileElement, TemplateElement,
};

use super::catalogue::{FileRow, Shape, Template, fid, file_in, phone_book_file};
use super::contents::{
    OutsideFile, Piece, advance, descriptor, image_of, is_left_out, number, pieces, record_length,
};
use super::element::kind;
use super::structure::template_element;

/// Identifiers from the MF on; an ADF has its temporary one.
pub(super) type Path = Vec<u16>;

/// One file.
pub(super) struct Node<'a> {
    /// Its identifiers from the MF on.
    pub(super) path: Path,
    /// What the standards call it.
    pub(super) name: Option<&'static str>,
    /// What it is, and how large; sizes are in octets.
    pub(super) shape: Shape,
    /// Its parameters, if the package gives some.
    pub(super) fcp: Option<&'a Fcp>,
    /// Index of the element that creates it.
    pub(super) element: usize,
    /// Whether the package mentions it; the template creates it if not.
    pub(super) given: bool,
    /// What is written into it.
    pieces: Result<Vec<Piece<'a>>, OutsideFile>,
}

impl Node<'_> {
    /// Its octets up to the last one written; `Err` if the commands lead
    /// outside the file.
    pub(super) fn image(&self) -> Result<Vec<u8>, OutsideFile> {
        self.pieces.as_deref().map(image_of).map_err(|error| *error)
    }

    /// Octets that are written, without making them.
    pub(super) fn written(&self) -> Option<usize> {
        let pieces = self.pieces.as_deref().ok()?;
        Some(pieces.last().map_or(0, |(at, content)| at + content.len()))
    }

    /// Octets that it has on the card.
    pub(super) fn size(&self) -> usize {
        match self.shape {
            Shape::Transparent(size) => size,
            Shape::Linear(records, length) | Shape::Cyclic(records, length) => {
                records.saturating_mul(length)
            }
            Shape::BerTlv => self
                .fcp
                .map_or(0, |fcp| fcp.ef_file_size.as_deref().map_or(0, number)),
            Shape::Directory | Shape::Application => 0,
        }
    }

    /// The file that it is a link to.
    pub(super) fn link(&self) -> Option<Path> {
        let path = self
            .fcp?
            .link_path
            .as_deref()
            .filter(|path| !path.is_empty());
        path.map(|path| path_of(path, &[]))
    }
}

/// All files, in the order of their creation.
pub(super) fn tree(elements: &[ProfileElement]) -> Vec<Node<'_>> {
    let mut builder = Builder {
        nodes: Vec::new(),
        application: alloc::vec![fid::MF, 0],
    };
    for (index, element) in elements.iter().enumerate() {
        if let Some(pe) = template_element(element) {
            builder.add_template(index, kind(element), pe);
        } else if let ProfileElement::GenericFileManagement(gfm) = element {
            builder.add_commands(index, gfm);
        }
    }
    name_phone_books(&mut builder.nodes);
    builder.nodes
}

/// Files of a phone book have identifiers of the package's choice; its EF.PBR
/// says which is what (3GPP TS 31.102 4.4.2.1).
fn name_phone_books(nodes: &mut [Node<'_>]) {
    let mut names: Vec<(Path, &'static str)> = Vec::new();
    for node in nodes.iter().filter(|node| node.name == Some("EF.PBR")) {
        let (Shape::Linear(_, length), Some(image)) = (node.shape, initial(node)) else {
            continue;
        };
        let directory = node.path.split_last().map_or(&[][..], |(_, above)| above);
        for record in image.chunks(length.max(1)) {
            for (tag, fid) in references(record) {
                names.extend(phone_book_file(tag).map(|name| (joined(directory, fid), name)));
            }
        }
    }
    for node in nodes.iter_mut().filter(|node| node.name.is_none()) {
        let named = names.iter().find(|(path, _)| *path == node.path);
        node.name = named.map(|(_, name)| *name);
    }
}

/// What a file begins with: what is written into it, or the pattern that its
/// parameters fill it with (ETSI TS 102 222 6.3.2.2.2).
fn initial(node: &Node<'_>) -> Option<Vec<u8>> {
    let written = node.image().ok()?;
    if !written.is_empty() {
        return Some(written);
    }
    let info = node.fcp?.proprietary_ef_info.as_ref()?;
    let pattern = info.fill_pattern.as_ref();
    pattern.or(info.repeat_pattern.as_ref()).cloned()
}

/// Tags and identifiers in a record of EF.PBR.
fn references(record: &[u8]) -> Vec<(u32, u16)> {
    let mut found = Vec::new();
    let mut record = Reader::new(record);
    // Until the octets that are not used.
    while let Ok(kind) = record.tlv() {
        if !(0xA8..=0xAA).contains(&kind.tag.get()) {
            break;
        }
        let mut files = kind.reader();
        while let Ok(file) = files.tlv() {
            if let Some(fid) = file.value.first_chunk() {
                found.push((file.tag.get(), u16::from_be_bytes(*fid)));
            }
        }
    }
    found
}

struct Builder<'a> {
    nodes: Vec<Node<'a>>,
    /// The ADF that was created last.
    application: Path,
}

impl<'a> Builder<'a> {
    fn add_template(&mut self, element: usize, kind: &str, pe: &'a TemplateElement) {
        let by_kind = Template::of_kind(kind);
        let Some(template) = Template::find(&pe.template_id).or(by_kind) else {
            return;
        };
        let mut directory = match kind {
            "mf" | "cd" | "telecom" | "usim" | "isim" | "csim" | "iot" => alloc::vec![fid::MF],
            _ => self.application.clone(),
        };
        let root = directory.clone();
        let mut top: Option<Path> = None;
        for member in template.members() {
            let file = pe.file(member);
            let left_out = file.is_some_and(|file| is_left_out(file));
            let Some(row) = template.file(member) else {
                continue;
            };
            if left_out || file.is_none() && !template.by_default {
                continue;
            }
            let commands = file.map(Vec::as_slice).unwrap_or_default();
            let fcp = descriptor(commands);
            let fid = fcp
                .and_then(|fcp| fcp.file_id)
                .map_or(row.fid, u16::from_be_bytes);
            let shape = shape(fcp, Some(row.shape));
            let path = match (fid == self::fid::MF, shape.is_directory()) {
                (true, _) => alloc::vec![fid],
                (false, true) => joined(top.as_ref().unwrap_or(&root), fid),
                (false, false) => joined(&directory, fid),
            };
            if shape.is_directory() {
                directory.clone_from(&path);
                if row.fid != self::fid::MF && template.is_nested() {
                    top.get_or_insert_with(|| path.clone());
                }
                if row.shape == Shape::Application {
                    self.application.clone_from(&path);
                    top = None;
                }
            }
            self.nodes.push(Node {
                path,
                name: Some(row.name),
                shape,
                fcp,
                element,
                given: file.is_some(),
                pieces: pieces(commands),
            });
        }
    }

    /// Commands: a path selects a directory, creating a file selects it.
    fn add_commands(&mut self, element: usize, gfm: &'a GenericFileManagement) {
        let mut directory = alloc::vec![fid::MF];
        let mut current: Option<usize> = None;
        let mut at = 0;
        for command in gfm.file_management_cmd.iter().flatten() {
            match command {
                FileManagementCommand::FilePath(path) => {
                    directory = path_of(path, &[fid::MF]);
                    current = None;
                }
                FileManagementCommand::CreateFcp(fcp) => {
                    let node = self.created(element, &directory, fcp);
                    if node.shape.is_directory() {
                        directory.clone_from(&node.path);
                    }
                    at = 0;
                    current = Some(self.nodes.len());
                    self.nodes.push(node);
                }
                FileManagementCommand::FillFileOffset(offset) => {
                    self.fill(current, |_| advance(&mut at, *offset));
                }
                FileManagementCommand::FillFileContent(content) => {
                    self.fill(current, |pieces| {
                        pieces.push((at, content.as_slice()));
                        advance(&mut at, content.len() as i64)
                    });
                }
            }
        }
    }

    /// Adds to what is written into a node; it stays wrong once it is.
    fn fill(
        &mut self,
        node: Option<usize>,
        add: impl FnOnce(&mut Vec<Piece<'a>>) -> Result<(), OutsideFile>,
    ) {
        let Some(node) = node.and_then(|node| self.nodes.get_mut(node)) else {
            return;
        };
        if let Ok(pieces) = &mut node.pieces
            && let Err(outside) = add(pieces)
        {
            node.pieces = Err(outside);
        }
    }

    fn created(&self, element: usize, directory: &[u16], fcp: &'a Fcp) -> Node<'a> {
        let fid = fcp.file_id.map_or(0, u16::from_be_bytes);
        let row = self.row(directory, fid);
        let path = match fid == self::fid::MF {
            true => alloc::vec![fid],
            false => joined(directory, fid),
        };
        Node {
            path,
            name: row.map(|row| row.name),
            shape: shape(Some(fcp), row.map(|row| row.shape)),
            fcp: Some(fcp),
            element,
            given: true,
            pieces: Ok(Vec::new()),
        }
    }

    /// What the standards know of a file in a directory.
    fn row(&self, directory: &[u16], fid: u16) -> Option<&'static FileRow> {
        let parent = self.nodes.iter().find(|node| node.path == directory);
        file_in(parent?.name?, fid)
    }
}

fn joined(directory: &[u16], fid: u16) -> Path {
    let mut path = directory.to_vec();
    path.push(fid);
    path
}

/// A path in a package: pairs of octets, from the MF on; the MF itself may be
/// left out.
fn path_of(octets: &[u8], start: &[u16]) -> Path {
    let (pairs, _) = octets.as_chunks::<2>();
    let mut path: Path = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    if path.first() != Some(&fid::MF) {
        path.splice(0..0, [fid::MF]);
    }
    match path.len() {
        1 if !start.is_empty() => start.to_vec(),
        _ => path,
    }
}

/// The shape that parameters give a file, on top of the template's (ETSI TS
/// 102 222 6.3.2.2.2).
fn shape(fcp: Option<&Fcp>, row: Option<Shape>) -> Shape {
    let default = row.unwrap_or(Shape::Transparent(0));
    let Some(fcp) = fcp else {
        return default;
    };
    let size = fcp.ef_file_size.as_deref().map(number);
    let structure = fcp.file_descriptor.as_deref().and_then(<[u8]>::first);
    let records = |default: Option<(usize, usize)>| {
        let (count, length) = default.unwrap_or_default();
        let length = record_length(fcp).unwrap_or(length);
        match size {
            Some(size) if length > 0 => (size / length, length),
            _ => (count, length),
        }
    };
    let by_row = match default {
        Shape::Linear(count, length) | Shape::Cyclic(count, length) => Some((count, length)),
        _ => None,
    };
    match (structure.map(|octet| octet & 0x3F), default) {
        (Some(0x38), Shape::Application) => Shape::Application,
        (Some(0x38), _) if fcp.df_name.is_some() => Shape::Application,
        (Some(0x38), _) => Shape::Directory,
        (Some(0x39), _) | (None, Shape::BerTlv) => Shape::BerTlv,
        (Some(octet), _) if octet & 0x07 == 2 => {
            let (count, length) = records(by_row);
            Shape::Linear(count, length)
        }
        (Some(octet), _) if octet & 0x07 == 6 => {
            let (count, length) = records(by_row);
            Shape::Cyclic(count, length)
        }
        (Some(octet), _) if octet & 0x07 == 1 => {
            let old = match default {
                Shape::Transparent(size) => size,
                _ => 0,
            };
            Shape::Transparent(size.unwrap_or(old))
        }
        (_, Shape::Transparent(old)) => Shape::Transparent(size.unwrap_or(old)),
        (_, Shape::Linear(..)) => {
            let (count, length) = records(by_row);
            Shape::Linear(count, length)
        }
        (_, Shape::Cyclic(..)) => {
            let (count, length) = records(by_row);
            Shape::Cyclic(count, length)
        }
        (_, other) => other,
    }
}
