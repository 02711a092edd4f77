//! Known answers of both curves: key agreement, signatures, encodings.

use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{CryptoError, Curve, EckaKey, Provider, PublicKey, Signature, SigningKey};

use crate::common::{array, hex};

fn key(curve: Curve, scalar: &str) -> SoftwareKey {
    SoftwareKey::from_scalar(curve, &array(scalar)).unwrap()
}

fn public(curve: Curve, x: &str, y: &str) -> PublicKey {
    let point = [&[4][..], &hex(x), &hex(y)].concat();
    PublicKey::from_sec1(curve, &point).unwrap()
}

#[test]
fn ecdh_rfc7027_brainpool_p256r1() {
    let curve = Curve::BrainpoolP256r1;
    let a = key(
        curve,
        "81DB1EE100150FF2EA338D708271BE38300CB54241D79950F77B063039804F1D",
    );
    let b = key(
        curve,
        "55E40BC41E37E3E2AD25C3C6654511FFA8474A91A0032087593852D3E7D76BD3",
    );
    let a_public = public(
        curve,
        "44106E913F92BC02A1705D9953A8414DB95E1AAA49E81D9E85F929A8E3100BE5",
        "8AB4846F11CACCB73CE49CBDD120F5A900A69FD32C272223F789EF10EB089BDC",
    );
    let b_public = public(
        curve,
        "8D2D688C6CF93E1160AD04CC4429117DC2C41825E1E9FCA0ADDD34E6F1B39F7B",
        "990C57520812BE512641E47034832106BC7D3E8DD0E4C7F1136D7006547CEC6A",
    );
    let z = hex("89AFC39D41D3B327814B80940B042590F96556EC91E6AE7939BCE31F3A18BF2B");
    assert_eq!(EckaKey::public_key(&a), &a_public);
    assert_eq!(EckaKey::public_key(&b), &b_public);
    assert_eq!(a.agree(&b_public).unwrap().as_bytes()[..], z);
    assert_eq!(b.agree(&a_public).unwrap().as_bytes()[..], z);
}

