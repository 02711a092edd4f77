//! Devices go out as a stream, in a form that imports read.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use fleet::access::Permission;
use fleet::import::{csv_header, csv_line};
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body::Frame;
use serde::Deserialize;
use store::EimHost;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::query;
use crate::door::authorise::Call;
use crate::door::body::Query;
use crate::door::problem::Refusal;
use crate::door::routes::{Guard, Routes};
use crate::shell;

/// Devices that are read at once.
const PAGE: usize = 500;

pub(super) fn routes() -> Routes {
    let read = Guard::Needs(Permission::DevicesRead);
    Routes::new().with(read, routes!(export))
}

/// What goes out.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Export {
    /// A query; all devices if it is absent.
    #[param(example = "country = DE")]
    q: Option<String>,
    /// `csv` or `ndjson`; `csv` if it is absent.
    #[param(inline, example = "csv")]
    format: Option<Format>,
}

/// Form of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Comma-separated values.
    #[default]
    Csv,
    /// An object in JSON on each line.
    Ndjson,
}

/// Export devices
///
/// As an import reads them.
#[utoipa::path(
    get,
    path = "/exports",
    operation_id = "exportDevices",
    tag = "imports",
    params(Export),
    responses((status = 200, description = "The devices.", content(
        (String = "text/csv", example = "id,country\nmeter-7,DE\n"),
        (String = "application/x-ndjson", example = "{\"id\":\"meter-7\",\"country\":\"DE\"}"),
    ))),
)]
async fn export(call: Call, Query(export): Query<Export>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let query = query(export.q.as_deref())?;
        let format = export.format.unwrap_or_default();
        let (parts, received) = mpsc::channel(2);
        let eim = functions.eim.clone();
        std::thread::spawn(move || write(&eim, &query, format, &parts));
        let mut response = Response::new(Body::new(Parts(received)));
        let content_type = HeaderValue::from_static(match format {
            Format::Csv => "text/csv",
            Format::Ndjson => "application/x-ndjson",
        });
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        Ok(response)
    })
    .await
}

type Part = Result<Bytes, std::io::Error>;

/// Writes until all is written, or nobody reads any more. What cannot be read ends
/// the stream with an error, so that nobody takes a part for all.
fn write(eim: &EimHost, query: &fleet::query::Query, format: Format, parts: &mpsc::Sender<Part>) {
    let mut text = match format {
        Format::Csv => csv_header(),
        Format::Ndjson => String::new(),
    };
    let mut after = None;
    loop {
        let page = match eim
            .store()
            .search(query, after.as_ref(), PAGE, shell::now())
        {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(%error, "an export ends early");
                let _ = parts.blocking_send(Err(std::io::Error::other("the store failed")));
                return;
            }
        };
        for one in &page.devices {
            match format {
                Format::Csv => text.push_str(&csv_line(&one.device)),
                Format::Ndjson => {
                    text.push_str(&serde_json::to_string(&one.device).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        let part = Bytes::from(std::mem::take(&mut text));
        if !part.is_empty() && parts.blocking_send(Ok(part)).is_err() {
            return;
        }
        after = page.next;
        if after.is_none() {
            return;
        }
    }
}

/// A body whose parts come from another thread.
struct Parts(mpsc::Receiver<Part>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.0.poll_recv(cx);
        next.map(|part| part.map(|part| part.map(Frame::data)))
    }
}
