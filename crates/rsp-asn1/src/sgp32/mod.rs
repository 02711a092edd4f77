//! SGP.32 v1.2 (module `SGP32Definitions`), with what v1.3 adds.
//!
//! Types that SGP.22 has under the same name and tag are in [`crate::rsp`].

mod compact;
mod download_trigger;
mod eim_configuration;
mod es10b;
mod esipa;
mod euicc_package;
mod euicc_package_result;
mod indirect;
mod ipa_euicc_data;
mod profile_switch;
mod transfer;

pub use compact::*;
pub use download_trigger::*;
pub use eim_configuration::*;
pub use es10b::*;
pub use esipa::*;
pub use euicc_package::*;
pub use euicc_package_result::*;
pub use indirect::*;
pub use ipa_euicc_data::*;
pub use profile_switch::*;
pub use transfer::*;
