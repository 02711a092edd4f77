//! Elements that create files from a template (SAIP 8.3).

use alloc::vec::Vec;

use rsp_asn1::saip::{Fcp, FileCommand, ProprietaryInfo, TemplateElement};

use super::super::fs::{Body, File, FileId, MAX_MEMORY, MF, MF_FID, Rule};
use super::super::template::{Entry, FIRST_MEMBER, Fill, Shape, Template, number};
use super::build::{Build, Naa, NaaKind};
use super::fault::Fault;

/// EF.ARR of the MF and of files directly in it, ADFs included.
const ARR_OF_MF: u16 = 0x2F06;
/// EF.ARR of all others.
const ARR_OF_DF: u16 = 0x6F06;

/// EF.UST and the services that a card may have to take out of it.
const EF_UST: u16 = 0x6F38;

/// Where the next contents of a file go.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) file: FileId,
    pub(super) at: usize,
}

/// What an element says of one file.
#[derive(Default)]
struct Plan<'a> {
    do_not_create: bool,
    fcp: Option<&'a Fcp>,
    fills: Vec<&'a FileCommand>,
}

impl<'a> Plan<'a> {
    /// Sorts the commands: either doNotCreate alone, or a descriptor first.
    fn new(commands: &'a [FileCommand]) -> Result<Self, Fault> {
        let mut plan = Plan::default();
        for (index, command) in commands.iter().enumerate() {
            match command {
                FileCommand::DoNotCreate(_) if commands.len() == 1 => plan.do_not_create = true,
                FileCommand::FileDescriptor(fcp) if index == 0 => plan.fcp = Some(fcp),
                FileCommand::FillFileOffset(_) | FileCommand::FillFileContent(_) => {
                    plan.fills.push(command);
                }
                _ => return Err(Fault::FORMAT),
            }
        }
        Ok(plan)
    }
}

impl Build {
    /// Creates the files of a template.
    pub(super) fn template(&mut self, pe: &TemplateElement, expected: u8) -> Result<(), Fault> {
        let template = Template::find(&pe.template_id)
            .filter(|template| template.number() == expected)
            .ok_or(Fault::TEMPLATE)?;
        check_members(pe, &template)?;
        let parent = self.parent_of(expected)?;
        let mut base = parent;
        let mut dir = Some(parent);
        for index in 0..template.entries.len() {
            let entry = template.entry(index).ok_or(Fault::FORMAT)?;
            let is_directory = matches!(entry.shape, Shape::Directory | Shape::Application);
            if is_directory && index > 0 {
                dir = None;
            }
            let Some(plan) = plan_for(pe, &template, index, &entry)? else {
                continue;
            };
            if !is_directory {
                let dir = dir.ok_or(Fault::BAD_VALUES)?;
                let cursor = self.create_ef(dir, &entry, plan.fcp)?;
                self.fill(cursor, &plan.fills)?;
                continue;
            }
            if !plan.fills.is_empty() {
                return Err(Fault::FORMAT);
            }
            let created = self.create_directory(base, &entry, plan.fcp)?;
            dir = Some(created);
            if index == 0 {
                base = created;
            }
        }
        self.after_template(expected, base)
    }

    /// The directory that a template's files, or its directory, go to.
    fn parent_of(&self, template: u8) -> Result<FileId, Fault> {
        match template {
            number::MF
            | number::CD
            | number::TELECOM
            | number::USIM
            | number::ISIM
            | number::CSIM => Ok(MF),
            number::OPT_ISIM => self.naa_of(NaaKind::Isim),
            number::OPT_CSIM => self.naa_of(NaaKind::Csim),
            number::EAP => self.naa.map(|naa| naa.adf).ok_or(Fault::FORMAT),
            _ => self.naa_of(NaaKind::Usim),
        }
    }

