//! A whole file as one request, read as it comes.

use std::time::Duration;

use api::{Import, Problem};
use axum::extract::Request;
use axum::response::Response;
use fleet::access::Permission;
use fleet::import::{Reader, RowError};
use http_body_util::BodyExt;
use store::ImportedDevice;
use utoipa_axum::routes;

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
    let id = call.work(|functions| functions.begin_import()).await?;
    let taken = take(&call, &id, request).await;
    call.work(move |functions| {
        if taken.is_ok() && functions.begin_switch(&id).is_ok() {
            functions.switch_over(&id);
        }
        let import = functions.import(&id)?;
        if import.state != "interrupted" {
            functions.forget_import(&id)?;
        }
        Ok(taken.and_then(|()| match import.state.as_str() {
            "done" => Ok(respond(200, JSON, &import)),
            "refused" => Ok(respond(422, JSON, &import)),
            _ => Err(internal().into()),
        }))
    })
    .await?
}

/// Reads the file to its end.
async fn take(call: &Call, id: &str, request: Request) -> Result<(), Refusal> {
    let mut body = request.into_body();
    let mut reader = Reader::default();
    let mut sorted = Sorted::default();
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
        sorted.sort(&mut reader);
        if sorted.good.len() + sorted.wrong.len() >= PART {
            stage(call, id, &mut sorted).await?;
        }
    }
    reader.finish();
    sorted.sort(&mut reader);
    stage(call, id, &mut sorted).await?;
    if sorted.none {
        let remedy = "send the file as the body";
        return Err(invalid("the body", "there is no device in it", remedy).into());
    }
    Ok(())
}

/// Good rows and bad ones that were read and not put aside yet.
struct Sorted {
    good: Vec<ImportedDevice>,
    wrong: Vec<RowError>,
    /// Whether there was none at all.
    none: bool,
}

impl Default for Sorted {
    fn default() -> Self {
        Sorted {
            good: Vec::new(),
            wrong: Vec::new(),
            none: true,
        }
    }
}

impl Sorted {
    fn sort(&mut self, reader: &mut Reader) {
        while let Some(row) = reader.next_row() {
            self.none = false;
            match row {
                Ok(row) => self.good.push(ImportedDevice {
                    line: row.line,
                    device: row.device,
                }),
                Err(error) => self.wrong.push(error),
            }
        }
    }
}

async fn stage(call: &Call, id: &str, sorted: &mut Sorted) -> Result<(), Refusal> {
    let id = id.to_string();
    let good = std::mem::take(&mut sorted.good);
    let wrong = std::mem::take(&mut sorted.wrong);
    call.work(move |functions| {
        functions.refuse_rows(&id, &wrong)?;
        functions.stage(&id, &good)
    })
    .await
}
