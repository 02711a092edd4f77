//! ES9+.GetBoundProfilePackage (SGP.22 5.6.2, 3.1.3).

use rsp_asn1::Asn1;
use rsp_asn1::rsp::{
    BoundProfilePackage, PrepareDownloadResponse, PrepareDownloadResponseError,
    PrepareDownloadResponseOk,
};
use rsp_crypto::{PublicKey, Signature};

use super::authenticate_client::{compact, signature_object};
use super::bound_package::Binder;
use super::order::CodeCheck;
use super::progress::Passed;
use super::{
    AwaitGetBoundProfilePackage, AwaitInstallationResult, Delivery, KeptPackage, Order, OrderEnd,
    OrderEvent, ProfileMaterial, ProfileTypeSettings, Refusal, Rejected, Session, Smdp, Step,
};
use crate::binding::es2plus_json::NotificationPoint;
use crate::binding::es9plus_json::{GetBoundProfilePackageOk, GetBoundProfilePackageRequest};
use crate::profile::personalise;
use crate::{Codes, Context};

impl AwaitGetBoundProfilePackage {
    /// Binds the profile to the eUICC's one-time key and delivers it; the one
    /// that a package is bound to already gets that package again. A refusal
    /// that changes order or session is the reply of the step.
    ///
    /// # Errors
    /// If the request is not the eUICC's of this session, or nothing changes
    /// by the refusal.
    pub fn get_bound_profile_package(
        &self,
        request: &GetBoundProfilePackageRequest,
        delivery: Delivery,
        smdp: &Smdp,
        cx: &mut Context<'_>,
    ) -> Result<Step<GetBoundProfilePackageOk>, Rejected> {
        if request.transaction_id != self.transaction_id {
            return Err(Refusal::UnknownTransaction.into());
        }
        let ok = match &request.prepare_download_response {
            PrepareDownloadResponse::Ok(ok) => ok,
            PrepareDownloadResponse::CompactOk(_) => return Err(compact()),
            PrepareDownloadResponse::Error(error) => {
                return Ok(self.prepare_failed(error, delivery.order, smdp, cx));
            }
        };
        self.verify(ok, cx)?;
        let order = self.order_of_session(delivery.order)?;
        order.check_eligible(self.eid)?;
        let order = match self.admit(ok, order, &delivery.material.settings, smdp, cx)? {
            Admitted::Order(order) => *order,
            Admitted::Refused(step) => return Ok(*step),
        };
        let otpk = ok.euicc_signed2.euicc_otpk.as_slice();
        let kept = delivery.kept.filter(|kept| kept.is_of(&order, self));
        let binder = self.binder(otpk, smdp)?;
        let package = match &kept {
            Some(kept) if kept.euicc_otpk == otpk => binder.again(kept),
            Some(_) if delivery.material.settings.bound_once => {
                return Err(Refusal::RebindingRefused.into());
            }
            _ => None,
        };
        let package = match package {
            Some(package) => package,
            None => bind(&binder, &delivery.material, smdp, cx)?,
        };
        self.delivered(order, otpk, package, smdp, cx)
    }

