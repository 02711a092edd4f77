//! A database's rows are put into a backup, and a backup's into a database.

use std::io::{Read, Write};
use std::path::Path;

use rsp_core::Timestamp;
use rsp_crypto::software::Sealer;

use super::db::Numbers;
use super::open::{PostgresStore, SqliteStore};
use super::restored::Restoring;
use super::schema::{self, Found, SCHEMA};
use super::sealing::Sealing;
use crate::backup::{
    BackupError, BackupHeader, BackupReport, BackupStep, BackupTable, Block, Reader, Restoration,
    Writer,
};
use crate::contract::StoreError;
use crate::engine::{
    Column, Connection, Engine, EngineError, Postgres, PostgresSettings, Row, Sqlite,
};

/// Values of one statement, at most: what both engines take many times over.
const VALUES: usize = 1_000;

/// How often is told how far it is: after as many rows.
const TELL: u64 = 1_000;

/// What is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restore {
    /// A state that may be older than what happened since: counters go on, and what
    /// became of open operations is found out.
    Older,
    /// The state of a server that was ended before the backup and has not run since:
    /// each row as it was.
    Moved,
}

/// Told how far it is.
pub type Told<'a> = &'a mut dyn FnMut(BackupStep<'_>);

impl SqliteStore {
    /// Writes all that is in a file at one moment. A server may be working on it.
    ///
    /// # Errors
    /// If there is no such file, it is of another version or another key, or it or
    /// `out` fails. What was written is then no backup.
    pub fn backup(
        path: &Path,
        sealer: Sealer,
        now: Timestamp,
        out: &mut dyn Write,
        told: Told<'_>,
    ) -> Result<BackupReport, BackupError> {
        dump(&Sqlite::open_to_read(path)?, sealer, now, out, told)
    }

    /// Fills a file with what is in a backup, or makes it. No server may use it.
    ///
    /// # Errors
    /// If there is something in the file, the backup is none, not whole, of another
    /// key or version, or one of both fails. The file is then as it was.
    pub fn restore(
        path: &Path,
        sealer: Sealer,
        what: Restore,
        now: Timestamp,
        input: &mut dyn Read,
        told: Told<'_>,
    ) -> Result<BackupReport, BackupError> {
        let was_there = path.exists();
        let done = Sqlite::open(path)
            .map_err(BackupError::from)
            .and_then(|engine| load(&engine, sealer, (what, now), input, told));
        if done.is_err() && !was_there {
            // One that was made for it and is empty.
            let _ = std::fs::remove_file(path);
        }
        done
    }
}

impl PostgresStore {
    /// As [`SqliteStore::backup`], of a database.
    ///
    /// # Errors
    /// As there.
    pub fn backup(
        settings: PostgresSettings,
        sealer: Sealer,
        now: Timestamp,
        out: &mut dyn Write,
        told: Told<'_>,
    ) -> Result<BackupReport, BackupError> {
        dump(&Postgres::connect(settings)?, sealer, now, out, told)
    }

    /// As [`SqliteStore::restore`], of a database.
    ///
    /// # Errors
    /// As there.
    pub fn restore(
        settings: PostgresSettings,
        sealer: Sealer,
        what: Restore,
        now: Timestamp,
        input: &mut dyn Read,
        told: Told<'_>,
    ) -> Result<BackupReport, BackupError> {
        let engine = Postgres::connect(settings)?;
        load(&engine, sealer, (what, now), input, told)
    }
}

fn dump(
    engine: &impl Engine,
    sealer: Sealer,
    now: Timestamp,
    out: &mut dyn Write,
    told: Told<'_>,
) -> Result<BackupReport, BackupError> {
    let sealing = Sealing::new(sealer)?;
    engine.at_one_moment(|connection| {
        if schema::look(connection)? != Found::Current {
            let (found, known) = (connection.schema()?, SCHEMA);
            return Err(StoreError::Schema { found, known }.into());
        }
        sealing.check(connection)?;
        let header = header(connection, &sealing, now)?;
        let mut of = 0;
        for table in &header.tables {
            of += connection.about_rows(&table.name)?;
        }
        let mut writer = Writer::begin(&header, &sealing, out)?;
        let mut rows = 0;
        for (number, table) in header.tables.iter().enumerate() {
            let select = format!("SELECT {} FROM {}", table.columns.join(", "), table.name);
            let mut failed = None;
            let done = connection.query(&select, &[], &mut |row| {
                rows += 1;
                if rows % TELL == 0 {
                    told(step(&table.name, rows, Some(of)));
                }
                writer.row(number, &row).map_err(|error| {
                    failed = Some(error);
                    StoreError::Unknown("where the backup goes")
                })
            });
            match failed {
                Some(error) => return Err(error),
                None => done?,
            }
        }
        told(step("", rows, Some(rows)));
        let counts = writer.end()?;
        Ok(report(header, counts, Restoration::default()))
    })
}

fn step(table: &str, rows: u64, of: Option<u64>) -> BackupStep<'_> {
    BackupStep { table, rows, of }
}

