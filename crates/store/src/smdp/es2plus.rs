//! ES2+ on a store.

use rsp_core::binding::es2plus_json::{
    self, CancelOrder, ConfirmOrder, DownloadOrder, DownloadOrderOk, ReleaseProfile,
};
use rsp_core::binding::json::{self, Empty};
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::smdp::{Order, Refusal};
use rsp_core::{Codes, Context};

use super::{Failure, SmdpHost, retried};
use crate::contract::{StoreError, Versioned};
use crate::smdp_contract::SmdpChange;

impl SmdpHost {
    /// Answers a function of ES2+ that `operator` calls: who that is was
    /// proven to the caller of this.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn es2plus(
        &self,
        request: &HttpRequest,
        operator: &str,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, StoreError> {
        self.es2plus_as(request, operator, &|_| true, cx)
    }

    /// As [`SmdpHost::es2plus`], of an operator that may give itself only
    /// identifiers that `may_be` allows (`functionRequesterIdentifier`).
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn es2plus_as(
        &self,
        request: &HttpRequest,
        operator: &str,
        may_be: &dyn Fn(&str) -> bool,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, StoreError> {
        let message = match es2plus_json::decode_request(request) {
            Ok(message) => message,
            Err(error) => {
                self.observe(&request.path, &error);
                return Ok(json::not_executed(&error));
            }
        };
        let identifier = &message.header().function_requester_identifier;
        let executed = match may_be(identifier) {
            true => retried(|| self.execute(&message, operator, cx)),
            false => Err(Refusal::OtherRequester.because(identifier).into()),
        };
        match executed {
            Ok(response) => Ok(response),
            Err(Failure::Store(error)) => Err(error),
            Err(failure) => {
                self.observe(&request.path, &failure);
                Ok(match failure {
                    Failure::Rejected(rejected) => json::refusal(rejected.refusal),
                    failure => HttpResponse::failure(400, &failure.to_string()),
                })
            }
        }
    }

    fn execute(
        &self,
        message: &es2plus_json::Request,
        operator: &str,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        use es2plus_json::Request;
        match message {
            Request::DownloadOrder(request) => self.download_order(request, operator, cx),
            Request::ConfirmOrder(request) => self.confirm_order(request, operator, cx),
            Request::CancelOrder(request) => self.cancel_order(request, operator, cx),
            Request::ReleaseProfile(request) => self.release_profile(request, operator, cx),
        }
    }

    /// A certain profile, or any of a type.
    fn download_order(
        &self,
        request: &DownloadOrder,
        operator: &str,
        cx: &Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let order = match (&request.iccid, &request.profile_type) {
            (Some(iccid), _) => self.ordered(*iccid)?,
            (None, Some(profile_type)) => self.one_of(profile_type, request, operator)?,
            (None, None) => return Err(Refusal::IccidMissing.into()),
        };
        let unknown = |name: &String| Ok::<_, StoreError>(self.store.profile_type(name)?.is_none());
        if order.value.is_visible_to(operator)
            && request.profile_type.as_ref().map(unknown).transpose()? == Some(true)
        {
            return Err(Refusal::UnknownProfileType.into());
        }
        let before = order.value.clone();
        let next = order.value.download_order(request, operator)?;
        let reply = DownloadOrderOk { iccid: next.iccid };
        self.commit(&before, next, order.version, cx)?;
        Ok(json::encode_response(Ok(reply))?)
    }

    /// A profile of the type; the one that this very call was given before.
    fn one_of(
        &self,
        profile_type: &str,
        request: &DownloadOrder,
        operator: &str,
    ) -> Result<Versioned<Order>, Failure> {
        let call = request.header.function_call_identifier.as_str();
        if !call.is_empty()
            && let Some(order) = self.store.order_of_call(operator, call)?
            && order.value.profile_type == profile_type
            && order.value.is_same_order(request)
        {
            return Ok(order);
        }
        let settings = self.store.profile_type(profile_type)?;
        let settings = settings.ok_or(Refusal::UnknownProfileType)?;
        if settings.owner.is_some_and(|owner| owner != operator) {
            return Err(Refusal::ProfileTypeNotAllowed.into());
        }
        let found = self.store.available(profile_type)?;
        Ok(found.ok_or(Refusal::NoProfileOfType)?)
    }

    fn confirm_order(
        &self,
        request: &ConfirmOrder,
        operator: &str,
        cx: &mut Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let order = self.ordered(request.iccid)?;
        let before = order.value.clone();
        let settings = self.store.profile_type(&before.profile_type)?;
        let settings = settings.unwrap_or_default();
        let order_of = order.value;
        let confirmed = order_of.confirm_order(request, operator, &settings, &self.smdp, cx)?;
        let (next, reply) = confirmed;
        match self.commit(&before, next, order.version, cx) {
            Err(StoreError::Exists(_)) => return Err(Refusal::MatchingIdInUse.into()),
            committed => committed?,
        }
        Ok(json::encode_response(Ok(reply))?)
    }

    fn cancel_order(
        &self,
        request: &CancelOrder,
        operator: &str,
        cx: &Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let order = self.ordered(request.iccid)?;
        let before = order.value.clone();
        let next = order.value.cancel_order(request, operator)?;
        self.commit(&before, next, order.version, cx)?;
        Ok(json::encode_response(Ok(Empty {}))?)
    }

    fn release_profile(
        &self,
        request: &ReleaseProfile,
        operator: &str,
        cx: &Context<'_>,
    ) -> Result<HttpResponse, Failure> {
        let order = self.ordered(request.iccid)?;
        let before = order.value.clone();
        let next = order.value.release(operator)?;
        self.commit(&before, next, order.version, cx)?;
        Ok(json::encode_response(Ok(Empty {}))?)
    }

    /// A repeated call changes nothing.
    fn commit(
        &self,
        before: &Order,
        value: Order,
        version: i64,
        cx: &Context<'_>,
    ) -> Result<(), StoreError> {
        if *before == value {
            return Ok(());
        }
        let order = Versioned { value, version };
        self.store
            .commit_smdp(&SmdpChange::of_order(&order, cx.now))
    }
}
