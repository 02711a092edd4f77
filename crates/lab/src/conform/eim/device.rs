//! A device: an eUICC that signs what a case wants signed.

use rsp_asn1::ids::{Eid, TransactionId};
use rsp_asn1::rsp::EuiccInfo1;
use rsp_asn1::sgp32::{
    EimConfigurationData, EimPublicKeyData, EuiccPackageRequest, IpaCapabilities,
    IpaEuiccDataRequest,
};
use rsp_asn1::{Asn1, BitString, Certificate, Signed, SubjectPublicKeyInfo, Tag, Tlv, Writer};
use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareKey;

use crate::conform::case::{Check, some};
use crate::conform::der::tlv;

/// A device that the eIM knows.
#[derive(Clone)]
pub(super) struct Device {
    pub(super) eid: Eid,
    pub(super) key: SoftwareKey,
    pub(super) certificate: Certificate,
    pub(super) eum: Certificate,
    pub(super) token: Option<i64>,
    /// Bits of ipaFeatures that its IPA announces.
    pub(super) features: Vec<u8>,
    /// Identifier of the CI's key.
    pub(super) ci: Vec<u8>,
}

/// A package as it came.
pub(super) struct Package {
    pub(super) octets: Vec<u8>,
    pub(super) request: Signed<EuiccPackageRequest>,
}

impl Package {
    /// What stands in the list of PSMOs or eCOs.
    pub(super) fn items(&self) -> Check<Vec<u8>> {
        let signed = self.request.euicc_package_signed.as_bytes();
        let mut members = Tlv::parse(signed)?.reader();
        let mut last = None;
        while !members.is_empty() {
            last = Some(members.tlv()?.value);
        }
        Ok(some("the list of the package", last)?.to_vec())
    }

    pub(super) fn counter(&self) -> i64 {
        self.request.euicc_package_signed.counter_value
    }
}

/// What identifies the package in its result.
fn echo(package: &Package, out: &mut Writer, counter: i64) {
    let signed = &package.request.euicc_package_signed;
    signed.eim_id.encode_tagged(Tag::new(0x80), out);
    counter.encode_tagged(Tag::new(0x81), out);
    if let Some(id) = &signed.eim_transaction_id {
        id.encode_tagged(Tag::new(0x82), out);
    }
}

impl Device {
    /// `BF51 {A0/A1 {30 …, 5F37 …}}`.
    pub(super) fn signed(&self, alternative: u32, data: &[u8]) -> Check<Vec<u8>> {
        let mut token = Writer::new();
        self.token
            .unwrap_or(0)
            .encode_tagged(Tag::new(0x84), &mut token);
        let signature = self.key.sign(&[data, &token.into_bytes()])?;
        let both = [data.to_vec(), tlv(0x5F37, signature.as_bytes())].concat();
        Ok(tlv(0xBF51, &tlv(alternative, &both)))
    }

    /// euiccPackageResultDataSigned with these results and a number.
    pub(super) fn data(
        &self,
        package: &Package,
        counter: i64,
        results: &[u8],
        number: i64,
    ) -> Vec<u8> {
        let mut out = Writer::new();
        out.constructed(Tag::SEQUENCE, |out| {
            echo(package, out, counter);
            number.encode_tagged(Tag::new(0x83), out);
            out.constructed(Tag::SEQUENCE, |out| out.raw(results));
        });
        out.into_bytes()
    }

    /// A signed result.
    pub(super) fn result(&self, package: &Package, results: &[u8], number: i64) -> Check<Vec<u8>> {
        let data = self.data(package, package.counter(), results, number);
        self.signed(0xA0, &data)
    }

    /// A signed error.
    pub(super) fn error(&self, package: &Package, code: i64) -> Check<Vec<u8>> {
        let mut out = Writer::new();
        out.constructed(Tag::SEQUENCE, |out| {
            echo(package, out, package.counter());
            code.encode_tagged(Tag::INTEGER, out);
        });
        self.signed(0xA1, &out.into_bytes())
    }

    fn info1(&self) -> EuiccInfo1 {
        EuiccInfo1 {
            svn: [2, 5, 0],
            euicc_ci_pk_id_list_for_verification: vec![self.ci.clone()],
            euicc_ci_pk_id_list_for_signing: vec![self.ci.clone()],
            extensions: Default::default(),
        }
    }

    /// IpaEuiccData with its certificates, for a request of the eIM.
    pub(super) fn certificates(&self, request: &IpaEuiccDataRequest) -> Vec<u8> {
        let mut out = Writer::new();
        out.constructed(Tag::new(0xBF52), |out| {
            out.constructed(Tag::new(0xA0), |out| {
                if request.tag_list.contains(&0x84) {
                    self.token.unwrap_or(0).encode_tagged(Tag::new(0x84), out);
                }
                // Two octets of a tag stand in a list as they are.
                if request.tag_list.windows(2).any(|tag| tag == [0xBF, 0x20]) {
                    self.info1().encode(out);
                }
                self.eum.encode_tagged(Tag::new(0xA5), out);
                self.certificate.encode_tagged(Tag::new(0xA6), out);
                if let Some(id) = &request.eim_transaction_id {
                    id.encode_tagged(Tag::new(0x87), out);
                }
                if request.tag_list.contains(&0xA8) && !self.features.is_empty() {
                    let capabilities = IpaCapabilities {
                        ipa_features: BitString::of(&self.features),
                        ipa_supported_protocols: Some(BitString::of(&[0])),
                        esipa_proprietary_protocol_information: None,
                        extensions: Default::default(),
                    };
                    capabilities.encode_tagged(Tag::new(0xA8), out);
                }
                if request.tag_list.contains(&0xA9) {
                    crate::device_info().encode_tagged(Tag::new(0xA9), out);
                }
            });
        });
        out.into_bytes()
    }
}

/// EimConfigurationData of an eIM with this key.
pub(super) fn eim_configuration(id: &str, key: &SoftwareKey) -> Check<EimConfigurationData> {
    let spki = SigningKey::public_key(key).to_spki_der();
    let spki = SubjectPublicKeyInfo::from_bytes(&spki)?;
    Ok(EimConfigurationData {
        eim_id: id.try_into()?,
        eim_fqdn: Some("eim.example.com".into()),
        eim_id_type: None,
        counter_value: Some(0),
        association_token: Some(-1),
        eim_public_key_data: Some(EimPublicKeyData::PublicKey(spki)),
        trusted_public_key_data_tls: None,
        eim_supported_protocol: None,
        euicc_ci_pk_id: None,
        indirect_profile_download: None,
        esipa_proprietary_protocol_information: None,
        extensions: Default::default(),
    })
}

/// eimTransactionId in a result.
pub(super) fn transaction(id: &Option<TransactionId>) -> Vec<u8> {
    id.as_ref()
        .map_or(Vec::new(), |id| tlv(0x82, id.as_bytes()))
}
