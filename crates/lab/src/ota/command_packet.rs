//! Command packets: header, counter, checksum, ciphering.

use core::fmt;

use rsp_crypto::Provider;

/// Octets of the header from SPI to PCNTR.
const HEADER: usize = 13;
const BLOCK: usize = 16;
/// Algorithm AES in KIc and KID.
const AES: u8 = 0x02;

/// A key set for SCP80 with the sender's counter.
#[derive(Clone)]
pub struct OtaKeys {
    /// Key version number, 1 to 15.
    pub version: u8,
    /// Key 1: AES-128, for ciphering.
    pub ciphering: [u8; 16],
    /// Key 2: AES-128, for the checksum.
    pub checksum: [u8; 16],
    /// Octets of a checksum, 4 or 8.
    pub checksum_length: usize,
    /// The counter of the last packet.
    pub counter: u64,
}

impl fmt::Debug for OtaKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtaKeys")
            .field("version", &self.version)
            .field("keys", &format_args!("[redacted]"))
            .field("counter", &self.counter)
            .finish_non_exhaustive()
    }
}

/// What the receiver shall make of the counter (SPI1, bits 4 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterRule {
    /// There is none.
    None = 0x00,
    /// It is there, and not looked at.
    Unchecked = 0x08,
    /// It must be higher than the last.
    Higher = 0x10,
    /// It must be one higher than the last.
    OneHigher = 0x18,
}

/// What is to be answered (SPI2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Bits 1 and 2: 0 nothing, 1 always, 2 if there was an error.
    pub wanted: u8,
    /// With a cryptographic checksum.
    pub checksum: bool,
    /// Ciphered.
    pub ciphered: bool,
    /// In an SMS-SUBMIT and not in the report.
    pub by_submit: bool,
}

impl Proof {
    /// Always, with a checksum and ciphered, in the report.
    pub const SECURED: Proof = Proof {
        wanted: 1,
        checksum: true,
        ciphered: true,
        by_submit: false,
    };

    fn octet(self) -> u8 {
        let bit = |set, bit| if set { bit } else { 0 };
        self.wanted & 0x03
            | bit(self.checksum, 0x08)
            | bit(self.ciphered, 0x10)
            | bit(self.by_submit, 0x20)
    }
}

/// How a command is protected, and its proof of receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// With a cryptographic checksum. Without one no card of ours listens.
    pub checksum: bool,
    /// Ciphered.
    pub ciphered: bool,
    /// What the receiver makes of the counter.
    pub counter: CounterRule,
    /// What is answered.
    pub proof: Proof,
}

impl Security {
    /// Everything: checksum, ciphering, a counter that rises, a secured proof
    /// of receipt.
    pub const FULL: Security = Security {
        checksum: true,
        ciphered: true,
        counter: CounterRule::Higher,
        proof: Proof::SECURED,
    };

    fn octets(self) -> [u8; 2] {
        let checksum = if self.checksum { 0x02 } else { 0 };
        let ciphered = if self.ciphered { 0x04 } else { 0 };
        [checksum | ciphered | self.counter as u8, self.proof.octet()]
    }
}

impl OtaKeys {
    /// Protects commands for an application with the next counter.
    pub fn protect(
        &mut self,
        tar: [u8; 3],
        security: Security,
        commands: &[u8],
        provider: &dyn Provider,
    ) -> Vec<u8> {
        self.counter += 1;
        self.protect_again(tar, security, commands, provider)
    }

    /// As [`OtaKeys::protect`], with the counter as it is.
    pub fn protect_again(
        &self,
        tar: [u8; 3],
        security: Security,
        commands: &[u8],
        provider: &dyn Provider,
    ) -> Vec<u8> {
        let checksum_length = if security.checksum {
            self.checksum_length
        } else {
            0
        };
        let unpadded = 6 + checksum_length + commands.len();
        let padding = if security.ciphered {
            unpadded.next_multiple_of(BLOCK) - unpadded
        } else {
            0
        };
        let length = 1 + HEADER + checksum_length + commands.len() + padding;
        let mut head = (length as u16).to_be_bytes().to_vec();
        head.push((HEADER + checksum_length) as u8);
        head.extend(security.octets());
        head.extend([self.version << 4 | AES; 2]);
        head.extend(tar);

        let [_, _, _, counter @ ..] = self.counter.to_be_bytes();
        let mut counters = counter.to_vec();
        counters.push(padding as u8);
        let mut data = commands.to_vec();
        data.resize(data.len() + padding, 0);

        let full = provider.aes128_cmac(&self.checksum, &[&head, &counters, &data]);
        let mut rest = counters;
        rest.extend(full.iter().take(checksum_length));
        rest.extend(data);
        if security.ciphered {
            // The length is a multiple of the block's.
            let _ = provider.aes128_cbc_encrypt(&self.ciphering, &[0; BLOCK], &mut rest);
        }
        head.extend(rest);
        head
    }
}
