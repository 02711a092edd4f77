//! Writing DER.

use alloc::vec::Vec;

use crate::Tag;

/// Collects DER elements.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Appends a primitive element.
    pub fn primitive(&mut self, tag: Tag, value: &[u8]) {
        self.header(tag, value.len());
        self.out.extend_from_slice(value);
    }

    /// Appends an element whose contents `contents` writes.
    pub fn constructed(&mut self, tag: Tag, contents: impl FnOnce(&mut Writer)) {
        self.out.extend(tag.octets());
        let start = self.out.len();
        contents(self);
        let mut length = Vec::with_capacity(5);
        push_length(&mut length, self.out.len() - start);
        self.out.splice(start..start, length);
    }

    /// Appends bytes that are elements already.
    pub fn raw(&mut self, elements: &[u8]) {
        self.out.extend_from_slice(elements);
    }

    /// Appends tag and length of an element whose contents follow.
    pub fn header(&mut self, tag: Tag, length: usize) {
        self.out.extend(tag.octets());
        push_length(&mut self.out, length);
    }
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let skip = (length.leading_zeros() / 8) as usize;
            let count = bytes.len() - skip;
            // At most eight octets, so the cast keeps the value.
            out.push(0x80 | count as u8);
            out.extend(bytes.into_iter().skip(skip));
        }
    }
}
