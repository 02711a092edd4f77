//! Telemetry of a device.

use api::{NewSamples, Problem, Sample, Span, Summary, Telemetry};
use axum::response::Response;
use fleet::access::Permission;
use fleet::telemetry::{Bucket, Level};
use rsp_core::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::OneDevice;
use crate::door::Functions;
use crate::door::answer::{no_content, ok, utc};
use crate::door::authorise::Call;
use crate::door::body::{Json, Path, Query};
use crate::door::functions::parse;
use crate::door::list;
use crate::door::problem::{Refusal, internal, invalid, stored};
use crate::door::routes::{Guard, Routes};
use crate::shell;

/// Samples of one request.
const MOST: usize = 1000;

/// How far ahead a device's clock may be, in milliseconds.
const AHEAD: u64 = 24 * 60 * 60 * 1000;

pub(super) fn routes() -> Routes {
    let (read, write) = (Permission::TelemetryRead, Permission::TelemetryWrite);
    Routes::new()
        .with(Guard::Needs(write), routes!(put))
        .with(Guard::Needs(read), routes!(show))
}

/// Which telemetry is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// `raw`, `5m`, `hour` or `day`; `raw` if it is absent.
    #[param(example = "hour")]
    level: Option<String>,
    /// The first moment; 1970 if it is absent.
    #[param(example = "2026-03-01T00:00:00Z")]
    from: Option<String>,
    /// The moment behind the last; now if it is absent.
    #[param(example = "2026-03-02T00:00:00Z")]
    to: Option<String>,
    /// At most so many samples or spans; 100 if it is absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<usize>,
}

/// Bring telemetry of a device
#[utoipa::path(
    post,
    path = "/devices/{eid}/telemetry",
    operation_id = "putTelemetry",
    tag = "telemetry",
    params(OneDevice),
    request_body = NewSamples,
    responses((status = 204, description = "It is put down.")),
)]
async fn put(
    call: Call,
    Path(one): Path<OneDevice>,
    Json(new): Json<NewSamples>,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        functions.put_samples(&one.eid, &new)?;
        no_content()
    })
    .await
}

/// Show telemetry of a device
#[utoipa::path(
    get,
    path = "/devices/{eid}/telemetry",
    operation_id = "getTelemetry",
    tag = "telemetry",
    params(OneDevice, Wanted),
    responses((status = 200, description = "The oldest first.", body = Telemetry)),
)]
async fn show(
    call: Call,
    Path(one): Path<OneDevice>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.telemetry(&one.eid, &wanted)?))
        .await
}

fn moment(field: &str, text: &str) -> Result<Timestamp, Problem> {
    let remedy = "give it as 2026-03-01T12:00:00Z";
    Timestamp::from_rfc3339(text).ok_or_else(|| invalid(field, "no point in time", remedy))
}

fn read(sample: &Sample) -> Result<(Timestamp, fleet::telemetry::Sample), Problem> {
    let at = moment("samples.at", &sample.at)?;
    if at.0 > shell::now().0.saturating_add(AHEAD) {
        let remedy = "set the device's clock";
        return Err(invalid("samples.at", "more than a day ahead", remedy));
    }
    let mut value = serde_json::to_value(sample).map_err(|_| internal())?;
    value
        .as_object_mut()
        .and_then(|members| members.remove("at"));
    let wrong = |what: String| invalid("samples", &what, "correct the sample");
    let sample: fleet::telemetry::Sample =
        serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    sample.check().map_err(|error| wrong(error.to_string()))?;
    Ok((at, sample))
}

fn shown((at, sample): &(Timestamp, fleet::telemetry::Sample)) -> Result<Sample, Problem> {
    let mut value = serde_json::to_value(sample).map_err(|_| internal())?;
    if let Some(members) = value.as_object_mut() {
        members.insert("at".to_string(), utc(*at).into());
    }
    serde_json::from_value(value).map_err(|_| internal())
}

fn span((start, bucket): &(Timestamp, Bucket)) -> Span {
    let summary = |one: &fleet::telemetry::Summary| Summary {
        min: one.min,
        max: one.max,
        average: one.average(),
        sum: one.sum,
        count: one.count,
        last: one.last,
    };
    let measures = bucket
        .iter()
        .map(|(name, one)| (name.to_string(), summary(one)));
    Span {
        start: utc(*start),
        measures: measures.collect(),
    }
}

impl Functions {
    fn put_samples(&self, id: &str, new: &NewSamples) -> Result<(), Problem> {
        if new.samples.len() > MOST {
            let remedy = "send them in several requests";
            return Err(invalid("samples", "more than 1000", remedy));
        }
        let samples: Result<Vec<_>, _> = new.samples.iter().map(read).collect();
        let id = self.device_id(id)?;
        self.eim.store().put_samples(&id, &samples?).map_err(stored)
    }

    fn telemetry(&self, id: &str, wanted: &Wanted) -> Result<Telemetry, Problem> {
        let level = wanted.level.as_deref().unwrap_or("raw");
        let level: Level = parse("level", level)?;
        let from = wanted.from.as_deref().map(|text| moment("from", text));
        let to = wanted.to.as_deref().map(|text| moment("to", text));
        let end = Timestamp(shell::now().0.saturating_add(AHEAD));
        let span_of_time =
            from.transpose()?.unwrap_or(Timestamp(0))..to.transpose()?.unwrap_or(end);
        let limit = list::limit(wanted.limit)?;
        let id = self.device_id(id)?;
        let (store, more) = (self.eim.store(), limit + 1);
        let mut telemetry = Telemetry {
            level: level.name().to_string(),
            ..Telemetry::default()
        };
        if level == Level::Raw {
            let mut samples = store.samples(&id, span_of_time, more).map_err(stored)?;
            telemetry.next = samples.get(limit).map(|(at, _)| utc(*at));
            samples.truncate(limit);
            let shown: Result<_, _> = samples.iter().map(shown).collect();
            telemetry.samples = shown?;
        } else {
            let mut spans = store
                .buckets(&id, level, span_of_time, more)
                .map_err(stored)?;
            telemetry.next = spans.get(limit).map(|(at, _)| utc(*at));
            spans.truncate(limit);
            telemetry.spans = spans.iter().map(span).collect();
        }
        Ok(telemetry)
    }
}
