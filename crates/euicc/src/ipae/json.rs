//! JSON of ES9+ (SGP.22 6.5): objects as they are sent, and the texts of an
//! object as it comes, octet by octet. One of them may be longer than the card
//! can keep: it is decoded and handed on while it comes.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rsp_asn1::Asn1;

use super::base64::{self, Decoder};

/// Objects and arrays within each other.
const MAX_DEPTH: usize = 8;

/// Octets of an object without what is handed on.
const MAX_OCTETS: usize = 32 * 1024;

/// What came is no JSON that the card understands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotJson;

/// An object of texts.
pub(super) fn object(members: &[(&str, String)]) -> String {
    let mut out = String::from("{");
    for (at, (name, text)) in members.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        quote(name, &mut out);
        out.push(':');
        quote(text, &mut out);
    }
    out.push('}');
    out
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Nothing that is sent has a use for these.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What stands open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Value,
    /// A value or the end of the array that has just begun.
    FirstValue,
    Name,
    /// A name or the end of the object that has just begun.
    FirstName,
    Colon,
    InName(Escape),
    InText(Escape),
    /// A number, true, false, null.
    InLiteral,
    /// After a value.
    More,
    Nothing,
}

/// How far an escape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Begun,
    /// So many digits of a code, and their value.
    Code(u8, u32),
}

/// The texts of an object.
pub(super) struct Reader {
    expected: Expected,
    open: Vec<Open>,
    /// Names down to where the reader is; an array has none.
    path: Vec<String>,
    text: Vec<u8>,
    texts: Vec<(String, String)>,
    octets: usize,
    /// Name of the text that is handed on, Base64 of octets.
    handed_on: Option<(&'static str, Decoder)>,
}

impl Reader {
    /// A reader that hands on the text with this name.
    pub(super) fn new(handed_on: Option<&'static str>) -> Reader {
        Reader {
            expected: Expected::Value,
            open: Vec::new(),
            path: Vec::new(),
            text: Vec::new(),
            texts: Vec::new(),
            octets: 0,
            handed_on: handed_on.map(|name| (name, Decoder::default())),
        }
    }

    /// Takes octets; what is handed on of them goes to `out`.
    pub(super) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<(), NotJson> {
        for octet in octets {
            self.octet(*octet, out)?;
        }
        Ok(())
    }

    /// Whether the object is whole.
    pub(super) fn is_whole(&self) -> bool {
        self.expected == Expected::Nothing
    }

    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.expected == Expected::Value && self.open.is_empty()
    }

