//! The operator's commands: a server's API from the command line.

pub(crate) mod access;
mod announce;
mod call;
mod describe;
pub(crate) mod device;
pub(crate) mod eim;
pub(crate) mod event;
mod export;
mod import;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod operation;
mod order;
pub(crate) mod output;
mod price;
pub(crate) mod profile;
pub(crate) mod progress;
pub(crate) mod search;
pub(crate) mod stock;
pub(crate) mod tariff;
pub(crate) mod telemetry;
pub(crate) mod webhook;

use std::path::PathBuf;

use clap::Args;

pub(crate) use call::Api;
pub(crate) use output::Output;

/// Where the server is.
#[derive(Debug, Args)]
pub(crate) struct ServerAt {
    /// The server's API
    #[arg(
        long,
        env = "SIMURGH_URL",
        value_name = "URL",
        default_value = "https://localhost:8445",
        help_heading = "Server"
    )]
    url: String,
    /// Certificate that the server's must be issued under, or be (PEM);
    /// `simurgh init` writes pki/private_ca.pem
    #[arg(long, env = "SIMURGH_CA", value_name = "FILE", help_heading = "Server")]
    ca: PathBuf,
}

/// Where the server is, who asks, and how the answer is shown.
#[derive(Args)]
pub(crate) struct Remote {
    #[command(flatten)]
    place: ServerAt,
    /// An API key, or the token that `simurgh init` writes to door.token; without it
    /// the session of `simurgh login`
    #[arg(
        long,
        env = "SIMURGH_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        help_heading = "Server"
    )]
    token: Option<String>,
    /// The tenant to work on, if it is one below yours
    #[arg(
        long = "on-tenant",
        env = "SIMURGH_TENANT",
        value_name = "TENANT",
        help_heading = "Server"
    )]
    tenant: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Without the token.
impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Which part of a list.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// At most so many, up to 1000
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Those after this one, as the page before says
    #[arg(long, value_name = "CURSOR", value_parser = identifier)]
    after: Option<String>,
}

/// Letters, digits and underscores: what identifiers and states are made of,
/// and what a URI takes as it is.
fn identifier(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => Ok(text.to_string()),
        false => Err("not an identifier".to_string()),
    }
}
