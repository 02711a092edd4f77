//! Proof that an eUICC signed something: nothing else changes an operation.

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{PendingNotification, ProfileInstallationResult};
use rsp_asn1::sgp32::{
    EuiccPackageErrorSigned, EuiccPackageResult, EuiccPackageResultSigned, IpaEuiccData,
    association_token_object,
};
use rsp_crypto::Signature;

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

/// Why a result proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Unproven {
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
    /// The result answers another eIM's package.
    #[error("the result answers a package of another eIM")]
    OtherEim,
    /// The installation result is older than one that was believed.
    #[error("the installation result was used before")]
    Replayed,
    /// The installation result is for another SM-DP+ than that of the download.
    #[error("the installation result names another SM-DP+")]
    OtherSmdp,
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

impl EuiccRecord {
    /// Verifies euiccSignEPR or euiccSignEPE (SGP.32 2.11.2.1).
    pub(super) fn verify_package_result(
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
            EuiccPackageResult::ErrorUnsigned(_) => return Err(Unproven::Unsigned),
        };
        let token = association_token_object(self.association_token);
        self.verify(&[signed, &token], signature, cx)?;
        Ok(Verified(result))
    }

    /// Verifies euiccSignPIR (SGP.22 2.5.6).
    pub(super) fn verify_installation_result(
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
    pub(super) fn verify_notification(
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
        let key = self.verification_key().ok_or(Unproven::NoKey)?;
        Signature::from_slice(signature)
            .and_then(|signature| cx.crypto.verify(&key, message, &signature))
            .map_err(|_| Unproven::Signature)
    }
}
