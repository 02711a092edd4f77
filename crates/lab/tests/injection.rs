//! Injection: the eIM brings its packages to a device that listens (SGP.32
//! 5.14.4, 3.1.1.2). Messages pass as octets of the binding.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lab::{Wire, World};
use rsp_asn1::rsp::{NotificationMetadata, OtherSignedNotification, PendingNotification};
use rsp_asn1::sgp32::{
    CorrelationId, EimPackageErrorWithCid, EimPackageReceivedWithCid, EimPackageResultErrorCode,
    EprAndNotifications, EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimPackageRequest,
    IpaEuiccData, IpaEuiccDataResponse, ProvideEimPackageResultResponse, TransferEimPackageRequest,
    TransferEimPackageResponse,
};
use rsp_asn1::{BitString, Extensions, Null, Signed};
use rsp_core::Context;
use rsp_core::binding::{BindingError, HttpRequest, HttpResponse, esipa_asn1};
use rsp_core::eim::{OperationId, OperationKind, transfer};
use rsp_core::ipa::Injection;
use rsp_core::profile;
use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareProvider;
use store::EimReply;

const EIM: &str = "eim.example.com";

/// A device that only listens, and its eIM.
struct Listening {
    world: World,
    injection: Rc<RefCell<Injection>>,
    /// What the device has answered.
    answers: Vec<TransferEimPackageResponse>,
}

impl Listening {
    fn new(seed: u64) -> Listening {
        Self::with(World::new(seed).unwrap())
    }

    fn with(mut world: World) -> Listening {
        let injection = Rc::new(RefCell::new(Injection::new(EIM.to_owned())));
        let between = injection.clone();
        world.wire = Some(Wire(Box::new(move |world, server, request| {
            let answer = between.borrow_mut().answer(server, request);
            match answer {
                Some(response) => Ok(response),
                None => {
                    let served = world.serve(&server.address, request);
                    served.map_err(|error| error.to_string())
                }
            }
        })));
        Listening {
            world,
            injection,
            answers: Vec::new(),
        }
    }

