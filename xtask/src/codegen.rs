//! `cargo xtask codegen`: what is written from the routes of the API, the OpenAPI
//! document and the client.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{self, Failure};

/// The committed document.
const DOCUMENT: &str = "crates/api/openapi.json";

/// The committed functions of the client.
const CLIENT: &str = "crates/api/src/generated/operations.rs";

/// Writes both anew.
///
/// # Errors
///
/// When a program does not build or run, or a file cannot be written.
pub(crate) fn run() -> Result<(), Failure> {
    let root = process::root()?;
    for (file, text) in generated(&root)? {
        fs::write(root.join(file), text)
            .map_err(|e| Failure::io(&format!("cannot write {file}"), &e))?;
    }
    Ok(())
}

/// The files that are not as they would be written now.
///
/// # Errors
///
/// When a program does not build or run.
pub(crate) fn stale(root: &Path) -> Result<Vec<&'static str>, Failure> {
    let generated = generated(root)?;
    let is_stale = |(file, text): &(&str, String)| {
        let committed = fs::read_to_string(root.join(file));
        committed.map_or(true, |committed| committed != *text)
    };
    let stale = generated.iter().filter(|file| is_stale(file));
    Ok(stale.map(|(file, _)| *file).collect())
}

fn generated(root: &Path) -> Result<[(&'static str, String); 2], Failure> {
    build(root, &["--bin", "simurgh"])?;
    build(root, &["--example", "generate-client"])?;
    let programs = process::target_folder()?.join("debug");
    let document = process::capture(Command::new(programs.join("simurgh")).arg("openapi"))?;
    let mut generator = Command::new(programs.join("examples/generate-client"));
    let client = filter(&mut generator, &document)?;
    let mut formatter = Command::new("rustfmt");
    let client = filter(
        formatter.args(["--edition", "2024"]).current_dir(root),
        &client,
    )?;
    Ok([(DOCUMENT, document), (CLIENT, client)])
}

/// With the features of all, as the tests have them: nothing is built twice.
fn build(root: &Path, what: &[&str]) -> Result<(), Failure> {
    let mut build = process::cargo(root);
    build.args(["build", "--quiet", "--workspace"]).args(what);
    match process::succeeds(build.stdout(std::io::stderr()))? {
        true => Ok(()),
        false => Err(Failure::Reported),
    }
}

/// What a program makes of a text.
fn filter(command: &mut Command, text: &str) -> Result<String, Failure> {
    let doing = format!("cannot run {}", command.get_program().display());
    let failed = |e: &std::io::Error| Failure::io(&doing, e);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&e))?;
    let input = child.stdin.take();
    let text = text.to_owned();
    // Beside the reading below: pipes are short.
    let writing = std::thread::spawn(move || match input {
        Some(mut input) => input.write_all(text.as_bytes()),
        None => Ok(()),
    });
    let output = child.wait_with_output().map_err(|e| failed(&e))?;
    if !output.status.success() || !writing.join().is_ok_and(|written| written.is_ok()) {
        return Err(Failure::Failed(format!("{doing}: it did not succeed")));
    }
    String::from_utf8(output.stdout).map_err(|e| Failure::Failed(format!("{doing}: {e}")))
}
