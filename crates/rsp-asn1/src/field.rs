//! The codec traits, and SEQUENCEs whose unknown elements stay where they were.

use alloc::vec::Vec;

use crate::{DecodeError, ErrorKind, Reader, Tag, Tlv, Writer};

/// More octets than any message of the standards has.
const MAX_LENGTH: usize = 8 * 1024 * 1024;

/// Most items of a SEQUENCE OF that are read: decoded, they take far more room
/// than on the wire.
const MAX_ITEMS: usize = 16_384;

/// Most elements that are kept without being known.
const MAX_UNKNOWN: usize = 256;

/// A type of the modules.
pub trait Asn1: Sized {
    /// Whether an element with this tag may be a value of the type.
    fn accepts(tag: Tag) -> bool;

    /// The value in `tlv`, under the type's own tag.
    ///
    /// # Errors
    /// If `tlv` is no value of the type; the error names byte and field.
    fn decode_tlv(tlv: &Tlv<'_>) -> Result<Self, DecodeError>;

    /// Appends the value under the type's own tag.
    fn encode(&self, out: &mut Writer);

    /// The value in `tlv` under a context tag: IMPLICIT, or EXPLICIT for an
    /// untagged CHOICE (X.680 31.2.7).
    ///
    /// # Errors
    /// As [`Asn1::decode_tlv`].
    fn decode_tagged(tag: Tag, tlv: &Tlv<'_>) -> Result<Self, DecodeError>;

    /// Appends the value under a context tag.
    fn encode_tagged(&self, tag: Tag, out: &mut Writer);

    /// The value that `bytes` hold, and nothing else.
    ///
    /// # Errors
    /// As [`Asn1::decode_tlv`], and if bytes follow the value or there are more
    /// than any message has.
    fn from_der(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_LENGTH {
            return Err(DecodeError::new(0, ErrorKind::TooLong));
        }
        Self::decode_tlv(&Tlv::parse(bytes)?)
    }

    /// The value in DER.
    fn to_der(&self) -> Vec<u8> {
        let mut out = Writer::new();
        self.encode(&mut out);
        out.into_bytes()
    }
}

/// An INTEGER with named numbers.
pub trait NamedInteger: Copy + 'static {
    /// All that have names.
    const NAMED: &'static [Self];

    /// The name in the module, `None` for a number that has none.
    fn module_name(self) -> Option<alloc::string::String>;
}

/// A type with a tag of its own: everything but an untagged CHOICE.
pub trait Tagged: Sized {
    /// The type's own tag.
    const TAG: Tag;

    /// The value, from an element whose tag has been checked.
    ///
    /// # Errors
    /// If the contents are no value of the type.
    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError>;

    /// Appends the value under `tag`.
    fn encode_under(&self, tag: Tag, out: &mut Writer);
}

impl<T: Tagged> Asn1 for T {
    fn accepts(tag: Tag) -> bool {
        tag == T::TAG
    }

    fn decode_tlv(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        Self::decode_tagged(T::TAG, tlv)
    }

    fn encode(&self, out: &mut Writer) {
        self.encode_under(T::TAG, out);
    }

    fn decode_tagged(tag: Tag, tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        expect_tag(tag, tlv)?;
        T::decode_value(tlv)
    }

    fn encode_tagged(&self, tag: Tag, out: &mut Writer) {
        self.encode_under(tag, out);
    }
}

/// Refuses another tag than the expected one.
pub(crate) fn expect_tag(expected: Tag, tlv: &Tlv<'_>) -> Result<(), DecodeError> {
    if tlv.tag == expected {
        return Ok(());
    }
    Err(tlv.error(ErrorKind::UnexpectedTag {
        expected,
        found: tlv.tag,
    }))
}

/// The tag under which a member or alternative is to be read: `tag`, or the
/// one found if it is an alias (`None` if that is the type's own).
pub(crate) fn alias_or<F: Field>(tag: Option<Tag>, aliases: &[Tag], found: Tag) -> Option<Tag> {
    match aliases.contains(&found) {
        true if F::accepts_as(None, found) => None,
        true => Some(found),
        false => tag,
    }
}

/// The element inside `tlv`, if it is the only one and has the tag `own`
/// that stood, or was replaced, outside.
pub(crate) fn written_twice<'a>(own: Tag, tlv: &Tlv<'a>) -> Option<Tlv<'a>> {
    let mut reader = tlv.reader();
    let inner = reader.tlv().ok()?;
    (inner.tag == own && reader.is_empty()).then_some(inner)
}

