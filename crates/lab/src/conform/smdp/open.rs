//! Opening a Bound Profile Package as an eUICC does (SGP.22 2.5.4, 2.6.4,
//! Annex G), written for the suite.

use rsp_asn1::rsp::{BoundProfilePackage, ReplaceSessionKeysRequest};
use rsp_asn1::{Asn1, Tag, Tlv, Writer};
use rsp_crypto::bsp::SessionKeys;
use rsp_crypto::software::SoftwareProvider;
use rsp_crypto::{EckaKey, Provider, PublicKey, SigningKey};

use super::euicc::Euicc;
use crate::conform::case::{Check, ensure, fail, same, some};
use crate::conform::der::verify;

/// The plain messages of a package.
pub(super) struct Opened {
    pub(super) metadata: Vec<u8>,
    pub(super) profile: Vec<u8>,
    /// Whether the elements were protected by keys of the profile.
    pub(super) replaced: bool,
    /// otPK.DP.ECKA.
    pub(super) smdp_otpk: Vec<u8>,
    /// Whether the metadata came in more than one segment.
    pub(super) pieces: usize,
}

/// Keys, counter and chaining value of the receiving side.
struct Opener {
    chaining: [u8; 16],
    enc: [u8; 16],
    mac: [u8; 16],
    counter: u128,
}

impl Opener {
    fn new(chaining: [u8; 16], enc: [u8; 16], mac: [u8; 16]) -> Opener {
        Opener {
            chaining,
            enc,
            mac,
            counter: 1,
        }
    }

    /// Checks the MAC of a segment and gives its data, decrypted if it is.
    fn open(&mut self, segment: &[u8], tag: u32) -> Check<Vec<u8>> {
        let tlv = Tlv::parse(segment)?;
        same("tag of a segment", tlv.tag.get(), tag)?;
        ensure(segment.len() <= 1036, "a segment has at most 1036 octets")?;
        let end = some("a MAC", segment.len().checked_sub(8))?;
        let (data, mac) = some("a MAC", segment.split_at_checked(end))?;
        let full = SoftwareProvider.aes128_cmac(&self.mac, &[&self.chaining, data]);
        ensure(full.starts_with(mac), "the MAC of a segment verifies")?;
        self.chaining = full;
        let mut icv = self.counter.to_be_bytes();
        self.counter += 1;
        let end = some("a MAC", tlv.value.len().checked_sub(8))?;
        let mut value = some("the data", tlv.value.get(..end))?.to_vec();
        if tag == 0x88 {
            return Ok(value);
        }
        SoftwareProvider.aes128_encrypt_block(&self.enc, &mut icv);
        SoftwareProvider.aes128_cbc_decrypt(&self.enc, &icv, &mut value)?;
        while value.last() == Some(&0) {
            value.pop();
        }
        same("the padding of a segment", value.pop(), Some(0x80))?;
        Ok(value)
    }
}

/// Opens a package that was made for this eUICC; `pb` is the key of CERT.DPpb.
pub(super) fn open(package: &BoundProfilePackage, euicc: &Euicc, pb: &PublicKey) -> Check<Opened> {
    let channel = &package.initialise_secure_channel_request;
    let own = SigningKey::public_key(&euicc.one_time);
    let mut message = Writer::new();
    channel
        .remote_op_id
        .encode_tagged(Tag::new(0x82), &mut message);
    channel
        .transaction_id
        .encode_tagged(Tag::new(0x80), &mut message);
    channel
        .control_ref_template
        .encode_tagged(Tag::new(0xA6), &mut message);
    message.primitive(Tag::new(0x5F49), &channel.smdp_otpk);
    message.primitive(Tag::new(0x5F49), own.as_sec1());
    verify("smdpSign", pb, &[&message.into_bytes()], &channel.smdp_sign)?;
    let peer = PublicKey::from_sec1(own.curve(), &channel.smdp_otpk)?;
    let secret = euicc.one_time.agree(&peer)?;
    let host = &channel.control_ref_template.host_id;
    let keys = SessionKeys::derive(&SoftwareProvider, &secret, host, euicc.eid.as_bytes())?;
    let mut opener = Opener::new(*keys.mac_chaining(), *keys.s_enc(), *keys.s_mac());
    for segment in &package.first_sequence_of_87.0 {
        let configure = opener.open(segment, 0x87)?;
        same("ConfigureISDP", Tlv::parse(&configure)?.tag.get(), 0xBF24)?;
    }
    let mut metadata = Vec::new();
    for segment in &package.sequence_of_88.0 {
        metadata.extend(opener.open(segment, 0x88)?);
    }
    let mut replaced = false;
    for segment in package
        .second_sequence_of_87
        .iter()
        .flat_map(|list| &list.0)
    {
        let keys = ReplaceSessionKeysRequest::from_der(&opener.open(segment, 0x87)?)?;
        let chaining = keys.initial_mac_chaining_value;
        opener = Opener::new(chaining, keys.ppk_enc, keys.ppk_cmac);
        replaced = true;
    }
    let mut profile = Vec::new();
    for segment in &package.sequence_of_86.0 {
        profile.extend(opener.open(segment, 0x86)?);
    }
    if profile.is_empty() {
        return fail("the package holds no profile elements");
    }
    Ok(Opened {
        metadata,
        profile,
        replaced,
        smdp_otpk: channel.smdp_otpk.clone(),
        pieces: package.sequence_of_88.0.len(),
    })
}
