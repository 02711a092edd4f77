//! The file tree (ETSI TS 102 221 8).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// Position of a file in [`FileSystem`]; the MF is [`MF`].
pub(super) type FileId = u16;

/// The master file.
pub(super) const MF: FileId = 0;

/// File identifier of the master file.
pub(super) const MF_FID: u16 = 0x3F00;

/// Files of one profile, directories included.
pub(super) const MAX_FILES: usize = 2_000;

/// Octets that one profile may occupy.
pub(super) const MAX_MEMORY: usize = 512 * 1024;

/// What a file costs beyond its contents.
const FILE_OVERHEAD: usize = 32;

/// Why a file cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CreateError {
    /// [`MAX_FILES`] or [`MAX_MEMORY`] is reached.
    Full,
    /// The directory has a file with this identifier already.
    Exists,
}

/// All files; the MF is the first one, parents come before their children.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileSystem {
    files: Vec<File>,
    used: usize,
    #[serde(skip)]
    changed: Changed,
}

/// Files that may have changed since somebody asked last. It is not part of
/// what a file system is.
#[derive(Clone, Default)]
struct Changed(BTreeSet<FileId>);

impl PartialEq for Changed {
    fn eq(&self, _: &Changed) -> bool {
        true
    }
}

impl Eq for Changed {}

/// One file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) parent: FileId,
    /// Of an ADF: the temporary identifier of the package.
    pub(super) fid: u16,
    /// Short file identifier, 0 if there is none.
    pub(super) sfi: u8,
    /// Life cycle status (TS 102 221 11.1.1.4.9).
    pub(super) lcsi: u8,
    /// Special file information (TS 102 222): '40' usable when deactivated.
    pub(super) special: u8,
    pub(super) rule: Rule,
    pub(super) body: Body,
}

/// Where the access rule of a file stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// File identifier of the EF.ARR.
    pub(super) arr: u16,
    /// Record in it; 0 grants nothing.
    pub(super) record: u8,
    /// Whether it is the template's own, which holds without a record too.
    pub(super) standard: bool,
}

/// What a file consists of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Body {
    /// MF, DF or, with an AID, ADF.
    Directory {
        #[serde(with = "super::hex")]
        aid: Vec<u8>,
        /// Key references of the PIN status template.
        #[serde(with = "super::hex")]
        pins: Vec<u8>,
    },
    Transparent {
        #[serde(with = "super::hex")]
        octets: Vec<u8>,
    },
    /// Linear fixed or cyclic; record 1 of a cyclic file is the newest.
    Records {
        #[serde(with = "super::hex")]
        octets: Vec<u8>,
        length: u8,
        cyclic: bool,
    },
    BerTlv {
        /// Data objects one after another.
        #[serde(with = "super::hex")]
        octets: Vec<u8>,
        /// Octets that objects may take.
        size: u32,
    },
    /// Another name of a file (SAIP linkPath), never of a link.
    Link { target: FileId },
}

impl Body {
    fn size(&self) -> usize {
        match self {
            Body::Directory { aid, pins } => aid.len() + pins.len(),
            Body::Transparent { octets } | Body::Records { octets, .. } => octets.len(),
            Body::BerTlv { size, .. } => *size as usize,
            Body::Link { .. } => 0,
        }
    }
}

impl File {
    /// Whether it is activated or usable all the same.
    pub(super) fn is_usable(&self) -> bool {
        self.lcsi & 0x0D == 0x05 || self.lcsi & 0x0C == 0 || self.special & 0x40 != 0
    }
}

impl FileSystem {
    /// Octets of contents and overhead.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The files that may have changed.
    pub(super) fn changed(&self) -> &BTreeSet<FileId> {
        &self.changed.0
    }

    /// As [`FileSystem::changed`], and from here on none has.
    pub(super) fn take_changed(&mut self) -> BTreeSet<FileId> {
        core::mem::take(&mut self.changed.0)
    }

    /// Further files that may have changed.
    pub(super) fn add_changed(&mut self, files: BTreeSet<FileId>) {
        self.changed.0.extend(files);
    }

    /// From here on none has.
    pub(super) fn forget_changed(&mut self) {
        self.changed.0.clear();
    }

