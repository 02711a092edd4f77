//! What makes a profile one subscription's.

use core::fmt;

use rsp_asn1::ids::{Iccid, Imsi};

/// What makes a profile one subscription's: identities and secrets, which an
/// operator hands over with an order and the authentication centre knows too.
///
/// Its serialised form holds the secrets in clear: whoever stores it encrypts
/// it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Subscription {
    /// ICCID of the profile header and of EF.ICCID.
    pub iccid: Iccid,
    /// IMSI of EF.IMSI; EF.ACC follows from its last digit.
    pub imsi: Imsi,
    /// K, the subscriber key (3GPP TS 33.102).
    pub ki: [u8; 16],
    /// OPc of Milenage (3GPP TS 35.206).
    pub opc: [u8; 16],
    /// AES-128 keys of the MNO-SD with the identifiers 1 to 3 (encryption,
    /// authentication, key encryption). `None` leaves those of the package:
    /// right only where they are the operator's, never with
    /// [`template`](super::template()), whose keys are placeholders.
    #[serde(default)]
    pub sd_keys: Option<[[u8; 16]; 3]>,
    /// ADM1, eight octets as in VERIFY PIN. `None` leaves that of the package.
    #[serde(default)]
    pub adm1: Option<[u8; 8]>,
}

impl Subscription {
    /// A subscription that leaves the keys of the security domain and ADM1 as
    /// they are in the package.
    pub fn new(iccid: Iccid, imsi: Imsi, ki: [u8; 16], opc: [u8; 16]) -> Self {
        Subscription {
            iccid,
            imsi,
            ki,
            opc,
            sd_keys: None,
            adm1: None,
        }
    }

    /// Contents of EF.ACC: the bit of the access class that is the last digit
    /// of the IMSI (3GPP TS 22.011 4.2, TS 31.102 4.2.15).
    pub fn access_class(&self) -> [u8; 2] {
        let last = self.imsi.as_str().bytes().last().unwrap_or(b'0');
        (1u16 << (last.saturating_sub(b'0') % 10)).to_be_bytes()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("iccid", &self.iccid)
            .field("imsi", &self.imsi)
            .field("ki", &format_args!("[redacted]"))
            .field("opc", &format_args!("[redacted]"))
            .field("sd_keys", &self.sd_keys.map(|_| format_args!("[redacted]")))
            .field("adm1", &self.adm1.map(|_| format_args!("[redacted]")))
            .finish()
    }
}
