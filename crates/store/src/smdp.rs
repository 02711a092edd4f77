//! The SM-DP+ on a store.

use std::sync::Arc;

use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::PendingNotification;
use rsp_core::Context;
use rsp_core::binding::json::{self, Empty};
use rsp_core::binding::{BindingError, HttpRequest, HttpResponse, es2plus_json, es9plus_json};
use rsp_core::smdp::{Order, ProfileMaterial, Received, Refusal, Session, Smdp, Step};
use serde::Serialize;

use crate::contract::{Store, StoreError, StoredSession, Versioned};

/// Why a function gave no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Binding(#[from] BindingError),
}

/// An SM-DP+ with its state.
pub struct SmdpHost {
    smdp: Smdp,
    store: Arc<dyn Store>,
}

impl std::fmt::Debug for SmdpHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmdpHost")
            .field("smdp", &self.smdp)
            .finish_non_exhaustive()
    }
}

impl SmdpHost {
    /// An SM-DP+ on a store.
    pub fn new(smdp: Smdp, store: Arc<dyn Store>) -> Self {
        SmdpHost { smdp, store }
    }

    /// The SM-DP+.
    pub fn smdp(&self) -> &Smdp {
        &self.smdp
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Answers a function of ES9+.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn es9plus(
        &self,
        request: &HttpRequest,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, StoreError> {
        use es9plus_json::Request;
        let message = match es9plus_json::decode_request(request) {
            Ok(message) => message,
            Err(error) => return Ok(error.to_response()),
        };
        let digest = cx.crypto.sha256(&[request.path.as_bytes(), &request.body]);
        answer(|| match &message {
            Request::InitiateAuthentication(request) => {
                let step = self.smdp.initiate_authentication(request, cx)?;
                let id = step.reply.transaction_id.clone();
                self.commit(&id, 0, &digest, step, None, cx)
            }
            Request::HandleNotification(request) => {
                self.notification(&request.pending_notification, cx)?;
                Ok(HttpResponse::no_content())
            }
            Request::AuthenticateClient(request) => {
                self.in_session(&request.transaction_id, &digest, cx, |session, cx| {
                    let Session::AwaitAuthenticateClient(state) = session else {
                        return Err(Refusal::UnknownTransaction.into());
                    };
                    let client = state.authenticate(request, &self.smdp, cx)?;
                    let order = self.store.find_order(&client.order_key())?;
                    let found = match order {
                        Some(order) => {
                            let material = self.store.material(order.value.iccid)?;
                            Some((order.value, material))
                        }
                        None => None,
                    };
                    Ok((client.offer(found, &self.smdp)?, None))
                })
            }
            Request::GetBoundProfilePackage(request) => {
                self.in_session(&request.transaction_id, &digest, cx, |session, cx| {
                    let Session::AwaitGetBoundProfilePackage(state) = session else {
                        return Err(Refusal::UnknownTransaction.into());
                    };
                    let (order, material) = self.delivery(session.iccid())?;
                    let delivered = (order.value, material);
                    let step =
                        state.get_bound_profile_package(request, delivered, &self.smdp, cx)?;
                    Ok((step, Some(order.version)))
                })
            }
            Request::CancelSession(request) => {
                self.in_session(&request.transaction_id, &digest, cx, |session, cx| {
                    let Session::AwaitGetBoundProfilePackage(state) = session else {
                        return Err(Refusal::UnknownTransaction.into());
                    };
                    let (order, _) = self.delivery(session.iccid())?;
                    let step = state.cancel_session(request, order.value, &self.smdp, cx)?;
                    Ok((step, Some(order.version)))
                })
            }
        })
    }

    /// Order and material of the profile that a session is about.
    fn delivery(
        &self,
        iccid: Option<Iccid>,
    ) -> Result<(Versioned<Order>, ProfileMaterial), Failure> {
        let iccid = iccid.ok_or(Refusal::UnknownTransaction)?;
        let order = self.store.order(iccid)?.ok_or(Refusal::UnknownIccid)?;
        Ok((order, self.store.material(iccid)?))
    }

    /// Load, step, commit. A request that was answered before gets the same
    /// answer again.
    fn in_session<R: Serialize>(
        &self,
        id: &TransactionId,
        digest: &[u8],
        cx: &mut Context<'_>,
        step: impl FnOnce(&Session, &mut Context<'_>) -> Result<(Step<R>, Option<i64>), Failure>,
    ) -> Result<HttpResponse, Failure> {
        let stored = self.store.session(id)?.ok_or(Refusal::UnknownTransaction)?;
        if stored.value.request_digest == digest {
            let mut response = json::encode_response(Ok(Empty {}))?;
            response.body = stored.value.reply;
            return Ok(response);
        }
        let (step, order_version) = step(&stored.value.session, cx)?;
        self.commit(id, stored.version, digest, step, order_version, cx)
    }

    fn commit<R: Serialize>(
        &self,
        id: &TransactionId,
        version: i64,
        digest: &[u8],
        step: Step<R>,
        order_version: Option<i64>,
        cx: &Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let response = json::encode_response(Ok(step.reply))?;
        let session = Versioned {
            value: StoredSession {
                session: step.session,
                request_digest: digest.to_vec(),
                reply: response.body.clone(),
            },
            version,
        };
        let order = step.order.zip(order_version);
        let order = order.map(|(value, version)| Versioned { value, version });
        self.store
            .commit_session(id, &session, order.as_ref(), cx.now)?;
        Ok(response)
    }

    /// Takes a notification over. One that cannot be verified or belongs to no
    /// session is answered like any other and changes nothing.
    fn notification(
        &self,
        notification: &PendingNotification,
        cx: &mut Context<'_>,
    ) -> Result<Received, Failure> {
        let PendingNotification::ProfileInstallationResult(result) = notification else {
            return Ok(self.smdp.other_notification(notification, cx));
        };
        let id = &result.profile_installation_result_data.transaction_id;
        let Some(stored) = self.store.session(id)? else {
            return Ok(Received::Unverified);
        };
        let Session::AwaitInstallationResult(state) = &stored.value.session else {
            return Ok(Received::Unverified);
        };
        let (order, _) = self.delivery(stored.value.session.iccid())?;
        let step = state.installation_result(result, order.value, cx);
        let received = step.reply;
        let changed = step.order.map(|value| Versioned {
            value,
            version: order.version,
        });
        let session = Versioned {
            value: StoredSession {
                session: step.session,
                ..stored.value
            },
            version: stored.version,
        };
        self.store
            .commit_session(id, &session, changed.as_ref(), cx.now)?;
        Ok(received)
    }

    /// Answers a function of ES2+. That the caller is the operator was checked
    /// by whoever calls this.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn es2plus(
        &self,
        request: &HttpRequest,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, StoreError> {
        use es2plus_json::Request;
        let message = match es2plus_json::decode_request(request) {
            Ok(message) => message,
            Err(error) => return Ok(error.to_response()),
        };
        answer(|| match &message {
            Request::DownloadOrder(request) => {
                let iccid = self.download_order(request)?;
                let reply = es2plus_json::DownloadOrderOk { iccid };
                Ok(json::encode_response(Ok(reply))?)
            }
            Request::ConfirmOrder(request) => {
                let order = self.ordered(request.iccid)?;
                let (next, reply) = order.value.confirm_order(request, &self.smdp, cx)?;
                match self.store.commit_order(&next, order.version) {
                    Err(StoreError::Exists(_)) => return Err(Refusal::MatchingIdInUse.into()),
                    committed => committed?,
                }
                Ok(json::encode_response(Ok(reply))?)
            }
            Request::ReleaseProfile(request) => {
                let order = self.ordered(request.iccid)?;
                let next = order.value.release()?;
                self.store.commit_order(&next, order.version)?;
                Ok(json::encode_response(Ok(Empty {}))?)
            }
        })
    }

    fn ordered(&self, iccid: Iccid) -> Result<Versioned<Order>, Failure> {
        Ok(self.store.order(iccid)?.ok_or(Refusal::UnknownIccid)?)
    }

    /// A certain profile, or any of a type; another order may take it first.
    fn download_order(&self, request: &es2plus_json::DownloadOrder) -> Result<Iccid, Failure> {
        loop {
            let order = match (&request.iccid, &request.profile_type) {
                (Some(iccid), _) => self.ordered(*iccid)?,
                (None, Some(profile_type)) => {
                    let found = self.store.available(profile_type)?;
                    found.ok_or(Refusal::NoProfileOfType)?
                }
                (None, None) => return Err(Refusal::IccidMissing.into()),
            };
            let next = order.value.download_order(request)?;
            match self.store.commit_order(&next, order.version) {
                Err(StoreError::Conflict) => {}
                committed => return Ok(committed.map(|()| next.iccid)?),
            }
        }
    }
}

/// The response, or the refusal in its place.
fn answer(
    function: impl FnOnce() -> Result<HttpResponse, Failure>,
) -> Result<HttpResponse, StoreError> {
    match function() {
        Ok(response) => Ok(response),
        Err(Failure::Refused(refusal)) => {
            let refused = json::encode_response::<Empty>(Err(refusal.status_code_data()));
            Ok(refused.unwrap_or_else(|error| error.to_response()))
        }
        Err(Failure::Binding(error)) => Ok(error.to_response()),
        Err(Failure::Store(error)) => Err(error),
    }
}