impl<T: Asn1> Tagged for Vec<T> {
    const TAG: Tag = Tag::SEQUENCE;

    fn decode_value(tlv: &Tlv<'_>) -> Result<Self, DecodeError> {
        let mut reader = tlv.reader();
        let mut items = Vec::new();
        while !reader.is_empty() {
            if items.len() == MAX_ITEMS {
                return Err(tlv.error(ErrorKind::TooMany));
            }
            items.push(T::decode_tlv(&reader.tlv()?)?);
        }
        Ok(items)
    }

    fn encode_under(&self, tag: Tag, out: &mut Writer) {
        out.constructed(tag, |out| {
            for item in self {
                item.encode(out);
            }
        });
    }
}

/// A member of a SEQUENCE: a type, or an `Option` of one.
pub trait Field: Sized {
    /// Whether the element may be this member; `tag` is the member's context
    /// tag, if it has one.
    fn accepts_as(tag: Option<Tag>, found: Tag) -> bool;

    /// The member; `tlv` is `None` where it is absent.
    ///
    /// # Errors
    /// If the element is no value of the type, or a mandatory one is absent.
    fn decode_field(
        tag: Option<Tag>,
        tlv: Option<&Tlv<'_>>,
        end: usize,
    ) -> Result<Self, DecodeError>;

    /// Appends the member, if present.
    fn encode_field(&self, tag: Option<Tag>, out: &mut Writer);
}

impl<T: Asn1> Field for T {
    fn accepts_as(tag: Option<Tag>, found: Tag) -> bool {
        tag.map_or_else(|| T::accepts(found), |tag| tag == found)
    }

    fn decode_field(
        tag: Option<Tag>,
        tlv: Option<&Tlv<'_>>,
        end: usize,
    ) -> Result<Self, DecodeError> {
        let tlv = tlv.ok_or_else(|| DecodeError::new(end, ErrorKind::Missing))?;
        match tag {
            Some(tag) => T::decode_tagged(tag, tlv),
            None => T::decode_tlv(tlv),
        }
    }

    fn encode_field(&self, tag: Option<Tag>, out: &mut Writer) {
        match tag {
            Some(tag) => self.encode_tagged(tag, out),
            None => self.encode(out),
        }
    }
}

impl<T: Asn1> Field for Option<T> {
    fn accepts_as(tag: Option<Tag>, found: Tag) -> bool {
        <T as Field>::accepts_as(tag, found)
    }

    fn decode_field(
        tag: Option<Tag>,
        tlv: Option<&Tlv<'_>>,
        end: usize,
    ) -> Result<Self, DecodeError> {
        tlv.map(|tlv| <T as Field>::decode_field(tag, Some(tlv), end))
            .transpose()
    }

    fn encode_field(&self, tag: Option<Tag>, out: &mut Writer) {
        if let Some(value) = self {
            value.encode_field(tag, out);
        }
    }
}

/// An element that this version of a type does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Index of the known member that it stood before.
    pub before: u8,
    /// The element as received.
    pub element: Vec<u8>,
}

/// Unknown elements of a SEQUENCE, in place (the modules say EXTENSIBILITY
/// IMPLIED, and newer peers send more than older ones know).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(pub Vec<Extension>);

impl Extensions {
    /// Appends what stood before the member `index`.
    pub fn write(&self, index: u8, out: &mut Writer) {
        for extension in self.0.iter().filter(|e| e.before == index) {
            out.raw(&extension.element);
        }
    }
}

/// Decodes the members of a SEQUENCE in order.
#[derive(Debug)]
pub struct Sequence<'a> {
    reader: Reader<'a>,
    /// The elements in the order of the members, where they may come in any.
    sorted: Option<alloc::vec::IntoIter<Tlv<'a>>>,
    next: Option<Tlv<'a>>,
    members: &'a [fn(Tag) -> bool],
    index: u8,
    /// Index after the last member that will be written.
    place: u8,
    extensions: Extensions,
}

impl<'a> Sequence<'a> {
    /// Opens the contents of `tlv`; `members` tell for each member in order
    /// whether an element may be it.
    ///
    /// # Errors
    /// If the first element is malformed.
    pub fn open(tlv: &Tlv<'a>, members: &'a [fn(Tag) -> bool]) -> Result<Self, DecodeError> {
        let mut sequence = Sequence {
            reader: tlv.reader(),
            sorted: None,
            next: None,
            members,
            index: 0,
            place: 0,
            extensions: Extensions::default(),
        };
        sequence.advance()?;
        Ok(sequence)
    }

