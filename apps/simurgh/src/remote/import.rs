//! `simurgh device import`: a factory's manifest, a part at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use api::{AnnouncedDevices, Manifest, ManifestDevice};
use clap::Args;

use super::{Output, Remote, output};
use crate::Failure;

/// Devices of one request.
const PART: usize = 200;

/// Announce the devices of a manifest.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Comma separated, the first line names the columns (eid, and any of
    /// association_token, counter_value, imei, serial, bootstrap_iccid and
    /// others, which rules may ask for); or a JSON object with these members on
    /// each line
    #[arg(value_name = "FILE")]
    manifest: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

/// What became of a line.
#[derive(serde::Serialize)]
struct Line<'a> {
    line: usize,
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

impl Import {
    /// Each line is taken whole or not at all; the same manifest once more
    /// changes nothing. Fails if a line was refused.
    pub(super) fn run(self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::new(self.manifest.display(), error);
        let file = File::open(&self.manifest).map_err(failed)?;
        let api = self.remote.api()?;
        let mut columns: Option<Vec<String>> = None;
        let (mut part, mut sum) = (Vec::new(), Sum::default());
        let send = |part: &mut Vec<(usize, ManifestDevice)>, sum: &mut Sum| {
            let (lines, devices) = std::mem::take(part).into_iter().unzip();
            let lines: Vec<usize> = lines;
            let done: AnnouncedDevices = api.post("/manifests", &Manifest { devices })?;
            for (line, done) in lines.into_iter().zip(&done.devices) {
                let reason = done.reason.as_deref();
                show(api.output, sum, line, &done.eid, &done.result, reason)?;
            }
            Ok::<_, Failure>(())
        };
        for (line, text) in (1..).zip(BufReader::new(file).lines()) {
            let text = text.map_err(failed)?;
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let device = match (text.starts_with('{'), &columns) {
                (true, _) => serde_json::from_str(text).map_err(|error| error.to_string()),
                (false, None) => {
                    columns = Some(cells(text));
                    continue;
                }
                (false, Some(columns)) => row(columns, text),
            };
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
                format!("{refused} lines were refused: correct them and import the file again"),
            )),
        }
    }
}

fn show(
    format: Output,
    sum: &mut Sum,
    line: usize,
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

fn cells(line: &str) -> Vec<String> {
    let cell = |cell: &str| cell.trim().trim_matches('"').to_string();
    line.split(',').map(cell).collect()
}

/// A line of a table, with its columns' names.
fn row(columns: &[String], line: &str) -> Result<ManifestDevice, String> {
    let cells = cells(line);
    if cells.len() != columns.len() {
        return Err(format!(
            "{} cells, and {} columns",
            cells.len(),
            columns.len()
        ));
    }
    let filled = columns.iter().cloned().zip(cells);
    let mut members: BTreeMap<_, _> = filled.filter(|(_, cell)| !cell.is_empty()).collect();
    let mut take = |name: &str| members.remove(name);
    let number = |name: &str, text: Option<String>| {
        let number = text.map(|text| text.parse::<i64>());
        number
            .transpose()
            .map_err(|_| format!("{name} is no number"))
    };
    Ok(ManifestDevice {
        eid: take("eid").ok_or("no eid")?,
        association_token: number("association_token", take("association_token"))?,
        counter_value: number("counter_value", take("counter_value"))?.unwrap_or(0),
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

    #[test]
    fn lines_of_a_table() {
        let columns = cells("eid, serial,model,association_token");
        let device = row(&columns, "89, M-1 ,\"X1\",7").unwrap();
        assert_eq!(device.eid, "89");
        assert_eq!(device.serial.as_deref(), Some("M-1"));
        assert_eq!(device.association_token, Some(7));
        assert_eq!(device.fields.get("model").unwrap(), "X1");
        for wrong in ["89,M-1", "89,M-1,X1,x", ",M-1,X1,7"] {
            assert!(row(&columns, wrong).is_err(), "{wrong}");
        }
    }
}
