//! Where a run keeps keys, database and log.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::Failure;

/// First part of a temporary folder's name; the second is the process.
const PREFIX: &str = "simurgh-demo-";

/// In a temporary folder: locked as long as the process lives that made it.
const LOCK: &str = "lock";

/// The folder of a run.
pub(crate) enum Folder {
    /// The user's: it stays.
    Kept(PathBuf),
    /// Goes with the run.
    Temporary(TemporaryFolder),
}

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) => path,
            Folder::Temporary(folder) => &folder.path,
        }
    }
}

/// A folder that is removed when this is dropped, or, if the process is killed
/// before, by the next run.
pub(crate) struct TemporaryFolder {
    path: PathBuf,
    _lock: File,
}

impl TemporaryFolder {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new one; removes those that runs before could not.
    pub(crate) fn new() -> Result<Self, Failure> {
        Self::new_in(&std::env::temp_dir(), std::process::id())
    }

    fn new_in(parent: &Path, process: u32) -> Result<Self, Failure> {
        // A folder that cannot be removed is somebody else's, and no obstacle.
        let _ = remove_stale(parent);
        let path = parent.join(format!("{PREFIX}{process}"));
        let made = fs::create_dir(&path).and_then(|()| {
            let lock = File::create_new(path.join(LOCK))?;
            lock.lock()?;
            Ok(lock)
        });
        let lock = made.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(TemporaryFolder { path, _lock: lock })
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders whose process has ended.
fn remove_stale(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if !is_ours || !entry.file_type()?.is_dir() {
            continue;
        }
        // Without a lock that can be had, it is in use, being made, or not ours.
        if let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_run_and_a_stale_one_with_the_next() {
        let parent = TemporaryFolder::new().unwrap();
        let in_use = TemporaryFolder::new_in(&parent.path, 1).unwrap();
        let stale = TemporaryFolder::new_in(&parent.path, 2).unwrap();
        let path = stale.path.clone();
        fs::write(path.join("database"), b"left").unwrap();
        // As if killed: the lock is gone, the folder is not.
        stale._lock.unlock().unwrap();
        std::mem::forget(stale);
        let foreign = parent.path.join("simurgh-demo-notes");
        fs::create_dir(&foreign).unwrap();

        let next = TemporaryFolder::new_in(&parent.path, 3).unwrap();
        assert!(!path.exists());
        assert!(in_use.path.exists() && next.path.exists() && foreign.exists());
        let path = next.path.clone();
        drop(next);
        assert!(!path.exists());
    }
}
