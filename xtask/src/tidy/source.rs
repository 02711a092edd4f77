//! Just enough reading of Rust source to measure it: where production code
//! ends, where functions begin, and how long they are.

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line of its name, from 1.
    pub(crate) line: usize,
    /// Lines of code between its braces; blank lines and comments are free.
    pub(crate) lines: usize,
}

/// The source up to its test module, which stands last by habit.
pub(crate) fn production(source: &str) -> &str {
    let mut start = 0;
    let mut attribute = None;
    for line in source.split_inclusive('\n') {
        let code = line.trim();
        if line.starts_with("#[cfg(test)]") {
            attribute = Some(start);
        } else if code.starts_with("mod ") && code.ends_with('{') {
            if let Some(end) = attribute {
                return source.get(..end).unwrap_or(source);
            }
        } else if !code.starts_with("#[") {
            attribute = None;
        }
        start += line.len();
    }
    source
}

/// The functions of the production part of a file, in order.
pub(crate) fn functions(source: &str) -> Vec<Function> {
    let code = mask(production(source));
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let (before, rest) = code.split_at(at);
        if before.chars().next_back().is_some_and(is_word) {
            continue;
        }
        let name: String = rest.chars().skip(3).take_while(|c| is_word(*c)).collect();
        if let (false, Some(lines)) = (name.is_empty(), body_lines(rest)) {
            let line = before.matches('\n').count() + 1;
            found.push(Function { name, line, lines });
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Lines of code in the body of the function that `code` starts with; none for
/// a declaration.
fn body_lines(code: &str) -> Option<usize> {
    let open = body_start(code)?;
    let mut depth = 0_usize;
    for (at, c) in code.get(open..)?.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            let body = code.get(open + 1..open + at)?;
            return Some(body.lines().filter(|line| !line.trim().is_empty()).count());
        }
    }
    None
}

/// Where the signature ends: at a brace, unless a semicolon outside of
/// brackets comes first.
fn body_start(code: &str) -> Option<usize> {
    let mut brackets = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '{' if brackets == 0 => return Some(at),
            ';' if brackets == 0 => return None,
            _ => {}
        }
    }
    None
}

/// What the reader is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    LineComment,
    /// Block comments nest.
    BlockComment(usize),
    Text,
    /// Ends at a quote followed by this many `#`.
    RawText(usize),
    Character,
}

/// The source with comments blanked out and the inside of literals replaced,
/// line by line as long as before: its braces are the code's own.
fn mask(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut masked = String::with_capacity(source.len());
    let mut inside = Inside::Code;
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let (next, width) = step(&chars, at, c, inside);
        let blank = match (inside, next) {
            (Inside::LineComment | Inside::BlockComment(_), _)
            | (_, Inside::LineComment | Inside::BlockComment(_)) => Some(' '),
            (Inside::Code, _) => None,
            _ => Some('"'),
        };
        for c in chars.iter().skip(at).take(width) {
            masked.push(if *c == '\n' {
                '\n'
            } else {
                blank.unwrap_or(*c)
            });
        }
        at += width;
        inside = next;
    }
    masked
}

/// From the character at `at`: what comes next, and how many characters that
/// takes.
fn step(chars: &[char], at: usize, c: char, inside: Inside) -> (Inside, usize) {
    let next = chars.get(at + 1).copied();
    match (inside, c, next) {
        (Inside::Code, '/', Some('/')) => (Inside::LineComment, 2),
        (Inside::Code, '/', Some('*')) => (Inside::BlockComment(1), 2),
        (Inside::Code, '"', _) => (text_kind(chars, at), 1),
        (Inside::Code, '\'', _) if is_character(chars, at) => (Inside::Character, 1),
        (Inside::LineComment, '\n', _) => (Inside::Code, 1),
        (Inside::BlockComment(depth), '/', Some('*')) => (Inside::BlockComment(depth + 1), 2),
        (Inside::BlockComment(1), '*', Some('/')) => (Inside::Code, 2),
        (Inside::BlockComment(depth), '*', Some('/')) => (Inside::BlockComment(depth - 1), 2),
        (Inside::Text | Inside::Character, '\\', Some(_)) => (inside, 2),
        (Inside::Text, '"', _) | (Inside::Character, '\'', _) => (Inside::Code, 1),
        (Inside::RawText(hashes), '"', _) if hashes_after(chars, at) >= hashes => {
            (Inside::Code, 1 + hashes)
        }
        _ => (inside, 1),
    }
}

/// Whether the quote at `at` opens `"…"` or `r#"…"#`.
fn text_kind(chars: &[char], at: usize) -> Inside {
    let mut before = chars.iter().take(at).rev();
    let hashes = before.by_ref().take_while(|c| **c == '#').count();
    let mut prefix = chars.iter().take(at - hashes).rev();
    let is_raw = prefix.next() == Some(&'r')
        && !prefix
            .next()
            .is_some_and(|c| is_word(*c) && !matches!(c, 'b' | 'c'));
    if is_raw {
        Inside::RawText(hashes)
    } else {
        Inside::Text
    }
}

fn hashes_after(chars: &[char], at: usize) -> usize {
    chars.iter().skip(at + 1).take_while(|c| **c == '#').count()
}

/// Whether the quote at `at` opens a character and not a lifetime.
fn is_character(chars: &[char], at: usize) -> bool {
    chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(source: &str) -> Vec<(String, usize, usize)> {
        let each = functions(source).into_iter();
        each.map(|f| (f.name, f.line, f.lines)).collect()
    }

    #[test]
    fn a_function_is_measured_between_its_braces() {
        let source = "\
struct A;

impl A {
    pub fn one(&self) -> [u8; 2] {
        // free

        if x {
            y();
        }
    }
    fn declared(&self) -> [u8; 4];
    fn two() {}
}
";
        let expected = [("one".to_owned(), 4, 3), ("two".to_owned(), 12, 0)];
        assert_eq!(measured(source), expected);
    }

    #[test]
    fn braces_in_literals_and_comments_do_not_count() {
        let source = r##"
fn tricky<'a>(s: &'a str) {
    let open = '{'; // }
    let quote = '\''; /* } /* } */ } */
    let text = "}\"}";
    let raw = r#"}"}"#;
    let bytes = br"}\";
    done();
}
fn after() { x(); }
"##;
        let expected = [("tricky".to_owned(), 2, 6), ("after".to_owned(), 10, 1)];
        assert_eq!(measured(source), expected);
    }

    #[test]
    fn words_that_end_in_fn_are_no_functions() {
        assert_eq!(measured("type A = my_fn x {};\ntype B = fn (u8);\n"), []);
    }

    #[test]
    fn production_ends_where_the_test_module_begins() {
        let source = "\
#[cfg(test)]
mod fixtures;

fn real() {}

#[cfg(test)]
#[allow(clippy::x)]
mod tests {
    fn helper() {}
}
";
        assert!(production(source).ends_with("fn real() {}\n\n"));
        assert_eq!(measured(source), [("real".to_owned(), 4, 0)]);
    }
}