#[test]
fn ecdh_cavp_p256() {
    let curve = Curve::NistP256;
    let own = key(
        curve,
        "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
    );
    let own_public = public(
        curve,
        "ead218590119e8876b29146ff89ca61770c4edbbf97d38ce385ed281d8a6b230",
        "28af61281fd35e2fa7002523acc85a429cb06ee6648325389f59edfce1405141",
    );
    let peer = public(
        curve,
        "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287",
        "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
    );
    let z = hex("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
    assert_eq!(EckaKey::public_key(&own), &own_public);
    assert_eq!(own.agree(&peer).unwrap().as_bytes()[..], z);
}

/// Signatures of Wycheproof (`ecdsa_brainpoolP256r1_sha256`, cases 1 to 4).
#[test]
fn ecdsa_wycheproof_brainpool_p256r1() {
    let spki = hex("305a301406072a8648ce3d020106092b24030302080101070342
         00042676bd1e3fd83f3328d1af941442c036760f09587729419053083eb61d1ed22c
         2cf769688a5ffd67da1899d243e66bcabe21f9e78335263bf5308b8e41a71b39");
    let key = PublicKey::from_spki_der(&spki).unwrap();
    assert_eq!(key.curve(), Curve::BrainpoolP256r1);
    assert_eq!(key.to_spki_der(), spki);
    let cases = [
        (
            "",
            "30440220745be1da902d19c76c8f57d4a1f3362b4b20ed7c8de8fc0463d566795f979cea
             02205916c317a1e325b53735216a0fa37737f08b32245c88084817b468a41f5afee9",
        ),
        (
            "4d7367",
            "304502200ff9279a0775740b7db8bec07f9a0401b7903886cb198c1b18c46de0673b31c3
             0221008b3c8686bd1a1508b5b785e762fece8c6cf19b6156983e5c36b2bbe724d6c23e",
        ),
        (
            "313233343030",
            "30450220351e727003896ec02949a3cf752223bcc6c2b611b30391edd60dc0c83dc9c98f
             022100924ad9dc00364d4aa2091416d173862f9b02965ff176e880ea62a673e16db98e",
        ),
        (
            "0000000000000000000000000000000000000000",
            "3044022044a811b2321acbc65cacf80d2dbe848946f1dac528f3e1ae38b0e54d083c258f
             022055d7edfaecdda3bbc062d5074e3c3719d32761159d027ca27c1725ddbd62f688",
        ),
    ];
    for (message, der) in cases {
        let signature = Signature::from_der(&hex(der)).unwrap();
        let message = hex(message);
        SoftwareProvider
            .verify(&key, &[&message], &signature)
            .unwrap();
        let other = [&message[..], &[0]].concat();
        let refused = SoftwareProvider.verify(&key, &[&other], &signature);
        assert_eq!(refused, Err(CryptoError::VerificationFailed));
    }
}

/// The SGP.26 test eUICC on brainpoolP256r1, published with its private key;
/// encodings made by OpenSSL.
const EUICC: &str = "8dc347a76db7bdd6222dd75ea1a1688aca811e4cbc6a7f6aefa4b26419620b90";

const PKCS8_BRAINPOOL: &str = "
    308188020100301406072a8648ce3d020106092b2403030208010107046d306b02010104208dc347
    a76db7bdd6222dd75ea1a1688aca811e4cbc6a7f6aefa4b26419620b90a144034200043e590c38a9
    c256315ecff3291416dd335409a666fd41b3b51e5e5114f343abf0a26774c6c26c48753afe283643
    227bb6608cd261cc972d374a479124ebf27722
";
const SEC1_BRAINPOOL: &str = "
    307802010104208dc347a76db7bdd6222dd75ea1a1688aca811e4cbc6a7f6aefa4b26419620b90a0
    0b06092b2403030208010107a144034200043e590c38a9c256315ecff3291416dd335409a666fd41
    b3b51e5e5114f343abf0a26774c6c26c48753afe283643227bb6608cd261cc972d374a479124ebf2
    7722
";

#[test]
fn private_keys_of_both_curves_as_pem_and_der() {
    for curve in Curve::ALL {
        let key = key(*curve, EUICC);
        let pem = key.to_pkcs8_pem().unwrap();
        let read = SoftwareKey::from_pkcs8_pem(&pem).unwrap();
        assert_eq!(EckaKey::public_key(&read), EckaKey::public_key(&key));
        assert_eq!(read.to_scalar(), key.to_scalar());
    }
    let expected = key(Curve::BrainpoolP256r1, EUICC);
    for der in [PKCS8_BRAINPOOL, SEC1_BRAINPOOL] {
        let read = SoftwareKey::from_der(&hex(der)).unwrap();
        assert_eq!(read.to_scalar(), expected.to_scalar());
        assert_eq!(EckaKey::public_key(&read), EckaKey::public_key(&expected));
    }
    // SEC 1 leaves the curve to its surroundings: without it nothing is guessed.
    let bare = [&hex("30250201010420")[..], &hex(EUICC)].concat();
    let refused = SoftwareKey::from_der(&bare);
    assert!(matches!(refused, Err(CryptoError::InvalidPrivateKey(_))));
}

#[test]
fn generated_keys_of_both_curves() {
    let mut rng = SeededRng::new(1);
    for curve in Curve::ALL {
        let one_time = SoftwareProvider.generate_ecka(*curve, &mut rng).unwrap();
        let peer = SoftwareKey::generate(*curve, &mut rng).unwrap();
        let secret = one_time.agree(EckaKey::public_key(&peer)).unwrap();
        let same = peer.agree(one_time.public_key()).unwrap();
        assert_eq!(secret.as_bytes(), same.as_bytes());
        let signature = peer.sign(&[b"message"]).unwrap();
        let verify = |key: &PublicKey| SoftwareProvider.verify(key, &[b"message"], &signature);
        verify(SigningKey::public_key(&peer)).unwrap();
        assert!(verify(one_time.public_key()).is_err());
        // The same point is no key on the other curve.
        for other in Curve::ALL.iter().filter(|other| *other != curve) {
            let point = EckaKey::public_key(&peer).as_sec1();
            let moved = PublicKey::from_sec1(*other, point).unwrap();
            assert!(matches!(
                verify(&moved),
                Err(CryptoError::InvalidPublicKey(_))
            ));
            assert_eq!(
                one_time.agree(&moved).err(),
                Some(CryptoError::CurveMismatch {
                    own: *curve,
                    peer: *other
                })
            );
        }
    }
}
