//! Whether the server lives, and whether it can do its work.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::{Check, Health};
use axum::extract::Request;
use axum::response::Response;
use store::{Database, StoreError};
use utoipa_axum::routes;

use super::Door;
use super::answer::{self, respond};
use super::problem::{Refusal, away, internal};
use super::routes::{Guard, Routes};

/// How long what was found is told again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the store may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(Guard::Public, routes!(alive))
        .with(Guard::Public, routes!(ready))
}

/// Whether the server lives
///
/// It answers: nothing else is looked at.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "system",
    responses((status = 200, description = "It lives.", body = Health)),
)]
async fn alive() -> Result<Response, Refusal> {
    Ok(answer::ok(&Health {
        ready: true,
        checks: Vec::new(),
    })?)
}

/// Whether the server can do its work
///
/// Says of each thing that it needs whether it is there.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "system",
    responses(
        (status = 200, description = "It can.", body = Health),
        (status = 503, description = "It cannot, for the reason that is said.", body = Health),
    ),
)]
async fn ready(request: Request) -> Result<Response, Refusal> {
    let door: Option<&Door> = request.extensions().get();
    let health = door.ok_or_else(internal)?.0.functions.health.clone();
    let looked = tokio::task::spawn_blocking(move || health.look());
    let said = match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(said)) => said,
        Ok(Err(_)) => Some("it could not be asked".to_string()),
        Err(_) => Some("it does not answer".to_string()),
    };
    let health = Health {
        ready: said.is_none(),
        checks: vec![Check {
            name: "store".to_string(),
            ok: said.is_none(),
            said,
        }],
    };
    let status = if health.ready { 200 } else { 503 };
    Ok(respond(status, "application/json", &health))
}

/// Looks at the database, and what the last one found.
pub(super) struct Looks {
    database: Arc<dyn Database>,
    last: Mutex<Option<(Instant, Option<String>)>>,
}

impl Looks {
    pub(super) fn new(database: Arc<dyn Database>) -> Self {
        Looks {
            database,
            last: Mutex::new(None),
        }
    }

    /// Why the database cannot be written, if it cannot. Anybody may ask, so it is
    /// written once in a while however many do, and what the engine says is for the
    /// log.
    pub(super) fn look(&self) -> Option<String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, said)) if at.elapsed() < PAUSE => said.clone(),
            _ => {
                let said = self
                    .database
                    .prove_writable()
                    .err()
                    .map(|error| said(&error));
                *last = Some((Instant::now(), said.clone()));
                said
            }
        }
    }
}

fn said(error: &StoreError) -> String {
    tracing::error!(%error, "the store");
    match error {
        StoreError::Engine(error) => away(error).to_string(),
        _ => "it cannot be written; the log says more".to_string(),
    }
}
