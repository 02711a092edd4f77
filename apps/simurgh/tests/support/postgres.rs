//! A PostgreSQL database for a test.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

/// The URL of a schema of its own in the tests' database, if there is one: otherwise
/// the test counts as skipped.
pub(crate) fn database(test: &str) -> Option<String> {
    let Ok(server) = std::env::var("SIMURGH_TEST_POSTGRES") else {
        let reason = "no PostgreSQL (`cargo xtask test` starts one)";
        println!("SKIPPED: {test}: {reason}");
        if let Some(log) = std::env::var_os("SIMURGH_SKIP_LOG") {
            let mut options = std::fs::OpenOptions::new();
            let log = options.append(true).create(true).open(log);
            // The line on standard output is there in any case.
            let _ = log.and_then(|mut log| {
                use std::io::Write;
                writeln!(log, "{test}: {reason}")
            });
        }
        return None;
    };
    let name = format!("{test}_{}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let connected = tokio_postgres::connect(&server, tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap();
        tokio::spawn(connection);
        let make = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
        client.batch_execute(&make).await.unwrap();
    });
    Some(format!(
        "{server}?connections=6&options=-csearch_path%3D{name}"
    ))
}
