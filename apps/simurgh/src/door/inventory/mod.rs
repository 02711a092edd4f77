//! The inventory: devices as files and people describe them, searches, telemetry.

mod exports;
mod imports;
mod one;
mod progress;
mod searches;
mod streamed;
mod telemetry;

use api::{InventoryDevice, Problem};
use fleet::inventory::{Device, DeviceId};
use fleet::query::Query;
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) use progress::Imports;

use super::Functions;
use super::functions::parse;
use super::problem::{internal, invalid, problem, stored};
use super::routes::Routes;

pub(super) fn routes() -> Routes {
    Routes::new()
        .and(imports::routes())
        .and(streamed::routes())
        .and(exports::routes())
        .and(one::routes())
        .and(searches::routes())
        .and(telemetry::routes())
}

/// A device in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneDevice {
    /// What it is called in the inventory, or the EID of one of its eUICCs.
    #[param(pattern = "^[0-9A-Za-z._:-]{1,64}$", example = "meter-7")]
    eid: String,
}

impl Functions {
    /// The device with this identifier, or with this eUICC.
    pub(super) fn device_id(&self, text: &str) -> Result<DeviceId, Problem> {
        let id: DeviceId = parse("id", text)?;
        let found = self.eim.store().device_named(&id).map_err(stored)?;
        found.map(|found| found.device.id).ok_or_else(|| {
            let detail = format!("there is no device {id}");
            let remedy = "check its identifier, or add the device first";
            problem(404, "not found", &detail, remedy)
        })
    }
}

/// A query as somebody wrote it.
pub(super) fn query(text: Option<&str>) -> Result<Query, Problem> {
    let read = text.unwrap_or_default().parse();
    read.map_err(|error: fleet::query::QueryError| {
        let remedy = "see the fields and operators in docs/search.md";
        invalid("q", &error.to_string(), remedy)
    })
}

/// A device of the inventory as the API shows it.
pub(super) fn shown(device: &Device) -> Result<InventoryDevice, Problem> {
    let value = serde_json::to_value(device).map_err(|_| internal())?;
    serde_json::from_value(value).map_err(|_| internal())
}

/// A device as somebody gives it, held against what a device can be.
fn given(device: &InventoryDevice) -> Result<Device, String> {
    let value = serde_json::to_value(device).map_err(|error| error.to_string())?;
    let device: Device = serde_json::from_value(value).map_err(|error| error.to_string())?;
    device.check().map_err(|error| error.to_string())?;
    Ok(device)
}