    /// Which directory PINs belong to from now on, and which application is
    /// the last one.
    fn after_template(&mut self, template: u8, base: FileId) -> Result<(), Fault> {
        let kind = match template {
            number::USIM => Some(NaaKind::Usim),
            number::ISIM => Some(NaaKind::Isim),
            number::CSIM => Some(NaaKind::Csim),
            _ => None,
        };
        match (kind, template) {
            (Some(kind), _) => {
                self.naa = Some(Naa { adf: base, kind });
                self.context = base;
                self.once(base, template)?;
                self.clear_unsupported_services(base);
            }
            (None, number::MF | number::CD | number::TELECOM) => {
                self.context = base;
                self.once(MF, template)?;
            }
            _ => {
                let adf = self.naa.map(|naa| naa.adf).ok_or(Fault::FORMAT)?;
                self.once(adf, template)?;
            }
        }
        Ok(())
    }

    /// Takes services out of EF.UST that this card lacks (PE-USIM, ef-ust):
    /// GBA, MBMS and, where the header does not ask for it, SUCI calculation.
    fn clear_unsupported_services(&mut self, adf: FileId) {
        let identity = self.services().is_some_and(|s| s.get_identity.is_some());
        let Some(table) = self.fs.child(adf, EF_UST) else {
            return;
        };
        let Some(Body::Transparent { octets }) = self.fs.body_mut(table) else {
            return;
        };
        for (service, lacks) in [(68, true), (69, true), (125, !identity)] {
            let index: usize = service - 1;
            if let (true, Some(octet)) = (lacks, octets.get_mut(index / 8)) {
                *octet &= !(1 << (index % 8));
            }
        }
    }

    /// Creates a directory, or a link to one.
    pub(super) fn create_directory(
        &mut self,
        parent: FileId,
        entry: &Entry,
        fcp: Option<&Fcp>,
    ) -> Result<FileId, Fault> {
        let fcp = fcp.ok_or(Fault::BAD_VALUES)?;
        let fid = identifier(entry, Some(fcp))?;
        let is_mf = self.fs.len() == 0;
        if is_mf != (fid == MF_FID) {
            return Err(Fault::BAD_VALUES);
        }
        if shape(entry, Some(fcp))? != entry.shape {
            return Err(Fault::BAD_VALUES);
        }
        let body = match self.link(fcp)? {
            Some(target) if self.fs.is_directory(target) => Body::Link { target },
            Some(_) => return Err(Fault::BAD_VALUES),
            None => Body::Directory {
                aid: self.aid(entry, fcp)?,
                pins: pin_references(fcp)?,
            },
        };
        let file = File {
            parent,
            fid,
            sfi: 0,
            lcsi: life_cycle(Some(fcp)),
            special: 0,
            rule: rule(parent, entry, Some(fcp))?,
            body,
        };
        Ok(self.fs.add(file)?)
    }

    /// The AID of an ADF, which no other one may have; of a DF nothing.
    fn aid(&self, entry: &Entry, fcp: &Fcp) -> Result<Vec<u8>, Fault> {
        if entry.shape != Shape::Application {
            return Ok(Vec::new());
        }
        let aid = fcp.df_name.as_deref().unwrap_or_default();
        let taken = self.fs.iter().any(|(id, _)| self.fs.aid(id) == Some(aid));
        match aid.len() {
            5..=16 if !taken => Ok(aid.to_vec()),
            _ => Err(Fault::BAD_VALUES),
        }
    }

    /// Creates an EF with its default contents, or a link to one.
    pub(super) fn create_ef(
        &mut self,
        parent: FileId,
        entry: &Entry,
        fcp: Option<&Fcp>,
    ) -> Result<Cursor, Fault> {
        let target = fcp.map_or(Ok(None), |fcp| self.link(fcp))?;
        let body = match target {
            Some(target) if self.fs.is_directory(target) => return Err(Fault::BAD_VALUES),
            Some(target) => Body::Link { target },
            None => contents(entry, fcp)?,
        };
        let info = fcp.and_then(|fcp| fcp.proprietary_ef_info.as_ref());
        let [special] = info.map_or([0], |info| info.special_file_information);
        let file = File {
            parent,
            fid: identifier(entry, fcp)?,
            sfi: short_identifier(entry, fcp)?,
            lcsi: life_cycle(fcp),
            special,
            rule: rule(parent, entry, fcp)?,
            body,
        };
        let file = self.fs.add(file)?;
        Ok(Cursor { file, at: 0 })
    }

