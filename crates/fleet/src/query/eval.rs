//! Whether a query finds a device.

use std::time::Duration;

use rsp_core::Timestamp;

use super::ast::{Check, Comparison, Expr, Literal, Pattern, Query, Test};
use super::field::{Field, FieldType};
use super::record::{Record, Value};

impl Query {
    /// Whether it finds this device, at this time.
    pub fn finds(&self, record: &Record, now: Timestamp) -> bool {
        self.condition()
            .is_none_or(|condition| condition.holds(record, now))
    }
}

impl Expr {
    /// Whether it holds for a device.
    pub fn holds(&self, record: &Record, now: Timestamp) -> bool {
        match self {
            Expr::All(all) => all.iter().all(|one| one.holds(record, now)),
            Expr::Any(any) => any.iter().any(|one| one.holds(record, now)),
            Expr::Not(inner) => !inner.holds(record, now),
            Expr::Test(test) => test.holds(record, now),
        }
    }
}

impl Test {
    fn holds(&self, record: &Record, now: Timestamp) -> bool {
        let values = record.values(self.field);
        let fits = match &self.check {
            Check::Is(comparison, literal) => {
                let bound = Bound::of(self.field, *comparison, literal, now);
                values.iter().any(|value| bound.fits(value))
            }
            Check::In(literals) => values.iter().any(|value| {
                let bound = |literal| Bound::of(self.field, Comparison::Equal, literal, now);
                literals.iter().any(|literal| bound(literal).fits(value))
            }),
            Check::Like(pattern) => values.iter().any(|value| match value {
                Value::Text(text) => pattern.fits(text),
                _ => false,
            }),
            Check::Exists => !values.is_empty(),
        };
        fits != self.negated
    }
}

impl Pattern {
    /// Whether a text is like it.
    pub fn fits(&self, text: &str) -> bool {
        match (self.at_start, self.at_end) {
            (true, true) => text == self.part,
            (true, false) => text.starts_with(&self.part),
            (false, true) => text.ends_with(&self.part),
            (false, false) => text.contains(&self.part),
        }
    }
}

/// What a stored value is compared with: an age has become a point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub value: Value,
}

impl Bound {
    /// What the values of a field are compared with at this time. A span is an
    /// age where the field holds points in time: what is older than two days was
    /// before the day before yesterday.
    pub fn of(field: Field, comparison: Comparison, literal: &Literal, now: Timestamp) -> Self {
        let value = match literal {
            Literal::Text(text) => Value::Text(text.clone()),
            Literal::Number(number) => Value::Number(*number),
            Literal::Time(time) => Value::Time(*time),
            Literal::Truth(truth) => Value::Truth(*truth),
            Literal::Span(seconds) if field.kind() == FieldType::Time => {
                return Bound {
                    comparison: comparison.reversed(),
                    value: Value::Time(now.before(Duration::from_secs(*seconds))),
                };
            }
            Literal::Span(seconds) => Value::Number(i64::try_from(*seconds).unwrap_or(i64::MAX)),
        };
        Bound { comparison, value }
    }

    fn fits(&self, value: &Value) -> bool {
        match (value, &self.value) {
            (Value::Text(one), Value::Text(other)) => self.comparison.holds(one, other),
            (Value::Number(one), Value::Number(other)) => self.comparison.holds(one, other),
            (Value::Time(one), Value::Time(other)) => self.comparison.holds(one, other),
            (Value::Truth(one), Value::Truth(other)) => self.comparison.holds(one, other),
            _ => false,
        }
    }
}
