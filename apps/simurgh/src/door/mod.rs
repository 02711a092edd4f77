//! The northbound API: who may come in, and which function is where.

mod access;
mod answer;
mod authorise;
mod body;
mod caller;
mod camara;
mod code_orders;
mod deliveries;
mod devices;
mod docs;
mod document;
mod eims;
mod events;
mod functions;
mod health;
mod idempotency;
mod inventory;
mod ledger;
mod limits;
mod list;
mod listener;
mod manifest;
mod metrics;
mod operations;
mod order;
mod price;
mod problem;
mod psk;
mod routes;
mod shown;
mod stock;
mod system;
mod tariffs;
mod tenanted;
mod touched;
mod webhooks;

use std::sync::Arc;
use std::time::Instant;

use api::Problem;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{Method, Uri};
use rsp_net::server::RequestBody;
use rsp_net::{Peer, StreamHandler};
use store::Tenant;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;

use answer::utc;
use authorise::{Call, admit, asked};
use events::Feeds;
use limits::Limiter;
use problem::Refusal;
use routes::{Route, Routes};
use tenanted::Functions;

pub(crate) use caller::{Authenticate, BuiltIn, Caller, Presented};
pub(crate) use limits::Rates;
pub(crate) use problem::{internal, invalid, problem, stored};
pub(crate) use tenanted::AllFunctions;
pub(crate) use touched::DeviceRates;

use crate::access::{Access, Machines, People, Programs};
use crate::metrics::Requests;
use crate::traces::{self, Span};

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Door(Arc<Inside>);

struct Inside {
    functions: AllFunctions,
    /// Asked in this order until one knows the caller.
    authenticators: Vec<Box<dyn Authenticate>>,
    access: Access,
    limiter: Limiter,
    device_rates: DeviceRates,
    requests: Requests,
}

impl Door {
    pub(crate) fn new(
        functions: AllFunctions,
        administrator: BuiltIn,
        access: Access,
        rates: Rates,
        device_rates: DeviceRates,
    ) -> Self {
        let authenticators: Vec<Box<dyn Authenticate>> = vec![
            Box::new(administrator),
            Box::new(Programs(access.clone())),
            Box::new(People(access.clone())),
            Box::new(Machines(access.clone())),
        ];
        Door(Arc::new(Inside {
            functions,
            authenticators,
            access,
            limiter: Limiter::new(rates),
            device_rates,
            requests: Requests::default(),
        }))
    }

    /// Who asks, if somebody knows.
    fn authenticate(&self, presented: &Presented) -> Result<Option<Caller>, Problem> {
        for authenticator in &self.0.authenticators {
            if let Some(caller) = authenticator.authenticate(presented)? {
                let caller = self.0.access.on_tenant(caller, &presented.headers)?;
                return Ok(Some(caller));
            }
        }
        Ok(None)
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }
}

impl Call {
    /// The tenant on whose things the caller works.
    fn store_tenant(&self) -> Result<Tenant, Problem> {
        self.caller.tenant.parse().map_err(|_| internal())
    }

    /// Works on the events of the caller's tenant.
    async fn feeds<F>(&self, work: F) -> Result<Response, Refusal>
    where
        F: FnOnce(&Feeds) -> Result<Response, Problem> + Send + 'static,
    {
        let feeds = Feeds::of(self)?;
        self.work(move |_| work(&feeds)).await
    }

    /// Works on the things of the caller's tenant: on a thread that may block, and on
    /// behalf of the caller.
    async fn work<F, T>(&self, work: F) -> Result<T, Refusal>
    where
        F: FnOnce(&Arc<Functions>) -> Result<T, Problem> + Send + 'static,
        T: Send + 'static,
    {
        let functions = self.door.0.functions.of(&self.store_tenant()?);
        let caller = self.caller.clone();
        let work = move || store::acting(&caller.principal, || work(&functions));
        let work = idempotency::carried(work);
        let span = traces::store();
        let worked = async { tokio::task::spawn_blocking(traces::carried(work)).await };
        let worked = span.within(worked).await;
        let worked = worked.unwrap_or_else(|error| {
            tracing::error!(%error, "a handler ended early");
            Err(internal())
        });
        Ok(worked?)
    }
}