    /// The file that linkPath names; an empty path is no link.
    fn link(&self, fcp: &Fcp) -> Result<Option<FileId>, Fault> {
        match fcp.link_path.as_deref() {
            None | Some([]) => Ok(None),
            Some(path) => {
                let target = self.path(path).ok_or(Fault::BAD_VALUES)?;
                Ok(Some(self.fs.resolve(target)))
            }
        }
    }

    /// A file by its path from the MF; ADFs go by their temporary identifiers.
    pub(super) fn path(&self, path: &[u8]) -> Option<FileId> {
        let (steps, rest) = path.as_chunks::<2>();
        let mut fids = steps
            .iter()
            .map(|step| u16::from_be_bytes(*step))
            .peekable();
        fids.next_if_eq(&MF_FID);
        let found = fids.try_fold(MF, |dir, fid| self.fs.child(dir, fid));
        found.filter(|_| rest.is_empty() && self.fs.len() > 0)
    }

    fn fill(&mut self, mut cursor: Cursor, fills: &[&FileCommand]) -> Result<(), Fault> {
        for command in fills {
            match command {
                FileCommand::FillFileOffset(octets) => cursor.skip(*octets)?,
                FileCommand::FillFileContent(octets) => self.write(&mut cursor, octets)?,
                FileCommand::DoNotCreate(_) | FileCommand::FileDescriptor(_) => {}
            }
        }
        Ok(())
    }

    /// Writes contents where the cursor stands and moves it on.
    pub(super) fn write(&mut self, cursor: &mut Cursor, octets: &[u8]) -> Result<(), Fault> {
        let file = self.fs.get_mut(cursor.file).ok_or(Fault::BAD_VALUES)?;
        let end = cursor.at.saturating_add(octets.len());
        match &mut file.body {
            Body::Transparent { octets: body } | Body::Records { octets: body, .. } => {
                let part = body.get_mut(cursor.at..end);
                part.ok_or(Fault::BAD_VALUES)?.copy_from_slice(octets);
            }
            Body::BerTlv { octets: body, size } => {
                if cursor.at != body.len() || end > *size as usize {
                    return Err(Fault::BAD_VALUES);
                }
                body.extend_from_slice(octets);
            }
            Body::Directory { .. } | Body::Link { .. } => return Err(Fault::BAD_VALUES),
        }
        cursor.at = end;
        Ok(())
    }
}

impl Cursor {
    /// Moves on without writing.
    pub(super) fn skip(&mut self, octets: i64) -> Result<(), Fault> {
        let octets = u16::try_from(octets).map_err(|_| Fault::BAD_VALUES)?;
        self.at = self.at.saturating_add(usize::from(octets));
        Ok(())
    }
}

/// Members are in order, each once, and all of the template.
fn check_members(pe: &TemplateElement, template: &Template) -> Result<(), Fault> {
    let mut last = None;
    for file in &pe.files {
        let index = file.member.checked_sub(FIRST_MEMBER).ok_or(Fault::FORMAT)?;
        let known = usize::from(index) < template.entries.len();
        if !known || last >= Some(index) {
            return Err(Fault::FORMAT);
        }
        last = Some(index);
    }
    Ok(())
}

/// What is to be created for an entry, if anything.
fn plan_for<'a>(
    pe: &'a TemplateElement,
    template: &Template,
    index: usize,
    entry: &Entry,
) -> Result<Option<Plan<'a>>, Fault> {
    let member = u8::try_from(index).map_err(|_| Fault::FORMAT)? + FIRST_MEMBER;
    let Some(commands) = pe.file(member) else {
        let needed = template.by_default || index == 0 && entry.shape == Shape::Directory;
        return match (needed, entry.fill == Fill::Given) {
            (false, _) => Ok(None),
            (true, true) => Err(Fault::FORMAT),
            (true, false) => Ok(Some(Plan::default())),
        };
    };
    let plan = Plan::new(commands)?;
    if !plan.do_not_create || template.number() == number::MF {
        return Ok(Some(plan));
    }
    match template.by_default && index > 0 {
        true => Ok(None),
        false => Err(Fault::FORMAT),
    }
}

