//! AES-128-GCM (NIST SP 800-38D) over the provider's AES.

use alloc::vec::Vec;

use rsp_crypto::Provider;

const BLOCK: usize = 16;
pub(super) const TAG: usize = 16;

/// Encrypts, and appends the tag.
pub(super) fn seal(
    provider: &dyn Provider,
    key: &[u8; 16],
    nonce: &[u8; 12],
    associated: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    let mut out = plain.to_vec();
    count(provider, key, nonce, &mut out);
    let tag = tag(provider, key, nonce, associated, &out);
    out.extend(tag);
    out
}

/// The plain text, if the tag is right.
pub(super) fn open(
    provider: &dyn Provider,
    key: &[u8; 16],
    nonce: &[u8; 12],
    associated: &[u8],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let at = sealed.len().checked_sub(TAG)?;
    let (encrypted, got) = sealed.split_at_checked(at)?;
    let expected = tag(provider, key, nonce, associated, encrypted);
    // Without telling by the time where the difference is.
    let difference = expected.iter().zip(got).fold(0, |all, (a, b)| all | a ^ b);
    if difference != 0 {
        return None;
    }
    let mut out = encrypted.to_vec();
    count(provider, key, nonce, &mut out);
    Some(out)
}

/// CTR mode from the second counter on.
fn count(provider: &dyn Provider, key: &[u8; 16], nonce: &[u8; 12], data: &mut [u8]) {
    for (number, chunk) in (2_u32..).zip(data.chunks_mut(BLOCK)) {
        let stream = counter_block(provider, key, nonce, number);
        for (octet, with) in chunk.iter_mut().zip(stream) {
            *octet ^= with;
        }
    }
}

fn counter_block(
    provider: &dyn Provider,
    key: &[u8; 16],
    nonce: &[u8; 12],
    number: u32,
) -> [u8; BLOCK] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *nonce;
    let [w, x, y, z] = number.to_be_bytes();
    let mut block = [a, b, c, d, e, f, g, h, i, j, k, l, w, x, y, z];
    provider.aes128_encrypt_block(key, &mut block);
    block
}

fn tag(
    provider: &dyn Provider,
    key: &[u8; 16],
    nonce: &[u8; 12],
    associated: &[u8],
    encrypted: &[u8],
) -> [u8; TAG] {
    let mut hash_key = [0; BLOCK];
    provider.aes128_encrypt_block(key, &mut hash_key);
    let hash_key = u128::from_be_bytes(hash_key);
    let blocks = associated.chunks(BLOCK).chain(encrypted.chunks(BLOCK));
    let mut hash = blocks.fold(0, |hash, chunk| multiply(hash ^ padded(chunk), hash_key));
    let lengths = (associated.len() as u128) << 67 | (encrypted.len() as u128) << 3;
    hash = multiply(hash ^ lengths, hash_key);
    let mask = u128::from_be_bytes(counter_block(provider, key, nonce, 1));
    (hash ^ mask).to_be_bytes()
}

fn padded(chunk: &[u8]) -> u128 {
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(chunk) {
        *to = *from;
    }
    u128::from_be_bytes(block)
}

/// In GF(2^128), the first bit being that of x^0. Every bit costs the same.
fn multiply(a: u128, b: u128) -> u128 {
    let (mut product, mut shifted) = (0, b);
    for bit in (0..128).rev() {
        product ^= shifted & 0_u128.wrapping_sub(a >> bit & 1);
        let carry = 0_u128.wrapping_sub(shifted & 1);
        shifted = shifted >> 1 ^ carry & 0xE1 << 120;
    }
    product
}

#[cfg(test)]
mod tests {
    use rsp_crypto::software::SoftwareProvider;

    use super::*;

    fn octets(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        let pairs = digits.chunks(2);
        pairs.map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }

    /// The fourth test case of the GCM specification: a key, associated data,
    /// and a text that ends within a block.
    #[test]
    fn a_published_vector() {
        let key = octets("feffe9928665731c6d6a8f9467308308")
            .try_into()
            .unwrap();
        let nonce = octets("cafebabefacedbaddecaf888").try_into().unwrap();
        let associated = octets("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = octets(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
             1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let sealed = seal(&SoftwareProvider, &key, &nonce, &associated, &plain);
        let expected = octets(
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e\
             21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091\
             5bc94fbc3221a5db94fae95ae7121a47",
        );
        assert_eq!(sealed, expected);
        let opened = open(&SoftwareProvider, &key, &nonce, &associated, &sealed);
        assert_eq!(opened.as_deref(), Some(plain.as_slice()));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x20;
            assert_eq!(
                open(&SoftwareProvider, &key, &nonce, &associated, &changed),
                None
            );
        }
    }
}
