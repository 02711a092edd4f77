//! Associated eIMs (SGP.32 5.9.4, 5.9.18).

use rsp_asn1::sgp32::*;
use rsp_asn1::{Asn1, SubjectPublicKeyInfo, Tag, Tlv, Writer};
use rsp_crypto::SigningKey;
use rsp_crypto::software::SoftwareKey;

use crate::common::{Host, eid, hex, key, personalisation, verifies};
use crate::pki::{self, Pki};

/// An eIM that signs packages.
pub(crate) struct Eim {
    pub(crate) id: EimId,
    pub(crate) key: SoftwareKey,
    pub(crate) token: Option<i64>,
    pub(crate) counter: i64,
}

impl Eim {
    pub(crate) fn new(id: &str) -> Eim {
        Eim {
            id: id.try_into().unwrap(),
            key: key(pki::EIM_SIGN),
            token: None,
            counter: 0,
        }
    }

    pub(crate) fn configuration(&self) -> EimConfigurationData {
        let spki = self.key.public_key().to_spki_der();
        let spki = SubjectPublicKeyInfo::from_bytes(&spki).unwrap();
        EimConfigurationData {
            eim_id: self.id.clone(),
            eim_fqdn: Some("eim.example.com".into()),
            eim_id_type: None,
            counter_value: Some(0),
            association_token: None,
            eim_public_key_data: Some(EimPublicKeyData::PublicKey(spki)),
            trusted_public_key_data_tls: None,
            eim_supported_protocol: None,
            euicc_ci_pk_id: None,
            indirect_profile_download: None,
            esipa_proprietary_protocol_information: None,
            extensions: Default::default(),
        }
    }

    /// The next package, with these elements in its list of PSMOs.
    pub(crate) fn package(&mut self, psmos: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let mut list = Writer::new();
        list.constructed(Tag::new(0xA0), |out| out.raw(psmos));
        self.sign(&self.signed(eid().as_bytes(), self.counter, &list.into_bytes()))
    }

    /// The next package, with these eCOs.
    pub(crate) fn eco_package(&mut self, ecos: &[Eco]) -> Vec<u8> {
        self.counter += 1;
        let mut list = Writer::new();
        list.constructed(Tag::new(0xA1), |out| {
            ecos.iter().for_each(|e| e.encode(out))
        });
        self.sign(&self.signed(eid().as_bytes(), self.counter, &list.into_bytes()))
    }

    /// The data of a result that the card has signed for this eIM.
    pub(crate) fn verified<'a>(
        &self,
        result: &'a EuiccPackageResultSigned,
    ) -> &'a EuiccPackageResultDataSigned {
        let data = &result.euicc_package_result_data_signed;
        let message = [data.as_bytes(), &association_token_object(self.token)];
        let euicc = Pki::new().euicc;
        let signature = &result.euicc_sign_epr;
        assert!(verifies(euicc.public_key(), &message, signature));
        assert_eq!(data.eim_id, self.id);
        data
    }

    /// euiccPackageSigned with these members.
    pub(crate) fn signed(&self, eid: &[u8; 16], counter: i64, list: &[u8]) -> Vec<u8> {
        let mut out = Writer::new();
        out.constructed(Tag::SEQUENCE, |out| {
            self.id.encode_tagged(Tag::new(0x80), out);
            out.primitive(Tag::new(0x5A), eid);
            counter.encode_tagged(Tag::new(0x81), out);
            out.raw(list);
        });
        out.into_bytes()
    }

    pub(crate) fn sign(&self, signed: &[u8]) -> Vec<u8> {
        let token = association_token_object(self.token);
        let signature = self.key.sign(&[signed, &token]).unwrap();
        let mut out = Writer::new();
        out.constructed(Tag::new(0xBF51), |out| {
            out.raw(signed);
            out.primitive(Tag::new(0x5F37), signature.as_bytes());
        });
        out.into_bytes()
    }
}

impl Host {
    pub(crate) fn add_initial(&mut self, list: Vec<EimConfigurationData>) -> AddInitialEimResponse {
        let request = AddInitialEimRequest {
            eim_configuration_data_list: list,
            extensions: Default::default(),
        };
        AddInitialEimResponse::from_der(&self.es10(&request.to_der())).unwrap()
    }

    /// Associates one eIM; gives its token.
    pub(crate) fn add(&mut self, eim: &Eim, with_token: bool) -> Option<i64> {
        let mut data = eim.configuration();
        data.association_token = with_token.then_some(ASSOCIATION_TOKEN_REQUEST);
        match self.add_initial(vec![data]) {
            AddInitialEimResponse::Ok(list) => match list.as_slice() {
                [AddInitialEimOk::AssociationToken(token)] => Some(*token),
                [AddInitialEimOk::AddOk(_)] => None,
                other => panic!("{other:?}"),
            },
            AddInitialEimResponse::Error(code) => panic!("{code}"),
        }
    }

    /// A package whose result must be signed; gives the items.
    pub(crate) fn run(&mut self, eim: &mut Eim, psmos: &str) -> Vec<EuiccResultData> {
        let package = eim.package(&hex(psmos));
        self.results_of(eim, &package)
    }

    /// The same with eCOs.
    pub(crate) fn run_ecos(&mut self, eim: &mut Eim, ecos: &[Eco]) -> Vec<EuiccResultData> {
        let package = eim.eco_package(ecos);
        self.results_of(eim, &package)
    }

    fn results_of(&mut self, eim: &Eim, package: &[u8]) -> Vec<EuiccResultData> {
        let result = self.es10(package);
        let EuiccPackageResult::Signed(result) = EuiccPackageResult::from_der(&result).unwrap()
        else {
            panic!("an error");
        };
        eim.verified(&result).euicc_result.clone()
    }

