//! ES10b.AddInitialEim and GetEimConfigurationData (SGP.32 5.9.4, 5.9.18).

use alloc::vec::Vec;

use rsp_asn1::sgp32::{
    AddEimResultCode, AddInitialEimOk, AddInitialEimRequest, AddInitialEimResponse,
    EimSearchCriteria, GetEimConfigurationDataRequest, GetEimConfigurationDataResponse,
};
use rsp_asn1::{Asn1, Null};

use super::decode;
use crate::apdu::Status;
use crate::association::Associations;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::state::Eim;

/// Associates the first eIMs: all of them or none.
pub(crate) fn add_initial_eim(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: AddInitialEimRequest = decode(command)?;
    let response = match accept_all(isdr, request) {
        Ok((eims, next_token)) => {
            let list = eims.iter().map(|eim| answer(eim.token())).collect();
            isdr.state.eims = eims;
            isdr.state.next_association_token = next_token;
            AddInitialEimResponse::Ok(list)
        }
        Err(code) => AddInitialEimResponse::Error(code),
    };
    Ok(response.to_der())
}

fn answer(token: Option<i64>) -> AddInitialEimOk {
    match token {
        Some(token) => AddInitialEimOk::AssociationToken(token),
        None => AddInitialEimOk::AddOk(Null),
    }
}

/// The eIMs, and the association token that comes after theirs.
fn accept_all(
    isdr: &Isdr,
    request: AddInitialEimRequest,
) -> Result<(Vec<Eim>, i64), AddEimResultCode> {
    if !isdr.state.eims.is_empty() {
        return Err(AddEimResultCode::ASSOCIATED_EIM_ALREADY_EXISTS);
    }
    if request.eim_configuration_data_list.is_empty() {
        return Err(AddEimResultCode::COMMAND_ERROR);
    }
    let mut associations = Associations::of(isdr);
    for data in request.eim_configuration_data_list {
        associations.add(data)?;
    }
    Ok(associations.into_parts())
}

/// What is known of the associated eIMs, counters left out.
pub(crate) fn get_eim_configuration_data(
    isdr: &mut Isdr,
    command: &[u8],
    _env: &mut Environment<'_>,
) -> Result<Vec<u8>, Status> {
    let request: GetEimConfigurationDataRequest = decode(command)?;
    let wanted = |eim: &&Eim| match &request.search_criteria {
        None => true,
        Some(EimSearchCriteria::EimId(id)) => eim.id() == id,
    };
    let found = isdr.state.eims.iter().filter(wanted);
    let response = GetEimConfigurationDataResponse {
        eim_configuration_data_list: found.map(|eim| eim.data.clone()).collect(),
        extensions: Default::default(),
    };
    Ok(response.to_der())
}
