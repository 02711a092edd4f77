//! SGP.32 v1.2 (module `SGP32Definitions`).

mod download_trigger;
mod eim_configuration;
mod es10b;
mod esipa;
mod euicc_package;
mod euicc_package_result;
mod ipa_euicc_data;

pub use download_trigger::*;
pub use eim_configuration::*;
pub use es10b::*;
pub use esipa::*;
pub use euicc_package::*;
pub use euicc_package_result::*;
pub use ipa_euicc_data::*;
