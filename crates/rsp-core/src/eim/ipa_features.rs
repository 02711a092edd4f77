//! What an IPA can do (SGP.32 4.1), as far as a download depends on it.

use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    DIRECT_RSP_SERVER_COMMUNICATION, EIM_CTX_PARAMS1_GENERATION, EIM_DOWNLOAD_DATA_HANDLING,
    EIM_PROFILE_METADATA_VERIFICATION, INDIRECT_RSP_SERVER_COMMUNICATION, IpaCapabilities,
    MINIMIZE_ESIPA_BYTES,
};

/// What an IPA can do (SGP.32 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpaFeatures {
    /// Downloads from RSP servers itself.
    pub direct: bool,
    /// Downloads through its eIM.
    pub indirect: bool,
    /// Needs no activation code: the eIM keeps it.
    pub eim_download_data: bool,
    /// Has the eIM make ctxParams1.
    pub eim_ctx_params1: bool,
    /// Has the eIM look at the metadata of a profile.
    pub eim_metadata: bool,
    /// Uses the compact forms.
    pub minimize: bool,
}

impl IpaFeatures {
    /// From `IpaCapabilities`.
    pub fn of(capabilities: &IpaCapabilities) -> Self {
        let can = |bit| capabilities.ipa_features.bit(bit);
        IpaFeatures {
            direct: can(DIRECT_RSP_SERVER_COMMUNICATION),
            indirect: can(INDIRECT_RSP_SERVER_COMMUNICATION),
            eim_download_data: can(EIM_DOWNLOAD_DATA_HANDLING),
            eim_ctx_params1: can(EIM_CTX_PARAMS1_GENERATION),
            eim_metadata: can(EIM_PROFILE_METADATA_VERIFICATION),
            minimize: can(MINIMIZE_ESIPA_BYTES),
        }
    }

    /// The bits of `ipaFeatures`.
    pub fn bits(self) -> Vec<u8> {
        let all = [
            (self.direct, DIRECT_RSP_SERVER_COMMUNICATION),
            (self.indirect, INDIRECT_RSP_SERVER_COMMUNICATION),
            (self.eim_download_data, EIM_DOWNLOAD_DATA_HANDLING),
            (self.eim_ctx_params1, EIM_CTX_PARAMS1_GENERATION),
            (self.eim_metadata, EIM_PROFILE_METADATA_VERIFICATION),
            (self.minimize, MINIMIZE_ESIPA_BYTES),
        ];
        let set = all.into_iter().filter(|(set, _)| *set);
        set.map(|(_, bit)| bit).collect()
    }
}
