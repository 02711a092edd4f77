//! A query, read: every name known, every value of the right kind.

use std::fmt;

use rsp_core::Timestamp;

use super::field::Field;
use crate::decimal::{self, THOUSANDTHS};

/// A query; the empty one finds everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(pub(super) Option<Expr>);

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// All of them, at least two.
    All(Vec<Expr>),
    /// Any of them, at least two.
    Any(Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// A test of one field.
    Test(Test),
}

/// A test of one field. A field of which a device has no value fits no test, and
/// so every negated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The field.
    pub field: Field,
    /// Whether it is to fail: `!=`, `not in`, `not like`, `not contains`,
    /// `not exists`.
    pub negated: bool,
    /// The test.
    pub check: Check,
}

/// What is asked of a field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It compares so.
    Is(Comparison, Literal),
    /// It is one of these.
    In(Vec<Literal>),
    /// It begins, ends or goes on as this.
    Like(Pattern),
    /// There is one.
    Exists,
}

/// How values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Its sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        }
    }

    /// Whether two values compare so.
    pub fn holds<T: Ord>(self, one: &T, other: &T) -> bool {
        match self {
            Comparison::Equal => one == other,
            Comparison::Less => one < other,
            Comparison::AtMost => one <= other,
            Comparison::Greater => one > other,
            Comparison::AtLeast => one >= other,
        }
    }

    /// The same seen from the other end: what is older has an earlier time.
    pub(super) const fn reversed(self) -> Self {
        match self {
            Comparison::Equal => Comparison::Equal,
            Comparison::Less => Comparison::Greater,
            Comparison::AtMost => Comparison::AtLeast,
            Comparison::Greater => Comparison::Less,
            Comparison::AtLeast => Comparison::AtMost,
        }
    }
}

/// A value in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// A text, a name, digits, a country.
    Text(String),
    /// A number, in thousandths.
    Number(i64),
    /// A span of time or an age, in seconds.
    Span(u64),
    /// A point in time.
    Time(Timestamp),
    /// A truth value.
    Truth(bool),
}

/// Which part of a text must be there. Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The part, not empty.
    pub part: String,
    /// Whether the text begins with it.
    pub at_start: bool,
    /// Whether the text ends with it.
    pub at_end: bool,
}

impl Expr {
    /// All of these; those of which each is `All` are one.
    pub fn all(conditions: Vec<Expr>) -> Option<Expr> {
        let mut flat = Vec::new();
        for condition in conditions {
            match condition {
                Expr::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 | 1 => flat.pop(),
            _ => Some(Expr::All(flat)),
        }
    }

    /// Any of these, as [`Expr::all`].
    pub fn any(conditions: Vec<Expr>) -> Option<Expr> {
        let mut flat = Vec::new();
        for condition in conditions {
            match condition {
                Expr::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 | 1 => flat.pop(),
            _ => Some(Expr::Any(flat)),
        }
    }
}

impl Query {
    /// Its condition; `None` finds everything.
    pub fn condition(&self) -> Option<&Expr> {
        self.0.as_ref()
    }

    /// The query with this condition.
    pub fn of(condition: Option<Expr>) -> Self {
        Query(condition)
    }

    /// Finds what both find: such as a search within those whom somebody may see.
    #[must_use]
    pub fn and(self, other: Query) -> Self {
        Query(Expr::all(self.0.into_iter().chain(other.0).collect()))
    }
}

impl fmt::Display for Query {
    /// As it can be read again; one text for each query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(condition) => condition.fmt(f),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::All(all) => joined(f, all, " and ", |inner| matches!(inner, Expr::Any(_))),
            Expr::Any(any) => joined(f, any, " or ", |_| false),
            Expr::Not(inner) => match **inner {
                Expr::All(_) | Expr::Any(_) => write!(f, "not ({inner})"),
                _ => write!(f, "not {inner}"),
            },
            Expr::Test(test) => test.fmt(f),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    conditions: &[Expr],
    word: &str,
    in_brackets: impl Fn(&Expr) -> bool,
) -> fmt::Result {
    for (at, condition) in conditions.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        match in_brackets(condition) {
            true => write!(f, "({condition})")?,
            false => write!(f, "{condition}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.field.name();
        let not = if self.negated { "not " } else { "" };
        match &self.check {
            Check::Is(Comparison::Equal, value) if self.negated => write!(f, "{name} != {value}"),
            // No text gives this; it means the same.
            Check::Is(comparison, value) if self.negated => {
                write!(f, "not {name} {} {value}", comparison.sign())
            }
            Check::Is(comparison, value) => write!(f, "{name} {} {value}", comparison.sign()),
            Check::In(values) => {
                write!(f, "{name} {not}in (")?;
                for (at, value) in values.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str(")")
            }
            Check::Like(pattern) => write!(f, "{name} {not}like {pattern}"),
            Check::Exists => write!(f, "{name} {not}exists"),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = if self.at_start { "" } else { "*" };
        let behind = if self.at_end { "" } else { "*" };
        write_text(f, &format!("{before}{}{behind}", self.part))
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => write_text(f, text),
            Literal::Number(number) => f.write_str(&decimal::written(*number, THOUSANDTHS)),
            Literal::Span(seconds) => f.write_str(&of_seconds(*seconds)),
            Literal::Time(time) => f.write_str(&time.to_rfc3339()),
            Literal::Truth(truth) => truth.fmt(f),
        }
    }
}

/// Without quotes where it can be.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let plain = !text.is_empty() && text.chars().all(super::lexer::in_word);
    if plain && !super::parser::is_keyword(text) {
        return f.write_str(text);
    }
    f.write_str("\"")?;
    for c in text.chars() {
        if c == '"' || c == '\\' {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

/// Units of spans, from the longest, in seconds.
pub(super) const UNITS: [(char, u64); 5] = [
    ('w', 604_800),
    ('d', 86_400),
    ('h', 3_600),
    ('m', 60),
    ('s', 1),
];

/// A span in the longest unit in which it is whole.
pub fn of_seconds(seconds: u64) -> String {
    let whole = |(_, unit): &&(char, u64)| seconds >= *unit && seconds.is_multiple_of(*unit);
    match UNITS.iter().find(whole) {
        Some((name, unit)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// A span: a whole number and a unit, `90s`, `15m`, `12h`, `2d`, `3w`; a hundred
/// years at most.
pub fn seconds(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let unit = unit.to_ascii_lowercase();
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let seconds = digits.parse::<u64>().ok()?.checked_mul(*unit)?;
    (seconds <= 36_525 * 86_400).then_some(seconds)
}
