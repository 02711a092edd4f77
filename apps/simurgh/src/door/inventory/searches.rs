//! Searches that have a name.

use api::{NewSearch, Page, Problem, SavedSearch};
use axum::response::Response;
use fleet::access::Permission;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::query;
use crate::door::Functions;
use crate::door::answer::{self, no_content, ok, utc};
use crate::door::authorise::Call;
use crate::door::body::{Json, Path, Query};
use crate::door::functions::parse;
use crate::door::list::{Listing, page};
use crate::door::problem::{Refusal, problem, stored};
use crate::door::routes::{Guard, Routes};
use crate::shell;

pub(super) fn routes() -> Routes {
    let (read, write) = (Permission::SearchesRead, Permission::SearchesWrite);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(read), routes!(show))
        .with(Guard::Needs(write), routes!(put))
        .with(Guard::Needs(write), routes!(remove))
}

/// A search in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneSearch {
    /// Its name.
    #[param(pattern = "^[0-9A-Za-z._:-]{1,64}$", example = "silent")]
    name: String,
}

/// List saved searches
#[utoipa::path(
    get,
    path = "/searches",
    operation_id = "listSearches",
    tag = "searches",
    params(Listing),
    responses((status = 200, description = "A page of them, by name.", body = Page<SavedSearch>)),
)]
async fn list(call: Call, Query(listing): Query<Listing>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let limit = listing.limit()?;
        let after = listing.after.as_deref();
        let searches = functions.eim.store().searches(after, limit + 1);
        let searches = searches.map_err(stored)?.iter().map(shown).collect();
        let page = page(searches, limit, |search: &SavedSearch| search.name.clone());
        answer::paged("/searches", limit, &[], &page)
    })
    .await
}

/// Show a saved search
#[utoipa::path(
    get,
    path = "/searches/{name}",
    operation_id = "getSearch",
    tag = "searches",
    params(OneSearch),
    responses((status = 200, description = "The search.", body = SavedSearch)),
)]
async fn show(call: Call, Path(one): Path<OneSearch>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&shown(&functions.saved_search(&one.name)?)))
        .await
}

/// Save a search under a name
///
/// Another query under the same name takes the place of the first.
#[utoipa::path(
    put,
    path = "/searches/{name}",
    operation_id = "putSearch",
    tag = "searches",
    params(OneSearch),
    request_body = NewSearch,
    responses((status = 200, description = "It is saved.", body = SavedSearch)),
)]
async fn put(
    call: Call,
    Path(one): Path<OneSearch>,
    Json(new): Json<NewSearch>,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let name: fleet::inventory::DeviceId = parse("name", &one.name)?;
        let search = store::SavedSearch {
            name: name.to_string(),
            query: query(Some(&new.query))?.to_string(),
            saved: shell::now(),
        };
        functions.eim.store().put_search(&search).map_err(stored)?;
        ok(&shown(&search))
    })
    .await
}

/// Forget a saved search
#[utoipa::path(
    delete,
    path = "/searches/{name}",
    operation_id = "removeSearch",
    tag = "searches",
    params(OneSearch),
    responses((status = 204, description = "It is forgotten.")),
)]
async fn remove(call: Call, Path(one): Path<OneSearch>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        functions
            .eim
            .store()
            .remove_search(&one.name)
            .map_err(stored)?;
        no_content()
    })
    .await
}

fn shown(search: &store::SavedSearch) -> SavedSearch {
    SavedSearch {
        name: search.name.clone(),
        query: search.query.clone(),
        saved: utc(search.saved),
    }
}

impl Functions {
    /// A search by its name.
    pub(in crate::door) fn saved_search(&self, name: &str) -> Result<store::SavedSearch, Problem> {
        let found = self.eim.store().saved_search(name).map_err(stored)?;
        found.ok_or_else(|| {
            let detail = "there is no search with this name";
            problem(404, "not found", detail, "see the list of saved searches")
        })
    }
}
