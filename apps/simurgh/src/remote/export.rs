//! `simurgh device export`: devices as an import reads them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use api::InventoryDevice;
use api::client::{self, ListDevicesQuery};
use clap::{Args, ValueEnum};
use fleet::import::{csv_header, csv_line};

use super::Remote;
use crate::{Failure, stdout};

/// Devices that are asked for at once.
const PAGE: u64 = 1000;

/// Form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values
    Csv,
    /// An object in JSON on each line
    Ndjson,
}

impl Format {
    fn line(self, device: &InventoryDevice) -> serde_json::Result<String> {
        let value = serde_json::to_value(device)?;
        Ok(match self {
            Format::Ndjson => format!("{value}\n"),
            Format::Csv => csv_line(&serde_json::from_value(value)?),
        })
    }
}

/// Write devices to a file, or to standard output, as an import reads them.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Where to; standard output if it is absent
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Those that a query finds (`simurgh device list --help`); all if it is absent
    #[arg(long, short, value_name = "QUERY")]
    query: Option<String>,
    /// Form of the file
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    #[command(flatten)]
    remote: Remote,
}

/// Where it goes.
struct Sink {
    name: String,
    file: Option<BufWriter<File>>,
}

impl Sink {
    fn new(file: Option<&PathBuf>) -> Result<Self, Failure> {
        let name = file.map(|file| file.display().to_string());
        let made = file.map(File::create).transpose();
        let name = name.unwrap_or_else(|| "standard output".to_string());
        match made {
            Ok(file) => Ok(Sink {
                name,
                file: file.map(BufWriter::new),
            }),
            Err(error) => Err(Failure::new(&name, error)),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        match &mut self.file {
            Some(file) => file
                .write_all(text.as_bytes())
                .map_err(|error| Failure::new(&self.name, error)),
            None => {
                stdout::write_all(text.as_bytes());
                Ok(())
            }
        }
    }

    fn end(self) -> Result<(), Failure> {
        let Some(mut file) = self.file else {
            return Ok(());
        };
        file.flush()
            .map_err(|error| Failure::new(&self.name, error))
    }
}

impl Export {
    /// Page by page: it needs no more memory for more devices.
    pub(super) fn run(self) -> Result<(), Failure> {
        let api = self.remote.api()?;
        let mut sink = Sink::new(self.file.as_ref())?;
        if self.format == Format::Csv {
            sink.write(&csv_header())?;
        }
        let mut wanted = ListDevicesQuery {
            limit: Some(PAGE),
            q: self.query,
            ..ListDevicesQuery::default()
        };
        let mut count = 0_u64;
        loop {
            let page = api.ask(client::list_devices(&wanted))?;
            for device in page.items.iter().filter_map(|one| one.inventory.as_ref()) {
                let line = self.format.line(device);
                sink.write(&line.map_err(|error| Failure::new(&sink.name, error))?)?;
                count += 1;
            }
            wanted.after = page.next;
            if wanted.after.is_none() {
                break;
            }
        }
        sink.end()?;
        eprintln!("{count} devices");
        Ok(())
    }
}
