//! Templates of the USIM (3GPP TS 31.102 4.2, 4.4).

use super::Fill::{Given, Head, Repeat, Tail};
use super::{Entry, FF, FREE, ZERO, adf, bt, cy, df, lf, tr};

/// EF.UST, larger in later versions of the template.
pub(super) const EF_UST: u16 = 0x6F38;
/// Larger in later versions of the template.
pub(super) const EF_5GS3GPPNSC: u16 = 0x4F03;
/// Larger in later versions of the template.
pub(super) const EF_5GSN3GPPNSC: u16 = 0x4F04;

/// A PLMN entry without PLMN and access technology.
const NO_PLMN: &[u8] = &[0xFF, 0xFF, 0xFF, 0x00, 0x00];

/// "Not updated", behind an LAI or RAI that is deleted.
const NOT_UPDATED: &[u8] = &[0x00, 0x00, 0xFF, 0x01];

pub(super) const USIM: &[Entry] = &[
    adf(),
    tr(0x6F07, 9, 2, 0x07, Given),
    lf(0x6F06, (0, 0), 10, 0x17, Given),
    tr(0x6F08, 33, 5, 0x08, Head(&[0x07])),
    tr(0x6F09, 33, 5, 0x09, Head(&[0x07])),
    tr(0x6F31, 1, 2, 0x12, Head(&[0x0A])),
    tr(EF_UST, 14, 2, 0x04, Given),
    lf(0x6F3B, (20, 26), 8, 0, FF),
    lf(0x6F3C, (10, 176), 5, 0, FREE),
    lf(0x6F42, (1, 38), 5, 0, FF),
    tr(0x6F43, 2, 5, 0, FF),
    tr(0x6F46, 17, 10, 0, Given),
    tr(0x6F56, 1, 8, 0x05, Given),
    tr(
        0x6F5B,
        6,
        5,
        0x0F,
        Head(&[0xF0, 0x00, 0x00, 0xF0, 0x00, 0x00]),
    ),
    tr(0x6F5C, 3, 2, 0x10, FF),
    tr(0x6F73, 14, 5, 0x0C, Tail(NOT_UPDATED)),
    tr(0x6F78, 2, 2, 0x06, Given),
    tr(0x6F7B, 12, 5, 0x0D, FF),
    tr(0x6F7E, 11, 5, 0x0B, Tail(NOT_UPDATED)),
    tr(0x6FAD, 4, 10, 0x03, Head(&[0x00, 0x00, 0x00, 0x02])),
    lf(0x6FB7, (1, 4), 10, 0x01, Given),
    tr(0x6FC4, 128, 5, 0, FF),
    tr(0x6FE3, 18, 5, 0x1E, Tail(&[0x00, 0x00, 0x01])),
    lf(0x6FE4, (1, 80), 5, 0x18, FF),
];

