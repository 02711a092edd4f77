//! Whether a profile fits an eUICC and its device (SGP.22 3.1.2, 5.6.3).

use rsp_asn1::rsp::{DeviceCapabilities, EuiccInfo2};
use rsp_asn1::{Reader, Tag};

use super::{LOWEST_SVN, ProfileMaterial, Refusal, Rejected};
use crate::Codes;
use crate::profile::describe;

/// Tag of the free non-volatile memory in the card resource information (ETSI
/// TS 102 226 8.2.1.7.2).
const FREE_NON_VOLATILE: Tag = Tag::new(0x82);

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
        if let Some(free) = free_memory(&client.info.ext_card_resource)
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

/// A package of a later major version than the eUICC reads cannot be
/// installed; later minor versions can be by design of the format.
fn check_format((major, minor): (i64, i64), info: &EuiccInfo2) -> Result<(), Rejected> {
    let more = info.additional_euicc_profile_package_versions.iter();
    let mut read = more.flatten().chain([&info.profile_version]);
    match read.any(|[version, ..]| i64::from(*version) >= major) {
        true => Ok(()),
        false => {
            let detail = alloc::format!("the eUICC reads no packages of version {major}.{minor}");
            Err(Refusal::NoEligibleProfile.because(detail))
        }
    }
}

/// Free non-volatile memory in octets; `None` if the eUICC does not say.
fn free_memory(resource: &[u8]) -> Option<u64> {
    let mut resource = Reader::new(resource);
    while !resource.is_empty() {
        let tlv = resource.tlv().ok()?;
        if tlv.tag == FREE_NON_VOLATILE && tlv.value.len() <= 8 {
            let add = |sum: u64, octet: &u8| (sum << 8) | u64::from(*octet);
            return Some(tlv.value.iter().fold(0, add));
        }
    }
    None
}
