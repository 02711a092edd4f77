//! `simurgh device announce`: a factory's manifest, a part at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use api::client;
use api::{Manifest, ManifestDevice};
use clap::Args;

use super::{Output, Remote, output};
use crate::Failure;

/// Devices of one request.
const PART: usize = 200;

/// Announce the devices of a manifest.
#[derive(Debug, Args)]
pub(crate) struct Announce {
    /// Comma separated, the first line names the columns (eid, and any of
    /// association_token, counter_value, imei, serial, bootstrap_iccid and
    /// others, which rules may ask for), cells may be quoted; or a JSON object
    /// with these members on each line
    #[arg(value_name = "FILE")]
    manifest: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

/// What became of a line.
#[derive(serde::Serialize)]
struct Line<'a> {
    line: u64,
    eid: &'a str,
    result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// How many lines came to what.
#[derive(Default)]
struct Sum {
    added: usize,
    known: usize,
    refused: usize,
}

impl Announce {
    /// Each line is taken whole or not at all; the same manifest once more
    /// changes nothing. Fails if a line was refused.
    pub(super) fn run(self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::new(self.manifest.display(), error);
        let file = File::open(&self.manifest).map_err(failed)?;
        let api = self.remote.api()?;
        let (mut part, mut sum) = (Vec::new(), Sum::default());
        let send = |part: &mut Vec<(u64, ManifestDevice)>, sum: &mut Sum| {
            let (lines, devices) = std::mem::take(part).into_iter().unzip();
            let lines: Vec<u64> = lines;
            let done = api.tell(client::announce_devices(&Manifest { devices }))?;
            for (line, done) in lines.into_iter().zip(&done.devices) {
                let reason = done.reason.as_deref();
                show(api.output, sum, line, &done.eid, &done.result, reason)?;
            }
            Ok::<_, Failure>(())
        };
        for entry in entries(BufReader::new(file)).map_err(failed)? {
            let (line, device) = entry.map_err(failed)?;
            match device {
                Ok(device) => part.push((line, device)),
                Err(reason) => show(api.output, &mut sum, line, "", "refused", Some(&reason))?,
            }
            if part.len() >= PART {
                send(&mut part, &mut sum)?;
            }
        }
        if !part.is_empty() {
            send(&mut part, &mut sum)?;
        }
        let Sum {
            added,
            known,
            refused,
        } = sum;
        eprintln!("{added} added, {known} known before, {refused} refused");
        match refused {
            0 => Ok(()),
            _ => Err(Failure::new(
                self.manifest.display(),
                format!("{refused} lines were refused: correct them and announce the file again"),
            )),
        }
    }
}

/// An entry with the number of its line, or why it is none.
type Entry = (u64, Result<ManifestDevice, String>);
type Entries<'a> = Box<dyn Iterator<Item = std::io::Result<Entry>> + 'a>;

/// Reads a manifest in whichever of the two forms its first character says.
fn entries<'a>(mut file: impl BufRead + 'a) -> std::io::Result<Entries<'a>> {
    let is_json = file.fill_buf()?.trim_ascii_start().starts_with(b"{");
    Ok(match is_json {
        true => Box::new(objects(file)),
        false => Box::new(rows(file)?),
    })
}

fn objects(file: impl BufRead) -> impl Iterator<Item = std::io::Result<Entry>> {
    let lines = (1..).zip(file.lines()).filter(|(_, line)| {
        // What cannot be read must be seen.
        !line.as_ref().is_ok_and(|line| line.trim().is_empty())
    });
    lines.map(|(number, line)| {
        let device = serde_json::from_str(&line?).map_err(|error| error.to_string());
        Ok((number, device))
    })
}

