//! One device of the inventory.

use api::{InventoryDevice, Problem, ProfileChange, ProfileHistory};
use axum::response::Response;
use fleet::access::Permission;
use http::HeaderMap;
use store::StoredDevice;
use utoipa_axum::routes;

use super::{OneDevice, given, shown};
use crate::door::Functions;
use crate::door::answer::{ok, tagged, unchanged, utc};
use crate::door::authorise::Call;
use crate::door::body::{Json, Path};
use crate::door::functions::parse;
use crate::door::problem::{Refusal, internal, invalid, problem, stored};
use crate::door::routes::{Guard, Routes};
use crate::shell;

pub(super) fn routes() -> Routes {
    let (read, write) = (Permission::DevicesRead, Permission::DevicesWrite);
    Routes::new()
        .with(Guard::Needs(read), routes!(show))
        .with(Guard::Needs(write), routes!(put))
        .with(Guard::Needs(read), routes!(history))
}

/// Show a device of the inventory
#[utoipa::path(
    get,
    path = "/devices/{eid}/inventory",
    operation_id = "getInventoryDevice",
    tag = "devices",
    params(OneDevice, ("If-None-Match" = Option<String>, Header, description = "ETag of what is known.")),
    responses(
        (status = 200, description = "The device.", body = InventoryDevice, headers(("ETag" = String, description = "Of its state."))),
        (status = 304, description = "It is still as `If-None-Match` says."),
    ),
)]
async fn show(
    call: Call,
    Path(one): Path<OneDevice>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let id = functions.device_id(&one.eid)?;
        let found = functions.eim.store().device(&id).map_err(stored)?;
        let found = found.ok_or_else(internal)?;
        tagged(&shown(&found.device)?, &headers)
    })
    .await
}

/// Put a device into the inventory
///
/// A new one, or another description of a known one. The service state of a SIM that
/// it has already changes as its life allows.
#[utoipa::path(
    put,
    path = "/devices/{eid}/inventory",
    operation_id = "putInventoryDevice",
    tag = "devices",
    params(OneDevice, ("If-Match" = Option<String>, Header, description = "ETag of the state that is to be changed.")),
    request_body = InventoryDevice,
    responses(
        (status = 200, description = "The device as it is now.", body = InventoryDevice),
        (status = 409, description = "Another device has one of its identities, or it was changed meanwhile.", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn put(
    call: Call,
    Path(one): Path<OneDevice>,
    headers: HeaderMap,
    Json(device): Json<InventoryDevice>,
) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.put_device(&one.eid, &device, &headers)?))
        .await
}

/// Show what happened to the profiles of a device
#[utoipa::path(
    get,
    path = "/devices/{eid}/profile-history",
    operation_id = "getProfileHistory",
    tag = "devices",
    params(OneDevice),
    responses((status = 200, description = "As its eUICCs signed it.", body = ProfileHistory)),
)]
async fn history(call: Call, Path(one): Path<OneDevice>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.profile_history(&one.eid)?))
        .await
}

impl Functions {
    fn put_device(
        &self,
        id: &str,
        new: &InventoryDevice,
        headers: &HeaderMap,
    ) -> Result<InventoryDevice, Problem> {
        let device = given(new).map_err(|what| invalid("the body", &what, "correct it"))?;
        let id: fleet::inventory::DeviceId = parse("id", id)?;
        if device.id != id {
            return Err(invalid(
                "id",
                "another one than in the path",
                "give the same",
            ));
        }
        if device.sims.iter().any(|sim| sim.eim.is_some()) {
            let remedy = "use an import, or POST /v1/devices";
            return Err(invalid("sims.eim", "not taken here", remedy));
        }
        let known = self.eim.store().device(&id).map_err(stored)?;
        if let Some(known) = &known {
            unchanged(&shown(&known.device)?, headers)?;
            check_states(known, &device)?;
        }
        let version = known.map_or(0, |known| known.version);
        let put = self.eim.store().put_device(&device, version, shell::now());
        put.map_err(conflicting)?;
        shown(&device)
    }

    fn profile_history(&self, id: &str) -> Result<ProfileHistory, Problem> {
        let id = self.device_id(id)?;
        let found = self.eim.store().device(&id).map_err(stored)?;
        let mut changes = Vec::new();
        for eid in found.iter().flat_map(|found| found.device.eids()) {
            let history = self.eim.store().profile_history(eid).map_err(stored)?;
            changes.extend(history.into_iter().map(|change| (change.at, eid, change)));
        }
        changes.sort_by_key(|(at, eid, _)| (*at, *eid));
        let shown =
            |(at, eid, change): (_, rsp_asn1::ids::Eid, store::ProfileChange)| ProfileChange {
                eid: eid.to_string(),
                iccid: change.iccid.to_string(),
                event: change.event.name().to_string(),
                at: utc(at),
            };
        Ok(ProfileHistory {
            changes: changes.into_iter().map(shown).collect(),
        })
    }
}

/// SIMs that are in both, by EID or ICCID, change their state as it may.
fn check_states(known: &StoredDevice, device: &fleet::inventory::Device) -> Result<(), Problem> {
    let iccid = |sim: &fleet::inventory::Sim| sim.profiles.first().map(|profile| profile.iccid);
    for sim in &device.sims {
        let before = known.device.sims.iter().find(|before| match sim.eid {
            Some(eid) => before.eid == Some(eid),
            None => before.eid.is_none() && iccid(sim).is_some() && iccid(before) == iccid(sim),
        });
        if let Some(before) = before
            && let Err(bad) = before.state.become_state(sim.state)
        {
            return Err(invalid(
                "sims.state",
                &bad.to_string(),
                "choose one of these",
            ));
        }
    }
    Ok(())
}

/// What two devices cannot have is a conflict, and says which they are.
fn conflicting(error: store::StoreError) -> Problem {
    match error {
        store::StoreError::Identity(conflict) => {
            let remedy = "correct this device, or the one that has it";
            problem(409, "conflict", &conflict.to_string(), remedy)
        }
        store::StoreError::Conflict => {
            let detail = "the device was changed meanwhile";
            problem(409, "conflict", detail, "get it again and repeat")
        }
        other => stored(other),
    }
}