/// All routes of the API.
fn routes() -> Routes {
    Routes::new()
        .and(devices::routes())
        .and(inventory::routes())
        .and(manifest::routes())
        .and(psk::routes())
        .and(listener::routes())
        .and(operations::routes())
        .and(price::routes())
        .and(tariffs::routes())
        .and(stock::routes())
        .and(ledger::routes())
        .and(code_orders::routes())
        .and(eims::routes())
        .and(events::routes())
        .and(webhooks::routes())
        .and(deliveries::routes())
        .and(access::routes())
        .and(system::routes())
        .under(api::V1)
        .and(camara::routes())
        .and(health::routes())
        .and(metrics::routes())
        .and(docs::routes())
}

/// The OpenAPI document.
pub(crate) fn document() -> OpenApi {
    let (_, document) = routes().split();
    document::whole(document)
}

/// Answers HTTP requests.
pub(crate) struct Served {
    door: Door,
    router: Router,
}

impl Served {
    pub(crate) fn new(door: Door) -> Self {
        let (router, _) = routes().split();
        let router = router
            .fallback(nothing_here)
            .method_not_allowed_fallback(no_such_method);
        Served { door, router }
    }
}

impl StreamHandler for Served {
    type Body = Body;

    async fn handle(&self, request: http::Request<RequestBody>, peer: &Peer) -> Response {
        let mut request = request.map(Body::new);
        let extensions = request.extensions_mut();
        extensions.insert(self.door.clone());
        extensions.insert(Arc::new(peer.clone()));
        let asked = request.method().clone();
        let begun = Instant::now();
        let mut span = traces::served("HTTP", request.headers());
        let answered = self.router.clone().oneshot(request);
        let response = match span.within(answered).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let route: Option<&Route> = response.extensions().get();
        let route = route.map_or("", |route| route.0.as_str());
        let (requests, status) = (&self.door.0.requests, response.status().as_u16());
        // What is no route is asked with any method there is.
        let method = if route.is_empty() { "" } else { asked.as_str() };
        requests.answered(route, method, status, begun.elapsed());
        if span.is_kept() {
            tell(&mut span, route, &asked, status);
        }
        response
    }
}

/// Methods that are called by their names where there is no route.
const KNOWN: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// What a span says of a request: its route, and neither path nor query.
fn tell(span: &mut Span, route: &str, method: &Method, status: u16) {
    // A method that somebody made up is not repeated.
    let known = !route.is_empty() || KNOWN.contains(method);
    let method = if known { method.as_str() } else { "_OTHER" };
    if !route.is_empty() {
        span.rename(|| format!("{method} {route}"));
        span.put("http.route", route.to_string());
    } else if known {
        span.rename(|| method.to_string());
    }
    span.put("http.request.method", method.to_string());
    span.put("url.scheme", "https");
    span.status(status);
}

/// Who is known is told that there is no such path; who is not learns nothing.
async fn nothing_here(method: Method, uri: Uri, request: Request) -> Response {
    if let Err(refusal) = admit(asked(&request)).await {
        return refusal.into_response();
    }
    let detail = format!("there is no {method} {}", uri.path());
    let remedy = "see /v1/openapi.json for what there is";
    Refusal::from(problem(404, "not found", &detail, remedy)).into_response()
}

async fn no_such_method(method: Method, uri: Uri, request: Request) -> Response {
    if let Err(refusal) = admit(asked(&request)).await {
        return refusal.into_response();
    }
    let detail = format!("there is no {method} {}", uri.path());
    let remedy = "use one of those that Allow names";
    Refusal::from(problem(405, "method not allowed", &detail, remedy)).into_response()
}

#[cfg(test)]
mod tests;
