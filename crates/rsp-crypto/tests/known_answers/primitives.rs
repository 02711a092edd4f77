//! Known answers of the single algorithms, encodings of keys and signatures,
//! and refusals.

use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{
    CryptoError, Curve, EckaKey, ID_EC_PUBLIC_KEY, Provider, PublicKey, Rng, SharedSecret,
    Signature, SigningKey, kdf,
};

use crate::common::{array, hex, key};

// The SGP.26 test eUICC, published with its private key.
const SCALAR: &str = "11e15467dc194f337183e460c9f63260091e12e81026cd6561e17c6d8539cc9c";
const SPKI: &str = "
    3059301306072a8648ce3d020106082a8648ce3d030107034200046db3f53adc87dc2ff10c7bfcd8
    7ad13ae97009afa065a6757ee571b3f2ebb18f46c1d68f3edeb0e74b2e5d542051e7d27f50952028
    605afdef79fe9fffd03959
";
const PKCS8: &str = "\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEeFUZ9wZTzNxg+Rg
yfYyYAkeEugQJs1lYeF8bYU5zJyhRANCAARts/U63IfcL/EMe/zYetE66XAJr6Bl
pnV+5XGz8uuxj0bB1o8+3rDnSy5dVCBR59J/UJUgKGBa/e95/p//0DlZ
";
const SEC1: &str = "\
MHcCAQEEIBHhVGfcGU8zcYPkYMn2MmAJHhLoECbNZWHhfG2FOcycoAoGCCqGSM49
AwEHoUQDQgAEbbP1OtyH3C/xDHv82HrROulwCa+gZaZ1fuVxs/LrsY9GwdaPPt6w
50suXVQgUefSf1CVIChgWv3vef6f/9A5WQ==
";
const EC_PARAMETERS: &str = "BggqhkjOPQMBBw==\n";

fn pem(label: &str, base64: &str) -> String {
    format!("-----BEGIN {label}-----\n{base64}-----END {label}-----\n")
}

#[test]
fn ecdsa_rfc6979_appendix_a_2_5() {
    let key = key("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    assert_eq!(
        key.sign(&[b"sam", b"", b"ple"]).unwrap(),
        Signature::new(array(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
             F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
        ))
    );
    assert_eq!(
        key.sign(&[b"test"]).unwrap(),
        Signature::new(array(
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367
             019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
        ))
    );
}

#[test]
fn aes_cmac_rfc4493() {
    let k = array("2b7e151628aed2a6abf7158809cf4f3c");
    let message = hex(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
                       30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    );
    let cases = [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ];
    for (length, mac) in cases {
        let (a, b) = message[..length].split_at(length / 3);
        assert_eq!(SoftwareProvider.aes128_cmac(&k, &[a, b]), array(mac));
    }
}

#[test]
fn aes_cbc_sp800_38a() {
    let k = array("2b7e151628aed2a6abf7158809cf4f3c");
    let iv = array("000102030405060708090a0b0c0d0e0f");
    let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    let mut data = plain.clone();
    SoftwareProvider
        .aes128_cbc_encrypt(&k, &iv, &mut data)
        .unwrap();
    assert_eq!(
        data,
        hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2")
    );
    SoftwareProvider
        .aes128_cbc_decrypt(&k, &iv, &mut data)
        .unwrap();
    assert_eq!(data, plain);

    let mut odd = [1; 17];
    assert!(
        SoftwareProvider
            .aes128_cbc_encrypt(&k, &iv, &mut odd)
            .is_err()
    );
    assert!(
        SoftwareProvider
            .aes128_cbc_decrypt(&k, &iv, &mut odd)
            .is_err()
    );
    assert_eq!(odd, [1; 17]);
}

#[test]
fn aes_block_fips197() {
    let mut block = array("00112233445566778899aabbccddeeff");
    SoftwareProvider.aes128_encrypt_block(&array("000102030405060708090a0b0c0d0e0f"), &mut block);
    assert_eq!(block, array::<16>("69c4e0d86a7b0430d8cdb78070b4c55a"));
}

