//! What an eIM may ask the device for (SGP.32 2.11.1.2), and what its
//! acknowledgements remove.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lab::World;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EimAcknowledgements, EimPackageResult, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim,
    EuiccPackageResult, EuiccPackageResultSearchCriteria, GetEimPackageResponse, IpaEuiccData,
    IpaEuiccDataErrorCode, IpaEuiccDataRequest, IpaEuiccDataResponse, NotificationSearchCriteria,
    ProvideEimPackageResultResponse,
};
use rsp_asn1::{Asn1, BitString, Extensions};
use rsp_core::binding::es9plus_json as es9plus;
use rsp_core::binding::json::Function;
use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::OperationKind;
use rsp_core::profile;

/// A path at which no server answers.
const NOWHERE: &str = "/nowhere";

/// A card on which an installation result waits for the SM-DP+ and the result
/// of enable for the eIM.
fn with_undelivered_results() -> World {
    let mut world = World::new(17).unwrap();
    let subscription = world.subscription(1).unwrap();
    let activation_code = world.order(&profile::template(), &subscription).unwrap();
    keep_results(&mut world);
    world
        .queue(OperationKind::Download { activation_code })
        .unwrap();
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    world.queue(enable).unwrap();
    world.round().unwrap();
    world
}

/// Installation results and package results do not arrive.
fn keep_results(world: &mut World) {
    world.fault.request = Some(Box::new(|request: &mut HttpRequest| {
        let package_result = matches!(
            provided(request),
            Some(EimPackageResult::EuiccPackageResult(_))
        );
        if package_result || request.path == es9plus::HandleNotificationRequest::PATH {
            request.path = NOWHERE.to_string();
        }
    }));
}

fn provided(request: &HttpRequest) -> Option<EimPackageResult> {
    match EsipaMessageFromIpaToEim::from_der(&request.body) {
        Ok(EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided)) => {
            Some(provided.eim_package_result)
        }
        _ => None,
    }
}

fn request(tag_list: &[u8]) -> IpaEuiccDataRequest {
    IpaEuiccDataRequest {
        tag_list: tag_list.to_vec(),
        euicc_ci_pk_identifier_to_be_used: None,
        search_criteria_notification: None,
        search_criteria_euicc_package_result: None,
        eim_transaction_id: Some("0A0B".parse().unwrap()),
        extensions: Extensions::default(),
    }
}

/// In the next round the eIM's first package is this request, and its answer
/// acknowledges these numbers. Gives what the device says.
fn ask(
    world: &mut World,
    request: IpaEuiccDataRequest,
    acknowledged: &[i64],
) -> IpaEuiccDataResponse {
    let mut request = Some(request);
    let acknowledged = acknowledged.to_vec();
    let answer = Rc::new(RefCell::new(None));
    let seen = answer.clone();
    let change = move |asked: &HttpRequest, response: &mut HttpResponse| {
        let changed = match EsipaMessageFromEimToIpa::from_der(&response.body) {
            Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(_)) => {
                let Some(request) = request.take() else {
                    return;
                };
                EsipaMessageFromEimToIpa::GetEimPackageResponse(
                    GetEimPackageResponse::IpaEuiccDataRequest(request),
                )
            }
            Ok(EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(_)) => {
                let Some(EimPackageResult::IpaEuiccDataResponse(said)) = provided(asked) else {
                    return;
                };
                seen.borrow_mut().get_or_insert(said);
                let numbers = EimAcknowledgements(acknowledged.clone());
                EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(
                    ProvideEimPackageResultResponse::EimAcknowledgements(numbers),
                )
            }
            _ => return,
        };
        response.body = changed.to_der();
    };
    world.fault.response = Some(Box::new(change));
    world.round().unwrap();
    world.fault.response = None;
    let said = answer.borrow_mut().take();
    said.unwrap_or_else(|| panic!("no answer: {:?}", world.events))
}

fn data(response: IpaEuiccDataResponse) -> IpaEuiccData {
    match response {
        IpaEuiccDataResponse::Ok(data) => data,
        IpaEuiccDataResponse::Error(error) => panic!("{error:?}"),
    }
}

/// IPA-43: tags 80, 88 and BF2B are answered as 81, A8, A0 and A2. IPA-60: the
/// capabilities are there.
#[test]
fn a_tag_list_of_version_1_0() {
    let mut world = with_undelivered_results();
    let tags = [
        0x80, 0xBF, 0x20, 0xBF, 0x22, 0x83, 0x84, 0xA5, 0xA6, 0x88, 0xA9, 0xBF, 0x2B,
    ];
    let data = data(ask(&mut world, request(&tags), &[]));
    let notifications = data.notifications_list.unwrap();
    assert!(matches!(
        notifications[0],
        PendingNotification::ProfileInstallationResult(_)
    ));
    assert_eq!(data.euicc_package_result_list.unwrap().len(), 1);
    assert_eq!(data.default_smdp_address, None, "the card has none");
    assert!(!data.root_smds_address.unwrap().is_empty());
    let token = world.eim.store().euicc(world.eid).unwrap();
    assert!(data.association_token.is_some());
    assert_eq!(
        data.association_token,
        token.unwrap().value.association_token
    );
    assert!(data.euicc_info1.is_some() && data.euicc_info2.is_some());
    assert!(data.eum_certificate.is_some() && data.euicc_certificate.is_some());
    assert!(data.ipa_capabilities.is_some());
    assert_eq!(data.device_info, Some(lab::device_info()));
    assert_eq!(data.eim_transaction_id, Some("0A0B".parse().unwrap()));
}

