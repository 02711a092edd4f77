//! `simurgh-agent`: the IPA on a device.

mod config;
mod device;
mod host;
mod listen;
mod lpa;
mod state;
mod transport;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use rsp_core::ipa::Ipa;
use rsp_core::ipa::lpa::Answer;
use rsp_net::apdu::PcscChannel;

use config::Config;
use host::Host;
use state::StateFile;
use transport::Wires;

/// The agent of an IoT device with an eSIM: it polls the eIM, downloads
/// profiles and has the eUICC carry out what the eIM signed (GSMA SGP.32).
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be the IPAd of the eUICC in a PC/SC reader, until SIGINT or SIGTERM
    Ipad(Ipad),
    /// Manage profiles without an eIM: list, enable, download, …
    Lpa(lpa::Lpa),
    /// Print a completion script, for example: simurgh-agent completion bash
    Completion {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
}

/// Polls the eIMs that the eUICC knows. Which they are and whom to trust as
/// them comes from the eUICC; SM-DP+s are trusted under the CI certificates
/// given here.
///
/// Flags go before the configuration. The log goes to standard error;
/// SIMURGH_LOG chooses its level (error, warn, info, debug).
#[derive(Debug, Args)]
struct Ipad {
    /// The configuration, see --example-config
    #[arg(
        long,
        short,
        default_value = "agent.toml",
        env = "SIMURGH_AGENT_CONFIG"
    )]
    config: PathBuf,
    /// Print a commented configuration and end
    #[arg(long)]
    example_config: bool,
    /// The reader: its name, a part of it, or its place in the list from 0;
    /// needed only if there are several
    #[arg(long, value_name = "NAME|NUMBER")]
    reader: Option<String>,
    /// Certificate of a CI under which SM-DP+s are trusted, PEM or DER, instead
    /// of those of the configuration; may be repeated
    #[arg(long, value_name = "FILE")]
    ci_certificate: Vec<PathBuf>,
    /// What the agent must remember over a power cut; made when missing
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// End after one round: exit code 0 if nothing in it failed
    #[arg(long)]
    once: bool,
    /// Seconds between two polls
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    poll_interval: Option<u64>,
    /// Seconds that a server may take to answer
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout: Option<u64>,
    /// How often a request that did not get through is repeated
    #[arg(long, value_name = "TIMES")]
    retries: Option<u32>,
    /// Seconds for which the eIM is tried over a new profile, if it allows that
    /// the eUICC then goes back to the one before
    #[arg(long, value_name = "SECONDS")]
    rollback_after: Option<u64>,
    /// End when so many packages of the eIM were processed
    #[arg(long, value_name = "PACKAGES", value_parser = clap::value_parser!(u32).range(1..))]
    stop_after: Option<u32>,
    /// Send the eUICC no command that a package can be fetched without
    #[arg(long)]
    minimal: bool,
    /// How messages to eIMs are written
    #[arg(long, value_enum)]
    esipa_binding: Option<config::Binding>,
    /// Which way profiles come
    #[arg(long, value_enum)]
    download: Option<config::Download>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Ipad(ipad) => ipad.run(),
        Command::Lpa(lpa) => {
            log_to_stderr("warn");
            lpa.run()
        }
        Command::Completion { shell } => {
            let mut command = Cli::command();
            let name = "simurgh-agent";
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, name, &mut script);
            print(&script)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("simurgh-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

/// SIMURGH_LOG chooses another level.
fn log_to_stderr(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SIMURGH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// Runs an IPA on the reader of the configuration; whether nothing failed, and
/// what came of a task of the user.
fn run_host(
    config: &Config,
    ipa: Ipa,
    state: StateFile,
    once: bool,
) -> Result<(bool, Option<Answer>), Failure> {
    let wires = Wires::new(config)?;
    let reader = config.reader.as_deref().map(Into::into).unwrap_or_default();
    let card = Box::new(PcscChannel::new(reader));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start", error))?;
    let started = runtime.block_on(async {
        match &config.listen {
            Some(listen) if !once => listen.start().await.map(Some),
            _ => Ok(None),
        }
    });
    let mut host = Host::new(ipa, wires, card, state, started?);
    let done = runtime.block_on(host.run(once));
    // A reader that hangs must not hold the end up.
    runtime.shutdown_background();
    Ok((done?, host.take_answer()))
}

/// Writes to standard output.
fn print(text: &[u8]) -> Result<bool, Failure> {
    let written = std::io::stdout().write_all(text);
    written.map_err(|error| Failure::new("standard output", error))?;
    Ok(true)
}

impl Ipad {
    /// Runs it; whether nothing failed, which only a single round can tell.
    fn run(self) -> Result<bool, Failure> {
        if self.example_config {
            return print(config::EXAMPLE.as_bytes());
        }
        log_to_stderr("info");
        let config = self.configuration()?;
        let mut ipa = config.ipa()?;
        ipa.minimal |= self.minimal;
        ipa.stop_after = self.stop_after;
        let mut state = StateFile::lock(config.state.clone())?;
        if ipa.emulation.is_some() {
            state.guard();
        }
        let memory = state
            .load()
            .map_err(|error| Failure::new(config.state.display(), error))?;
        let ipa = Ipa::new(ipa, memory, host::now());
        run_host(&config, ipa, state, self.once).map(|(done, _)| done)
    }

    /// The configuration with the flags in it.
    fn configuration(&self) -> Result<Config, Failure> {
        let mut config = Config::read(&self.config)?;
        if !self.ci_certificate.is_empty() {
            config.ci_certificates = self.ci_certificate.clone();
        }
        if let Some(state) = &self.state {
            config.state = state.clone();
        }
        if self.reader.is_some() {
            config.reader = self.reader.clone();
        }
        config.poll_interval = self.poll_interval.unwrap_or(config.poll_interval);
        config.timeout = self.timeout.unwrap_or(config.timeout);
        config.retries = self.retries.unwrap_or(config.retries);
        config.rollback_after = self.rollback_after.unwrap_or(config.rollback_after);
        config.esipa_binding = self.esipa_binding.unwrap_or(config.esipa_binding);
        config.download = self.download.unwrap_or(config.download);
        Ok(config)
    }
}

/// What ends a command, for people.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// What was being done, and why it failed.
    pub(crate) fn new(doing: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Failure(format!("{doing}: {error}"))
    }

    /// A failure that says everything itself.
    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Failure(error.to_string())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