fn identifier(entry: &Entry, fcp: Option<&Fcp>) -> Result<u16, Fault> {
    let given = fcp.and_then(|fcp| fcp.file_id).map(u16::from_be_bytes);
    match given.unwrap_or(entry.fid) {
        // Reserved, or missing.
        0 | 0x3FFF | 0x7FFF | 0xFFFF => Err(Fault::BAD_VALUES),
        fid => Ok(fid),
    }
}

fn life_cycle(fcp: Option<&Fcp>) -> u8 {
    let [lcsi] = fcp.map_or([0x05], |fcp| fcp.lcsi);
    lcsi
}

fn pin_references(fcp: &Fcp) -> Result<Vec<u8>, Fault> {
    let references = fcp.pin_status_template_do.as_deref();
    match references.ok_or(Fault::BAD_VALUES)? {
        references if references.len() <= 26 => Ok(references.to_vec()),
        _ => Err(Fault::BAD_VALUES),
    }
}

fn short_identifier(entry: &Entry, fcp: Option<&Fcp>) -> Result<u8, Fault> {
    match fcp.and_then(|fcp| fcp.short_efid.as_deref()) {
        None => Ok(entry.sfi),
        Some([]) => Ok(0),
        Some([coded]) if *coded & 0x07 == 0 && *coded >> 3 <= 30 => Ok(*coded >> 3),
        Some(_) => Err(Fault::BAD_VALUES),
    }
}

/// The access rule: as given, else the template's.
fn rule(parent: FileId, entry: &Entry, fcp: Option<&Fcp>) -> Result<Rule, Fault> {
    let arr = if parent == MF { ARR_OF_MF } else { ARR_OF_DF };
    let given = fcp.and_then(|fcp| fcp.security_attributes_referenced.as_deref());
    let (arr, record, standard) = match given {
        None => (arr, entry.rule, entry.rule != 0),
        Some([record]) => (arr, *record, false),
        Some([high, low, record]) => (u16::from_be_bytes([*high, *low]), *record, false),
        Some(_) => return Err(Fault::BAD_VALUES),
    };
    Ok(Rule {
        arr,
        record,
        standard,
    })
}

/// The structure that a file descriptor gives (ETSI TS 102 222 6.3.2.2.2);
/// sizes of the template stay where it gives none.
pub(super) fn shape(entry: &Entry, fcp: Option<&Fcp>) -> Result<Shape, Fault> {
    let Some(descriptor) = fcp.and_then(|fcp| fcp.file_descriptor.as_deref()) else {
        return Ok(entry.shape);
    };
    let (structure, record) = match descriptor {
        [structure, _] => (*structure, None),
        [structure, _, length] | [structure, _, 0, length] => (*structure, Some(*length)),
        _ => return Err(Fault::BAD_VALUES),
    };
    let (count, length) = match entry.shape {
        Shape::Linear(count, length) | Shape::Cyclic(count, length) => (count, length),
        _ => (0, 0),
    };
    let length = record.unwrap_or(length);
    match (structure & 0x3F, entry.shape) {
        (0x38, Shape::Application) => Ok(Shape::Application),
        (0x38, _) => Ok(Shape::Directory),
        (0x39, _) => Ok(Shape::BerTlv),
        // Working and internal EFs.
        (0x01 | 0x09, Shape::Transparent(size)) => Ok(Shape::Transparent(size)),
        (0x01 | 0x09, _) => Ok(Shape::Transparent(0)),
        (0x02 | 0x0A, _) => Ok(Shape::Linear(count, length)),
        (0x06 | 0x0E, _) => Ok(Shape::Cyclic(count, length)),
        _ => Err(Fault::BAD_VALUES),
    }
}

