//! A PostgreSQL server for the tests: on a free port of this machine, with data
//! of its own, and gone at the end. It writes to disk as one in use would.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{self, Failure};

/// Where tests find the server.
const URL: &str = "SIMURGH_TEST_POSTGRES";
/// Who vouches for its certificate.
const CA: &str = "SIMURGH_TEST_POSTGRES_CA";

/// The user that runs it, as PostgreSQL does not run as root.
const USER: &str = "postgres";

/// A server that ends with this value.
pub(crate) struct Cluster {
    folder: PathBuf,
    /// The folder of PostgreSQL's programs.
    programs: PathBuf,
    port: u16,
    password: String,
}

impl Cluster {
    /// Starts a server with its data in a folder of this one.
    ///
    /// # Errors
    ///
    /// [`Failure::Failed`] when PostgreSQL is not there or does not start.
    pub(crate) fn start(target: &Path) -> Result<Self, Failure> {
        let failed = |e| Failure::io("cannot prepare PostgreSQL's folder", &e);
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let cluster = Cluster {
            folder: folder(target)?,
            programs: programs()?,
            port: free.map_err(failed)?.port(),
            password: random().map_err(failed)?,
        };
        // Left by a run that was killed.
        cluster.stop();
        let _ = fs::remove_dir_all(&cluster.folder);
        fs::create_dir_all(&cluster.folder).map_err(failed)?;
        cluster.make()?;
        Ok(cluster)
    }

    /// Tells a command where the server is.
    pub(crate) fn tell(&self, command: &mut Command) {
        let Cluster { port, password, .. } = self;
        let url = format!("postgres://simurgh:{password}@127.0.0.1:{port}/postgres");
        command.env(URL, url).env(CA, self.path("server.crt"));
    }

    /// Adds an empty database.
    ///
    /// # Errors
    ///
    /// [`Failure::Failed`] when the server does not.
    pub(crate) fn add_database(&self, name: &str) -> Result<(), Failure> {
        let port = self.port.to_string();
        let mut createdb = Command::new(self.programs.join("createdb"));
        createdb.env("PGPASSWORD", &self.password);
        createdb.args(["--host=127.0.0.1", "--username=simurgh", "--port", &port]);
        run(createdb.arg(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn make(&self) -> Result<(), Failure> {
        let failed = |e| Failure::io("cannot prepare PostgreSQL's folder", &e);
        self.certificate()?;
        fs::write(self.path("password"), &self.password).map_err(failed)?;
        self.give_away()?;
        let mut initdb = self.program("initdb");
        initdb.arg("--pgdata").arg(self.path("data"));
        initdb.arg("--pwfile").arg(self.path("password"));
        initdb.args(["--username=simurgh", "--auth=scram-sha-256"]);
        run(initdb.args(["--no-locale", "--encoding=UTF8"]))?;
        let settings = format!(
            "shared_buffers = {}kB\nlisten_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\n\
             ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            memory_of_machine()? / 4,
            self.port,
            self.path("server.crt").display(),
            self.path("server.key").display(),
        );
        let mut file = fs::OpenOptions::new();
        let file = file.append(true).open(self.path("data/postgresql.conf"));
        file.and_then(|mut file| std::io::Write::write_all(&mut file, settings.as_bytes()))
            .map_err(failed)?;
        let mut start = self.program("pg_ctl");
        start.arg("--pgdata").arg(self.path("data"));
        start.arg("--log").arg(self.path("log"));
        run(start.args(["--wait", "--timeout=60", "start"]))
    }

    /// A certificate of its own, for `localhost`.
    fn certificate(&self) -> Result<(), Failure> {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "30"]);
        openssl.args([
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-subj",
            "/CN=localhost",
        ]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-keyout").arg(self.path("server.key"));
        run(openssl.arg("-out").arg(self.path("server.crt")))
    }

    /// The folder belongs to who runs the server.
    fn give_away(&self) -> Result<(), Failure> {
        run(Command::new("chmod")
            .arg("600")
            .arg(self.path("server.key")))?;
        match process::is_root() {
            true => run(Command::new("chown").args(["-R", USER]).arg(&self.folder)),
            false => Ok(()),
        }
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = as_its_user(&program);
        command.current_dir(&self.folder);
        command
    }

    fn stop(&self) {
        if self.path("data/postmaster.pid").exists() {
            let mut stop = self.program("pg_ctl");
            stop.arg("--pgdata").arg(self.path("data"));
            process::probe(stop.args(["--wait", "--mode=immediate", "stop"]));
        }
    }
}

/// Kilobytes. PostgreSQL's manual advises a quarter of them for its buffers; they are
/// taken as they are used.
fn memory_of_machine() -> Result<u64, Failure> {
    let file = "/proc/meminfo";
    let said = fs::read_to_string(file).map_err(|e| Failure::io(file, &e))?;
    let total = said.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|total| total.split_whitespace().next()?.parse().ok());
    Ok(total.unwrap_or(512 * 1024))
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn as_its_user(program: &Path) -> Command {
    if !process::is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", USER, "--"]).arg(program);
    command
}

/// Below the target folder, if who runs the server can go there.
fn folder(target: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(target).map_err(|e| Failure::io("cannot make the target folder", &e))?;
    let mut enter = as_its_user(Path::new("test"));
    let parent = match process::probe(enter.arg("-x").arg(target)) {
        true => target.to_owned(),
        false => std::env::temp_dir(),
    };
    Ok(parent.join("simurgh-test-postgres"))
}

/// The programs of the newest version that is installed.
fn programs() -> Result<PathBuf, Failure> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max();
    newest
        .map(|version| format!("/usr/lib/postgresql/{version}/bin").into())
        .ok_or_else(|| Failure::Failed("PostgreSQL is missing: cargo xtask setup".to_owned()))
}

fn random() -> std::io::Result<String> {
    let mut octets = [0; 16];
    let mut random = fs::File::open("/dev/urandom")?;
    std::io::Read::read_exact(&mut random, &mut octets)?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// Its output is of interest only when it fails.
fn run(command: &mut Command) -> Result<(), Failure> {
    let name = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // A server that goes on would hold a pipe open.
    let status = command.stderr(Stdio::null()).status();
    let status = status.map_err(|e| Failure::io(&format!("cannot run {name}"), &e))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::Failed(format!("{name} ended with {status}"))),
    }
}
