//! A text in pieces.

use super::error::QueryError;

/// The longest query, in octets.
pub const LONGEST_QUERY: usize = 4096;

/// A piece of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word without quotes: a name, a keyword or a value.
    Word(String),
    /// A text in quotes.
    Quoted(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`
    Sign(&'static str),
    /// There is nothing more.
    End,
}

impl Token {
    /// For messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Token::Word(word) | Token::Quoted(word) => {
                let short: String = word.chars().take(40).collect();
                format!("\"{short}\"")
            }
            Token::Open => "\"(\"".to_string(),
            Token::Close => "\")\"".to_string(),
            Token::Comma => "\",\"".to_string(),
            Token::Sign(sign) => format!("\"{sign}\""),
            Token::End => "the end".to_string(),
        }
    }
}

/// A piece and where it begins, in characters from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) at: usize,
    pub(super) token: Token,
}

/// What a word without quotes is made of.
pub(super) fn in_word(c: char) -> bool {
    c.is_alphanumeric() || "_-.:+/@*".contains(c)
}

/// The pieces of a query, the end included.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, QueryError> {
    if text.len() > LONGEST_QUERY {
        return Err(QueryError::new(
            0,
            "a query of at most 4096 octets",
            format!("{} octets", text.len()),
        ));
    }
    let mut chars = text.chars().enumerate().peekable();
    let mut tokens = Vec::new();
    while let Some((at, c)) = chars.next() {
        let mut followed_by_equals = || chars.next_if(|(_, next)| *next == '=').is_some();
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => {
                // As programmers write it.
                followed_by_equals();
                Token::Sign("=")
            }
            '!' => match followed_by_equals() {
                true => Token::Sign("!="),
                false => return Err(QueryError::new(at, "!=", "\"!\"")),
            },
            '<' if followed_by_equals() => Token::Sign("<="),
            '<' => match chars.next_if(|(_, next)| *next == '>') {
                Some(_) => Token::Sign("!="),
                None => Token::Sign("<"),
            },
            '>' if followed_by_equals() => Token::Sign(">="),
            '>' => Token::Sign(">"),
            '"' | '\'' => Token::Quoted(quoted(&mut chars, at, c)?),
            c if in_word(c) => {
                let mut word = c.to_string();
                while let Some((_, next)) = chars.next_if(|(_, next)| in_word(*next)) {
                    word.push(next);
                }
                Token::Word(word)
            }
            other => {
                let expected =
                    "a field, an operator or a value (texts with other characters in quotes)";
                return Err(QueryError::new(at, expected, format!("{other:?}")));
            }
        };
        tokens.push(Placed { at, token });
    }
    tokens.push(Placed {
        at: text.chars().count(),
        token: Token::End,
    });
    Ok(tokens)
}

/// The rest of a text in quotes; a backslash takes the next character as it is.
fn quoted(
    chars: &mut impl Iterator<Item = (usize, char)>,
    at: usize,
    quote: char,
) -> Result<String, QueryError> {
    let mut text = String::new();
    let open = || QueryError::new(at, format!("a closing {quote}"), "the end");
    loop {
        match chars.next().ok_or_else(open)?.1 {
            c if c == quote => return Ok(text),
            '\\' => text.push(chars.next().ok_or_else(open)?.1),
            c => text.push(c),
        }
    }
}
