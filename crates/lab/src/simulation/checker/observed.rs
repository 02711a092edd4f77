//! What is judged, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use euicc::Deed;
use rsp_asn1::ids::{Eid, Iccid};

/// All that happened to one device and what is said of it.
#[derive(Clone, Debug)]
pub struct History {
    /// Number of the device.
    pub number: usize,
    /// The eUICC.
    pub eid: Eid,
    /// The eIM that manages it.
    pub eim_id: String,
    /// What its card did, in order.
    pub deeds: Vec<Deed>,
    /// Packages that the eIM let go, in order, repetitions included.
    pub sent: Vec<Sent>,
    /// Sequence numbers that the eIM acknowledged to the IPA.
    pub acknowledged: BTreeSet<i64>,
    /// Sequence numbers of what the servers have in their stores.
    pub kept: BTreeSet<i64>,
    /// What the eIM says of each operation.
    pub claims: Vec<Claim>,
    /// Of which nothing was known when the link was back, and neither two polls
    /// later.
    pub unresolved: Vec<String>,
    /// The profiles that the eIM says the card has at the end, and whether
    /// enabled.
    pub listed: Option<BTreeMap<Iccid, bool>>,
}

/// An eUICC Package that left the eIM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// counterValue.
    pub counter: i64,
    /// SHA-256 of the package.
    pub digest: [u8; 32],
}

/// What the eIM says of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The operation, for a reader: its kind, identifier and state.
    pub id: String,
    /// What was to be done.
    pub wish: Wish,
    /// What it says came of it.
    pub said: Said,
    /// The packages that it travelled in.
    pub attempts: Vec<Attempt>,
    /// counterValue of the list that told what came of it, when its own result
    /// was lost.
    pub told_by: Option<i64>,
}

/// An operation in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// counterValue; none of a package that the card does not count.
    pub counter: Option<i64>,
    /// Which item of the package it is, from 0.
    pub place: usize,
}

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Download a profile; which, if the code is a good one.
    Download(Option<Iccid>),
    /// Enable a profile.
    Enable(Iccid),
    /// Disable a profile.
    Disable(Iccid),
    /// Delete a profile.
    Delete(Iccid),
    /// Give a profile the Fallback Attribute, or none.
    Fallback(Option<Iccid>),
    /// Whether a profile may be enabled when it is installed.
    EnableAtOnce(bool),
    /// Whether there is another eIM.
    OtherEim(bool),
    /// Something that changes none of these.
    Other,
}

/// What the eIM says came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Not done yet, or not known.
    Open,
    /// Done; the profile, if one was installed.
    Done(Option<Iccid>),
    /// Not done.
    Failed,
    /// Done, and taken back by the IPA.
    RolledBack,
    /// Never sent.
    Cancelled,
}
