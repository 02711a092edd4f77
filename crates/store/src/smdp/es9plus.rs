//! ES9+ on a store.

use rsp_asn1::Signed;
use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{OtherSignedNotification, PendingNotification, ProfileInstallationResult};
use rsp_core::binding::es9plus::{self, Reply, Request, Wire};
use rsp_core::binding::es9plus_json::{
    AuthenticateClientRequest, CancelSessionRequest, GetBoundProfilePackageRequest,
    InitiateAuthenticationRequest,
};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::smdp::{Order, Refusal, Rejected, SESSION_LIFETIME, Session, Step};
use rsp_core::{Codes, Context};

use super::{Failure, SmdpHost, retried};
use crate::contract::{StoreError, Versioned};
use crate::smdp_contract::{SmdpChange, SmdpNotification, StoredSession};

/// One request: what it was and how its answer is written.
struct Call<'a> {
    path: &'a str,
    wire: Wire,
    function: es9plus::Function,
    digest: [u8; 32],
}

impl SmdpHost {
    /// Answers a function of ES9+, in the binding that it comes in.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn es9plus(
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
        let call = Call {
            path: &request.path,
            wire,
            function: message.function(),
            digest: cx.crypto.sha256(&[request.path.as_bytes(), &request.body]),
        };
        let executed = match &message {
            Request::InitiateAuthentication(request) => {
                self.initiate_authentication(request, &call, cx)
            }
            Request::AuthenticateClient(request) => self.authenticate_client(request, &call, cx),
            Request::GetBoundProfilePackage(request) => {
                self.get_bound_profile_package(request, &call, cx)
            }
            Request::CancelSession(request) => self.cancel_session(request, &call, cx),
            Request::HandleNotification(request) => {
                self.handle_notification(&request.pending_notification, cx)
            }
        };
        match executed {
            Ok(response) => Ok(response),
            Err(Failure::Store(error)) => Err(error),
            Err(failure) => {
                self.observe(&request.path, &failure);
                Ok(match failure {
                    Failure::Rejected(rejected) => call.refusal(&rejected),
                    failure => HttpResponse::failure(400, &failure.to_string()),
                })
            }
        }
    }

    fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
        call: &Call<'_>,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        retried(|| {
            let started = self
                .smdp
                .initiate_authentication(request, cx)
                .map_err(Rejected::from)?;
            let id = started.reply.transaction_id.clone();
            let response = call.wire.encode(started.reply)?;
            let exchange = (call.digest.to_vec(), response.body.clone());
            let session = stored(started.session, 0, exchange, cx);
            self.store.commit_smdp(&SmdpChange {
                session: Some((&id, &session)),
                ..SmdpChange::at(cx.now)
            })?;
            Ok(response)
        })
    }

    fn authenticate_client(
        &self,
        request: &AuthenticateClientRequest,
        call: &Call<'_>,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        self.in_session(&request.transaction_id, call, cx, |session, cx| {
            let Session::AwaitAuthenticateClient(state) = session else {
                return Err(out_of_order());
            };
            let client = state.authenticate(request, &self.smdp, cx)?;
            let (found, version) = match self.store.find_order(&client.order_key())? {
                Some(order) => (Some(self.delivery(order.value)?), Some(order.version)),
                None => (None, None),
            };
            Ok((client.offer(found, &self.smdp, cx)?, version))
        })
    }

    fn get_bound_profile_package(
        &self,
        request: &GetBoundProfilePackageRequest,
        call: &Call<'_>,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        self.in_session(&request.transaction_id, call, cx, |session, cx| {
            let Session::AwaitGetBoundProfilePackage(state) = session else {
                return Err(out_of_order());
            };
            let order = self.order_of(session)?;
            let delivery = self.delivery(order.value)?;
            let step = state.get_bound_profile_package(request, delivery, &self.smdp, cx)?;
            Ok((step, Some(order.version)))
        })
    }

    fn cancel_session(
        &self,
        request: &CancelSessionRequest,
        call: &Call<'_>,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        self.in_session(&request.transaction_id, call, cx, |session, cx| {
            let order = self.order_of(session)?;
            let step = session.cancel_session(request, order.value, &self.smdp, cx)?;
            Ok((step, Some(order.version)))
        })
    }

    /// The order that a session is about.
    fn order_of(&self, session: &Session) -> Result<Versioned<Order>, Failure> {
        let iccid = session.iccid().ok_or_else(out_of_order)?;
        self.ordered(iccid)
    }

    /// Load, step, commit. A request that was answered before gets the same
    /// answer again.
    fn in_session<R: Reply>(
        &self,
        id: &TransactionId,
        call: &Call<'_>,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&Session, &mut Context<'_>) -> Result<(Step<R>, Option<i64>), Failure>,
    ) -> Result<HttpResponse, Failure> {
        retried(|| {
            let stored = self.store.session(id)?.ok_or(Refusal::UnknownTransaction)?;
            if stored.value.updated.after(SESSION_LIFETIME) <= cx.now {
                return Err(Refusal::UnknownTransaction.because("expired").into());
            }
            if stored.value.request_digest == call.digest {
                return Ok(call.wire.again(stored.value.reply));
            }
            let (step, order_version) = step(&stored.value.session, cx)?;
            self.commit_step(id, stored.version, call, step, order_version, cx)
        })
    }

    /// Stores a step with its exchange: a refusal that changes something is an
    /// answer like any other.
    fn commit_step<R: Reply>(
        &self,
        id: &TransactionId,
        version: i64,
        call: &Call<'_>,
        step: Step<R>,
        order_version: Option<i64>,
        cx: &Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let response = match step.reply {
            Ok(reply) => call.wire.encode(reply)?,
            Err(rejected) => {
                self.observe(call.path, &rejected);
                call.refusal(&rejected)
            }
        };
        let exchange = (call.digest.to_vec(), response.body.clone());
        let session = stored(step.session, version, exchange, cx);
        let order = step.order.zip(order_version);
        let order = order.map(|(value, version)| Versioned { value, version });
        self.store.commit_smdp(&SmdpChange {
            session: Some((id, &session)),
            order: order.as_ref(),
            kept: step.kept.as_ref(),
            progress: self.to_informed(step.progress).as_ref(),
            now: cx.now,
        })?;
        Ok(response)
    }

    /// 204 says that the eUICC may forget the notification: what was proven is
    /// stored by then.
    fn handle_notification(
        &self,
        notification: &PendingNotification,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        match notification {
            PendingNotification::ProfileInstallationResult(result) => {
                retried(|| self.installation_result(result, cx))?;
            }
            PendingNotification::Other(other) => self.other_notification(other, cx)?,
            // Between IPA and eIM only: here it proves nothing.
            PendingNotification::CompactProfileInstallationResult(_)
            | PendingNotification::CompactOther(_) => {
                return Err(rsp_core::smdp::Unverified.into());
            }
        }
        Ok(HttpResponse::no_content())
    }

    /// A result that no session waits for, or waits for any more, is no news.
    fn installation_result(
        &self,
        result: &ProfileInstallationResult,
        cx: &Context<'_>,
    ) -> Result<(), Failure> {
        let id = &result.profile_installation_result_data.transaction_id;
        let Some(found) = self.store.session(id)? else {
            return Ok(());
        };
        let state = match &found.value.session {
            Session::AwaitInstallationResult(state) => state,
            Session::Ended => return Ok(()),
            _ => return Err(rsp_core::smdp::Unverified.into()),
        };
        let order = self.order_of(&found.value.session)?;
        let step = state.installation_result(result, order.value, &self.smdp, cx)?;
        let changed = step.order.map(|value| Versioned {
            value,
            version: order.version,
        });
        // The package is of no use any more: neither its request is answered
        // again, nor is it kept.
        let session = stored(step.session, found.version, (Vec::new(), Vec::new()), cx);
        self.store.commit_smdp(&SmdpChange {
            session: Some((id, &session)),
            order: changed.as_ref(),
            kept: None,
            progress: self.to_informed(step.progress).as_ref(),
            now: cx.now,
        })?;
        Ok(())
    }

    fn other_notification(
        &self,
        notification: &Signed<OtherSignedNotification>,
        cx: &Context<'_>,
    ) -> Result<(), Failure> {
        let eid = self.smdp.other_notification(notification, cx)?;
        let iccid = notification.tbs_other_notification.iccid;
        let order = iccid.map(|iccid| self.store.order(iccid)).transpose()?;
        let progress = order.flatten().and_then(|order| {
            let order = &order.value;
            self.smdp.other_progress(notification, eid, order, cx.now)
        });
        let kept = self.store.add_smdp_notification(&SmdpNotification {
            eid,
            seq_number: notification.tbs_other_notification.seq_number,
            der: notification.as_bytes(),
            received: cx.now,
            progress: self.to_informed(progress).as_ref(),
        });
        match kept {
            Err(StoreError::Exists(_)) => Err(Failure::NumberInUse),
            kept => Ok(kept?),
        }
    }
}

impl Call<'_> {
    fn refusal(&self, rejected: &Rejected) -> HttpResponse {
        self.wire.refuse(self.function, rejected.refusal)
    }
}

fn out_of_order() -> Failure {
    let detail = "the session awaits another function";
    Refusal::UnknownTransaction.because(detail).into()
}

/// A session with its last exchange.
fn stored(
    session: Session,
    version: i64,
    (request_digest, reply): (Vec<u8>, Vec<u8>),
    cx: &Context<'_>,
) -> Versioned<StoredSession> {
    let kept_until = cx.now.after(session.kept_for());
    Versioned {
        value: StoredSession {
            session,
            request_digest,
            reply,
            updated: cx.now,
            kept_until,
        },
        version,
    }
}
