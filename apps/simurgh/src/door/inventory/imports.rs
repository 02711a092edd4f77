//! Imports in parts: begun, filled with rows, and switched over.

use api::{Import, ImportRows, Problem};
use axum::response::Response;
use fleet::access::Permission;
use fleet::import::RowError;
use serde::Deserialize;
use store::ImportedDevice;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::given;
use super::progress::{Shared, lock};
use crate::door::Functions;
use crate::door::answer::{created, no_content, ok, respond};
use crate::door::authorise::Call;
use crate::door::body::{Json, Path};
use crate::door::problem::{Refusal, invalid, problem, stored};
use crate::door::routes::{Guard, Routes};
use crate::shell;

/// Rows of one request.
const MOST_ROWS: usize = 2000;

/// Octets of one request.
const BODY: usize = 8 << 20;

pub(super) fn routes() -> Routes {
    let write = Guard::Needs(Permission::DevicesWrite);
    Routes::new()
        .with(write, routes!(begin))
        .with(write, routes!(show))
        .with_limit(write, BODY, routes!(fill))
        .with(write, routes!(switch))
        .with(write, routes!(forget))
}

/// An import in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneImport {
    /// Its identifier.
    #[param(example = "019a2f6e")]
    id: String,
}

/// Begin an import
///
/// Rows are put aside as they come; nothing of them is in the inventory before all
/// are switched over.
#[utoipa::path(
    post,
    path = "/imports",
    operation_id = "beginImport",
    tag = "imports",
    responses((status = 201, description = "It is begun.", body = Import)),
)]
async fn begin(call: Call) -> Result<Response, Refusal> {
    call.work(|functions| {
        let (_, shared) = functions.imports.begin()?;
        created(&lock(&shared).import)
    })
    .await
}

/// Show an import
///
/// At the server process that it was begun at.
#[utoipa::path(
    get,
    path = "/imports/{id}",
    operation_id = "getImport",
    tag = "imports",
    params(OneImport),
    responses((status = 200, description = "How far it is.", body = Import)),
)]
async fn show(call: Call, Path(one): Path<OneImport>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let shared = functions.imports.get(&one.id)?;
        ok(&lock(&shared).import)
    })
    .await
}

/// Add rows to an import
#[utoipa::path(
    post,
    path = "/imports/{id}/rows",
    operation_id = "fillImport",
    tag = "imports",
    params(OneImport),
    request_body = ImportRows,
    responses((status = 200, description = "How far it is; `errors` says what is wrong.", body = Import)),
)]
async fn fill(
    call: Call,
    Path(one): Path<OneImport>,
    Json(rows): Json<ImportRows>,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        if rows.rows.len() > MOST_ROWS {
            let remedy = "send them in several requests";
            return Err(invalid("rows", "more than 2000", remedy));
        }
        let shared = functions.imports.get(&one.id)?;
        let mut good = Vec::new();
        for row in &rows.rows {
            match given(&row.device) {
                Ok(device) => good.push(ImportedDevice {
                    line: row.line,
                    device,
                }),
                Err(what) => lock(&shared).refuse(RowError {
                    line: row.line,
                    column: None,
                    what,
                    remedy: "correct the device".to_string(),
                }),
            }
        }
        functions.stage(&one.id, &shared, &good, rows.rows.len() as u64)?;
        ok(&lock(&shared).import)
    })
    .await
}

/// Switch an import over
///
/// In one transaction, if none of its rows is wrong: all of it is in the inventory
/// then, or nothing. Ask for the import to see how far it is.
#[utoipa::path(
    post,
    path = "/imports/{id}/switch",
    operation_id = "switchImport",
    tag = "imports",
    params(OneImport),
    responses((status = 202, description = "It is being switched over.", body = Import)),
)]
async fn switch(call: Call, Path(one): Path<OneImport>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let shared = functions.imports.get(&one.id)?;
        functions.begin_switch(&shared)?;
        let (eim, switched) = (functions.eim.clone(), shared.clone());
        std::thread::spawn(move || switch_over(&eim, &switched));
        Ok(respond(202, "application/json", &lock(&shared).import))
    })
    .await
}

/// Forget an import
///
/// What it put aside; what it switched over stays.
#[utoipa::path(
    delete,
    path = "/imports/{id}",
    operation_id = "forgetImport",
    tag = "imports",
    params(OneImport),
    responses((status = 204, description = "It is forgotten.")),
)]
async fn forget(call: Call, Path(one): Path<OneImport>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let shared = functions.imports.get(&one.id)?;
        if lock(&shared).import.state == "switching" {
            return Err(busy());
        }
        functions.eim.store().drop_staged(&one.id).map_err(stored)?;
        functions.imports.forget(&one.id);
        no_content()
    })
    .await
}

fn busy() -> Problem {
    let detail = "the import takes no rows any more";
    problem(
        409,
        "conflict",
        detail,
        "wait for its end, or begin another one",
    )
}

impl Functions {
    /// Puts rows of an import aside.
    pub(super) fn stage(
        &self,
        id: &str,
        shared: &Shared,
        rows: &[ImportedDevice],
        count: u64,
    ) -> Result<(), Problem> {
        {
            let mut running = lock(shared);
            if running.import.state != "receiving" {
                return Err(busy());
            }
            running.filling += 1;
        }
        let staged = self.eim.store().stage_devices(id, rows, shell::now());
        let mut running = lock(shared);
        running.filling -= 1;
        let errors = staged.map_err(stored)?;
        running.import.rows += count;
        errors.into_iter().for_each(|error| running.refuse(error));
        running.touch();
        Ok(())
    }

    /// From here on it takes no rows.
    pub(super) fn begin_switch(&self, shared: &Shared) -> Result<(), Problem> {
        let mut running = lock(shared);
        if running.import.state != "receiving" {
            return Err(busy());
        }
        // Rows that are on their way belong to it.
        if running.filling > 0 {
            let detail = "rows of the import are still coming";
            let remedy = "wait until they are answered";
            return Err(problem(409, "conflict", detail, remedy));
        }
        running.import.state = match running.import.wrong {
            0 => "switching",
            _ => "refused",
        }
        .to_string();
        Ok(())
    }
}

/// Carries it out, or takes back what is refused.
pub(super) fn switch_over(eim: &store::EimHost, shared: &Shared) {
    let (id, state) = {
        let running = lock(shared);
        (running.import.id.clone(), running.import.state.clone())
    };
    if state != "switching" {
        if let Err(error) = eim.store().drop_staged(&id) {
            tracing::error!(%error, import = id, "what an import put aside stays for now");
        }
        return;
    }
    let mut told = |through| lock(shared).import.through = through;
    let switched = eim.switch_import(&id, shell::now(), &mut told);
    let mut running = lock(shared);
    match switched {
        Ok(switched) if switched.errors.is_empty() => {
            running.import.state = "done".to_string();
            running.import.added = switched.added;
            running.import.updated = switched.updated;
            running.import.unchanged = switched.unchanged;
            running.import.euiccs = switched.euiccs;
            tracing::info!(import = id, added = switched.added, "imported");
        }
        Ok(switched) => {
            running.import.state = "refused".to_string();
            switched
                .errors
                .into_iter()
                .for_each(|error| running.refuse(error));
        }
        Err(error) => {
            running.import.state = "failed".to_string();
            tracing::error!(%error, import = id, "an import failed; nothing of it is there");
        }
    }
}
