//! SGP.22 v2.5 to v2.7 (module `RSPDefinitions`), where SGP.32 reaches it.
//!
//! Where SGP.32 defines a type of the same name (`EUICCInfo2`, `EuiccSigned1`,
//! `ProfileInfo`, `StoreMetadataRequest` and others), the type here is that of
//! SGP.32: a superset whose additions are OPTIONAL.

mod authentication;
mod download;
mod info;
mod notification;
mod profile;

pub use authentication::*;
pub use download::*;
pub use info::*;
pub use notification::*;
pub use profile::*;