#[test]
fn only_what_was_asked_for() {
    let mut world = with_undelivered_results();
    let only_results = data(ask(&mut world, request(&[0xA2]), &[]));
    assert_eq!(only_results.notifications_list, None);
    assert_eq!(only_results.euicc_package_result_list.unwrap().len(), 1);

    let by_number = |number| IpaEuiccDataRequest {
        search_criteria_notification: Some(NotificationSearchCriteria::SeqNumber(number)),
        ..request(&[0xA0, 0x81])
    };
    let installation = data(ask(&mut world, by_number(1), &[]));
    let installation = installation.notifications_list.unwrap();
    assert_eq!(installation[0].seq_number(), 1);
    let nothing = data(ask(&mut world, by_number(99), &[]));
    assert_eq!(nothing.notifications_list, Some(Vec::new()));
}

/// One result by its number, and the notifications of one kind of event.
#[test]
fn one_result_and_the_notifications_of_one_event() {
    let mut world = with_undelivered_results();
    let all = data(ask(&mut world, request(&[0xA2]), &[]));
    let all = all.euicc_package_result_list.unwrap();
    let by_number = |number| IpaEuiccDataRequest {
        search_criteria_euicc_package_result: Some(EuiccPackageResultSearchCriteria::SeqNumber(
            number,
        )),
        ..request(&[0xA2])
    };
    let EuiccPackageResult::Signed(signed) = &all[0] else {
        panic!("{all:?}");
    };
    let number = signed.euicc_package_result_data_signed.seq_number;
    let one = data(ask(&mut world, by_number(number), &[]));
    assert_eq!(one.euicc_package_result_list, Some(all));
    let none = data(ask(&mut world, by_number(number + 50), &[]));
    assert_eq!(none.euicc_package_result_list, Some(Vec::new()));

    let of_event = |event| IpaEuiccDataRequest {
        search_criteria_notification: Some(NotificationSearchCriteria::ProfileManagementOperation(
            BitString::of(&[event]),
        )),
        ..request(&[0xA0])
    };
    let events = |world: &mut World, event| {
        let list = data(ask(world, of_event(event), &[])).notifications_list;
        let list = list.unwrap();
        let kind = |notification: &PendingNotification| match notification {
            PendingNotification::ProfileInstallationResult(_) => 0,
            PendingNotification::Other(other) => {
                let events = &other.tbs_other_notification.profile_management_operation;
                (1..4).find(|event| events.bit(*event)).unwrap()
            }
            other => panic!("{other:?}"),
        };
        list.iter().map(kind).collect::<Vec<u8>>()
    };
    // The installation result waits; the card has no order to tell of enable.
    assert_eq!(events(&mut world, 0), [0]);
    assert!(events(&mut world, 3).is_empty(), "nothing was deleted");
}

/// IPA-41: a CI key that the eUICC does not have; IPA-42: one that is named by
/// its beginning.
#[test]
fn a_ci_key_may_be_named_by_its_beginning() {
    let mut world = with_undelivered_results();
    let ci = world.factory.ci.key_identifier.clone();
    let under = |identifier: &[u8]| IpaEuiccDataRequest {
        euicc_ci_pk_identifier_to_be_used: Some(identifier.to_vec()),
        ..request(&[0xA5, 0xA6])
    };
    for length in [4, 20] {
        let data = data(ask(&mut world, under(&ci[..length]), &[]));
        assert!(data.eum_certificate.is_some() && data.euicc_certificate.is_some());
    }
    for unknown in [&[9; 4][..], &[9; 20]] {
        let said = ask(&mut world, under(unknown), &[]);
        assert!(
            matches!(&said, IpaEuiccDataResponse::Error(error)
                if error.ipa_euicc_data_error_code
                    == IpaEuiccDataErrorCode::EUICC_CI_PK_ID_NOT_FOUND),
            "{said:?}"
        );
    }
}

/// IPA-40: an unknown tag, 5A, and no tag at all.
#[test]
fn a_list_with_a_tag_that_is_no_member_is_refused() {
    let mut world = World::new(18).unwrap();
    // The operation for which certificates are asked is of no interest here.
    world.queue(OperationKind::ListProfileInfo).unwrap();
    for tags in [&[0x5A][..], &[0xBF, 0x2D], &[0xA5, 0xBF], &[]] {
        let said = ask(&mut world, request(tags), &[]);
        assert!(
            matches!(&said, IpaEuiccDataResponse::Error(error)
                if error.ipa_euicc_data_error_code == IpaEuiccDataErrorCode::INCORRECT_TAG_LIST),
            "{tags:02X?} {said:?}"
        );
    }
}

#[test]
fn acknowledgements_remove_what_was_in_the_answer() {
    let mut world = with_undelivered_results();
    // The numbers of everything, but only the result was sent.
    let all: Vec<i64> = (1..=20).collect();
    data(ask(&mut world, request(&[0xA2]), &all));
    let left = data(ask(&mut world, request(&[0xBF, 0x2B]), &all));
    assert_eq!(left.euicc_package_result_list, Some(Vec::new()));
    assert_eq!(left.notifications_list.unwrap()[0].seq_number(), 1);
    // Now it was: nothing is left for the SM-DP+.
    let left = data(ask(&mut world, request(&[0xA0]), &[]));
    assert_eq!(left.notifications_list, Some(Vec::new()));
}
