//! Pre-shared keys of devices.

use std::fmt::Write;

use api::{NewPsk, Problem, Psk};
use axum::response::Response;
use fleet::access::Permission;
use rsp_crypto::Rng;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::answer::{created, no_content};
use super::authorise::Call;
use super::body::{Json, Path};
use super::devices::OneDevice;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, stored};
use crate::shell;

/// Octets of a key: AES-128 needs half of them.
const KEY: usize = 32;

/// Octets of the longest identity (RFC 4279 5.3 demands as many).
const MAX_IDENTITY: usize = 128;

pub(super) fn routes() -> Routes {
    let guard = Guard::Needs(Permission::DevicesWrite);
    Routes::new()
        .with(guard, routes!(make))
        .with(guard, routes!(remove))
}

/// Make a pre-shared key for CoAP over DTLS
///
/// It is shown this once. The one before is of no use any more.
#[utoipa::path(
    post,
    path = "/devices/{eid}/psk",
    operation_id = "makeDevicePsk",
    tag = "devices",
    params(OneDevice),
    request_body = NewPsk,
    responses((status = 201, description = "The key.", body = Psk)),
)]
async fn make(
    call: Call,
    Path(one): Path<OneDevice>,
    Json(new): Json<NewPsk>,
) -> Result<Response, Refusal> {
    call.work(move |functions| created(&functions.make_psk(&one.eid, &new)?))
        .await
}

/// Forget the pre-shared key of a device
#[utoipa::path(
    delete,
    path = "/devices/{eid}/psk",
    operation_id = "removeDevicePsk",
    tag = "devices",
    params(OneDevice),
    responses((status = 204, description = "It is forgotten.")),
)]
async fn remove(call: Call, Path(one): Path<OneDevice>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        functions.remove_psk(&one.eid)?;
        no_content()
    })
    .await
}

impl Functions {
    /// Makes a key; the one before is of no use any more.
    pub(super) fn make_psk(&self, eid: &str, new: &NewPsk) -> Result<Psk, Problem> {
        let eid = self.record(eid)?.eid;
        let identity = new.identity.clone().unwrap_or_else(|| eid.to_string());
        let printable = identity.chars().all(|sign| !sign.is_control());
        if identity.is_empty() || identity.len() > MAX_IDENTITY || !printable {
            let remedy = "give 1 to 128 printable characters, or none for the EID";
            return Err(invalid("identity", "no identity", remedy));
        }
        let mut key = Zeroizing::new([0; KEY]);
        let mut rng = shell::random().map_err(|_| internal())?;
        rng.fill(key.as_mut_slice());
        let store = self.eim.store();
        store
            .put_psk(eid, &identity, key.as_slice())
            .map_err(stored)?;
        tracing::info!(%eid, identity, "has a new pre-shared key");
        let mut digits = String::with_capacity(2 * KEY);
        for octet in key.iter() {
            // Writing to a text does not fail.
            let _ = write!(digits, "{octet:02x}");
        }
        Ok(Psk {
            eid: eid.to_string(),
            identity,
            key: digits,
        })
    }

    pub(super) fn remove_psk(&self, eid: &str) -> Result<(), Problem> {
        let eid = self.record(eid)?.eid;
        self.eim.store().remove_psk(eid).map_err(stored)?;
        tracing::info!(%eid, "has no pre-shared key any more");
        Ok(())
    }
}
