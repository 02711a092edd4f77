//! Where a PostgreSQL database is and who we are there.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Connection, Socket};

use super::super::EngineError;
use super::tls::{Encrypted, Tls};

/// Connections of one process at most.
const CONNECTIONS: usize = 16;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After so long a server that is gone is noticed.
const SILENCE: Duration = Duration::from_secs(15);

/// The certificates that the operating system trusts.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A PostgreSQL database, as a URL names it. Its password is never shown.
#[derive(Clone)]
pub struct PostgresSettings {
    config: Config,
    /// Who vouches for the server.
    trust: PathBuf,
    connections: usize,
}

/// Why a URL does not name a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadUrl {
    /// It cannot be read.
    #[error("it is no URL like postgres://user:password@host:port/database")]
    Unreadable,
    /// It names no server.
    #[error("it names no server")]
    NoHost,
    /// An `sslmode` that somebody in between could take back.
    #[error("sslmode is disable, require or verify-full; what is not encrypted must say so")]
    SslMode,
    /// The number of connections.
    #[error("connections is a number from 1 to 1000")]
    Connections,
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("place", &self.place())
            .field("user", &self.config.get_user())
            .field("password", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

impl FromStr for PostgresSettings {
    type Err = BadUrl;

    /// Reads `postgres://user:password@host:port/database`. What may follow:
    /// `sslmode` (`disable`, `require`, `verify-full`; both check the server's
    /// certificate and name), `sslrootcert` (a PEM file), `connections`, and
    /// what PostgreSQL's own clients take. A server on another machine is spoken
    /// to over TLS, unless `sslmode=disable` says otherwise.
    fn from_str(url: &str) -> Result<Self, BadUrl> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut trust = PathBuf::from(SYSTEM);
        let mut connections = CONNECTIONS;
        let mut ssl_mode = None;
        let mut theirs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslrootcert", file)) => trust = PathBuf::from(file),
                Some(("connections", count)) => {
                    let count = count
                        .parse()
                        .ok()
                        .filter(|count| (1..=1000).contains(count));
                    connections = count.ok_or(BadUrl::Connections)?;
                }
                Some(("sslmode", "disable")) => ssl_mode = Some(SslMode::Disable),
                Some(("sslmode", "require" | "verify-full")) => ssl_mode = Some(SslMode::Require),
                Some(("sslmode", _)) => return Err(BadUrl::SslMode),
                _ => theirs.push(pair),
            }
        }
        let url = format!("{place}?{}", theirs.join("&"));
        // What it finds wrong may have parts of the password in it.
        let mut config: Config = url.parse().map_err(|_| BadUrl::Unreadable)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(BadUrl::NoHost);
        }
        let remote = match is_here(&config) {
            true => SslMode::Disable,
            false => SslMode::Require,
        };
        config
            .ssl_mode(ssl_mode.unwrap_or(remote))
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("simurgh");
        }
        Ok(PostgresSettings {
            config,
            trust,
            connections,
        })
    }
}

/// Whether all servers are on this machine.
fn is_here(config: &Config) -> bool {
    let loopback = |host: &Host| match host {
        Host::Tcp(name) if name == "localhost" => true,
        Host::Tcp(name) => name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(loopback)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

impl PostgresSettings {
    /// Where the database is, without who we are there.
    pub fn place(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        });
        let hosts: Vec<String> = hosts.collect();
        let name = self.config.get_dbname().unwrap_or_default();
        format!("postgres://{}/{name}", hosts.join(","))
    }

    /// With another file of certificates that vouch for the server.
    pub fn trusting(self, trust: &Path) -> Self {
        PostgresSettings {
            trust: trust.to_path_buf(),
            ..self
        }
    }

    /// With a password that is not in the URL.
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    pub(super) fn connections(&self) -> usize {
        self.connections
    }

    pub(super) async fn connect(self) -> Result<Client, EngineError> {
        let (client, connection) = self.open().await?;
        // It ends with its client.
        tokio::spawn(connection);
        Ok(client)
    }

    /// A connection that whoever asks must drive.
    pub(super) async fn open(
        self,
    ) -> Result<(Client, Connection<Socket, Encrypted<Socket>>), EngineError> {
        let tls = match self.config.get_ssl_mode() {
            SslMode::Disable => Tls::None,
            _ => Tls::trusting(&self.trust)
                .map_err(|error| EngineError::Unreachable(error.to_string()))?,
        };
        let place = self.place();
        let unreachable = |error: tokio_postgres::Error| {
            let because = std::error::Error::source(&error);
            let because = because.map_or_else(|| error.to_string(), ToString::to_string);
            EngineError::Unreachable(format!("{place}: {because}"))
        };
        self.config.connect(tls).await.map_err(unreachable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<PostgresSettings, BadUrl> {
        url.parse()
    }

    #[test]
    fn what_goes_over_a_network_is_encrypted() {
        let mode = |url: &str| read(url).unwrap().config.get_ssl_mode();
        for here in [
            "postgres://a@localhost/b",
            "postgres://a@127.0.0.1:5433/b",
            "postgres://a@[::1]/b",
            "postgres://a@%2Frun%2Fpostgresql/b",
        ] {
            assert_eq!(mode(here), SslMode::Disable, "{here}");
        }
        assert_eq!(mode("postgres://a@db.example.com/b"), SslMode::Require);
        assert_eq!(
            mode("postgres://a@localhost,db.example.com/b"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://a@localhost/b?sslmode=require"),
            SslMode::Require
        );
        let told = "postgres://a@db.example.com/b?sslmode=disable&connections=3";
        assert_eq!(mode(told), SslMode::Disable);
        assert_eq!(read(told).unwrap().connections(), 3);
        let weak = read("postgres://a@db.example.com/b?sslmode=prefer");
        assert!(matches!(weak, Err(BadUrl::SslMode)));
    }

    #[test]
    fn the_password_is_not_shown() {
        let settings = read("postgres://user:s3cret@db.example.com:5433/simurgh").unwrap();
        let shown = format!("{settings:?} {}", settings.place());
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(settings.place(), "postgres://db.example.com/simurgh");
        let bad = read("postgres://user:s3cret@db.example.com/b?s3cret=s3cret").unwrap_err();
        assert!(!format!("{bad} {bad:?}").contains("s3cret"), "{bad:?}");
    }
}
