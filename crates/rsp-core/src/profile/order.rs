//! The description of a subscription that people write: keys in hexadecimal,
//! operator constants before or after they are bound to K.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rsp_asn1::ids::{Iccid, Imsi};
use rsp_asn1::saip::{ProfileElement, decode_package};
use rsp_crypto::{Provider, aka};

use super::describe::{as_header, imsi};
use super::hex::Key;
use super::{
    Authentication, Codes, MncLength, NetworkFiles, ProfileError, Subscription, TuakKey,
    TuakLengths, services,
};

/// A subscription as a file has it. [`resolve`](SubscriptionFile::resolve)
/// makes a [`Subscription`] of it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionFile {
    iccid: Iccid,
    imsi: Imsi,
    #[serde(default)]
    mnc_length: Option<MncLength>,
    authentication: AuthenticationText,
    #[serde(default)]
    security_domain_keys: Option<[Key; 3]>,
    #[serde(default)]
    codes: Codes,
    #[serde(default)]
    files: NetworkFiles,
}

/// `[authentication]`.
#[derive(Clone, serde::Deserialize)]
#[serde(
    tag = "algorithm",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
enum AuthenticationText {
    Milenage {
        k: Key,
        opc: Option<Key>,
        op: Option<Key>,
    },
    Tuak {
        k: Key,
        topc: Option<Key>,
        #[serde(default = "once")]
        keccak_iterations: u8,
        #[serde(default)]
        lengths: TuakLengths,
    },
    Test {
        k: Key,
    },
}

const fn once() -> u8 {
    1
}

impl fmt::Debug for AuthenticationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthenticationText::Milenage { .. } => "Milenage([redacted])",
            AuthenticationText::Tuak { .. } => "Tuak([redacted])",
            AuthenticationText::Test { .. } => "Test([redacted])",
        })
    }
}

/// What is wrong with the keys of a file. It shows none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {expected}")]
pub struct InvalidKey {
    /// The field.
    pub field: &'static str,
    /// What belongs there.
    pub expected: &'static str,
}

const fn invalid(field: &'static str, expected: &'static str) -> InvalidKey {
    InvalidKey { field, expected }
}

/// A key of a fixed length.
fn fixed<const N: usize>(
    key: &Key,
    field: &'static str,
    expected: &'static str,
) -> Result<[u8; N], InvalidKey> {
    let octets = key.0.as_slice().try_into();
    octets.map_err(|_| invalid(field, expected))
}

const DIGITS_32: &str = "32 hexadecimal digits";
const DIGITS_64: &str = "64 hexadecimal digits";

impl SubscriptionFile {
    /// The subscription; OP is bound to K (3GPP TS 35.206 4.1).
    ///
    /// # Errors
    /// If a key is missing, or of another length than its algorithm takes, or
    /// the ICCID has no digits.
    pub fn resolve(self, crypto: &dyn Provider) -> Result<Subscription, InvalidKey> {
        if !self.iccid.is_decimal() {
            return Err(invalid("iccid", "18 to 20 decimal digits"));
        }
        let sd_keys = match &self.security_domain_keys {
            None => None,
            Some([enc, mac, dek]) => {
                let key = |key| fixed(key, "security_domain_keys", DIGITS_32);
                Some([key(enc)?, key(mac)?, key(dek)?])
            }
        };
        Ok(Subscription {
            mnc_length: self.mnc_length,
            sd_keys,
            codes: self.codes,
            files: self.files,
            ..Subscription::with(self.iccid, self.imsi, self.authentication.resolve(crypto)?)
        })
    }
}

impl AuthenticationText {
    fn resolve(self, crypto: &dyn Provider) -> Result<Authentication, InvalidKey> {
        Ok(match self {
            AuthenticationText::Milenage { k, opc, op } => {
                let k = fixed(&k, "authentication.k", DIGITS_32)?;
                let opc = match (opc, op) {
                    (Some(opc), None) => fixed(&opc, "authentication.opc", DIGITS_32)?,
                    (None, Some(op)) => {
                        let op = fixed(&op, "authentication.op", DIGITS_32)?;
                        aka::opc(crypto, &k, &op)
                    }
                    _ => return Err(invalid("authentication", "give either opc or op")),
                };
                Authentication::Milenage { k, opc }
            }
            AuthenticationText::Tuak {
                k,
                topc,
                keccak_iterations,
                lengths,
            } => {
                let topc = topc.ok_or(invalid("authentication.topc", DIGITS_64))?;
                if keccak_iterations == 0 {
                    return Err(invalid("authentication.keccak_iterations", "1 to 255"));
                }
                Authentication::Tuak {
                    k: TuakKey::new(&k.0)
                        .ok_or(invalid("authentication.k", "32 or 64 hexadecimal digits"))?,
                    topc: fixed(&topc, "authentication.topc", DIGITS_64)?,
                    keccak_iterations,
                    lengths,
                }
            }
            AuthenticationText::Test { k } => Authentication::Test {
                k: fixed(&k, "authentication.k", DIGITS_32)?,
            },
        })
    }
}

