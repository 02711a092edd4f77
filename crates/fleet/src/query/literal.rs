//! Values of a query, read as what their field holds.

use rsp_core::Timestamp;

use super::ast::{Comparison, Literal, Pattern, seconds};
use super::error::QueryError;
use super::field::{Field, FieldType};
use super::hint::nearest;
use super::lexer::Token;
use super::parser::{Parser, is_keyword};
use crate::decimal::{self, THOUSANDTHS};
use crate::inventory::{Country, LONGEST};

/// The text at the parser's place, if it may be a value there.
fn text_at<'p>(parser: &'p Parser<'_>) -> Option<&'p str> {
    match parser.token() {
        Token::Quoted(text) => Some(text),
        Token::Word(word) if !is_keyword(word) => Some(word),
        _ => None,
    }
}

/// A value for a field at the parser's place.
pub(super) fn value(parser: &Parser<'_>, field: Field) -> Result<Literal, QueryError> {
    let kind = field.kind();
    let wanted = || wrong(parser, field);
    let text = text_at(parser).ok_or_else(wanted)?;
    let literal = match kind {
        FieldType::Text => plain(text).map(Literal::Text),
        FieldType::Identity(_) => digits(text).map(Literal::Text),
        FieldType::Name(names) => {
            let mut names = names.iter();
            let name = names.find(|name| name.eq_ignore_ascii_case(text));
            name.map(|name| Literal::Text(name.to_string()))
        }
        FieldType::Country => {
            let country = text.parse::<Country>().ok();
            country.map(|country| Literal::Text(country.code().to_string()))
        }
        FieldType::Number => decimal::read(text, THOUSANDTHS).map(Literal::Number),
        FieldType::Span => seconds(text).map(Literal::Span),
        FieldType::Time => seconds(text)
            .map(Literal::Span)
            .or_else(|| Timestamp::from_rfc3339(text).map(Literal::Time)),
        FieldType::Truth => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(Literal::Truth(true)),
            "false" | "no" => Some(Literal::Truth(false)),
            _ => None,
        },
    };
    literal.ok_or_else(wanted)
}

fn wrong(parser: &Parser<'_>, field: Field) -> QueryError {
    let names: &[&'static str] = match field.kind() {
        FieldType::Name(names) => names,
        FieldType::Truth => &["true", "false"],
        _ => &[],
    };
    let wanted = match names {
        [] => field.kind().wanted().to_string(),
        names => names.join(", "),
    };
    let mut error = parser.expected(&format!("for {}: {wanted}", field.name()), names);
    if let (None, Some(text)) = (error.meant, text_at(parser)) {
        error.meant = nearest(text, names.iter().copied());
    }
    error
}

/// A text that a device could have.
fn plain(text: &str) -> Option<String> {
    let fits = (1..=LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_string())
}

/// Digits without what people put between them.
fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !"- ".contains(*c)).collect();
    let fits =
        (1..=32).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    fits.then_some(digits)
}

/// An age is a time that passes: it is longer or shorter, never the same.
pub(super) fn may_compare(
    parser: &Parser<'_>,
    field: Field,
    comparison: Comparison,
    value: &Literal,
) -> Result<(), QueryError> {
    let is_age = field.kind() == FieldType::Time && matches!(value, Literal::Span(_));
    match is_age && comparison == Comparison::Equal {
        true => Err(parser.expected("a date: an age is compared by <, <=, > or >=", &[])),
        false => Ok(()),
    }
}

/// What `like` or `contains` look for.
pub(super) fn pattern(
    parser: &Parser<'_>,
    field: Field,
    contains: bool,
) -> Result<Pattern, QueryError> {
    let kind = field.kind();
    if !matches!(kind, FieldType::Text | FieldType::Identity(_)) {
        let what = format!("=, != or in: {} is no text", field.name());
        return Err(parser.expected(&what, &[]));
    }
    let wanted = || parser.expected("a part of a text, with * before or behind it", &[]);
    let text = text_at(parser).ok_or_else(wanted)?;
    let (part, at_start, at_end) = match contains {
        true => (text, false, false),
        false => {
            let (part, at_start) = match text.strip_prefix('*') {
                Some(part) => (part, false),
                None => (text, true),
            };
            match part.strip_suffix('*') {
                Some(part) => (part, at_start, false),
                None => (part, at_start, true),
            }
        }
    };
    let part = match kind {
        FieldType::Identity(_) => digits(part),
        _ => plain(part).filter(|part| !part.contains('*')),
    };
    Ok(Pattern {
        part: part.ok_or_else(wanted)?,
        at_start,
        at_end,
    })
}
