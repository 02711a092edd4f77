//! Downloads through the eIM: EIM-01, -02, -52 to -60.

use rsp_asn1::sgp32::{GetEimPackageResponse, ProfileDownloadData};
use serde_json::json;

use super::bench::Bench;
use crate::conform::case::{Case, Check, absent, case, ensure, fail, same, skip, some};
use crate::conform::der::{hex, tlv};

/// Why a row of the relay has no conversation yet.
const NO_SMDP: &str = "needs an SM-DP+ of the suite's own behind the eIM, which this suite does \
                       not play yet; held by the tests of the relay";

pub(super) const CASES: &[Case<Bench>] = &[
    case("EIM-01", "a download order becomes a trigger", trigger),
    absent("EIM-02", "a download that is cancelled", NO_SMDP),
    absent("EIM-52", "errors of the SM-DP+ are translated", NO_SMDP),
    absent("EIM-53", "another address in serverSigned1", NO_SMDP),
    absent("EIM-54", "another OID than in the activation code", NO_SMDP),
    case(
        "EIM-55",
        "an eimTransactionId that is unknown",
        unknown_transaction,
    ),
    absent(
        "EIM-56",
        "a policy rule that the eIM does not allow",
        NO_SMDP,
    ),
    absent("EIM-57", "metadata in the package differ", NO_SMDP),
    absent("EIM-58", "ctxParams1 that the eIM makes", NO_SMDP),
    absent("EIM-59", "euiccInfo1 that the eIM inserts", NO_SMDP),
    absent("EIM-60", "hashCc that the eIM makes", NO_SMDP),
];

fn trigger(bench: &mut Bench) -> Check {
    let device = bench.certified_device(None)?;
    let code = "LPA:1$smdp.example.com$MyMatchingId";
    bench.place(
        &device,
        json!({"kind": "download", "activation_code": code}),
    )?;
    let answer = bench.poll_beyond_certificates(&device)?;
    let GetEimPackageResponse::ProfileDownloadTriggerRequest(request) = answer else {
        return fail(format!("GetEimPackage is answered with {answer:?}"));
    };
    some("eimTransactionId", request.eim_transaction_id.as_ref())?;
    match request.profile_download_data {
        Some(ProfileDownloadData::ActivationCode(found)) => {
            let found = found.as_str().trim_start_matches("LPA:");
            same(
                "the activation code",
                found,
                code.trim_start_matches("LPA:"),
            )
        }
        // An eIM that keeps it does so for IPAs that announce it only.
        _ => fail("the trigger holds no activation code"),
    }
}

fn unknown_transaction(bench: &mut Bench) -> Check {
    let members = [
        tlv(0x81, &[7; 16]),
        tlv(0x83, b"smdp.example.com"),
        hex("BF200E8203020202A9060404010203 04AA00"),
        hex("820455667788"),
    ];
    let reply = bench.esipa(&tlv(0xBF39, &members.concat()))?;
    if reply.status != 200 {
        return skip(format!(
            "the eIM relays no downloads: HTTP {}",
            reply.status
        ));
    }
    ensure(
        reply.body.starts_with(&hex("BF390381")),
        "the answer is an error of InitiateAuthentication",
    )?;
    match reply.body.last() {
        Some(52) => Ok(()),
        Some(127) => skip("the eIM relays no downloads: undefinedError"),
        other => fail(format!("the error is {other:?}, not 52")),
    }
}
