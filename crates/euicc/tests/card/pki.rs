//! A PKI of the shape of SGP.26 variant O, with its published test keys.

use rsp_asn1::{Certificate, Oid, Tag, Writer};
use rsp_crypto::software::{SeededRng, SoftwareKey};
use rsp_crypto::{Curve, SigningKey};

use crate::common::{EID, hex, key};

// Scalars of the SGP.26 test certificates on P-256: worthless as secrets.
pub(crate) const CI: &str = "aae525060635a4bc32e9c4b9b4dd00c97ab7bdb9c622fd175cc728a2934d744e";
const EUM: &str = "25e6757728e1e95113519cdc34555c29baed23773ac5afdddcdad984898a52f0";
const EUICC: &str = "11e15467dc194f337183e460c9f63260091e12e81026cd6561e17c6d8539cc9c";
const DP_AUTH: &str = "0a7cc1c244e60c52cd5b7807ab8c360c26524601507dcabc5dd598b5a616d5d5";
const DP_PB: &str = "dcd694b778957e8e9addbdd94433e9ef8f73d11e491c48d425a38a9491bd3bed";
pub(crate) const EIM_SIGN: &str =
    "dbdf692db8acc555185438b9d5368dc96de971626e4f30dec8a9c2547bc597ed";

/// SubjectKeyIdentifier of the test CI.
pub(crate) const CI_SKI: &str = "F54172BDF98A95D65CBEB88A38A1C11D800A85C3";
const EUM_SKI: &str = "DD3DA24D350C1CC5D0AF0965F40EC34C5EE409F1";

pub(crate) const DP_AUTH_POLICY: &str = "2.23.146.1.2.1.4";
pub(crate) const DP_PB_POLICY: &str = "2.23.146.1.2.1.5";
pub(crate) const DS_AUTH_POLICY: &str = "2.23.146.1.2.1.7";

/// SubjectKeyIdentifier of a CI on brainpoolP256r1.
pub(crate) const BRAINPOOL_CI_SKI: &str = "C0BC70BA36929D43B467FF57570530E57AB8FCD8";

/// Keys and certificates.
pub(crate) struct Pki {
    /// SubjectKeyIdentifier of the CI.
    pub(crate) ci_ski: &'static str,
    pub(crate) ci: SoftwareKey,
    pub(crate) euicc: SoftwareKey,
    pub(crate) dp_auth: SoftwareKey,
    pub(crate) dp_pb: SoftwareKey,
    pub(crate) euicc_certificate: Vec<u8>,
    pub(crate) eum_certificate: Vec<u8>,
}

impl Pki {
    pub(crate) fn new() -> Pki {
        let keys = [CI, EUM, EUICC, DP_AUTH, DP_PB].map(key);
        Pki::of(CI_SKI, keys)
    }

    /// Another one, on brainpoolP256r1.
    pub(crate) fn brainpool() -> Pki {
        let mut rng = SeededRng::new(26);
        let key = |()| SoftwareKey::generate(Curve::BrainpoolP256r1, &mut rng).unwrap();
        Pki::of(BRAINPOOL_CI_SKI, [(); 5].map(key))
    }

    fn of(ci_ski: &'static str, [ci, eum, euicc, dp_auth, dp_pb]: [SoftwareKey; 5]) -> Pki {
        let eum_certificate = Spec {
            issuer_key_identifier: ci_ski,
            policy: Some("2.23.146.1.2.1.2"),
            key_usage: &[2, 4],
            ca: true,
            ..Spec::leaf(&eum)
        };
        let euicc_certificate = Spec {
            issuer_key_identifier: EUM_SKI,
            policy: Some("2.23.146.1.2.1.1"),
            registered_id: None,
            ..Spec::leaf(&euicc)
        };
        Pki {
            eum_certificate: eum_certificate.sign(&ci).as_bytes().to_vec(),
            euicc_certificate: euicc_certificate.sign(&eum).as_bytes().to_vec(),
            ci_ski,
            dp_auth,
            dp_pb,
            ci,
            euicc,
        }
    }

    pub(crate) fn dp_auth_certificate(&self) -> Certificate {
        let spec = Spec {
            issuer_key_identifier: self.ci_ski,
            policy: Some(DP_AUTH_POLICY),
            ..Spec::leaf(&self.dp_auth)
        };
        spec.sign(&self.ci)
    }

    pub(crate) fn dp_pb_certificate(&self) -> Certificate {
        let spec = Spec {
            issuer_key_identifier: self.ci_ski,
            policy: Some(DP_PB_POLICY),
            ..Spec::leaf(&self.dp_pb)
        };
        spec.sign(&self.ci)
    }
}

