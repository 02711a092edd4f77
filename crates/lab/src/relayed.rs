//! What lies between the eIM and SM-DP+s: requests that it relays, and
//! notifications that it forwards.

use rsp_asn1::Asn1;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::Context;
use rsp_core::binding::es9plus_json::HandleNotificationRequest;
use rsp_core::binding::{HttpRequest, HttpResponse, json};
use rsp_crypto::software::SoftwareProvider;
use store::{Answer, Due, EimReply, Forwarding};

use crate::world::{World, WorldError};

/// Notifications that are forwarded at once.
const MOST: usize = 100;

impl World {
    /// What the eIM answers, with the SM-DP+s behind it.
    ///
    /// # Errors
    /// If the store of a server fails.
    pub fn ask_eim(&mut self, message: &EsipaMessageFromIpaToEim) -> Result<EimReply, WorldError> {
        let mut answer = self
            .eim
            .begin(message, &mut context(self.now, &mut self.rng))?;
        loop {
            let pending = match answer {
                Answer::Reply(reply) => return Ok(reply),
                Answer::Ask(pending) => *pending,
            };
            let (address, request) = (pending.ask.server.address.clone(), &pending.ask.request);
            let response = self.carry_relayed(&address, request.clone())?;
            let mut cx = context(self.now, &mut self.rng);
            answer = self.eim.finish(pending, response, &mut cx)?;
        }
    }

    fn carry_relayed(
        &mut self,
        address: &str,
        mut request: HttpRequest,
    ) -> Result<Result<HttpResponse, String>, WorldError> {
        if let Some(change) = &mut self.fault.relayed_request {
            change(&mut request);
        }
        let mut response = self.serve(address, &request)?;
        let lose = self.fault.lose_relayed.as_mut();
        if lose.is_some_and(|lose| lose(&request, &response)) {
            return Ok(Err("the connection was lost".to_string()));
        }
        if let Some(change) = &mut self.fault.relayed_response {
            change(&request, &mut response);
        }
        Ok(Ok(response))
    }

    /// Has the eIM forward the notifications that it has taken over; gives how
    /// many SM-DP+s took.
    ///
    /// # Errors
    /// If the store of a server fails.
    pub fn forward_notifications(&mut self) -> Result<usize, WorldError> {
        let due = self
            .eim
            .store()
            .due_notifications(&Due::at(self.now, MOST))?;
        let mut taken = 0;
        for outgoing in due {
            let request = HandleNotificationRequest {
                pending_notification: PendingNotification::from_der(&outgoing.der)?,
            };
            let request = json::encode_request(&request, None)?;
            let response = self.serve(&outgoing.address, &request)?;
            let (forwarding, detail) = match response.status {
                200..300 => (Forwarding::Delivered, String::new()),
                status => (Forwarding::Refused, status.to_string()),
            };
            taken += usize::from(forwarding == Forwarding::Delivered);
            let store = self.eim.store();
            store.put_forwarding(&outgoing, forwarding, &detail)?;
        }
        Ok(taken)
    }
}

fn context<'a>(
    now: rsp_core::Timestamp,
    rng: &'a mut rsp_crypto::software::SeededRng,
) -> Context<'a> {
    Context {
        now,
        rng,
        crypto: &SoftwareProvider,
    }
}
