//! `simurgh telemetry`: what devices measure.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use api::client::{self, GetTelemetryQuery};
use api::{NewSamples, Sample, Span};
use clap::{Args, Subcommand};

use super::call::Api;
use super::output::{self, Shown, table};
use super::{Output, Remote};
use crate::Failure;

/// Samples of one request.
const PART: usize = 1000;

/// What can be done with telemetry.
#[derive(Debug, Subcommand)]
pub(crate) enum TelemetryCommand {
    /// Show what a device measured, the oldest first
    Show(Wanted),
    /// Bring samples of a device
    Add {
        /// What it is called in the inventory, or the EID of one of its eUICCs
        #[arg(value_name = "DEVICE")]
        device: String,
        /// A sample in JSON on each line: `{"at": "2026-03-01T12:00:00Z", "rsrp": -101}`
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Of which device, and when.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// What it is called in the inventory, or the EID of one of its eUICCs
    #[arg(value_name = "DEVICE")]
    device: String,
    /// Samples as they came, or spans of time as one
    #[arg(long, value_parser = ["raw", "5m", "hour", "day"], default_value = "raw")]
    level: String,
    /// From this moment on, for example 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this moment
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many, up to 1000
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    remote: Remote,
}

impl TelemetryCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            TelemetryCommand::Show(wanted) => show(wanted),
            TelemetryCommand::Add {
                device,
                file,
                remote,
            } => add(&device, &file, &remote.api()?),
        }
    }
}

fn show(wanted: Wanted) -> Result<(), Failure> {
    let api = wanted.remote.api()?;
    let query = GetTelemetryQuery {
        level: Some(wanted.level),
        from: wanted.from,
        to: wanted.to,
        limit: Some(wanted.limit.into()),
    };
    let found = api.ask(client::get_telemetry(&wanted.device, &query))?;
    if api.output == Output::Json {
        return output::json(&found);
    }
    match found.level.as_str() {
        "raw" => table(&found.samples),
        _ => table(&found.spans),
    }
    if let Some(next) = &found.next {
        eprintln!("there are more: --from {next}");
    }
    Ok(())
}

fn add(device: &str, path: &PathBuf, api: &Api) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(path.display(), error);
    let file = BufReader::new(File::open(path).map_err(failed)?);
    let (mut samples, mut count) = (Vec::new(), 0);
    let send = |samples: &mut Vec<Sample>| {
        let samples = std::mem::take(samples);
        match samples.is_empty() {
            true => Ok(()),
            false => api.tell(client::put_telemetry(device, &NewSamples { samples })),
        }
    };
    for (line, number) in file.lines().zip(1_u64..) {
        let line = line.map_err(failed)?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |error| Failure::new(format!("{} line {number}", path.display()), error);
        samples.push(serde_json::from_str(&line).map_err(wrong)?);
        count += 1;
        if samples.len() == PART {
            send(&mut samples)?;
        }
    }
    send(&mut samples)?;
    eprintln!("{count} samples");
    Ok(())
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Shown for Sample {
    const TITLES: &'static [&'static str] = &[
        "AT",
        "RSRP dBm",
        "RSRQ dB",
        "SINR dB",
        "NETWORK",
        "RAT",
        "REGISTRATION",
        "TUNNEL",
        "UP",
        "DOWN",
    ];

    fn cells(&self) -> Vec<String> {
        let up = self.usage.iter().map(|one| one.up).sum::<u64>();
        let down = self.usage.iter().map(|one| one.down).sum::<u64>();
        let used = |octets: u64| text((!self.usage.is_empty()).then_some(octets));
        vec![
            self.at.clone(),
            text(self.rsrp),
            text(self.rsrq),
            text(self.sinr),
            text(self.network.as_ref()),
            text(self.rat.as_ref()),
            text(self.registration.as_ref()),
            text(self.tunnel.as_ref()),
            used(up),
            used(down),
        ]
    }
}

impl Shown for Span {
    const TITLES: &'static [&'static str] = &["FROM", "MEASURES (lowest average highest, or sum)"];

    fn cells(&self) -> Vec<String> {
        let one = |(name, one): (&String, &api::Summary)| match name.as_str() {
            "up" | "down" => format!("{name} {}", one.sum),
            _ => format!("{name} {} {} {}", one.min, one.average, one.max),
        };
        let measures: Vec<_> = self.measures.iter().map(one).collect();
        vec![self.start.clone(), measures.join(", ")]
    }
}
