//! The IPA's memory in a file: after a power cut the old one or the new one is
//! there, whole.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        StateFile { path }
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
        let mut beside = OsString::from(&self.path);
        beside.push(".new");
        let mut file = File::create(&beside)?;
        file.write_all(memory)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
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
        let state = StateFile::new(path.clone());
        assert_eq!(state.load().unwrap(), None);
        state.save(b"a long first memory").unwrap();
        state.save(b"second").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"second");

        // Power failed while the third was written.
        std::fs::write(folder.join("agent.state.new"), b"thi").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"second");
        state.save(b"fourth").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"fourth");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);

        // What is no file is no memory, and is not overlooked.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(state.load().is_err());
        assert!(state.save(b"fifth").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
