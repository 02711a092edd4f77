//! What a card says of itself to somebody with a reader.

use euicc::{Environment, Euicc};
use rsp_asn1::ids::Iccid;
use rsp_asn1::rsp::{
    PendingNotification, ProfileInfoListRequest, ProfileInfoListResponse, ProfileState,
};
use rsp_asn1::sgp32::{
    GetEimConfigurationDataRequest, GetEimConfigurationDataResponse,
    RetrieveNotificationsListRequest, RetrieveNotificationsListResponse,
};
use rsp_asn1::{Asn1, Extensions};
use rsp_crypto::Rng;
use rsp_crypto::software::SoftwareProvider;

use crate::factory::{FactoryError, es10};

/// The profiles on a card and whether each is enabled (ES10c.GetProfilesInfo).
///
/// # Errors
/// If the card gives no list.
pub fn profiles(card: &mut Euicc, rng: &mut dyn Rng) -> Result<Vec<(Iccid, bool)>, FactoryError> {
    let request = ProfileInfoListRequest {
        search_criteria: None,
        tag_list: None,
        iot_specific_tag_list: None,
        extensions: Extensions::default(),
    };
    let answer = ask(card, &request, rng)?;
    match ProfileInfoListResponse::from_der(&answer)? {
        ProfileInfoListResponse::Ok(profiles) => Ok(profiles
            .iter()
            .filter_map(|profile| {
                let enabled = profile.profile_state == Some(ProfileState::ENABLED);
                Some((profile.iccid?, enabled))
            })
            .collect()),
        ProfileInfoListResponse::Error(error) => Err(FactoryError::Refused(error.to_string())),
    }
}

/// The eIMs that a card knows (ES10b.GetEimConfigurationData).
///
/// # Errors
/// If the card gives no list.
pub fn eims(card: &mut Euicc, rng: &mut dyn Rng) -> Result<Vec<String>, FactoryError> {
    let request = GetEimConfigurationDataRequest {
        search_criteria: None,
        extensions: Extensions::default(),
    };
    let answer = ask(card, &request, rng)?;
    let list = GetEimConfigurationDataResponse::from_der(&answer)?.eim_configuration_data_list;
    Ok(list.iter().map(|eim| eim.eim_id.to_string()).collect())
}

/// The notifications that wait on a card (ES10b.RetrieveNotificationsList).
///
/// # Errors
/// If the card gives no list.
pub fn notifications(
    card: &mut Euicc,
    rng: &mut dyn Rng,
) -> Result<Vec<PendingNotification>, FactoryError> {
    let request = RetrieveNotificationsListRequest {
        search_criteria: None,
        extensions: Extensions::default(),
    };
    let answer = ask(card, &request, rng)?;
    match RetrieveNotificationsListResponse::from_der(&answer)? {
        RetrieveNotificationsListResponse::NotificationList(list) => Ok(list),
        RetrieveNotificationsListResponse::EuiccPackageResultList(_) => Ok(Vec::new()),
        RetrieveNotificationsListResponse::Error(code) => {
            Err(FactoryError::Refused(code.to_string()))
        }
    }
}

/// How many notifications and eUICC Package Results wait on a card
/// (ES10b.RetrieveNotificationsList).
///
/// # Errors
/// If the card gives no lists.
pub fn waiting(card: &mut Euicc, rng: &mut dyn Rng) -> Result<usize, FactoryError> {
    use rsp_asn1::sgp32::NotificationsSearchCriteria::EuiccPackageResults;
    let mut count = 0;
    for search_criteria in [None, Some(EuiccPackageResults(rsp_asn1::Null))] {
        let request = RetrieveNotificationsListRequest {
            search_criteria,
            extensions: Extensions::default(),
        };
        let answer = ask(card, &request, rng)?;
        count += match RetrieveNotificationsListResponse::from_der(&answer)? {
            RetrieveNotificationsListResponse::NotificationList(list) => list.len(),
            RetrieveNotificationsListResponse::EuiccPackageResultList(list) => list.len(),
            RetrieveNotificationsListResponse::Error(code) => {
                return Err(FactoryError::Refused(code.to_string()));
            }
        };
    }
    Ok(count)
}

fn ask(card: &mut Euicc, request: &impl Asn1, rng: &mut dyn Rng) -> Result<Vec<u8>, FactoryError> {
    let mut environment = Environment {
        provider: &SoftwareProvider,
        rng,
    };
    es10(card, &request.to_der(), &mut environment)
}
