//! The ASN.1 binding of ES9+ and ES11, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use rsp_asn1::rsp::*;
use rsp_asn1::{Asn1, Tag};
use support::{bytes, element, round_trip};

#[test]
fn requests_are_wrapped_once() {
    for hex in [
        // InitiateAuthentication.
        "A23D BF393A 8110000102030405060708090A0B0C0D0E0F 830A64702E6578616D706C65 \
         BF2019 8203020600 A908 0406F54172BDF98A AA08 0406F54172BDF98A",
        // AuthenticateClient with an error of the eUICC.
        "A211 BF3B0E 8001AA BF3808 A106 8001AA 020107",
        "A213 BF3B10 8001AA BF3808 A106 8001AA 020107 0500",
        // GetBoundProfilePackage.
        "A211 BF3A0E 8001AA BF2108 A106 8001AA 020105",
        // CancelSession: A1 replaces 'BF41'.
        "A20B BF4108 8001AA A103 810105",
    ] {
        round_trip::<RemoteProfileProvisioningRequest>(hex);
    }
}

#[test]
fn responses_are_wrapped_once() {
    for hex in [
        "A206 BF3903 810101",
        "A206 BF3B03 810112",
        "A206 BF3A03 81015F",
        "A205 BF4102 A000",
        "A206 BF4103 810102",
        // ES11: one event.
        "A21A BF4017 A015 8001AA A110 300E 80024531 810864732E61622E6364",
        "A206 BF4003 810106",
        // SGP.22 v2.7: metadata only.
        "A221 BF3B1E A21C 8001AA BF2516 5A0A98010300000000000010 9102535092044E616D65",
    ] {
        round_trip::<RemoteProfileProvisioningResponse>(hex);
    }
}

#[test]
fn a_cancelled_session_is_read_with_and_without_its_own_tag() {
    let strict = bytes("A20B BF4108 8001AA A103 810105");
    let nested = bytes("A20E BF410B 8001AA A106 BF4103 810105");
    let strict = RemoteProfileProvisioningRequest::from_der(&strict).unwrap();
    let nested = RemoteProfileProvisioningRequest::from_der(&nested).unwrap();
    assert_eq!(strict, nested);
    assert_eq!(nested.to_der(), strict.to_der());
}

#[test]
fn a_notification_is_read_with_and_without_its_automatic_tag() {
    let metadata = "BF2F19 800101 81020640 0C0464702E61 5A0A98010300000000000010";
    let signature = format!("5F3740{}", "00".repeat(64));
    let der = bytes(&format!("{metadata}{signature} 30020500 30020500"));
    let notification = element(Tag::SEQUENCE, &der);
    let wrap = |inner: &[u8]| element(Tag::new(0xA2), &element(Tag::new(0xBF3D), inner));
    let strict = wrap(&element(Tag::new(0xA0), &notification));
    let bare = wrap(&notification);
    let message = RemoteProfileProvisioningRequest::from_der(&strict).unwrap();
    assert_eq!(message.to_der(), strict);
    let read = RemoteProfileProvisioningRequest::from_der(&bare).unwrap();
    assert_eq!(read, message);
}

#[test]
fn local_profile_management() {
    round_trip::<EnableProfileRequest>("BF3111A00C5A0A980103000000000000108101FF");
    round_trip::<EnableProfileRequest>("BF310A A005 4F03A00000 8101 00");
    round_trip::<EnableProfileResponse>("BF3103800104");
    round_trip::<DisableProfileRequest>("BF3211A00C5A0A980103000000000000108101FF");
    round_trip::<DisableProfileResponse>("BF3203800102");
    round_trip::<DeleteProfileRequest>("BF330C5A0A98010300000000000010");
    round_trip::<DeleteProfileResponse>("BF3303800100");
    round_trip::<EuiccMemoryResetRequest>("BF3404820205E0");
    round_trip::<EuiccMemoryResetResponse>("BF3403800101");
    round_trip::<SetNicknameRequest>("BF290F5A0A9801030000000000001090016E");
    round_trip::<SetNicknameResponse>("BF2903800101");
    round_trip::<SetDefaultDpAddressRequest>("BF3F0C800A64702E6578616D706C65");
    round_trip::<SetDefaultDpAddressResponse>("BF3F0380017F");
    round_trip::<GetRatRequest>("BF4300");
    round_trip::<GetRatResponse>("BF4315 A013 3011 80020640 A107 3005 800362F210 82020780");
    round_trip::<LoadCrlRequest>("BF3504 A0020500");
    round_trip::<LoadCrlResponse>("BF3507 A005 A003 020102");
    round_trip::<LoadCrlResponse>("BF3503 810106");
    round_trip::<UpdateMetadataRequest>("BF2A0E 91025350 92044E616D65 9F6701FF");
    round_trip::<LpaeActivationRequest>("BF420480020780");
    round_trip::<LpaeActivationResponse>("BF4203800101");
    round_trip::<IsdrProprietaryApplicationTemplate>("E0098203020500 03020780");
}
