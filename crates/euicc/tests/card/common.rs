//! A host with a card in its reader.

use std::sync::Arc;

use euicc::{CiKey, Environment, Euicc, KeySet, Personalisation, StoredEuicc};
use rsp_asn1::Certificate;
use rsp_asn1::ids::Eid;
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Provider, PublicKey, Rng, Signature};

use crate::pki::Pki;

pub(crate) const EID: &str = "89049032123451234512345678901235";
pub(crate) const ISDR_AID: &str = "A0000005591010FFFFFFFF8900000100";

/// Bytes of a hexadecimal text; white space is ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(crate) fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

pub(crate) fn key(scalar: &str) -> SoftwareKey {
    SoftwareKey::from_scalar(Curve::NistP256, &array(scalar)).unwrap()
}

pub(crate) fn eid() -> Eid {
    EID.parse().unwrap()
}

/// Whether `signature` (r || s) is over the concatenation of the parts.
pub(crate) fn verifies(key: &PublicKey, parts: &[&[u8]], signature: &[u8]) -> bool {
    let signature = Signature::from_slice(signature).unwrap();
    SoftwareProvider.verify(key, parts, &signature).is_ok()
}

/// Random bytes from a list first, then from a seed.
pub(crate) struct ScriptedRng {
    script: Vec<u8>,
    after: SeededRng,
}

impl Rng for ScriptedRng {
    fn fill(&mut self, buf: &mut [u8]) {
        if self.script.is_empty() {
            return self.after.fill(buf);
        }
        let rest = self.script.split_off(buf.len());
        buf.copy_from_slice(&std::mem::replace(&mut self.script, rest));
    }
}

/// A card and what its host has written of it.
pub(crate) struct Stored {
    pub(crate) personalisation: Personalisation,
    pub(crate) card: StoredEuicc,
    pub(crate) journal: Vec<u8>,
    /// Lengths of the journal after each record.
    pub(crate) ends: Vec<usize>,
}

impl Stored {
    pub(crate) fn new(personalisation: Personalisation) -> Stored {
        let card = Euicc::new(personalisation.clone());
        Stored::of(personalisation, card)
    }

    /// A card as it comes from the factory.
    pub(crate) fn of(personalisation: Personalisation, card: Euicc) -> Stored {
        let mut card = StoredEuicc::new(card);
        let journal = card.start_over(&SoftwareProvider);
        Stored {
            personalisation,
            card,
            ends: vec![journal.len()],
            journal,
        }
    }

    /// The card that a journal gives, with its own.
    pub(crate) fn load(personalisation: &Personalisation, journal: &[u8]) -> Stored {
        let personalisation = personalisation.clone();
        let loaded = StoredEuicc::load(personalisation.clone(), journal, &SoftwareProvider);
        let (card, length) = loaded.unwrap();
        Stored {
            personalisation,
            card,
            journal: journal[..length].to_vec(),
            ends: vec![length],
        }
    }

    pub(crate) fn image(&self) -> Vec<u8> {
        self.card.image(&SoftwareProvider)
    }

    pub(crate) fn transmit(&mut self, apdu: &[u8], env: &mut Environment<'_>) -> Vec<u8> {
        let unwritten = self.card.transmit(apdu, env);
        self.write(unwritten.record());
        unwritten.written()
    }

    /// Power off and on: there is nothing but what was written.
    pub(crate) fn reset(&mut self) -> Vec<u8> {
        let loaded = Stored::load(&self.personalisation, &self.journal);
        assert!(loaded.image() == self.image(), "the journal tells it all");
        assert_eq!(loaded.journal.len(), self.journal.len());
        self.card = loaded.card;
        let unwritten = self.card.reset(&SoftwareProvider);
        self.write(unwritten.record());
        unwritten.written()
    }

    fn write(&mut self, record: &[u8]) {
        if !record.is_empty() {
            self.journal.extend_from_slice(record);
            self.ends.push(self.journal.len());
        }
    }
}

/// A card, and how a host speaks to it.
pub(crate) struct Host {
    pub(crate) card: Stored,
    pub(crate) rng: ScriptedRng,
    /// Logical channel on which the ISD-R is selected.
    pub(crate) channel: u8,
    /// Data bytes of one STORE DATA block.
    pub(crate) block: usize,
}

impl Host {
    pub(crate) fn new(personalisation: Personalisation) -> Host {
        Host {
            card: Stored::new(personalisation),
            rng: ScriptedRng {
                script: Vec::new(),
                after: SeededRng::new(1),
            },
            channel: 0,
            block: 120,
        }
    }

