//! Contents of the files that an order sets and that people want explained:
//! one type each, with its coding and its text.

mod apn;
mod dialling;
mod five_g;
mod plmn;
mod text;

pub use apn::Apn;
pub use dialling::PhoneNumber;
pub use five_g::{FiveGs, HomeNetworkKey, ProtectionScheme, RoutingIndicator, SuciBy};
pub use plmn::PlmnWithAct;
pub use text::ServiceProviderName;

pub(super) use apn::access_point_names;
pub(super) use dialling::{msisdn_record, number_of_record, smsp_record};
pub(super) use five_g::{SuciCalcInfo, Supi};
pub(super) use plmn::{plmn_list, plmn_list_with_act, plmns, plmns_with_act};
pub(super) use text::alpha;

/// A text or value that a file cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} has {expected}")]
pub struct InvalidValue {
    /// What it should be.
    pub what: &'static str,
    /// What that consists of.
    pub expected: &'static str,
}

const fn invalid(what: &'static str, expected: &'static str) -> InvalidValue {
    InvalidValue { what, expected }
}

/// Serialises a value as its text.
macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<alloc::string::String> for $name {
            type Error = crate::profile::ef::InvalidValue;

            fn try_from(text: alloc::string::String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for alloc::string::String {
            fn from(value: $name) -> Self {
                alloc::string::ToString::to_string(&value)
            }
        }
    };
}
use as_text;
