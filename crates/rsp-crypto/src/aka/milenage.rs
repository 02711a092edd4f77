//! Milenage (TS 35.206 4.1), over blocks as big-endian numbers of 128 bits.

use zeroize::Zeroize;

use super::{ResLength, Response, high48, high64, sqn_amf};
use crate::Provider;

/// r1 to r5 of TS 35.206 4.1, in bits.
pub const DEFAULT_ROTATION: [u8; 5] = [64, 0, 32, 64, 96];

/// c1 to c5 of TS 35.206 4.1.
pub const DEFAULT_XORING: [[u8; 16]; 5] = [
    0_u128.to_be_bytes(),
    1_u128.to_be_bytes(),
    2_u128.to_be_bytes(),
    4_u128.to_be_bytes(),
    8_u128.to_be_bytes(),
];

const RES_LENGTH: ResLength = ResLength(8);

/// OPc of a subscription from its key and the operator's constant OP
/// (TS 35.206 4.1). Secret as both of them.
pub fn opc(provider: &dyn Provider, k: &[u8; 16], op: &[u8; 16]) -> [u8; 16] {
    let op = u128::from_be_bytes(*op);
    (op ^ encrypt(provider, k, op)).to_be_bytes()
}

/// The functions under one key for one RAND.
pub(super) struct Milenage<'a> {
    provider: &'a dyn Provider,
    k: [u8; 16],
    opc: u128,
    rotation: &'a [u8; 5],
    xoring: &'a [[u8; 16]; 5],
    temp: u128,
}

impl<'a> Milenage<'a> {
    pub(super) fn new(
        provider: &'a dyn Provider,
        k: &[u8; 16],
        opc: &[u8; 16],
        rotation: &'a [u8; 5],
        xoring: &'a [[u8; 16]; 5],
        rand: &[u8; 16],
    ) -> Milenage<'a> {
        let opc = u128::from_be_bytes(*opc);
        let temp = encrypt(provider, k, u128::from_be_bytes(*rand) ^ opc);
        Milenage {
            provider,
            k: *k,
            opc,
            rotation,
            xoring,
            temp,
        }
    }

    pub(super) fn f1(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> [u8; 8] {
        high64(self.out1(sqn, amf)).to_be_bytes()
    }

    pub(super) fn f1_star(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> [u8; 8] {
        high64(self.out1(sqn, amf) << 64).to_be_bytes()
    }

    pub(super) fn f2(&self) -> Response {
        Response::new((self.out2() << 64).to_be_bytes(), RES_LENGTH)
    }

    pub(super) fn f3(&self) -> [u8; 16] {
        let ([_, _, r, _, _], [_, _, c, _, _]) = (self.rotation, self.xoring);
        self.out(*r, c).to_be_bytes()
    }

    pub(super) fn f4(&self) -> [u8; 16] {
        let ([_, _, _, r, _], [_, _, _, c, _]) = (self.rotation, self.xoring);
        self.out(*r, c).to_be_bytes()
    }

    pub(super) fn f5(&self) -> [u8; 6] {
        high48(self.out2())
    }

    pub(super) fn f5_star(&self) -> [u8; 6] {
        let ([_, _, _, _, r], [_, _, _, _, c]) = (self.rotation, self.xoring);
        high48(self.out(*r, c))
    }

    /// OUT1, which alone takes SQN and AMF, twice in a row.
    fn out1(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> u128 {
        let half = u128::from(sqn_amf(sqn, amf));
        let input = half << 64 | half;
        let ([r, ..], [c, ..]) = (self.rotation, self.xoring);
        let rotated = (input ^ self.opc).rotate_left(u32::from(*r));
        self.encrypt(self.temp ^ rotated ^ u128::from_be_bytes(*c)) ^ self.opc
    }

    fn out2(&self) -> u128 {
        let ([_, r, ..], [_, c, ..]) = (self.rotation, self.xoring);
        self.out(*r, c)
    }

    /// OUT2 to OUT5.
    fn out(&self, r: u8, c: &[u8; 16]) -> u128 {
        let rotated = (self.temp ^ self.opc).rotate_left(u32::from(r));
        self.encrypt(rotated ^ u128::from_be_bytes(*c)) ^ self.opc
    }

    fn encrypt(&self, block: u128) -> u128 {
        encrypt(self.provider, &self.k, block)
    }
}

impl Drop for Milenage<'_> {
    fn drop(&mut self) {
        self.k.zeroize();
        self.opc.zeroize();
        self.temp.zeroize();
    }
}

fn encrypt(provider: &dyn Provider, k: &[u8; 16], block: u128) -> u128 {
    let mut bytes = block.to_be_bytes();
    provider.aes128_encrypt_block(k, &mut bytes);
    u128::from_be_bytes(bytes)
}
