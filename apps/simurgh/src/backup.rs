//! `simurgh backup` and `simurgh restore`.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rsp_crypto::software::Sealer;
use store::{BackupReport, BackupStep, Restore};

use crate::config::Config;
use crate::database::Database;
use crate::remote::progress::Progress;
use crate::{Failure, files, key_file, shell};

/// Octets that are read or written at once.
const PART: usize = 1 << 18;

/// Write all that the database holds into one file
///
/// The state of one moment, while the server goes on. Secrets stay sealed: to restore
/// it, the key file is needed, which is not in it. Nor are the configuration and the
/// certificates (`pki`). Keep it like the database.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file, which must not be there yet; `-` is standard output
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

/// Fill an empty database with what is in a backup
///
/// The database may be of another engine than that of the backup. All is restored or
/// nothing. What happened since the backup is not known any more: counterValues of all
/// eUICCs go on by a step, so that none is given out again, operations that were open
/// are `outcome_unknown` until the eUICC has told what became of them, and everybody
/// signs in again.
#[derive(Debug, Args)]
pub(crate) struct RestoreCommand {
    /// The file, as `simurgh backup` wrote it; `-` is standard input
    file: PathBuf,
    /// Take each row as it is: for a move to another database, if the server was
    /// ended before the backup and has not run since
    #[arg(long)]
    moved: bool,
    #[command(flatten)]
    settings: Settings,
}

/// What both take.
#[derive(Debug, Args)]
struct Settings {
    /// The configuration, as written by `simurgh init`
    #[arg(long, short, default_value = "simurgh.toml", env = "SIMURGH_CONFIG")]
    config: PathBuf,
    /// Set something that the configuration says otherwise or not, for example
    /// store.url=postgres://localhost/simurgh; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print no progress
    #[arg(long, short)]
    quiet: bool,
}

impl Settings {
    fn open(&self) -> Result<(Database, Sealer), Failure> {
        let config = Config::read(&self.config, &self.set)?;
        key_file::check_whole(&config.key_file)?;
        Ok((config.database()?, key_file::read(&config.key_file)?))
    }
}

fn is_stream(file: &Path) -> bool {
    file == Path::new("-")
}

impl Backup {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let (database, sealer) = self.settings.open()?;
        if is_stream(&self.file) {
            let out = std::io::stdout().lock();
            if out.is_terminal() {
                let what = "a backup is no text: send standard output to a file or a program";
                return Err(Failure::of(what));
            }
            let mut out = BufWriter::with_capacity(PART, out);
            return self.write(&database, sealer, &mut out);
        }
        if self.file.exists() {
            return Err(Failure::new(self.file.display(), "is there already"));
        }
        if !database.exists() {
            return Err(Failure::new(&database, "there is no such database"));
        }
        // What is cut off never has the name of a backup.
        let part = files::beside(&self.file, "part");
        let failed = |error| Failure::new(format!("cannot write {}", part.display()), error);
        let out = files::create_secret(&part)?;
        let mut out = BufWriter::with_capacity(PART, out);
        let written = self.write(&database, sealer, &mut out);
        let written = written.and_then(|()| {
            let out = out
                .into_inner()
                .map_err(|error| failed(error.into_error()))?;
            out.sync_all().map_err(failed)?;
            std::fs::rename(&part, &self.file).map_err(failed)
        });
        if written.is_err() {
            let _ = std::fs::remove_file(&part);
        }
        written
    }

    fn write(
        &self,
        database: &Database,
        sealer: Sealer,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let mut progress = Progress::new(!self.settings.quiet);
        let mut told = |step: BackupStep<'_>| {
            let of = step.of.unwrap_or(step.rows).max(step.rows);
            progress.say(&format!("{} rows {}", step.rows, step.table), step.rows, of);
        };
        let done = database.backup(sealer, out, &mut told);
        progress.end();
        let report = done.map_err(|error| Failure::new(database, error))?;
        let (rows, tenants) = (rows(&report), report.header.tenants);
        eprintln!("{database}: {rows} rows of {tenants} tenants are in the backup");
        Ok(())
    }
}

impl RestoreCommand {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let (database, sealer) = self.settings.open()?;
        let _lock = database.lock()?;
        if is_stream(&self.file) {
            let mut input = BufReader::with_capacity(PART, std::io::stdin().lock());
            return self.read(&database, sealer, &mut input, None);
        }
        let failed = |error| Failure::new(self.file.display(), error);
        let file = File::open(&self.file).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut input = BufReader::with_capacity(PART, file);
        self.read(&database, sealer, &mut input, Some(size))
    }

    fn read(
        &self,
        database: &Database,
        sealer: Sealer,
        input: &mut dyn Read,
        size: Option<u64>,
    ) -> Result<(), Failure> {
        let read = Cell::new(0);
        let mut input = Counted { input, read: &read };
        let mut progress = Progress::new(!self.settings.quiet);
        let mut told = |step: BackupStep<'_>| {
            let of = size.unwrap_or_else(|| read.get());
            let what = format!("{} rows {}", step.rows, step.table);
            progress.say(&what, read.get(), of);
        };
        let what = match self.moved {
            true => Restore::Moved,
            false => Restore::Older,
        };
        let done = database.restore(sealer, what, &mut input, &mut told);
        progress.end();
        let report = done.map_err(|error| {
            let what = format!("{error}; nothing was restored");
            Failure::new(self.file.display(), what)
        })?;
        let (rows, made) = (rows(&report), report.header.made.to_rfc3339());
        eprintln!("{database}: {rows} rows, as they were at {made}");
        if !self.moved {
            let restored = report.restored;
            eprintln!(
                "counterValues went on by {}; {} operations are to be found out about",
                restored.raised, restored.doubtful
            );
        }
        Ok(())
    }
}

fn rows(report: &BackupReport) -> u64 {
    report.rows.iter().map(|(_, rows)| rows).sum()
}

/// Counts what is read.
struct Counted<'a> {
    input: &'a mut dyn Read,
    read: &'a Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(to)?;
        let all = self.read.get() + u64::try_from(read).unwrap_or_default();
        self.read.set(all);
        Ok(read)
    }
}

impl Database {
    fn backup(
        &self,
        sealer: Sealer,
        out: &mut dyn Write,
        told: store::Told<'_>,
    ) -> Result<BackupReport, store::BackupError> {
        let now = shell::now();
        match self {
            Database::File(path) => store::SqliteStore::backup(path, sealer, now, out, told),
            Database::Postgres(settings) => {
                store::PostgresStore::backup((**settings).clone(), sealer, now, out, told)
            }
        }
    }

    fn restore(
        &self,
        sealer: Sealer,
        what: Restore,
        input: &mut dyn Read,
        told: store::Told<'_>,
    ) -> Result<BackupReport, store::BackupError> {
        let now = shell::now();
        match self {
            Database::File(path) => {
                store::SqliteStore::restore(path, sealer, what, now, input, told)
            }
            Database::Postgres(settings) => {
                let settings = (**settings).clone();
                store::PostgresStore::restore(settings, sealer, what, now, input, told)
            }
        }
    }
}
