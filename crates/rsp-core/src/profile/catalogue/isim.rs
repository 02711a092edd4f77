//! Files of the ISIM (3GPP TS 31.103 4.2).

use super::{FileRow, adf, bt, lf, tr};

pub(super) const ISIM: &[FileRow] = &[
    adf("ADF.ISIM"),
    tr("EF.IMPI", 0x6F02, 0),
    lf("EF.IMPU", 0x6F04, 1, 0),
    tr("EF.DOMAIN", 0x6F03, 0),
    tr("EF.IST", 0x6F07, 14),
    tr("EF.AD", 0x6FAD, 3),
    lf("EF.ARR", 0x6F06, 0, 0),
];

pub(super) const OPT_ISIM: &[FileRow] = &[
    lf("EF.PCSCF", 0x6F09, 1, 0),
    lf("EF.SMS", 0x6F3C, 10, 176),
    lf("EF.SMSP", 0x6F42, 1, 38),
    tr("EF.SMSS", 0x6F43, 2),
    lf("EF.SMSR", 0x6F47, 10, 30),
    tr("EF.GBABP", 0x6FD5, 0),
    lf("EF.GBANL", 0x6FD7, 0, 0),
    lf("EF.NAFKCA", 0x6FDD, 0, 0),
    lf("EF.UICCIARI", 0x6FE7, 0, 0),
    tr("EF.FromPreferred", 0x6FF7, 1),
    bt("EF.IMSConfigData", 0x6FF8),
    bt("EF.XCAPConfigData", 0x6FFC),
    lf("EF.WebRTCURI", 0x6FFA, 0, 0),
    bt("EF.MuDMiDConfigData", 0x6FFE),
];
