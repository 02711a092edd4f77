//! `POST /v1/manifests`: devices that a factory announces.

use api::{Announced, AnnouncedDevices, Manifest, ManifestDevice, Problem, ZeroTouch};
use axum::response::Response;
use fleet::access::Permission;
use rsp_asn1::ids::Eid;
use rsp_core::eim::{self, EuiccRecord, ManifestEntry, ZeroTouchStage};
use store::StoreError;
use utoipa_axum::routes;

use super::answer::ok;
use super::authorise::Call;
use super::body::Json;
use super::functions::parse;
use super::problem::Refusal;
use super::routes::{Guard, Routes};
use super::{Functions, internal, invalid, stored};
use crate::shell;

/// Entries of one request.
const MOST: usize = 1000;

pub(super) fn routes() -> Routes {
    Routes::new().with(Guard::Needs(Permission::DevicesWrite), routes!(announce))
}

/// Announce devices as a factory made them
///
/// Each is known when it polls for the first time, checked, and given its profile
/// by the rules of the server. An entry is added whole or refused, each for
/// itself.
#[utoipa::path(
    post,
    path = "/manifests",
    operation_id = "announceDevices",
    tag = "devices",
    request_body = Manifest,
    responses((status = 200, description = "What became of each.", body = AnnouncedDevices)),
)]
async fn announce(call: Call, Json(manifest): Json<Manifest>) -> Result<Response, Refusal> {
    call.work(move |functions| ok(&functions.announce(&manifest)?))
        .await
}

impl Functions {
    /// Each entry for itself: one that is refused does not keep the others out.
    pub(super) fn announce(&self, manifest: &Manifest) -> Result<AnnouncedDevices, Problem> {
        if manifest.devices.len() > MOST {
            let remedy = "give them in parts";
            return Err(invalid("devices", "more than 1000", remedy));
        }
        let mut devices = Vec::new();
        for device in &manifest.devices {
            let (result, reason) = match self.announce_one(device) {
                Ok(result) => (result, None),
                Err(problem) if problem.status >= 500 => return Err(problem),
                Err(problem) => ("refused", Some(problem.detail)),
            };
            devices.push(Announced {
                eid: device.eid.clone(),
                result: result.to_string(),
                reason,
            });
        }
        let added = devices.iter().filter(|device| device.result == "added");
        tracing::info!(of = devices.len(), added = added.count(), "announced");
        Ok(AnnouncedDevices { devices })
    }

    fn announce_one(&self, device: &ManifestDevice) -> Result<&'static str, Problem> {
        let eid: Eid = parse("eid", &device.eid)?;
        super::devices::check_counters(device.counter_value, device.association_token)?;
        let entry = entry(device)?;
        let record = EuiccRecord {
            emulated: device.emulated,
            ..EuiccRecord::new(eid, device.association_token, device.counter_value)
        };
        let announced = shell::with_context(|cx| self.eim.announce(record, entry.clone(), cx));
        match announced.map_err(|_| internal())? {
            Ok(()) => Ok("added"),
            Err(StoreError::Exists(_)) => self.known(eid, &entry),
            Err(error) => Err(stored(error)),
        }
    }

    /// A manifest that is given once more changes nothing.
    fn known(&self, eid: Eid, entry: &ManifestEntry) -> Result<&'static str, Problem> {
        let found = self.eim.store().euicc(eid).map_err(stored)?;
        let zero_touch = found.and_then(|found| found.value.zero_touch);
        match zero_touch.is_some_and(|known| known.manifest == *entry) {
            true => Ok("known"),
            false => Err(invalid(
                "eid",
                "a device with this EID is known, and otherwise than here",
                "remove it, or leave it out",
            )),
        }
    }
}

fn entry(device: &ManifestDevice) -> Result<ManifestEntry, Problem> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let imei = given(&device.imei);
    let bootstrap = given(&device.bootstrap_iccid);
    Ok(ManifestEntry {
        imei: imei.map(|imei| parse("imei", &imei)).transpose()?,
        serial: given(&device.serial),
        bootstrap_iccid: bootstrap
            .map(|iccid| parse("bootstrap_iccid", &iccid))
            .transpose()?,
        fields: device.fields.clone(),
    })
}

pub(super) fn shown(zero_touch: &eim::ZeroTouch) -> ZeroTouch {
    let (reason, iccid) = match &zero_touch.stage {
        ZeroTouchStage::Refused { reason } | ZeroTouchStage::Failed { reason } => {
            (Some(reason.clone()), None)
        }
        ZeroTouchStage::Enabling { iccid, .. } | ZeroTouchStage::Done { iccid } => {
            (None, Some(iccid.to_string()))
        }
        _ => (None, None),
    };
    let imei = zero_touch.manifest.imei.as_ref();
    ZeroTouch {
        stage: zero_touch.stage.name().to_string(),
        reason,
        rule: zero_touch.rule.clone(),
        iccid,
        imei: imei.map(ToString::to_string),
        serial: zero_touch.manifest.serial.clone(),
    }
}
