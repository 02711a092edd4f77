//! HTTP/1.1 of ESipa (SGP.32 6.1) and of ES9+ (SGP.22 6.5.1): requests, and
//! responses as they come.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const END_OF_LINE: &[u8] = b"\r\n";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Octets of a head, and of a line between chunks.
const MAX_HEAD: usize = 4096;
const MAX_LINE: usize = 256;

/// What came is no response that the card understands.
#[derive(Debug)]
pub(super) struct NotHttp;

/// A message to a server.
pub(super) enum Message {
    /// To an eIM.
    Esipa(Vec<u8>),
    /// A function of ES9+ and its JSON.
    Es9plus(&'static str, String),
}

/// A request with its head.
pub(super) fn request(host: &str, port: u16, message: &Message) -> Vec<u8> {
    let (path, kind, body) = match message {
        Message::Esipa(body) => ("asn1", "application/x-gsma-rsp-asn1", ("", body.as_slice())),
        Message::Es9plus(function, body) => (
            "es9plus/",
            "application/json;charset=UTF-8",
            (*function, body.as_bytes()),
        ),
    };
    let (function, body) = body;
    let head = format!(
        "POST /gsma/rsp2/{path}{function} HTTP/1.1\r\n\
         Host: {host}:{port}\r\n\
         User-Agent: gsma-rsp-ipae\r\n\
         X-Admin-Protocol: gsma/rsp/v2.1.0\r\n\
         Content-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A response as it comes.
#[derive(Default)]
pub(super) struct Response {
    part: Part,
    /// A head or a line that is not whole.
    line: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Head,
    /// So many octets of the body.
    Body(usize),
    ChunkSize,
    Chunk(usize),
    AfterChunk,
    /// The lines after the last chunk.
    Trailer,
    Whole,
}

impl Response {
    /// Takes octets and gives those of the body; `true` with the last of them.
    pub(super) fn push(&mut self, mut octets: &[u8], body: &mut Vec<u8>) -> Result<bool, NotHttp> {
        loop {
            let left = match self.part {
                // Nobody asked for more.
                Part::Whole if octets.is_empty() => return Ok(true),
                Part::Whole => return Err(NotHttp),
                Part::Body(left) | Part::Chunk(left) => Some(left),
                _ => None,
            };
            octets = match left {
                Some(left) => self.contents(octets, left, body),
                None => match self.line(octets)? {
                    Some(rest) => rest,
                    None => return Ok(false),
                },
            };
            if octets.is_empty() && self.part != Part::Whole {
                return Ok(false);
            }
        }
    }

    /// Octets of the body; gives what comes after them.
    fn contents<'a>(&mut self, octets: &'a [u8], left: usize, body: &mut Vec<u8>) -> &'a [u8] {
        let (now, rest) = octets.split_at_checked(left).unwrap_or((octets, &[]));
        body.extend_from_slice(now);
        let left = left - now.len();
        self.part = match (self.part, left) {
            (Part::Body(_), 0) => Part::Whole,
            (Part::Body(_), left) => Part::Body(left),
            (_, 0) => Part::AfterChunk,
            (_, left) => Part::Chunk(left),
        };
        rest
    }

    /// A head or a line; gives what comes after it, `None` if it is not whole.
    fn line<'a>(&mut self, octets: &'a [u8]) -> Result<Option<&'a [u8]>, NotHttp> {
        let (end, longest) = match self.part {
            Part::Head => (END_OF_HEAD, MAX_HEAD),
            _ => (END_OF_LINE, MAX_LINE),
        };
        for (at, octet) in octets.iter().enumerate() {
            self.line.push(*octet);
            if self.line.ends_with(end) {
                let line = core::mem::take(&mut self.line);
                let text = core::str::from_utf8(&line).map_err(|_| NotHttp)?;
                self.part = after(self.part, text)?;
                return Ok(octets.get(at + 1..));
            }
            if self.line.len() > longest {
                return Err(NotHttp);
            }
        }
        Ok(None)
    }
}

/// What follows a line.
fn after(part: Part, line: &str) -> Result<Part, NotHttp> {
    let line = line.trim_end();
    Ok(match part {
        Part::Head => return after_head(line),
        Part::ChunkSize => {
            let size = line.split(';').next().unwrap_or_default().trim();
            match usize::from_str_radix(size, 16).map_err(|_| NotHttp)? {
                0 => Part::Trailer,
                size => Part::Chunk(size),
            }
        }
        Part::AfterChunk if line.is_empty() => Part::ChunkSize,
        Part::Trailer if line.is_empty() => Part::Whole,
        Part::Trailer => Part::Trailer,
        _ => return Err(NotHttp),
    })
}

fn after_head(head: &str) -> Result<Part, NotHttp> {
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let fields = || lines.clone().filter_map(|line| line.split_once(':'));
    let field = |wanted: &str| {
        let mut found = fields().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let value = found.next().map(|(_, value)| value.trim());
        // Which of two would count?
        match found.next() {
            Some(_) => Err(NotHttp),
            None => Ok(value),
        }
    };
    let (length, coding) = (field("content-length")?, field("transfer-encoding")?);
    match (status, length, coding) {
        (Some("204"), ..) => Ok(Part::Whole),
        (Some("200"), Some(length), None) => match length.parse().map_err(|_| NotHttp)? {
            0 => Ok(Part::Whole),
            length => Ok(Part::Body(length)),
        },
        (Some("200"), None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => {
            Ok(Part::ChunkSize)
        }
        _ => Err(NotHttp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In pieces of this length: the body, if all of it has come.
    fn read(octets: &[u8], piece: usize) -> Result<Option<Vec<u8>>, NotHttp> {
        let (mut response, mut body, mut whole) = (Response::default(), Vec::new(), false);
        for piece in octets.chunks(piece) {
            whole = response.push(piece, &mut body)?;
        }
        Ok(whole.then_some(body))
    }

    #[test]
    fn a_response_is_whole_or_awaited_or_refused() {
        let sized = &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"[..];
        let chunked = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            1;x=y\r\na\r\n00001\r\nb\r\n0\r\nTrailer: 1\r\n\r\n"[..];
        for whole in [sized, chunked] {
            for piece in 1..whole.len() {
                assert_eq!(read(whole, piece).unwrap(), Some(b"ab".to_vec()));
            }
            for at in 1..whole.len() {
                assert_eq!(read(&whole[..at], at).unwrap(), None, "{at}");
            }
            assert!(read(&[whole, b"c"].concat(), 3).is_err());
        }
        let none = read(b"HTTP/1.1 204 No Content\r\n\r\n", 5).unwrap();
        assert_eq!(none, Some(Vec::new()));
        let longest = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", usize::MAX);
        assert_eq!(read(longest.as_bytes(), 100).unwrap(), None);
    }

    #[test]
    fn what_is_no_response() {
        let long_head = "a".repeat(MAX_HEAD + 1);
        let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let long_line = format!("{chunk}{}", "0".repeat(MAX_LINE + 1));
        let too_large = format!("{chunk}11111111111111111\r\n");
        for octets in [
            &long_head,
            &long_line,
            &too_large,
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(read(octets.as_bytes(), 7).is_err(), "{octets}");
        }
    }
}
