//! Cancellations that the eIM does not take (SGP.32 5.14.8).

use std::cell::RefCell;
use std::rc::Rc;

use rsp_asn1::rsp::{CancelSessionResponse, CancelSessionServerError};
use rsp_asn1::sgp32::{
    CancelSessionRequestEsipa, CancelSessionResponseEsipa, EsipaMessageFromEimToIpa,
    EsipaMessageFromIpaToEim,
};
use rsp_core::binding::esipa::{self, EsipaBinding, Function};

use super::{INDIRECT, queue, world};

/// What a download that the SM-DP+ breaks off is cancelled with, changed on its
/// way; gives what the eIM answers.
fn answer(
    binding: EsipaBinding,
    change: fn(&mut CancelSessionRequestEsipa),
) -> CancelSessionResponseEsipa {
    let mut world = world(131, INDIRECT);
    world.ipa_config.esipa_binding = binding;
    world.restart_ipa();
    world.fault.relayed_response = Some(Box::new(|request, response| {
        if request.path.ends_with("getBoundProfilePackage") {
            response.status = 503;
        }
    }));
    world.fault.request = Some(Box::new(move |request| {
        if let Ok((binding, EsipaMessageFromIpaToEim::CancelSessionRequest(mut message))) =
            esipa::decode_request(request)
        {
            change(&mut message);
            let message = EsipaMessageFromIpaToEim::CancelSessionRequest(message);
            *request = binding.encode_request(&message).unwrap();
        }
    }));
    let answers = Rc::new(RefCell::new(Vec::new()));
    let seen = answers.clone();
    world.fault.response = Some(Box::new(move |request, response| {
        if let Ok((binding, EsipaMessageFromIpaToEim::CancelSessionRequest(_))) =
            esipa::decode_request(request)
        {
            let read = binding.decode_response(Function::CancelSession, response);
            match read.unwrap() {
                EsipaMessageFromEimToIpa::CancelSessionResponse(answer) => {
                    seen.borrow_mut().push(answer);
                }
                other => panic!("{other:?}"),
            }
        }
    }));
    queue(&mut world, 1);
    world.round().unwrap();
    let first = answers.borrow().first().cloned();
    first.unwrap_or_else(|| panic!("nothing was cancelled: {:?}", world.events))
}

/// EIM-02: of a session that there is not, and by somebody who is not its
/// eUICC. JSON has the same numbers in its header's codes and in the body.
#[test]
fn cancellations_that_are_refused() {
    let asn1 = EsipaBinding::Asn1;
    let taken = answer(asn1, |_| {});
    assert!(
        matches!(taken, CancelSessionResponseEsipa::Ok(_)),
        "{taken:?}"
    );
    type Change = fn(&mut CancelSessionRequestEsipa);
    let rows: [(Change, CancelSessionServerError); 2] = [
        (
            |message| message.transaction_id = "0102030405060708".parse().unwrap(),
            CancelSessionServerError::INVALID_TRANSACTION_ID,
        ),
        (
            |message| {
                let CancelSessionResponse::Ok(ok) = &mut message.cancel_session_response else {
                    panic!("{message:?}");
                };
                *ok.euicc_cancel_session_signature.last_mut().unwrap() ^= 1;
            },
            CancelSessionServerError::EUICC_SIGNATURE_INVALID,
        ),
    ];
    for (change, code) in rows {
        let refused = answer(asn1, change);
        assert_eq!(refused, CancelSessionResponseEsipa::Error(code));
        // In JSON the refusal has no number of its own.
        let refused = answer(EsipaBinding::Json, change);
        assert!(
            matches!(refused, CancelSessionResponseEsipa::Error(_)),
            "{refused:?}"
        );
    }
}
