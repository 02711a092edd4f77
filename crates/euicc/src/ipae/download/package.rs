//! The Bound Profile Package, installed while it comes (SGP.22 2.5.5, 5.7.6):
//! the card never has more of it than one segment.

use alloc::vec::Vec;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::{
    CancelSessionReason, PendingNotification, ProfileInstallationResult, StoreMetadataRequest,
};
use rsp_asn1::{Asn1, Signed};

use super::{Refused, es9plus, relay};
use crate::es10::load_bpp;
use crate::ipae::connection::Body;
use crate::isdr::Isdr;
use crate::personalisation::Environment;
use crate::session::Session;

/// Octets handed over at once. No profile is so short that its metadata and all
/// of it are in one piece: they are compared before it is installed.
const PIECE: usize = 64;

/// Octets by which a package is known.
const TAG: usize = 2;

/// A package that is awaited or comes.
pub(super) struct Package {
    pub(super) session: TransactionId,
    /// The metadata that were offered.
    offered: Option<StoreMetadataRequest>,
    /// What is too short to be handed over.
    held: Vec<u8>,
    /// Why no more of it is taken.
    refused: Option<(&'static str, CancelSessionReason)>,
}

impl Package {
    pub(super) fn new(session: TransactionId, offered: Option<StoreMetadataRequest>) -> Package {
        Package {
            session,
            offered,
            held: Vec::new(),
            refused: None,
        }
    }

    /// Takes octets of it; gives the result at its end, or when it fails.
    pub(super) fn take(
        &mut self,
        isdr: &mut Isdr,
        octets: &[u8],
        env: &mut Environment<'_>,
    ) -> Option<Signed<ProfileInstallationResult>> {
        for piece in octets.chunks(PIECE) {
            if self.refused.is_some() {
                return None;
            }
            self.held.extend_from_slice(piece);
            if self.held.len() < TAG {
                continue;
            }
            let piece = core::mem::take(&mut self.held);
            let answer = load_bpp::segment(isdr, &piece, env);
            let error = CancelSessionReason::LOAD_BPP_EXECUTION_ERROR;
            match answer.map(|answer| (answer.is_empty(), Signed::from_der(&answer))) {
                Ok((true, _)) if self.is_another(isdr) => {
                    let reason = CancelSessionReason::METADATA_MISMATCH;
                    let why = "the package has other metadata than were offered";
                    self.refused = Some((why, reason));
                }
                Ok((true, _)) => {}
                Ok((false, Ok(result))) => return Some(result),
                Ok((false, Err(_))) => self.refused = Some(("a result that is none", error)),
                Err(_) => self.refused = Some(("the card does not take the package", error)),
            }
        }
        None
    }

    /// Whether what comes is not what was decided upon.
    fn is_another(&self, isdr: &Isdr) -> bool {
        let Session::Loading(load) = &isdr.session else {
            return false;
        };
        match (load.metadata(), &self.offered) {
            (Some(metadata), Some(offered)) => metadata != offered,
            _ => false,
        }
    }

    /// Why there is no result at the end of the response.
    pub(super) fn refused(&self, body: &Body) -> Refused {
        if let Some((why, reason)) = self.refused {
            return Refused(why.into(), Some(reason));
        }
        let unfinished = || {
            let reason = CancelSessionReason::LOAD_BPP_EXECUTION_ERROR;
            Refused("the package is not whole".into(), Some(reason))
        };
        match body {
            Body::Json(reply) => match es9plus::executed(reply) {
                Ok(()) => unfinished(),
                Err(why) => why.into(),
            },
            Body::Package(package) => match package.instead() {
                Some(body) => relay::no_package(body),
                None => unfinished(),
            },
            Body::Plain(_) => "an answer to another function".into(),
        }
    }

    /// The result of an installation that ends here with its channel; `None` if
    /// nothing was being installed.
    pub(super) fn interrupted(&self, isdr: &mut Isdr) -> Option<Signed<ProfileInstallationResult>> {
        isdr.end_session();

        let waiting = isdr.state.notifications.notifications(None);
        let mut results = waiting.filter_map(|waiting| match waiting {
            PendingNotification::ProfileInstallationResult(result) => Some(result),
            _ => None,
        });
        let found = results.find(|result| {
            let data = &result.profile_installation_result_data;
            data.transaction_id == self.session
        });
        found.cloned()
    }
}