    /// The text under names that are separated by dots.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        let mut texts = self.texts.iter();
        texts.find_map(|(name, text)| (name == path).then_some(text.as_str()))
    }

    /// Octets in Base64.
    pub(super) fn octets(&self, path: &str) -> Option<Vec<u8>> {
        base64::decode(self.text(path)?)
    }

    /// A value in DER, in Base64.
    pub(super) fn der<T: Asn1>(&self, path: &str) -> Option<T> {
        T::from_der(&self.octets(path)?).ok()
    }

    fn octet(&mut self, octet: u8, out: &mut Vec<u8>) -> Result<(), NotJson> {
        match self.expected {
            Expected::InName(escape) => self.in_text(octet, escape, out, true),
            Expected::InText(escape) => self.in_text(octet, escape, out, false),
            Expected::InLiteral
                if !matches!(octet, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n') =>
            {
                self.count()
            }
            Expected::InLiteral => {
                self.expected = Expected::More;
                self.between(octet)
            }
            _ => self.between(octet),
        }
    }

    fn count(&mut self) -> Result<(), NotJson> {
        self.octets += 1;
        match self.octets <= MAX_OCTETS {
            true => Ok(()),
            false => Err(NotJson),
        }
    }

    /// What is neither a text nor a literal.
    fn between(&mut self, octet: u8) -> Result<(), NotJson> {
        use Expected::{Colon, FirstName, FirstValue, InName, InText, More, Name, Value};
        self.count()?;
        self.expected = match (self.expected, octet) {
            (expected, b' ' | b'\t' | b'\r' | b'\n') => expected,
            (Value, b'{') => self.begin(Open::Object)?,
            // A message is an object.
            (Value | FirstValue, _) if self.open.is_empty() => return Err(NotJson),
            (FirstValue, b'{') => self.begin(Open::Object)?,
            (Value | FirstValue, b'[') => self.begin(Open::Array)?,
            (FirstValue, b']') => self.end(Open::Array)?,
            (Value | FirstValue, b'"') => InText(Escape::None),
            (Value | FirstValue, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => Expected::InLiteral,
            (FirstName | Name, b'"') => InName(Escape::None),
            (FirstName, b'}') => self.end(Open::Object)?,
            (Colon, b':') => Value,
            (More, b',') => match self.open.last() {
                Some(Open::Object) => {
                    self.path.pop();
                    Name
                }
                Some(Open::Array) => Value,
                None => return Err(NotJson),
            },
            (More, b'}') => {
                self.path.pop();
                self.end(Open::Object)?
            }
            (More, b']') => self.end(Open::Array)?,
            _ => return Err(NotJson),
        };
        Ok(())
    }

    fn begin(&mut self, what: Open) -> Result<Expected, NotJson> {
        if self.open.len() == MAX_DEPTH {
            return Err(NotJson);
        }
        self.open.push(what);
        Ok(match what {
            Open::Object => Expected::FirstName,
            Open::Array => Expected::FirstValue,
        })
    }

    fn end(&mut self, what: Open) -> Result<Expected, NotJson> {
        match self.open.pop() == Some(what) {
            true if self.open.is_empty() => Ok(Expected::Nothing),
            true => Ok(Expected::More),
            false => Err(NotJson),
        }
    }

    /// An octet of a name or a text.
    fn in_text(
        &mut self,
        octet: u8,
        escape: Escape,
        out: &mut Vec<u8>,
        is_name: bool,
    ) -> Result<(), NotJson> {
        let escape = match (escape, octet) {
            (Escape::None, b'"') => return self.end_of_text(is_name),
            (Escape::None, b'\\') => Escape::Begun,
            (Escape::None, 0..=0x1F) => return Err(NotJson),
            (Escape::None, octet) => self.keep(&[octet], out, is_name)?,
            (Escape::Begun, b'u') => Escape::Code(0, 0),
            (Escape::Begun, octet) => {
                let meant = match octet {
                    b'"' | b'\\' | b'/' => octet,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return Err(NotJson),
                };
                self.keep(&[meant], out, is_name)?
            }
            (Escape::Code(digits, value), octet) => {
                let digit = char::from(octet).to_digit(16).ok_or(NotJson)?;
                let value = value * 16 + digit;
                match digits {
                    3 => {
                        let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                        self.keep(c.encode_utf8(&mut [0; 4]).as_bytes(), out, is_name)?
                    }
                    digits => Escape::Code(digits + 1, value),
                }
            }
        };
        self.expected = match is_name {
            true => Expected::InName(escape),
            false => Expected::InText(escape),
        };
        Ok(())
    }

    fn keep(&mut self, octets: &[u8], out: &mut Vec<u8>, is_name: bool) -> Result<Escape, NotJson> {
        if !is_name
            && let ([only], Some((name, decoder))) = (self.path.as_slice(), &mut self.handed_on)
            && only == name
        {
            decoder.push(octets, out).ok_or(NotJson)?;
            return Ok(Escape::None);
        }
        for octet in octets {
            self.count()?;
            self.text.push(*octet);
        }
        Ok(Escape::None)
    }

    fn end_of_text(&mut self, is_name: bool) -> Result<(), NotJson> {
        let text = String::from_utf8(core::mem::take(&mut self.text)).map_err(|_| NotJson)?;
        if is_name {
            self.path.push(text);
            self.expected = Expected::Colon;
            return Ok(());
        }
        self.expected = Expected::More;
        if self.open.contains(&Open::Array) {
            return Ok(());
        }
        let path = self.path.join(".");
        // Which of two would count?
        if self.text(&path).is_some() {
            return Err(NotJson);
        }
        self.texts.push((path, text.to_string()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;

    fn read(text: &str) -> Result<Reader, NotJson> {
        let mut reader = Reader::new(None);
        reader.push(text.as_bytes(), &mut Vec::new())?;
        Ok(reader)
    }

    #[test]
    fn the_texts_of_an_object() {
        let text = r#" {"a":"x\/\"A\u0041\u00e9","b":{"c":{"d":"y"},"n":-1.5e3},"e":[{"a":"z"},[]],
            "f":null,"g":{},"h":"" } "#;
        let reader = read(text).unwrap();
        assert!(reader.is_whole());
        assert_eq!(reader.text("a"), Some("x/\"AAé"));
        assert_eq!(reader.text("b.c.d"), Some("y"));
        assert_eq!(reader.text("h"), Some(""));
        assert_eq!((reader.text("c"), reader.text("e.a")), (None, None));
        for at in 0..text.trim_end().len() - 1 {
            assert!(
                !read(&text[..at]).is_ok_and(|reader| reader.is_whole()),
                "{at}"
            );
        }
        let sent = object(&[("a", "b\"\\\n".into()), ("c", String::new())]);
        assert_eq!(sent, r#"{"a":"b\"\\ ","c":""}"#);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in [
            "[]",
            "1",
            "\"a\"",
            "{]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1 2}",
            "{,}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"1\",\"a\":\"2\"}",
            "{}{",
            "{\"a\":[}",
            "{\"a\":\"\\u00g0\"}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let deep = "{\"a\":".repeat(MAX_DEPTH + 1);
        assert!(read(&deep).is_err());
        let long = format!("{{\"a\":\"{}\"}}", "b".repeat(MAX_OCTETS));
        assert!(read(&long).is_err());
    }

    /// Wherever it stands, and however long it is.
    #[test]
    fn one_text_is_handed_on() {
        let octets: Vec<u8> = (0..MAX_OCTETS * 2).map(|n| n as u8).collect();
        let encoded = base64::encode(&octets).replace('/', "\\/");
        for text in [
            format!(r#"{{"x":{{"p":"AA=="}},"p":"{encoded}","y":"1"}}"#),
            format!(r#"{{"p" : "{encoded}"}}"#),
        ] {
            let mut reader = Reader::new(Some("p"));
            let mut out = vec![];
            for piece in text.as_bytes().chunks(77) {
                reader.push(piece, &mut out).unwrap();
            }
            assert!(reader.is_whole());
            assert!(out == octets);
        }
        let mut reader = Reader::new(Some("p"));
        assert!(reader.push(br#"{"p":"A*"#, &mut Vec::new()).is_err());
    }
}
