//! Devices and what is known of them.

use std::collections::HashMap;

use api::{
    Device, DeviceProfiles, DeviceSettings, NewDevice, Page, Problem, SeenNetwork, StateChange,
};
use axum::response::Response;
use fleet::access::Permission;
use fleet::inventory::DeviceId;
use http::HeaderMap;
use rsp_asn1::ids::Eid;
use rsp_core::Timestamp;
use rsp_core::eim::{EuiccRecord, MAX_COUNTER_VALUE};
use serde::Deserialize;
use store::StoredDevice;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::answer::{self, created, no_content, ok, tagged, unchanged};
use super::authorise::Call;
use super::body::{Json, Path, Query};
use super::functions::parse;
use super::list::limit;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, invalid, inventory, manifest, problem, shown, stored, utc};
use crate::shell;

pub(super) fn routes() -> Routes {
    let (read, write) = (Permission::DevicesRead, Permission::DevicesWrite);
    Routes::new()
        .with(Guard::Needs(read), routes!(list))
        .with(Guard::Needs(write), routes!(add))
        .with(Guard::Needs(read), routes!(show))
        .with(Guard::Needs(write), routes!(set))
        .with(Guard::Needs(write), routes!(remove))
        .with(Guard::Needs(read), routes!(profiles))
}

/// A device in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OneDevice {
    /// EID of its eUICC, or what it is called in the inventory.
    #[param(
        pattern = "^[0-9A-Za-z._:-]{1,64}$",
        example = "89049032000000000000000000000163"
    )]
    pub(super) eid: String,
}

/// Which devices are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// `next` of the page before: devices after it.
    after: Option<String>,
    /// At most so many devices; 100 if it is absent.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    limit: Option<usize>,
    /// A query, as docs/search.md explains it; all devices if it is absent.
    #[param(example = "managed = true")]
    q: Option<String>,
    /// A saved search that they are to fit, too.
    search: Option<String>,
}

/// List devices
///
/// In the order of their identifiers. A page looks at a bounded number of devices: it
/// may have fewer than asked for, or none, and is the last only if it has no `next`.
#[utoipa::path(
    get,
    path = "/devices",
    operation_id = "listDevices",
    tag = "devices",
    params(Wanted),
    responses((status = 200, description = "A page of devices.", body = Page<Device>)),
)]
async fn list(call: Call, Query(wanted): Query<Wanted>) -> Result<Response, Refusal> {
    call.work(move |functions| {
        let page = functions.devices(&wanted)?;
        let filters = [("q", &wanted.q), ("search", &wanted.search)];
        answer::paged("/devices", limit(wanted.limit)?, &filters, &page)
    })
    .await
}

/// Add a device
///
/// One whose eUICC was told of this eIM.
#[utoipa::path(
    post,
    path = "/devices",
    operation_id = "addDevice",
    tag = "devices",
    request_body = NewDevice,
    responses((status = 201, description = "It is added.", body = Device)),
)]
async fn add(call: Call, Json(new): Json<NewDevice>) -> Result<Response, Refusal> {
    call.work(move |functions| created(&functions.add_device(&new)?))
        .await
}

/// Show a device
#[utoipa::path(
    get,
    path = "/devices/{eid}",
    operation_id = "getDevice",
    tag = "devices",
    params(OneDevice, ("If-None-Match" = Option<String>, Header, description = "ETag of what is known.")),
    responses(
        (status = 200, description = "The device.", body = Device, headers(("ETag" = String, description = "Of its state."))),
        (status = 304, description = "It is still as `If-None-Match` says."),
    ),
)]
async fn show(
    call: Call,
    Path(one): Path<OneDevice>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    call.work(move |functions| tagged(&functions.device(&one.eid)?, &headers))
        .await
}

/// Change what is set for a device
#[utoipa::path(
    patch,
    path = "/devices/{eid}",
    operation_id = "setDevice",
    tag = "devices",
    params(OneDevice, ("If-Match" = Option<String>, Header, description = "ETag of the state that is to be changed.")),
    request_body = DeviceSettings,
    responses(
        (status = 200, description = "The device as it is now.", body = Device),
    ),
)]
async fn set(
    call: Call,
    Path(one): Path<OneDevice>,
    headers: HeaderMap,
    Json(settings): Json<DeviceSettings>,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        unchanged(&functions.device(&one.eid)?, &headers)?;
        ok(&functions.set_device(&one.eid, &settings)?)
    })
    .await
}

