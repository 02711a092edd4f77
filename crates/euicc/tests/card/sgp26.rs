//! The test certificates of SGP.26, where they are at hand.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use euicc::{CiKey, Personalisation};
use rsp_asn1::Certificate;
use rsp_asn1::rsp::*;
use rsp_asn1::sgp32::{AddInitialEimResponse, EimPublicKeyData};

use crate::common::{Host, eid, hex};
use crate::eims::Eim;
use crate::pki::{self, Pki};
use crate::server::{Contents, Server, segments};

/// The folder with test data, or a line in the log of skipped tests.
fn test_data(test: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var("SIMURGH_TEST_DATA").unwrap_or_else(|_| default.into());
    let folder = PathBuf::from(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: {test}: no folder {}", folder.display());
    if let Ok(log) = std::env::var("SIMURGH_SKIP_LOG") {
        let mut log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(log)
            .unwrap();
        writeln!(log, "{test}").unwrap();
    }
    None
}

#[test]
fn a_card_with_the_sgp26_certificates() {
    let Some(folder) = test_data("a_card_with_the_sgp26_certificates") else {
        return;
    };
    let certificate = |name: &str| {
        let path = folder.join("data/sgp26/nist").join(name);
        Certificate::from_bytes(&std::fs::read(path).unwrap()).unwrap()
    };
    let pki = Pki::new();
    let ci = CiKey {
        subject_key_identifier: hex(pki::CI_SKI),
        public_key: pki.ci.public_key().clone(),
    };
    let (own, eum) = (certificate("CERT.EUICC.der"), certificate("CERT.EUM.der"));
    let euicc_key = Arc::new(pki.euicc.clone());
    let mut host = Host::new(Personalisation::new(eid(), vec![ci], euicc_key, own, eum));
    host.open();

    let mut server = Server::new();
    server.certificate = certificate("CERT.DPauth.der");
    server.pb_certificate = certificate("CERT.DPpb.der");
    let euicc_otpk = host.bind(&server);
    let package = server.package(&euicc_otpk, &Contents::of("89103000000000000019"));
    let result = host.load(&segments(&package));
    let result = &result.profile_installation_result_data.final_result;
    assert!(matches!(result, FinalResult::Success(_)), "{result:?}");

    let mut eim = Eim::new("eim1");
    let mut data = eim.configuration();
    let signing = certificate("CERT.EIMsign.der");
    data.eim_public_key_data = Some(EimPublicKeyData::Certificate(signing));
    assert!(matches!(
        host.add_initial(vec![data]),
        AddInitialEimResponse::Ok(_)
    ));
    assert_eq!(host.run(&mut eim, "BF2D00").len(), 1);

    // A TLS certificate and one of another curve are none of a server's.
    for (name, code) in [("nist/CERT.DPtls.der", 1), ("brainpool/CERT.DPauth.der", 7)] {
        let bytes = std::fs::read(folder.join("data/sgp26").join(name)).unwrap();
        server.certificate = Certificate::from_bytes(&bytes).unwrap();
        let challenge = host.challenge();
        let refused = host
            .authenticate(&server.authenticate(challenge))
            .unwrap_err();
        assert_eq!(refused.0, code, "{name}");
    }
}
