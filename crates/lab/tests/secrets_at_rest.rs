//! What the servers write to disk in a run holds no secret in any form in
//! which one would look for it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lab::{Algorithm, World};
use rsp_core::eim::{OperationKind, OperationState};
use rsp_core::profile;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("simurgh-secrets-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Octets as they are, as hexadecimal, base64 and lists of numbers.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex = |upper: bool| -> String {
        let digits = secret.iter().map(|octet| match upper {
            true => format!("{octet:02X}"),
            false => format!("{octet:02x}"),
        });
        digits.collect()
    };
    let decimal: Vec<String> = secret.iter().map(u8::to_string).collect();
    vec![
        secret.to_vec(),
        hex(true).into_bytes(),
        hex(false).into_bytes(),
        STANDARD.encode(secret).trim_end_matches('=').into(),
        decimal.join(",").into_bytes(),
    ]
}

fn holds(folder: &Path, wanted: &[u8]) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files.find(|file| {
        let octets = std::fs::read(file).unwrap();
        octets.windows(wanted.len()).any(|part| part == wanted)
    })
}

#[test]
fn a_run_leaves_no_secret_on_disk() {
    let folder = Folder::new();
    let mut world = World::on_disk(3, &folder.0).unwrap();
    let subscription = world.subscription(1).unwrap();
    let code = world.order(&profile::template(), &subscription).unwrap();
    let matching_id = code.rsplit('$').next().unwrap().to_string();
    // The search finds what is there: the ICCID is no secret.
    let iccid = subscription.iccid.to_string();
    assert!(holds(&folder.0, iccid.as_bytes()).is_some());

    let rsp_core::profile::Authentication::Milenage { k, opc } = subscription.authentication else {
        panic!("the world's subscriptions are of Milenage");
    };
    let download = OperationKind::Download {
        activation_code: code.clone(),
    };
    let download = world.queue(download).unwrap();
    let nowhere = |world: &World, when: &str| {
        for (name, secret) in [
            ("Ki", &k[..]),
            ("OPc", &opc),
            ("MatchingID", matching_id.as_bytes()),
            ("activation code", code.as_bytes()),
        ] {
            for form in forms(secret) {
                let found = holds(&folder.0, &form);
                assert_eq!(found, None, "{name} {when}, now {:?}", world.now);
            }
        }
    };
    nowhere(&world, "when it is ordered");
    world.round().unwrap();
    let operation = world.operation(&download).unwrap();
    assert!(matches!(operation.state, OperationState::Confirmed { .. }));
    nowhere(&world, "when it is installed");
    let enable = OperationKind::Enable {
        iccid: subscription.iccid,
        rollback: false,
    };
    world.queue(enable).unwrap();
    world.round().unwrap();
    world.confirm(&subscription, Algorithm::Milenage).unwrap();
    nowhere(&world, "when it is in use");
}
