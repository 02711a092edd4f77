//! How the types of the modules are written down: member, type and tag on one
//! line, as in the module.

/// Declares a SEQUENCE.
///
/// `name: Type` has the type's own tag, `name: Type = 0x80` a context tag,
/// `| 0x81` a further tag that is read as this member, since some peers send
/// it, and never written; `=> value` a DEFAULT; an `Option` is OPTIONAL. The
/// number after the name of the structure is its own tag, `30` if left out;
/// the function after `or` is asked first whether the contents are another form
/// of the type, and gives `None` for the standard's. `redacted` keeps the
/// members out of Debug, `unordered` takes them in any order (and writes them
/// in the module's).
macro_rules! sequence {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(: $outer:literal)? $(or $lenient:path)? $(, $flag:ident)? {
            $(
                $(#[$fmeta:meta])*
                $field:ident : $ty:ty $(= $tag:literal)? $(| $alias:literal)* $(=> $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            $(
                $(#[$fmeta])*
                #[doc = concat!("Member `", stringify!($field), "`", $(", tag ", stringify!($tag),)? ".")]
                pub $field: $ty,
            )*
            /// Elements that this version of the type does not know.
            pub extensions: $crate::Extensions,
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                debug_members!(self, f, $name, [$($flag)?], $($field),*)
            }
        }

        impl $crate::Tagged for $name {
            const TAG: $crate::Tag = own_tag!($($outer)?);

            #[allow(unused_mut)]
            fn decode_value(tlv: &$crate::Tlv<'_>) -> Result<Self, $crate::DecodeError> {
                let members: &[fn($crate::Tag) -> bool] = &[
                    $(|found| <$ty as $crate::Field>::accepts_as(context_tag!($($tag)?), found)
                        $(|| found == $crate::Tag::new($alias))*),*
                ];
                $(
                    if let Some(value) = $lenient(tlv)? {
                        return Ok(value);
                    }
                )?
                let mut sequence = open_sequence!(tlv, members $(, $flag)?)?;
                $(
                    let $field = decode_member!(
                        sequence, $field, $ty, context_tag!($($tag)?),
                        &[$($crate::Tag::new($alias)),*] $(, $default)?
                    );
                )*
                let extensions = sequence.finish()?;
                Ok(Self { $($field,)* extensions })
            }

            #[allow(unused_variables, unused_mut, unused_assignments)]
            fn encode_under(&self, tag: $crate::Tag, out: &mut $crate::Writer) {
                out.constructed(tag, |out| {
                    let mut index = 0;
                    $(
                        self.extensions.write(index, out);
                        encode_member!(self, $field, out, context_tag!($($tag)?) $(, $default)?);
                        index += 1;
                    )*
                    self.extensions.write(index, out);
                });
            }
        }
    };
}

macro_rules! debug_members {
    ($self:ident, $f:ident, $name:ident, [], $($field:ident),*) => {
        $f.debug_struct(stringify!($name))
            $(.field(stringify!($field), &$self.$field))*
            .finish_non_exhaustive()
    };
    ($self:ident, $f:ident, $name:ident, [unordered], $($field:ident),*) => {
        debug_members!($self, $f, $name, [], $($field),*)
    };
    ($self:ident, $f:ident, $name:ident, [redacted], $($field:ident),*) => {
        $f.write_str(concat!(stringify!($name), " [redacted]"))
    };
}

macro_rules! open_sequence {
    ($tlv:ident, $members:ident) => {
        $crate::Sequence::open($tlv, $members)
    };
    ($tlv:ident, $members:ident, redacted) => {
        $crate::Sequence::open($tlv, $members)
    };
    ($tlv:ident, $members:ident, unordered) => {
        $crate::Sequence::open_unordered($tlv, $members)
    };
}

macro_rules! debug_alternative {
    ($self:ident, $f:ident, $name:ident, [], $($variant:ident),*) => {
        match $self {
            $($name::$variant(value) => {
                $f.debug_tuple(stringify!($variant)).field(value).finish()
            })*
        }
    };
    ($self:ident, $f:ident, $name:ident, [redacted], $($variant:ident),*) => {
        match $self {
            $($name::$variant(_) => $f.write_str(concat!(stringify!($variant), " [redacted]")),)*
        }
    };
}

macro_rules! own_tag {
    () => {
        $crate::Tag::SEQUENCE
    };
    ($tag:literal) => {
        $crate::Tag::new($tag)
    };
}

macro_rules! context_tag {
    () => {
        None
    };
    ($tag:literal) => {
        Some($crate::Tag::new($tag))
    };
}

macro_rules! decode_member {
    ($sequence:ident, $field:ident, $ty:ty, $tag:expr, $aliases:expr) => {
        $sequence.aliased_field::<$ty>(stringify!($field), $tag, $aliases)?
    };
    ($sequence:ident, $field:ident, $ty:ty, $tag:expr, $aliases:expr, $default:expr) => {
        $sequence.default_field::<$ty>(stringify!($field), $tag, $aliases, $default)?
    };
}

macro_rules! encode_member {
    ($self:ident, $field:ident, $out:ident, $tag:expr) => {
        $crate::Field::encode_field(&$self.$field, $tag, $out)
    };
    ($self:ident, $field:ident, $out:ident, $tag:expr, $default:expr) => {
        if $self.$field != $default {
            $crate::Field::encode_field(&$self.$field, $tag, $out)
        }
    };
}

/// Declares a CHOICE; with a number after the name, a tagged one. `|` and `or`
/// are as in [`sequence`].
///
/// A tagged one is also read with its own tag twice, as tools write it that
/// take the tag for an EXPLICIT one. `redacted` keeps the value out of Debug.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $name:ident $(or $lenient:path)? $(, $redacted:ident)? {
            $(
                $(#[$vmeta:meta])*
                $variant:ident($ty:ty) $(= $tag:literal)? $(| $alias:literal)*
            ),* $(,)?
        }
    ) => {
        choice!(@alternatives $(#[$meta])* $name [$($redacted)?] {
            $( $(#[$vmeta])* $variant($ty) $(= $tag)? $(| $alias)*, )*
        });

        impl $crate::Asn1 for $name {
            fn accepts(tag: $crate::Tag) -> bool {
                Self::is_alternative(tag)
            }

            fn decode_tlv(tlv: &$crate::Tlv<'_>) -> Result<Self, $crate::DecodeError> {
                Self::decode_alternative(tlv)
            }

            fn encode(&self, out: &mut $crate::Writer) {
                self.encode_alternative(out);
            }

            fn decode_tagged(
                tag: $crate::Tag,
                tlv: &$crate::Tlv<'_>,
            ) -> Result<Self, $crate::DecodeError> {
                $crate::field::expect_tag(tag, tlv)?;
                $(
                    if let Some(value) = $lenient(tlv)? {
                        return Ok(value);
                    }
                )?
                Self::decode_only(tlv)
            }

            fn encode_tagged(&self, tag: $crate::Tag, out: &mut $crate::Writer) {
                out.constructed(tag, |out| self.encode_alternative(out));
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident : $outer:literal $(or $lenient:path)? $(, $redacted:ident)? {
            $(
                $(#[$vmeta:meta])*
                $variant:ident($ty:ty) $(= $tag:literal)? $(| $alias:literal)*
            ),* $(,)?
        }
    ) => {
        choice!(@alternatives $(#[$meta])* $name [$($redacted)?] {
            $( $(#[$vmeta])* $variant($ty) $(= $tag)? $(| $alias)*, )*
        });

        impl $crate::Tagged for $name {
            const TAG: $crate::Tag = $crate::Tag::new($outer);

            fn decode_value(tlv: &$crate::Tlv<'_>) -> Result<Self, $crate::DecodeError> {
                let twice = $crate::field::written_twice(Self::TAG, tlv);
                let tlv = twice.as_ref().unwrap_or(tlv);
                $(
                    if let Some(value) = $lenient(tlv)? {
                        return Ok(value);
                    }
                )?
                Self::decode_only(tlv)
            }

            fn encode_under(&self, tag: $crate::Tag, out: &mut $crate::Writer) {
                out.constructed(tag, |out| self.encode_alternative(out));
            }
        }
    };
    (
        @alternatives $(#[$meta:meta])* $name:ident [$($redacted:ident)?] {
            $(
                $(#[$vmeta:meta])*
                $variant:ident($ty:ty) $(= $tag:literal)? $(| $alias:literal)*,
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        pub enum $name {
            $(
                $(#[$vmeta])*
                #[doc = concat!("Alternative `", stringify!($variant), "`", $(", tag ", stringify!($tag),)? ".")]
                $variant($ty),
            )*
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                debug_alternative!(self, f, $name, [$($redacted)?], $($variant),*)
            }
        }

        impl $name {
            #[allow(dead_code)]
            fn is_alternative(tag: $crate::Tag) -> bool {
                $(<$ty as $crate::Field>::accepts_as(context_tag!($($tag)?), tag)
                    $(|| tag == $crate::Tag::new($alias))*)||*
            }

            fn decode_alternative(tlv: &$crate::Tlv<'_>) -> Result<Self, $crate::DecodeError> {
                $(
                    let tag = $crate::field::alias_or::<$ty>(
                        context_tag!($($tag)?), &[$($crate::Tag::new($alias)),*], tlv.tag,
                    );
                    if <$ty as $crate::Field>::accepts_as(tag, tlv.tag) {
                        return <$ty as $crate::Field>::decode_field(tag, Some(tlv), tlv.offset)
                            .map($name::$variant)
                            .map_err(|error| error.within(stringify!($variant)));
                    }
                )*
                Err(tlv.error($crate::ErrorKind::UnknownAlternative(tlv.tag)))
            }

            /// The alternative that is the only element in `tlv`.
            fn decode_only(tlv: &$crate::Tlv<'_>) -> Result<Self, $crate::DecodeError> {
                let mut reader = tlv.reader();
                let value = Self::decode_alternative(&reader.tlv()?)?;
                reader.finish()?;
                Ok(value)
            }

            fn encode_alternative(&self, out: &mut $crate::Writer) {
                match self {
                    $($name::$variant(value) => {
                        $crate::Field::encode_field(value, context_tag!($($tag)?), out)
                    })*
                }
            }
        }
    };
}

/// Declares an INTEGER with named numbers; other numbers are kept.
macro_rules! named_integer {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$cmeta:meta])* $constant:ident = $number:literal ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            $(
                $(#[$cmeta])*
                #[doc = concat!("`", stringify!($constant), "` (", stringify!($number), ").")]
                pub const $constant: $name = $name($number);
            )*

            /// The name in the module, `None` for a number it does not name.
            pub fn name(self) -> Option<alloc::string::String> {
                match self.0 {
                    $($number => Some($crate::error::module_spelling(stringify!($constant))),)*
                    _ => None,
                }
            }
        }

        impl $crate::NamedInteger for $name {
            const NAMED: &'static [Self] = &[$($name($number)),*];

            fn module_name(self) -> Option<alloc::string::String> {
                self.name()
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{name}({})", self.0),
                    None => write!(f, "{}", self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        impl $crate::Tagged for $name {
            const TAG: $crate::Tag = $crate::Tag::INTEGER;

            fn decode_value(tlv: &$crate::Tlv<'_>) -> Result<Self, $crate::DecodeError> {
                <i64 as $crate::Tagged>::decode_value(tlv).map($name)
            }

            fn encode_under(&self, tag: $crate::Tag, out: &mut $crate::Writer) {
                $crate::Tagged::encode_under(&self.0, tag, out);
            }
        }
    };
}
