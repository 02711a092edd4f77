//! JSON objects, one after the other: on lines of their own, or in an array.

use super::reader::LONGEST_ROW;

/// Takes octets, gives the text of each object.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Within `[` and `]`.
    in_array: bool,
    text: Vec<u8>,
    size: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    line: u64,
    began: u64,
}

/// An object, or why it is none.
pub(super) type ObjectText = (u64, Result<Vec<u8>, &'static str>);

impl Objects {
    /// For lines, or for the members of an array.
    pub(super) fn new(in_array: bool) -> Self {
        Objects {
            in_array,
            ..Objects::default()
        }
    }

    /// The next octet; gives the object that it ends.
    pub(super) fn push(&mut self, octet: u8) -> Option<ObjectText> {
        let line = self.line + 1;
        self.line += u64::from(octet == b'\n');
        if !self.in_array && octet == b'\n' {
            // A line is an object, whole or not.
            return self.end();
        }
        let between = self.depth == 0 && self.text.is_empty();
        let separates = octet.is_ascii_whitespace() || (self.in_array && b"[],".contains(&octet));
        if between && separates {
            return None;
        }
        if between {
            self.began = line;
        }
        self.size += 1;
        if self.size <= LONGEST_ROW {
            self.text.push(octet);
        }
        self.follow(octet);
        let whole = self.depth == 0 && !self.in_string;
        match self.in_array && whole && (octet == b'}' || b",]".contains(&octet)) {
            true => self.end(),
            false => None,
        }
    }

    fn follow(&mut self, octet: u8) {
        if self.in_string {
            match octet {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match octet {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// The end of an object, or of the file.
    pub(super) fn end(&mut self) -> Option<ObjectText> {
        let text = std::mem::take(&mut self.text);
        let size = std::mem::take(&mut self.size);
        (self.depth, self.in_string, self.escaped) = (0, false, false);
        if text.trim_ascii().is_empty() {
            return None;
        }
        let checked = match size > LONGEST_ROW {
            true => Err("it is longer than 65536 octets"),
            false => Ok(text),
        };
        Some((self.began, checked))
    }
}
