//! The test data of 3GPP TS 33.501 Annex C.4.

use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::suci::{HomeNetworkKey, ProtectionScheme, conceal, reveal};
use rsp_crypto::{CryptoError, Curve, Rng};

use super::common::hex;

/// Gives these octets once.
struct Fixed(Vec<u8>);

impl Rng for Fixed {
    fn fill(&mut self, buf: &mut [u8]) {
        let octets: Vec<u8> = self.0.drain(..buf.len()).collect();
        buf.copy_from_slice(&octets);
    }
}

const INPUT: &str = "00012080F6";

#[test]
fn profile_a() {
    let private = hex("C53C22208B61860B06C62E5406A7B330C2B577AA5558981510D128247D38BD1D");
    let public = hex("5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650");
    let ephemeral = hex("C80949F13EBE61AF4EBDBD293EA4F942696B9E815D7E8F0096BBF6ED7DE62256");
    let output = hex(concat!(
        "B2E92F836055A255837DEBF850B528997CE0201CB82ADFE4BE1F587D07D8457D",
        "CB02352410",
        "CDDD9E730EF3FA87"
    ));
    let concealed = conceal(
        &SoftwareProvider,
        ProtectionScheme::ProfileA,
        &public,
        &hex(INPUT),
        &mut Fixed(ephemeral),
    );
    assert_eq!(concealed, Ok(output.clone()));
    let private: [u8; 32] = private.try_into().unwrap();
    settles(HomeNetworkKey::ProfileA(&private), &output);
}

#[test]
fn profile_b() {
    let private = hex("F1AB1074477EBCC7F554EA1C5FC368B1616730155E0041AC447D6301975FECDA");
    let public = hex("0272DA71976234CE833A6907425867B82E074D44EF907DFB4B3E21C1C2256EBCD1");
    let ephemeral = hex("99798858A1DC6A2C68637149A4B1DBFD1FDFF5ADDD62A2142F06699ED7602529");
    let output = hex(concat!(
        "039AAB8376597021E855679A9778EA0B67396E68C66DF32C0F41E9ACCA2DA9B9D1",
        "46A33FC271",
        "6AC7DAE96AA30A4D"
    ));
    let private = SoftwareKey::from_scalar(Curve::NistP256, &private.try_into().unwrap()).unwrap();
    for public in [&public[..], private.public_key().as_sec1()] {
        let concealed = conceal(
            &SoftwareProvider,
            ProtectionScheme::ProfileB,
            public,
            &hex(INPUT),
            &mut Fixed(ephemeral.clone()),
        );
        assert_eq!(concealed, Ok(output.clone()));
    }
    settles(HomeNetworkKey::ProfileB(&private), &output);
}

/// It is revealed, and with any octet changed it is not.
fn settles(key: HomeNetworkKey<'_>, output: &[u8]) {
    assert_eq!(reveal(&SoftwareProvider, key, output), Ok(hex(INPUT)));
    for index in 0..output.len() {
        let mut changed = output.to_vec();
        changed[index] ^= 0x01;
        assert!(reveal(&SoftwareProvider, key, &changed).is_err());
        assert!(reveal(&SoftwareProvider, key, &output[..index]).is_err());
    }
}

#[test]
fn more_than_a_block() {
    let private = [7; 32];
    let base: [u8; 32] = std::array::from_fn(|index| if index == 0 { 9 } else { 0 });
    let public = rsp_crypto::Provider::x25519(&SoftwareProvider, &private, &base).unwrap();
    let input: Vec<u8> = (0..100).collect();
    let mut rng = Fixed(vec![3; 32]);
    let scheme = ProtectionScheme::ProfileA;
    let concealed = conceal(
        &SoftwareProvider,
        scheme,
        public.as_bytes(),
        &input,
        &mut rng,
    );
    let key = HomeNetworkKey::ProfileA(&private);
    assert_eq!(
        reveal(&SoftwareProvider, key, &concealed.unwrap()),
        Ok(input)
    );
}

#[test]
fn keys_that_are_none() {
    let with = |scheme, key: &[u8]| {
        conceal(
            &SoftwareProvider,
            scheme,
            key,
            &[1],
            &mut Fixed(vec![1; 32]),
        )
        .unwrap_err()
    };
    let small_order = with(ProtectionScheme::ProfileA, &[0; 32]);
    assert!(matches!(small_order, CryptoError::InvalidPublicKey(_)));
    let short = with(ProtectionScheme::ProfileA, &[9; 31]);
    assert!(matches!(short, CryptoError::InvalidLength { .. }));
    for point in [&[0xFF; 33][..], &[4; 65], &[]] {
        let none = with(ProtectionScheme::ProfileB, point);
        assert!(matches!(none, CryptoError::InvalidPublicKey(_)), "{none:?}");
    }
}
