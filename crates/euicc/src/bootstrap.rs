//! Profiles that are on the card when it leaves the factory.
//!
//! There is no server, no session and no notification: the EUM puts the package
//! in, through the same installer and under the same rules as a download.

use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::rsp::{ErrorReason, ProfileState, StoreMetadataRequest};
use rsp_crypto::Provider;

use crate::card::Euicc;
use crate::es10::install::{check_fit, check_metadata};
use crate::state::ProfileContents;
use crate::uicc::Installer;

/// A profile for [`Euicc::install_bootstrap`].
#[derive(Clone, Debug)]
pub struct BootstrapProfile<'a> {
    /// What StoreMetadata would bring (SGP.22 5.5.3). The ICCID must be that of
    /// the package.
    pub metadata: StoreMetadataRequest,
    /// The profile package (TCA SAIP), complete.
    pub package: &'a [u8],
    /// Whether the profile is enabled when the card is first powered.
    pub enabled: bool,
}

/// Why a bootstrap profile is not installed. The card is as before.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bootstrap profile is not installed: {reason}")]
pub struct BootstrapError {
    /// What a ProfileInstallationResult would say (SGP.22 2.5.6).
    pub reason: ErrorReason,
    /// `EUICCResponse` of the installer in DER, if it refused an element.
    pub response: Option<Vec<u8>>,
}

impl fmt::Debug for BootstrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BootstrapError({}", self.reason)?;
        for octet in self.response.iter().flatten() {
            write!(f, " {octet:02X}")?;
        }
        f.write_str(")")
    }
}

impl From<ErrorReason> for BootstrapError {
    fn from(reason: ErrorReason) -> Self {
        BootstrapError {
            reason,
            response: None,
        }
    }
}

impl From<crate::uicc::InstallError> for BootstrapError {
    fn from(error: crate::uicc::InstallError) -> Self {
        BootstrapError {
            reason: error.reason,
            response: Some(error.response),
        }
    }
}

impl Euicc {
    /// Installs a profile as the EUM does, before the card is used.
    ///
    /// The profile takes memory like any other. To the card it is an ordinary
    /// profile afterwards: it can be disabled and deleted unless its policy
    /// rules forbid it.
    ///
    /// # Errors
    /// If the metadata, the package or the memory left do not allow it, or
    /// another profile is enabled already and this one shall be too. Nothing of
    /// the profile remains then.
    pub fn install_bootstrap(
        &mut self,
        profile: BootstrapProfile<'_>,
        provider: &dyn Provider,
    ) -> Result<(), BootstrapError> {
        let isdr = &mut self.isdr;
        check_metadata(isdr, &profile.metadata)?;
        let mut installer = Installer::new();
        installer.feed(profile.package, provider)?;
        let (uicc, _) = installer.finish()?;
        check_fit(isdr, &profile.metadata, &uicc)?;
        if profile.enabled && isdr.state.enabled().is_some() {
            return Err(ErrorReason::INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR.into());
        }
        let no_aid = ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE;
        let aid = isdr.state.free_isdp_aid().ok_or(no_aid)?;
        let contents = ProfileContents {
            metadata: profile.metadata,
            dp_proprietary_data: None,
            state: match profile.enabled {
                true => ProfileState::ENABLED,
                false => ProfileState::DISABLED,
            },
            preloaded: true,
            signer: None,
            uicc,
        };
        isdr.state.add_profile(aid, contents);
        Ok(())
    }

    /// Memory left for profiles, in bytes.
    pub fn free_memory(&self) -> usize {
        self.isdr.free_memory()
    }
}
