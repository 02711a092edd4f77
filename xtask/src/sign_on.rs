//! npm's oidc-provider for the tests of single sign-on: below cargo's folder, where
//! they look for it.

use std::fs;
use std::process::Command;

use crate::process::{self, Failure};

/// The release that the tests were written with.
const RELEASE: &str = "oidc-provider@9.13.3";

/// Installs it if it is missing. Without npm's registry the tests of single sign-on
/// are skipped, and say so.
///
/// # Errors
///
/// When its folder cannot be made.
pub(crate) fn ensure() -> Result<(), Failure> {
    let folder = process::target_folder()?.join("oidc-provider");
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == RELEASE) {
        return Ok(());
    }
    eprintln!("setup: installing {RELEASE} for node");
    let failed = |e| Failure::io("cannot write to the identity provider's folder", &e);
    fs::create_dir_all(&folder).map_err(failed)?;
    fs::write(folder.join("package.json"), "{\"private\": true}\n").map_err(failed)?;
    let mut npm = Command::new("npm");
    npm.current_dir(&folder)
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .arg(RELEASE);
    match process::probe(&mut npm) {
        true => fs::write(&stamp, RELEASE).map_err(failed),
        false => {
            eprintln!("setup: npm could not install {RELEASE}: single sign-on is not tested");
            Ok(())
        }
    }
}
