//! Operations as PSMOs (SGP.32 2.11.1.1.3).

use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{ProfileInfoListRequest, ProfileSearchCriteria};
use rsp_asn1::sgp32::{
    ConfigureImmediateEnable, EmptyOperation, EnablePsmo, IccidPsmo, Psmo,
    SetDefaultDpAddressRequest,
};
use rsp_asn1::{Extensions, Null};

use super::super::{ImmediateEnable, OperationKind, ProfileQuery, ProfileSearch};

/// The PSMO, if it is one.
pub(super) fn psmo(kind: &OperationKind) -> Option<Psmo> {
    Some(match kind {
        OperationKind::Enable { iccid, rollback } => Psmo::Enable(EnablePsmo {
            iccid: *iccid,
            rollback_flag: rollback.then_some(Null),
            extensions: Extensions::default(),
        }),
        OperationKind::Disable { iccid } => Psmo::Disable(on(*iccid)),
        OperationKind::Delete { iccid } => Psmo::Delete(on(*iccid)),
        OperationKind::ListProfileInfo => Psmo::ListProfileInfo(list(&ProfileQuery::default())),
        OperationKind::ListSomeProfileInfo(query) => Psmo::ListProfileInfo(list(query)),
        OperationKind::GetRat => Psmo::GetRat(nothing()),
        OperationKind::ConfigureImmediateEnable(configuration) => {
            Psmo::ConfigureImmediateEnable(immediate_enable(configuration))
        }
        OperationKind::SetFallbackAttribute { iccid } => Psmo::SetFallbackAttribute(on(*iccid)),
        OperationKind::UnsetFallbackAttribute => Psmo::UnsetFallbackAttribute(nothing()),
        OperationKind::SetDefaultDpAddress { address } => {
            Psmo::SetDefaultDpAddress(SetDefaultDpAddressRequest {
                default_dp_address: address.clone(),
                extensions: Extensions::default(),
            })
        }
        _ => return None,
    })
}

fn on(iccid: Iccid) -> IccidPsmo {
    IccidPsmo {
        iccid,
        extensions: Extensions::default(),
    }
}

pub(super) fn nothing() -> EmptyOperation {
    EmptyOperation {
        extensions: Extensions::default(),
    }
}

fn list(query: &ProfileQuery) -> ProfileInfoListRequest {
    let search = query.search.as_ref().map(|search| match search {
        ProfileSearch::Iccid(iccid) => ProfileSearchCriteria::Iccid(*iccid),
        ProfileSearch::IsdpAid(aid) => ProfileSearchCriteria::IsdpAid(aid.clone()),
        ProfileSearch::Class(class) => ProfileSearchCriteria::ProfileClass(*class),
    });
    ProfileInfoListRequest {
        search_criteria: search,
        tag_list: query.tags.clone(),
        iot_specific_tag_list: None,
        extensions: Extensions::default(),
    }
}

fn immediate_enable(configuration: &ImmediateEnable) -> ConfigureImmediateEnable {
    ConfigureImmediateEnable {
        immediate_enable_flag: configuration.enable.then_some(Null),
        default_smdp_oid: configuration.smdp_oid.clone(),
        default_smdp_address: configuration.smdp_address.clone(),
        extensions: Extensions::default(),
    }
}
