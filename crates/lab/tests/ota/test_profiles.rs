//! The GSMA's test profiles (TS.48): their security domain has known keys, in
//! key set 1 for 3DES and in key set 2 for AES.

use lab::ota::{CounterRule, OtaKeys, ScriptResponse, Security};
use lab::test_data;

use crate::bench::*;

#[test]
fn the_keys_of_the_test_profiles_open_their_files() {
    let name = "ota: the_keys_of_the_test_profiles_open_their_files";
    let Some(folder) = test_data::folder(name) else {
        return;
    };
    let file = folder.join("data/ts48/TS48v7_SAIP2.3_NoBERTLV.der");
    let Ok(package) = std::fs::read(file) else {
        return test_data::skip(name, "no TS.48 profile");
    };
    let mut bench = Bench::of(&Choice::with_package(package));
    let key = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    bench.keys = OtaKeys {
        version: 2,
        ciphering: key,
        checksum: key,
        ..keys()
    };
    // TARs of MF, USIM and ISIM: EF.ICCID, EF.IMSI, EF.IMPI.
    for (tar, select) in [
        ([0xB0, 0x01, 0x20], "00A4000C022FE2"),
        ([0xB0, 0x01, 0x40], "00A4000C026F07"),
        ([0xB0, 0x01, 0x41], "00A4000C026F02"),
    ] {
        let (executed, data, status) = bench.compact(tar, &[select, "00B0000009"]);
        assert_eq!((executed, data.len(), status), (2, 9, 0x9000), "{tar:02X?}");
    }
    // They ask for no more than a checksum.
    let least = Security {
        ciphered: false,
        counter: CounterRule::None,
        ..Security::FULL
    };
    let proof = bench.run_as([0xB0, 0x01, 0x40], least, &hex("00A4000C026F07"));
    assert_eq!(ScriptResponse::read(&proof.data).unwrap().executed, 1);
    // Card recognition data of the MNO-SD, which has two TARs.
    let (_, recognition, _) = bench.compact(MNO_SD, &["80CA006600"]);
    assert_eq!(recognition[..2], [0x66, 0x30]);
    assert_eq!(bench.compact([0; 3], &["80CA00E000"]).2, 0x9000);
    // 3DES is not for this card.
    bench.keys.version = 1;
    let proof = bench.run([0xB0, 0x01, 0x40], &hex("00A4000C026F07"));
    assert_eq!((proof.status, proof.is_authentic), (0x06, false));
}
