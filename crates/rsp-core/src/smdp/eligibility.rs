//! Whether a profile fits an eUICC and its device (SGP.22 3.1.2, 5.6.3).

use rsp_asn1::rsp::{DeviceCapabilities, EuiccInfo2};

use super::{LOWEST_SVN, ProfileMaterial, Refusal, Rejected};
use crate::Codes;
use crate::profile::{describe, reads_packages_of};

/// What an eUICC and its device said of themselves.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) info: EuiccInfo2,
    pub(super) device: DeviceCapabilities,
}

impl ProfileMaterial {
    /// Whether this eUICC in this device can take the profile.
    ///
    /// # Errors
    /// If a version, the memory or a technology is missing.
    pub(super) fn check_fits(&self, client: &Client) -> Result<(), Rejected> {
        if client.info.svn < LOWEST_SVN {
            return Err(Refusal::UnsupportedVersion.into());
        }
        let package = describe(&self.template);
        let package = package.map_err(|error| Refusal::NoEligibleProfile.because(error))?;
        check_format(package.version, &client.info)?;
        if let Some(free) = client.info.free_non_volatile_memory()
            && free < package.size as u64
        {
            let size = package.size;
            let detail = alloc::format!("{free} octets free, the package has {size}");
            return Err(Refusal::InsufficientMemory.because(detail));
        }
        for technology in &self.settings.requires {
            if !technology.is_supported_by(&client.device) {
                let detail = alloc::format!("the device lacks {technology:?}");
                return Err(Refusal::NoEligibleProfile.because(detail));
            }
        }
        Ok(())
    }
}

/// Whether the eUICC can install a package of this version.
fn check_format((major, minor): (i64, i64), info: &EuiccInfo2) -> Result<(), Rejected> {
    match reads_packages_of(info, major) {
        true => Ok(()),
        false => {
            let detail = alloc::format!("the eUICC reads no packages of version {major}.{minor}");
            Err(Refusal::NoEligibleProfile.because(detail))
        }
    }
}