    /// The eUICC could not prepare: the session is over, the order is not.
    fn prepare_failed(
        &self,
        error: &PrepareDownloadResponseError,
        order: Order,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Step<GetBoundProfilePackageOk> {
        let refusal = Refusal::EuiccError;
        let point = NotificationPoint::BPP_DOWNLOAD;
        let code = error.download_error_code;
        Step {
            progress: self.passed(cx).refused_at(point, refusal, &order, smdp),
            ..Step::refused(
                Session::Ended,
                refusal.because(alloc::format!("PrepareDownload failed: {code}")),
            )
        }
    }

    fn verify(&self, ok: &PrepareDownloadResponseOk, cx: &Context<'_>) -> Result<(), Rejected> {
        let wrong = |error| Refusal::EuiccSignatureInvalid.because(error);
        let key = PublicKey::from_spki_der(&self.euicc_key).map_err(wrong)?;
        let signature = Signature::from_slice(&ok.euicc_signature2).map_err(wrong)?;
        let smdp_signature2 = signature_object(&self.smdp_signature2);
        let message = [ok.euicc_signed2.as_bytes(), smdp_signature2.as_slice()];
        cx.crypto
            .verify(&key, &message, &signature)
            .map_err(wrong)?;
        match ok.euicc_signed2.transaction_id == self.transaction_id {
            true => Ok(()),
            false => Err(Refusal::UnknownTransaction.because("in euiccSigned2")),
        }
    }

    /// The order, if it is still the one that was offered.
    fn order_of_session(&self, order: Order) -> Result<Order, Rejected> {
        match order.generation == self.generation {
            true => Ok(order),
            false => Err(Refusal::NotReleased.because("the profile was ordered anew")),
        }
    }

    /// Lets a download pass whose time is not over and whose end user gave the
    /// right code.
    fn admit(
        &self,
        ok: &PrepareDownloadResponseOk,
        order: Order,
        settings: &ProfileTypeSettings,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Admitted, Rejected> {
        if order.is_expired(cx.now) {
            let ended = order.ended(OrderEnd::Expired);
            let ended = ended.ok_or(Refusal::OrderExpired)?;
            let point = NotificationPoint::BPP_DOWNLOAD;
            return Ok(self.refused(
                Session::Ended,
                ended,
                point,
                Refusal::OrderExpired,
                smdp,
                cx,
            ));
        }
        let limit = smdp.policy.of_type(settings).max_confirmation_failures;
        let hash_cc = ok.euicc_signed2.hash_cc.as_ref();
        let id = self.transaction_id.as_bytes();
        let point = NotificationPoint::CONFIRMATION;
        match order.check_confirmation(hash_cc, id, limit, cx.crypto) {
            CodeCheck::Passed => Ok(Admitted::Order(order.into())),
            CodeCheck::Missing => Err(Refusal::ConfirmationCodeMissing.into()),
            CodeCheck::Wrong(order) => {
                let refusal = Refusal::ConfirmationCodeRefused;
                let session = Session::AwaitGetBoundProfilePackage(self.clone());
                Ok(self.refused(session, order, point, refusal, smdp, cx))
            }
            CodeCheck::TooOften(order) => {
                let refusal = Refusal::ConfirmationCodeRetries;
                Ok(self.refused(Session::Ended, order, point, refusal, smdp, cx))
            }
        }
    }

    fn refused(
        &self,
        session: Session,
        order: Order,
        point: NotificationPoint,
        refusal: Refusal,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Admitted {
        let step = Step {
            progress: self.passed(cx).refused_at(point, refusal, &order, smdp),
            order: Some(order),
            ..Step::refused(session, refusal.into())
        };
        Admitted::Refused(step.into())
    }

    fn passed<'a>(&'a self, cx: &Context<'_>) -> Passed<'a> {
        Passed {
            transaction_id: &self.transaction_id,
            eid: self.eid,
            now: cx.now,
        }
    }

    fn binder<'a>(&'a self, euicc_otpk: &'a [u8], smdp: &'a Smdp) -> Result<Binder<'a>, Rejected> {
        let set = smdp.identity(&self.server_ci);
        let set = set.ok_or(Refusal::BindingFailed.because("CERT.DPpb is gone"))?;
        Ok(Binder {
            transaction_id: &self.transaction_id,
            eid: self.eid,
            euicc_otpk,
            key: set.pb.key.as_ref(),
        })
    }

    fn delivered(
        &self,
        order: Order,
        euicc_otpk: &[u8],
        package: BoundProfilePackage,
        smdp: &Smdp,
        cx: &Context<'_>,
    ) -> Result<Step<GetBoundProfilePackageOk>, Rejected> {
        let delivered = order.after(OrderEvent::Delivered);
        let order = Order {
            delivered_to: Some(self.eid),
            ..delivered.ok_or(Refusal::NotReleased)?
        };
        let point = NotificationPoint::BPP_DOWNLOAD;
        Ok(Step {
            session: Session::AwaitInstallationResult(AwaitInstallationResult {
                transaction_id: self.transaction_id.clone(),
                eid: self.eid,
                iccid: self.iccid,
                generation: self.generation,
                euicc_key: self.euicc_key.clone(),
            }),
            progress: self.passed(cx).at(point, None, &order, smdp),
            kept: Some(KeptPackage {
                iccid: self.iccid,
                generation: self.generation,
                eid: self.eid,
                server_ci: self.server_ci.clone(),
                euicc_otpk: euicc_otpk.to_vec(),
                package: package.to_der(),
            }),
            order: Some(order),
            reply: Ok(GetBoundProfilePackageOk {
                transaction_id: self.transaction_id.clone(),
                bound_profile_package: package,
            }),
        })
    }
}

fn bind(
    binder: &Binder<'_>,
    material: &ProfileMaterial,
    smdp: &Smdp,
    cx: &mut Context<'_>,
) -> Result<BoundProfilePackage, Rejected> {
    let unfit = |error| Refusal::NoEligibleProfile.because(error);
    let package = personalise(&material.template, &material.subscription).map_err(unfit)?;
    let metadata = material.metadata(&smdp.address).map_err(unfit)?.to_der();
    let protection = material.settings.protection;
    binder
        .bind(&metadata, &package, protection, cx)
        .map_err(|error| Refusal::BindingFailed.because(error))
}

/// Whether the download goes on.
enum Admitted {
    Order(alloc::boxed::Box<Order>),
    Refused(alloc::boxed::Box<Step<GetBoundProfilePackageOk>>),
}

impl KeptPackage {
    /// Whether it is that of this order for the eUICC of this session.
    fn is_of(&self, order: &Order, session: &AwaitGetBoundProfilePackage) -> bool {
        self.generation == order.generation
            && self.eid == session.eid
            && self.server_ci == session.server_ci
    }
}
