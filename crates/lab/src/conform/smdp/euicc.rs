//! An eUICC that signs what a case wants signed.

use std::time::Duration;

use rsp_asn1::ids::{Eid, Iccid, TransactionId};
use rsp_asn1::rsp::{
    AuthenticateResponseOk, AuthenticateServerResponse, CtxParams1,
    CtxParamsForCommonAuthentication, DeviceInfo, EuiccInfo1, EuiccInfo2, EuiccSigned1,
    EuiccSigned2, PrepareDownloadResponse, PrepareDownloadResponseOk, ServerSigned1,
};
use rsp_asn1::{Asn1, BitString, Certificate, Extensions, Signed};
use rsp_core::Timestamp;
use rsp_core::pki::{Issuer, Name, Role, Template, issue_under};
use rsp_crypto::software::{SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Provider, SigningKey};

use super::bench::Bench;
use crate::conform::case::Check;
use crate::conform::der::tlv;

pub(in crate::conform) const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Who makes eUICCs.
#[derive(Clone)]
pub(in crate::conform) struct Eum {
    pub(in crate::conform) certificate: Certificate,
    pub(in crate::conform) key: SoftwareKey,
}

/// An eUICC.
#[derive(Clone)]
pub(in crate::conform) struct Euicc {
    pub(in crate::conform) eid: Eid,
    pub(in crate::conform) key: SoftwareKey,
    pub(in crate::conform) certificate: Certificate,
    pub(in crate::conform) eum: Certificate,
    /// Identifier of the CI's key.
    pub(in crate::conform) ci: Vec<u8>,
    pub(in crate::conform) info2: EuiccInfo2,
    pub(in crate::conform) device: DeviceInfo,
    /// otSK.EUICC.ECKA.
    pub(in crate::conform) one_time: SoftwareKey,
    /// What the end user types.
    pub(in crate::conform) code: Option<String>,
}

/// A certificate in one of the roles, by an issuer.
pub(in crate::conform) fn issue(
    role: Role,
    serial_number: &str,
    key: &SoftwareKey,
    issuer: (&Certificate, &SoftwareKey),
    validity: (Timestamp, Timestamp),
) -> Check<Certificate> {
    let template = Template {
        role,
        subject: Name {
            country: "ES".into(),
            organization: "Conformance EUM".into(),
            serial_number: serial_number.into(),
            common_name: "Conformance".into(),
        },
        public_key: SigningKey::public_key(key),
        serial: &[0x0C, 0x0F],
        not_before: validity.0,
        not_after: validity.1,
    };
    let name = Issuer::of(issuer.0)?;
    Ok(issue_under(&template, &name, issuer.1, &SoftwareProvider)?)
}

/// The role of the EUM.
pub(in crate::conform) fn eum_role(bench: &Bench) -> Role {
    Role::Eum {
        oid: "2.999.5".into(),
        eid_prefix: bench.eids.prefix().into(),
    }
}

impl Eum {
    /// A new one under a CI.
    pub(in crate::conform) fn under(
        bench: &mut Bench,
        ci: (&Certificate, &SoftwareKey),
    ) -> Check<Eum> {
        let key = SoftwareKey::generate(SigningKey::public_key(ci.1).curve(), &mut bench.rng)?;
        let validity = (bench.now, bench.now.after(YEAR));
        Ok(Eum {
            certificate: issue(eum_role(bench), "", &key, ci, validity)?,
            key,
        })
    }
}

impl Euicc {
    /// The eUICC with this number, of the bench's EUM on its curve.
    pub(in crate::conform) fn new(bench: &mut Bench, number: u32) -> Check<Euicc> {
        let (ci, ci_key) = bench.ci()?;
        let eum = match &bench.eum {
            Some(eum) => eum.clone(),
            None => Eum::under(bench, (&ci, &ci_key))?,
        };
        bench.eum = Some(eum.clone());
        Euicc::of(bench, &eum, ci_identifier(&ci_key), number)
    }

    /// An eUICC of an EUM.
    pub(in crate::conform) fn of(
        bench: &mut Bench,
        eum: &Eum,
        ci: Vec<u8>,
        number: u32,
    ) -> Check<Euicc> {
        let curve: Curve = SigningKey::public_key(&eum.key).curve();
        let eid = bench.eids.nth(number)?;
        let key = SoftwareKey::generate(curve, &mut bench.rng)?;
        let validity = (bench.now, bench.now.after(YEAR));
        let issuer = (&eum.certificate, &eum.key);
        Ok(Euicc {
            certificate: issue(Role::Euicc, &eid.to_string(), &key, issuer, validity)?,
            eum: eum.certificate.clone(),
            info2: info2(&ci)?,
            device: crate::device_info(),
            one_time: SoftwareKey::generate(curve, &mut bench.rng)?,
            code: None,
            eid,
            key,
            ci,
        })
    }

