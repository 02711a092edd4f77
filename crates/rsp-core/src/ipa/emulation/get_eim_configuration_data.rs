//! ES10b.GetEimConfigurationData (SGP.32 5.9.18).

use alloc::vec::Vec;

use rsp_asn1::Extensions;
use rsp_asn1::sgp32::{
    EimSearchCriteria, GetEimConfigurationDataRequest, GetEimConfigurationDataResponse,
};

use super::{StandIn, decode};
use crate::ipa::IpaError;

impl StandIn<'_> {
    /// All eIMs, or the one that is asked for; never a counter.
    pub(super) fn get_eim_configuration_data(
        &self,
        bytes: &[u8],
    ) -> Result<GetEimConfigurationDataResponse, IpaError> {
        let request: GetEimConfigurationDataRequest = decode("GetEimConfigurationData", bytes)?;
        let wanted = |id: &str| match &request.search_criteria {
            Some(EimSearchCriteria::EimId(wanted)) => wanted.as_str() == id,
            None => true,
        };
        let eims: Vec<_> = self.card().eims.into_iter().map(|eim| eim.data).collect();
        let found = eims.into_iter().filter(|data| wanted(&data.eim_id));
        Ok(GetEimConfigurationDataResponse {
            eim_configuration_data_list: found.collect(),
            extensions: Extensions::default(),
        })
    }
}
