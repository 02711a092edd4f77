//! A device's card with a profile, its journal, and the profile's operator.

use euicc::{BootstrapProfile, Environment, Euicc, EuiccKind, StoredEuicc};
use lab::ota::{Delivered, OtaKeys, ProofOfReceipt, ScriptResponse, Security, compact, deliver};
use lab::{CardIdentity, World};
use rsp_asn1::BitString;
use rsp_asn1::ids::Plmn;
use rsp_asn1::rsp::{
    OperatorId, PPR1, PPR2, PROFILE_CLASS_OPERATIONAL, ProfileInfo, ProfileInfoListResponse,
    ProfilePolicyAuthorisationRule, StoreMetadataRequest,
};
use rsp_asn1::{Asn1, Extensions};
use rsp_core::profile::{self, MetadataOrder, MncLength};
use rsp_crypto::software::{SeededRng, SoftwareProvider};

/// The applications of our template.
pub(crate) const USIM_FILES: [u8; 3] = [0xB0, 0x01, 0x40];
pub(crate) const MNO_SD: [u8; 3] = [0xB2, 0x01, 0x00];

pub(crate) const SELECT_FPLMN: &str = "00A4000C026F7B";
pub(crate) const NO_FPLMN: &str = "00D600000CFFFFFFFFFFFFFFFFFFFFFFFF";
pub(crate) const READ_FPLMN: &str = "00B000000C";
const SELECT_USIM: &str = "00A4040C0CA0000000871002FF49FFFF89";

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

pub(crate) fn script(commands: &[&str]) -> Vec<Vec<u8>> {
    commands.iter().map(|command| hex(command)).collect()
}

/// Everything that differs between benches.
pub(crate) struct Choice {
    pub(crate) kind: EuiccKind,
    pub(crate) package: Vec<u8>,
    /// What the metadata say, changed as wanted.
    pub(crate) metadata: fn(&mut StoreMetadataRequest),
}

impl Choice {
    pub(crate) fn with_package(package: Vec<u8>) -> Choice {
        Choice {
            kind: EuiccKind::Iot,
            package,
            metadata: |_| {},
        }
    }

    pub(crate) fn with_metadata(metadata: fn(&mut StoreMetadataRequest)) -> Choice {
        Choice {
            kind: EuiccKind::Consumer,
            metadata,
            ..Choice::with_package(package())
        }
    }
}

/// Our template, the operator's keys in it.
pub(crate) fn package() -> Vec<u8> {
    let mut world = World::new(31).unwrap();
    let mut subscription = world.subscription(1).unwrap();
    subscription.sd_keys = Some([[0x11; 16], [0x22; 16], [0x33; 16]]);
    profile::personalise(&profile::template(), &subscription).unwrap()
}

pub(crate) fn keys() -> OtaKeys {
    OtaKeys {
        version: 1,
        ciphering: [0x11; 16],
        checksum: [0x22; 16],
        checksum_length: 8,
        counter: 0,
    }
}

