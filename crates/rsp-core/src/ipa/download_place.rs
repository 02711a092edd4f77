//! Where a download begins, as a trigger says (SGP.32 2.11.1.3).

use alloc::string::ToString;

use rsp_asn1::sgp32::{ProfileDownloadData, ProfileDownloadTriggerRequest};

use super::poll::Round;
use super::{ActivationCode, IpaError};

/// Where a download begins.
pub(super) struct Place {
    /// Unless the eIM keeps it.
    pub(super) code: Option<ActivationCode>,
    /// Whether the address is the eUICC's, so that the eIM may not know it.
    pub(super) from_euicc: bool,
    /// Whether it is an SM-DS that is asked first.
    pub(super) is_smds: bool,
}

/// Why a trigger is not carried out.
pub(super) enum NotStarted {
    /// There is nothing in it that this IPA can use.
    Unusable,
    /// What it points to is not there.
    Failed(IpaError),
}

impl Round<'_> {
    /// What a trigger says of where to begin.
    pub(super) async fn place_of(
        &self,
        trigger: &ProfileDownloadTriggerRequest,
    ) -> Result<Place, NotStarted> {
        let features = self.config.features;
        let (code, from_euicc) = match &trigger.profile_download_data {
            Some(ProfileDownloadData::ActivationCode(code)) => {
                let code = code.parse::<ActivationCode>();
                (Some(code.map_err(|_| NotStarted::Unusable)?), false)
            }
            Some(ProfileDownloadData::ContactDefaultSmdp(_)) => {
                let code = self.at_default_smdp().await;
                (Some(code.map_err(NotStarted::Failed)?), true)
            }
            Some(ProfileDownloadData::ContactSmds(contact)) if features.indirect => {
                let address = contact.smds_address.as_deref();
                let code = self.at_smds(address).await;
                (Some(code.map_err(NotStarted::Failed)?), address.is_none())
            }
            None if features.indirect && features.eim_download_data => (None, false),
            _ => return Err(NotStarted::Unusable),
        };
        let data = &trigger.profile_download_data;
        Ok(Place {
            code,
            from_euicc,
            is_smds: matches!(data, Some(ProfileDownloadData::ContactSmds(_))),
        })
    }

    /// What `contactDefaultSmdp` means: the address on the eUICC, and no
    /// MatchingID.
    async fn at_default_smdp(&self) -> Result<ActivationCode, IpaError> {
        let address = self.addresses().await?.default_dp_address;
        let address = address.filter(|address| !address.is_empty());
        let none = IpaError::Protocol("the eUICC has no default SM-DP+");
        Ok(ActivationCode::at(address.ok_or(none)?))
    }

    /// The SM-DS of this address, or the root SM-DS that the eUICC names.
    pub(super) async fn at_smds(&self, address: Option<&str>) -> Result<ActivationCode, IpaError> {
        let address = match address.filter(|address| !address.is_empty()) {
            Some(address) => Some(address.to_string()),
            None => self.addresses().await?.root_ds_address,
        };
        let address = address.filter(|address| !address.is_empty());
        let address = address.ok_or(IpaError::Protocol("no SM-DS is known"))?;
        Ok(ActivationCode::at(address))
    }
}
