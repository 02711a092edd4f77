//! The text files of the repository.

use std::fs;
use std::path::Path;

use crate::process::Failure;

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the root, with `/` between the names.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl File {
    /// Whether this is a Rust source file.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == "rs")
    }

    /// Whether this is a document.
    pub(crate) fn is_document(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == "md")
    }
}

/// Whether a folder or file of this name is made rather than kept: built,
/// downloaded, or somebody's editor settings.
pub(crate) fn is_made(name: &str) -> bool {
    matches!(
        name,
        ".git" | ".idea" | ".vscode" | "target" | "demo" | "node_modules" | "dist"
    )
}

/// Every text file that is kept; what is not UTF-8 is left out.
///
/// # Errors
///
/// When a folder or file cannot be read.
pub(crate) fn files(root: &Path) -> Result<Vec<File>, Failure> {
    let mut found = Vec::new();
    collect(root, "", &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<File>) -> Result<(), Failure> {
    let failed = |e: &std::io::Error| Failure::io(&format!("cannot read {}", folder.display()), e);
    for entry in fs::read_dir(folder).map_err(|e| failed(&e))? {
        let entry = entry.map_err(|e| failed(&e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_made(&name) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(|e| failed(&e))?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
        } else if kind.is_file() {
            let bytes = fs::read(entry.path())
                .map_err(|e| Failure::io(&format!("cannot read {path}"), &e))?;
            if let Ok(text) = String::from_utf8(bytes) {
                found.push(File { path, text });
            }
        }
    }
    Ok(())
}