    /// The eIM's question in the device's place.
    fn ask_eim(&mut self, message: &EsipaMessageFromIpaToEim) -> EsipaMessageFromEimToIpa {
        let mut cx = Context {
            now: self.world.now,
            rng: &mut self.world.rng,
            crypto: &SoftwareProvider,
        };
        match self.world.eim.handle(message, &mut cx).unwrap() {
            EimReply::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// Takes a message to the device, which does a round.
    fn transfer(&mut self, request: TransferEimPackageRequest) -> TransferEimPackageResponse {
        let message = EsipaMessageFromEimToIpa::TransferEimPackageRequest(request);
        let sent = esipa_asn1::encode_from_eim(&message);
        let read = Injection::read(&sent).unwrap();
        self.injection.borrow_mut().transfer(read);
        self.world.round().unwrap();
        self.injection.borrow_mut().round_is_over();
        let answer = self.injection.borrow_mut().poll_response().unwrap();
        let answer = Injection::write(answer);
        let answer = match esipa_asn1::decode_from_ipa(&answer).unwrap() {
            EsipaMessageFromIpaToEim::TransferEimPackageResponse(answer) => answer,
            other => panic!("{other:?}"),
        };
        self.answers.push(answer.clone());
        answer
    }

    /// Brings everything that waits for the device; how many packages.
    fn bring_all(&mut self) -> usize {
        for brought in 0..10 {
            let asked = GetEimPackageRequest {
                eid_value: self.world.eid,
                notify_state_change: None,
                state_change_cause: None,
                r_plmn: None,
                extensions: Extensions::default(),
            };
            let asked = EsipaMessageFromIpaToEim::GetEimPackageRequest(asked);
            let EsipaMessageFromEimToIpa::GetEimPackageResponse(next) = self.ask_eim(&asked) else {
                panic!("another function");
            };
            let Some(request) = transfer::transfer_request(next) else {
                return brought;
            };
            let answer = self.transfer(request);
            self.settle(answer);
        }
        panic!("the eIM has always one more");
    }

    /// Gives the eIM an answer, and the device what that acknowledges.
    fn settle(&mut self, answer: TransferEimPackageResponse) {
        let Some(provided) = transfer::provided(self.world.eid, answer) else {
            return;
        };
        let provided = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
        match self.ask_eim(&provided) {
            EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) => {
                if let Some(acknowledged) = transfer::acknowledgements(response) {
                    let answer = self.transfer(acknowledged);
                    assert_eq!(answer, TransferEimPackageResponse::EimPackageReceived(Null));
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn state(&self, id: &OperationId) -> &'static str {
        self.world.operation(id).unwrap().state_name()
    }
}

/// EIM-70: data request, download trigger (05 00, the result by
/// HandleNotification), an enable with its result, acknowledgements BF53.
#[test]
fn packages_are_brought_to_a_device_that_listens() {
    let mut device = Listening::new(1);
    let subscription = device.world.subscription(1).unwrap();
    let template = profile::template();
    let activation_code = device.world.order(&template, &subscription).unwrap();
    let download = OperationKind::Download { activation_code };
    let download = device.world.queue(download).unwrap();
    // The certificates first, then the trigger.
    assert_eq!(device.bring_all(), 2);
    assert_eq!(device.state(&download), "confirmed");
    let [data, trigger] = &device.answers[..] else {
        panic!("{:?}", device.answers);
    };
    assert!(matches!(
        data,
        TransferEimPackageResponse::IpaEuiccDataResponse(_)
    ));
    assert_eq!(
        *trigger,
        TransferEimPackageResponse::EimPackageReceived(Null)
    );

    device.answers.clear();
    let (iccid, rollback) = (subscription.iccid, false);
    let enable = OperationKind::Enable { iccid, rollback };
    let enable = device.world.queue(enable).unwrap();
    assert_eq!(device.bring_all(), 1);
    assert_eq!(device.state(&enable), "confirmed");
    let [result, acknowledged] = &device.answers[..] else {
        panic!("{:?}", device.answers);
    };
    let is_result = matches!(
        result,
        TransferEimPackageResponse::EuiccPackageResult(_)
            | TransferEimPackageResponse::EprAndNotifications(_)
    );
    assert!(is_result, "{result:?}");
    assert_eq!(
        *acknowledged,
        TransferEimPackageResponse::EimPackageReceived(Null)
    );

    // What was acknowledged is off the eUICC: it is provided no more.
    device.answers.clear();
    device.world.events.clear();
    device.world.round().unwrap();
    let delivered = rsp_core::ipa::Event::ResultDelivered;
    assert!(!device.world.events.contains(&delivered));
}

/// EIM-70: a result whose acknowledgement got lost is kept by the eUICC, and
/// removed when the eIM acknowledges it later.
#[test]
fn a_result_is_kept_until_it_is_acknowledged() {
    let mut device = Listening::new(2);
    let list = device.world.queue(OperationKind::ListProfileInfo).unwrap();
    device.bring_all();
    assert_eq!(device.state(&list), "confirmed");
    let again = device.world.queue(OperationKind::ListProfileInfo).unwrap();
    let asked = GetEimPackageRequest {
        eid_value: device.world.eid,
        notify_state_change: None,
        state_change_cause: None,
        r_plmn: None,
        extensions: Extensions::default(),
    };
    let asked = EsipaMessageFromIpaToEim::GetEimPackageRequest(asked);
    let EsipaMessageFromEimToIpa::GetEimPackageResponse(next) = device.ask_eim(&asked) else {
        panic!("another function");
    };
    let answer = device.transfer(transfer::transfer_request(next).unwrap());
    let provided = transfer::provided(device.world.eid, answer).unwrap();
    let provided = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
    let EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) =
        device.ask_eim(&provided)
    else {
        panic!("another function");
    };
    // Still there, round after round.
    for _ in 0..2 {
        device.world.events.clear();
        device.world.round().unwrap();
        let delivered = rsp_core::ipa::Event::ResultDelivered;
        assert!(device.world.events.contains(&delivered));
    }
    assert!(matches!(
        response,
        ProvideEimPackageResultResponse::EimAcknowledgements(_)
    ));
    device.transfer(transfer::acknowledgements(response).unwrap());
    assert_eq!(device.state(&again), "executed");
    device.world.events.clear();
    device.world.round().unwrap();
    let delivered = rsp_core::ipa::Event::ResultDelivered;
    assert!(!device.world.events.contains(&delivered));
}

/// EIM-70: errors of the device settle what was brought; a device whose IPA
/// cannot do anything answers undefinedError; what is no TransferEimPackage is
/// refused.
#[test]
fn answers_that_are_errors() {
    for code in [
        EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT,
        EimPackageResultErrorCode::UNKNOWN_PACKAGE,
        EimPackageResultErrorCode::UNDEFINED_ERROR,
    ] {
        let mut device = Listening::new(3);
        let list = device.world.queue(OperationKind::ListProfileInfo).unwrap();
        device.bring_all();
        assert_eq!(device.state(&list), "confirmed");
        let answer = TransferEimPackageResponse::EimPackageError(code);
        let provided = transfer::provided(device.world.eid, answer).unwrap();
        let provided = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
        let reply = device.ask_eim(&provided);
        let is_reply = matches!(
            reply,
            EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(_)
        );
        assert!(is_reply, "{reply:?}");
    }
    let mut injection = Injection::new(EIM.to_owned());
    let nothing = rsp_asn1::sgp32::EimAcknowledgements(vec![1]);
    injection.transfer(TransferEimPackageRequest::EimAcknowledgements(nothing));
    let received = Some(TransferEimPackageResponse::EimPackageReceived(Null));
    assert_eq!(injection.poll_response(), received);
    injection.round_is_over();
    assert_eq!(injection.poll_response(), None);
    let poll = rsp_core::binding::HttpRequest {
        path: esipa_asn1::PATH.to_owned(),
        content_type: String::new(),
        admin_protocol: None,
        user_agent: None,
        body: vec![0xBF, 0x50, 0x02, 0x30, 0x00],
    };
    assert!(matches!(
        Injection::read(&poll),
        Err(BindingError::WrongFunction)
    ));
    let refused = HttpResponse::failure(503, "busy");
    assert!(esipa_asn1::decode_from_ipa(&refused).is_err());
}

impl Listening {
    /// What waits for the device, as it is taken there.
    fn next(&mut self) -> TransferEimPackageRequest {
        let asked = GetEimPackageRequest {
            eid_value: self.world.eid,
            notify_state_change: None,
            state_change_cause: None,
            r_plmn: None,
            extensions: Extensions::default(),
        };
        let asked = EsipaMessageFromIpaToEim::GetEimPackageRequest(asked);
        match self.ask_eim(&asked) {
            EsipaMessageFromEimToIpa::GetEimPackageResponse(next) => {
                transfer::transfer_request(next).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Another device's answer, as octets of the binding; gives whether it is
    /// one to what was brought, and what it acknowledges.
    fn answer(
        &mut self,
        answer: TransferEimPackageResponse,
    ) -> Option<ProvideEimPackageResultResponse> {
        let answer = Injection::write(answer);
        let answer = match esipa_asn1::decode_from_ipa(&answer).unwrap() {
            EsipaMessageFromIpaToEim::TransferEimPackageResponse(answer) => answer,
            other => panic!("{other:?}"),
        };
        let provided = transfer::provided(self.world.eid, answer)?;
        let provided = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
        match self.ask_eim(&provided) {
            EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) => Some(response),
            other => panic!("{other:?}"),
        }
    }
}

/// A notification of the card, which a device gives with a result.
fn notification(device: &Listening, certificates: &IpaEuiccData) -> PendingNotification {
    let tbs = Signed::new(NotificationMetadata {
        seq_number: 77,
        profile_management_operation: BitString::of(&[1]),
        notification_address: "smdp.example.com".to_string(),
        iccid: Some("8999970000000000010".parse().unwrap()),
        extensions: Extensions::default(),
    });
    let signature = device.world.card_key().sign(&[tbs.as_bytes()]).unwrap();
    PendingNotification::Other(Signed::new(OtherSignedNotification {
        tbs_other_notification: tbs,
        euicc_notification_signature: signature.as_bytes().to_vec(),
        euicc_certificate: certificates.euicc_certificate.clone().unwrap(),
        eum_certificate: certificates.eum_certificate.clone().unwrap(),
        extensions: Extensions::default(),
    }))
}

/// EIM-70: a device of another maker gives its notifications with the result.
#[test]
fn a_result_with_notifications() {
    let mut device = Listening::new(4);
    let list = device.world.queue(OperationKind::ListProfileInfo).unwrap();
    device.bring_all();
    assert_eq!(device.state(&list), "confirmed");
    let known = device.answers.iter().find_map(|answer| match answer {
        TransferEimPackageResponse::IpaEuiccDataResponse(IpaEuiccDataResponse::Ok(data)) => {
            Some(data.clone())
        }
        _ => None,
    });
    let again = device.world.queue(OperationKind::ListProfileInfo).unwrap();
    let package = device.next();
    let TransferEimPackageResponse::EuiccPackageResult(result) = device.transfer(package) else {
        panic!("no result");
    };
    let notification = notification(&device, &known.unwrap());
    let both = EprAndNotifications {
        euicc_package_result: result,
        notification_list: vec![notification],
        extensions: Extensions::default(),
    };
    let response = device.answer(TransferEimPackageResponse::EprAndNotifications(both));
    let Some(ProvideEimPackageResultResponse::EimAcknowledgements(numbers)) = response else {
        panic!("{response:?}");
    };
    assert!(numbers.0.contains(&77), "{numbers:?}");
    assert_eq!(device.state(&again), "executed");
}

/// EIM-70: v1.3 says what an answer belongs to: to a transaction, or to a
/// device.
#[test]
fn answers_that_name_what_they_belong_to() {
    let other: rsp_asn1::ids::Eid = "89882119900000000000000000000005".parse().unwrap();
    let code = EimPackageResultErrorCode::UNKNOWN_PACKAGE;
    for (seed, whose) in (5..).zip(["transaction", "device", "another device", "nothing"]) {
        let mut device = Listening::new(seed);
        let first = device.world.queue(OperationKind::ListProfileInfo).unwrap();
        device.bring_all();
        assert_eq!(device.state(&first), "confirmed");
        let list = device.world.queue(OperationKind::ListProfileInfo).unwrap();
        let TransferEimPackageRequest::EuiccPackageRequest(package) = device.next() else {
            panic!("no package");
        };
        let own = package.euicc_package_signed.eim_transaction_id.clone();
        let correlation_id = match whose {
            "transaction" => Some(CorrelationId::EimTransactionId(own.unwrap())),
            "device" => Some(CorrelationId::EidValue(device.world.eid)),
            "another device" => Some(CorrelationId::EidValue(other)),
            _ => None,
        };
        let received = EimPackageReceivedWithCid {
            correlation_id: correlation_id.clone(),
            extensions: Extensions::default(),
        };
        let received = TransferEimPackageResponse::EimPackageReceivedWithCid(received);
        assert_eq!(device.answer(received), None, "the result follows");
        assert_eq!(device.state(&list), "delivered");
        let error = EimPackageErrorWithCid {
            correlation_id,
            eim_package_error: code,
            extensions: Extensions::default(),
        };
        let error = TransferEimPackageResponse::EimPackageErrorWithCid(error);
        let taken = device.answer(error).is_some();
        assert_eq!(taken, whose != "another device", "{whose}");
        // Unsigned, it is believed for now; naming no transaction, it says
        // nothing of any.
        let expected = match whose {
            "transaction" => "outcome_unknown",
            _ => "delivered",
        };
        assert_eq!(device.state(&list), expected, "{whose}");
    }
}

/// EIM-70: what the device cannot read is answered with eimPackageError, if it
/// was a TransferEimPackage; what is none is no function.
#[test]
fn what_cannot_be_read_is_answered() {
    let refused = |body: &[u8]| {
        let request = HttpRequest {
            path: esipa_asn1::PATH.to_string(),
            content_type: String::new(),
            admin_protocol: None,
            user_agent: None,
            body: body.to_vec(),
        };
        let error = Injection::read(&request).unwrap_err();
        let answer = Injection::refuse(&request, &error);
        esipa_asn1::decode_from_ipa(&answer).ok()
    };
    let said = |code| {
        let error = TransferEimPackageResponse::EimPackageError(code);
        Some(EsipaMessageFromIpaToEim::TransferEimPackageResponse(error))
    };
    let invalid = said(EimPackageResultErrorCode::INVALID_PACKAGE_FORMAT);
    // A package of another kind; one that is cut; a trigger with rubbish.
    let unknown = refused(&[0xBF, 0x4E, 0x03, 0xBF, 0x7F, 0x00]);
    assert_eq!(unknown, said(EimPackageResultErrorCode::UNKNOWN_PACKAGE));
    assert_eq!(refused(&[0xBF, 0x4E, 0x05, 0xBF, 0x51, 0x02]), invalid);
    let rubbish = [0xBF, 0x4E, 0x05, 0xBF, 0x54, 0x02, 0xA0, 0x00];
    assert_eq!(refused(&rubbish), invalid);
    assert_eq!(refused(&[0xBF, 0x4E, 0x00]), invalid);
    assert_eq!(refused(&[0xBF, 0x4F, 0x00]), None);
    assert_eq!(refused(&[]), None);
}
