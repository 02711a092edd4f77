//! Templates of the ISIM (3GPP TS 31.103 4.2).

use super::Fill::Given;
use super::{Entry, FF, FREE, ZERO, adf, bt, lf, tr};

pub(super) const ISIM: &[Entry] = &[
    adf(),
    tr(0x6F02, 0, 2, 0x02, Given),
    lf(0x6F04, (1, 0), 2, 0x04, Given),
    tr(0x6F03, 0, 2, 0x05, Given),
    tr(0x6F07, 14, 2, 0x07, Given),
    tr(0x6FAD, 3, 10, 0x03, ZERO),
    lf(0x6F06, (0, 0), 10, 0x06, Given),
];

pub(super) const OPT_ISIM: &[Entry] = &[
    lf(0x6F09, (1, 0), 2, 0, FF),
    lf(0x6F3C, (10, 176), 5, 0, FREE),
    lf(0x6F42, (1, 38), 5, 0, FF),
    tr(0x6F43, 2, 5, 0, FF),
    lf(0x6F47, (10, 30), 5, 0, FREE),
    tr(0x6FD5, 0, 5, 0, FF),
    lf(0x6FD7, (0, 0), 2, 0, FF),
    lf(0x6FDD, (0, 0), 2, 0, FF),
    lf(0x6FE7, (0, 0), 2, 0, FF),
    tr(0x6FF7, 1, 2, 0, ZERO),
    bt(0x6FF8, 2),
    bt(0x6FFC, 2),
    lf(0x6FFA, (0, 0), 2, 0, FF),
    bt(0x6FFE, 2),
];