pub(crate) struct Bench {
    identity: CardIdentity,
    pub(crate) card: StoredEuicc,
    /// All that was written for the card.
    pub(crate) journal: Vec<u8>,
    pub(crate) keys: OtaKeys,
    rng: SeededRng,
    reference: u8,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::of(&Choice::with_package(package()))
    }

    pub(crate) fn of(choice: &Choice) -> Bench {
        let mut world = World::new(31).unwrap();
        let mut identity = world.factory.identity(world.eid, &mut world.rng).unwrap();
        identity.kind = choice.kind;
        let mut card = Euicc::new(personalisation(&identity));
        let described = profile::describe(&choice.package).unwrap();
        let imsi = described.imsi.unwrap();
        let mut metadata = profile::metadata(&MetadataOrder {
            iccid: described.iccid,
            imsi: &imsi,
            mnc_length: MncLength::Two,
            service_provider_name: "Before",
            profile_name: "As it was",
            smdp_address: "smdp.example.com",
            profile_class: PROFILE_CLASS_OPERATIONAL,
        })
        .unwrap();
        (choice.metadata)(&mut metadata);
        let bootstrap = BootstrapProfile {
            metadata,
            package: &choice.package,
            enabled: true,
        };
        card.install_bootstrap(bootstrap, &SoftwareProvider)
            .unwrap();
        let mut card = StoredEuicc::new(card);
        let journal = card.start_over(&SoftwareProvider);
        let mut bench = Bench {
            identity,
            card,
            journal,
            keys: keys(),
            rng: SeededRng::new(5),
            reference: 0,
        };
        bench.apdu(&hex(SELECT_USIM));
        bench
    }

    /// A command on the basic channel; what it changes is written.
    pub(crate) fn apdu(&mut self, apdu: &[u8]) -> Vec<u8> {
        let mut environment = Environment {
            provider: &SoftwareProvider,
            rng: &mut self.rng,
        };
        let answer = self.card.transmit(apdu, &mut environment);
        self.journal.extend_from_slice(answer.record());
        answer.written()
    }

    /// As [`Bench::apdu`], in hexadecimal digits.
    pub(crate) fn send(&mut self, apdu: &str) -> String {
        let answer = self.apdu(&hex(apdu));
        answer.iter().map(|octet| format!("{octet:02X}")).collect()
    }

    /// A packet as the network brings it.
    pub(crate) fn deliver(&mut self, packet: &[u8]) -> Delivered {
        self.reference = self.reference.wrapping_add(1);
        let reference = self.reference;
        deliver(packet, reference, |apdu| self.apdu(apdu))
    }

    /// Commands for an application, fully secured: the proof of receipt.
    pub(crate) fn run(&mut self, tar: [u8; 3], commands: &[u8]) -> ProofOfReceipt {
        self.run_as(tar, Security::FULL, commands)
    }

    pub(crate) fn run_as(
        &mut self,
        tar: [u8; 3],
        security: Security,
        commands: &[u8],
    ) -> ProofOfReceipt {
        let packet = self
            .keys
            .protect(tar, security, commands, &SoftwareProvider);
        let delivered = self.deliver(&packet);
        assert_eq!(delivered.status, 0x9000);
        self.proof(&delivered.report, security)
    }

    pub(crate) fn proof(&self, report: &[u8], security: Security) -> ProofOfReceipt {
        ProofOfReceipt::read(report, &self.keys, security.proof, &SoftwareProvider).unwrap()
    }

    /// A compact script that has to be taken: how many commands were executed,
    /// data and status word of the last.
    pub(crate) fn compact(&mut self, tar: [u8; 3], commands: &[&str]) -> (usize, Vec<u8>, u16) {
        let proof = self.run(tar, &compact(&script(commands)));
        assert_eq!((proof.status, proof.is_authentic), (0, true));
        assert_eq!((proof.tar, proof.counter), (tar, self.keys.counter));
        let response = ScriptResponse::read(&proof.data).unwrap();
        let (data, status) = response.last().unwrap();
        (response.executed, data.to_vec(), status)
    }

    /// Contents of EF.FPLMN, as the terminal reads them.
    pub(crate) fn forbidden_networks(&mut self) -> String {
        self.apdu(&hex(SELECT_USIM));
        assert_eq!(self.send(SELECT_FPLMN), "9000");
        self.send(READ_FPLMN)
    }

    /// Puts a network into EF.FPLMN as the terminal does.
    pub(crate) fn forbid_a_network(&mut self) {
        self.apdu(&hex(SELECT_USIM));
        assert_eq!(self.send(SELECT_FPLMN), "9000");
        assert_eq!(self.send("00D600000362F210"), "9000");
    }

    /// The power fails, and only these octets of the journal are there.
    pub(crate) fn power_cut(&mut self, journal: &[u8]) {
        let personalisation = personalisation(&self.identity);
        let loaded = StoredEuicc::load(personalisation, journal, &SoftwareProvider);
        let (card, length) = loaded.unwrap();
        self.card = card;
        self.journal = journal[..length].to_vec();
        let answer = self.card.reset(&SoftwareProvider);
        self.journal.extend_from_slice(answer.record());
        drop(answer.written());
    }

    pub(crate) fn image(&self) -> Vec<u8> {
        self.card.image(&SoftwareProvider)
    }

    /// A function of the ISD-R on a channel of its own.
    pub(crate) fn es10(&mut self, command: &[u8]) -> Vec<u8> {
        assert_eq!(self.send("0070000001"), "019000");
        assert_eq!(
            self.send("01A4040C10A0000005591010FFFFFFFF8900000100"),
            "9000"
        );
        let mut apdu = vec![0x81, 0xE2, 0x91, 0x00, command.len() as u8];
        apdu.extend(command);
        let mut answer = self.apdu(&apdu);
        let mut out = Vec::new();
        while let [data @ .., 0x61, length] = &answer[..] {
            out.extend_from_slice(data);
            answer = self.apdu(&[0x81, 0xC0, 0, 0, *length]);
        }
        let [data @ .., 0x90, 0x00] = &answer[..] else {
            panic!("{answer:02X?}");
        };
        out.extend_from_slice(data);
        assert_eq!(self.send("00708001"), "9000");
        out
    }

    /// What the device is told of the profile.
    pub(crate) fn listed(&mut self) -> ProfileInfo {
        let answer = self.es10(&hex("BF2D0F5C0D5A9F70919293949599BF229F67"));
        match ProfileInfoListResponse::from_der(&answer).unwrap() {
            ProfileInfoListResponse::Ok(mut profiles) => profiles.remove(0),
            ProfileInfoListResponse::Error(error) => panic!("{error}"),
        }
    }
}

/// Every operator may have policy rules on this card.
fn personalisation(identity: &CardIdentity) -> euicc::Personalisation {
    let mut personalisation = identity.personalisation();
    personalisation.rules_authorisation_table = vec![ProfilePolicyAuthorisationRule {
        ppr_ids: BitString::of(&[PPR1, PPR2]),
        allowed_operators: vec![OperatorId {
            mcc_mnc: Plmn::from_bytes([0xEE; 3]),
            gid1: Some(vec![]),
            gid2: Some(vec![]),
            extensions: Extensions::default(),
        }],
        ppr_flags: BitString::default(),
        extensions: Extensions::default(),
    }];
    personalisation
}
