//! Known answers of the authentication algorithms, and the exchange between
//! an authentication centre and a USIM.

use rsp_crypto::CryptoError;
use rsp_crypto::aka::{
    Algorithm, Authenticated, Challenge, DEFAULT_ROTATION, DEFAULT_XORING, Outputs, ResLength,
    functions, generate_vector, opc,
};
use rsp_crypto::software::SoftwareProvider;

use crate::common::array;

/// A test set of TS 35.208 4.3.
struct Set {
    k: &'static str,
    rand: &'static str,
    sqn: &'static str,
    amf: &'static str,
    op: &'static str,
    opc: &'static str,
    f1: &'static str,
    f1_star: &'static str,
    f2: &'static str,
    f5: &'static str,
    f3: &'static str,
    f4: &'static str,
    f5_star: &'static str,
}

const SETS: [Set; 4] = [
    Set {
        k: "465b5ce8b199b49faa5f0a2ee238a6bc",
        rand: "23553cbe9637a89d218ae64dae47bf35",
        sqn: "ff9bb4d0b607",
        amf: "b9b9",
        op: "cdc202d5123e20f62b6d676ac72cb318",
        opc: "cd63cb71954a9f4e48a5994e37a02baf",
        f1: "4a9ffac354dfafb3",
        f1_star: "01cfaf9ec4e871e9",
        f2: "a54211d5e3ba50bf",
        f5: "aa689c648370",
        f3: "b40ba9a3c58b2a05bbf0d987b21bf8cb",
        f4: "f769bcd751044604127672711c6d3441",
        f5_star: "451e8beca43b",
    },
    Set {
        k: "0396eb317b6d1c36f19c1c84cd6ffd16",
        rand: "c00d603103dcee52c4478119494202e8",
        sqn: "fd8eef40df7d",
        amf: "af17",
        op: "ff53bade17df5d4e793073ce9d7579fa",
        opc: "53c15671c60a4b731c55b4a441c0bde2",
        f1: "5df5b31807e258b0",
        f1_star: "a8c016e51ef4a343",
        f2: "d3a628ed988620f0",
        f5: "c47783995f72",
        f3: "58c433ff7a7082acd424220f2b67c556",
        f4: "21a8c1f929702adb3e738488b9f5c5da",
        f5_star: "30f1197061c1",
    },
    Set {
        k: "fec86ba6eb707ed08905757b1bb44b8f",
        rand: "9f7c8d021accf4db213ccff0c7f71a6a",
        sqn: "9d0277595ffc",
        amf: "725c",
        op: "dbc59adcb6f9a0ef735477b7fadf8374",
        opc: "1006020f0a478bf6b699f15c062e42b3",
        f1: "9cabc3e99baf7281",
        f1_star: "95814ba2b3044324",
        f2: "8011c48c0c214ed2",
        f5: "33484dc2136b",
        f3: "5dbdbb2954e8f3cde665b046179a5098",
        f4: "59a92d3b476a0443487055cf88b2307b",
        f5_star: "deacdd848cc6",
    },
    Set {
        k: "9e5944aea94b81165c82fbf9f32db751",
        rand: "ce83dbc54ac0274a157c17f80d017bd6",
        sqn: "0b604a81eca8",
        amf: "9e09",
        op: "223014c5806694c007ca1eeef57f004f",
        opc: "a64a507ae1a2a98bb88eb4210135dc87",
        f1: "74a58220cba84c49",
        f1_star: "ac2cc74a96871837",
        f2: "f365cd683cd92e96",
        f5: "f0b9c08ad02e",
        f3: "e203edb3971574f5a94b0d61b816345d",
        f4: "0c4524adeac041c4dd830d20854fc46b",
        f5_star: "6085a86c6f63",
    },
];

impl Set {
    fn algorithm(&self) -> Algorithm {
        Algorithm::milenage(array(self.opc))
    }

    fn outputs(&self, algorithm: &Algorithm) -> Outputs {
        functions(
            &SoftwareProvider,
            &array(self.k),
            algorithm,
            &array(self.rand),
            &array(self.sqn),
            &array(self.amf),
        )
    }
}