/// The body of an EF with its default contents.
fn contents(entry: &Entry, fcp: Option<&Fcp>) -> Result<Body, Fault> {
    let info = fcp.and_then(|fcp| fcp.proprietary_ef_info.as_ref());
    let given = fcp.and_then(|fcp| fcp.ef_file_size.as_deref());
    let given = given.map(size).transpose()?;
    match shape(entry, fcp)? {
        Shape::Directory | Shape::Application => Err(Fault::BAD_VALUES),
        Shape::Transparent(default) => {
            let size = given.unwrap_or(usize::from(default));
            let octets = pattern(entry.fill, info, at_least_one(size)?)?;
            Ok(Body::Transparent { octets })
        }
        Shape::BerTlv => {
            let maximum = info.and_then(|info| info.maximum_file_size.as_deref());
            let maximum = maximum.map(size).transpose()?;
            let size = given.max(maximum).unwrap_or(0);
            Ok(Body::BerTlv {
                octets: Vec::new(),
                size: at_least_one(size)? as u32,
            })
        }
        shape @ (Shape::Linear(count, length) | Shape::Cyclic(count, length)) => {
            let size = given.unwrap_or(usize::from(count) * usize::from(length));
            let record = pattern(entry.fill, info, at_least_one(usize::from(length))?)?;
            let count = at_least_one(size)? / record.len();
            if count > 254 || count * record.len() != size {
                return Err(Fault::BAD_VALUES);
            }
            Ok(Body::Records {
                octets: record.repeat(count),
                length,
                cyclic: matches!(shape, Shape::Cyclic(..)),
            })
        }
    }
}

fn at_least_one(size: usize) -> Result<usize, Fault> {
    match size {
        0 => Err(Fault::BAD_VALUES),
        size => Ok(size),
    }
}

/// A size in the fewest octets.
fn size(octets: &[u8]) -> Result<usize, Fault> {
    if octets.is_empty() || octets.len() > 4 {
        return Err(Fault::BAD_VALUES);
    }
    let size = octets
        .iter()
        .fold(0, |size, octet| size << 8 | usize::from(*octet));
    match size {
        0..=MAX_MEMORY => Ok(size),
        _ => Err(Fault::MEMORY),
    }
}

/// So many octets of the pattern that the element gives (ETSI TS 102 222
/// 6.3.2.2.2), or of the template's. Each record begins the pattern anew.
fn pattern(default: Fill, info: Option<&ProprietaryInfo>, size: usize) -> Result<Vec<u8>, Fault> {
    let fill = info.and_then(|info| info.fill_pattern.as_deref());
    let repeat = info.and_then(|info| info.repeat_pattern.as_deref());
    let octets = match (fill, repeat) {
        (Some(_), Some(_)) | (Some([]), _) | (_, Some([])) => return Err(Fault::BAD_VALUES),
        (Some(fill), None) => {
            let last = fill.last().copied().unwrap_or(0xFF);
            padded(fill, last, size)
        }
        (None, Some(repeat)) => repeat.iter().copied().cycle().take(size).collect(),
        (None, None) => match default {
            Fill::Pad(octet) => padded(&[], octet, size),
            Fill::Head(head) => padded(head, 0xFF, size),
            Fill::Tail(tail) => {
                let mut octets = padded(&[], 0xFF, size.saturating_sub(tail.len()));
                octets.extend(tail);
                octets.truncate(size);
                octets
            }
            Fill::Repeat(repeat) => repeat.iter().copied().cycle().take(size).collect(),
            Fill::Given => padded(&[], 0xFF, size),
        },
    };
    Ok(octets)
}

fn padded(head: &[u8], octet: u8, size: usize) -> Vec<u8> {
    let mut octets: Vec<u8> = head.iter().copied().take(size).collect();
    octets.resize(size, octet);
    octets
}
