//! Backups: all rows of all tables at one moment, in a form that is of no engine.
//!
//! A file begins with two lines, its form and a header in JSON. Blocks follow:
//!
//! | octets | what |
//! |---|---|
//! | 4 | how long the block is after this, big endian; with the highest bit set it is the last one |
//! | 2, 4 | the table, by its place in the header, and the number of rows |
//! | … | the rows, deflated |
//! | 32 | the mark |
//!
//! The last block holds, in place of rows, how many rows each table had. A mark is
//! HMAC-SHA-256 with the key of the database, over the mark before and all of the
//! block; the header has one, too. So a file that was cut off, altered or put together
//! of others is known where it begins to be wrong. What is sealed in the database stays
//! sealed, and the rest is as it is: a backup is to be kept like the database.

mod error;
mod read;
mod row;
mod write;

use rsp_core::Timestamp;
use serde::{Deserialize, Serialize};

pub use error::BackupError;
pub(crate) use read::{Block, Reader};
pub(crate) use write::Writer;

/// The first line.
const FORM: &str = "simurgh backup 1\n";

/// Octets of a mark.
const MARK: usize = 32;

/// A mark over all marks before.
pub(crate) type Mark = [u8; MARK];

/// Set in the length of the last block.
const LAST: u32 = 1 << 31;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupHeader {
    /// The schema of the database.
    pub schema: i64,
    /// When its rows were what they are.
    pub made: Timestamp,
    /// Tenants, the default one included.
    pub tenants: u64,
    /// Something sealed with the key of the database, in base16.
    pub key: String,
    /// The tables, those first that others refer to.
    pub tables: Vec<BackupTable>,
}

/// A table in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupTable {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of their values.
    pub columns: Vec<String>,
}

/// What is done, while it is: a table, its rows so far, and about how many it has.
#[derive(Clone, Copy, Debug)]
pub struct BackupStep<'a> {
    /// The table.
    pub table: &'a str,
    /// Rows of all tables until now.
    pub rows: u64,
    /// About how many all tables have, if that can be told.
    pub of: Option<u64>,
}

/// What was written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// What the backup says of itself.
    pub header: BackupHeader,
    /// Rows of each table, in the order of the header.
    pub rows: Vec<(String, u64)>,
    /// What became other than it was in the backup.
    pub restored: Restoration,
}

/// What a restoration did beside writing rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restoration {
    /// How far the counters of all eUICCs went on.
    pub raised: i64,
    /// Operations whose outcome is unknown by it.
    pub doubtful: u64,
}