#[test]
fn milenage_test_sets_of_ts_35_208() {
    for set in &SETS {
        let derived = opc(&SoftwareProvider, &array(set.k), &array(set.op));
        assert_eq!(derived, array(set.opc));
        let outputs = set.outputs(&set.algorithm());
        assert_eq!(outputs.mac_a, array(set.f1));
        assert_eq!(outputs.mac_s, array(set.f1_star));
        assert_eq!(outputs.res.as_bytes(), array::<8>(set.f2));
        assert_eq!(outputs.ck, array(set.f3));
        assert_eq!(outputs.ik, array(set.f4));
        assert_eq!(outputs.ak, array(set.f5));
        assert_eq!(outputs.ak_star, array(set.f5_star));
    }
}

/// Each constant of an operator changes its own function and no other.
#[test]
fn milenage_with_other_constants() {
    let set = &SETS[0];
    let standard = set.outputs(&set.algorithm());
    for index in 0..5 {
        let mut rotation = DEFAULT_ROTATION;
        rotation[index] += 3;
        let mut xoring = DEFAULT_XORING;
        xoring[index][0] ^= 0x10;
        for (rotation, xoring) in [(rotation, DEFAULT_XORING), (DEFAULT_ROTATION, xoring)] {
            let changed = set.outputs(&Algorithm::Milenage {
                opc: array(set.opc),
                rotation,
                xoring,
            });
            let differs = [
                changed.mac_a != standard.mac_a && changed.mac_s != standard.mac_s,
                changed.res != standard.res && changed.ak != standard.ak,
                changed.ck != standard.ck,
                changed.ik != standard.ik,
                changed.ak_star != standard.ak_star,
            ];
            let expected: [bool; 5] = core::array::from_fn(|i| i == index);
            assert_eq!(differs, expected);
        }
    }
}

/// Rotations that are equal modulo the block are equal.
#[test]
fn rotation_is_modulo_128() {
    let set = &SETS[0];
    let turned = Algorithm::Milenage {
        opc: array(set.opc),
        rotation: DEFAULT_ROTATION.map(|r| r + 128),
        xoring: DEFAULT_XORING,
    };
    assert!(set.outputs(&turned) == set.outputs(&set.algorithm()));
}

const TEST_K: &str = "000102030405060708090a0b0c0d0e0f";
const TEST_RAND: &str = "00102030405060708090a0b0c0d0e0f0";

/// K xor RAND reads 00 11 22 .. ff here, so that the cuts show.
#[test]
fn test_algorithm_of_ts_34_108() {
    let algorithm = Algorithm::Test {
        res_length: ResLength::new(8).unwrap(),
    };
    let outputs = functions(
        &SoftwareProvider,
        &array(TEST_K),
        &algorithm,
        &array(TEST_RAND),
        &array("000000000021"),
        &array("8000"),
    );
    assert_eq!(outputs.res.as_bytes(), array::<8>("0011223344556677"));
    assert_eq!(outputs.ck, array("112233445566778899aabbccddeeff00"));
    assert_eq!(outputs.ik, array("2233445566778899aabbccddeeff0011"));
    assert_eq!(outputs.ak, array("334455667788"));
    assert_eq!(outputs.ak_star, outputs.ak);
    assert_eq!(outputs.mac_a, array("001122334474e677"));
    assert_eq!(outputs.mac_s, outputs.mac_a);

    let vector = generate_vector(
        &SoftwareProvider,
        &array(TEST_K),
        &algorithm,
        array("000000000021"),
        array("8000"),
        array(TEST_RAND),
    );
    assert_eq!(vector.autn, array("3344556677a98000001122334474e677"));
}

#[test]
fn response_lengths() {
    for length in 0..=20 {
        match ResLength::new(length) {
            Ok(res_length) => {
                let algorithm = Algorithm::Test { res_length };
                let (k, rand) = (array(TEST_K), array(TEST_RAND));
                let challenge = Challenge::new(&SoftwareProvider, &k, &algorithm, &rand);
                assert_eq!(challenge.f2().as_bytes().len(), usize::from(length));
            }
            Err(_) => assert!(!(4..=16).contains(&length)),
        }
    }
    assert_eq!(ResLength::MAX.bytes(), 16);
}

