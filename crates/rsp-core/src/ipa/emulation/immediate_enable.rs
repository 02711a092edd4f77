//! ES10b.ImmediateEnable (SGP.32 3.4.4, 5.9.15): the profile that was installed
//! just now, if an eIM allowed it.

use alloc::string::String;

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{EnableResult, FinalResult, ProfileInstallationResult};
use rsp_asn1::sgp32::{ImmediateEnableResponse, ImmediateEnableResult};
use rsp_asn1::{Asn1, Extensions, Oid};

use super::StandIn;
use super::es10c::Euicc;
use super::storage::ImmediateEnable;
use crate::ipa::IpaError;
use crate::ipa::channel::Channel;

/// A profile that was installed, and whose it is.
pub(super) struct Installed {
    iccid: Iccid,
    smdp_oid: Oid,
    smdp_address: String,
}

impl ImmediateEnable {
    fn allows(&self, installed: &Installed) -> bool {
        let address = self.smdp_address.as_ref();
        self.active
            && (self.smdp_oid.as_ref()).is_none_or(|oid| *oid == installed.smdp_oid)
            && address.is_none_or(|one| one.eq_ignore_ascii_case(&installed.smdp_address))
    }
}

impl StandIn<'_> {
    /// Takes down what the eUICC says of an installation.
    pub(super) fn note_installation(&self, answer: &[u8]) {
        let Ok(result) = ProfileInstallationResult::from_der(answer) else {
            return;
        };
        let data = result.profile_installation_result_data.into_value();
        let succeeded = matches!(data.final_result, FinalResult::Success(_));
        let iccid = data.notification_metadata.iccid.filter(|_| succeeded);
        let installed = iccid.map(|iccid| Installed {
            iccid,
            smdp_oid: data.smdp_oid,
            smdp_address: data.notification_metadata.notification_address,
        });
        self.installed.replace(installed);
    }

    pub(super) async fn immediate_enable(
        &self,
        channel: &Channel<'_>,
    ) -> Result<ImmediateEnableResponse, IpaError> {
        Ok(ImmediateEnableResponse {
            immediate_enable_result: self.enable_installed(channel).await?,
            extensions: Extensions::default(),
        })
    }

    async fn enable_installed(
        &self,
        channel: &Channel<'_>,
    ) -> Result<ImmediateEnableResult, IpaError> {
        let mut card = self.card();
        if !card.immediate_enable.active {
            return Ok(ImmediateEnableResult::IMMEDIATE_ENABLE_NOT_AVAILABLE);
        }
        let Some(installed) = self.installed.take() else {
            return Ok(ImmediateEnableResult::NO_SESSION_CONTEXT);
        };
        if !card.immediate_enable.allows(&installed) {
            return Ok(ImmediateEnableResult::IMMEDIATE_ENABLE_NOT_AVAILABLE);
        }
        (card.rollback, card.before_fallback) = (None, None);
        self.save(card).await?;
        Ok(match Euicc(channel).enable(installed.iccid).await? {
            EnableResult::OK => ImmediateEnableResult::OK,
            EnableResult::CAT_BUSY => ImmediateEnableResult::CAT_BUSY,
            _ => ImmediateEnableResult::UNDEFINED_ERROR,
        })
    }
}
