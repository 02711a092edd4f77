//! `simurgh-lab card`: the program, a file and a reader.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const EID: &str = "89049032000000000000000000000163";

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

/// The program, ended when dropped: power may fail at any time.
struct Card(Child);

impl Card {
    fn start(reader: &str, state: &Path, options: &[&str]) -> Card {
        let child = Command::new(env!("CARGO_BIN_EXE_simurgh-lab"))
            .args(["card", "--reader", reader, "--state"])
            .arg(state)
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Card(child)
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A message as the reader's driver sends it.
fn send(stream: &mut TcpStream, message: &[u8]) {
    let length = (message.len() as u16).to_be_bytes();
    stream.write_all(&length).unwrap();
    stream.write_all(message).unwrap();
}

fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).unwrap();
    message
}

fn transmit(stream: &mut TcpStream, apdu: &str) -> String {
    let octet = |at| u8::from_str_radix(&apdu[at..at + 2], 16).unwrap();
    let apdu: Vec<u8> = (0..apdu.len()).step_by(2).map(octet).collect();
    send(stream, &apdu);
    let response = receive(stream);
    response
        .iter()
        .map(|octet| format!("{octet:02X}"))
        .collect()
}

fn eid(stream: &mut TcpStream) -> String {
    send(stream, &[0x01]);
    send(stream, &[0x04]);
    assert_eq!(receive(stream)[0], 0x3B);
    let select = "00A4040410A0000005591010FFFFFFFF8900000100";
    assert!(transmit(stream, select).starts_with("61"));
    assert_eq!(transmit(stream, "80E2910006BF3E035C015A"), "6115");
    transmit(stream, "00C0000015")
}

#[test]
fn a_card_is_made_once_and_goes_on_after_it_was_killed() {
    let folder = Folder::new("card-program");
    let state = folder.0.join("card");
    let reader = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reader.local_addr().unwrap().to_string();
    let expected = format!("BF3E125A10{EID}9000");

    let card = Card::start(&address, &state, &["--eid", EID]);
    let (mut stream, _) = reader.accept().unwrap();
    assert_eq!(eid(&mut stream), expected);
    drop(card);

    let _card = Card::start(&address, &state, &[]);
    let (mut stream, _) = reader.accept().unwrap();
    assert_eq!(eid(&mut stream), expected);
    // The reader goes and comes back: so does the card.
    drop(stream);
    let (mut stream, _) = reader.accept().unwrap();
    assert_eq!(eid(&mut stream), expected);
}

#[test]
fn without_a_reader_the_card_says_so() {
    let folder = Folder::new("no-reader");
    let output = Command::new(env!("CARGO_BIN_EXE_simurgh-lab"))
        .args(["card", "--once", "--reader", "127.0.0.1:1", "--state"])
        .arg(folder.0.join("card"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no reader at 127.0.0.1:1"), "{said}");
}