fn rows(file: impl BufRead) -> std::io::Result<impl Iterator<Item = std::io::Result<Entry>>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        // The last line has an end, too: see below.
        .from_reader(file.chain(&b"\n"[..]));
    let columns: Vec<String> = reader.headers()?.iter().map(str::to_string).collect();
    let mut cells = csv::StringRecord::new();
    Ok(std::iter::from_fn(move || {
        match reader.read_record(&mut cells) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error.into())),
        }
        // Counted from its end: a record's own position is that of the empty
        // lines before it.
        let breaks = cells.as_slice().matches('\n').count() as u64;
        let line = reader.position().line().saturating_sub(breaks + 1);
        Some(Ok((line, row(&columns, &cells))))
    }))
}

fn show(
    format: Output,
    sum: &mut Sum,
    line: u64,
    eid: &str,
    result: &str,
    reason: Option<&str>,
) -> Result<(), Failure> {
    match result {
        "added" => sum.added += 1,
        "known" => sum.known += 1,
        _ => sum.refused += 1,
    }
    match format {
        Output::Json => output::json(&Line {
            line,
            eid,
            result,
            reason,
        }),
        Output::Table if result == "refused" => {
            outln!("line {line}: refused: {}", reason.unwrap_or_default());
            Ok(())
        }
        Output::Table => Ok(()),
    }
}

/// A line of a table, with its columns' names.
fn row(columns: &[String], cells: &csv::StringRecord) -> Result<ManifestDevice, String> {
    if cells.len() != columns.len() {
        return Err(format!(
            "{} cells, and {} columns",
            cells.len(),
            columns.len()
        ));
    }
    let cells = cells.iter().map(str::to_string);
    let filled = columns.iter().cloned().zip(cells);
    let mut members: BTreeMap<_, _> = filled.filter(|(_, cell)| !cell.is_empty()).collect();
    let mut take = |name: &str| members.remove(name);
    let number = |name: &str, text: Option<String>| {
        let number = text.map(|text| text.parse::<i64>());
        number
            .transpose()
            .map_err(|_| format!("{name} is no number"))
    };
    let emulated = match take("emulated").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err("emulated is neither true nor false".to_string()),
    };
    Ok(ManifestDevice {
        eid: take("eid").ok_or("no eid")?,
        association_token: number("association_token", take("association_token"))?,
        counter_value: number("counter_value", take("counter_value"))?.unwrap_or(0),
        emulated,
        imei: take("imei"),
        serial: take("serial"),
        bootstrap_iccid: take("bootstrap_iccid"),
        fields: members,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Entry> {
        let entries = entries(text.as_bytes()).unwrap();
        entries.map(|entry| entry.unwrap()).collect()
    }

    #[test]
    fn lines_of_a_table() {
        let entries = read(
            "eid, serial,model,association_token\n89, M-1 ,\"X1, \"\"blue\"\"\",7\n\n\
             89,M-1\n89,M-1,\"two\nlines\",x\n,M-1,X1,7",
        );
        let lines: Vec<u64> = entries.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4, 5, 7]);
        let device = entries[0].1.as_ref().unwrap();
        assert_eq!(device.eid, "89");
        assert_eq!(device.serial.as_deref(), Some("M-1"));
        assert_eq!(device.association_token, Some(7));
        assert_eq!(device.fields.get("model").unwrap(), "X1, \"blue\"");
        assert!(entries[1..].iter().all(|(_, wrong)| wrong.is_err()));
    }

    #[test]
    fn an_object_on_each_line() {
        let entries = read("{\"eid\":\"89\",\"imei\":\"35\"}\n\n89,M-1\n");
        assert_eq!(entries.len(), 2);
        let (line, device) = &entries[0];
        assert_eq!((*line, device.as_ref().unwrap().eid.as_str()), (1, "89"));
        let (line, wrong) = &entries[1];
        assert!(*line == 3 && wrong.is_err());
    }

    #[test]
    fn no_text() {
        let mut entries = entries(&b"eid\n\xFF\xFE\n"[..]).unwrap();
        assert!(entries.next().unwrap().is_err());
    }
}