    /// EUICCInfo1.
    pub(in crate::conform) fn info1(&self) -> EuiccInfo1 {
        EuiccInfo1 {
            svn: self.info2.svn,
            euicc_ci_pk_id_list_for_verification: vec![self.ci.clone()],
            euicc_ci_pk_id_list_for_signing: vec![self.ci.clone()],
            extensions: Extensions::default(),
        }
    }

    /// euiccSigned1 for a serverSigned1.
    pub(in crate::conform) fn signed1(
        &self,
        server: &ServerSigned1,
        matching_id: Option<&str>,
    ) -> EuiccSigned1 {
        let parameters = CtxParamsForCommonAuthentication {
            matching_id: matching_id.map(ToString::to_string),
            device_info: self.device.clone(),
            extensions: Extensions::default(),
        };
        EuiccSigned1 {
            transaction_id: server.transaction_id.clone(),
            server_address: server.server_address.clone(),
            server_challenge: server.server_challenge,
            euicc_info2: self.info2.clone(),
            ctx_params1: CtxParams1::CommonAuthentication(parameters),
            extensions: Extensions::default(),
        }
    }

    /// AuthenticateServerResponse.
    pub(in crate::conform) fn authenticates(
        &self,
        signed: EuiccSigned1,
    ) -> Check<AuthenticateServerResponse> {
        let euicc_signed1 = Signed::new(signed);
        let signature = self.key.sign(&[euicc_signed1.as_bytes()])?;
        Ok(AuthenticateServerResponse::Ok(AuthenticateResponseOk {
            euicc_signature1: signature.as_bytes().to_vec(),
            euicc_signed1,
            euicc_certificate: self.certificate.clone(),
            eum_certificate: self.eum.clone(),
            extensions: Extensions::default(),
        }))
    }

    /// PrepareDownloadResponse, over smdpSignature2.
    pub(in crate::conform) fn prepares(
        &self,
        transaction_id: &TransactionId,
        smdp_signature2: &[u8],
    ) -> Check<PrepareDownloadResponse> {
        let hash_cc = self.code.as_ref().map(|code| {
            let inner = SoftwareProvider.sha256(&[code.as_bytes()]);
            SoftwareProvider.sha256(&[&inner, transaction_id.as_bytes()])
        });
        let euicc_signed2 = Signed::new(EuiccSigned2 {
            transaction_id: transaction_id.clone(),
            euicc_otpk: SigningKey::public_key(&self.one_time).as_sec1().to_vec(),
            hash_cc,
            extensions: Extensions::default(),
        });
        let message = [euicc_signed2.as_bytes(), &tlv(0x5F37, smdp_signature2)];
        let signature = self.key.sign(&message)?;
        Ok(PrepareDownloadResponse::Ok(PrepareDownloadResponseOk {
            euicc_signature2: signature.as_bytes().to_vec(),
            euicc_signed2,
            extensions: Extensions::default(),
        }))
    }

    /// Signs any object.
    pub(in crate::conform) fn sign<T: Asn1>(&self, object: &Signed<T>) -> Check<Vec<u8>> {
        Ok(self.key.sign(&[object.as_bytes()])?.as_bytes().to_vec())
    }
}

/// The key identifier of a CI: as its certificate has it, which the issuing
/// code of this project takes from the key.
pub(in crate::conform) fn ci_identifier(key: &SoftwareKey) -> Vec<u8> {
    rsp_core::pki::key_identifier(SigningKey::public_key(key), &SoftwareProvider)
}

/// EUICCInfo2 of an eUICC under this CI.
pub(in crate::conform) fn info2(ci: &[u8]) -> Check<EuiccInfo2> {
    Ok(EuiccInfo2 {
        profile_version: [2, 3, 1],
        svn: [2, 2, 2],
        euicc_firmware_ver: [1, 0, 0],
        ext_card_resource: crate::conform::der::hex("8101008204000400008304000080 00"),
        uicc_capability: BitString::of(&[1, 2, 3]),
        ts102241_version: None,
        globalplatform_version: None,
        rsp_capability: BitString::of(&[0]),
        euicc_ci_pk_id_list_for_verification: vec![ci.to_vec()],
        euicc_ci_pk_id_list_for_signing: vec![ci.to_vec()],
        euicc_category: None,
        forbidden_profile_policy_rules: None,
        pp_version: [1, 0, 0],
        sas_acreditation_number: "TEST".try_into()?,
        certification_data_object: None,
        tre_properties: None,
        tre_product_reference: None,
        additional_euicc_profile_package_versions: None,
        ipa_mode: None,
        euicc_ci_pk_id_list_for_signing_v3: None,
        additional_euicc_info: None,
        highest_svn: None,
        iot_specific_info: None,
        euicc_minimum_security_level: None,
        extensions: Extensions::default(),
    })
}

/// An ICCID that the case only needs to name.
pub(in crate::conform) fn iccid(text: &str) -> Check<Iccid> {
    Ok(text.parse()?)
}
