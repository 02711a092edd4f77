//! An eIM that signs packages, as small as can be (SGP.32 2.11.1.1).

use rsp_asn1::ids::Iccid;
use rsp_asn1::sgp32::{
    AddInitialEimOk, AddInitialEimRequest, AddInitialEimResponse, EimConfigurationData, EimId,
    EimPublicKeyData, EuiccPackageResult, EuiccResultData,
};
use rsp_asn1::{Asn1, SubjectPublicKeyInfo, Tag, Writer};
use rsp_crypto::software::SoftwareKey;
use rsp_crypto::{Curve, SigningKey};

use super::bench::Bench;
use crate::conform::case::{Check, Stop, fail, same};
use crate::conform::der::{shown, tlv, verify};

/// An associated eIM.
pub(super) struct Eim {
    pub(super) id: EimId,
    pub(super) key: SoftwareKey,
    pub(super) token: Option<i64>,
    pub(super) counter: i64,
}

/// What a package came to.
#[derive(Debug)]
pub(super) enum Answer {
    /// Signed, with its number.
    Results(Vec<EuiccResultData>, i64),
    /// The code of a signed error.
    Error(i64),
    /// An unsigned error: eimId and association token.
    Unsigned(String, Option<i64>),
}

impl Eim {
    pub(super) fn new(id: &str, bench: &mut Bench) -> Check<Eim> {
        Ok(Eim {
            id: id.try_into()?,
            key: SoftwareKey::generate(Curve::NistP256, &mut bench.rng)?,
            token: None,
            counter: 0,
        })
    }

    /// Its EimConfigurationData, with counter 0 and its public key.
    pub(super) fn configuration(&self) -> Check<EimConfigurationData> {
        let spki = SigningKey::public_key(&self.key).to_spki_der();
        Ok(EimConfigurationData {
            eim_id: self.id.clone(),
            eim_fqdn: Some("eim.example.com".into()),
            eim_id_type: None,
            counter_value: Some(0),
            association_token: None,
            eim_public_key_data: Some(EimPublicKeyData::PublicKey(
                SubjectPublicKeyInfo::from_bytes(&spki)?,
            )),
            trusted_public_key_data_tls: None,
            eim_supported_protocol: None,
            euicc_ci_pk_id: None,
            indirect_profile_download: None,
            esipa_proprietary_protocol_information: None,
            extensions: Default::default(),
        })
    }

    /// euiccPackageSigned with these members.
    pub(super) fn to_be_signed(&self, eid: &[u8; 16], counter: i64, list: &[u8]) -> Vec<u8> {
        let mut out = Writer::new();
        out.constructed(Tag::SEQUENCE, |out| {
            self.id.encode_tagged(Tag::new(0x80), out);
            out.primitive(Tag::new(0x5A), eid);
            counter.encode_tagged(Tag::new(0x81), out);
            out.raw(list);
        });
        out.into_bytes()
    }

    /// The request, signed with its key and an association token.
    pub(super) fn sign(&self, signed: &[u8], token: Option<i64>) -> Check<Vec<u8>> {
        let signature = self.key.sign(&[signed, &token_object(token)])?;
        let mut out = Writer::new();
        out.constructed(Tag::new(0xBF51), |out| {
            out.raw(signed);
            out.primitive(Tag::new(0x5F37), signature.as_bytes());
        });
        Ok(out.into_bytes())
    }
}

/// '84' token, 0 if there is none.
pub(super) fn token_object(token: Option<i64>) -> Vec<u8> {
    let mut out = Writer::new();
    token.unwrap_or(0).encode_tagged(Tag::new(0x84), &mut out);
    out.into_bytes()
}

/// A PSMO on a profile: 'A3' enable, 'A4' disable, 'A5' delete, 'A8'
/// setFallbackAttribute.
pub(super) fn on(tag: u32, iccid: &str) -> Check<Vec<u8>> {
    let iccid: Iccid = iccid.parse()?;
    Ok(tlv(tag, &tlv(0x5A, iccid.as_swapped())))
}

/// enable with rollbackFlag.
pub(super) fn enable_with_rollback(iccid: &str) -> Check<Vec<u8>> {
    let iccid: Iccid = iccid.parse()?;
    let members = [tlv(0x5A, iccid.as_swapped()), tlv(0x05, &[])];
    Ok(tlv(0xA3, &members.concat()))
}

impl Bench {
    /// AddInitialEim.
    pub(super) fn add_initial(
        &mut self,
        list: Vec<EimConfigurationData>,
    ) -> Check<AddInitialEimResponse> {
        let request = AddInitialEimRequest {
            eim_configuration_data_list: list,
            extensions: Default::default(),
        };
        let answer = self.es10(&request.to_der())?;
        Ok(AddInitialEimResponse::from_der(&answer)?)
    }

