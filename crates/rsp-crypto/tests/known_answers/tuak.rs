//! Known answers of TUAK (TS 35.233 6.3 to 6.8) and its use between an
//! authentication centre and a USIM.

use rsp_crypto::CryptoError;
use rsp_crypto::aka::{
    Challenge, CipherKeyLength, MacLength, Tuak, TuakParameters, TuakResLength, topc,
};

use crate::common::{array, hex};

/// A test set: inputs, then TOPc and the results.
struct Set {
    k: &'static str,
    rand: &'static str,
    sqn: &'static str,
    amf: &'static str,
    top: &'static str,
    iterations: u8,
    topc: &'static str,
    mac_a: &'static str,
    mac_s: &'static str,
    res: &'static str,
    ck: &'static str,
    ik: &'static str,
    ak: &'static str,
    ak_star: &'static str,
}

const SETS: [Set; 6] = [
    Set {
        k: "abababababababababababababababab",
        rand: "42424242424242424242424242424242",
        sqn: "111111111111",
        amf: "ffff",
        top: "5555555555555555555555555555555555555555555555555555555555555555",
        iterations: 1,
        topc: "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff",
        mac_a: "f9a54e6aeaa8618d",
        mac_s: "e94b4dc6c7297df3",
        res: "657acd64",
        ck: "d71a1e5c6caffe986a26f783e5c78be1",
        ik: "be849fa2564f869aecee6f62d4337e72",
        ak: "719f1e9b9054",
        ak_star: "e7af6b3d0e38",
    },
    Set {
        k: "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
        rand: "0123456789abcdef0123456789abcdef",
        sqn: "0123456789ab",
        amf: "abcd",
        top: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        iterations: 1,
        topc: "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
        mac_a: "c0b8c2d4148ec7aa5f1d78a97e4d1d58",
        mac_s: "ef81af7290f7842c6ceafa537fa0745b",
        res: "e9d749dc4eea0035",
        ck: "a4cb6f6529ab17f8337f27baa8234d47",
        ik: "2274155ccf4199d5e2abcbf621907f90",
        ak: "480a9345cc1e",
        ak_star: "f84eb338848c",
    },
    Set {
        k: "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0",
        rand: "0123456789abcdef0123456789abcdef",
        sqn: "0123456789ab",
        amf: "abcd",
        top: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        iterations: 1,
        topc: "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
        mac_a: "d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5",
        mac_s: "427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821",
        res: "07021c73e7635c7d",
        ck: "4d59ac796834eb85d11fa148a5058c3c",
        ik: "126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd",
        ak: "1d6622c4e59a",
        ak_star: "f84eb338848c",
    },
    Set {
        k: "b8da837a50652d6ac7c97da14f6acc61",
        rand: "6887e55425a966bd86c9661a5fa72be8",
        sqn: "0dea2ee2c5af",
        amf: "df1e",
        top: "0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01",
        iterations: 1,
        topc: "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a",
        mac_a: "749214087958dd8f58bfcdf869d8ae3f",
        mac_s: "619e865afe80e382aee13063f9dfb56d",
        res: "4041ce438e3e38e8aa96562eed83ac43",
        ck: "3e3bc01bea0cd914c4c2c83ce2d92757",
        ik: "666a8e6f577b1aa77b7fd53cebb8a3d6",
        ak: "1f880d005119",
        ak_star: "45e617d77fe5",
    },
    Set {
        k: "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
        rand: "c570aac68cde651fb1e3088322498bef",
        sqn: "c89bb71f3a41",
        amf: "297d",
        top: "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e",
        iterations: 1,
        topc: "3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62",
        mac_a: "d7340dad02b4cb01",
        mac_s: "c6021e2e66accb15",
        res: "84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c",
        ck: "d419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65",
        ik: "205533e505661b61d05cc0eac87818f4",
        ak: "d7b3d2d4980a",
        ak_star: "ca9655264986",
    },
    Set {
        k: "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5",
        rand: "c570aac68cde651fb1e3088322498bef",
        sqn: "c89bb71f3a41",
        amf: "297d",
        top: "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e",
        iterations: 2,
        topc: "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51",
        mac_a: "90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7",
        mac_s: "427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f",
        res: "d67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867",
        ck: "ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89",
        ik: "48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999",
        ak: "6aae8d18c448",
        ak_star: "8c5f33b61f4e",
    },
];

impl Set {
    fn parameters(&self) -> TuakParameters {
        let long = |text: &str| match text.len() {
            32 => CipherKeyLength::Bits128,
            _ => CipherKeyLength::Bits256,
        };
        TuakParameters {
            mac: match self.mac_a.len() {
                16 => MacLength::Bits64,
                32 => MacLength::Bits128,
                _ => MacLength::Bits256,
            },
            res: match self.res.len() {
                8 => TuakResLength::Bits32,
                16 => TuakResLength::Bits64,
                32 => TuakResLength::Bits128,
                _ => TuakResLength::Bits256,
            },
            ck: long(self.ck),
            ik: long(self.ik),
            iterations: self.iterations,
        }
    }
}

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
