//! Finding the repository, starting programs, and what can go wrong.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line was not understood (exit code 2).
    Usage(String),
    /// Something failed that has not been shown yet (exit code 1).
    Failed(String),
    /// Something failed and its own output said so (exit code 1).
    Reported,
}

impl Failure {
    /// An input/output error together with what was being done.
    pub(crate) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::Failed(format!("{doing}: {error}"))
    }
}

/// The repository's root folder.
///
/// # Errors
///
/// When this crate's folder has no parent, which only a moved binary can see.
pub(crate) fn root() -> Result<PathBuf, Failure> {
    let manifest_folder = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest_folder
        .parent()
        .map(Path::to_path_buf)
        .ok_or_else(|| Failure::Failed("run this through `cargo xtask`".to_owned()))
}

/// The folder that cargo builds into, whatever decided where that is: it is
/// where this program was built.
///
/// # Errors
///
/// When the system cannot say where this program is.
pub(crate) fn target_folder() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()
        .map_err(|e| Failure::io("cannot find the folder that cargo builds into", &e))?;
    let folder = program.parent().and_then(Path::parent);
    folder
        .map(Path::to_path_buf)
        .ok_or_else(|| Failure::Failed("run this through `cargo xtask`".to_owned()))
}

/// The same cargo that runs us, started in `root`.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

/// Runs a command with our own streams; says whether it succeeded.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool, Failure> {
    let status = command.status();
    let doing = format!("cannot run {}", command.get_program().display());
    Ok(status.map_err(|e| Failure::io(&doing, &e))?.success())
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    capture(Command::new("id").arg("-u")).is_ok_and(|uid| uid.trim() == "0")
}

/// Runs a command silently; a program that is absent has not succeeded.
pub(crate) fn probe(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command and returns what it wrote to stdout; stderr stays visible.
///
/// # Errors
///
/// When it cannot be started, fails, or does not write UTF-8.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output();
    let doing = format!("cannot run {}", command.get_program().display());
    let output = output.map_err(|e| Failure::io(&doing, &e))?;
    if !output.status.success() {
        return Err(Failure::Reported);
    }
    String::from_utf8(output.stdout).map_err(|e| Failure::Failed(format!("{doing}: {e}")))
}