/// Forget a device
///
/// What its eUICC signed is kept.
#[utoipa::path(
    delete,
    path = "/devices/{eid}",
    operation_id = "removeDevice",
    tag = "devices",
    params(OneDevice, ("If-Match" = Option<String>, Header, description = "ETag of the state that is to be forgotten.")),
    responses(
        (status = 204, description = "It is forgotten."),
    ),
)]
async fn remove(
    call: Call,
    Path(one): Path<OneDevice>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    call.work(move |functions| {
        unchanged(&functions.device(&one.eid)?, &headers)?;
        functions.remove_device(&one.eid)?;
        no_content()
    })
    .await
}

/// List the profiles on a device
///
/// As its eUICC signed the last list, and as signed results have changed it since.
#[utoipa::path(
    get,
    path = "/devices/{eid}/profiles",
    operation_id = "listDeviceProfiles",
    tag = "devices",
    params(OneDevice),
    responses((status = 200, description = "Its profiles.", body = DeviceProfiles)),
)]
async fn profiles(call: Call, Path(one): Path<OneDevice>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.device_profiles(&one.eid)?))
        .await
}

impl Functions {
    pub(super) fn add_device(&self, new: &NewDevice) -> Result<Device, Problem> {
        let eid = parse("eid", &new.eid)?;
        check_counters(new.counter_value, new.association_token)?;
        let record = EuiccRecord {
            empty_response: new.empty_response,
            emulated: new.emulated,
            ..EuiccRecord::new(eid, new.association_token, new.counter_value)
        };
        self.eim.add_euicc(&record).map_err(stored)?;
        tracing::info!(%eid, "added");
        self.device(&new.eid)
    }

    fn devices(&self, wanted: &Wanted) -> Result<Page<Device>, Problem> {
        let mut query = inventory::query(wanted.q.as_deref())?;
        if let Some(name) = &wanted.search {
            let saved = self.saved_search(name)?;
            query = query.and(inventory::query(Some(&saved.query))?);
        }
        let after = wanted.after.as_ref().map(|after| parse("after", after));
        let (after, limit) = (after.transpose()?, limit(wanted.limit)?);
        let store = self.eim.store();
        let page = store.search(&query, after.as_ref(), limit, shell::now());
        let page = page.map_err(stored)?;
        let managed = page.devices.iter().filter(|found| found.managed);
        let eids: Vec<Eid> = managed.flat_map(|found| found.device.eids()).collect();
        let records = store.euiccs_among(&eids).map_err(stored)?;
        let records = records.into_iter().map(|record| (record.eid, record));
        let mut records: HashMap<_, _> = records.collect();
        let devices = page.devices.iter().map(|found| {
            let record = found.device.eids().find_map(|eid| records.remove(&eid));
            self.both(found, record)
        });
        let devices: Result<Vec<_>, _> = devices.collect();
        Ok(Page {
            items: devices?,
            next: page.next.map(|next| next.to_string()),
        })
    }

    /// A device by its identifier or by its EID.
    pub(super) fn device(&self, id: &str) -> Result<Device, Problem> {
        match self.in_inventory(id)? {
            Some(found) => self.both(&found, self.managed(&found)?),
            None => {
                let record = self.record(id)?;
                let contact = self.eim.contact(record.eid).map_err(stored)?;
                self.shown(&record, contact.map(|contact| contact.last))
            }
        }
    }

    /// A device of the inventory by its identifier, or by its EID.
    fn in_inventory(&self, id: &str) -> Result<Option<StoredDevice>, Problem> {
        match id.parse::<DeviceId>() {
            Ok(id) => self.eim.store().device_named(&id).map_err(stored),
            Err(_) => Ok(None),
        }
    }

    /// What the eIM knows of the first eUICC of a device that it manages.
    fn managed(&self, found: &StoredDevice) -> Result<Option<EuiccRecord>, Problem> {
        for eid in found.device.eids().filter(|_| found.managed) {
            if let Some(record) = self.eim.store().euicc(eid).map_err(stored)? {
                return Ok(Some(record.value));
            }
        }
        Ok(None)
    }

    /// A device as the inventory has it, with what the eIM knows of its first eUICC that
    /// it manages, and when any of them polled.
    fn both(&self, found: &StoredDevice, record: Option<EuiccRecord>) -> Result<Device, Problem> {
        let managed = record.is_some();
        let eid = found.device.eids().next();
        let heard = found.device.eids().filter_map(|eid| self.eim.heard(eid));
        let last_contact = heard.chain(found.last_contact).max();
        let none = || EuiccRecord::new(eid.unwrap_or(Eid::from_bytes([0; 16])), None, 0);
        let mut device = self.shown(&record.unwrap_or_else(none), last_contact)?;
        if !managed && eid.is_none() {
            device.eid.clear();
        }
        device.id = found.device.id.to_string();
        device.managed = managed;
        device.inventory = Some(inventory::shown(&found.device)?);
        Ok(device)
    }

