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
use super::progress::not_now;
use crate::door::Functions;
use crate::door::answer::{created, no_content, ok, respond};
use crate::door::authorise::Call;
use crate::door::body::{Json, Path};
use crate::door::problem::{Refusal, invalid};
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
        let id = functions.begin_import()?;
        created(&functions.import(&id)?)
    })
    .await
}

/// Show an import
///
/// How far it is, and for a day what became of it.
#[utoipa::path(
    get,
    path = "/imports/{id}",
    operation_id = "getImport",
    tag = "imports",
    params(OneImport),
    responses((status = 200, description = "How far it is.", body = Import)),
)]
async fn show(call: Call, Path(one): Path<OneImport>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.import(&one.id)?))
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
        functions.import(&one.id)?;
        let (mut good, mut wrong) = (Vec::new(), Vec::new());
        for row in &rows.rows {
            match given(&row.device) {
                Ok(device) => good.push(ImportedDevice {
                    line: row.line,
                    device,
                }),
                Err(what) => wrong.push(RowError {
                    line: row.line,
                    column: None,
                    what,
                    remedy: "correct the device".to_string(),
                }),
            }
        }
        functions.refuse_rows(&one.id, &wrong)?;
        functions.stage(&one.id, &good)?;
        ok(&functions.import(&one.id)?)
    })
    .await
}

/// Switch an import over
///
/// In one transaction, if none of its rows is wrong: all of it is in the inventory
/// then, or nothing. Ask for the import to see how far it is. One that was interrupted,
/// because its server process ended, can be switched over again.
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
        let import = functions.begin_switch(&one.id)?;
        let switching = functions.clone();
        std::thread::spawn(move || switching.switch_over(&one.id));
        Ok(respond(202, "application/json", &import))
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
        functions.forget_import(&one.id)?;
        no_content()
    })
    .await
}

impl Functions {
    /// Puts rows of an import aside.
    pub(super) fn stage(&self, id: &str, rows: &[ImportedDevice]) -> Result<(), Problem> {
        let staged = self.eim.store().stage_devices(id, rows, shell::now());
        staged.map(drop).map_err(not_now)
    }
}
