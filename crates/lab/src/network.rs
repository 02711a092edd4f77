//! The network's side of a subscription: it challenges the card and compares
//! (3GPP TS 33.102 6.3). That the card's answer fits is the proof that the
//! profile arrived with the keys that it was personalised with.

use euicc::{Environment, Euicc};
use rsp_core::profile::{Authentication, Subscription, TuakKey, TuakLengths};
use rsp_crypto::CryptoError;
use rsp_crypto::aka::{
    self, Challenge, CipherKeyLength, MacLength, ResLength, TuakParameters, TuakResLength,
};
use rsp_crypto::software::SoftwareProvider;

/// First octets of the AID of every USIM (ETSI TS 101 220).
const USIM_AID: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

/// Which algorithm the profile authenticates with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Milenage (3GPP TS 35.206).
    Milenage,
    /// TUAK (3GPP TS 35.231).
    Tuak,
    /// The test algorithm of 3GPP TS 34.108, RES of 16 octets.
    Test,
}

impl Algorithm {
    /// The algorithm of a subscription.
    pub fn of(subscription: &Subscription) -> Self {
        match subscription.authentication {
            Authentication::Milenage { .. } => Algorithm::Milenage,
            Authentication::Tuak { .. } => Algorithm::Tuak,
            Authentication::Test { .. } => Algorithm::Test,
        }
    }
}

/// A subscription as the authentication centre knows it.
#[derive(Clone, Debug)]
pub struct Subscriber {
    subscription: Subscription,
    algorithm: Algorithm,
    /// SQN without index.
    sequence: u64,
}

/// Why a card is not the subscriber.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotConfirmed {
    /// No USIM answers.
    #[error("no USIM can be selected: {0:04X}")]
    NoUsim(u16),
    /// The subscription is of another algorithm.
    #[error("the subscription has no keys of this algorithm")]
    OtherAlgorithm,
    /// The network cannot make a challenge of the subscription.
    #[error("{0}")]
    NoChallenge(#[from] CryptoError),
    /// The card did not accept the challenge.
    #[error("AUTHENTICATE was answered with {0:04X}")]
    Refused(u16),
    /// The card holds other keys.
    #[error("the card's RES is not the one expected")]
    WrongResponse,
    /// The answer has another form.
    #[error("the card's answer to AUTHENTICATE is malformed")]
    Malformed,
}

impl Subscriber {
    /// A subscriber that was never seen on a network.
    pub fn new(subscription: Subscription, algorithm: Algorithm) -> Self {
        Subscriber {
            subscription,
            algorithm,
            sequence: 0,
        }
    }

    /// Whether it has this subscription and algorithm.
    pub(crate) fn is(&self, subscription: &Subscription, algorithm: Algorithm) -> bool {
        self.subscription == *subscription && self.algorithm == algorithm
    }

    /// Challenges the USIM of the enabled profile.
    ///
    /// # Errors
    /// If the card does not answer as this subscriber.
    pub fn confirm(
        &mut self,
        card: &mut Euicc,
        environment: &mut Environment<'_>,
    ) -> Result<(), NotConfirmed> {
        let mut select = vec![0x00, 0xA4, 0x04, 0x04, USIM_AID.len() as u8];
        select.extend_from_slice(&USIM_AID);
        let (_, status) = collect(card, &select, environment);
        if status != 0x9000 {
            return Err(NotConfirmed::NoUsim(status));
        }
        let mut rand = [0; 16];
        environment.rng.fill(&mut rand);
        let vector = self.vector(rand)?;
        let mut authenticate = vec![0x00, 0x88, 0x00, 0x81, 0x22, 0x10];
        authenticate.extend_from_slice(&rand);
        authenticate.push(0x10);
        authenticate.extend_from_slice(&vector.autn);
        let (answer, status) = collect(card, &authenticate, environment);
        if status != 0x9000 {
            return Err(NotConfirmed::Refused(status));
        }
        let [0xDB, length, rest @ ..] = answer.as_slice() else {
            return Err(NotConfirmed::Malformed);
        };
        let response = rest.get(..usize::from(*length));
        match response.ok_or(NotConfirmed::Malformed)? == vector.xres.as_bytes() {
            true => Ok(()),
            false => Err(NotConfirmed::WrongResponse),
        }
    }

    fn vector(&mut self, rand: [u8; 16]) -> Result<aka::AuthenticationVector, NotConfirmed> {
        // The index is the low five bits of SQN: one entry is enough here.
        self.sequence += 1;
        let [_, _, sqn @ ..] = (self.sequence << 5).to_be_bytes();
        let amf = [0x80, 0x00];
        let (k, algorithm) = match (self.algorithm, &self.subscription.authentication) {
            (
                Algorithm::Tuak,
                Authentication::Tuak {
                    k,
                    topc,
                    keccak_iterations,
                    lengths,
                },
            ) => {
                let challenge = tuak(k, topc, *keccak_iterations, *lengths, &rand)?;
                return Ok(challenge.vector(&sqn, &amf));
            }
            (Algorithm::Milenage, Authentication::Milenage { k, opc }) => {
                (k, aka::Algorithm::milenage(*opc))
            }
            (Algorithm::Test, Authentication::Test { k }) => {
                let res_length = ResLength::MAX;
                (k, aka::Algorithm::Test { res_length })
            }
            _ => return Err(NotConfirmed::OtherAlgorithm),
        };
        let crypto = &SoftwareProvider;
        Ok(aka::generate_vector(crypto, k, &algorithm, sqn, amf, rand))
    }
}

/// A challenge of a network of 3GPP TS 33.102, which takes no longer MAC, CK
/// and IK than it has places for.
fn tuak(
    k: &TuakKey,
    topc: &[u8; 32],
    iterations: u8,
    lengths: TuakLengths,
    rand: &[u8; 16],
) -> Result<Challenge<'static>, CryptoError> {
    let [mac, res, ck, ik] = lengths.octets();
    let key = |octets| match octets {
        32 => CipherKeyLength::Bits256,
        _ => CipherKeyLength::Bits128,
    };
    let parameters = TuakParameters {
        mac: match mac {
            32 => MacLength::Bits256,
            16 => MacLength::Bits128,
            _ => MacLength::Bits64,
        },
        res: match res {
            32 => TuakResLength::Bits256,
            16 => TuakResLength::Bits128,
            8 => TuakResLength::Bits64,
            _ => TuakResLength::Bits32,
        },
        ck: key(ck),
        ik: key(ik),
        iterations,
    };
    Challenge::tuak(k.as_bytes(), topc, parameters, rand)
}

/// A command with all of its response, and the final status word.
pub(crate) fn collect(
    card: &mut Euicc,
    command: &[u8],
    environment: &mut Environment<'_>,
) -> (Vec<u8>, u16) {
    let (mut data, mut status) = split(card.transmit(command, environment));
    let class = command.first().copied().unwrap_or_default() & 0x03;
    while status >> 8 == 0x61 {
        let get_response = [class, 0xC0, 0x00, 0x00, (status & 0xFF) as u8];
        let (more, next) = split(card.transmit(&get_response, environment));
        if more.is_empty() {
            break;
        }
        data.extend_from_slice(&more);
        status = next;
    }
    (data, status)
}

fn split(mut response: Vec<u8>) -> (Vec<u8>, u16) {
    let sw2 = response.pop().unwrap_or_default();
    let sw1 = response.pop().unwrap_or_default();
    (response, u16::from_be_bytes([sw1, sw2]))
}
