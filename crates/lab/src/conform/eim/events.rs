//! An event at an SM-DS, which the eIM asks for an IPA (SGP.32 3.9.2.2): EIM-69.

use rsp_asn1::sgp32::{
    AuthenticateClientOkDsEsipa, AuthenticateClientResponseEsipa, ProfileDownloadData,
};
use serde_json::json;

use super::bench::Bench;
use super::download::{INDIRECT, started, taken};
use super::orders::Settled;
use super::relay::{MATCHING_ID, Relay};
use crate::conform::case::{Case, Check, case, ensure, fail, one_of, same, some};
use crate::conform::der::tlv;
use crate::conform::played::{Bend, Seen};

pub(super) const CASES: &[Case<Bench>] = &[case("EIM-69", "event retrieval", retrieval)];

fn retrieval(bench: &mut Bench) -> Check {
    let (address, smdp) = bench.smdp(Bend::Nothing)?;
    let smds = bench.smds(&address)?;
    let device = bench.device_with(&[INDIRECT])?;
    let order = json!({"kind": "contact_smds", "smds_address": smds.0});
    let mut relay = bench.triggered(device, order, smds)?;
    match &relay.trigger.profile_download_data {
        Some(ProfileDownloadData::ContactSmds(contact)) => {
            let named = contact.smds_address.as_deref();
            same("smdsAddress", named, Some(relay.address.as_str()))?;
        }
        other => return fail(format!("the trigger says {other:?}, not contactSmds")),
    }
    let found = event(bench, &mut relay)?;
    let seen = relay.seen()?;
    let asked = Seen::Authenticated { matching_id: None };
    ensure(seen.contains(&asked), "the SM-DS is asked for all events")?;

    let trigger = some("profileDownloadTrigger", found.profile_download_trigger)?;
    let Some(ProfileDownloadData::ActivationCode(code)) = &trigger.profile_download_data else {
        return fail(format!("the new trigger says {trigger:?}"));
    };
    let code = code.as_str().trim_start_matches("LPA:");
    let expected = format!("1${address}${MATCHING_ID}");
    same("the activation code of the event", code, expected.as_str())?;
    relay = Relay {
        trigger,
        address,
        smdp,
        ..relay
    };
    download(bench, &mut relay)
}

/// InitiateAuthentication and AuthenticateClient with the SM-DS.
fn event(bench: &mut Bench, relay: &mut Relay) -> Check<AuthenticateClientOkDsEsipa> {
    let begun = started(bench, relay)?;
    let found = match bench.authenticate_with(relay, &begun, None)? {
        (AuthenticateClientResponseEsipa::OkDs(found), _) => found,
        (other, _) => return fail(format!("AuthenticateClient is answered with {other:?}")),
    };
    let session = some("the session", relay.transaction_id.clone())?;
    same("transactionId", &found.transaction_id, &session)?;
    Ok(found)
}

/// What the event leads to.
fn download(bench: &mut Bench, relay: &mut Relay) -> Check {
    let begun = started(bench, relay)?;
    let answer = bench.authenticated(relay, &begun)?;
    let (offered, _) = taken("AuthenticateClient", answer)?;
    let package = bench.bound(relay, &offered)?;
    taken("GetBoundProfilePackage", package)?;
    let notified = tlv(0xBF3D, &tlv(0xA0, &relay.installed()?));
    let reply = bench.esipa(&notified)?;
    one_of("the HTTP status", &reply.status, &[204, 200])?;
    let (device, order) = (relay.device.clone(), relay.order.clone());
    bench.settled(&device, &order, Settled::Success)
}
