//! A device whose card brings the IPA: it has a terminal, and nothing to decide.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use euicc::{Environment, Euicc};
use lab::{CardLikeness, Terminal};
use rsp_asn1::ids::Imei;
use rsp_crypto::OsRng;
use rsp_crypto::software::SoftwareProvider;

use super::server::{Addresses, EIM, SMDP};
use crate::Failure;

/// How long one round of the card may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks at the line.
const PAUSE: Duration = Duration::from_millis(1);

/// Rounds at a time: one for what waits, one for what follows a REFRESH, one for
/// what its results bring.
const ROUNDS: usize = 3;

/// Port of ESipa and ES9+.
const HTTPS: u16 = 443;

/// The terminal, in whose network the servers are where the card thinks.
pub(super) struct CardIpa(Terminal);

impl CardIpa {
    /// The terminal of a device with this IMEI, switched off.
    pub(super) fn new(imei: &Imei, servers: &Addresses) -> CardIpa {
        let route = |(name, address): &(&str, [u8; 4])| {
            let there: SocketAddr = match *name {
                EIM => servers.eim,
                SMDP => servers.smdp,
                _ => return None,
            };
            Some((SocketAddrV4::new((*address).into(), HTTPS), there))
        };
        let routes = CardLikeness::HOSTS.iter().filter_map(route);
        CardIpa(Terminal::new(imei, routes.collect()))
    }

    /// The device leaves ESipa to the card.
    pub(super) fn activate(&mut self, card: &mut Euicc, rng: &mut OsRng) -> Result<(), Failure> {
        match self.0.activate_ipa(card, &mut environment(rng)) {
            true => Ok(()),
            false => Err("the card does not activate its IPA".into()),
        }
    }

    /// The card's IPA is active already.
    pub(super) fn power_on(&mut self, card: &mut Euicc, rng: &mut OsRng) {
        self.0.power_on(card, &mut environment(rng));
    }

    /// Lets the card do what waits: its time passes at once.
    pub(super) async fn rounds(
        &mut self,
        card: &mut Euicc,
        rng: &mut OsRng,
    ) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            self.round(card, rng).await?;
        }
        Ok(())
    }

    async fn round(&mut self, card: &mut Euicc, rng: &mut OsRng) -> Result<(), Failure> {
        let began = Instant::now();
        self.0.expire(card, &mut environment(rng));
        while self.0.poll(card, &mut environment(rng)) || self.0.is_connected() {
            if began.elapsed() > PATIENCE {
                return Err("the card's round does not end".into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

fn environment(rng: &mut OsRng) -> Environment<'_> {
    Environment {
        provider: &SoftwareProvider,
        rng,
    }
}
