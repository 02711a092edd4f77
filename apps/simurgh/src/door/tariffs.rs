//! What operators bill for octets.

use api::{Page, Problem, Tariff, TariffSettings};
use axum::http::HeaderMap;
use axum::response::Response;
use fleet::access::Permission;
use fleet::inventory::Text;
use serde::Deserialize;
use store::{NamedTariff, StoreError, Versioned};
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::answer::{self, no_content, still_absent, tagged, unchanged};
use super::authorise::Call;
use super::body::{Json, Path, Query};
use super::functions::parse;
use super::list::{Listing, page};
use super::problem::{Refusal, problem, stored};
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid};

pub(super) fn routes() -> Routes {
    let (read, write) = (Permission::SettingsRead, Permission::SettingsWrite);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(read), routes!(show))
        .with(Guard::Needs(write), routes!(put))
        .with(Guard::Needs(write), routes!(remove))
}

/// A tariff in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneTariff {
    /// Its name, as profiles of the inventory have it.
    #[param(min_length = 1, max_length = 128, example = "iot-5")]
    name: String,
}

/// List tariffs
#[utoipa::path(
    get,
    path = "/tariffs",
    operation_id = "listTariffs",
    tag = "tariffs",
    params(Listing),
    responses((status = 200, description = "A page of them, by name.", body = Page<Tariff>)),
)]
async fn list(call: Call, Query(listing): Query<Listing>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let limit = listing.limit()?;
        let after = listing.after.as_deref();
        let tariffs = functions.eim.store().tariffs(after, limit + 1);
        let tariffs = tariffs.map_err(stored)?;
        let tariffs: Result<Vec<_>, _> = tariffs
            .iter()
            .map(|named| shown(&named.name, &named.tariff))
            .collect();
        let page = page(tariffs?, limit, |tariff: &Tariff| tariff.name.clone());
        answer::paged("/tariffs", limit, &[], &page)
    })
    .await
}

/// Show a tariff
#[utoipa::path(
    get,
    path = "/tariffs/{name}",
    operation_id = "getTariff",
    tag = "tariffs",
    params(OneTariff, ("If-None-Match" = Option<String>, Header, description = "ETag of what is known.")),
    responses(
        (status = 200, description = "The tariff.", body = Tariff, headers(("ETag" = String, description = "Of its state."))),
        (status = 304, description = "It is still as `If-None-Match` says."),
    ),
)]
async fn show(
    call: Call,
    Path(one): Path<OneTariff>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let name = name(&one.name)?;
        let found = functions.known_tariff(&name)?;
        tagged(&shown(&name, &found.value)?, &headers)
    })
    .await
}

/// Say what a tariff costs
///
/// Profiles whose `tariff` in the inventory has this name are billed by it, those that
/// are there and those that come.
#[utoipa::path(
    put,
    path = "/tariffs/{name}",
    operation_id = "putTariff",
    tag = "tariffs",
    params(OneTariff, ("If-Match" = Option<String>, Header, description = "ETag of the state that is to be changed.")),
    request_body = TariffSettings,
    responses(
        (status = 200, description = "The tariff as it is now.", body = Tariff, headers(("ETag" = String, description = "Of its state."))),
    ),
)]
async fn put(
    call: Call,
    Path(one): Path<OneTariff>,
    headers: HeaderMap,
    Json(settings): Json<TariffSettings>,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let named = NamedTariff {
            name: name(&one.name)?,
            tariff: read(&settings)?,
        };
        functions.put_tariff(&named, &headers)?;
        tagged(&shown(&named.name, &named.tariff)?, &HeaderMap::new())
    })
    .await
}

/// Forget a tariff
#[utoipa::path(
    delete,
    path = "/tariffs/{name}",
    operation_id = "removeTariff",
    tag = "tariffs",
    params(OneTariff, ("If-Match" = Option<String>, Header, description = "ETag of the state that is to be forgotten.")),
    responses((status = 204, description = "It is forgotten.")),
)]
async fn remove(
    call: Call,
    Path(one): Path<OneTariff>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let name = name(&one.name)?;
        let found = functions.known_tariff(&name)?;
        unchanged(&shown(&name, &found.value)?, &headers)?;
        let removed = functions.eim.store().remove_tariff(&name, found.version);
        removed.map_err(meanwhile)?;
        tracing::info!(tariff = name, "forgotten");
        no_content()
    })
    .await
}

impl Functions {
    fn known_tariff(&self, name: &str) -> Result<Versioned<fleet::price::Tariff>, Problem> {
        let found = self.eim.store().tariff(name).map_err(stored)?;
        found.ok_or_else(|| {
            let detail = "there is no tariff with this name";
            problem(
                404,
                "not found",
                detail,
                "see the list of tariffs, or make it with PUT",
            )
        })
    }

    fn put_tariff(&self, named: &NamedTariff, headers: &HeaderMap) -> Result<(), Problem> {
        let store = self.eim.store();
        let found = store.tariff(&named.name).map_err(stored)?;
        let version = found.as_ref().map_or(0, |found| found.version);
        match &found {
            Some(found) => unchanged(&shown(&named.name, &found.value)?, headers)?,
            None => still_absent(headers)?,
        }
        store.put_tariff(named, version).map_err(meanwhile)?;
        tracing::info!(tariff = named.name, "set");
        Ok(())
    }
}

fn name(text: &str) -> Result<String, Problem> {
    let name: Text = parse("name", text)?;
    Ok(name.as_str().to_string())
}

fn meanwhile(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict => {
            let detail = "somebody else changed it at the same time";
            problem(409, "changed meanwhile", detail, "get it again, and repeat")
        }
        error => stored(error),
    }
}

/// A tariff as somebody gives it, held against what a tariff can be.
fn read(settings: &TariffSettings) -> Result<fleet::price::Tariff, Problem> {
    let per_megabyte = settings.per_megabyte.as_ref();
    let tariff = fleet::price::Tariff {
        per_megabyte: per_megabyte
            .map(|amount| parse("per_megabyte", amount))
            .transpose()?,
        included: settings.included,
        step: settings.step,
        rounded: match settings.rounded {
            api::Rounded::Session => fleet::price::Rounded::Session,
            api::Rounded::Day => fleet::price::Rounded::Day,
        },
    };
    let remedy = "see the example of this function";
    let checked = tariff.check();
    checked.map_err(|error| invalid("the tariff", &error.to_string(), remedy))?;
    Ok(tariff)
}

fn shown(name: &str, tariff: &fleet::price::Tariff) -> Result<Tariff, Problem> {
    let settings = serde_json::to_value(tariff).and_then(serde_json::from_value);
    Ok(Tariff {
        name: name.to_string(),
        settings: settings.map_err(|_| internal())?,
    })
}
