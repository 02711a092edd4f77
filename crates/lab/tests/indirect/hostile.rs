//! An IPA that uses what belongs to another eUICC.

use std::cell::RefCell;
use std::rc::Rc;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{CancelSessionResponse, PrepareDownloadResponse};
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetBoundProfilePackageErrorEsipa,
    GetBoundProfilePackageResponseEsipa,
};
use rsp_asn1::{Extensions, Signed};
use rsp_core::binding::esipa;
use store::EimReply;

use super::{INDIRECT, expect_installed, queue, world};

/// Messages of a device in whose session others meddle: between its own
/// messages, others with its transaction and a signature that is not its
/// eUICC's. They are refused without asking the SM-DP+, and it goes on.
#[test]
fn a_session_is_its_euiccs() {
    let mut world = world(40, INDIRECT);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let seen = sent.clone();
    world.fault.request = Some(Box::new(move |request| {
        if let Ok((_, message)) = esipa::decode_request(request) {
            seen.borrow_mut().push(message);
        }
    }));
    let (subscription, download) = queue(&mut world, 1);
    let (mut tried, mut asked) = (0, 0);
    while world.step().unwrap() {
        let message = sent.borrow_mut().pop();
        let Some(forged) = message.as_ref().and_then(forge) else {
            continue;
        };
        // A session has come so far that it awaits the message that the device
        // has just been answered: it is over for others, too.
        tried += 1;
        let reply = world.ask_eim(&forged).unwrap();
        assert!(is_refusal(&reply), "{forged:?} {reply:?}");
        asked += 1;
    }
    assert!(tried >= 1 && asked == tried);
    expect_installed(&world, &download, subscription.iccid);
}

/// The message with another signature.
fn forge(message: &EsipaMessageFromIpaToEim) -> Option<EsipaMessageFromIpaToEim> {
    use EsipaMessageFromIpaToEim as Message;
    Some(match message.clone() {
        Message::GetBoundProfilePackageRequest(mut request) => {
            let PrepareDownloadResponse::Ok(ok) = &mut request.prepare_download_response else {
                return None;
            };
            ok.euicc_signature2[5] ^= 1;
            Message::GetBoundProfilePackageRequest(request)
        }
        Message::AuthenticateClientRequest(mut request) => {
            request.transaction_id = "00".repeat(16).parse().ok()?;
            Message::AuthenticateClientRequest(request)
        }
        _ => return None,
    })
}

fn is_refusal(reply: &EimReply) -> bool {
    use EsipaMessageFromEimToIpa as Message;
    let (EimReply::Message(message) | EimReply::Refused(message, _)) = reply else {
        return false;
    };
    matches!(
        message,
        Message::GetBoundProfilePackageResponse(GetBoundProfilePackageResponseEsipa::Error(_))
            | Message::AuthenticateClientResponse(
                rsp_asn1::sgp32::AuthenticateClientResponseEsipa::Error(_)
            )
            | Message::CancelSessionResponse(rsp_asn1::sgp32::CancelSessionResponseEsipa::Error(_))
    )
}

/// EIM-53 and the sessions of others: another eUICC's device takes the
/// transaction over. Whatever it sends, the SM-DP+ is not asked, and the
/// session stays as it is.
#[test]
fn another_eids_transaction() {
    let mut world = world(41, INDIRECT);
    let (subscription, download) = queue(&mut world, 1);
    let meddled = Rc::new(RefCell::new(Vec::new()));
    let seen = meddled.clone();
    world.fault.request = Some(Box::new(move |request| {
        if let Ok((_, EsipaMessageFromIpaToEim::GetBoundProfilePackageRequest(own))) =
            esipa::decode_request(request)
        {
            seen.borrow_mut().push(own.transaction_id);
        }
    }));
    // As far as PrepareDownload: the answer is lost before the eIM sees it.
    world.fault.lose_relayed = Some(Box::new(|request, _| {
        request.path.ends_with("getBoundProfilePackage")
    }));
    world.ipa_config.retry.times = 0;
    world.restart_ipa();
    let asked = Rc::new(RefCell::new(0));
    while world.step().unwrap() && meddled.borrow().is_empty() {}
    let id = meddled.borrow()[0].clone();
    world.fault.lose_relayed = None;
    let counted = asked.clone();
    world.fault.relayed_request = Some(Box::new(move |_| *counted.borrow_mut() += 1));
    let message = prepared(&id);
    let reply = world.ask_eim(&message).unwrap();
    let code = GetBoundProfilePackageErrorEsipa::EUICC_SIGNATURE_INVALID;
    let error = GetBoundProfilePackageResponseEsipa::Error(code);
    let error = EsipaMessageFromEimToIpa::GetBoundProfilePackageResponse(error);
    assert_eq!(reply, EimReply::Message(error));
    let message = cancelled(&id);
    let reply = world.ask_eim(&message).unwrap();
    assert!(is_refusal(&reply), "{reply:?}");
    assert_eq!(*asked.borrow(), 0, "the SM-DP+ was asked");
    // The device itself comes to its profile.
    for _ in 0..4 {
        world.round().unwrap();
    }
    let state = world.operation(&download).unwrap();
    assert!(
        ["confirmed", "failed", "delivered"].contains(&state.state_name()),
        "{state:?} {subscription:?}"
    );
}

/// A message in this session that its eUICC did not sign.
fn prepared(id: &TransactionId) -> EsipaMessageFromIpaToEim {
    let other = rsp_asn1::rsp::PrepareDownloadResponseOk {
        euicc_signed2: Signed::new(rsp_asn1::rsp::EuiccSigned2 {
            transaction_id: id.clone(),
            euicc_otpk: vec![4; 65],
            hash_cc: None,
            extensions: Extensions::default(),
        }),
        euicc_signature2: vec![0x5A; 64],
        extensions: Extensions::default(),
    };
    let request = rsp_asn1::sgp32::GetBoundProfilePackageRequestEsipa {
        transaction_id: id.clone(),
        prepare_download_response: PrepareDownloadResponse::Ok(other),
        extensions: Extensions::default(),
    };
    EsipaMessageFromIpaToEim::GetBoundProfilePackageRequest(request)
}

/// A message in this session that its eUICC did not sign.
fn cancelled(id: &TransactionId) -> EsipaMessageFromIpaToEim {
    let cancel = rsp_asn1::rsp::CancelSessionResponseOk {
        euicc_cancel_session_signed: Signed::new(rsp_asn1::rsp::EuiccCancelSessionSigned {
            transaction_id: id.clone(),
            smdp_oid: "2.999.10".parse().unwrap(),
            reason: rsp_asn1::rsp::CancelSessionReason::END_USER_REJECTION,
            extensions: Extensions::default(),
        }),
        euicc_cancel_session_signature: vec![0x5A; 64],
        extensions: Extensions::default(),
    };
    let request = rsp_asn1::sgp32::CancelSessionRequestEsipa {
        transaction_id: id.clone(),
        cancel_session_response: CancelSessionResponse::Ok(cancel),
        extensions: Extensions::default(),
    };
    EsipaMessageFromIpaToEim::CancelSessionRequest(request)
}