impl Subscription {
    /// The subscription that a package is made for: its identities, algorithm
    /// and keys. It is marked as [`ready`](Subscription::ready).
    ///
    /// # Errors
    /// If the package is malformed, or has no header, no IMSI, or no algorithm
    /// parameters of a known algorithm.
    pub fn of_package(package: &[u8]) -> Result<Self, ProfileError> {
        let elements = decode_package(package)?;
        let header = elements.iter().find_map(as_header);
        let header = header.ok_or(ProfileError::Missing("header"))?;
        let imsi = imsi(&elements)?.ok_or(ProfileError::Missing("usim with an EF.IMSI"))?;
        let authentication = first_usim(&elements).iter().find_map(services::algorithm);
        let authentication = authentication.and_then(Authentication::from_parameter);
        let missing = ProfileError::Missing("akaParameter of Milenage, TUAK or the test algorithm");
        Ok(Subscription {
            ready: true,
            ..Subscription::with(
                Iccid::from_plain(header.iccid),
                imsi,
                authentication.ok_or(missing)?,
            )
        })
    }
}

/// The elements from the first USIM on.
fn first_usim(elements: &[ProfileElement]) -> &[ProfileElement] {
    let usim = |element: &ProfileElement| {
        matches!(element, ProfileElement::Usim(_) | ProfileElement::Iot(_))
    };
    let start = elements.iter().position(usim).unwrap_or(elements.len());
    elements.get(start..).unwrap_or_default()
}

/// A commented example of a file in TOML.
pub const EXAMPLE_SUBSCRIPTION: &str = r#"# One subscription, for `simurgh profile build`. Keys and codes below are examples:
# replace them. Whatever is left out stays as it is in the template.

# 18 to 20 digits.
iccid = "8999970000000000019"
# 6 to 15 digits. MCC 999 is for private networks.
imsi = "999700000000001"
# Digits of the MNC, 2 or 3: EF.AD, and the profile's owner in the metadata.
mnc_length = 2

# Keys of the operator's security domain with the identifiers 1 to 3: for
# encryption, authentication and key encryption, AES-128 in hexadecimal. The
# built-in template has placeholders: give these.
security_domain_keys = [
  "000102030405060708090A0B0C0D0E01",
  "000102030405060708090A0B0C0D0E02",
  "000102030405060708090A0B0C0D0E03",
]

[authentication]
# "milenage", "tuak" or "test". Another algorithm than the template's replaces it.
algorithm = "milenage"
k = "465B5CE8B199B49FAA5F0A2EE238A6BC"
# Either OPc, or OP, from which it is calculated.
opc = "CD63CB71954A9F4E48A5994E37A02BAF"
# op = "CDC202D5123E20F62B6D676AC72CB318"
#
# For TUAK: k of 128 or 256 bits, topc of 256, and what differs from
# keccak_iterations = 1
# lengths = [8, 8, 16, 16]     # octets of MAC, RES, CK, IK

[codes]
# 4 to 8 decimal digits, or 16 hexadecimal ones.
pin1 = "0000"
pin1_enabled = false
pin2 = "1234"
puk1 = "12345678"
puk2 = "87654321"
adm1 = "0102030405060708"

[files]
# EF.SPN: the name that the device shows.
spn = { name = "Simurgh", show_plmn_at_home = false, hide_when_roaming = false }
# EF.SMSP: the short message service centre.
sms_centre = "+4917600000000"
# EF.MSISDN.
msisdn = "+4917612345678"
# EF.ACL: the only access point names that the device may use.
apn = ["iot.example"]
# EF.PLMNwAcT, EF.OPLMNwAcT, EF.HPLMNwAcT: networks with technologies, of utran,
# eutran, nb-iot, wb-eutran, ngran, gsm, gsm-compact, cdma-hrpd, cdma-1xrtt and
# ec-gsm-iot; without any, all of 2G to 5G.
user_plmn = ["262-01:eutran+ngran", "262-02"]
operator_plmn = ["262-01:eutran+ngran"]
home_plmn = ["999-70:ngran+eutran"]
# EF.EHPLMN and EF.FPLMN.
equivalent_home_plmn = ["999-70"]
forbidden_plmn = ["262-03"]