pub(super) const OPT_USIM: &[Entry] = &[
    tr(0x6F05, 6, 1, 0x02, FF),
    tr(0x6F37, 3, 5, 0, ZERO),
    cy(0x6F39, (1, 3), 7, 0, ZERO),
    tr(0x6F3E, 8, 2, 0, FF),
    tr(0x6F3F, 8, 2, 0, FF),
    lf(0x6F40, (1, 24), 2, 0, FF),
    tr(0x6F41, 5, 5, 0, Tail(&[0x00, 0x00])),
    tr(0x6F45, 10, 5, 0, FF),
    tr(0x6F48, 10, 2, 0x0E, FF),
    lf(0x6F49, (10, 24), 2, 0, FF),
    lf(0x6F4B, (10, 13), 8, 0, FREE),
    lf(0x6F4C, (10, 13), 2, 0, FREE),
    tr(0x6F50, 20, 5, 0, FF),
    tr(0x6F60, 40, 5, 0x0A, Repeat(NO_PLMN)),
    tr(0x6F61, 40, 2, 0x11, Repeat(NO_PLMN)),
    tr(0x6F62, 5, 2, 0x13, Repeat(NO_PLMN)),
    tr(0x6F2C, 16, 5, 0, FF),
    tr(0x6F32, 30, 2, 0, FF),
    lf(0x6F47, (10, 30), 5, 0, FREE),
    lf(0x6F4D, (10, 25), 8, 0, FF),
    lf(0x6F4E, (10, 13), 5, 0, FREE),
    lf(0x6F4F, (5, 15), 5, 0x16, FF),
    lf(0x6F55, (10, 13), 8, 0, FREE),
    tr(0x6F57, 101, 8, 0, FREE),
    lf(0x6F58, (10, 11), 2, 0, FF),
    cy(
        0x6F80,
        (20, 38),
        5,
        0x14,
        Tail(&[0x00, 0x00, 0x00, 0x00, 0x01, 0xFF, 0xFF]),
    ),
    cy(
        0x6F81,
        (20, 37),
        5,
        0x15,
        Tail(&[0x00, 0x00, 0x00, 0x01, 0xFF, 0xFF]),
    ),
    cy(0x6F82, (1, 3), 7, 0, ZERO),
    cy(0x6F83, (1, 3), 7, 0, ZERO),
    tr(0x6FB1, 20, 2, 0, FF),
    tr(0x6FB2, 7, 5, 0, FF),
    tr(0x6FB3, 20, 2, 0, FF),
    tr(0x6FB4, 7, 5, 0, FF),
    tr(0x6FB5, 2, 2, 0, FF),
    tr(0x6FB6, 1, 5, 0, ZERO),
    tr(0x6FC3, 4, 5, 0, FF),
    lf(0x6FC5, (10, 16), 10, 0x19, FF),
    lf(0x6FC6, (5, 8), 10, 0x1A, FF),
    lf(0x6FC7, (3, 24), 5, 0, FF),
    lf(0x6FC8, (10, 13), 5, 0, FREE),
    lf(0x6FC9, (10, 5), 5, 0, FF),
    lf(0x6FCA, (10, 6), 5, 0, ZERO),
    lf(0x6FCB, (10, 16), 5, 0, Head(&[0x01, 0x00])),
    lf(0x6FCC, (10, 13), 5, 0, FREE),
    tr(0x6FCD, 17, 2, 0x1B, FF),
    lf(0x6FCE, (10, 6), 5, 0, Head(&[0x00, 0x00, 0x00])),
    lf(0x6FCF, (10, 13), 5, 0, FREE),
    tr(0x6FD0, 100, 2, 0, FF),
    lf(0x6FD1, (0, 0), 5, 0, FF),
    tr(0x6FD2, 100, 5, 0, FF),
    lf(0x6FD3, (5, 11), 2, 0, FF),
    tr(0x6FD4, 0, 2, 0, ZERO),
    tr(0x6FD5, 0, 2, 0, ZERO),
    tr(0x6FD6, 0, 5, 0, FF),
    lf(0x6FD7, (0, 0), 2, 0, FF),
    lf(0x6FD8, (0, 0), 2, 0, FF),
    tr(0x6FD9, 15, 2, 0x1D, FF),
    lf(0x6FDA, (0, 0), 2, 0, FF),
    tr(0x6FDB, 1, 2, 0, ZERO),
    tr(0x6FDC, 1, 2, 0, ZERO),
    lf(0x6FDD, (0, 0), 2, 0, FF),
    tr(0x6FDE, 0, 10, 0, FREE),
    lf(0x6FDF, (0, 0), 10, 0, FREE),
    lf(0x6FE2, (0, 0), 2, 0, FF),
    tr(0x6FE6, 30, 10, 0, Head(&UFC)),
    tr(0x6FE8, 18, 2, 0, FF),
    lf(0x6FE7, (0, 0), 2, 0, FF),
    tr(0x6FEC, 0, 10, 0, FF),
    lf(0x6FED, (0, 0), 8, 0, FF),
    lf(0x6FEE, (0, 0), 8, 0, FF),
    lf(0x6FEF, (0, 0), 2, 0, FF),
    lf(0x6FF0, (0, 0), 3, 0, FF),
    cy(0x6FF1, (0, 4), 10, 0, FF),
    lf(0x6FF2, (0, 0), 3, 0, FF),
    tr(0x6FF3, 0, 2, 0, FF),
    tr(0x6FF4, 0, 2, 0, FF),
    tr(0x6FF5, 0, 2, 0, FF),
    tr(0x6FF6, 0, 2, 0, FF),
    tr(0x6FF7, 1, 2, 0, ZERO),
    bt(0x6FF8, 2),
    tr(0x6FF9, 4, 2, 0, FF),
    lf(0x6FFA, (0, 0), 2, 0, FF),
    bt(0x6FFC, 2),
    tr(0x6FFD, 0, 10, 0, FF),
    bt(0x6FFE, 2),
    tr(0x6F01, 1, 2, 0, ZERO),
];

/// EF.UFC: the USAT facilities that a terminal may use (TS 31.102 4.2.95).
const UFC: [u8; 30] = [
    0x80, 0x1E, 0x60, 0xC0, 0x1E, 0x90, 0x00, 0x80, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0xF0, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80,
];

pub(super) const GSM_ACCESS: &[Entry] = &[
    df(0x5F3B),
    tr(0x4F20, 9, 5, 0x01, Tail(&[0x07])),
    tr(0x4F52, 9, 5, 0x02, Tail(&[0x07])),
    tr(0x4F63, 10, 5, 0, FF),
    tr(0x4F64, 1, 2, 0, ZERO),
];

pub(super) const DF_5GS: &[Entry] = &[
    df(0x5FC0),
    tr(0x4F01, 20, 5, 0x01, Tail(&[0x00, 0x00, 0x00, 0x01])),
    tr(0x4F02, 20, 5, 0x02, Tail(&[0x00, 0x00, 0x00, 0x01])),
    lf(EF_5GS3GPPNSC, (1, 57), 5, 0x03, FF),
    lf(EF_5GSN3GPPNSC, (1, 57), 5, 0x04, FF),
    tr(0x4F05, 110, 5, 0x05, FF),
    tr(0x4F06, 4, 2, 0x06, FF),
    tr(0x4F07, 0, 2, 0x07, FF),
    lf(0x4F08, (0, 10), 10, 0x08, FF),
    tr(0x4F09, 0, 2, 0x09, FF),
    tr(0x4F0A, 4, 2, 0x0A, Head(&[0xF0])),
    bt(0x4F0B, 2),
    tr(0x4F0C, 1, 2, 0x0C, ZERO),
    tr(0x4F0D, 0, 2, 0x0D, FF),
    tr(0x4F0E, 0, 2, 0x0E, FF),
    tr(0x4F0F, 7, 2, 0x0F, FF),
    tr(0x4F10, 2, 2, 0x10, FF),
    tr(0x4F11, 1, 2, 0x11, ZERO),
    tr(0x4F15, 1, 2, 0x15, ZERO),
    tr(0x4F16, 1, 2, 0x16, ZERO),
];

pub(super) const DF_SAIP: &[Entry] = &[df(0x5FD0), tr(0x4F01, 0, 3, 0, FF)];
