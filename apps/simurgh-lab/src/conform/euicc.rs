//! `simurgh-lab conform euicc`.

use std::path::PathBuf;

use clap::Args;
use lab::conform::euicc::{Bench, CASES};
use lab::conform::{Card, SoftwareCard};
use rsp_asn1::ids::Eid;
use rsp_crypto::Curve;
use rsp_net::ApduChannel;
use rsp_net::apdu::PcscChannel;

use super::options::{self, Common};
use super::{finish, now};
use crate::Failure;

/// The suite for eUICCs (SGP.32): eUICC Packages, eCOs, rollback, fallback,
/// immediate enabling, downloads.
///
/// ATTENTION: a card in a reader is emptied before each case, by
/// eUICCMemoryReset: its profiles, its eIMs and what waits are lost. Use a test
/// card.
///
/// Most cases need profiles, so the suite is also an SM-DP+: it needs the key
/// of a CI that the card trusts, as is published for test cards (SGP.26).
#[derive(Debug, Args)]
pub(crate) struct Euicc {
    /// The reader: its name, a part of it, or its place in the list from 0.
    /// Without it the software card is judged, in this process
    #[arg(long, value_name = "NAME|NUMBER")]
    reader: Option<String>,
    /// CI that the card trusts: its certificate in PEM and, in the same file,
    /// its private key (PKCS #8)
    #[arg(long, value_name = "FILE", requires = "reader")]
    ca: Option<PathBuf>,
    /// The card that the reader must hold: any other is left as it is, and every
    /// case fails. Without --reader the software card has this EID
    #[arg(long, value_name = "32 DIGITS")]
    eid: Option<Eid>,
    /// Curve of the software card: its keys are on brainpoolP256r1
    #[arg(long, conflicts_with = "reader")]
    brainpool: bool,
    #[command(flatten)]
    common: Common,
}

impl Euicc {
    pub(crate) fn run(&self) -> Result<bool, Failure> {
        finish(&self.common, "euicc", CASES, || self.bench())
    }

    fn bench(&self) -> Result<Bench, Failure> {
        let now = now()?;
        let Some(reader) = &self.reader else {
            let curve = match self.brainpool {
                true => Curve::BrainpoolP256r1,
                false => Curve::NistP256,
            };
            let (card, authority) = SoftwareCard::new(curve, now, self.eid)?;
            return Ok(Bench::new(Box::new(card), Some(authority), now, None));
        };
        let authority = self.ca.as_deref().map(options::authority).transpose()?;
        let card = InReader(PcscChannel::new(reader.as_str().into()));
        Ok(Bench::new(Box::new(card), authority, now, self.eid))
    }
}

/// A card in a PC/SC reader.
struct InReader(PcscChannel);

impl Card for InReader {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        self.0.transmit(command).map_err(|error| error.to_string())
    }

    fn reset(&mut self) -> Result<(), String> {
        self.0.reset().map_err(|error| error.to_string())
    }

    fn renew(&mut self) -> Result<bool, String> {
        Ok(false)
    }
}
