//! Bytes that mean harm: an answer each, no panic, and the card lives on.

use rsp_crypto::Rng;
use rsp_crypto::software::SeededRng;

use crate::common::{Host, hex};
use crate::eims::Eim;
use crate::server::{Contents, Server, segments};

fn below(rng: &mut SeededRng, bound: usize) -> usize {
    let mut bytes = [0; 4];
    rng.fill(&mut bytes);
    u32::from_be_bytes(bytes) as usize % bound
}

fn random(rng: &mut SeededRng, longest: usize) -> Vec<u8> {
    let mut bytes = vec![0; below(rng, longest + 1)];
    rng.fill(&mut bytes);
    bytes
}

const SEED: u64 = 0x5EED;

#[test]
fn random_apdus() {
    println!("seed {SEED}");
    let mut rng = SeededRng::new(SEED);
    let mut host = Host::ready();
    host.install("89103000000000000019");
    for _ in 0..20_000 {
        let mut apdu = random(&mut rng, 40);
        // Half of them look like something.
        if below(&mut rng, 2) == 0 && apdu.len() > 5 {
            apdu[0] = [0x00, 0x01, 0x80, 0x81, 0x41][below(&mut rng, 5)];
            apdu[1] = [0xA4, 0xE2, 0xC0, 0x70, 0xB0, 0xB2, 0x88][below(&mut rng, 7)];
            apdu[2] = [0x11, 0x91, 0x00, 0x04, 0x80][below(&mut rng, 5)];
            apdu[3] %= 4;
            apdu[4] = (apdu.len() - 5) as u8;
        }
        host.apdu(&apdu);
    }
    host.card.reset();
    host.open();
    host.assert_usable();
}

#[test]
fn random_functions() {
    println!("seed {SEED}");
    let mut rng = SeededRng::new(SEED);
    let mut host = Host::ready();
    let mut eim = Eim::new("eim1");
    host.add(&eim, true);
    let server = Server::new();
    let challenge = host.challenge();
    let good = [
        rsp_asn1::Asn1::to_der(&server.authenticate(challenge)),
        rsp_asn1::Asn1::to_der(&server.prepare(&[1; 64], None, None)),
        eim.package(&hex("A30E5A0A980103000000000000100500")),
        hex("BF2D0EA00C5A0A98010300000000000010"),
        hex("BF2B06A00481020780"),
        hex("BF5508A006800465696D31"),
        hex("BF41068001AA810100"),
    ];
    for round in 0..3_000 {
        let mut command = good[round % good.len()].clone();
        for _ in 0..=below(&mut rng, 3) {
            let at = below(&mut rng, command.len());
            command[at] = below(&mut rng, 256) as u8;
        }
        let cut = below(&mut rng, command.len()) + 1;
        if below(&mut rng, 4) == 0 {
            command.truncate(cut);
        }
        let status = host.store(&command);
        assert_ne!(status, 0x6F00);
    }
    host.assert_usable();
}

#[test]
fn random_packages() {
    println!("seed {SEED}");
    let mut rng = SeededRng::new(SEED);
    for round in 0..150 {
        let mut host = Host::ready();
        let server = Server::new();
        let euicc_otpk = host.bind(&server);
        let contents = Contents::of("89103000000000000019");
        let parts = segments(&server.package(&euicc_otpk, &contents));
        let broken = below(&mut rng, parts.len());
        for (index, part) in parts.iter().enumerate() {
            let mut part = part.clone();
            if index == broken {
                let at = below(&mut rng, part.len());
                part[at] ^= 1 << below(&mut rng, 8);
                if round % 3 == 0 {
                    part.extend(random(&mut rng, 30));
                }
            }
            host.store(&part);
        }
        host.assert_usable();
        host.install("89103000000000000027");
    }
}
