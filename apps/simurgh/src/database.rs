//! Where state rests: a SQLite file of this process, or a PostgreSQL database that
//! several processes may share.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rsp_crypto::software::Sealer;
use serde::Deserialize;
use store::{
    Eims, EventStore, News, PostgresSettings, PostgresStore, SqliteStore, Store, StoreError,
    WebhookStore,
};
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{Failure, files};

/// How often is heard of what other processes did: so long a device may be told
/// that there is nothing to do although another process was given work for it.
const HEARING: Duration = Duration::from_millis(250);

/// How often while the others say so themselves.
const TOLD: Duration = Duration::from_secs(2);

/// How often is said that nothing can be heard.
const SILENCE: Duration = Duration::from_secs(10);

/// `[store]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreSettings {
    /// `sqlite:PATH` or `postgres://…`.
    url: Option<Url>,
    /// File with the password of a PostgreSQL database.
    password: Option<PathBuf>,
    /// Who vouches for the certificate of a PostgreSQL server.
    ca: Option<PathBuf>,
}

/// A URL, which may have a password in it.
#[derive(Deserialize)]
struct Url(String);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// All that a database keeps.
pub(crate) trait Whole: Store + EventStore + WebhookStore + store::Database {}

impl<S: Store + EventStore + WebhookStore + store::Database> Whole for S {}

/// A database.
#[derive(Debug)]
pub(crate) enum Database {
    /// A SQLite file.
    File(PathBuf),
    /// PostgreSQL.
    Postgres(Box<PostgresSettings>),
}

/// Without who we are there.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::File(path) => path.display().fmt(f),
            Database::Postgres(settings) => f.write_str(&settings.place()),
        }
    }
}

impl StoreSettings {
    /// What the settings name, and otherwise this file.
    pub(crate) fn database(&self, file: Option<&Path>, folder: &Path) -> Result<Database, Failure> {
        let Some(Url(url)) = &self.url else {
            let file = file.ok_or_else(|| Failure::new("store.url", "is missing"))?;
            return Ok(Database::File(folder.join(file)));
        };
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(Database::File(folder.join(path)));
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let bad = "begins with sqlite: or postgres://";
            return Err(Failure::new("store.url", bad));
        }
        let settings = url.parse::<PostgresSettings>();
        let mut settings = settings.map_err(|error| Failure::new("store.url", error))?;
        if let Some(file) = &self.password {
            let password = Zeroizing::new(files::read(&folder.join(file))?);
            settings = settings.with_password(password.trim_end());
        }
        if let Some(ca) = &self.ca {
            settings = settings.trusting(&folder.join(ca));
        }
        Ok(Database::Postgres(Box::new(settings)))
    }
}

impl Database {
    /// Keeps other processes from a file; several may share PostgreSQL.
    pub(crate) fn lock(&self) -> Result<Option<File>, Failure> {
        match self {
            Database::File(path) => files::lock(path).map(Some),
            Database::Postgres(_) => Ok(None),
        }
    }

    /// What runs it, as OpenTelemetry calls it.
    pub(crate) fn engine(&self) -> &'static str {
        match self {
            Database::File(_) => "sqlite",
            Database::Postgres(_) => "postgresql",
        }
    }

    /// Opens it, or makes it.
    pub(crate) fn open(&self, sealer: Sealer) -> Result<Arc<dyn Whole>, StoreError> {
        Ok(match self {
            Database::File(path) => Arc::new(SqliteStore::open(path, sealer)?),
            Database::Postgres(settings) => {
                Arc::new(PostgresStore::connect((**settings).clone(), sealer)?)
            }
        })
    }

    /// Seals what is in it anew; gives how many secrets there were, `None` if
    /// they were already.
    pub(crate) fn reseal(&self, old: Sealer, new: Sealer) -> Result<Option<usize>, StoreError> {
        match self {
            Database::File(path) => SqliteStore::reseal(path, old, new),
            Database::Postgres(settings) => PostgresStore::reseal((**settings).clone(), old, new),
        }
    }

    /// Whether there may be something in it.
    pub(crate) fn exists(&self) -> bool {
        match self {
            Database::File(path) => path.exists(),
            Database::Postgres(_) => true,
        }
    }
}

/// Hears of what other processes did, until it is to end or there can be none.
pub(crate) async fn hear(eims: Arc<Eims>, mut ended: watch::Receiver<bool>) {
    let hearing = async {
        let mut silent = Duration::ZERO;
        let mut news = eims.database().bell().listener(News::Work);
        loop {
            let eims = eims.clone();
            let heard = tokio::task::spawn_blocking(move || eims.hear()).await;
            match heard.unwrap_or_else(|error| Err(StoreError::File(std::io::Error::other(error))))
            {
                Ok(true) => silent = Duration::ZERO,
                Ok(false) => return,
                Err(error) => {
                    if silent.is_zero() {
                        tracing::error!(%error, "nothing is heard of other processes");
                    }
                    silent += HEARING;
                    if silent >= SILENCE {
                        silent = Duration::ZERO;
                    }
                }
            }
            news.wait(HEARING, TOLD).await;
        }
    };
    tokio::select! {
        () = hearing => {}
        _ = ended.wait_for(|ended| *ended) => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn database(url: Option<&str>, file: Option<&str>) -> Result<Database, Failure> {
        let settings = StoreSettings {
            url: url.map(|url| Url(url.to_string())),
            ..StoreSettings::default()
        };
        settings.database(file.map(Path::new), Path::new("folder"))
    }

    #[test]
    fn a_url_goes_before_a_file() {
        let shown = |url, file| database(url, file).unwrap().to_string();
        assert_eq!(shown(None, Some("a.db")), "folder/a.db");
        assert_eq!(shown(Some("sqlite:b.db"), Some("a.db")), "folder/b.db");
        let url = "postgres://user:s3cret@localhost/simurgh";
        assert_eq!(
            shown(Some(url), Some("a.db")),
            "postgres://localhost/simurgh"
        );
        assert!(database(None, None).is_err());
    }

    #[test]
    fn a_password_is_not_shown() {
        for url in [
            "postgres://user:s3cret@localhost/simurgh",
            "postgres://user:s3cret@/?sslmode=prefer",
            "mysql://user:s3cret@localhost/simurgh",
            "postgres://user:s3cret@[localhost/simurgh",
        ] {
            let shown = match database(Some(url), None) {
                Ok(database) => format!("{database} {database:?}"),
                Err(failure) => failure.to_string(),
            };
            assert!(!shown.contains("s3cret"), "{shown}");
            assert!(!format!("{:?}", Url(url.to_string())).contains("s3cret"));
        }
    }
}
