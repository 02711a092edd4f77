//! The IPA's memory in a file: after a power cut the old one or the new one is
//! there, whole. Each save is a new file, so that what is locked is another one
//! beside it, which is left where it is.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Failure;

/// The file, for one agent alone: two would undo each other's memory.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
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
            Ok(()) => Ok(StateFile { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                path.display(),
                "another simurgh-agent uses this state file (each needs its own: --state FILE)",
            )),
            Err(TryLockError::Error(error)) => Err(Failure::new(Path::new(&name).display(), error)),
        }
    }

    /// What was saved last, `None` if nothing was.
    ///
    /// # Errors
    /// If there is something that cannot be read.
    pub(crate) fn load(&self) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// Puts a memory in place of the one before; durable when this returns.
    ///
    /// # Errors
    /// If it cannot be written; then the one before is there.
    pub(crate) fn save(&self, memory: &[u8]) -> io::Result<()> {
        let new = beside(&self.path, ".new");
        let mut file = File::create(&new)?;
        file.write_all(memory)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        // The new name is durable only with the folder that holds it.
        File::open(self.folder())?.sync_all()
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }
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