#[test]
fn x963_derivation_of_every_length() {
    let z = SharedSecret::new(core::array::from_fn(|i| i as u8));
    let expected = hex(
        "449b8e0bd116011dcfe0b3859888a0ce43a14011ff79c37e5a6d60f6d7b4b3f1
                        a3e468b3809674dab26fce448700b595129c53e14cd2f06433ac9673b18ce029
                        a3c32aa1f85943e5bd80591e34e0500e60c8861e73fbdaa2e23737c0a2208a51
                        8751456b",
    );
    for length in 1..=expected.len() {
        let mut out = vec![0; length];
        kdf::x963_sha256(&SoftwareProvider, &z, &[1, 2, 3, 4, 5], &mut out).unwrap();
        assert_eq!(out, expected[..length]);
    }
    assert!(kdf::x963_sha256(&SoftwareProvider, &z, &[], &mut []).is_err());
}

#[test]
fn subject_public_key_info() {
    let public = key(SCALAR).public_key().clone();
    assert_eq!(public.to_spki_der(), hex(SPKI));
    assert_eq!(PublicKey::from_spki_der(&hex(SPKI)).unwrap(), public);

    let der = hex(SPKI);
    assert!(PublicKey::from_spki_der(&der[..90]).is_err());
    assert!(PublicKey::from_spki_der(&[&der[..], &[0]].concat()).is_err());
    assert!(PublicKey::from_spki_der(&[]).is_err());
    for at in 0..27 {
        let mut changed = der.clone();
        changed[at] ^= 1;
        assert!(PublicKey::from_spki_der(&changed).is_err(), "byte {at}");
    }
    assert!(der.windows(7).any(|w| w == ID_EC_PUBLIC_KEY));
    assert_eq!(
        Curve::from_oid(Curve::NistP256.oid()),
        Some(Curve::NistP256)
    );
    assert_eq!(Curve::from_oid(ID_EC_PUBLIC_KEY), None);
}

#[test]
fn points_off_the_curve_are_refused_in_use() {
    let own = key(SCALAR);
    let mut point = *own.public_key().as_sec1();
    point[64] ^= 1;
    let off = PublicKey::from_sec1(Curve::NistP256, &point).unwrap();
    let signature = own.sign(&[b"x"]).unwrap();
    let refused = SoftwareProvider.verify(&off, &[b"x"], &signature);
    assert!(matches!(refused, Err(CryptoError::InvalidPublicKey(_))));
    assert!(matches!(
        own.agree(&off),
        Err(CryptoError::InvalidPublicKey(_))
    ));

    let compressed = [&[2], &point[1..33]].concat();
    assert!(PublicKey::from_sec1(Curve::NistP256, &compressed).is_err());
    point[0] = 6;
    assert!(PublicKey::from_sec1(Curve::NistP256, &point).is_err());
}

#[test]
fn out_of_range_signatures_do_not_verify() {
    let own = key(SCALAR);
    let order = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";
    for half in [&"00".repeat(32)[..], order, &"FF".repeat(32)] {
        let both = Signature::new(array(&half.repeat(2)));
        let refused = SoftwareProvider.verify(own.public_key(), &[b"x"], &both);
        assert_eq!(refused, Err(CryptoError::VerificationFailed));
    }
}

#[test]
fn x509_signature_of_another_implementation() {
    let der = hex(
        "30440220498defa2bb666053c84fee47fcd8e597f8584b5f4a4cbcd5686f88d1689d2e4b
                   02207202c8b2c0e6d1c0954ee0a92f7352f85263a77cea9493b977332b88e1b51898",
    );
    let signature = Signature::from_der(&der).unwrap();
    SoftwareProvider
        .verify(key(SCALAR).public_key(), &[b"sample ", b"text"], &signature)
        .unwrap();
    assert_eq!(signature.to_der(), der);
}

#[test]
fn der_signatures_of_all_widths() {
    for (r, s) in [(0x80, 0), (0x7F, 32), (0xFF, 31), (1, 1)] {
        let mut bytes = [0x11; 64];
        bytes[0] = r;
        bytes[32..32 + s].fill(0);
        let signature = Signature::from_slice(&bytes).unwrap();
        let der = signature.to_der();
        assert_eq!(usize::from(der[1]), der.len() - 2);
        assert_eq!(Signature::from_der(&der).unwrap(), signature);
    }
    let zero = Signature::new([0; 64]);
    assert_eq!(zero.to_der(), hex("3006020100020100"));
    assert_eq!(Signature::new([0xFF; 64]).to_der().len(), 72);
}

