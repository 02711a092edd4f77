//! The profile side of an SM-DP+: packages of the interoperable format (TCA
//! SAIP) and the metadata that goes with them.
//!
//! A [`Subscription`] makes one profile out of a package that many share
//! ([`personalise`]); [`template`] is such a package. [`describe`] and
//! [`check`] tell people what a package is and what an eUICC would refuse.
//! [`metadata`] is what the eUICC stores beside the profile.

mod access;
mod check;
mod contents;
mod describe;
mod element;
mod metadata;
mod personalise;
mod services;
mod structure;
mod subscription;
mod template;
#[cfg(test)]
mod tests;

pub use check::{Finding, Rule, check, check_metadata};
pub use describe::{ProfileDescription, describe};
pub use element::ElementName;
pub use metadata::{MetadataOrder, MncLength, metadata};
pub use personalise::personalise;
pub use subscription::Subscription;
pub use template::template;

use rsp_asn1::ids::InvalidId;
use rsp_asn1::saip::AlgorithmId;
use rsp_asn1::{DecodeError, ErrorKind};

/// Why a package or an order cannot be processed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The package is no sequence of profile elements.
    #[error("malformed profile package: {0}")]
    Decode(#[from] DecodeError),
    /// Something that the operation needs is not in the package.
    #[error("the profile package has no {0}")]
    Missing(&'static str),
    /// The algorithm needs other parameters than K and OPc of 16 octets.
    #[error("{element}: {algorithm} does not take a K and an OPc of 16 octets")]
    Algorithm {
        /// The element with the algorithm.
        element: ElementName,
        /// The algorithm.
        algorithm: AlgorithmId,
    },
    /// The commands of a file skip backwards or beyond any file's size.
    #[error("{element}: the fill commands of {file} lead outside the file")]
    FillCommands {
        /// The element with the file.
        element: ElementName,
        /// The file.
        file: &'static str,
    },
    /// A file does not hold the identifier that it is for.
    #[error("{element}: {file} is not filled with an identifier: {source}")]
    Identifier {
        /// The element with the file.
        element: ElementName,
        /// The file.
        file: &'static str,
        /// What it should be.
        source: InvalidId,
    },
    /// A value of an order that the metadata cannot carry.
    #[error("{field}: {reason}")]
    Metadata {
        /// Name of the value in the order.
        field: &'static str,
        /// What is wrong with it.
        reason: ErrorKind,
    },
}
