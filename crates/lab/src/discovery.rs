//! The SM-DSs of a world, and what the SM-DP+ tells them.

use rsp_core::Context;
use rsp_core::binding::{BindingError, HttpRequest, HttpResponse, es9plus, es12_json, json};
use rsp_core::ipa::Event;
use rsp_crypto::software::SoftwareProvider;
use store::{AnnouncedEvent, Due, Es12, EventStage};

use crate::world::{World, WorldError};

/// The root SM-DS, as the card knows it.
pub const ROOT_SMDS: &str = "lpa.ds.gsma.com";
/// An alternative SM-DS, which forwards to the root SM-DS.
pub const ALTERNATIVE_SMDS: &str = "smds.example.com";

/// What the certificates of the world's SM-DP+ and SM-DSs name them.
const SMDP_OID: &str = "2.999.10";
const SMDS_OID: &str = "2.999.15";

impl World {
    /// Adds a root SM-DS and an alternative one.
    ///
    /// # Errors
    /// If their certificates are not among those of the world.
    pub fn add_smdss(&mut self) -> Result<(), WorldError> {
        let root = self.servers.start_smds(ROOT_SMDS, None)?;
        let alternative = self.servers.start_smds(ALTERNATIVE_SMDS, Some(ROOT_SMDS))?;
        self.smdss.insert(ROOT_SMDS, root);
        self.smdss.insert(ALTERNATIVE_SMDS, alternative);
        Ok(())
    }

    /// The SM-DSs that were asked for events, and how many each had.
    pub fn smdss_asked(&self) -> Vec<(String, usize)> {
        let events = self.events.iter();
        let found = events.filter_map(|event| match event {
            Event::EventsFound {
                smds_address,
                events,
            } => Some((smds_address.clone(), *events)),
            _ => None,
        });
        found.collect()
    }

    /// What an SM-DS of the world answers.
    pub(crate) fn serve_smds(
        &mut self,
        address: &str,
        request: &HttpRequest,
    ) -> Result<HttpResponse, WorldError> {
        let unknown = WorldError::Missing("SM-DS with this name");
        let smds = self.smdss.get(address).ok_or(unknown)?;
        let mut cx = Context {
            now: self.now,
            rng: &mut self.rng,
            crypto: &SoftwareProvider,
        };
        if es9plus::is_path(&request.path) {
            return Ok(smds.es11(request, &mut cx)?);
        }
        if !es12_json::is_path(&request.path) {
            return Ok(BindingError::UnknownPath(request.path.clone()).to_response());
        }
        let caller = match request.path.contains("/es15/") {
            true => SMDS_OID,
            false => SMDP_OID,
        };
        let forward = match smds.es12(request, caller, &|name| name == caller, &mut cx)? {
            Es12::Answer(response) => return Ok(response),
            Es12::Forward(forward) => forward,
        };
        let answer = match self.smdss.contains_key(forward.address.as_str()) {
            true => Ok(self.serve_smds(&forward.address, &forward.request)?),
            false => Err("no route to the root SM-DS".to_string()),
        };
        let unknown = WorldError::Missing("SM-DS with this name");
        let smds = self.smdss.get(address).ok_or(unknown)?;
        Ok(smds.forwarded(&forward, answer)?)
    }

    /// Has the SM-DP+ tell SM-DSs what is due; gives what each answered.
    ///
    /// # Errors
    /// If a store fails.
    pub fn tell_smdss(&mut self) -> Result<Vec<Result<(), BindingError>>, WorldError> {
        let due = self
            .smdp
            .store()
            .due_announcements(&Due::at(self.now, 100))?;
        let mut answers = Vec::new();
        for event in due {
            let registers = event.stage != EventStage::Delete;
            let request = self.announcing(&event)?;
            let address = event.announcement.smds_address.clone();
            let response = self.serve(&address, &request)?;
            let told = es12_json::executed(registers, &response);
            if told.is_ok() {
                self.smdp.store().announced(&event)?;
            }
            answers.push(told);
        }
        Ok(answers)
    }

    fn announcing(&self, event: &AnnouncedEvent) -> Result<HttpRequest, BindingError> {
        let (smdp, announcement) = (self.smdp.smdp(), &event.announcement);
        let call = event.number.to_string();
        match event.stage {
            EventStage::Delete => {
                json::encode_request(&smdp.delete_event(announcement, &call), None)
            }
            EventStage::Register | EventStage::Registered => {
                json::encode_request(&smdp.register_event(announcement, &call), None)
            }
        }
    }
}
