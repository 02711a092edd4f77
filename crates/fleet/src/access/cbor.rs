//! CBOR (RFC 8949) as authenticators write it: definite lengths, few levels.

/// Levels of arrays and maps.
const DEEPEST: u8 = 8;

/// Items in all arrays and maps together.
const MOST: usize = 256;

/// A data item. Floats, tags and what is longer than 64 bits are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cbor {
    Integer(i64),
    Octets(Vec<u8>),
    Text(String),
    Array(Vec<Cbor>),
    Map(Vec<(Cbor, Cbor)>),
    /// `false`, `true`, `null`, `undefined` by their numbers.
    Simple(u8),
}

impl Cbor {
    /// Reads one item; gives what is behind it, too.
    pub(super) fn read(octets: &[u8]) -> Option<(Cbor, &[u8])> {
        let mut reader = Reader { octets, left: MOST };
        let item = reader.item(DEEPEST)?;
        Some((item, reader.octets))
    }

    /// The value of a key in a map.
    pub(super) fn get(&self, key: &Cbor) -> Option<&Cbor> {
        let Cbor::Map(entries) = self else {
            return None;
        };
        let mut found = entries.iter().filter(|(name, _)| name == key);
        let (_, value) = found.next()?;
        // A key that is there twice says nothing.
        found.next().is_none().then_some(value)
    }

    pub(super) fn text(&self, key: &str) -> Option<&Cbor> {
        self.get(&Cbor::Text(key.to_string()))
    }

    pub(super) fn octets(&self) -> Option<&[u8]> {
        match self {
            Cbor::Octets(octets) => Some(octets),
            _ => None,
        }
    }
}

struct Reader<'a> {
    octets: &'a [u8],
    left: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (taken, rest) = self.octets.split_at_checked(count)?;
        self.octets = rest;
        Some(taken)
    }

    /// Major type and argument.
    fn head(&mut self) -> Option<(u8, u64)> {
        let first = *self.take(1)?.first()?;
        let argument = match first & 31 {
            small @ 0..=23 => u64::from(small),
            long @ 24..=27 => {
                let octets = self.take(1 << (long - 24))?;
                octets
                    .iter()
                    .fold(0, |sum, octet| sum << 8 | u64::from(*octet))
            }
            _ => return None,
        };
        Some((first >> 5, argument))
    }

    fn item(&mut self, levels: u8) -> Option<Cbor> {
        self.left = self.left.checked_sub(1)?;
        let (major, argument) = self.head()?;
        let length = usize::try_from(argument).ok();
        Some(match major {
            0 => Cbor::Integer(i64::try_from(argument).ok()?),
            1 => Cbor::Integer(-1 - i64::try_from(argument).ok()?),
            2 => Cbor::Octets(self.take(length?)?.to_vec()),
            3 => {
                let text = self.take(length?)?.to_vec();
                Cbor::Text(String::from_utf8(text).ok()?)
            }
            4 => {
                let below = levels.checked_sub(1)?;
                let count = length.filter(|count| *count <= self.left)?;
                let items = (0..count).map(|_| self.item(below));
                Cbor::Array(items.collect::<Option<_>>()?)
            }
            5 => {
                let below = levels.checked_sub(1)?;
                let count = length.filter(|count| *count <= self.left)?;
                let entries = (0..count).map(|_| Some((self.item(below)?, self.item(below)?)));
                Cbor::Map(entries.collect::<Option<_>>()?)
            }
            7 => Cbor::Simple(u8::try_from(argument).ok().filter(|kind| *kind < 24)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::Dice;

    fn read(octets: &[u8]) -> Option<Cbor> {
        let (item, rest) = Cbor::read(octets)?;
        rest.is_empty().then_some(item)
    }

    /// RFC 8949, appendix A.
    #[test]
    fn items_are_read() {
        assert_eq!(read(&[0x18, 0x64]), Some(Cbor::Integer(100)));
        assert_eq!(read(&[0x39, 0x03, 0xE7]), Some(Cbor::Integer(-1000)));
        assert_eq!(
            read(&[0x44, 1, 2, 3, 4]).unwrap().octets(),
            Some(&[1, 2, 3, 4][..])
        );
        assert_eq!(read(&[0x61, 0xC3]), None);
        assert_eq!(read(&[0x61, 0x61]), Some(Cbor::Text("a".to_string())));
        let map = read(&[0xA2, 0x61, 0x61, 1, 0x61, 0x62, 0x82, 2, 3]).unwrap();
        assert_eq!(map.text("a"), Some(&Cbor::Integer(1)));
        let two = vec![Cbor::Integer(2), Cbor::Integer(3)];
        assert_eq!(map.text("b"), Some(&Cbor::Array(two)));
        assert_eq!(read(&[0xF5]), Some(Cbor::Simple(21)));
        let twice = read(&[0xA2, 0x61, 0x61, 1, 0x61, 0x61, 2]).unwrap();
        assert_eq!(twice.text("a"), None);
    }

    #[test]
    fn what_is_too_deep_too_long_or_cut_is_refused() {
        assert_eq!(read(&[0x81; 9]), None);
        let mut deep = vec![0x81; 8];
        deep.push(0);
        assert!(read(&deep).is_some());
        deep.insert(0, 0x81);
        assert_eq!(read(&deep), None);
        assert_eq!(
            read(&[0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            None
        );
        assert_eq!(read(&[0x9A, 0x00, 0x00, 0x10, 0x00]), None);
        assert_eq!(read(&[0x45, 1, 2]), None);
        assert_eq!(read(&[0x5F, 0xFF]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn random_octets_do_no_harm() {
        let mut dice = Dice::new(3);
        for _ in 0..20_000 {
            let length = dice.below(40);
            let octets: Vec<u8> = (0..length)
                .map(|_| u8::try_from(dice.below(256)).unwrap())
                .collect();
            let _ = Cbor::read(&octets);
        }
    }
}
