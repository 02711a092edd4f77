//! `simurgh`: the server and the operator's tool.

#![deny(clippy::print_stdout)]

#[macro_use]
mod stdout;

mod access;
mod announcer;
mod backup;
mod bindings;
mod config;
mod database;
mod door;
mod doubtful;
mod esipa;
mod events;
mod files;
mod init;
mod inject;
mod key;
mod key_file;
mod metrics;
mod operators;
mod outbox;
mod own_smdp;
mod pki;
mod profile;
mod remote;
mod residency;
mod serve;
mod shell;
mod smdp;
mod smdp_role;
mod smdps;
mod smds;
mod smds_role;
mod traces;
mod zero_touch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

/// The open connectivity stack for IoT eSIM: eIM, SM-DP+, SM-DS and their API.
///
/// Start with `simurgh init`, which writes keys, certificates and a commented
/// configuration into a folder, then `simurgh serve` in that folder.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write keys, test certificates, an API token and a commented simurgh.toml
    Init(init::Init),
    /// Keys and certificates
    Pki {
        #[command(subcommand)]
        command: pki::PkiCommand,
    },
    /// Profiles: packages in files, and profiles on devices
    Profile {
        #[command(subcommand)]
        command: profile::ProfileCommand,
    },
    /// Devices that the eIM manages
    Device {
        #[command(subcommand)]
        command: remote::device::DeviceCommand,
    },
    /// Searches of devices that have a name
    Search {
        #[command(subcommand)]
        command: remote::search::SearchCommand,
    },
    /// What devices measure
    Telemetry {
        #[command(subcommand)]
        command: remote::telemetry::TelemetryCommand,
    },
    /// The eIMs that a device's eUICC knows, and how it is handed over to another
    Eim {
        #[command(subcommand)]
        command: remote::eim::EimCommand,
    },
    /// What is done on devices, and how far it is
    Operation {
        #[command(subcommand)]
        command: remote::operation::OperationCommand,
    },
    /// What operators bill for octets
    Tariff {
        #[command(subcommand)]
        command: remote::tariff::TariffCommand,
    },
    /// Pools of activation codes, their stock and for how long it lasts
    Pool {
        #[command(subcommand)]
        command: remote::ledger::PoolCommand,
    },
    /// Activation codes in pools
    Code {
        #[command(subcommand)]
        command: remote::ledger::CodeCommand,
    },
    /// Sign in, and keep the session for the commands that follow
    Login(remote::login::Login),
    /// End the session that `simurgh login` began
    Logout(remote::login::Logout),
    /// Users, who sign in
    User {
        #[command(subcommand)]
        command: remote::access::UserCommand,
    },
    /// Roles: what users may do
    Role {
        #[command(subcommand)]
        command: remote::access::RoleCommand,
    },
    /// API keys: what programs show instead of signing in
    ApiKey {
        #[command(subcommand)]
        command: remote::access::ApiKeyCommand,
    },
    /// Tenants, each with its own users and devices
    Tenant {
        #[command(subcommand)]
        command: remote::access::TenantCommand,
    },
    /// What happened, and what happens
    Event {
        #[command(subcommand)]
        command: remote::event::EventCommand,
    },
    /// Addresses that are told of events
    Webhook {
        #[command(subcommand)]
        command: remote::webhook::WebhookCommand,
    },
    /// The key under which secrets rest
    Key {
        #[command(subcommand)]
        command: key::KeyCommand,
    },
    Backup(backup::Backup),
    Restore(backup::RestoreCommand),
    /// Run the eIM, the SM-DP+, the SM-DS if one is configured, and the API until SIGINT or SIGTERM
    Serve(Serve),
    /// Print the OpenAPI document of the API
    Openapi,
    /// Print a completion script, for example: simurgh completion bash
    Completion {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
}

/// Run the server.
#[derive(Debug, Args)]
struct Serve {
    /// The configuration, as written by `simurgh init`
    #[arg(long, short, default_value = "simurgh.toml", env = "SIMURGH_CONFIG")]
    config: PathBuf,
    /// Set something that the configuration says otherwise or not, for example
    /// eim.listen=127.0.0.1:8443; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the addresses as one JSON line on standard output when ready
    #[arg(long)]
    announce: bool,
    /// End when standard input does: with the program that holds its other end
    #[arg(long)]
    stop_on_stdin_eof: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Init(init) => init.run(),
        Command::Device { command } => command.run(),
        Command::Search { command } => command.run(),
        Command::Telemetry { command } => command.run(),
        Command::Eim { command } => command.run(),
        Command::Pki { command } => return ended(command.run()),
        Command::Pool { command } => command.run(),
        Command::Code { command } => command.run(),
        Command::Operation { command } => command.run(),
        Command::Tariff { command } => command.run(),
        Command::Profile { command } => command.run(),
        Command::Login(login) => login.run(),
        Command::Logout(logout) => logout.run(),
        Command::User { command } => command.run(),
        Command::Role { command } => command.run(),
        Command::ApiKey { command } => command.run(),
        Command::Tenant { command } => command.run(),
        Command::Event { command } => command.run(),
        Command::Webhook { command } => command.run(),
        Command::Key { command } => command.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Serve(serve) => serve::run(&serve),
        Command::Openapi => openapi(),
        Command::Completion { shell } => {
            let mut command = Cli::command();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, "simurgh", &mut script);
            stdout::write_all(&script);
            Ok(())
        }
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

fn openapi() -> Result<(), Failure> {
    let document = door::document().to_pretty_json();
    let document = document.map_err(|error| Failure::new("the document", error))?;
    outln!("{document}");
    Ok(())
}

fn ended(done: Result<ExitCode, Failure>) -> ExitCode {
    stdout::flush();
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("simurgh: {error}");
            ExitCode::FAILURE
        }
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
