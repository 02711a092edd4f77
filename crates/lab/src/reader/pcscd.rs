//! A PC/SC daemon of one's own, with a virtual reader, for one test.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Where distributions put the driver.
const DRIVERS: [&str; 3] = [
    "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib64/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so",
];
/// Where the daemon is, which ordinary users do not have in their path.
const DAEMONS: [&str; 3] = ["/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd"];

/// Makes the daemon take the socket that is its standard input, as a service
/// manager would hand it over.
const SCRIPT: &str = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";

/// The daemon's own name for the first slot of the reader.
const READER: &str = "Simurgh";

/// Tries to find two free ports.
const ATTEMPTS: u32 = 8;

/// Between two looks whether something has come about, and how many.
const WAIT: Duration = Duration::from_millis(50);
const WAITS: u32 = 200;

/// A running daemon; dropping it ends it.
///
/// Programs reach it through [`Pcscd::environment`]; a card comes into the
/// reader by [`super::vpcd::connect`] to [`Pcscd::address`]. Several can run at
/// the same time, each with its own socket and ports.
#[derive(Debug)]
pub struct Pcscd {
    process: Child,
    folder: PathBuf,
    port: u16,
}

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PcscdError {
    /// Daemon or driver are not installed: whoever needs them is skipped.
    #[error("{0} is not installed (Debian: pcscd, vsmartcard-vpcd)")]
    NotInstalled(&'static str),
    /// Files, sockets or processes failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The daemon ended or its reader does not listen.
    #[error("the daemon did not start:\n{0}")]
    NotStarted(String),
    /// A card came or went, and the daemon did not notice.
    #[error("the daemon did not notice the card:\n{0}")]
    NotNoticed(String),
}

impl Pcscd {
    /// Starts a daemon with one virtual reader, and returns when a card can
    /// connect.
    ///
    /// # Errors
    /// [`PcscdError::NotInstalled`] where there is none; otherwise if it does
    /// not start.
    pub fn start() -> Result<Pcscd, PcscdError> {
        let daemon = installed(&DAEMONS).ok_or(PcscdError::NotInstalled("pcscd"))?;
        let driver = installed(&DRIVERS);
        let driver = driver.ok_or(PcscdError::NotInstalled("the driver vpcd"))?;
        let folder = new_folder()?;
        let port = two_free_ports()?;
        let started = spawn(daemon, driver, &folder, port);
        let process = started.inspect_err(|_| remove(&folder))?;
        let mut pcscd = Pcscd {
            process,
            folder,
            port,
        };
        pcscd.wait_until_it_listens()?;
        Ok(pcscd)
    }

    /// Environment variable with which programs (pcsc-lite's clients) find this
    /// daemon.
    pub fn environment(&self) -> (&'static str, OsString) {
        ("PCSCLITE_CSOCK_NAME", self.folder.join("socket").into())
    }

    /// Name of the reader.
    pub fn reader(&self) -> String {
        format!("{READER} 00 00")
    }

    /// Where the reader awaits its card, `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits until the daemon has noticed that a card is there, or that none is
    /// any more: it looks every now and then. Between taking one out and putting
    /// one in, wait for the first, or the daemon takes them for one.
    ///
    /// # Errors
    /// If it does not notice within ten seconds.
    pub fn wait_for_card(&self, present: bool) -> Result<(), PcscdError> {
        for _ in 0..WAITS {
            let log = self.log();
            let mut events = log.lines().rev();
            let last = events.find_map(|line| match line {
                line if line.contains("Card inserted into") => Some(true),
                line if line.contains("Card Removed From") => Some(false),
                _ => None,
            });
            if last.unwrap_or(false) == present {
                return Ok(());
            }
            std::thread::sleep(WAIT);
        }
        Err(PcscdError::NotNoticed(self.log()))
    }

    /// What the daemon has to say.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The driver's sockets are looked for in the kernel's table: a connection
    /// to see whether it listens would be a card.
    fn wait_until_it_listens(&mut self) -> Result<(), PcscdError> {
        let wanted = format!(":{:04X} ", self.port);
        for _ in 0..WAITS {
            if self.process.try_wait()?.is_some() {
                return Err(PcscdError::NotStarted(self.log()));
            }
            let sockets = fs::read_to_string("/proc/net/tcp")?;
            if sockets.lines().any(|line| listens(line, &wanted)) {
                return Ok(());
            }
            std::thread::sleep(WAIT);
        }
        Err(PcscdError::NotStarted(self.log()))
    }
}

/// Whether a line of the table is of a listening socket with this local port.
fn listens(line: &str, port: &str) -> bool {
    let mut columns = line.split_whitespace().skip(1);
    let (local, _, state) = (columns.next(), columns.next(), columns.next());
    local.is_some_and(|local| format!("{local} ").ends_with(port)) && state == Some("0A")
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        // It is ours and nobody waits for it.
        let _ = self.process.kill();
        let _ = self.process.wait();
        remove(&self.folder);
    }
}

fn installed(places: &[&'static str]) -> Option<&'static str> {
    places
        .iter()
        .copied()
        .find(|place| Path::new(place).is_file())
}

fn new_folder() -> io::Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("simurgh-pcscd-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir(&folder)?;
    Ok(folder)
}

fn remove(folder: &Path) {
    // It is in the way of nobody.
    let _ = fs::remove_dir_all(folder);
}

/// A port that is free now, and so is the next one: the driver's second slot
/// takes that.
fn two_free_ports() -> io::Result<u16> {
    let mut last = io::Error::other("no two free ports");
    for _ in 0..ATTEMPTS {
        let first = TcpListener::bind(("0.0.0.0", 0))?;
        let port = first.local_addr()?.port();
        match TcpListener::bind(("0.0.0.0", port.saturating_add(1))) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn spawn(daemon: &str, driver: &str, folder: &Path, port: u16) -> Result<Child, PcscdError> {
    let readers = folder.join("readers");
    fs::create_dir(&readers)?;
    fs::write(
        readers.join("vpcd"),
        format!(
            "FRIENDLYNAME \"{READER}\"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {driver}\n\
             CHANNELID 0x{port:04X}\n"
        ),
    )?;
    let socket = UnixListener::bind(folder.join("socket"))?;
    let log = File::create(folder.join("log"))?;
    let child = Command::new("sh")
        .args(["-c", SCRIPT, daemon])
        .args(["--foreground", "--info", "--config"])
        .arg(&readers)
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(child)
}
