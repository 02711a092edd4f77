//! SGP.22 v2.5 to v2.7 (module `RSPDefinitions`).
//!
//! Where SGP.32 defines a type of the same name (`EUICCInfo2`, `EuiccSigned1`,
//! `ProfileInfo`, `StoreMetadataRequest` and others), the type here is that of
//! SGP.32: a superset whose additions are OPTIONAL. Where the two have
//! different tags, each module has its own type.

mod authentication;
mod crl;
mod download;
mod es10c;
mod es9plus;
mod info;
mod notification;
mod profile;

pub use authentication::*;
pub use crl::*;
pub use download::*;
pub use es9plus::*;
pub use es10c::*;
pub use info::*;
pub use notification::*;
pub use profile::*;
