//! Devices that listen: packages are brought to them.

use api::{Device, NewListener, Problem};
use rsp_core::eim::transfer::Listener;
use rsp_core::pki::certificate_from_pem;

use super::{Functions, invalid, problem, stored};
use crate::inject::Pushes;
use crate::shell;

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
