//! `cargo xtask tidy`: the house rules that no compiler checks.

mod documents;
mod no_std;
mod ratchet;
mod rooms;
mod source;
mod tree;
mod words;

use std::path::Path;

use crate::coverage;
use crate::process::{self, Failure};

pub(crate) use tree::{File, files};

/// Holds the tree against every rule and prints each breach.
///
/// # Errors
///
/// [`Failure::Reported`] when a rule is broken, another one when the tree
/// could not be read.
pub(crate) fn run() -> Result<(), Failure> {
    let root = process::root()?;
    let breaches = breaches(&root)?;
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    if breaches.is_empty() {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

fn breaches(root: &Path) -> Result<Vec<String>, Failure> {
    let files = tree::files(root)?;
    let mut breaches = rooms::check(root)?;
    breaches.extend(documents::check(root, &files));
    breaches.extend(ratchet::check(root, &files)?);
    breaches.extend(words::check(&files));
    breaches.extend(no_std::check(&files));
    breaches.extend(coverage::check(&files));
    Ok(breaches)
}