    /// The code of a package that must be refused, by a signed error, or -1
    /// for an unsigned one.
    pub(crate) fn refusal(&mut self, eim: &Eim, package: &[u8]) -> i64 {
        match EuiccPackageResult::from_der(&self.es10(package)).unwrap() {
            EuiccPackageResult::Signed(result) => panic!("{result:?}"),
            EuiccPackageResult::ErrorSigned(error) => {
                let data = &error.euicc_package_error_data_signed;
                let message = [data.as_bytes(), &association_token_object(eim.token)];
                let key = Pki::new().euicc;
                assert!(verifies(key.public_key(), &message, &error.euicc_sign_epe));
                data.euicc_package_error_code.0
            }
            EuiccPackageResult::ErrorUnsigned(_) => -1,
        }
    }

    /// The results that wait.
    pub(crate) fn waiting_results(&mut self) -> Vec<EuiccPackageResult> {
        let response = self.es10(&hex("BF2B04A0028200"));
        match RetrieveNotificationsListResponse::from_der(&response).unwrap() {
            RetrieveNotificationsListResponse::EuiccPackageResultList(list) => list,
            other => panic!("{other:?}"),
        }
    }

    /// What the card says about its eIMs.
    pub(crate) fn associations(&mut self) -> Vec<EimConfigurationData> {
        let answer = self.es10(&hex("BF5500"));
        let answer = GetEimConfigurationDataResponse::from_der(&answer).unwrap();
        answer.eim_configuration_data_list
    }
}

fn refused(host: &mut Host, change: impl FnOnce(&mut EimConfigurationData)) -> AddEimResultCode {
    let mut data = Eim::new("eim1").configuration();
    change(&mut data);
    match host.add_initial(vec![Eim::new("eim0").configuration(), data]) {
        AddInitialEimResponse::Error(code) => code,
        AddInitialEimResponse::Ok(_) => panic!("accepted"),
    }
}

/// EUI-45: all of the eIMs of AddInitialEim or none.
#[test]
fn what_a_new_eim_must_bring() {
    let mut host = Host::ready();
    let codes = [
        refused(&mut host, |eim| eim.counter_value = None),
        refused(&mut host, |eim| eim.eim_public_key_data = None),
        refused(&mut host, |eim| eim.counter_value = Some(0x80_0000)),
        refused(&mut host, |eim| eim.counter_value = Some(-1)),
        refused(&mut host, |eim| eim.association_token = Some(7)),
        refused(&mut host, |eim| eim.euicc_ci_pk_id = Some(vec![1; 20])),
    ];
    assert_eq!(codes.map(|code| code.0), [7, 7, 6, 6, 5, 3]);
    // All or nothing: the good one before the bad one was not taken.
    assert_eq!(host.es10(&hex("BF5500")), hex("BF5502A000"));
    assert_eq!(host.es10(&hex("BF5702A000")), hex("BF5703810107"));
}

/// EUI-45: none can be added where there are some.
#[test]
fn tokens_are_made_only_where_asked_for() {
    let mut host = Host::ready();
    let mut list: Vec<_> = ["a", "b", "c"]
        .map(|id| Eim::new(id).configuration())
        .into();
    list[0].association_token = Some(ASSOCIATION_TOKEN_REQUEST);
    list[2].association_token = Some(ASSOCIATION_TOKEN_REQUEST);
    let request = AddInitialEimRequest {
        eim_configuration_data_list: list.clone(),
        extensions: Default::default(),
    };
    assert_eq!(
        host.es10(&request.to_der()),
        hex("BF570AA0088401010500840102")
    );
    // A second first association is refused.
    assert!(matches!(
        host.add_initial(list),
        AddInitialEimResponse::Error(AddEimResultCode::ASSOCIATED_EIM_ALREADY_EXISTS)
    ));
}

#[test]
fn configuration_is_told_without_the_counter() {
    let mut host = Host::new(personalisation(&Pki::new()));
    host.open();
    host.add(&Eim::new("eim1"), true);
    let all = GetEimConfigurationDataResponse::from_der(&host.es10(&hex("BF5500"))).unwrap();
    let [eim] = all.eim_configuration_data_list.as_slice() else {
        panic!("one eIM");
    };
    assert_eq!(eim.counter_value, None);
    assert_eq!(eim.association_token, Some(1));
    assert_eq!(eim.eim_id_type, Some(EimIdType::EIM_ID_TYPE_PROPRIETARY));
    assert_eq!(eim.euicc_ci_pk_id, Some(hex(pki::CI_SKI)));
    let one = host.es10(&hex("BF5508A006800465696D31"));
    assert_eq!(one, all.to_der());
    let none = host.es10(&hex("BF5508A006800465696D32"));
    assert_eq!(none, hex("BF5502A000"));
    assert_eq!(Tlv::parse(&one).unwrap().tag, Tag::new(0xBF55));
}

#[test]
fn a_certificate_stands_for_its_key() {
    let mut host = Host::ready();
    let mut eim = Eim::new("eim1");
    let mut data = eim.configuration();
    // Whoever signed it and whatever it is for does not count.
    let spec = pki::Spec::leaf(&eim.key);
    let certificate = spec.sign(&key(pki::EIM_SIGN));
    data.eim_public_key_data = Some(EimPublicKeyData::Certificate(certificate));
    assert!(matches!(
        host.add_initial(vec![data]),
        AddInitialEimResponse::Ok(_)
    ));
    assert_eq!(host.run(&mut eim, ""), []);
}
