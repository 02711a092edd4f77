//! The examples of the standards in the JSON binding of ESipa.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and read their data from files"
)]

use rsp_asn1::Asn1;
use rsp_asn1::sgp32::{EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim};
use rsp_core::binding::esipa::{EsipaBinding, Function, decode_request};
use rsp_core::binding::esipa_json;

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: char| c.to_digit(16).unwrap() as u8;
    let digits: Vec<u8> = hex.chars().map(digit).collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Both bindings carry the same: the examples of the standards that are
/// messages of ESipa, there and back.
#[test]
fn every_example_in_json() {
    let Some(folder) = std::env::var_os("SIMURGH_TEST_DATA") else {
        return;
    };
    let file = std::path::Path::new(&folder).join("spec/asn1/worked-examples.md");
    let text = std::fs::read_to_string(file).unwrap();
    let mut seen = 0;
    for line in text.lines() {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, what, kind, der, ..] = columns.as_slice() else {
            continue;
        };
        let der = der.trim_start_matches('`').split('`').next().unwrap();
        let hex = der.replace("<64 bytes>", &"5A".repeat(64));
        if *kind == "EsipaMessageFromIpaToEim" {
            let message = EsipaMessageFromIpaToEim::from_der(&bytes(&hex)).unwrap();
            seen += 1;
            if let EsipaMessageFromIpaToEim::TransferEimPackageResponse(answer) = &message {
                // In JSON there is no place for the correlation of v1.3.
                use rsp_asn1::sgp32::TransferEimPackageResponse as Answer;
                if let Answer::EimPackageReceivedWithCid(_) | Answer::EimPackageErrorWithCid(_) =
                    answer
                {
                    continue;
                }
                let response = esipa_json::encode_transferred(answer);
                let read = esipa_json::decode_transferred(&response);
                assert_eq!(read.as_ref(), Ok(answer), "{what}");
                continue;
            }
            let request = EsipaBinding::Json.encode_request(&message).unwrap();
            let expected = (EsipaBinding::Json, message);
            assert_eq!(decode_request(&request).unwrap(), expected, "{what}");
        } else if *kind == "EsipaMessageFromEimToIpa" {
            let message = EsipaMessageFromEimToIpa::from_der(&bytes(&hex)).unwrap();
            let function = match &message {
                EsipaMessageFromEimToIpa::GetEimPackageResponse(_) => Function::GetEimPackage,
                EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(_) => {
                    Function::ProvideEimPackageResult
                }
                EsipaMessageFromEimToIpa::InitiateAuthenticationResponse(_) => {
                    Function::InitiateAuthentication
                }
                EsipaMessageFromEimToIpa::AuthenticateClientResponse(_) => {
                    Function::AuthenticateClient
                }
                EsipaMessageFromEimToIpa::CancelSessionResponse(_) => Function::CancelSession,
                _ => continue,
            };
            let response = EsipaBinding::Json.encode_response(&message);
            let read = EsipaBinding::Json.decode_response(function, &response);
            assert_eq!(read.unwrap(), message, "{what}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} examples");
}