    /// Associates the first eIM; `with_token` asks for an association token.
    pub(super) fn associate(&mut self, id: &str, with_token: bool) -> Check<Eim> {
        let mut eim = Eim::new(id, self)?;
        let mut data = eim.configuration()?;
        data.association_token = with_token.then_some(-1);
        match self.add_initial(vec![data])? {
            AddInitialEimResponse::Ok(list) => match (list.as_slice(), with_token) {
                ([AddInitialEimOk::AssociationToken(token)], true) => eim.token = Some(*token),
                ([AddInitialEimOk::AddOk(_)], false) => {}
                (other, _) => return fail(format!("AddInitialEim answers {other:?}")),
            },
            AddInitialEimResponse::Error(code) => {
                return fail(format!("AddInitialEim is refused: {code}"));
            }
        }
        Ok(eim)
    }

    /// Sends a request as it is and reads the answer, whose signature must be
    /// the eUICC's over data and token.
    pub(super) fn send_package(&mut self, request: &[u8], token: Option<i64>) -> Check<Answer> {
        let answer = self.es10(request)?;
        self.read_answer(&answer, token)
    }

    /// Reads and verifies an EuiccPackageResult.
    pub(super) fn read_answer(&mut self, answer: &[u8], token: Option<i64>) -> Check<Answer> {
        let key = self.about()?.key.clone();
        let token = token_object(token);
        match EuiccPackageResult::from_der(answer)? {
            EuiccPackageResult::Signed(result) => {
                let data = &result.euicc_package_result_data_signed;
                let signature = &result.euicc_sign_epr;
                verify("euiccSignEPR", &key, &[data.as_bytes(), &token], signature)?;
                Ok(Answer::Results(data.euicc_result.clone(), data.seq_number))
            }
            EuiccPackageResult::ErrorSigned(error) => {
                let data = &error.euicc_package_error_data_signed;
                let signature = &error.euicc_sign_epe;
                verify("euiccSignEPE", &key, &[data.as_bytes(), &token], signature)?;
                Ok(Answer::Error(data.euicc_package_error_code.0))
            }
            EuiccPackageResult::ErrorUnsigned(error) => {
                Ok(Answer::Unsigned(error.eim_id, error.association_token))
            }
        }
    }

    /// The next package of an eIM with this list ('A0' PSMOs, 'A1' eCOs); gives
    /// the results, which are as many octets as the list wants. The card is
    /// switched off and on afterwards, as a device does that has another
    /// profile now.
    pub(super) fn package(&mut self, eim: &mut Eim, list: &[u8]) -> Check<Vec<EuiccResultData>> {
        let results = self.numbered(eim, list)?.0;
        self.power_cycle()?;
        Ok(results)
    }

    /// As [`Bench::package`], with the number of the result and without
    /// switching off.
    pub(super) fn numbered(
        &mut self,
        eim: &mut Eim,
        list: &[u8],
    ) -> Check<(Vec<EuiccResultData>, i64)> {
        eim.counter += 1;
        let eid = *self.about()?.eid.as_bytes();
        let signed = eim.to_be_signed(&eid, eim.counter, list);
        let request = eim.sign(&signed, eim.token)?;
        match self.send_package(&request, eim.token)? {
            Answer::Results(results, number) => Ok((results, number)),
            other => fail(format!("the package is answered with {other:?}")),
        }
    }

    /// A package of PSMOs; gives the results encoded.
    pub(super) fn psmos(&mut self, eim: &mut Eim, items: &[u8]) -> Check<Vec<u8>> {
        let results = self.package(eim, &tlv(0xA0, items))?;
        Ok(results.iter().flat_map(Asn1::to_der).collect())
    }

    /// A package of eCOs; gives the results encoded.
    pub(super) fn ecos(&mut self, eim: &mut Eim, items: &[u8]) -> Check<Vec<u8>> {
        let results = self.package(eim, &tlv(0xA1, items))?;
        Ok(results.iter().flat_map(Asn1::to_der).collect())
    }

    /// A package of PSMOs whose results must be these octets.
    pub(super) fn expect(
        &mut self,
        eim: &mut Eim,
        what: &str,
        items: &[u8],
        results: &str,
    ) -> Check {
        let found = self.psmos(eim, items)?;
        crate::conform::der::same_octets(what, &found, results)
    }

    /// Has a profile enabled.
    pub(super) fn enabled(&mut self, eim: &mut Eim, iccid: &str) -> Check {
        self.expect(eim, "enable", &on(0xA3, iccid)?, "830100")?;
        let enabled = self.is_enabled(iccid)?;
        same("the profile is enabled", enabled, true)
    }
}

impl Answer {
    /// The code of a signed error.
    pub(super) fn error(self) -> Check<i64> {
        match self {
            Answer::Error(code) => Ok(code),
            other => Err(Stop::Failed(format!("{other:?} instead of a signed error"))),
        }
    }

    /// The token in an unsigned error.
    pub(super) fn unsigned(self) -> Check<Option<i64>> {
        match self {
            Answer::Unsigned(_, token) => Ok(token),
            other => fail(format!("{other:?} instead of an unsigned error")),
        }
    }

    /// The results, encoded.
    pub(super) fn results(self) -> Check<String> {
        match self {
            Answer::Results(results, _) => {
                let octets: Vec<u8> = results.iter().flat_map(Asn1::to_der).collect();
                Ok(shown(&octets))
            }
            other => fail(format!("{other:?} instead of results")),
        }
    }
}
