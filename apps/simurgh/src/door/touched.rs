//! On how many devices a caller may order something in an hour: a key that leaks,
//! or a script that runs wild, does not reach the whole fleet at once, at however many server processes.

use std::time::Duration;

use fleet::access::{Exceeded, Rate};
use store::{StoreError, TouchRates};

use super::authorise::Call;
use super::problem::{Refusal, internal, problem, stored};
use crate::shell;

/// Devices in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceRates {
    /// Of one principal.
    pub(crate) principal: u32,
    /// Of all principals of a tenant.
    pub(crate) tenant: u32,
}

fn an_hour(count: u32) -> Rate {
    Rate {
        count,
        per: Duration::from_secs(3600),
    }
}

impl Call {
    /// Something is ordered on so many devices more, if that is not too much for an
    /// hour. What comes of the order, and whether it is repeated, is not looked at.
    pub(crate) async fn touch(&self, devices: u32) -> Result<(), Refusal> {
        let rates = self.door.0.device_rates;
        let rates = TouchRates {
            principal: an_hour(rates.principal),
            tenant: an_hour(rates.tenant),
        };
        let door = self.door.0.functions.door(&self.store_tenant()?);
        let principal = self.caller.principal.clone();
        let touch = move || door.touch_devices(&principal, devices, rates, shell::now());
        let touched = tokio::task::spawn_blocking(touch).await;
        match touched.map_err(|_| internal())? {
            Err(StoreError::Exceeded(much)) => Err(exceeded(much)),
            touched => Ok(touched.map_err(stored)?),
        }
    }
}

fn exceeded(exceeded: Exceeded) -> Refusal {
    let detail = "more devices than may be touched in an hour";
    match exceeded {
        Exceeded::Later(wait) => {
            let remedy = "wait as long as Retry-After says, or have the limit raised";
            let seconds = wait.as_secs().max(1);
            Refusal::from(problem(429, "too many devices", detail, remedy)).retry_after(seconds)
        }
        Exceeded::Never(most) => {
            let remedy = format!("ask for {most} at most, or have the limit raised");
            problem(422, "too many devices", detail, &remedy).into()
        }
    }
}
