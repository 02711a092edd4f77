//! Why there is no backup, or nothing was restored.

use crate::contract::StoreError;
use crate::engine::EngineError;

/// Why a backup was not made, or not restored. Then nothing was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// What is written to fails.
    #[error("cannot write the backup: {0}")]
    Write(std::io::Error),
    /// What is read from fails.
    #[error("cannot read the backup at octet {at}: {error}")]
    Read {
        /// Where.
        at: u64,
        /// Why.
        error: std::io::Error,
    },
    /// It is something else.
    #[error("this is no backup of this form: it does not begin with {0:?}")]
    NotOne(&'static str),
    /// It was made with another key.
    #[error("the backup was made with another key: is key_file the one of that time?")]
    OtherKey,
    /// The tables were others.
    #[error(
        "the backup has schema {found}, this version knows {known}: \
         restore it with the version that made it"
    )]
    Schema {
        /// Of the backup.
        found: i64,
        /// Of this version.
        known: i64,
    },
    /// The end is missing.
    #[error("the backup is cut off: it ends at octet {at}, in {place}")]
    CutOff {
        /// Where.
        at: u64,
        /// In what.
        place: String,
    },
    /// It is not as it was written.
    #[error("the backup was altered: {place}, which begins at octet {at}, {what}")]
    Altered {
        /// Where.
        at: u64,
        /// In what.
        place: String,
        /// How that shows.
        what: &'static str,
    },
    /// There is something in the database.
    #[error("the database is not empty: restore into one that has no tables yet")]
    NotEmpty,
}

impl From<EngineError> for BackupError {
    fn from(error: EngineError) -> Self {
        BackupError::Store(error.into())
    }
}
