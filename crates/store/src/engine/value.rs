//! What goes into a statement and what comes out of a row.

use std::borrow::Cow;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_core::Timestamp;

/// A value in a statement.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// None.
    Null,
    /// A number, a time in milliseconds since 1970, or a truth value as 0 or 1.
    Integer(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// Octets.
    Octets(&'a [u8]),
}

/// A column of a row.
#[derive(Clone, PartialEq, Eq)]
pub enum Column {
    /// None.
    Null,
    /// A number, a time in milliseconds since 1970, or a truth value as 0 or 1.
    Integer(i64),
    /// Text.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
}

/// Values may be secret: only their kind is shown.
impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Value::Null => "Null",
            Value::Integer(_) => "Integer",
            Value::Text(_) => "Text",
            Value::Octets(_) => "Octets",
        })
    }
}

/// As for [`Value`].
impl std::fmt::Debug for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_value().fmt(f)
    }
}

impl Column {
    /// The same as a value for a statement.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Column::Null => Value::Null,
            Column::Integer(integer) => Value::Integer(*integer),
            Column::Text(text) => Value::Text(Cow::Borrowed(text)),
            Column::Octets(octets) => Value::Octets(octets),
        }
    }
}

/// What can be a value in a statement.
pub trait ToValue {
    /// It as a value.
    fn to_value(&self) -> Value<'_>;
}

impl ToValue for Column {
    fn to_value(&self) -> Value<'_> {
        self.as_value()
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(*self)
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

/// A count; more than any database holds is as many as it could.
impl ToValue for usize {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

/// Times that no clock shows are as late as can be.
impl ToValue for Timestamp {
    fn to_value(&self) -> Value<'_> {
        Value::Integer(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> Value<'_> {
        Value::Octets(self)
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value<'_> {
        Value::Octets(self)
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value<'_> {
        Value::Octets(self)
    }
}

impl ToValue for Eid {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.to_string()))
    }
}

impl ToValue for Iccid {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.to_string()))
    }
}

impl ToValue for TransactionId {
    fn to_value(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.to_string()))
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}
