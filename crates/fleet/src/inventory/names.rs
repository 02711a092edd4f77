//! Values that have names: what is written, read, searched for and completed.

/// A text that is none of the names of a kind of value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} is no {kind}: one of {}", known.join(", "))]
pub struct UnknownName {
    /// The kind of value.
    pub kind: &'static str,
    /// What was given, shortened.
    pub text: String,
    /// What there is.
    pub known: &'static [&'static str],
}

/// An enumeration whose values have names: the same in JSON, in CSV, in queries
/// and in the database.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident, $kind:literal;
     $($(#[$doc:meta])* $value:ident = $name:literal,)+) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $type {
            $($(#[$doc])* #[serde(rename = $name)] $value,)+
        }

        impl $type {
            /// All values.
            pub const ALL: &'static [$type] = &[$($type::$value),+];

            /// Their names, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $($type::$value => $name,)+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        /// Case does not matter.
        impl std::str::FromStr for $type {
            type Err = $crate::inventory::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut all = $type::ALL.iter().copied();
                let found = all.find(|value| value.name().eq_ignore_ascii_case(text.trim()));
                found.ok_or_else(|| $crate::inventory::UnknownName {
                    kind: $kind,
                    text: text.chars().take(40).collect(),
                    known: $type::NAMES,
                })
            }
        }
    };
}
pub(crate) use named;
