//! A whole file as one request, read as it comes.

use std::time::Duration;

use api::{Import, Problem};
use axum::extract::Request;
use axum::response::Response;
use fleet::access::Permission;
use fleet::import::Reader;
use http_body_util::BodyExt;
use store::ImportedDevice;
use utoipa_axum::routes;

use super::imports::switch_over;
use super::progress::{Shared, lock};
use crate::door::answer::respond;
use crate::door::authorise::Call;
use crate::door::problem::{Refusal, internal, invalid, problem};
use crate::door::routes::{Guard, Routes};

/// Rows that are put aside at once.
const PART: usize = 2000;

/// How long nothing may come before the file is given up.
const PAUSE: Duration = Duration::from_secs(30);

/// Media type of the report.
const JSON: &str = "application/json";

pub(super) fn routes() -> Routes {
    let write = Guard::Needs(Permission::DevicesWrite);
    // Its size has no limit, but what comes with an `Idempotency-Key` is compared, and
    // so has the usual one.
    Routes::new().with(write, routes!(import))
}

/// Import a file
///
/// CSV, an array in JSON, or an object in JSON on each line: which of them is seen by
/// its first character, whatever its type says. All of it is in the inventory
/// afterwards, or nothing.
#[utoipa::path(
    post,
    path = "/imports/file",
    operation_id = "importFile",
    tag = "imports",
    request_body(
        content = String,
        content_type = "text/csv",
        example = "id,country,imei\nmeter-7,DE,490154203237518\n",
    ),
    responses(
        (status = 200, description = "It is in the inventory.", body = Import),
        (status = 422, description = "Something in it is wrong: `errors` says what, by line.", content(
            (Import = "application/json"),
            (Problem = "application/problem+json"),
        )),
    ),
)]
async fn import(call: Call, request: Request) -> Result<Response, Refusal> {
    let (id, shared) = call.work(|functions| functions.imports.begin()).await?;
    let taken = take(&call, &id, &shared, request).await;
    call.work(move |functions| {
        let switched = taken.is_ok().then(|| functions.begin_switch(&shared));
        match switched.transpose() {
            Ok(Some(())) => switch_over(&functions.eim, &shared),
            Ok(None) | Err(_) => {
                if let Err(error) = functions.eim.store().drop_staged(&id) {
                    tracing::error!(%error, import = id, "what an import put aside stays for now");
                }
            }
        }
        functions.imports.forget(&id);
        let import = lock(&shared).import.clone();
        Ok(taken.and_then(|()| match import.state.as_str() {
            "done" => Ok(respond(200, JSON, &import)),
            "refused" => Ok(respond(422, JSON, &import)),
            _ => Err(internal().into()),
        }))
    })
    .await?
}

/// Reads the file to its end.
async fn take(call: &Call, id: &str, shared: &Shared, request: Request) -> Result<(), Refusal> {
    let mut body = request.into_body();
    let mut reader = Reader::default();
    let mut rows = Vec::new();
    loop {
        let Ok(frame) = tokio::time::timeout(PAUSE, body.frame()).await else {
            let detail = "nothing more of the file came";
            let slow = problem(408, "too slow", detail, "send it again");
            return Err(Refusal::from(slow).closing());
        };
        let Some(frame) = frame else {
            break;
        };
        let Ok(frame) = frame else {
            let detail = "the file ended before its end";
            let broken = problem(400, "incomplete", detail, "send it again");
            return Err(Refusal::from(broken).closing());
        };
        if let Ok(data) = frame.into_data() {
            reader.push(&data);
        }
        sort(&mut reader, &mut rows, shared);
        if rows.len() >= PART {
            stage(call, id, shared, std::mem::take(&mut rows)).await?;
        }
    }
    reader.finish();
    sort(&mut reader, &mut rows, shared);
    stage(call, id, shared, rows).await?;
    if lock(shared).import.rows == 0 {
        let remedy = "send the file as the body";
        return Err(invalid("the body", "there is no device in it", remedy).into());
    }
    Ok(())
}

/// Good rows and bad ones.
fn sort(reader: &mut Reader, rows: &mut Vec<ImportedDevice>, shared: &Shared) {
    while let Some(row) = reader.next_row() {
        match row {
            Ok(row) => rows.push(ImportedDevice {
                line: row.line,
                device: row.device,
            }),
            Err(error) => {
                let mut running = lock(shared);
                running.import.rows += 1;
                running.refuse(error);
            }
        }
    }
}

async fn stage(
    call: &Call,
    id: &str,
    shared: &Shared,
    rows: Vec<ImportedDevice>,
) -> Result<(), Refusal> {
    let (id, shared) = (id.to_string(), shared.clone());
    call.work(move |functions| functions.stage(&id, &shared, &rows, rows.len() as u64))
        .await
}
