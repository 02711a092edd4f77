//! The card in a PC/SC reader, and somebody else's program that speaks to it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::PathBuf;
use std::process::Command;

use lab::reader::{Insertion, Pcscd, PcscdError, Powered};
use lab::{CardFile, World};
use rsp_crypto::software::SeededRng;

const SELECT_ISD_R: &str = "00A4040410A0000005591010FFFFFFFF8900000100";
const GET_EID: &str = "80E2910006BF3E035C015A00";
const GET_CERTS: &str = "80E2910003BF560000";

/// A daemon, `None` where there is none: then the test counts as skipped.
fn daemon(test: &str) -> Option<Pcscd> {
    let started = match Command::new("opensc-tool").arg("--version").output() {
        Ok(_) => Pcscd::start(),
        Err(_) => Err(PcscdError::NotInstalled("opensc-tool")),
    };
    match started {
        Ok(pcscd) => Some(pcscd),
        Err(PcscdError::NotInstalled(what)) => {
            lab::test_data::skip(test, &format!("{what} is not installed"));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let name = format!("simurgh-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn opensc_tool(pcscd: &Pcscd, arguments: &[&str]) -> String {
    let (name, socket) = pcscd.environment();
    let output = Command::new("opensc-tool")
        .env(name, socket)
        .args(["--reader", &pcscd.reader()])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{text}\n{}", pcscd.log());
    text
}

/// The answer to the last APDU, in hexadecimal.
fn answer(text: &str) -> String {
    let (_, last) = text.rsplit_once("Received (SW1=").unwrap();
    let (status, data) = last.split_once('\n').unwrap_or((last, ""));
    assert!(status.starts_with("0x90, SW2=0x00"), "{text}");
    let pairs = data.lines().flat_map(|line| line.split_whitespace());
    let is_pair = |word: &&str| word.len() == 2 && u8::from_str_radix(word, 16).is_ok();
    pairs.filter(is_pair).collect()
}

#[test]
fn opensc_reads_the_eid_and_the_card_stays_the_same() {
    let name = "opensc_reads_the_eid_and_the_card_stays_the_same";
    let Some(pcscd) = daemon(name) else {
        return;
    };
    let folder = Folder::new("opensc");
    let file = folder.0.join("card");
    let mut world = World::new(21).unwrap();
    let identity = world.factory.identity(world.eid, &mut world.rng).unwrap();
    let card = euicc::Euicc::new(identity.personalisation());
    let card = CardFile::create(&file, identity, card).unwrap();
    let rng = SeededRng::new(22);
    let card = Insertion::new(&pcscd.address(), Powered { card, rng }).unwrap();

    pcscd.wait_for_card(true).unwrap();
    let atr = opensc_tool(&pcscd, &["--atr"]);
    let expected = "3b:9f:96:80:3f:c7:82:80:31:e0:73:fe";
    assert!(atr.starts_with(expected), "{atr}");
    let eid = format!("BF3E125A10{}", world.eid);
    let said = opensc_tool(&pcscd, &["-s", SELECT_ISD_R, "-s", GET_EID]);
    assert_eq!(answer(&said), eid);
    // More than one piece of 256 octets.
    let said = opensc_tool(&pcscd, &["-s", SELECT_ISD_R, "-s", GET_CERTS]);
    let certificates = answer(&said);
    assert!(certificates.starts_with("BF56"), "{said}");

    // Nobody else can have the card meanwhile.
    assert!(CardFile::open(&file).is_err());
    drop(card.remove().unwrap());
    pcscd.wait_for_card(false).unwrap();
    let card = CardFile::open(&file).unwrap();
    assert_eq!(card.eid(), world.eid);
    let rng = SeededRng::new(23);
    let card = Insertion::new(&pcscd.address(), Powered { card, rng }).unwrap();
    pcscd.wait_for_card(true).unwrap();
    let said = opensc_tool(&pcscd, &["-s", SELECT_ISD_R, "-s", GET_EID]);
    assert_eq!(answer(&said), eid);
    let said = opensc_tool(&pcscd, &["-s", SELECT_ISD_R, "-s", GET_CERTS]);
    assert_eq!(answer(&said), certificates);
    card.remove().unwrap();
}

#[test]
fn two_daemons_do_not_know_of_each_other() {
    let Some(first) = daemon("two_daemons_do_not_know_of_each_other") else {
        return;
    };
    let second = Pcscd::start().unwrap();
    let world = World::new(24).unwrap();
    let rng = SeededRng::new(25);
    let card = Powered {
        card: world.card,
        rng,
    };
    let card = Insertion::new(&second.address(), card).unwrap();
    second.wait_for_card(true).unwrap();
    assert!(opensc_tool(&second, &["--atr"]).starts_with("3b:9f"));
    let (name, socket) = first.environment();
    let list = Command::new("opensc-tool")
        .env(name, socket)
        .arg("--list-readers")
        .output()
        .unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(
        list.contains(&first.reader()) && !list.contains("Yes"),
        "{list}"
    );
    card.remove().unwrap();
}
