//! Devices that listen: packages are brought to them.

use api::{Device, NewListener, Problem};
use axum::response::Response;
use fleet::access::Permission;
use rsp_core::eim::transfer::Listener;
use rsp_core::pki::certificate_from_pem;
use utoipa_axum::routes;

use super::answer::{no_content, ok};
use super::authorise::Call;
use super::body::{Json, Path};
use super::devices::OneDevice;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, invalid, problem, stored};
use crate::inject::Pushes;
use crate::shell;

pub(super) fn routes() -> Routes {
    let guard = Guard::Needs(Permission::DevicesWrite);
    Routes::new()
        .with(guard, routes!(set))
        .with(guard, routes!(remove))
        .with(Guard::Needs(Permission::OperationsWrite), routes!(push))
}

/// Say where a device listens
///
/// What waits for it is brought there (TransferEimPackage) in place of being
/// fetched.
#[utoipa::path(
    put,
    path = "/devices/{eid}/listener",
    operation_id = "setDeviceListener",
    tag = "devices",
    params(OneDevice),
    request_body = NewListener,
    responses(
        (status = 200, description = "The device as it is now.", body = Device),
        (status = 409, description = "This server brings nothing to devices.", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn set(
    call: Call,
    Path(one): Path<OneDevice>,
    Json(new): Json<NewListener>,
) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.set_listener(&one.eid, &new)?))
        .await
}

/// Say that a device listens no more
#[utoipa::path(
    delete,
    path = "/devices/{eid}/listener",
    operation_id = "removeDeviceListener",
    tag = "devices",
    params(OneDevice),
    responses((status = 204, description = "It is polled for.")),
)]
async fn remove(call: Call, Path(one): Path<OneDevice>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        functions.remove_listener(&one.eid)?;
        no_content()
    })
    .await
}

/// Bring what waits for a device that listens, now
#[utoipa::path(
    post,
    path = "/devices/{eid}/push",
    operation_id = "pushToDevice",
    tag = "devices",
    params(OneDevice),
    responses((status = 204, description = "It is tried.")),
)]
async fn push(call: Call, Path(one): Path<OneDevice>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        functions.push(&one.eid)?;
        no_content()
    })
    .await
}

impl Functions {
    /// Says where a device listens.
    pub(super) fn set_listener(&self, eid: &str, new: &NewListener) -> Result<Device, Problem> {
        let pushes = self.pushes()?;
        let known = self.record(eid)?.eid;
        let certificate = certificate_from_pem(&new.certificate).ok_or_else(|| {
            let remedy = "give the device's certificate, or the CA's, in PEM";
            invalid("certificate", "no certificate", remedy)
        })?;
        let listener = Listener::new(new.url.clone(), &certificate)
            .map_err(|error| invalid("url", &error.to_string(), "give such an address"))?;
        let set = self.eim.set_listener(known, Some(&listener), shell::now());
        set.map_err(stored)?;
        tracing::info!(eid = %known, url = listener.url(), "listens");
        pushes.tell(known);
        self.device(eid)
    }

    /// It listens no more.
    pub(super) fn remove_listener(&self, eid: &str) -> Result<(), Problem> {
        let known = self.record(eid)?.eid;
        let set = self.eim.set_listener(known, None, shell::now());
        set.map_err(stored)?;
        tracing::info!(eid = %known, "listens no more");
        Ok(())
    }

    /// Has brought what waits for a device.
    pub(super) fn push(&self, eid: &str) -> Result<(), Problem> {
        let pushes = self.pushes()?;
        let record = self.record(eid)?;
        if record.listener.is_none() {
            let remedy = "say where with `simurgh device listener`";
            return Err(problem(409, "does not listen", "the device polls", remedy));
        }
        pushes.tell(record.eid);
        Ok(())
    }

    fn pushes(&self) -> Result<&Pushes, Problem> {
        self.pushes.as_ref().ok_or_else(|| {
            let detail = "this server brings nothing to devices";
            let remedy = "set eim.inject, and give the eIM a client certificate: eim_inject.pem";
            problem(409, "not configured", detail, remedy)
        })
    }
}
