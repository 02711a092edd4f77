//! Metrics, for Prometheus.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::response::Response;
use fleet::access::Permission;
use rsp_core::eim::OperationState;
use store::Database;
use utoipa_axum::routes;

use super::answer;
use super::authorise::Call;
use super::health::PATIENCE;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use crate::metrics::{Exposition, OPEN, READY, TEXT};

/// How long what was counted in the database is told again, at least.
const PAUSE: Duration = Duration::from_secs(15);

/// And so many times as long as the counting took, so that no engine counts for more
/// than a hundredth of the time, however many are open.
const PART: u32 = 100;

pub(super) fn routes() -> Routes {
    Routes::new().with(Guard::OfServer(Permission::SettingsRead), routes!(show))
}

/// Metrics
///
/// In the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "system",
    responses((
        status = 200,
        description = "What was counted since the server was started.",
        body = String,
        content_type = "text/plain",
        example = "simurgh_api_request_seconds_count{route=\"/v1/devices\",method=\"GET\",status=\"200\"} 17",
    )),
)]
async fn show(call: Call) -> Result<Response, Refusal> {
    let inside = &call.door.0;
    let functions = &inside.functions;
    let (health, open) = (functions.health.clone(), functions.open.clone());
    // What is counted in memory is told even if the database is away.
    let look = move || (health.look().is_none()).then(|| open.look());
    let looked = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(look)).await;
    let looked = looked.ok().and_then(Result::ok).flatten();
    let mut page = Exposition::default();
    functions.fleet.write(&mut page);
    let ready = u8::from(looked.is_some());
    page.family(&READY).value(&[], ready);
    let mut lines = page.family(&OPEN);
    for (state, count) in looked.unwrap_or_default() {
        lines.value(&[&state], count);
    }
    inside.requests.write(&mut page);
    functions.teller.metrics(&mut page);
    crate::traces::metrics(&mut page);
    Ok(answer::text(200, TEXT, page.into_text().into_bytes()))
}

/// How many operations are in each state.
type ByState = Vec<(String, u64)>;

/// Open operations by state, as they were counted last.
pub(super) struct OpenOperations {
    database: Arc<dyn Database>,
    /// Until when it is told, and what.
    last: Mutex<Option<(Instant, ByState)>>,
}

impl OpenOperations {
    pub(super) fn new(database: Arc<dyn Database>) -> Self {
        OpenOperations {
            database,
            last: Mutex::new(None),
        }
    }

    /// Counts them once in a while, however many ask: a million take a while.
    fn look(&self) -> ByState {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((until, counts)) if Instant::now() < *until => counts.clone(),
            _ => {
                let begun = Instant::now();
                let counts = self.database.count_open_operations();
                let counts = counts.map(|counts| each_state(&counts));
                let counts = counts.unwrap_or_else(|error| {
                    tracing::error!(%error, "open operations cannot be counted");
                    Vec::new()
                });
                let pause = begun.elapsed().saturating_mul(PART).max(PAUSE);
                *last = Some((Instant::now() + pause, counts.clone()));
                counts
            }
        }
    }
}

/// A state without operations has 0 of them.
fn each_state(counts: &[(String, u64)]) -> ByState {
    let of = |state: &str| {
        let found = counts.iter().find(|(known, _)| known == state);
        (state.to_string(), found.map_or(0, |(_, count)| *count))
    };
    OperationState::OPEN.map(of).to_vec()
}
