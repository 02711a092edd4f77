//! Known answers of TUAK (TS 35.233 6.3 to 6.8) and its use between an
//! authentication centre and a USIM.

use rsp_crypto::CryptoError;
use rsp_crypto::aka::{
    Challenge, CipherKeyLength, MacLength, Tuak, TuakParameters, TuakResLength, topc,
};

use crate::common::{array, hex};
use crate::tuak_sets::SETS;

#[test]
fn all_functions_of_the_test_sets() {
    for set in &SETS {
        let k = hex(set.k);
        let topc = topc(&k, &array(set.top), set.iterations).unwrap();
        assert_eq!(topc, array::<32>(set.topc));
        let tuak = Tuak::new(&k, &topc, set.parameters(), &array(set.rand)).unwrap();
        let (sqn, amf) = (array(set.sqn), array(set.amf));
        assert_eq!(tuak.f1(&sqn, &amf).as_bytes(), hex(set.mac_a));
        assert_eq!(tuak.f1_star(&sqn, &amf).as_bytes(), hex(set.mac_s));
        assert_eq!(tuak.f2().as_bytes(), hex(set.res));
        assert_eq!(tuak.f3().as_bytes(), hex(set.ck));
        assert_eq!(tuak.f4().as_bytes(), hex(set.ik));
        assert_eq!(tuak.f5().as_bytes(), hex(set.ak));
        assert_eq!(tuak.f5_star().as_bytes(), hex(set.ak_star));
    }
}

#[test]
fn network_and_usim_agree_with_both_key_lengths() {
    let rand = [7; 16];
    for k in [&[0x11; 16][..], &[0x22; 32]] {
        let topc = topc(k, &[0x33; 32], 1).unwrap();
        for res in [
            TuakResLength::Bits32,
            TuakResLength::Bits64,
            TuakResLength::Bits128,
        ] {
            let parameters = TuakParameters {
                res,
                ..TuakParameters::UMTS
            };
            let side = || Challenge::tuak(k, &topc, parameters, &rand).unwrap();
            let (network, usim) = (side(), side());
            let vector = network.vector(&[0, 0, 0, 0, 1, 2], &[0x80, 0]);
            let opened = usim.open_autn(&vector.autn).unwrap();
            assert_eq!((opened.sqn, opened.amf), ([0, 0, 0, 0, 1, 2], [0x80, 0]));
            assert_eq!(usim.f2(), vector.xres);
            assert_eq!((usim.f3(), usim.f4()), (vector.ck, vector.ik));
            let auts = usim.auts(&[9; 6]);
            assert_eq!(network.open_auts(&auts), Ok([9; 6]));
            let mut changed = vector.autn;
            changed[15] ^= 1;
            let refused = usim.open_autn(&changed);
            assert_eq!(refused, Err(CryptoError::VerificationFailed));
        }
    }
}

#[test]
fn what_umts_cannot_carry_is_refused() {
    let refused = |k: &[u8], parameters| Challenge::tuak(k, &[0; 32], parameters, &[0; 16]).err();
    let umts = TuakParameters::UMTS;
    for length in [0, 15, 17, 31, 33] {
        let refused = refused(&vec![1; length], umts);
        assert!(matches!(refused, Some(CryptoError::InvalidLength { .. })));
    }
    for parameters in [
        TuakParameters {
            mac: MacLength::Bits128,
            ..umts
        },
        TuakParameters {
            res: TuakResLength::Bits256,
            ..umts
        },
        TuakParameters {
            ck: CipherKeyLength::Bits256,
            ..umts
        },
        TuakParameters {
            ik: CipherKeyLength::Bits256,
            ..umts
        },
    ] {
        let refused = refused(&[1; 16], parameters);
        assert!(matches!(
            refused,
            Some(CryptoError::UnsupportedAlgorithm(_))
        ));
    }
    let shown = format!(
        "{:?}",
        Tuak::new(&[1; 16], &[2; 32], umts, &[3; 16]).unwrap()
    );
    assert_eq!(shown, "Tuak([redacted])");
}
