//! HTTP/1.1 of ESipa with ASN.1 (SGP.32 6.1).

use alloc::format;
use alloc::vec::Vec;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Octets of a head.
const MAX_HEAD: usize = 4096;

/// What came is no response that the card understands.
pub(super) struct NotHttp;

/// A message to an eIM.
pub(super) fn request(host: &str, port: u16, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /gsma/rsp2/asn1 HTTP/1.1\r\n\
         Host: {host}:{port}\r\n\
         User-Agent: gsma-rsp-ipae\r\n\
         X-Admin-Protocol: gsma/rsp/v2.1.0\r\n\
         Content-Type: application/x-gsma-rsp-asn1\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The body of a response and the length of all of it; `None` if it has not
/// all come.
pub(super) fn response(octets: &[u8]) -> Result<Option<(Vec<u8>, usize)>, NotHttp> {
    let Some(end) = octets
        .windows(END_OF_HEAD.len())
        .position(|w| w == END_OF_HEAD)
    else {
        return match octets.len() > MAX_HEAD {
            true => Err(NotHttp),
            false => Ok(None),
        };
    };
    let (head, rest) = octets.split_at_checked(end).ok_or(NotHttp)?;
    let head = core::str::from_utf8(head).map_err(|_| NotHttp)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let length = match status {
        Some("200") => lines.find_map(content_length).ok_or(NotHttp)?,
        Some("204") => 0,
        _ => return Err(NotHttp),
    };
    let body = rest.get(END_OF_HEAD.len()..).unwrap_or_default();
    let whole = (end + END_OF_HEAD.len())
        .checked_add(length)
        .ok_or(NotHttp)?;
    Ok(body.get(..length).map(|body| (body.to_vec(), whole)))
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    let is_length = name.eq_ignore_ascii_case("content-length");
    value.trim().parse().ok().filter(|_| is_length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_whole_or_awaited_or_refused() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc";
        let read = response(whole).ok().flatten();
        assert_eq!(read, Some((b"ab".to_vec(), whole.len() - 1)));
        for at in 0..whole.len() - 1 {
            let part = whole.get(..at).unwrap_or_default();
            assert!(matches!(response(part), Ok(None)), "{at}");
        }
        let longest = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", usize::MAX);
        assert!(response(longest.as_bytes()).is_err());
        let long_head = alloc::vec![b'a'; MAX_HEAD + 1];
        assert!(response(&long_head).is_err());
        for head in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 500 No\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(response(head.as_bytes()).is_err(), "{head}");
        }
    }
}