#[test]
fn malformed_signatures_are_refused() {
    assert!(Signature::from_slice(&[1; 63]).is_err());
    assert!(Signature::from_slice(&[1; 65]).is_err());
    let large = format!("3026022101{}020101", "00".repeat(32));
    let cases = [
        "",
        "30",
        "3000",
        "3003020101",
        "300602010102010100",
        "3007020101020101",
        "3106020101020101",
        "3006030101020101",
        "3006020180020101",
        "30070202007F020101",
        "3005020002 0101",
        "300602010102 0201",
        "308106020101020101",
        "3009020101020101020101",
        &large,
    ];
    for case in cases {
        assert!(Signature::from_der(&hex(case)).is_err(), "{case}");
    }
}

#[test]
fn private_keys_as_pem() {
    let expected = key(SCALAR);
    let pkcs8 = pem("PRIVATE KEY", PKCS8);
    let sec1 = pem("EC PRIVATE KEY", SEC1);
    let behind = pem("EC PARAMETERS", EC_PARAMETERS) + &sec1;
    for text in [&pkcs8, &sec1, &behind, &pkcs8.replace('\n', "\r\n")] {
        let key = SoftwareKey::from_pkcs8_pem(text).unwrap();
        assert_eq!(key.public_key(), expected.public_key());
        assert_eq!(key.to_scalar(), expected.to_scalar());
    }
    assert_eq!(*expected.to_pkcs8_pem().unwrap(), pkcs8);
}

#[test]
fn bad_private_keys_are_refused() {
    let cut = PKCS8.replacen("MIGH", "MIGI", 1);
    let cases = [
        String::new(),
        "-----BEGIN ".to_owned(),
        format!("-----BEGIN PRIVATE KEY-----\n{PKCS8}"),
        format!("-----BEGIN PRIVATE KEY-----\n{PKCS8}-----END "),
        pem("PUBLIC KEY", PKCS8),
        pem("PRIVATE KEY", &cut),
        pem("EC PARAMETERS", EC_PARAMETERS),
    ];
    for case in cases {
        let refused = SoftwareKey::from_pkcs8_pem(&case);
        assert!(matches!(refused, Err(CryptoError::InvalidPrivateKey(_))));
    }
    for scalar in [[0; 32], [0xFF; 32]] {
        assert!(SoftwareKey::from_scalar(Curve::NistP256, &scalar).is_err());
    }
}

#[test]
fn seeded_generator_repeats_whatever_the_portions() {
    let mut whole = [0; 100];
    SeededRng::new(7).fill(&mut whole);
    let mut parts = [0; 100];
    let mut rng = SeededRng::new(7);
    for part in parts.chunks_mut(9) {
        rng.fill(part);
    }
    assert_eq!(whole, parts);
    assert_ne!(whole[..32], whole[32..64]);
    let mut other = [0; 100];
    SeededRng::new(8).fill(&mut other);
    assert_ne!(whole, other);
}

#[test]
fn generated_keys_agree_and_sign() {
    let mut rng = SeededRng::new(1);
    let one_time = SoftwareProvider
        .generate_ecka(Curve::NistP256, &mut rng)
        .unwrap();
    let peer = SoftwareKey::generate(Curve::NistP256, &mut rng).unwrap();
    assert_ne!(one_time.public_key(), peer.public_key());
    let secret = one_time.agree(peer.public_key()).unwrap();
    let same = peer.agree(one_time.public_key()).unwrap();
    assert_eq!(secret.as_bytes(), same.as_bytes());

    let signature = peer.sign(&[b"message"]).unwrap();
    SoftwareProvider
        .verify(peer.public_key(), &[b"message"], &signature)
        .unwrap();
}

#[test]
fn broken_generator_is_reported() {
    struct Stuck(u8);
    impl Rng for Stuck {
        fn fill(&mut self, buf: &mut [u8]) {
            buf.fill(self.0);
        }
    }
    for byte in [0, 0xFF] {
        let refused = SoftwareKey::generate(Curve::NistP256, &mut Stuck(byte));
        assert!(matches!(refused, Err(CryptoError::KeyProvider(_))));
    }
}
