//! Proof that an eUICC signed something: nothing else changes an operation.

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{
    CancelSessionResponseOk, EuiccCancelSessionSigned, PendingNotification,
    ProfileInstallationResult,
};
use rsp_asn1::sgp32::{
    EuiccPackageErrorSigned, EuiccPackageResult, EuiccPackageResultSigned,
    EuiccPackageUnsignedErrorCode, IpaEuiccData, association_token_object,
};
use rsp_crypto::{PublicKey, Signature};

use super::{Eim, EuiccRecord};
use crate::Context;
use crate::pki::verify_euicc_chain;

/// A value whose signature by the eUICC was verified over the bytes as
/// received. Only this module makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> core::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What is acted upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Believed<T> {
    /// Proven.
    Proven(Verified<T>),
    /// Not proven, and taken because of the lab setting, or because nobody could
    /// prove it; and why it is not.
    Claimed(T, Unproven),
}

impl<T> Believed<T> {
    /// Why it is not proven.
    pub(super) const fn unproven(&self) -> Option<Unproven> {
        match self {
            Believed::Proven(_) => None,
            Believed::Claimed(_, unproven) => Some(*unproven),
        }
    }
}

impl<T> core::ops::Deref for Believed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Believed::Proven(value) => value,
            Believed::Claimed(value, _) => value,
        }
    }
}

/// Why a result proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unproven {
    /// The eUICC's certificates are not known yet.
    #[error("the key of this eUICC is not known")]
    NoKey,
    /// The signature does not fit.
    #[error("the eUICC's signature is wrong")]
    Signature,
    /// The card answered without a signature: it does not know this eIM, or
    /// not with this key and token.
    #[error("the eUICC did not accept the package: unknown eIM, key or token")]
    Unsigned,
    /// The card answered without a signature and said why, as cards of v1.3 do
    /// (SGP.32 v1.3 2.11.2.1).
    #[error("the eUICC did not accept the package: {0}")]
    UnsignedWith(EuiccPackageUnsignedErrorCode),
    /// The result answers another eIM's package.
    #[error("the result answers a package of another eIM")]
    OtherEim,
    /// The installation result is older than one that was believed.
    #[error("the installation result was used before")]
    Replayed,
    /// The installation result is for another SM-DP+ than that of the download.
    #[error("the installation result names another SM-DP+")]
    OtherSmdp,
    /// The device answers in place of an eUICC that cannot, and cannot sign.
    #[error("the device emulates the eUICC's part: nobody signed it")]
    Emulated,
    /// The certificate chain does not verify or is for another EID.
    #[error("the certificates of the eUICC are not valid for this EID")]
    Certificates,
}

/// A signed result, of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PackageResult {
    /// The package was processed.
    Result(EuiccPackageResultSigned),
    /// The package was refused as a whole.
    Error(EuiccPackageErrorSigned),
}

impl PackageResult {
    /// A result that is signed, whether or not the signature is good.
    fn of(result: &EuiccPackageResult) -> Option<Self> {
        match result {
            EuiccPackageResult::Signed(result) => Some(PackageResult::Result(result.clone())),
            EuiccPackageResult::ErrorSigned(error) => Some(PackageResult::Error(error.clone())),
            EuiccPackageResult::ErrorUnsigned(_) => None,
        }
    }

    /// Whether there is nothing in the place of the signature: so a device says
    /// that it answers for an eUICC that cannot sign.
    fn has_no_signature(&self) -> bool {
        match self {
            PackageResult::Result(result) => result.euicc_sign_epr.is_empty(),
            PackageResult::Error(error) => error.euicc_sign_epe.is_empty(),
        }
    }
}

/// Of what is not proven, what a lab wants to be taken all the same.
fn or_lab<T>(
    eim: &Eim,
    eid: Eid,
    verified: Result<Verified<T>, Unproven>,
    claimed: impl FnOnce() -> Option<T>,
) -> Result<Believed<T>, Unproven> {
    let about_proof = |unproven: Unproven| {
        matches!(
            unproven,
            Unproven::NoKey | Unproven::Signature | Unproven::Certificates
        )
    };
    match verified {
        Ok(verified) => Ok(Believed::Proven(verified)),
        Err(unproven) if about_proof(unproven) && eim.lab.accepts_unverified(eid) => claimed()
            .map(|claimed| Believed::Claimed(claimed, unproven))
            .ok_or(unproven),
        Err(unproven) => Err(unproven),
    }
}

