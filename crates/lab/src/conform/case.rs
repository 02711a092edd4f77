//! A case of a suite, and why it does not pass.

use std::fmt::Debug;

use rsp_asn1::ids::InvalidId;
use rsp_asn1::{DecodeError, ErrorKind, InvalidOid};
use rsp_core::pki::{CertificateError, ChainError, IssueError};
use rsp_core::profile::ProfileError;
use rsp_crypto::CryptoError;

/// Why a case ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The subject did something else than is expected of it.
    #[error("{0}")]
    Failed(String),
    /// The case says nothing about this subject.
    #[error("skipped: {0}")]
    Skipped(String),
}

/// What a case, or a part of one, comes to.
pub type Check<T = ()> = Result<T, Stop>;

/// One row of the catalogue, for a bench `B`.
#[derive(Debug)]
pub struct Case<B> {
    /// Its identifier in the catalogue.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    pub(super) body: Body<B>,
}

/// What is done for a row.
#[derive(Debug)]
pub(super) enum Body<B> {
    /// A conversation.
    Run(fn(&mut B) -> Check),
    /// Nothing, and why.
    Absent(&'static str),
}

/// A row with a conversation.
pub(super) const fn case<B>(
    id: &'static str,
    title: &'static str,
    run: fn(&mut B) -> Check,
) -> Case<B> {
    let body = Body::Run(run);
    Case { id, title, body }
}

/// A row that this suite has no conversation for.
pub(super) const fn absent<B>(id: &'static str, title: &'static str, why: &'static str) -> Case<B> {
    let body = Body::Absent(why);
    Case { id, title, body }
}

/// The case fails.
pub(super) fn fail<T>(why: impl Into<String>) -> Check<T> {
    Err(Stop::Failed(why.into()))
}

/// The case says nothing about this subject.
pub(super) fn skip<T>(why: impl Into<String>) -> Check<T> {
    Err(Stop::Skipped(why.into()))
}

/// Fails unless the condition holds; `expected` says what should have been.
pub(super) fn ensure(holds: bool, expected: &str) -> Check {
    match holds {
        true => Ok(()),
        false => fail(expected),
    }
}

/// Fails unless both are the same.
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Check {
    match found == expected {
        true => Ok(()),
        false => fail(format!("{what}: {found:?} instead of {expected:?}")),
    }
}

/// Fails unless it is one of several.
pub(super) fn one_of<T: PartialEq + Debug>(what: &str, found: &T, expected: &[T]) -> Check {
    match expected.contains(found) {
        true => Ok(()),
        false => fail(format!("{what}: {found:?} is none of {expected:?}")),
    }
}

/// What must be there.
pub(super) fn some<T>(what: &str, value: Option<T>) -> Check<T> {
    value.ok_or_else(|| Stop::Failed(format!("{what} is missing")))
}

macro_rules! failures {
    ($($error:ty => $what:literal),* $(,)?) => {
        $(impl From<$error> for Stop {
            fn from(error: $error) -> Stop {
                Stop::Failed(format!("{}: {error}", $what))
            }
        })*
    };
}

failures! {
    DecodeError => "cannot be decoded",
    ErrorKind => "cannot be encoded",
    CryptoError => "cryptography",
    InvalidId => "identifier",
    InvalidOid => "object identifier",
    IssueError => "a certificate cannot be issued",
    CertificateError => "certificate",
    ChainError => "chain of certificates",
    ProfileError => "profile package",
    serde_json::Error => "JSON",
}
