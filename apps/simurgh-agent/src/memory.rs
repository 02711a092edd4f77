//! The IPA's memory in a file: after a power cut the old one or the new one is
//! there, whole.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::Failure;

/// What was saved last; `None` before anything was.
pub(crate) fn read(file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(file) {
        Ok(memory) => Ok(Some(memory)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(file.display(), error)),
    }
}

/// Saves the memory; it is durable when this returns.
pub(crate) fn write(file: &Path, memory: &[u8]) -> Result<(), std::io::Error> {
    let new = file.with_extension("new");
    let mut handle = File::create(&new)?;
    handle.write_all(memory)?;
    handle.sync_all()?;
    std::fs::rename(&new, file)?;
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