fn both_algorithms() -> [Algorithm; 2] {
    [
        SETS[1].algorithm(),
        Algorithm::Test {
            res_length: ResLength::MAX,
        },
    ]
}

#[test]
fn usim_accepts_the_vector_of_its_network() {
    let (k, rand) = (array(SETS[1].k), array(SETS[1].rand));
    let (sqn, amf) = (array(SETS[1].sqn), array(SETS[1].amf));
    for algorithm in both_algorithms() {
        let vector = generate_vector(&SoftwareProvider, &k, &algorithm, sqn, amf, rand);
        let usim = Challenge::new(&SoftwareProvider, &k, &algorithm, &vector.rand);
        assert_eq!(usim.open_autn(&vector.autn), Ok(Authenticated { sqn, amf }));
        assert!(usim.f2() == vector.xres);
        assert_eq!((usim.f3(), usim.f4()), (vector.ck, vector.ik));
    }
}

#[test]
fn autn_of_the_first_test_set() {
    let set = &SETS[0];
    let vector = generate_vector(
        &SoftwareProvider,
        &array(set.k),
        &set.algorithm(),
        array(set.sqn),
        array(set.amf),
        array(set.rand),
    );
    assert_eq!(vector.autn, array("55f328b43577b9b94a9ffac354dfafb3"));
}

#[test]
fn every_changed_bit_of_autn_and_auts_is_refused() {
    let (k, rand) = (array(SETS[1].k), array(SETS[1].rand));
    for algorithm in both_algorithms() {
        let challenge = Challenge::new(&SoftwareProvider, &k, &algorithm, &rand);
        let autn = challenge.autn(&[0, 0, 0, 0, 1, 0], &[0x80, 0]);
        for bit in 0..128 {
            let changed = (u128::from_be_bytes(autn) ^ (1 << bit)).to_be_bytes();
            // The test algorithm is linear, yet one bit always shows.
            assert_eq!(
                challenge.open_autn(&changed),
                Err(CryptoError::VerificationFailed),
                "bit {bit} of {algorithm:?}"
            );
        }
        let auts = challenge.auts(&[0, 0, 0, 0, 2, 0]);
        assert_eq!(challenge.open_auts(&auts), Ok([0, 0, 0, 0, 2, 0]));
        for at in 0..auts.len() {
            let mut changed = auts;
            changed[at] ^= 0x40;
            assert!(challenge.open_auts(&changed).is_err());
        }
    }
}

/// AMF* is zero: MAC-S of another AMF must not pass.
#[test]
fn auts_from_its_parts() {
    let set = &SETS[0];
    let (k, rand, algorithm) = (array(set.k), array(set.rand), set.algorithm());
    let challenge = Challenge::new(&SoftwareProvider, &k, &algorithm, &rand);
    let sqn_ms = array(set.sqn);
    let auts = challenge.auts(&sqn_ms);
    let concealed: Vec<u8> = sqn_ms
        .iter()
        .zip(array::<6>(set.f5_star))
        .map(|(s, a)| s ^ a)
        .collect();
    assert_eq!(auts[..6], concealed);
    assert_eq!(auts[6..], challenge.f1_star(&sqn_ms, &[0, 0]));
    assert_ne!(auts[6..], array::<8>(set.f1_star));
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let set = &SETS[0];
    let (k, rand, algorithm) = (array(set.k), array(set.rand), set.algorithm());
    let challenge = Challenge::new(&SoftwareProvider, &k, &algorithm, &rand);
    let vector = generate_vector(&SoftwareProvider, &k, &algorithm, [0; 6], [0; 2], rand);
    let shown = format!(
        "{algorithm:?} {challenge:?} {vector:?} {:?} {:?}",
        vector.xres,
        set.outputs(&algorithm)
    );
    assert!(!shown.contains(char::is_numeric), "{shown}");
}
