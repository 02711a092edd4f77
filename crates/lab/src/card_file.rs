//! A card in a file: it can be taken out, the power can fail, and it goes on
//! where it was.
//!
//! The first line is the card's identity as JSON, the rest is the journal of
//! `euicc::StoredEuicc`. Everything is in the clear: the file is readable by
//! its owner only, and whoever has it has the card.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use euicc::{Environment, Euicc, LoadError, StoredEuicc};
use rsp_asn1::ids::Eid;
use rsp_crypto::Rng;
use rsp_crypto::software::SoftwareProvider;

use crate::identity::CardIdentity;

/// The journal starts over when it has this many times the size of an image.
const GROWTH: u64 = 4;
/// ... but not below this size, in octets.
const SMALL: u64 = 256 * 1024;

/// A card whose memory is a file. Exactly one of them may use the file: it is
/// locked.
#[derive(Debug)]
pub struct CardFile {
    path: PathBuf,
    identity: CardIdentity,
    card: StoredEuicc,
    file: File,
    length: u64,
    /// Length with nothing but the last image.
    image: u64,
    /// A write failed: what is in memory is ahead of the file.
    broken: bool,
}

/// Why a card cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardFileError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process has the card.
    #[error("{}: another process has this card", .0.display())]
    InUse(PathBuf),
    /// The first line is no identity.
    #[error("{}: no card: {reason}", path.display())]
    Identity {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The journal makes no card.
    #[error("{}: {error}", path.display())]
    Memory {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: LoadError,
    },
    /// A write failed before; the card has to be opened again.
    #[error("{}: a write failed before, open the card again", .0.display())]
    Broken(PathBuf),
}

impl CardFile {
    /// Writes a new card to a file that does not exist yet. The card has no
    /// power.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn create(path: &Path, identity: CardIdentity, card: Euicc) -> Result<Self, CardFileError> {
        let failed = |error| failed(path, error);
        // Two that create the same card: one of them loses here.
        let file = options().create_new(true).open(path).map_err(failed)?;
        let mut card_file = CardFile {
            path: path.to_path_buf(),
            identity,
            card: StoredEuicc::new(card),
            file,
            length: 0,
            image: 0,
            broken: false,
        };
        match card_file.start_over() {
            Ok(()) => Ok(card_file),
            Err(error) => {
                // Nothing was in it.
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// The card as it was when its last command was answered, without power. A
    /// record that was cut while it was written is removed.
    ///
    /// # Errors
    /// If the file cannot be read, is in use or is not a card's.
    pub fn open(path: &Path) -> Result<Self, CardFileError> {
        let failed = |error| failed(path, error);
        let file = options().open(path).map_err(failed)?;
        lock(&file, path)?;
        let contents = std::fs::read(path).map_err(failed)?;
        let no_identity = |reason: String| CardFileError::Identity {
            path: path.to_path_buf(),
            reason,
        };
        let end = contents.iter().position(|octet| *octet == b'\n');
        let end = end.ok_or_else(|| no_identity("its first line has no end".to_string()))?;
        let (line, journal) = contents.split_at(end + 1);
        let identity: CardIdentity =
            serde_json::from_slice(line).map_err(|error| no_identity(error.to_string()))?;
        let loaded = StoredEuicc::load(identity.personalisation(), journal, &SoftwareProvider);
        let (card, valid) = loaded.map_err(|error| CardFileError::Memory {
            path: path.to_path_buf(),
            error,
        })?;
        let length = (line.len() + valid) as u64;
        file.set_len(length).map_err(failed)?;
        let mut card_file = CardFile {
            path: path.to_path_buf(),
            identity,
            card,
            file,
            length,
            image: 0,
            broken: false,
        };
        card_file.file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(card_file)
    }

    /// The card's identifier.
    pub fn eid(&self) -> Eid {
        self.identity.eid
    }

    /// Power off and on; gives the answer to reset.
    ///
    /// # Errors
    /// If what changed cannot be written.
    pub fn reset(&mut self) -> Result<Vec<u8>, CardFileError> {
        self.usable()?;
        let unwritten = self.card.reset(&SoftwareProvider);
        self.write(unwritten.record())?;
        Ok(unwritten.written())
    }

    /// Executes a command; the response is given when what it changed is on
    /// the disk.
    ///
    /// # Errors
    /// If what changed cannot be written: then the card has to be opened again.
    pub fn transmit(&mut self, apdu: &[u8], rng: &mut dyn Rng) -> Result<Vec<u8>, CardFileError> {
        self.usable()?;
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng,
        };
        let unwritten = self.card.transmit(apdu, &mut environment);
        self.write(unwritten.record())?;
        Ok(unwritten.written())
    }

    /// Whether no write has failed yet.
    pub fn is_usable(&self) -> bool {
        !self.broken
    }

    fn usable(&self) -> Result<(), CardFileError> {
        match self.broken {
            false => Ok(()),
            true => Err(CardFileError::Broken(self.path.clone())),
        }
    }

    fn write(&mut self, record: &[u8]) -> Result<(), CardFileError> {
        if record.is_empty() {
            return Ok(());
        }
        self.broken = true;
        let written = self.file.write_all(record);
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|error| failed(&self.path, error))?;
        self.length += record.len() as u64;
        if self.length > SMALL.max(self.image.saturating_mul(GROWTH)) {
            self.start_over()?;
        }
        self.broken = false;
        Ok(())
    }

    /// Puts a new image in place of the journal: beside it first, so that there
    /// is the old one or the new one.
    fn start_over(&mut self) -> Result<(), CardFileError> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut contents = serde_json::to_vec(&self.identity)
            .map_err(|error| failed(&self.path, io::Error::other(error)))?;
        contents.push(b'\n');
        contents.extend(self.card.start_over(&SoftwareProvider));
        let write = || {
            let mut file = options().create(true).truncate(true).open(&beside)?;
            file.write_all(&contents)?;
            file.sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|error| failed(&beside, error))?;
        lock(&file, &self.path)?;
        std::fs::rename(&beside, &self.path).map_err(|error| failed(&self.path, error))?;
        sync_folder(&self.path).map_err(|error| failed(&self.path, error))?;
        self.file = file;
        self.length = contents.len() as u64;
        self.image = self.length;
        Ok(())
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn lock(file: &File, path: &Path) -> Result<(), CardFileError> {
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => CardFileError::InUse(path.to_path_buf()),
        std::fs::TryLockError::Error(error) => failed(path, error),
    })
}

/// A rename is durable when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn failed(path: &Path, error: io::Error) -> CardFileError {
    CardFileError::File {
        path: path.to_path_buf(),
        error,
    }
}