/// What a certificate says.
pub(crate) struct Spec<'a> {
    pub(crate) key: &'a SoftwareKey,
    pub(crate) issuer_key_identifier: &'a str,
    pub(crate) policy: Option<&'a str>,
    /// Unused bits and bits.
    pub(crate) key_usage: &'a [u8],
    pub(crate) ca: bool,
    pub(crate) registered_id: Option<&'a str>,
    /// Host names in subjectAltName.
    pub(crate) hosts: &'a [&'a str],
    /// An extension that nobody knows, critical.
    pub(crate) unknown_critical: bool,
    /// Bytes instead of the key's SubjectPublicKeyInfo.
    pub(crate) spki: Option<Vec<u8>>,
}

impl<'a> Spec<'a> {
    /// A server's certificate under the CI, without a role.
    pub(crate) fn leaf(key: &'a SoftwareKey) -> Spec<'a> {
        Spec {
            key,
            issuer_key_identifier: CI_SKI,
            policy: None,
            key_usage: &[7, 0x80],
            ca: false,
            registered_id: Some("2.999.10"),
            hosts: &[],
            unknown_critical: false,
            spki: None,
        }
    }

    pub(crate) fn sign(&self, issuer: &SoftwareKey) -> Certificate {
        let algorithm = sequence(|out| oid(out, "1.2.840.10045.4.3.2"));
        let tbs = self.tbs(&algorithm);
        let signature = issuer.sign(&[&tbs]).unwrap().to_der();
        let der = sequence(|out| {
            out.raw(&tbs);
            out.raw(&algorithm);
            out.primitive(Tag::BIT_STRING, &[&[0], signature.as_slice()].concat());
        });
        Certificate::from_bytes(&der).unwrap()
    }

    fn tbs(&self, algorithm: &[u8]) -> Vec<u8> {
        let spki = self.spki.clone();
        let spki = spki.unwrap_or_else(|| self.key.public_key().to_spki_der());
        sequence(|out| {
            out.constructed(Tag::new(0xA0), |out| out.primitive(Tag::INTEGER, &[2]));
            out.primitive(Tag::INTEGER, &[1, 0]);
            out.raw(algorithm);
            name(out, "Test CI");
            out.constructed(Tag::SEQUENCE, |out| {
                out.primitive(Tag::new(0x17), b"200401000000Z");
                out.primitive(Tag::new(0x18), b"74960124000000Z");
            });
            name(out, EID);
            out.raw(&spki);
            out.constructed(Tag::new(0xA3), |out| {
                out.constructed(Tag::SEQUENCE, |out| self.extensions(out));
            });
        })
    }

    fn extensions(&self, out: &mut Writer) {
        let issuer =
            sequence(|out| out.primitive(Tag::new(0x80), &hex(self.issuer_key_identifier)));
        extension(out, "2.5.29.35", false, &issuer);
        let mut usage = Writer::new();
        usage.primitive(Tag::BIT_STRING, self.key_usage);
        extension(out, "2.5.29.15", true, &usage.into_bytes());
        if let Some(policy) = self.policy {
            let policies = sequence(|out| out.constructed(Tag::SEQUENCE, |out| oid(out, policy)));
            extension(out, "2.5.29.32", true, &policies);
        }
        let names = sequence(|out| {
            for host in self.hosts {
                out.primitive(Tag::new(0x82), host.as_bytes());
            }
            if let Some(id) = self.registered_id {
                let id: Oid = id.parse().unwrap();
                out.primitive(Tag::new(0x88), id.as_bytes());
            }
        });
        if names.len() > 2 {
            extension(out, "2.5.29.17", false, &names);
        }
        if self.ca {
            let constraints = sequence(|out| out.primitive(Tag::BOOLEAN, &[0xFF]));
            extension(out, "2.5.29.19", true, &constraints);
        }
        if self.unknown_critical {
            extension(out, "2.999.1", true, &[5, 0]);
        }
    }
}

fn sequence(contents: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::new();
    out.constructed(Tag::SEQUENCE, contents);
    out.into_bytes()
}

fn oid(out: &mut Writer, text: &str) {
    let oid: Oid = text.parse().unwrap();
    out.primitive(Tag::OBJECT_IDENTIFIER, oid.as_bytes());
}

fn name(out: &mut Writer, common_name: &str) {
    out.constructed(Tag::SEQUENCE, |out| {
        out.constructed(Tag::new(0x31), |out| {
            out.constructed(Tag::SEQUENCE, |out| {
                oid(out, "2.5.4.3");
                out.primitive(Tag::UTF8_STRING, common_name.as_bytes());
            });
        });
    });
}

fn extension(out: &mut Writer, id: &str, critical: bool, value: &[u8]) {
    out.constructed(Tag::SEQUENCE, |out| {
        oid(out, id);
        if critical {
            out.primitive(Tag::BOOLEAN, &[0xFF]);
        }
        out.primitive(Tag::OCTET_STRING, value);
    });
}