    /// A card of the test PKI with the ISD-R selected on a channel.
    pub(crate) fn ready() -> Host {
        let mut host = Host::new(personalisation(&Pki::new()));
        host.open();
        host
    }

    /// The next random bytes.
    pub(crate) fn script(&mut self, bytes: &[u8]) {
        self.rng.script.extend_from_slice(bytes);
    }

    /// One APDU; data and status word.
    pub(crate) fn apdu(&mut self, apdu: &[u8]) -> (Vec<u8>, u16) {
        let mut env = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.rng,
        };
        let mut data = self.card.transmit(apdu, &mut env);
        let low = data.pop().unwrap();
        let high = data.pop().unwrap();
        (data, u16::from_be_bytes([high, low]))
    }

    pub(crate) fn send(&mut self, apdu: &str) -> (Vec<u8>, u16) {
        self.apdu(&hex(apdu))
    }

    /// TERMINAL CAPABILITY, MANAGE CHANNEL, SELECT ISD-R; gives the FCI.
    pub(crate) fn open(&mut self) -> Vec<u8> {
        assert_eq!(self.send("80AA000005A903830107").1, 0x9000);
        let (number, status) = self.send("0070000001");
        assert_eq!(status, 0x9000);
        self.channel = number[0];
        let (_, status) =
            self.apdu(&[&[self.channel, 0xA4, 4, 4, 0x10], hex(ISDR_AID).as_slice()].concat());
        self.collect(status)
    }

    /// Reads a response that waits.
    pub(crate) fn collect(&mut self, mut status: u16) -> Vec<u8> {
        let mut response = Vec::new();
        while status >> 8 == 0x61 {
            let (piece, next) = self.apdu(&[self.channel, 0xC0, 0, 0, status as u8]);
            assert!(!piece.is_empty() && piece.len() <= 256);
            response.extend(piece);
            status = next;
        }
        assert_eq!(status, 0x9000);
        response
    }

    /// Sends a command as STORE DATA blocks; gives the last status word.
    pub(crate) fn store(&mut self, command: &[u8]) -> u16 {
        let blocks: Vec<_> = command.chunks(self.block).collect();
        for (number, block) in blocks.iter().enumerate() {
            let last = number + 1 == blocks.len();
            let p1 = if last { 0x91 } else { 0x11 };
            let head = [
                0x80 | self.channel,
                0xE2,
                p1,
                number as u8,
                block.len() as u8,
            ];
            let (data, status) = self.apdu(&[&head, *block].concat());
            assert!(data.is_empty());
            if last {
                return status;
            }
            assert!(matches!(status >> 8, 0x90 | 0x91), "{status:04X}");
        }
        unreachable!("a command has at least one block")
    }

    /// An ES10 function.
    pub(crate) fn es10(&mut self, command: &[u8]) -> Vec<u8> {
        let status = self.store(command);
        self.collect(status)
    }

    /// The function that shows that the card is well.
    pub(crate) fn assert_usable(&mut self) {
        let answer = self.es10(&hex("BF3E035C015A"));
        assert_eq!(answer, hex(&format!("BF3E125A10{EID}")));
    }
}

/// What a card of the test PKI is made with.
pub(crate) fn personalisation(pki: &Pki) -> Personalisation {
    let set = key_set(pki);
    Personalisation::new(
        eid(),
        vec![ci_key(pki)],
        set.euicc_key,
        set.euicc_certificate,
        set.eum_certificate,
    )
}

/// ... and with a key under another CI as well.
pub(crate) fn with_second_key(mut personalisation: Personalisation, pki: &Pki) -> Personalisation {
    personalisation.ci.push(ci_key(pki));
    personalisation.further_key_sets.push(key_set(pki));
    personalisation
}

fn ci_key(pki: &Pki) -> CiKey {
    CiKey {
        subject_key_identifier: hex(pki.ci_ski),
        public_key: pki.ci.public_key().clone(),
    }
}

fn key_set(pki: &Pki) -> KeySet {
    let certificate = |der: &[u8]| Certificate::from_bytes(der).unwrap();
    KeySet {
        euicc_key: Arc::new(pki.euicc.clone()),
        euicc_certificate: certificate(&pki.euicc_certificate),
        eum_certificate: certificate(&pki.eum_certificate),
    }
}
