//! The algorithm of test USIMs (TS 34.108 8.1.2): everything is cut from
//! K xor RAND.

use super::{ResLength, Response, high48, high64, sqn_amf};

/// The functions under one key for one RAND. f1* and f5* are f1 and f5
/// (TS 34.108 8.1.2.2).
pub(super) struct Xor {
    xdout: u128,
    res_length: ResLength,
}

impl Xor {
    pub(super) fn new(k: &[u8; 16], rand: &[u8; 16], res_length: ResLength) -> Xor {
        Xor {
            xdout: u128::from_be_bytes(*k) ^ u128::from_be_bytes(*rand),
            res_length,
        }
    }

    pub(super) fn f1(&self, sqn: &[u8; 6], amf: &[u8; 2]) -> [u8; 8] {
        (high64(self.xdout) ^ sqn_amf(sqn, amf)).to_be_bytes()
    }

    pub(super) fn f2(&self) -> Response {
        Response::new(self.xdout.to_be_bytes(), self.res_length)
    }

    pub(super) fn f3(&self) -> [u8; 16] {
        self.xdout.rotate_left(8).to_be_bytes()
    }

    pub(super) fn f4(&self) -> [u8; 16] {
        self.xdout.rotate_left(16).to_be_bytes()
    }

    pub(super) fn f5(&self) -> [u8; 6] {
        high48(self.xdout << 24)
    }
}
