//! What the eUICC signed, kept as it came: for whoever wants to see it again.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::rsp::{PendingNotification, ProfileInstallationResult};
use rsp_asn1::sgp32::EuiccPackageResult;
use rsp_asn1::{Asn1, Signed};

use super::OperationId;
use super::verified::{Believed, PackageResult};
use crate::Context;

/// What was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKind {
    /// EuiccPackageResult (SGP.32 2.11.2.1).
    PackageResult,
    /// ProfileInstallationResult of a download that the IPA did itself
    /// (SGP.22 2.5.6).
    InstallationResult,
    /// PendingNotification, of any kind (SGP.22 5.7.10).
    Notification,
}

impl EvidenceKind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            EvidenceKind::PackageResult => "package_result",
            EvidenceKind::InstallationResult => "installation_result",
            EvidenceKind::Notification => "notification",
        }
    }
}

/// A signed object that came from an eUICC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// The operation that it is about.
    pub operation: Option<OperationId>,
    /// Its number on the eUICC; a package error has none.
    pub seq_number: Option<i64>,
    /// Whether its signature was verified.
    pub verified: bool,
    /// The object. A package result and an installation result are octet for
    /// octet as received; of a notification what is signed in it is.
    pub der: Vec<u8>,
    /// SHA-256 of `der`.
    pub digest: [u8; 32],
    /// The SM-DP+ that is still to be told, because the eUICC will forget the
    /// notification: the address in it.
    pub forward_to: Option<String>,
}

impl Evidence {
    pub(super) fn of_package_result(
        received: &Signed<EuiccPackageResult>,
        believed: &Believed<PackageResult>,
        operation: Option<OperationId>,
        cx: &Context<'_>,
    ) -> Self {
        let seq_number = match &**believed {
            PackageResult::Result(signed) => {
                Some(signed.euicc_package_result_data_signed.seq_number)
            }
            PackageResult::Error(_) => None,
        };
        let der = received.as_bytes().to_vec();
        Evidence {
            kind: EvidenceKind::PackageResult,
            operation,
            seq_number,
            verified: believed.unproven().is_none(),
            digest: cx.crypto.sha256(&[&der]),
            der,
            forward_to: None,
        }
    }

    /// The IPA tells the SM-DP+ itself (SGP.32 3.2.3.1 step 14).
    pub(super) fn of_installation_result(
        received: &Signed<ProfileInstallationResult>,
        believed: &Believed<ProfileInstallationResult>,
        operation: OperationId,
        cx: &Context<'_>,
    ) -> Self {
        let metadata = &believed
            .profile_installation_result_data
            .notification_metadata;
        let der = received.as_bytes().to_vec();
        Evidence {
            kind: EvidenceKind::InstallationResult,
            operation: Some(operation),
            seq_number: Some(metadata.seq_number),
            verified: believed.unproven().is_none(),
            digest: cx.crypto.sha256(&[&der]),
            der,
            forward_to: None,
        }
    }

    /// Whoever takes a notification over has to deliver it (SGP.32 3.7).
    pub(super) fn of_notification(
        received: &PendingNotification,
        believed: &Believed<()>,
        cx: &Context<'_>,
    ) -> Self {
        let der = received.to_der();
        Evidence {
            kind: EvidenceKind::Notification,
            operation: None,
            seq_number: Some(received.seq_number()),
            verified: believed.unproven().is_none(),
            digest: cx.crypto.sha256(&[&der]),
            der,
            forward_to: received
                .metadata()
                .map(|metadata| metadata.notification_address.clone()),
        }
    }
}