impl EuiccRecord {
    /// euiccSignEPR or euiccSignEPE verified; or nobody could sign it, and the
    /// device may answer so; or the lab does not mind.
    pub(super) fn believe_package_result(
        &self,
        result: &EuiccPackageResult,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Believed<PackageResult>, Unproven> {
        let verified = self.verify_package_result(result, eim, cx);
        if let Err(Unproven::NoKey | Unproven::Signature) = verified
            && self.emulated
            && let Some(claimed) = PackageResult::of(result)
            && claimed.has_no_signature()
        {
            return Ok(Believed::Claimed(claimed, Unproven::Emulated));
        }
        or_lab(eim, self.eid, verified, || PackageResult::of(result))
    }

    /// euiccSignPIR verified, or the lab does not mind.
    pub(super) fn believe_installation_result(
        &self,
        result: &ProfileInstallationResult,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Believed<ProfileInstallationResult>, Unproven> {
        let verified = self.verify_installation_result(result, cx);
        or_lab(eim, self.eid, verified, || Some(result.clone()))
    }

    /// Whether this eUICC has signed a notification.
    pub fn has_signed(
        &self,
        notification: &PendingNotification,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> bool {
        self.verify_notification(notification, eim, cx).is_ok()
    }

    /// The eUICC's signature of a cancellation verified (SGP.22 5.7.14).
    pub(super) fn verify_cancellation(
        &self,
        cancelled: &CancelSessionResponseOk,
        cx: &Context<'_>,
    ) -> Result<Verified<EuiccCancelSessionSigned>, Unproven> {
        let signed = &cancelled.euicc_cancel_session_signed;
        let signature = &cancelled.euicc_cancel_session_signature;
        self.verify(&[signed.as_bytes()], signature, cx)?;
        Ok(Verified(signed.clone().into_value()))
    }

    /// As [`Self::verify_cancellation`], or the lab does not mind.
    pub(super) fn believe_cancellation(
        &self,
        cancelled: &CancelSessionResponseOk,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Believed<EuiccCancelSessionSigned>, Unproven> {
        let verified = self.verify_cancellation(cancelled, cx);
        let claimed = || Some(cancelled.euicc_cancel_session_signed.clone().into_value());
        or_lab(eim, self.eid, verified, claimed)
    }

    /// The signature of a notification verified, or the lab does not mind.
    pub(super) fn believe_notification(
        &self,
        notification: &PendingNotification,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Believed<()>, Unproven> {
        let verified = self.verify_notification(notification, eim, cx);
        or_lab(eim, self.eid, verified, || Some(()))
    }

    /// Verifies euiccSignEPR or euiccSignEPE (SGP.32 2.11.2.1).
    fn verify_package_result(
        &self,
        result: &EuiccPackageResult,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Verified<PackageResult>, Unproven> {
        if result.eim_id() != eim.eim_id.as_str() {
            return Err(Unproven::OtherEim);
        }
        let (result, signed, signature) = match result {
            EuiccPackageResult::Signed(result) => (
                PackageResult::Result(result.clone()),
                result.euicc_package_result_data_signed.as_bytes(),
                &result.euicc_sign_epr,
            ),
            EuiccPackageResult::ErrorSigned(error) => (
                PackageResult::Error(error.clone()),
                error.euicc_package_error_data_signed.as_bytes(),
                &error.euicc_sign_epe,
            ),
            EuiccPackageResult::ErrorUnsigned(error) => {
                let code = error.euicc_package_unsigned_error_code;
                return Err(code.map_or(Unproven::Unsigned, Unproven::UnsignedWith));
            }
        };
        let token = association_token_object(self.association_token);
        self.verify(&[signed, &token], signature, cx)?;
        Ok(Verified(result))
    }

    /// Verifies euiccSignPIR (SGP.22 2.5.6).
    fn verify_installation_result(
        &self,
        result: &ProfileInstallationResult,
        cx: &Context<'_>,
    ) -> Result<Verified<ProfileInstallationResult>, Unproven> {
        let signed = result.profile_installation_result_data.as_bytes();
        self.verify(&[signed], &result.euicc_sign_pir, cx)?;
        Ok(Verified(result.clone()))
    }

    /// Verifies the chain of the eUICC and that it is for this EID; gives its
    /// key as SubjectPublicKeyInfo.
    pub(super) fn verify_certificates(
        &self,
        data: &IpaEuiccData,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Verified<alloc::vec::Vec<u8>>, Unproven> {
        let (Some(eum), Some(euicc)) = (&data.eum_certificate, &data.euicc_certificate) else {
            return Err(Unproven::Certificates);
        };
        let identity = verify_euicc_chain(eum, euicc, &eim.anchors, cx.now, cx.crypto);
        let is_this = |eid: Eid| eid == self.eid;
        match identity {
            Ok(identity) if is_this(identity.eid) => {
                Ok(Verified(identity.public_key.to_spki_der()))
            }
            _ => Err(Unproven::Certificates),
        }
    }

    /// Verifies a notification of any kind.
    fn verify_notification(
        &self,
        notification: &PendingNotification,
        eim: &Eim,
        cx: &Context<'_>,
    ) -> Result<Verified<()>, Unproven> {
        let other = match notification {
            PendingNotification::ProfileInstallationResult(result) => {
                self.verify_installation_result(result, cx)?;
                return Ok(Verified(()));
            }
            PendingNotification::Other(other) => other,
            // Without certificates nothing in it can be believed.
            PendingNotification::CompactProfileInstallationResult(_)
            | PendingNotification::CompactOther(_) => return Err(Unproven::Certificates),
        };
        let (eum, euicc) = (&other.eum_certificate, &other.euicc_certificate);
        let identity = verify_euicc_chain(eum, euicc, &eim.anchors, cx.now, cx.crypto)
            .map_err(|_| Unproven::Certificates)?;
        if identity.eid != self.eid {
            return Err(Unproven::Certificates);
        }
        let signed = other.tbs_other_notification.as_bytes();
        Signature::from_slice(&other.euicc_notification_signature)
            .and_then(|signature| {
                cx.crypto
                    .verify(&identity.public_key, &[signed], &signature)
            })
            .map_err(|_| Unproven::Signature)?;
        Ok(Verified(()))
    }

    fn verify(
        &self,
        message: &[&[u8]],
        signature: &[u8],
        cx: &Context<'_>,
    ) -> Result<(), Unproven> {
        let keys = self.verification_keys();
        if keys.is_empty() {
            return Err(Unproven::NoKey);
        }
        let signature = Signature::from_slice(signature).map_err(|_| Unproven::Signature)?;
        let fits = |key: &PublicKey| cx.crypto.verify(key, message, &signature).is_ok();
        match keys.iter().any(fits) {
            true => Ok(()),
            false => Err(Unproven::Signature),
        }
    }
}
