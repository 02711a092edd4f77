//! The IPA's memory in a file: after a power cut the old one or the new one is
//! there, whole. Each save is a new file, so that what is locked is another one
//! beside it, which is left where it is.
//!
//! Where the memory stands in for an eUICC it is guarded as well: a third file
//! has the digests of the memory that was saved last and of the one before, and
//! is written first. A memory that is neither was damaged, or is an old one that
//! somebody put back, with which old packages would be good again. Whoever puts
//! all the files back is not noticed: that takes a counter in hardware.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rsp_crypto::Provider;
use rsp_crypto::software::SoftwareProvider;

use crate::Failure;

/// In the place of a digest: there was no memory.
const NONE: &str = "none";

/// The file, for one agent alone: two would undo each other's memory.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// If it is guarded: the digest of the memory that is there.
    guarded: Option<RefCell<String>>,
    /// Locked as long as it is open.
    _lock: File,
}

impl StateFile {
    /// Takes the file, if no other agent has it. The lock ends with the process,
    /// however that ends.
    ///
    /// # Errors
    /// If another process has it, or if it cannot be locked.
    pub(crate) fn lock(path: PathBuf) -> Result<Self, Failure> {
        let name = beside(&path, ".lock");
        let mut options = OpenOptions::new();
        let lock = options.create(true).write(true).truncate(false).open(&name);
        let lock = lock.map_err(|error| Failure::new(Path::new(&name).display(), error))?;
        match lock.try_lock() {
            Ok(()) => Ok(StateFile {
                path,
                guarded: None,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                path.display(),
                "another simurgh-agent uses this state file (each needs its own: --state FILE)",
            )),
            Err(TryLockError::Error(error)) => Err(Failure::new(Path::new(&name).display(), error)),
        }
    }

    /// Has the memory guarded, from the next load on.
    pub(crate) fn guard(&mut self) {
        self.guarded = Some(RefCell::new(NONE.to_string()));
    }

    /// What was saved last, `None` if nothing was.
    ///
    /// # Errors
    /// If there is something that cannot be read, or if it is guarded and not
    /// what was saved last.
    pub(crate) fn load(&self) -> io::Result<Option<Vec<u8>>> {
        let memory = read(&self.path)?;
        let Some(guarded) = &self.guarded else {
            return Ok(memory);
        };
        let found = digest(memory.as_deref());
        let mark = read(Path::new(&self.mark()))?;
        let mark = mark.map(|mark| String::from_utf8_lossy(&mark).into_owned());
        if mark.is_some_and(|mark| !mark.lines().any(|known| known == found)) {
            let mark = self.mark();
            return Err(io::Error::other(format!(
                "not what was saved last: damaged, removed, or an old one put back. What eIMs have set is lost; to begin anew, remove this file and {}, and have the eIM given a new key for this device",
                Path::new(&mark).display()
            )));
        }
        guarded.replace(found);
        Ok(memory)
    }

    /// Puts a memory in place of the one before; durable when this returns.
    ///
    /// # Errors
    /// If it cannot be written; then the one before is there.
    pub(crate) fn save(&self, memory: &[u8]) -> io::Result<()> {
        if let Some(guarded) = &self.guarded {
            let new = digest(Some(memory));
            let mark = format!("{}\n{new}\n", guarded.borrow());
            self.replace(Path::new(&self.mark()), mark.as_bytes())?;
            self.replace(&self.path, memory)?;
            guarded.replace(new);
            return Ok(());
        }
        self.replace(&self.path, memory)
    }

    /// A file that only its owner reads and writes, in place of the one before.
    fn replace(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        let new = beside(path, ".new");
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        file.write_all(octets)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        // The new name is durable only with the folder that holds it.
        File::open(self.folder())?.sync_all()
    }

    /// The file with the digests.
    fn mark(&self) -> OsString {
        beside(&self.path, ".mark")
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// SHA-256 of a memory, in hexadecimal digits.
fn digest(memory: Option<&[u8]>) -> String {
    let Some(memory) = memory else {
        return NONE.to_string();
    };
    let digest = SoftwareProvider.sha256(&[memory]);
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The path with something behind its last name.
fn beside(path: &Path, ending: &str) -> OsString {
    let mut name = OsString::from(path);
    name.push(ending);
    name
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_last_memory_is_there_and_one_half_written_is_not() {
        let name = format!("simurgh-agent-state-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("agent.state");
        let state = StateFile::lock(path.clone()).unwrap();
        assert_eq!(state.load().unwrap(), None);
        state.save(b"a long first memory").unwrap();
        state.save(b"second").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"second");

        // Power failed while the third was written.
        std::fs::write(folder.join("agent.state.new"), b"thi").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"second");
        state.save(b"fourth").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"fourth");
        let names = std::fs::read_dir(&folder).unwrap();
        assert_eq!(names.count(), 2, "the memory and its lock");

        // What is no file is no memory, and is not overlooked.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(state.load().is_err());
        assert!(state.save(b"fifth").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// A guarded memory that was cut off while it was saved is good, either way;
    /// one that was damaged, removed or put back is not.
    #[test]
    fn an_old_memory_is_not_taken_for_the_last_one() {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("simurgh-agent-guard-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("agent.state");
        let mark = folder.join("agent.state.mark");
        let open = || {
            let mut state = StateFile::lock(path.clone()).unwrap();
            state.guard();
            state
        };
        let load = || open().load().map_err(|error| error.to_string());
        // A memory from before it was guarded.
        open().save(b"first").unwrap();
        std::fs::remove_file(&mark).unwrap();
        assert_eq!(load().unwrap().unwrap(), b"first");
        let state = open();
        assert_eq!(state.load().unwrap().unwrap(), b"first");
        state.save(b"second").unwrap();
        // Power failed between the mark and the memory.
        std::fs::write(&path, b"first").unwrap();
        drop(state);
        assert_eq!(load().unwrap().unwrap(), b"first");
        std::fs::write(&path, b"second").unwrap();
        let state = open();
        state.load().unwrap();
        state.save(b"third").unwrap();
        drop(state);
        assert_eq!(load().unwrap().unwrap(), b"third");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for wrong in [b"first".as_slice(), b"thirt", b""] {
            std::fs::write(&path, wrong).unwrap();
            let said = load().unwrap_err();
            assert!(said.contains("agent.state.mark"), "{said}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(load().is_err(), "removed");
        std::fs::remove_file(&mark).unwrap();
        assert_eq!(load().unwrap(), None, "somebody began anew");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn one_agent_at_a_time_has_the_file() {
        let name = format!("simurgh-agent-lock-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("agent.state");
        let first = StateFile::lock(path.clone()).unwrap();
        first.save(b"memory").unwrap();
        let refused = StateFile::lock(path.clone()).unwrap_err().to_string();
        assert!(refused.contains("agent.state: another"), "{refused}");
        assert!(StateFile::lock(folder.join("other.state")).is_ok());
        drop(first);
        let second = StateFile::lock(path).unwrap();
        assert_eq!(second.load().unwrap().unwrap(), b"memory");
        let nowhere = folder.join("none").join("agent.state");
        assert!(StateFile::lock(nowhere).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
