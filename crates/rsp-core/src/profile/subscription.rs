//! What makes a profile one subscription's.

use core::fmt;

use rsp_asn1::ids::{Iccid, Imsi};

use super::{Authentication, Codes, MncLength, NetworkFiles};

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
    /// Where the MNC ends in the IMSI, for EF.AD and the profile's owner.
    /// `None` leaves EF.AD as the package has it.
    #[serde(default)]
    pub mnc_length: Option<MncLength>,
    /// Algorithm and keys. Another algorithm than the package's replaces it.
    pub authentication: Authentication,
    /// AES-128 keys of the MNO-SD with the identifiers 1 to 3 (encryption,
    /// authentication, key encryption). `None` leaves those of the package:
    /// right only where they are the operator's, never with
    /// [`template`](super::template()), whose keys are placeholders.
    #[serde(default)]
    pub sd_keys: Option<[[u8; 16]; 3]>,
    /// PIN, PUK and ADM. What is `None` there stays as it is in the package.
    #[serde(default)]
    pub codes: Codes,
    /// Contents of files for the network. What is `None` there stays as it is
    /// in the package.
    #[serde(default)]
    pub files: NetworkFiles,
    /// The package is this subscription's already: it is delivered octet by
    /// octet as it is, provided that it has this ICCID and IMSI.
    #[serde(default)]
    pub ready: bool,
}

impl Subscription {
    /// A subscription with Milenage that leaves the keys of the security
    /// domain, codes and network files as they are in the package.
    pub fn new(iccid: Iccid, imsi: Imsi, ki: [u8; 16], opc: [u8; 16]) -> Self {
        Subscription::with(iccid, imsi, Authentication::Milenage { k: ki, opc })
    }

    /// The same with any algorithm.
    pub fn with(iccid: Iccid, imsi: Imsi, authentication: Authentication) -> Self {
        Subscription {
            iccid,
            imsi,
            mnc_length: None,
            authentication,
            sd_keys: None,
            codes: Codes::default(),
            files: NetworkFiles::default(),
            ready: false,
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
            .field("mnc_length", &self.mnc_length)
            .field("authentication", &self.authentication)
            .field("sd_keys", &self.sd_keys.map(|_| format_args!("[redacted]")))
            .field("codes", &self.codes)
            .field("files", &self.files)
            .field("ready", &self.ready)
            .finish()
    }
}
