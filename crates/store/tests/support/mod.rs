//! Stores of every engine for one suite.
//!
//! PostgreSQL is where `SIMURGH_TEST_POSTGRES` says: `cargo xtask test` starts
//! one. Each test has a schema of its own there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unused_imports,
    unused_macros,
    reason = "tests fail by panicking; no suite needs all of this"
)]

use std::io::Write;
use std::path::{Path, PathBuf};

use rsp_crypto::software::Sealer;
use store::{
    Database, EventStore, PostgresSettings, PostgresStore, SqliteStore, Store, StoreError,
    WebhookStore,
};

/// Runs each test on every engine.
macro_rules! suite {
    ($($(#[$meta:meta])+ fn $name:ident($bench:ident: &Bench) $body:block)+) => {
        mod tests {
            use super::*;
            $(pub(super) fn $name($bench: &Bench) $body)+
        }
        mod on_sqlite {
            $(#[test]
            fn $name() {
                super::tests::$name(&super::Bench::sqlite(stringify!($name)));
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $name() {
                if let Some(bench) = super::Bench::postgres(stringify!($name)) {
                    super::tests::$name(&bench);
                }
            })+
        }
    };
}
pub(crate) use suite;

/// A database that is removed at the end.
pub(crate) enum Bench {
    Sqlite(Folder),
    Postgres(Schema),
}

/// A folder for one SQLite file.
pub(crate) struct Folder(pub(crate) PathBuf);

/// A schema of a PostgreSQL database.
pub(crate) struct Schema {
    server: String,
    name: String,
}

pub(crate) fn sealer(key: u8) -> Sealer {
    Sealer::new([key; 32])
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("simurgh-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("test.db")
    }

    pub(crate) fn open(&self, key: u8) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.file(), sealer(key))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where PostgreSQL is, if it is anywhere: otherwise the test counts as skipped.
pub(crate) fn postgres(test: &str) -> Option<String> {
    if let Ok(server) = std::env::var("SIMURGH_TEST_POSTGRES") {
        return Some(server);
    }
    let reason = "no PostgreSQL (`cargo xtask test` starts one)";
    println!("SKIPPED: {test} on PostgreSQL: {reason}");
    if let Some(log) = std::env::var_os("SIMURGH_SKIP_LOG") {
        let mut options = std::fs::OpenOptions::new();
        let log = options.append(true).create(true).open(log);
        // The line on standard output is there in any case.
        let _ = log.and_then(|mut log| writeln!(log, "{test} on PostgreSQL: {reason}"));
    }
    None
}

impl Schema {
    pub(crate) fn new(test: &str) -> Option<Self> {
        let server = postgres(test)?;
        let name = format!("{:.40}_{}", test, std::process::id());
        let schema = Schema { server, name };
        let name = &schema.name;
        let make = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
        schema.on_server(&make);
        Some(schema)
    }

    /// The URL of the schema.
    pub(crate) fn url(&self) -> String {
        let and = if self.server.contains('?') { '&' } else { '?' };
        let Schema { server, name } = self;
        format!("{server}{and}connections=4&options=-csearch_path%3D{name}")
    }

    pub(crate) fn settings(&self) -> PostgresSettings {
        self.url().parse().unwrap()
    }

    pub(crate) fn connect(&self, key: u8) -> Result<PostgresStore, StoreError> {
        PostgresStore::connect(self.settings(), sealer(key))
    }

    /// Runs statements in the schema.
    pub(crate) fn run(&self, sql: &str) {
        self.on_server(&format!("SET search_path = {}; {sql}", self.name));
    }

    fn on_server(&self, sql: &str) {
        self.ask(sql);
    }

    /// What statements give, each column as text.
    fn ask(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let answers = runtime.block_on(async {
            let connected = tokio_postgres::connect(&self.server, tokio_postgres::NoTls);
            let (client, connection) = connected.await.unwrap();
            tokio::spawn(connection);
            client.simple_query(sql).await.unwrap()
        });
        let row = |answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                let columns = (0..row.len()).map(|at| row.get(at).map(str::to_string));
                Some(columns.collect())
            }
            _ => None,
        };
        answers.into_iter().filter_map(row).collect()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // A test that fails leaves it there, to be looked at.
        if !std::thread::panicking() {
            self.on_server(&format!("DROP SCHEMA {} CASCADE", self.name));
        }
    }
}

impl Bench {
    pub(crate) fn sqlite(test: &str) -> Self {
        Bench::Sqlite(Folder::new(test))
    }

    pub(crate) fn postgres(test: &str) -> Option<Self> {
        Schema::new(test).map(Bench::Postgres)
    }

    /// The store with this key; again and again the same one.
    pub(crate) fn open(&self, key: u8) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Bench::Sqlite(folder) => Box::new(folder.open(key)?),
            Bench::Postgres(schema) => Box::new(schema.connect(key)?),
        })
    }

    /// All tenants of it.
    pub(crate) fn database(&self, key: u8) -> Box<dyn Database> {
        match self {
            Bench::Sqlite(folder) => Box::new(folder.open(key).unwrap()),
            Bench::Postgres(schema) => Box::new(schema.connect(key).unwrap()),
        }
    }

    pub(crate) fn store(&self) -> Box<dyn Store> {
        self.open(1).unwrap()
    }

    /// As [`Bench::store`], of another tenant.
    pub(crate) fn of_tenant(&self, name: &str) -> Box<dyn Store> {
        let tenant = name.parse().unwrap();
        match self {
            Bench::Sqlite(folder) => Box::new(folder.open(1).unwrap().of_tenant(tenant)),
            Bench::Postgres(schema) => Box::new(schema.connect(1).unwrap().of_tenant(tenant)),
        }
    }

    /// Runs statements behind the store's back.
    pub(crate) fn run(&self, sql: &str) {
        match self {
            Bench::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.file()).unwrap();
                connection.execute_batch(sql).unwrap();
            }
            Bench::Postgres(schema) => schema.run(sql),
        }
    }

    /// The tables that hold the product's rows, by the engine's own word.
    pub(crate) fn tables(&self) -> Vec<String> {
        let mut tables: Vec<String> = match self {
            Bench::Sqlite(folder) if !folder.file().exists() => Vec::new(),
            Bench::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.file()).unwrap();
                let tables = "SELECT name FROM sqlite_master
                    WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
                let mut tables = connection.prepare(tables).unwrap();
                let tables = tables.query_map([], |row| row.get(0)).unwrap();
                tables.map(Result::unwrap).collect()
            }
            Bench::Postgres(schema) => {
                let Schema { name, .. } = schema;
                let tables = format!(
                    "SELECT tablename FROM pg_tables
                     WHERE schemaname = '{name}' AND tablename <> 'schema_version'"
                );
                let tables = schema.ask(&tables).into_iter();
                tables.map(|mut row| row.remove(0).unwrap()).collect()
            }
        };
        tables.sort();
        tables
    }

    /// The rows of a table, as PostgreSQL shows them: octets in base16.
    pub(crate) fn rows(&self, table: &str) -> Vec<String> {
        match self {
            Bench::Sqlite(folder) => {
                let connection = rusqlite::Connection::open(folder.file()).unwrap();
                let mut rows = connection
                    .prepare(&format!("SELECT * FROM {table}"))
                    .unwrap();
                let names: Vec<String> = rows.column_names().map(str::to_string).collect();
                let shown = |row: &rusqlite::Row<'_>| {
                    let columns = names.iter().enumerate();
                    let columns = columns.map(|(at, name)| (name.clone(), as_text(row, at)));
                    Ok(format!(
                        "{:?}",
                        columns.collect::<std::collections::BTreeMap<_, _>>()
                    ))
                };
                let rows = rows.query_map([], shown).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Bench::Postgres(schema) => {
                let Schema { name, .. } = schema;
                let names = schema.ask(&format!(
                    "SELECT column_name FROM information_schema.columns
                     WHERE table_schema = '{name}' AND table_name = '{table}'
                     ORDER BY ordinal_position"
                ));
                let names: Vec<String> = names.into_iter().flatten().flatten().collect();
                let rows = schema.ask(&format!("SELECT * FROM {name}.{table}"));
                let shown = |row: Vec<Option<String>>| {
                    let columns = names.iter().cloned().zip(row);
                    format!(
                        "{:?}",
                        columns.collect::<std::collections::BTreeMap<_, _>>()
                    )
                };
                rows.into_iter().map(shown).collect()
            }
        }
    }

    /// Puts down another schema than the database has.
    pub(crate) fn set_schema(&self, version: i64) {
        match self {
            Bench::Sqlite(_) => self.run(&format!("PRAGMA user_version = {version}")),
            Bench::Postgres(_) => {
                self.run(&format!("UPDATE schema_version SET version = {version}"))
            }
        }
    }

    pub(crate) fn reseal(&self, old: u8, new: u8) -> Result<Option<usize>, StoreError> {
        let (old, new) = (sealer(old), sealer(new));
        match self {
            Bench::Sqlite(folder) => SqliteStore::reseal(&folder.file(), old, new),
            Bench::Postgres(schema) => PostgresStore::reseal(schema.settings(), old, new),
        }
    }
}

fn as_text(row: &rusqlite::Row<'_>, at: usize) -> Option<String> {
    use rusqlite::types::ValueRef;
    match row.get_ref(at).unwrap() {
        ValueRef::Null => None,
        ValueRef::Integer(integer) => Some(integer.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
        ValueRef::Blob(octets) => {
            let octets = octets.iter().map(|octet| format!("{octet:02x}"));
            Some(format!("\\x{}", octets.collect::<String>()))
        }
        ValueRef::Real(_) => panic!("a column of no type of ours"),
    }
}

/// The octets of all files in a folder.
pub(crate) fn octets(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect()
}

/// A store with what is beside its contract.
pub(crate) trait Whole: Store + EventStore + WebhookStore + store::Database {}

impl<S: Store + EventStore + WebhookStore + store::Database> Whole for S {}

impl Bench {
    /// As [`Bench::store`], with events.
    pub(crate) fn whole(&self) -> Box<dyn Whole> {
        match self {
            Bench::Sqlite(folder) => Box::new(folder.open(1).unwrap()),
            Bench::Postgres(schema) => Box::new(schema.connect(1).unwrap()),
        }
    }
}
