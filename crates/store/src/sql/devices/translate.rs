//! A query as a condition of SQL on a device `d`, in the dialect that all engines
//! share. Nothing in it is unknown: each test is true or false.

use fleet::query::{Bound, Check, Comparison, Expr, Field, FieldType, Literal, Pattern, Test};
use rsp_core::Timestamp;

use super::columns::{FIELDS, SEPARATOR, column};
use crate::engine::Column;

/// When one of its eUICCs polled last.
const LAST_CONTACT: &str = "(SELECT max(c.last) FROM device_identity i
    JOIN contact c ON c.tenant = i.tenant AND c.eid = i.value
    WHERE i.tenant = d.tenant AND i.device = d.id AND i.kind = 'eid')";

/// Whether the eIM manages one of its eUICCs. As the others below it is a value, not
/// EXISTS: PostgreSQL may answer that from a table of all devices.
const MANAGED: &str = "coalesce((SELECT max(1) FROM device_identity i
    JOIN euicc e ON e.tenant = i.tenant AND e.eid = i.value
    WHERE i.tenant = d.tenant AND i.device = d.id AND i.kind = 'eid'), 0)";

/// A condition and the values in it.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Column>,
    /// The number of the first value.
    first: usize,
    now: Timestamp,
}

/// The condition of a query, whose values are numbered from `first`.
pub(super) fn condition(query: Option<&Expr>, first: usize, now: Timestamp) -> Condition {
    let mut condition = Condition {
        sql: String::new(),
        values: Vec::new(),
        first,
        now,
    };
    match query {
        Some(query) => condition.sql = condition.of(query),
        None => condition.sql.push_str("1 = 1"),
    }
    condition
}

impl Condition {
    fn of(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::All(all) => self.joined(all, " AND "),
            Expr::Any(any) => self.joined(any, " OR "),
            Expr::Not(inner) => format!("NOT {}", self.of(inner)),
            Expr::Test(test) => {
                let sql = self.test(test);
                match test.negated {
                    true => format!("NOT {sql}"),
                    false => sql,
                }
            }
        }
    }

    fn joined(&mut self, conditions: &[Expr], word: &str) -> String {
        let parts: Vec<_> = conditions.iter().map(|one| self.of(one)).collect();
        format!("({})", parts.join(word))
    }

    /// The place of a value.
    fn value(&mut self, value: Column) -> String {
        self.values.push(value);
        format!("?{}", self.first + self.values.len() - 1)
    }

    fn test(&mut self, test: &Test) -> String {
        match test.field.kind() {
            FieldType::Identity(kind) => {
                let inner = match &test.check {
                    Check::Exists => String::new(),
                    check => format!(" AND {}", self.single(test.field, "i.value", check)),
                };
                let kind = kind.name();
                format!(
                    "(coalesce((SELECT max(1) FROM device_identity i WHERE i.tenant = d.tenant
                     AND i.device = d.id AND i.kind = '{kind}'{inner}), 0) = 1)"
                )
            }
            _ if test.field.has_many() => self.packed(test),
            _ => {
                let value = expression(test.field);
                self.single(test.field, &value, &test.check)
            }
        }
    }

    fn single(&mut self, field: Field, value: &str, check: &Check) -> String {
        match check {
            Check::Exists => format!("({value} IS NOT NULL)"),
            Check::Is(comparison, literal) => {
                let bound = Bound::of(field, *comparison, literal, self.now);
                let place = self.value(column(&bound.value));
                let sign = bound.comparison.sign();
                format!("coalesce({value} {sign} {place}, FALSE)")
            }
            Check::In(literals) => {
                let place = |literal| {
                    let value = self.equal(field, literal);
                    self.value(value)
                };
                let places: Vec<_> = literals.iter().map(place).collect();
                format!("coalesce({value} IN ({}), FALSE)", places.join(", "))
            }
            Check::Like(pattern) => {
                let value = format!("('{SEPARATOR}' || {value} || '{SEPARATOR}')");
                self.has(&value, &needle(pattern))
            }
        }
    }

    fn equal(&self, field: Field, literal: &Literal) -> Column {
        column(&Bound::of(field, Comparison::Equal, literal, self.now).value)
    }

    /// A test of a column with several values.
    fn packed(&mut self, test: &Test) -> String {
        let value = format!("d.{}", test.field.name());
        let whole = |literal: &Literal| {
            needle(&Pattern {
                part: match literal {
                    Literal::Text(text) => text.clone(),
                    other => other.to_string(),
                },
                at_start: true,
                at_end: true,
            })
        };
        match &test.check {
            Check::Exists => format!("({value} IS NOT NULL)"),
            Check::Is(_, literal) => self.has(&value, &whole(literal)),
            Check::In(literals) => {
                let any = literals
                    .iter()
                    .map(|literal| self.has(&value, &whole(literal)));
                let any: Vec<_> = any.collect();
                format!("({})", any.join(" OR "))
            }
            Check::Like(pattern) => self.has(&value, &needle(pattern)),
        }
    }

    /// Whether a text has another one in it: what is replaced is there. Unlike
    /// LIKE, it does the same everywhere.
    fn has(&mut self, value: &str, needle: &str) -> String {
        let place = self.value(Column::Text(needle.to_string()));
        format!("coalesce(replace({value}, {place}, '') <> {value}, FALSE)")
    }
}

/// A pattern as a part of values with separators around them.
fn needle(pattern: &Pattern) -> String {
    let mut needle = String::new();
    needle.extend(pattern.at_start.then_some(SEPARATOR));
    needle.push_str(&pattern.part);
    needle.extend(pattern.at_end.then_some(SEPARATOR));
    needle
}

/// Where the one value of a field stands.
fn expression(field: Field) -> String {
    let name = field.name();
    match field {
        Field::LastContact => LAST_CONTACT.to_string(),
        Field::Managed => MANAGED.to_string(),
        Field::Id | Field::Created => format!("d.{name}"),
        field if FIELDS.contains(&field) => format!("d.{name}"),
        _ => format!(
            "(SELECT l.{name} FROM device_latest l WHERE l.tenant = d.tenant AND l.device = d.id)"
        ),
    }
}
