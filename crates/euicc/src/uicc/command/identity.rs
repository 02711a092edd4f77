//! GET IDENTITY (ETSI TS 102 221 11.1, 3GPP TS 31.102 7.5): the USIM conceals
//! its IMSI for the home network.

use alloc::vec::Vec;

use rsp_asn1::ids::{Imsi, Plmn};
use rsp_asn1::{Reader, Tag, Writer};
use rsp_crypto::suci::{self, ProtectionScheme};

use super::super::apdu::{Command, Reply, Sw};
use super::super::card::Uicc;
use super::super::fs::{Body, FileId};
use crate::personalisation::Environment;

/// P2: the identity asked for is the SUCI.
const CONTEXT_SUCI: u8 = 0x01;
/// The data object with the SUCI (TS 31.102 7.5.2.1).
const TAG_SUCI: Tag = Tag::new(0xA1);

/// Services of EF.UST (TS 31.102 4.2.8).
const PRIVACY: usize = 124;
const SUCI_BY_USIM: usize = 125;

const EF_IMSI: u16 = 0x6F07;
const EF_AD: u16 = 0x6FAD;
const DF_5GS: u16 = 0x5FC0;
const EF_ROUTING_INDICATOR: u16 = 0x4F0A;
const DF_SAIP: u16 = 0x5FD0;
const EF_SUCI_CALC_INFO_USIM: u16 = 0x4F01;

/// Objects of EF.SUCI_Calc_Info (TS 31.102 4.4.11.8).
const TAG_SCHEMES: Tag = Tag::new(0xA0);
const TAG_KEYS: Tag = Tag::new(0xA1);
const TAG_KEY_ID: Tag = Tag::new(0x80);
const TAG_KEY: Tag = Tag::new(0x81);

/// Protection scheme identifiers (TS 33.501 C.1).
const NULL_SCHEME: u8 = 0;
const PROFILE_A: u8 = 1;
const PROFILE_B: u8 = 2;

/// What the network gets of an IMSI in the clear, and what it does not.
struct Parts {
    home: Plmn,
    /// MSIN, two digits to an octet, the first one low; 'F' fills.
    msin: Vec<u8>,
}

impl Uicc {
    /// GET IDENTITY in the SUCI context.
    pub(super) fn get_identity(
        &mut self,
        number: u8,
        command: &Command<'_>,
        env: &mut Environment<'_>,
    ) -> Result<Reply, Sw> {
        if (command.p1, command.p2) != (0, CONTEXT_SUCI) {
            return Err(Sw::WRONG_P1_P2);
        }
        let adf = self.fs.application(self.current_dir(number));
        let adf = adf.ok_or(Sw::CONDITIONS)?;
        if !self.has_service(adf, PRIVACY) || !self.has_service(adf, SUCI_BY_USIM) {
            return Err(Sw::CONDITIONS);
        }
        self.require_pin(adf)?;
        let parts = self.parts_of_imsi(adf).ok_or(Sw::CONDITIONS)?;
        let mut object = Writer::new();
        object.primitive(TAG_SUCI, &self.suci(adf, &parts, env)?);
        command.answer(&object.into_bytes())
    }

    /// The 5GS mobile identity (TS 24.501 9.11.3.4, SUPI format IMSI).
    fn suci(&self, adf: FileId, parts: &Parts, env: &mut Environment<'_>) -> Result<Vec<u8>, Sw> {
        let info = self.transparent(adf, &[DF_SAIP, EF_SUCI_CALC_INFO_USIM]);
        let (scheme, id, output) = match info.and_then(preferred) {
            Some((identifier, scheme, id, key)) => {
                let (provider, rng) = (env.provider, &mut *env.rng);
                let output = suci::conceal(provider, scheme, key, &parts.msin, rng);
                (identifier, id, output.map_err(|_| Sw::MEMORY_PROBLEM)?)
            }
            // Without a key of the network the null scheme is all that is left
            // (TS 33.501 6.12.2).
            None => (NULL_SCHEME, 0, parts.msin.clone()),
        };
        let routing = self.transparent(adf, &[DF_5GS, EF_ROUTING_INDICATOR]);
        // Without one it is the digit 0 (TS 23.003 2.2B).
        let routing = match routing {
            Some([0xFF, ..]) | Some([]) | Some([_]) | None => [0xF0, 0xFF],
            Some([first, second, ..]) => [*first, *second],
        };
        let mut suci = alloc::vec![0x01];
        suci.extend(parts.home.as_bytes());
        suci.extend(routing);
        suci.extend([scheme, id]);
        suci.extend(output);
        Ok(suci)
    }

    fn parts_of_imsi(&self, adf: FileId) -> Option<Parts> {
        let imsi = Imsi::from_ef(self.transparent(adf, &[EF_IMSI])?).ok()?;
        let long_mnc = self.transparent(adf, &[EF_AD])?.get(3) == Some(&3);
        let home = if long_mnc { 6 } else { 5 };
        let (home, msin) = imsi.as_str().split_at_checked(home)?;
        let nibble = |digit: Option<&u8>| digit.map_or(15, |digit| digit & 15);
        let pairs = msin.as_bytes().chunks(2);
        Some(Parts {
            home: home.parse().ok()?,
            msin: pairs
                .map(|pair| nibble(pair.get(1)) << 4 | nibble(pair.first()))
                .collect(),
        })
    }

    /// The contents of a transparent EF at this path below a directory.
    fn transparent(&self, from: FileId, path: &[u16]) -> Option<&[u8]> {
        let mut id = from;
        for fid in path {
            id = self.fs.child(id, *fid)?;
        }
        match self.fs.body(id) {
            Some(Body::Transparent { octets }) => Some(octets),
            _ => None,
        }
    }
}

/// The first scheme of the list that the card can compute and has a key for:
/// its identifier, itself, the identifier of the key and the key. `None` if
/// the null scheme comes before, or there is none.
fn preferred(info: &[u8]) -> Option<(u8, ProtectionScheme, u8, &[u8])> {
    let mut info = Reader::new(info);
    let schemes = value(&mut info, TAG_SCHEMES)?;
    let keys = value(&mut info, TAG_KEYS)?;
    let (schemes, _) = schemes.as_chunks::<2>();
    schemes.iter().find_map(|[identifier, place]| {
        let scheme = match *identifier {
            NULL_SCHEME => return Some(None),
            PROFILE_A => ProtectionScheme::ProfileA,
            PROFILE_B => ProtectionScheme::ProfileB,
            _ => return None,
        };
        let (id, key) = nth_key(keys, place.checked_sub(1)?)?;
        Some(Some((*identifier, scheme, id, key)))
    })?
}

/// Identifier and key at a place of the list.
fn nth_key(keys: &[u8], place: u8) -> Option<(u8, &[u8])> {
    let mut keys = Reader::new(keys);
    for _ in 0..place {
        value(&mut keys, TAG_KEY_ID)?;
        value(&mut keys, TAG_KEY)?;
    }
    let id = value(&mut keys, TAG_KEY_ID)?.first()?;
    Some((*id, value(&mut keys, TAG_KEY)?))
}

/// The value of the next object, which must have this tag.
fn value<'a>(objects: &mut Reader<'a>, tag: Tag) -> Option<&'a [u8]> {
    let object = objects.tlv().ok()?;
    (object.tag == tag).then_some(object.value)
}
