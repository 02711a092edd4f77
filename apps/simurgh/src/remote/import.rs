//! `simurgh device import`: a file of devices, all of it or nothing.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::time::Duration;

use api::client;
use api::{ImportRow, ImportRows, RowError};
use clap::Args;
use fleet::import::{COLUMNS, Reader};

use super::call::Api;
use super::progress::Progress;
use super::{Output, Remote, output};
use crate::Failure;

/// Rows of one request.
const PART: usize = 2000;

/// Octets that are read at once.
const READ: usize = 1 << 18;

/// How often the server is asked how far it is.
const PAUSE: Duration = Duration::from_millis(300);

/// Bring devices into the inventory, all of a file or nothing.
#[derive(Debug, Args)]
#[command(after_long_help = columns())]
pub(crate) struct Import {
    /// Comma separated, the first line names the columns; or JSON, an array of
    /// devices or one on each line, as `simurgh device export` writes them
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Look at the file alone: nothing is sent
    #[arg(long)]
    check: bool,
    /// Print no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    remote: Remote,
}

/// The columns, for the help.
fn columns() -> String {
    let mut text = String::from(
        "Columns (those of modems and SIMs may be numbered: imei.2 is that of the second):\n",
    );
    for (name, what) in COLUMNS {
        text.push_str(&format!("  {name:18} {what}\n"));
    }
    text
}

/// What came of it.
#[derive(Default)]
struct Found {
    rows: u64,
    wrong: u64,
}

impl Import {
    /// Every line that is wrong is named; then nothing of the file is taken.
    pub(super) fn run(self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::new(self.file.display(), error);
        let file = File::open(&self.file).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let api = self.remote.api()?;
        let mut progress = Progress::new(!self.quiet);
        let id = match self.check {
            true => None,
            false => Some(api.ask(client::begin_import())?.id),
        };
        let id = id.as_deref();
        let sent = self.send(&api, file, size, id, &mut progress);
        progress.end();
        let found = match sent {
            Ok(found) => found,
            Err(failure) => {
                forget(&api, id);
                return Err(failure);
            }
        };
        if found.wrong > 0 {
            forget(&api, id);
            return Err(self.refused(found.wrong));
        }
        match id {
            Some(id) => self.switch(&api, id, &mut progress),
            None => {
                eprintln!("{} rows, none of them wrong", found.rows);
                Ok(())
            }
        }
    }

    fn refused(&self, wrong: u64) -> Failure {
        let what = format!(
            "{wrong} rows are wrong, nothing was imported: correct them and import the file again"
        );
        Failure::new(self.file.display(), what)
    }

    fn send(
        &self,
        api: &Api,
        file: File,
        size: u64,
        id: Option<&str>,
        progress: &mut Progress,
    ) -> Result<Found, Failure> {
        let mut file = BufReader::new(file);
        let mut reader = Reader::default();
        let (mut found, mut part, mut octets) = (Found::default(), Vec::new(), vec![0; READ]);
        let mut seen = 0;
        loop {
            let read = file.read(&mut octets);
            let read = read.map_err(|error| Failure::new(self.file.display(), error))?;
            match octets.get(..read) {
                Some(octets) if read > 0 => reader.push(octets),
                _ => reader.finish(),
            }
            seen += read as u64;
            while let Some(row) = reader.next_row() {
                found.rows += 1;
                match row {
                    Ok(row) => part.push(self.row(&row)?),
                    Err(error) => wrong(api.output, &mut found, &shown(error))?,
                }
                if part.len() >= PART {
                    fill(api, id, &mut part, &mut found)?;
                }
            }
            let what = format!("{} rows read", found.rows);
            progress.say(&what, seen, size);
            if read == 0 {
                fill(api, id, &mut part, &mut found)?;
                return Ok(found);
            }
        }
    }

    fn row(&self, row: &fleet::import::Row) -> Result<ImportRow, Failure> {
        let failed = |error: serde_json::Error| Failure::new(self.file.display(), error);
        let value = serde_json::to_value(&row.device).map_err(failed)?;
        Ok(ImportRow {
            line: row.line,
            device: serde_json::from_value(value).map_err(failed)?,
        })
    }

    fn switch(&self, api: &Api, id: &str, progress: &mut Progress) -> Result<(), Failure> {
        let mut import = api.ask(client::switch_import(id))?;
        // The server process that did it may end; another one goes on.
        while let "switching" | "interrupted" = import.state.as_str() {
            std::thread::sleep(PAUSE);
            import = match import.state.as_str() {
                "switching" => api.ask(client::get_import(id))?,
                _ => api.ask(client::switch_import(id))?,
            };
            let what = format!("{} rows in the inventory", import.through);
            progress.say(&what, import.through, import.rows);
        }
        progress.end();
        let mut found = Found::default();
        for error in &import.errors {
            wrong(api.output, &mut found, error)?;
        }
        forget(api, Some(id));
        match import.state.as_str() {
            "done" => {
                if api.output == Output::Json {
                    output::json(&import)?;
                }
                eprintln!(
                    "{} added, {} changed, {} as they were; the eIM manages {} eUICCs more",
                    import.added, import.updated, import.unchanged, import.euiccs
                );
                Ok(())
            }
            "refused" => Err(self.refused(import.wrong)),
            _ => {
                let what = import.detail.unwrap_or_default();
                Err(Failure::new(self.file.display(), what))
            }
        }
    }
}

fn shown(error: fleet::import::RowError) -> RowError {
    RowError {
        line: error.line,
        column: error.column,
        what: error.what,
        remedy: error.remedy,
    }
}

fn wrong(format: Output, found: &mut Found, error: &RowError) -> Result<(), Failure> {
    found.wrong += 1;
    match format {
        Output::Json => output::json(error),
        Output::Table => {
            let column = error.column.as_ref().map(|column| format!(", {column}"));
            let column = column.unwrap_or_default();
            outln!(
                "line {}{column}: {} ({})",
                error.line,
                error.what,
                error.remedy
            );
            Ok(())
        }
    }
}

/// Sends a part. Of a file that is wrong nothing more is sent.
fn fill(
    api: &Api,
    id: Option<&str>,
    part: &mut Vec<ImportRow>,
    found: &mut Found,
) -> Result<(), Failure> {
    let rows = std::mem::take(part);
    let Some(id) = id.filter(|_| found.wrong == 0 && !rows.is_empty()) else {
        return Ok(());
    };
    let import = api.tell(client::fill_import(id, &ImportRows { rows }))?;
    for error in &import.errors {
        wrong(api.output, found, error)?;
    }
    Ok(())
}

/// What was put aside is of no use any more; the server forgets it in the end by
/// itself.
fn forget(api: &Api, id: Option<&str>) {
    if let Some(id) = id {
        let _ = api.ask(client::forget_import(id));
    }
}