    pub(super) fn set_device(
        &self,
        eid: &str,
        settings: &DeviceSettings,
    ) -> Result<Device, Problem> {
        let known = self.record(eid)?.eid;
        if let Some(empty_response) = settings.empty_response {
            let set = self
                .eim
                .set_empty_response(known, empty_response, shell::now());
            set.map_err(stored)?;
        }
        if let Some(emulated) = settings.emulated {
            let set = self.eim.set_emulated(known, emulated, shell::now());
            set.map_err(stored)?;
            tracing::warn!(eid = %known, emulated, "whether the device answers unsigned for its eUICC");
        }
        self.device(eid)
    }

    pub(super) fn remove_device(&self, id: &str) -> Result<(), Problem> {
        let Some(found) = self.in_inventory(id)? else {
            let eid = self.record(id)?.eid;
            return self.eim.remove_euicc(eid).map_err(stored);
        };
        for eid in found.device.eids() {
            if self.eim.store().euicc(eid).map_err(stored)?.is_some() {
                self.eim.remove_euicc(eid).map_err(stored)?;
            }
        }
        let removed = self.eim.store().remove_device(&found.device.id);
        removed.map_err(stored)?;
        tracing::info!(device = %found.device.id, "removed");
        Ok(())
    }

    pub(super) fn device_profiles(&self, eid: &str) -> Result<DeviceProfiles, Problem> {
        let Some(list) = self.record(eid)?.profiles else {
            return Ok(DeviceProfiles {
                at: None,
                unverified: false,
                emulated: false,
                stale: false,
                profiles: Vec::new(),
            });
        };
        Ok(DeviceProfiles {
            at: Some(utc(list.at)),
            unverified: list.unverified,
            emulated: list.emulated,
            stale: list.stale,
            profiles: list.profiles.iter().map(shown::profile).collect(),
        })
    }

    pub(super) fn record(&self, eid: &str) -> Result<EuiccRecord, Problem> {
        let named = match eid.parse::<Eid>() {
            Ok(_) => None,
            Err(_) => self.in_inventory(eid)?,
        };
        if let Some(found) = named {
            let none = || {
                let detail = "this eIM manages no eUICC of the device";
                problem(404, "not found", detail, "add its eUICC first")
            };
            return self.managed(&found)?.ok_or_else(none);
        }
        let eid: Eid = parse("eid", eid)?;
        let found = self.eim.store().euicc(eid).map_err(stored)?;
        let unknown = || {
            let detail = format!("there is no device with the EID {eid}");
            problem(
                404,
                "not found",
                &detail,
                "check the EID, or add the device first",
            )
        };
        Ok(found.ok_or_else(unknown)?.value)
    }

    fn shown(
        &self,
        record: &EuiccRecord,
        last_contact: Option<Timestamp>,
    ) -> Result<Device, Problem> {
        let change = |change: &rsp_core::eim::StateChange| StateChange {
            cause: change.cause,
            at: utc(change.at),
        };
        let network = |seen: &rsp_core::eim::SeenNetwork| SeenNetwork {
            plmn: seen.plmn.clone(),
            first: utc(seen.first),
            last: utc(seen.last),
        };
        Ok(Device {
            id: record.eid.to_string(),
            managed: true,
            inventory: None,
            eid: record.eid.to_string(),
            association_token: record.association_token,
            counter_value: record.counter_value,
            certified: record.public_key.is_some(),
            empty_response: record.empty_response,
            emulated: record.emulated,
            iot_euicc: record.facts.is_iot_euicc(),
            accepts_unverified: self.eim.eim().lab.accepts_unverified(record.eid),
            last_contact: last_contact.map(utc),
            state_changes: record.state_changes.iter().map(change).collect(),
            networks: record.networks.iter().map(network).collect(),
            facts: shown::facts(&record.facts),
            dissociated: record.dissociated.map(utc),
            zero_touch: record.zero_touch.as_ref().map(manifest::shown),
            ipa_build: record.facts.build.as_ref().map(shown::build),
            listener: record.listener.as_ref().map(|at| at.url().to_string()),
        })
    }
}

/// What a factory says of counter and token.
pub(super) fn check_counters(counter: i64, token: Option<i64>) -> Result<(), Problem> {
    if !(0..MAX_COUNTER_VALUE).contains(&counter) {
        let remedy = "give the counterValue of the eIM configuration data";
        return Err(invalid("counter_value", "out of range", remedy));
    }
    if token.is_some_and(|token| token < 0) {
        let remedy = "give the token that the eUICC answered";
        return Err(invalid("association_token", "negative", remedy));
    }
    Ok(())
}