    /// A file system of files in their order; `None` if they make no tree.
    pub(super) fn restored(files: Vec<File>) -> Option<FileSystem> {
        let mut used = 0;
        for (id, file) in files.iter().enumerate() {
            let above = files.get(usize::from(file.parent)).map(|file| &file.body);
            let is_tree = match id {
                0 => file.parent == MF,
                _ => usize::from(file.parent) < id,
            };
            if !is_tree || !matches!(above, Some(Body::Directory { .. })) {
                return None;
            }
            if let Body::Link { target } = file.body {
                let target = files.get(usize::from(target)).map(|file| &file.body);
                let is_link = matches!(target, None | Some(Body::Link { .. }));
                if is_link {
                    return None;
                }
            }
            used += file.body.size() + FILE_OVERHEAD;
        }
        let small = files.len() <= MAX_FILES && used <= MAX_MEMORY;
        small.then(|| FileSystem {
            files,
            used,
            changed: Changed::default(),
        })
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Adds a file; the first one becomes the MF.
    pub(super) fn add(&mut self, file: File) -> Result<FileId, CreateError> {
        let cost = file.body.size() + FILE_OVERHEAD;
        if self.files.len() >= MAX_FILES || self.used + cost > MAX_MEMORY {
            return Err(CreateError::Full);
        }
        let taken = !self.files.is_empty()
            && (file.fid == MF_FID || self.child(file.parent, file.fid).is_some());
        if taken {
            return Err(CreateError::Exists);
        }
        let id = FileId::try_from(self.files.len()).map_err(|_| CreateError::Full)?;
        self.used += cost;
        self.files.push(file);
        Ok(id)
    }

    pub(super) fn get(&self, id: FileId) -> Option<&File> {
        self.files.get(usize::from(id))
    }

    pub(super) fn get_mut(&mut self, id: FileId) -> Option<&mut File> {
        self.changed.0.insert(id);
        self.files.get_mut(usize::from(id))
    }

    /// The file itself, or the one that a link stands for.
    pub(super) fn resolve(&self, id: FileId) -> FileId {
        match self.get(id).map(|file| &file.body) {
            Some(Body::Link { target }) => *target,
            _ => id,
        }
    }

    /// The body of the file, links followed.
    pub(super) fn body(&self, id: FileId) -> Option<&Body> {
        self.get(self.resolve(id)).map(|file| &file.body)
    }

    /// The body of the file, links followed, to be changed.
    pub(super) fn body_mut(&mut self, id: FileId) -> Option<&mut Body> {
        let id = self.resolve(id);
        self.get_mut(id).map(|file| &mut file.body)
    }

    pub(super) fn is_directory(&self, id: FileId) -> bool {
        matches!(self.body(id), Some(Body::Directory { .. }))
    }

    /// The AID of an ADF.
    pub(super) fn aid(&self, id: FileId) -> Option<&[u8]> {
        match self.body(id) {
            Some(Body::Directory { aid, .. }) if !aid.is_empty() => Some(aid),
            _ => None,
        }
    }

    /// Every file with its position.
    pub(super) fn iter(&self) -> impl Iterator<Item = (FileId, &File)> {
        (0..).zip(&self.files)
    }

    /// The files directly in a directory.
    pub(super) fn children(&self, dir: FileId) -> impl Iterator<Item = (FileId, &File)> {
        let dir = self.resolve(dir);
        self.iter()
            .filter(move |(id, file)| *id != MF && file.parent == dir)
    }

    /// The file with this identifier directly in a directory. ADFs count, with
    /// their temporary identifier.
    pub(super) fn child(&self, dir: FileId, fid: u16) -> Option<FileId> {
        let found = self.children(dir).find(|(_, file)| file.fid == fid);
        found.map(|(id, _)| id)
    }

    /// The directory above; of the MF the MF.
    pub(super) fn parent(&self, id: FileId) -> FileId {
        self.get(id).map_or(MF, |file| file.parent)
    }

    /// The directory and all above it up to the MF.
    pub(super) fn upwards(&self, from: FileId) -> impl Iterator<Item = FileId> {
        let next = |id: &FileId| (*id != MF).then(|| self.parent(*id));
        core::iter::successors(Some(from), next)
    }

    /// The ADF in whose tree a file stands.
    pub(super) fn application(&self, from: FileId) -> Option<FileId> {
        self.upwards(from).find(|id| self.aid(*id).is_some())
    }

    /// A record of a file with records, numbered from 1.
    pub(super) fn record(&self, id: FileId, number: u8) -> Option<&[u8]> {
        match self.body(id)? {
            Body::Records { octets, length, .. } => octets
                .chunks_exact(usize::from(*length).max(1))
                .nth(usize::from(number).checked_sub(1)?),
            _ => None,
        }
    }
}
