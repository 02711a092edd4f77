//! An eUICC Package as received (SGP.32 2.11.1.1). Its items are decoded one
//! by one when their turn comes: a damaged one ends the processing there.

use alloc::string::String;
use alloc::vec::Vec;

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::sgp32::EimId;
use rsp_asn1::{Any, Asn1, DecodeError, ErrorKind, Sequence, Tag, Tlv};
use rsp_crypto::Signature;

use crate::es10::SIGNATURE;
use crate::state::PackageId;

const PACKAGE: Tag = Tag::new(0xBF51);
const EIM_ID: Tag = Tag::new(0x80);
const COUNTER_VALUE: Tag = Tag::new(0x81);
const EIM_TRANSACTION_ID: Tag = Tag::new(0x82);
const PSMO_LIST: Tag = Tag::new(0xA0);
const ECO_LIST: Tag = Tag::new(0xA1);

/// Longest eIM identifier echoed, in characters.
const MAX_EIM_ID: usize = 128;

/// The items of a package: concatenated elements.
pub(crate) enum Items {
    Psmo(Vec<u8>),
    Eco(Vec<u8>),
}

/// A well-formed package; nothing of it is verified yet.
pub(crate) struct Received {
    /// euiccPackageSigned, tag and length included.
    pub(crate) signed: Vec<u8>,
    pub(crate) signature: Signature,
    pub(crate) eim_id: EimId,
    pub(crate) eid: Eid,
    pub(crate) counter: i64,
    pub(crate) transaction_id: Option<TransactionId>,
    pub(crate) items: Items,
}

impl Received {
    /// What a result names it by.
    pub(crate) fn id(&self) -> PackageId {
        PackageId {
            eim_id: self.eim_id.clone(),
            counter: self.counter,
            transaction_id: self.transaction_id.clone(),
        }
    }

    /// `None` if the command is no package.
    pub(crate) fn read(command: &[u8]) -> Option<Received> {
        Self::decode(command).ok()
    }

    fn decode(command: &[u8]) -> Result<Received, DecodeError> {
        let package = Tlv::parse(command)?;
        expect(&package, PACKAGE)?;
        let mut reader = package.reader();
        let signed = reader.tlv()?;
        expect(&signed, Tag::SEQUENCE)?;
        let signature = reader.tlv()?;
        expect(&signature, SIGNATURE)?;
        let members: &[fn(Tag) -> bool] = &[
            |tag| tag == EIM_ID,
            Eid::accepts,
            |tag| tag == COUNTER_VALUE,
            |tag| tag == EIM_TRANSACTION_ID,
            |tag| tag == PSMO_LIST || tag == ECO_LIST,
        ];
        let lists = [PSMO_LIST, ECO_LIST].map(|tag| has(&signed, tag));
        if lists == [Ok(true), Ok(true)] {
            return Err(signed.error(ErrorKind::Value("PSMOs or eCOs, not both")));
        }
        let mut sequence = Sequence::open(&signed, members)?;
        Ok(Received {
            signed: signed.raw.to_vec(),
            signature: Signature::from_slice(signature.value)
                .map_err(|_| signature.error(ErrorKind::Value("r and s have 64 octets")))?,
            eim_id: sequence.field("eim_id", Some(EIM_ID))?,
            eid: sequence.field("eid_value", None)?,
            counter: sequence.field("counter_value", Some(COUNTER_VALUE))?,
            transaction_id: sequence.field("eim_transaction_id", Some(EIM_TRANSACTION_ID))?,
            items: items(&sequence.field::<Any>("euicc_package", None)?)?,
        })
    }
}

fn has(sequence: &Tlv<'_>, tag: Tag) -> Result<bool, DecodeError> {
    let mut reader = sequence.reader();
    while !reader.is_empty() {
        if reader.tlv()?.tag == tag {
            return Ok(true);
        }
    }
    Ok(false)
}

fn expect(tlv: &Tlv<'_>, expected: Tag) -> Result<(), DecodeError> {
    match tlv.tag == expected {
        true => Ok(()),
        false => Err(tlv.error(ErrorKind::UnknownAlternative(tlv.tag))),
    }
}

fn items(list: &Any) -> Result<Items, DecodeError> {
    let list = Tlv::parse(list.as_bytes())?;
    match list.tag {
        PSMO_LIST => Ok(Items::Psmo(list.value.to_vec())),
        ECO_LIST => Ok(Items::Eco(list.value.to_vec())),
        other => Err(list.error(ErrorKind::UnknownAlternative(other))),
    }
}

/// eIM and transaction as far as they can be read, for an unsigned error.
pub(crate) fn identity(command: &[u8]) -> (String, Option<TransactionId>) {
    let mut found = (String::new(), None);
    let signed = Tlv::parse(command).and_then(|package| package.reader().tlv());
    let Ok(signed) = signed else {
        return found;
    };
    let mut reader = signed.reader();
    while let Ok(member) = reader.tlv() {
        match member.tag {
            EIM_ID => {
                let id = core::str::from_utf8(member.value).unwrap_or_default();
                found.0 = id.chars().take(MAX_EIM_ID).collect();
            }
            EIM_TRANSACTION_ID => found.1 = TransactionId::from_bytes(member.value).ok(),
            _ => {}
        }
    }
    found
}