fn report(header: BackupHeader, counts: Vec<u64>, restored: Restoration) -> BackupReport {
    let names = header.tables.iter().map(|table| table.name.clone());
    BackupReport {
        rows: names.zip(counts).collect(),
        header,
        restored,
    }
}

fn header(
    connection: &dyn Connection,
    sealing: &Sealing,
    made: Timestamp,
) -> Result<BackupHeader, StoreError> {
    let mut tables = Vec::new();
    for name in schema::tables() {
        tables.push(BackupTable {
            name: name.to_string(),
            columns: connection.columns(name)?,
        });
    }
    let mut tenants = 1;
    connection.query("SELECT name FROM access_tenant", &[], &mut |_| {
        tenants += 1;
        Ok(())
    })?;
    Ok(BackupHeader {
        schema: SCHEMA,
        made,
        tenants,
        key: sealing.of_backup()?,
        tables,
    })
}

fn load(
    engine: &impl Engine,
    sealer: Sealer,
    (what, now): (Restore, Timestamp),
    input: &mut dyn Read,
    told: Told<'_>,
) -> Result<BackupReport, BackupError> {
    let sealing = Sealing::new(sealer)?;
    // What is no backup of this key is refused before the database is asked.
    let (mut reader, header) = Reader::begin(&sealing, input)?;
    if header.schema != SCHEMA {
        let (found, known) = (header.schema, SCHEMA);
        return Err(BackupError::Schema { found, known });
    }
    let numbers = Numbers::new(0);
    engine.fill(|connection| {
        if !is_empty(connection)? {
            return Err(BackupError::NotEmpty);
        }
        schema::bring_up(connection)?;
        check_tables(connection, &header)?;
        let restoring = Restoring::new(connection, &sealing, &numbers, header.made, now);
        let mut rows = 0;
        let counts = loop {
            let (table, mut found) = match reader.next(&header)? {
                Block::Rows(table, found) => (table, found),
                Block::End(counts) => break counts,
            };
            let table = header.tables.get(table).ok_or(EngineError::Column(0))?;
            rows += u64::try_from(found.len()).unwrap_or_default();
            if what == Restore::Older {
                restoring.rows(table, &mut found)?;
            }
            insert(connection, table, &found)?;
            told(step(&table.name, rows, None));
        };
        let restored = match what {
            Restore::Older => restoring.operations()?,
            Restore::Moved => Restoration::default(),
        };
        sealing.check(connection)?;
        Ok(report(header.clone(), counts, restored))
    })
}

/// Whether nobody has written anything there.
fn is_empty(connection: &dyn Connection) -> Result<bool, StoreError> {
    if connection.schema()? != 0 {
        return Ok(false);
    }
    for table in schema::tables() {
        if !connection.columns(table)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Its tables and columns are put into statements, so they must be ours.
fn check_tables(connection: &dyn Connection, header: &BackupHeader) -> Result<(), BackupError> {
    let names = header.tables.iter().map(|table| table.name.as_str());
    let mut same = names.eq(schema::tables());
    for table in &header.tables {
        let mut ours = match same {
            true => connection.columns(&table.name)?,
            false => Vec::new(),
        };
        let mut theirs = table.columns.clone();
        ours.sort();
        theirs.sort();
        same &= ours == theirs;
    }
    match same {
        true => Ok(()),
        false => Err(BackupError::Altered {
            at: 0,
            place: "its header".to_string(),
            what: "names other tables than its schema has",
        }),
    }
}

/// Many rows in one statement, and the last ones one by one.
fn insert(
    connection: &dyn Connection,
    table: &BackupTable,
    rows: &[Row],
) -> Result<(), StoreError> {
    let many = (VALUES / table.columns.len().max(1)).max(1);
    let (whole, rest) = rows.split_at(rows.len() - rows.len() % many);
    for (rows, many) in [(whole, many), (rest, 1)] {
        let statement = inserting(table, many);
        for rows in rows.chunks(many) {
            let values: Vec<_> = rows.iter().flatten().map(Column::as_value).collect();
            connection.execute(&statement, &values)?;
        }
    }
    Ok(())
}

fn inserting(table: &BackupTable, rows: usize) -> String {
    let columns = table.columns.len();
    let row = |row: usize| {
        let places = (1..=columns).map(|column| format!("?{}", row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    let (name, columns) = (&table.name, table.columns.join(", "));
    format!("INSERT INTO {name} ({columns}) VALUES {}", rows.join(", "))
}
