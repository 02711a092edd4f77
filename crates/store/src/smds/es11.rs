//! ES11 on a store.

use rsp_core::Context;
use rsp_core::binding::es9plus::{self, Request, Wire};
use rsp_core::binding::es9plus_json::{AuthenticateClientRequest, InitiateAuthenticationRequest};
use rsp_core::binding::{HttpRequest, HttpResponse, es11};
use rsp_core::smds::{Refusal, Rejected, SESSION_LIFETIME};

use super::{Failure, SmdsHost, retried};
use crate::contract::{StoreError, Versioned};
use crate::smds_contract::StoredSmdsSession;

/// One request: how its answer is written, and its digest.
struct Call {
    wire: Wire,
    digest: Vec<u8>,
}

impl SmdsHost {
    /// Answers a function of ES11, in the binding that it comes in.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn es11(
        &self,
        request: &HttpRequest,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, StoreError> {
        let (wire, message) = match es9plus::decode_request(request) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.observe(&request.path, &error);
                return Ok(es9plus::not_executed(request, &error));
            }
        };
        let digest = cx.crypto.sha256(&[request.path.as_bytes(), &request.body]);
        let call = Call {
            wire,
            digest: digest.to_vec(),
        };
        let executed = match &message {
            Request::InitiateAuthentication(request) => {
                self.initiate_authentication(request, &call, cx)
            }
            Request::AuthenticateClient(request) => self.authenticate_client(request, &call, cx),
            _ => {
                let text = "an SM-DS has no such function; see SGP.22 5.8";
                self.observe(&request.path, &text);
                return Ok(HttpResponse::failure(404, text));
            }
        };
        match executed {
            Ok(response) => Ok(response),
            Err(Failure::Store(error)) => Err(error),
            Err(failure) => {
                self.observe(&request.path, &failure);
                Ok(match failure {
                    Failure::Rejected(rejected) => {
                        es11::refuse(wire, message.function(), rejected.refusal)
                    }
                    failure => HttpResponse::failure(400, &failure.to_string()),
                })
            }
        }
    }

    fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
        call: &Call,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        retried(|| {
            let started = self.smds.initiate_authentication(request, cx);
            let started = started.map_err(Rejected::from)?;
            let id = started.reply.transaction_id.clone();
            let response = call.wire.encode(started.reply)?;
            let session = Versioned {
                value: StoredSmdsSession {
                    session: started.session,
                    request_digest: call.digest.clone(),
                    reply: response.body.clone(),
                    updated: cx.now,
                },
                version: 0,
            };
            let forget = cx.now.before(SESSION_LIFETIME);
            self.store.put_smds_session(&id, &session, forget)?;
            Ok(response)
        })
    }

    /// Load, step, commit. A request that was answered before gets the same
    /// answer again.
    fn authenticate_client(
        &self,
        request: &AuthenticateClientRequest,
        call: &Call,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let id = &request.transaction_id;
        retried(|| {
            let stored = self.store.smds_session(id)?;
            let stored = stored.ok_or(Refusal::UnknownTransaction)?;
            if stored.value.updated.after(SESSION_LIFETIME) <= cx.now {
                return Err(Refusal::UnknownTransaction.into());
            }
            if stored.value.request_digest == call.digest {
                return Ok(call.wire.again(stored.value.reply));
            }
            let client = stored.value.session.authenticate(request, &self.smds, cx)?;
            let events = self.store.smds_events(client.eid())?;
            let (session, reply) = client.answer(&events.value)?;
            let response = call.wire.encode(reply)?;
            let session = Versioned {
                value: StoredSmdsSession {
                    session,
                    request_digest: call.digest.clone(),
                    reply: response.body.clone(),
                    updated: cx.now,
                },
                version: stored.version,
            };
            let forget = cx.now.before(SESSION_LIFETIME);
            self.store.put_smds_session(id, &session, forget)?;
            Ok(response)
        })
    }
}
