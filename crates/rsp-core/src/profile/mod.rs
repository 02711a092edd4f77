//! The profile side of an SM-DP+: packages of the interoperable format (TCA
//! SAIP) and the metadata that goes with them.
//!
//! A [`Subscription`] makes one profile out of a package that many share
//! ([`personalise`]); [`template`] is such a package. [`describe`] and
//! [`check`] tell people what a package is and what an eUICC would refuse.
//! [`metadata`] is what the eUICC stores beside the profile.

mod access;
mod authentication;
#[cfg(test)]
mod builder_tests;
mod catalogue;
mod check;
mod codes;
mod commands;
mod contents;
mod describe;
mod ef;
mod element;
#[cfg(test)]
mod field_tests;
mod files;
mod hex;
mod inspect;
mod metadata;
mod network_files;
mod network_rules;
mod new_element;
mod order;
mod package_file;
mod personalise;
mod rules;
mod services;
mod structure;
mod subscription;
mod template;
#[cfg(test)]
mod tests;
mod tree;

pub use authentication::{Authentication, TuakKey, TuakLengths};
pub use check::{Finding, check, check_metadata, lint};
pub use codes::{Code, Codes, InvalidCode};
pub use describe::{ProfileDescription, describe, reads_packages_of};
pub use ef::{
    Apn, FiveGs, HomeNetworkKey, InvalidValue, PhoneNumber, PlmnWithAct, ProtectionScheme,
    RoutingIndicator, ServiceProviderName, SuciBy,
};
pub use element::ElementName;
pub use inspect::{
    AlgorithmReport, ApplicationReport, CodeReport, ElementReport, FileReport, HeaderReport,
    IdentityReport, Inspection, KeyReport, SizeReport, inspect,
};
pub use metadata::{MetadataOrder, MncLength, metadata};
pub use network_files::NetworkFiles;
pub use order::{EXAMPLE_SUBSCRIPTION, InvalidKey, SubscriptionFile, TABLE_COLUMNS, table_row};
pub use package_file::{MAX_PACKAGE_FILE, PackageFileError, package_of_file};
pub use personalise::{mnc_length, personalise};
pub use rules::{Rule, Severity};
pub use subscription::Subscription;
pub use template::template;

use rsp_asn1::ids::{Iccid, InvalidId};
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
    /// A ready package is another subscription's.
    #[error("the package is ready for ICCID {iccid} and another IMSI or ICCID was ordered")]
    OtherSubscription {
        /// ICCID of the package's header.
        iccid: Iccid,
    },
    /// A file cannot hold what the order wants in it.
    #[error("{element}: {file} {problem}")]
    File {
        /// The element with the file.
        element: ElementName,
        /// The file.
        file: &'static str,
        /// What is in the way.
        problem: &'static str,
    },
    /// A value of the order that no file can hold.
    #[error("{0}")]
    Value(InvalidValue),
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