    /// As [`Sequence::open`], of elements that may come in any order.
    ///
    /// # Errors
    /// If an element is malformed, or there are more than anybody sends.
    pub fn open_unordered(
        tlv: &Tlv<'a>,
        members: &'a [fn(Tag) -> bool],
    ) -> Result<Self, DecodeError> {
        let mut reader = tlv.reader();
        let mut elements = Vec::new();
        while !reader.is_empty() {
            if elements.len() == MAX_UNKNOWN {
                return Err(tlv.error(ErrorKind::TooMany));
            }
            elements.push(reader.tlv()?);
        }
        let place = |tlv: &Tlv<'_>| members.iter().position(|accepts| accepts(tlv.tag));
        elements.sort_by_key(|tlv| place(tlv).unwrap_or(members.len()));
        let mut elements = elements.into_iter();
        Ok(Sequence {
            next: elements.next(),
            reader,
            sorted: Some(elements),
            members,
            index: 0,
            place: 0,
            extensions: Extensions::default(),
        })
    }

    /// The next member.
    ///
    /// # Errors
    /// If it is malformed, or mandatory and absent.
    pub fn field<F: Field>(
        &mut self,
        name: &'static str,
        tag: Option<Tag>,
    ) -> Result<F, DecodeError> {
        self.aliased_field(name, tag, &[])
    }

    /// The next member; `aliases` are tags that other peers use for it.
    ///
    /// # Errors
    /// If it is malformed, or mandatory and absent.
    pub fn aliased_field<F: Field>(
        &mut self,
        name: &'static str,
        tag: Option<Tag>,
        aliases: &[Tag],
    ) -> Result<F, DecodeError> {
        self.set_unknown_aside()?;
        self.index += 1;
        let end = self.reader.offset();
        let tag = match self.next {
            Some(next) => alias_or::<F>(tag, aliases, next.tag),
            None => tag,
        };
        let tlv = self.next.filter(|tlv| F::accepts_as(tag, tlv.tag));
        let value = F::decode_field(tag, tlv.as_ref(), self.next.map_or(end, |tlv| tlv.offset))
            .map_err(|error| error.within(name))?;
        if tlv.is_some() {
            self.place = self.index;
            self.advance()?;
        }
        Ok(value)
    }

    /// The next member, which is not written if it is the default.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn default_field<F: Asn1 + PartialEq>(
        &mut self,
        name: &'static str,
        tag: Option<Tag>,
        aliases: &[Tag],
        default: F,
    ) -> Result<F, DecodeError> {
        // As if what says no more than its absence had not been there.
        self.set_unknown_aside()?;
        let place = self.place;
        match self.aliased_field::<Option<F>>(name, tag, aliases)? {
            Some(value) if value != default => Ok(value),
            _ => {
                self.place = place;
                Ok(default)
            }
        }
    }

    /// Ends the SEQUENCE and gives the unknown elements.
    ///
    /// # Errors
    /// If what is left is malformed.
    pub fn finish(mut self) -> Result<Extensions, DecodeError> {
        self.set_unknown_aside()?;
        Ok(self.extensions)
    }

    /// Keeps elements that none of the members to come can be.
    fn set_unknown_aside(&mut self) -> Result<(), DecodeError> {
        let index = usize::from(self.index);
        let ahead = self.members.get(index..).unwrap_or_default();
        // Members that will not be written: in their place, what comes now
        // would be read as one of them.
        let absent = self.members.get(usize::from(self.place)..index);
        let absent = absent.unwrap_or_default();
        while let Some(tlv) = self.next {
            if ahead.iter().any(|accepts| accepts(tlv.tag)) {
                break;
            }
            if absent.iter().any(|accepts| accepts(tlv.tag)) {
                return Err(tlv.error(ErrorKind::Value("a member twice, or out of order")));
            }
            if self.extensions.0.len() == MAX_UNKNOWN {
                return Err(tlv.error(ErrorKind::TooMany));
            }
            self.extensions.0.push(Extension {
                before: self.place,
                element: tlv.raw.to_vec(),
            });
            self.advance()?;
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<(), DecodeError> {
        if let Some(sorted) = &mut self.sorted {
            self.next = sorted.next();
            return Ok(());
        }
        self.next = match self.reader.is_empty() {
            true => None,
            false => Some(self.reader.tlv()?),
        };
        Ok(())
    }
}
