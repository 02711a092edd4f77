//! Templates of the card itself: MF, DF CD, DF TELECOM, phonebooks, EAP.

use super::Fill::{self, Given};
use super::{Entry, FF, FREE, ZERO, bt, df, lf, tr};

pub(super) const MF: &[Entry] = &[
    df(0x3F00),
    tr(0x2F05, 2, 1, 0x05, FF),
    tr(0x2FE2, 10, 11, 0, Given),
    lf(0x2F00, (0, 0), 10, 0x1E, Given),
    lf(0x2F06, (0, 0), 10, 0x06, Given),
    tr(
        0x2F08,
        5,
        10,
        0x08,
        Fill::Head(&[0x3C, 0x3C, 0x00, 0x00, 0x00]),
    ),
];

pub(super) const CD: &[Entry] = &[df(0x7F11), tr(0x6F01, 0, 2, 0, FF), tr(0x6F40, 0, 2, 0, FF)];

/// A phonebook has the same files below DF TELECOM and in a USIM.
macro_rules! with_phonebook {
    ([$($before:expr,)*] [$($after:expr,)*]) => {
        &[
            $($before,)*
            df(0x5F3A),
            lf(0x4F30, (0, 0), 2, 0, FF),
            lf(0x4F38, (0, 13), 5, 0, FREE),
            lf(0x4F40, (0, 0), 5, 0, FF),
            lf(0x4F48, (0, 0), 5, 0, FF),
            tr(0x4F22, 4, 5, 0, ZERO),
            tr(0x4F23, 2, 5, 0, ZERO),
            tr(0x4F24, 2, 5, 0, ZERO),
            lf(0x4F50, (0, 0), 5, 0, FF),
            lf(0x4F58, (0, 0), 5, 0, FF),
            lf(0x4F60, (0, 2), 5, 0, ZERO),
            lf(0x4F68, (0, 0), 5, 0, FF),
            lf(0x4F70, (0, 0), 5, 0, FF),
            lf(0x4F78, (0, 0), 5, 0, FF),
            lf(0x4F80, (0, 0), 5, 0, FF),
            lf(0x4F88, (0, 2), 5, 0, ZERO),
            lf(0x4F90, (0, 0), 5, 0, ZERO),
            lf(0x4F98, (0, 0), 5, 0, FF),
            $($after,)*
        ]
    };
}

pub(super) const PHONEBOOK: &[Entry] = with_phonebook!([] []);

pub(super) const TELECOM: &[Entry] = with_phonebook!(
    [
        df(0x7F10),
        lf(0x6F06, (0, 0), 10, 0, FF),
        lf(0x6F53, (0, 0), 3, 0, FF),
        tr(0x6F54, 22, 3, 0, FF),
        lf(0x6FE0, (50, 24), 9, 0, FF),
        lf(0x6FE1, (0, 0), 9, 0, FF),
        lf(0x6FE5, (0, 0), 5, 0, FF),
        df(0x5F50),
        lf(0x4F20, (0, 0), 2, 0, FREE),
        tr(0x4F40, 0, 2, 0, FF),
        bt(0x4F21, 9),
        tr(0x4F01, 0, 10, 0, FF),
        tr(0x4F80, 0, 10, 0, FF),
    ]
    [
        df(0x5F3B),
        bt(0x4F47, 5),
        bt(0x4F48, 5),
        df(0x5F3C),
        tr(0x4F20, 0, 2, 0x01, FF),
        tr(0x4F21, 0, 2, 0x02, FF),
        tr(0x4F22, 1, 2, 0x03, FF),
        df(0x5F3D),
        tr(0x4F01, 0, 2, 0x01, FF),
        bt(0x4F02, 2),
        df(0x5F3E),
        tr(0x4F01, 0, 2, 0x01, FF),
        bt(0x4F02, 2),
        tr(0x4F03, 0, 2, 0, FF),
        tr(0x4F04, 0, 2, 0, FF),
    ]
);

pub(super) const EAP: &[Entry] = &[
    df(0),
    tr(0x4F01, 0, 2, 0, FF),
    tr(0x4F02, 1, 2, 0, ZERO),
    tr(0x4F03, 0, 2, 0, FF),
    tr(0x4F04, 0, 5, 0, FF),
    tr(0x4F20, 0, 5, 0, FF),
    tr(0x4F21, 0, 5, 0, FF),
    tr(0x4F22, 0, 5, 0, FF),
];
