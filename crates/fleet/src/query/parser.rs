//! From a text to a query.
//!
//! ```text
//! query      = [ any ]
//! any        = all { "or" all }
//! all        = not { "and" not }
//! not        = { "not" } ( "(" any ")" | test )
//! test       = field ( sign value
//!                    | [ "not" ] "in" "(" value { "," value } ")"
//!                    | [ "not" ] ( "like" | "contains" ) text
//!                    | [ "not" ] "exists" )
//! sign       = "=" | "!=" | "<" | "<=" | ">" | ">="
//! ```

use std::str::FromStr;

use super::ast::{Check, Comparison, Expr, Query, Test};
use super::error::QueryError;
use super::field::{Field, FieldType};
use super::hint::nearest;
use super::lexer::{Placed, Token, tokens};
use super::literal;

/// How deep conditions may lie in each other.
pub const DEEPEST: usize = 32;
/// How many tests and values a query may have.
pub const MOST_VALUES: usize = 500;

const KEYWORDS: [&str; 7] = ["and", "or", "not", "in", "like", "contains", "exists"];

/// Words that are no values without quotes.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(word))
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            depth: 0,
            values: 0,
        };
        if parser.token() == &Token::End {
            return Ok(Query(None));
        }
        let condition = parser.any()?;
        match parser.token() {
            Token::End => Ok(Query(Some(condition))),
            Token::Close => Err(parser.expected("the end: no bracket is open here", &[])),
            _ => Err(parser.expected("and, or, or the end", &["and", "or"])),
        }
    }
}

pub(super) struct Parser<'a> {
    tokens: &'a [Placed],
    depth: usize,
    values: usize,
}

impl Parser<'_> {
    pub(super) fn token(&self) -> &Token {
        self.tokens
            .first()
            .map_or(&Token::End, |first| &first.token)
    }

    pub(super) fn at(&self) -> usize {
        self.tokens.first().map_or(0, |first| first.at)
    }

    fn advance(&mut self) {
        if let Some((_, rest)) = self.tokens.split_first() {
            self.tokens = rest;
        }
    }

    pub(super) fn expected(&self, what: &str, choices: &[&'static str]) -> QueryError {
        let meant = match self.token() {
            Token::Word(word) => nearest(word, choices.iter().copied()),
            _ => None,
        };
        QueryError {
            meant,
            choices: choices.to_vec(),
            ..QueryError::new(self.at(), what, self.token().shown())
        }
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let is_it = match self.token() {
            Token::Word(word) => word.eq_ignore_ascii_case(keyword),
            _ => false,
        };
        if is_it {
            self.advance();
        }
        is_it
    }

    fn any(&mut self) -> Result<Expr, QueryError> {
        let first = self.all()?;
        let mut any = vec![first.clone()];
        while self.takes("or") {
            any.push(self.all()?);
        }
        Ok(Expr::any(any).unwrap_or(first))
    }

    fn all(&mut self) -> Result<Expr, QueryError> {
        let first = self.not()?;
        let mut all = vec![first.clone()];
        while self.takes("and") {
            all.push(self.not()?);
        }
        Ok(Expr::all(all).unwrap_or(first))
    }

    fn not(&mut self) -> Result<Expr, QueryError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.expected("at most 32 conditions in each other", &[]));
        }
        let condition = if self.takes("not") {
            Expr::Not(Box::new(self.not()?))
        } else if self.token() == &Token::Open {
            self.advance();
            let inner = self.any()?;
            if self.token() != &Token::Close {
                return Err(self.expected("and, or, or a closing bracket", &["and", "or"]));
            }
            self.advance();
            inner
        } else {
            Expr::Test(self.test()?)
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn count(&mut self) -> Result<(), QueryError> {
        self.values += 1;
        match self.values > MOST_VALUES {
            true => Err(self.expected("at most 500 tests and values", &[])),
            false => Ok(()),
        }
    }

    fn test(&mut self) -> Result<Test, QueryError> {
        self.count()?;
        let field = match self.token() {
            Token::Word(word) => Field::named(word),
            _ => None,
        };
        let Some(field) = field else {
            let mut names: Vec<_> = Field::ALL.iter().map(|field| field.name()).collect();
            names.push("not");
            return Err(self.expected("a field", &names));
        };
        self.advance();
        let test = |negated, check| Test {
            field,
            negated,
            check,
        };
        if let Token::Sign(sign) = *self.token() {
            let (comparison, negated) = self.comparison(field, sign)?;
            self.advance();
            let value = self.value(field)?;
            literal::may_compare(self, field, comparison, &value)?;
            self.advance();
            return Ok(test(negated, Check::Is(comparison, value)));
        }
        let negated = self.takes("not");
        if self.takes("in") {
            Ok(test(negated, Check::In(self.list(field)?)))
        } else if self.takes("exists") {
            Ok(test(negated, Check::Exists))
        } else if self.takes("like") {
            let pattern = literal::pattern(self, field, false)?;
            self.advance();
            Ok(test(negated, Check::Like(pattern)))
        } else if self.takes("contains") {
            let pattern = literal::pattern(self, field, true)?;
            self.advance();
            Ok(test(negated, Check::Like(pattern)))
        } else {
            Err(self.operator(field, negated))
        }
    }

    fn operator(&self, field: Field, negated: bool) -> QueryError {
        let is_text = matches!(field.kind(), FieldType::Text | FieldType::Identity(_));
        let mut choices = vec!["in", "exists"];
        if is_text {
            choices.extend(["like", "contains"]);
        }
        if !negated {
            choices.extend(["=", "!=", "not"]);
            if is_ordered(field) {
                choices.extend(["<", "<=", ">", ">="]);
            }
        }
        self.expected(&format!("one of {}", choices.join(" ")), &choices)
    }

    fn comparison(&self, field: Field, sign: &str) -> Result<(Comparison, bool), QueryError> {
        let (comparison, negated) = match sign {
            "<" => (Comparison::Less, false),
            "<=" => (Comparison::AtMost, false),
            ">" => (Comparison::Greater, false),
            ">=" => (Comparison::AtLeast, false),
            "!=" => (Comparison::Equal, true),
            _ => (Comparison::Equal, false),
        };
        if comparison != Comparison::Equal && !is_ordered(field) {
            let name = field.name();
            let what = format!("=, !=, in or exists: {name} is neither number nor time");
            return Err(self.expected(&what, &[]));
        }
        Ok((comparison, negated))
    }

    /// The value at the current token, which is not passed.
    fn value(&mut self, field: Field) -> Result<super::ast::Literal, QueryError> {
        literal::value(self, field)
    }

    fn list(&mut self, field: Field) -> Result<Vec<super::ast::Literal>, QueryError> {
        if self.token() != &Token::Open {
            return Err(self.expected("a list in brackets: (a, b)", &[]));
        }
        self.advance();
        let mut values = Vec::new();
        loop {
            self.count()?;
            let value = self.value(field)?;
            literal::may_compare(self, field, Comparison::Equal, &value)?;
            values.push(value);
            self.advance();
            match self.token() {
                Token::Comma => self.advance(),
                Token::Close => {
                    self.advance();
                    return Ok(values);
                }
                _ => return Err(self.expected("a comma or a closing bracket", &[])),
            }
        }
    }
}

fn is_ordered(field: Field) -> bool {
    matches!(
        field.kind(),
        FieldType::Number | FieldType::Span | FieldType::Time
    )
}