[files.five_g]
# EF.Routing_Indicator: 1 to 4 digits.
routing_indicator = "0"
# Who calculates the SUCI: "device" (DF.5GS) or "usim" (DF.SAIP, GET IDENTITY).
suci_by = "device"
# Whether the SUPI may go in clear if no key fits.
suci_null_scheme = true
# EF.UAC_AIC: access identities 1 (multimedia priority), 2 (mission critical).
# access_identities = [1]
# EF.SUPI_NAI: for a network without IMSI.
# supi_nai = "meter7@example.org"

# Public keys of the home network, the preferred one first: profile-a is X25519
# (32 octets), profile-b is P-256 (33 or 65 octets). This one is the example of
# 3GPP TS 33.501 C.4.3.
[[files.five_g.suci_keys]]
scheme = "profile-a"
id = 27
key = "5A8D38864820197C3394B92613B20B91633CBD897119273BF8E4A6F4EEC0A650"
"#;

/// One subscription a line: what the columns of a table are called.
///
/// The columns `iccid`, `imsi` and `k` are needed, and one of `opc` and `op`;
/// `msisdn`, `pin1`, `puk1`, `pin2`, `puk2`, `adm1` may be there.
pub const TABLE_COLUMNS: [&str; 11] = [
    "iccid", "imsi", "k", "opc", "op", "msisdn", "pin1", "puk1", "pin2", "puk2", "adm1",
];

/// Reads a row of a table on top of a subscription that has what all share.
///
/// # Errors
/// If a column is unknown or its value is wrong; the error names the column.
pub fn table_row(
    shared: Option<&Subscription>,
    columns: &[&str],
    values: &[&str],
    crypto: &dyn Provider,
) -> Result<Subscription, String> {
    let mut row = Row::default();
    for (column, value) in columns.iter().zip(values) {
        if !value.is_empty() {
            row.set(column, value)
                .map_err(|problem| alloc::format!("{column}: {problem}"))?;
        }
    }
    row.finish(shared, crypto)
}

#[derive(Default)]
struct Row {
    iccid: Option<Iccid>,
    imsi: Option<Imsi>,
    k: Option<Key>,
    opc: Option<Key>,
    op: Option<Key>,
    codes: Codes,
    msisdn: Option<super::PhoneNumber>,
}

impl Row {
    fn set(&mut self, column: &str, value: &str) -> Result<(), String> {
        fn parsed<T: core::str::FromStr<Err: fmt::Display>>(
            value: &str,
        ) -> Result<Option<T>, String> {
            let parsed = value.parse().map(Some);
            parsed.map_err(|error: T::Err| alloc::format!("{error}"))
        }
        let key = || {
            Key::try_from(String::from(value))
                .map(Some)
                .map_err(String::from)
        };
        match column {
            "iccid" => self.iccid = parsed(value)?,
            "imsi" => self.imsi = parsed(value)?,
            "k" => self.k = key()?,
            "opc" => self.opc = key()?,
            "op" => self.op = key()?,
            "msisdn" => self.msisdn = parsed(value)?,
            "pin1" => self.codes.pin1 = parsed(value)?,
            "pin2" => self.codes.pin2 = parsed(value)?,
            "puk1" => self.codes.puk1 = parsed(value)?,
            "puk2" => self.codes.puk2 = parsed(value)?,
            "adm1" => self.codes.adm1 = parsed(value)?,
            _ => {
                let known: Vec<&str> = TABLE_COLUMNS.to_vec();
                return Err(alloc::format!(
                    "no such column; known are {}",
                    known.join(", ")
                ));
            }
        }
        Ok(())
    }

    fn finish(
        self,
        shared: Option<&Subscription>,
        crypto: &dyn Provider,
    ) -> Result<Subscription, String> {
        let (Some(iccid), Some(imsi), Some(k)) = (self.iccid, self.imsi, self.k) else {
            return Err("iccid, imsi and k are needed".into());
        };
        let text = AuthenticationText::Milenage {
            k,
            opc: self.opc,
            op: self.op,
        };
        let authentication = text.resolve(crypto);
        let authentication = authentication.map_err(|error| alloc::format!("{error}"))?;
        let own = Subscription::with(iccid, imsi, authentication);
        let mut subscription = match shared {
            None => own,
            Some(shared) => Subscription {
                mnc_length: shared.mnc_length,
                sd_keys: shared.sd_keys,
                codes: shared.codes.clone(),
                files: shared.files.clone(),
                ..own
            },
        };
        let codes = &mut subscription.codes;
        codes.pin1 = self.codes.pin1.or(codes.pin1);
        codes.pin2 = self.codes.pin2.or(codes.pin2);
        codes.puk1 = self.codes.puk1.or(codes.puk1);
        codes.puk2 = self.codes.puk2.or(codes.puk2);
        codes.adm1 = self.codes.adm1.or(codes.adm1);
        if self.msisdn.is_some() {
            subscription.files.msisdn = self.msisdn;
        }
        Ok(subscription)
    }
}
