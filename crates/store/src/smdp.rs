//! The SM-DP+ on a store.

use std::sync::Arc;

use rsp_asn1::Signed;
use rsp_asn1::ids::{Iccid, TransactionId};
use rsp_asn1::rsp::{OtherSignedNotification, PendingNotification, ProfileInstallationResult};
use rsp_core::Context;
use rsp_core::binding::es9plus_json::{
    self, AuthenticateClientRequest, CancelSessionRequest, GetBoundProfilePackageRequest,
    InitiateAuthenticationRequest,
};
use rsp_core::binding::json::{self, Empty};
use rsp_core::binding::{BindingError, HttpRequest, HttpResponse, es2plus_json};
use rsp_core::smdp::{Order, Refusal, SESSION_LIFETIME, Session, Smdp, Step, Unverified};
use serde::Serialize;

use crate::contract::{SmdpNotification, Store, StoreError, StoredSession, Versioned};

/// Why a function gave no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Binding(#[from] BindingError),
    #[error("{0}")]
    Unverified(#[from] Unverified),
    #[error("not executed: the eUICC sent another notification with this number")]
    NumberInUse,
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
        answer(match &message {
            Request::InitiateAuthentication(request) => {
                self.initiate_authentication(request, &digest, cx)
            }
            Request::AuthenticateClient(request) => self.authenticate_client(request, &digest, cx),
            Request::GetBoundProfilePackage(request) => {
                self.get_bound_profile_package(request, &digest, cx)
            }
            Request::CancelSession(request) => self.cancel_session(request, &digest, cx),
            Request::HandleNotification(request) => {
                self.handle_notification(&request.pending_notification, cx)
            }
        })
    }

    fn initiate_authentication(
        &self,
        request: &InitiateAuthenticationRequest,
        digest: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        retried(|| {
            let step = self.smdp.initiate_authentication(request, cx)?;
            let id = step.reply.transaction_id.clone();
            self.commit(&id, 0, digest, step, None, cx)
        })
    }

    fn authenticate_client(
        &self,
        request: &AuthenticateClientRequest,
        digest: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        self.in_session(&request.transaction_id, digest, cx, |session, cx| {
            let Session::AwaitAuthenticateClient(state) = session else {
                return Err(Refusal::UnknownTransaction.into());
            };
            let client = state.authenticate(request, &self.smdp, cx)?;
            let found = match self.store.find_order(&client.order_key())? {
                Some(order) => {
                    let material = self.store.material(order.value.iccid)?;
                    Some((order.value, material))
                }
                None => None,
            };
            Ok((client.offer(found, &self.smdp)?, None))
        })
    }

    fn get_bound_profile_package(
        &self,
        request: &GetBoundProfilePackageRequest,
        digest: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        self.in_session(&request.transaction_id, digest, cx, |session, cx| {
            let Session::AwaitGetBoundProfilePackage(state) = session else {
                return Err(Refusal::UnknownTransaction.into());
            };
            let order = self.order_of(session)?;
            let material = self.store.material(order.value.iccid)?;
            let delivered = (order.value, material);
            let step = state.get_bound_profile_package(request, delivered, &self.smdp, cx)?;
            Ok((step, Some(order.version)))
        })
    }

    fn cancel_session(
        &self,
        request: &CancelSessionRequest,
        digest: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        self.in_session(&request.transaction_id, digest, cx, |session, cx| {
            let order = self.order_of(session)?;
            let step = session.cancel_session(request, order.value, &self.smdp, cx)?;
            Ok((step, Some(order.version)))
        })
    }

    /// The order that a session is about.
    fn order_of(&self, session: &Session) -> Result<Versioned<Order>, Failure> {
        let iccid = session.iccid().ok_or(Refusal::UnknownTransaction)?;
        self.ordered(iccid)
    }

    /// Load, step, commit. A request that was answered before gets the same
    /// answer again.
    fn in_session<R: Serialize>(
        &self,
        id: &TransactionId,
        digest: &[u8],
        cx: &mut Context<'_>,
        mut step: impl FnMut(&Session, &mut Context<'_>) -> Result<(Step<R>, Option<i64>), Failure>,
    ) -> Result<HttpResponse, Failure> {
        retried(|| {
            let stored = self.store.session(id)?.ok_or(Refusal::UnknownTransaction)?;
            if stored.value.updated.after(SESSION_LIFETIME) <= cx.now {
                return Err(Refusal::UnknownTransaction.into());
            }
            if stored.value.request_digest == digest {
                let mut response = json::encode_response(Ok(Empty {}))?;
                response.body = stored.value.reply;
                return Ok(response);
            }
            let (step, order_version) = step(&stored.value.session, cx)?;
            self.commit(id, stored.version, digest, step, order_version, cx)
        })
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
        let exchange = (digest.to_vec(), response.body.clone());
        let order = step.order.zip(order_version);
        self.commit_session(id, version, step.session, exchange, order, cx)?;
        Ok(response)
    }

    /// Stores a session with its last exchange, and the order if it changed.
    fn commit_session(
        &self,
        id: &TransactionId,
        version: i64,
        session: Session,
        (request_digest, reply): (Vec<u8>, Vec<u8>),
        order: Option<(Order, i64)>,
        cx: &Context<'_>,
    ) -> Result<(), StoreError> {
        let kept_until = cx.now.after(session.kept_for());
        let value = StoredSession {
            session,
            request_digest,
            reply,
            updated: cx.now,
            kept_until,
        };
        let order = order.map(|(value, version)| Versioned { value, version });
        let session = Versioned { value, version };
        self.store.commit_session(id, &session, order.as_ref())
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
            | PendingNotification::CompactOther(_) => return Err(Unverified.into()),
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
        let Some(stored) = self.store.session(id)? else {
            return Ok(());
        };
        let state = match &stored.value.session {
            Session::AwaitInstallationResult(state) => state,
            Session::Ended => return Ok(()),
            _ => return Err(Unverified.into()),
        };
        let order = self.order_of(&stored.value.session)?;
        let step = state.installation_result(result, order.value, cx)?;
        let changed = step.order.map(|value| (value, order.version));
        // The package is of no use any more: neither its request is answered
        // again, nor is it kept.
        let exchange = (Vec::new(), Vec::new());
        self.commit_session(id, stored.version, step.session, exchange, changed, cx)?;
        Ok(())
    }

    fn other_notification(
        &self,
        notification: &Signed<OtherSignedNotification>,
        cx: &Context<'_>,
    ) -> Result<(), Failure> {
        let eid = self.smdp.other_notification(notification, cx)?;
        let kept = self.store.add_smdp_notification(&SmdpNotification {
            eid,
            seq_number: notification.tbs_other_notification.seq_number,
            der: notification.as_bytes(),
            received: cx.now,
        });
        match kept {
            Err(StoreError::Exists(_)) => Err(Failure::NumberInUse),
            kept => Ok(kept?),
        }
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
        answer(retried(|| match &message {
            Request::DownloadOrder(request) => self.download_order(request),
            Request::ConfirmOrder(request) => self.confirm_order(request, cx),
            Request::ReleaseProfile(request) => self.release_profile(request),
        }))
    }

    fn ordered(&self, iccid: Iccid) -> Result<Versioned<Order>, Failure> {
        Ok(self.store.order(iccid)?.ok_or(Refusal::UnknownIccid)?)
    }

    /// A certain profile, or any of a type.
    fn download_order(
        &self,
        request: &es2plus_json::DownloadOrder,
    ) -> Result<HttpResponse, Failure> {
        let order = match (&request.iccid, &request.profile_type) {
            (Some(iccid), _) => self.ordered(*iccid)?,
            (None, Some(profile_type)) => {
                let found = self.store.available(profile_type)?;
                found.ok_or(Refusal::NoProfileOfType)?
            }
            (None, None) => return Err(Refusal::IccidMissing.into()),
        };
        let next = order.value.download_order(request)?;
        self.store.commit_order(&next, order.version)?;
        let reply = es2plus_json::DownloadOrderOk { iccid: next.iccid };
        Ok(json::encode_response(Ok(reply))?)
    }

    fn confirm_order(
        &self,
        request: &es2plus_json::ConfirmOrder,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let order = self.ordered(request.iccid)?;
        let (next, reply) = order.value.confirm_order(request, &self.smdp, cx)?;
        match self.store.commit_order(&next, order.version) {
            Err(StoreError::Exists(_)) => return Err(Refusal::MatchingIdInUse.into()),
            committed => committed?,
        }
        Ok(json::encode_response(Ok(reply))?)
    }

    fn release_profile(
        &self,
        request: &es2plus_json::ReleaseProfile,
    ) -> Result<HttpResponse, Failure> {
        let order = self.ordered(request.iccid)?;
        let next = order.value.release()?;
        self.store.commit_order(&next, order.version)?;
        Ok(json::encode_response(Ok(Empty {}))?)
    }
}

/// How often a step is taken on a state that others change meanwhile.
const ATTEMPTS: usize = 5;

/// Takes a step, again on the new state if somebody else changed it meanwhile.
fn retried<T>(mut step: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    for _ in 1..ATTEMPTS {
        match step() {
            Err(Failure::Store(StoreError::Conflict)) => {}
            taken => return taken,
        }
    }
    step()
}

/// The response, or the refusal in its place.
fn answer(executed: Result<HttpResponse, Failure>) -> Result<HttpResponse, StoreError> {
    match executed {
        Ok(response) => Ok(response),
        Err(Failure::Refused(refusal)) => {
            let refused = json::encode_response::<Empty>(Err(refusal.status_code_data()));
            Ok(refused.unwrap_or_else(|error| error.to_response()))
        }
        Err(Failure::Binding(error)) => Ok(error.to_response()),
        Err(failure @ (Failure::Unverified(_) | Failure::NumberInUse)) => {
            Ok(HttpResponse::failure(400, &failure.to_string()))
        }
        Err(Failure::Store(error)) => Err(error),
    }
}
