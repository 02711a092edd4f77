//! An operator and an LPA in front of the SM-DP+.

use std::fmt;

use rsp_asn1::Certificate;
use rsp_asn1::ids::{Eid, Iccid};
use rsp_core::Timestamp;
use rsp_crypto::software::{SeededRng, SoftwareKey};
use rsp_crypto::{Curve, Rng};
use serde_json::{Value, json};

use super::euicc::{Euicc, Eum};
use super::http::{Reply, member};
use crate::conform::Http;
use crate::conform::case::{Check, Stop, fail, skip};
use crate::conform::eids::Eids;
use crate::conform::euicc::Authority;

/// What is said of the SM-DP+ under test.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its address, as it stands in activation codes.
    pub address: String,
    /// The CI under which it accepts eUICCs, with its key.
    pub authority: Authority,
    /// A CI on brainpoolP256r1, if it has certificates under one.
    pub brainpool: Option<Authority>,
    /// A profile type of which there are enough profiles for all cases.
    pub profile_type: String,
    /// A type whose profiles are protected by keys of their own (PPK).
    pub protected_type: Option<String>,
    /// A type whose packages stay bound to the key of their first delivery.
    pub bound_once_type: Option<String>,
    /// A type that no device without 5G may have.
    pub restricted_type: Option<String>,
    /// ICCID of a profile in stock that nobody has ordered or will.
    pub free_iccid: Option<String>,
    /// The EID of the first eUICC; the others count on from it.
    pub eid: Option<Eid>,
}

/// The bench of the suite.
pub struct Bench {
    pub(in crate::conform) http: Box<dyn Http>,
    pub(in crate::conform) settings: Settings,
    pub(in crate::conform) now: Timestamp,
    pub(in crate::conform) rng: SeededRng,
    pub(in crate::conform) eum: Option<Eum>,
    pub(in crate::conform) eids: Eids,
    /// How many eUICCs there were.
    pub(in crate::conform) made: u32,
    /// How many calls of ES2+.
    pub(in crate::conform) calls: u32,
    /// On which curve eUICCs are made.
    pub(in crate::conform) curve: Curve,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

/// What is ordered.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::conform) struct Order<'a> {
    /// For one eUICC.
    pub(in crate::conform) eid: Option<&'a str>,
    /// What the end user has to type.
    pub(in crate::conform) code: Option<&'a str>,
    /// The MatchingID; `None` lets the SM-DP+ make one.
    pub(in crate::conform) matching_id: Option<&'a str>,
    /// Whether the profile stays unreleased.
    pub(in crate::conform) held: bool,
    /// Another profile type than the usual one.
    pub(in crate::conform) profile_type: Option<&'a str>,
}

/// What came of an order.
#[derive(Clone, Debug)]
pub(in crate::conform) struct Ordered {
    pub(in crate::conform) iccid: String,
    pub(in crate::conform) matching_id: String,
}

impl Bench {
    /// A bench; `seed` makes its names unlike those of other runs, `now` is the
    /// time at which certificates begin.
    ///
    /// # Errors
    /// If other EIDs cannot be counted from the first.
    pub fn new(
        http: Box<dyn Http>,
        settings: Settings,
        now: Timestamp,
        seed: u64,
    ) -> Result<Bench, Stop> {
        // EIDs of another run are others: SM-DP+s remember what eUICCs sent.
        let run = (seed >> 36) & !0x3FF;
        Ok(Bench {
            http,
            eids: Eids::new(settings.eid, run)?,
            settings,
            now,
            rng: SeededRng::new(seed),
            eum: None,
            made: 0,
            calls: 0,
            curve: Curve::NistP256,
        })
    }

    /// The CI in use: its certificate and its key.
    pub(in crate::conform) fn ci(&self) -> Check<(Certificate, SoftwareKey)> {
        let authority = match self.curve {
            Curve::NistP256 => Some(&self.settings.authority),
            _ => self.settings.brainpool.as_ref(),
        };
        let both = authority.and_then(|ci| Some((ci.certificate.clone(), ci.key.clone()?)));
        match both {
            Some(both) => Ok(both),
            None => skip("no key of a CI that the SM-DP+ trusts is given (--ca with its key)"),
        }
    }

    /// An eUICC that the SM-DP+ has no reason to refuse.
    pub(in crate::conform) fn euicc(&mut self) -> Check<Euicc> {
        let number = self.made;
        self.made += 1;
        Euicc::new(self, number)
    }

    /// A MatchingID that no other order has.
    pub(in crate::conform) fn matching_id(&mut self) -> String {
        let mut octets = [0; 6];
        self.rng.fill(&mut octets);
        let shown: String = octets.iter().map(|o| format!("{o:02X}")).collect();
        format!("CONF-{shown}")
    }

    /// ES2+.DownloadOrder; gives the ICCID.
    pub(in crate::conform) fn allocated(&mut self, order: &Order<'_>) -> Check<String> {
        let usual = self.settings.profile_type.clone();
        let mut body = json!({ "profileType": order.profile_type.unwrap_or(&usual) });
        set(&mut body, "eid", order.eid);
        let reply = self.es2plus("downloadOrder", body)?.ok("downloadOrder")?;
        member(&reply, "iccid").map(|iccid| iccid.trim_end_matches('F').to_string())
    }

    /// ES2+.ConfirmOrder of an allocated profile.
    pub(in crate::conform) fn confirm(&mut self, iccid: &str, order: &Order<'_>) -> Check<Reply> {
        let mut body = json!({ "iccid": iccid, "releaseFlag": !order.held });
        set(&mut body, "eid", order.eid);
        set(&mut body, "matchingId", order.matching_id);
        set(&mut body, "confirmationCode", order.code);
        self.es2plus("confirmOrder", body)
    }

    /// A profile that is ordered and confirmed.
    pub(in crate::conform) fn order(&mut self, order: &Order<'_>) -> Check<Ordered> {
        let iccid = self.allocated(order)?;
        iccid.parse::<Iccid>()?;
        let reply = self.confirm(&iccid, order)?.ok("confirmOrder")?;
        let given = order.matching_id.map(ToString::to_string);
        let matching_id = match (member(&reply, "matchingId"), given) {
            (Ok(found), Some(given)) if found != given => {
                return fail(format!(
                    "confirmOrder answers matchingId {found}, not {given}"
                ));
            }
            (Ok(found), _) => found,
            (Err(_), Some(given)) => given,
            (Err(stop), None) => return Err(stop),
        };
        Ok(Ordered { iccid, matching_id })
    }

    /// A type that the bench may lack.
    pub(in crate::conform) fn special(&self, found: &Option<String>, what: &str) -> Check<String> {
        match found {
            Some(name) => Ok(name.clone()),
            None => skip(format!("no profile type is given {what}")),
        }
    }
}

fn set(body: &mut Value, name: &str, value: Option<&str>) {
    if let (Some(value), Some(members)) = (value, body.as_object_mut()) {
        members.insert(name.into(), value.into());
    }
}
