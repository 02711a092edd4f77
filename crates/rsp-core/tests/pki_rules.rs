//! Each rule of chains and revocation lists, broken alone: its own refusal.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration;

use rsp_asn1::{Certificate, Tag, Tlv, Writer};
use rsp_core::Timestamp;
use rsp_core::pki::{
    CertificateError, ChainError, CrlError, CrlTemplate, Issuer, Name, ParsedCertificate, Role,
    Side, Template, TrustAnchor, issue, issue_crl, policy, verify_euicc_chain, verify_under,
};
use rsp_crypto::software::{SeededRng, SoftwareKey, SoftwareProvider};
use rsp_crypto::{Curve, Provider, SigningKey};

const START: Timestamp = Timestamp::from_secs(1_767_225_600);
const DAY: Duration = Duration::from_secs(86_400);
const EID: &str = "89049032123451234512345678901235";

type Keyed = (Certificate, SoftwareKey);

struct Ca {
    curve: Curve,
    ci: Keyed,
    eum: Keyed,
    euicc: Keyed,
    auth: Keyed,
    rng: SeededRng,
}

fn name(organization: &str, serial_number: &str, common_name: &str) -> Name {
    Name {
        organization: organization.to_string(),
        serial_number: serial_number.to_string(),
        common_name: common_name.to_string(),
        ..Name::default()
    }
}

fn ci_name() -> Name {
    name("Test", "", "CI")
}

fn eum_name() -> Name {
    name("Maker", "", "EUM")
}

fn dp_auth() -> Role {
    Role::DpAuth {
        oid: "2.999.10".to_string(),
    }
}

fn eum_role(prefix: &str) -> Role {
    Role::Eum {
        oid: "2.999.5".to_string(),
        eid_prefix: prefix.to_string(),
    }
}

fn certificate(
    role: Role,
    subject: Name,
    key: &SoftwareKey,
    serial: u8,
    (issuer, issuer_key): (&Name, &SoftwareKey),
) -> Certificate {
    let template = Template {
        role,
        subject,
        public_key: key.public_key(),
        serial: &[serial],
        not_before: START,
        not_after: START.after(10 * DAY),
    };
    issue(&template, issuer, issuer_key, &SoftwareProvider).unwrap()
}

impl Ca {
    fn new(curve: Curve, root: Role) -> Ca {
        let mut rng = SeededRng::new(5);
        let mut key = || SoftwareKey::generate(curve, &mut rng).unwrap();
        let (ci_key, eum_key, euicc_key, auth_key) = (key(), key(), key(), key());
        let ci = (&ci_name(), &ci_key);
        let root = certificate(root, ci_name(), &ci_key, 1, ci);
        let eum = certificate(eum_role("89049032"), eum_name(), &eum_key, 2, ci);
        let auth = certificate(dp_auth(), name("DP", "", "DP"), &auth_key, 4, ci);
        let subject = name("Maker", EID, "eUICC");
        let under_eum = (&eum_name(), &eum_key);
        let euicc = certificate(Role::Euicc, subject, &euicc_key, 3, under_eum);
        Ca {
            curve,
            ci: (root, ci_key),
            eum: (eum, eum_key),
            euicc: (euicc, euicc_key),
            auth: (auth, auth_key),
            rng,
        }
    }

    fn rsp(curve: Curve) -> Ca {
        let oid = "2.999.1".to_string();
        Ca::new(curve, Role::Ci { oid })
    }

    fn anchor(&self) -> TrustAnchor {
        TrustAnchor::new(&self.ci.0, &SoftwareProvider).unwrap()
    }

    fn chain_at(&self, now: Timestamp) -> Result<(), ChainError> {
        self.chain(&self.eum.0, &self.euicc.0, &self.anchor(), now)
    }

    fn chain(
        &self,
        eum: &Certificate,
        euicc: &Certificate,
        anchor: &TrustAnchor,
        now: Timestamp,
    ) -> Result<(), ChainError> {
        let anchors = std::slice::from_ref(anchor);
        verify_euicc_chain(eum, euicc, anchors, now, &SoftwareProvider).map(|_| ())
    }

    /// The refusal of another CERT.EUM.
    fn eum(&self, eum: &Certificate) -> ChainError {
        let refused = self.chain(eum, &self.euicc.0, &self.anchor(), START);
        refused.unwrap_err()
    }

    /// The refusal of another CERT.EUICC.
    fn euicc(&self, euicc: &Certificate) -> ChainError {
        let refused = self.chain(&self.eum.0, euicc, &self.anchor(), START);
        refused.unwrap_err()
    }

    fn auth(&self, auth: &Certificate) -> Result<(), ChainError> {
        let anchors = [self.anchor()];
        verify_under(auth, policy::DP_AUTH, &anchors, START, &SoftwareProvider).map(|_| ())
    }

    fn card(&self, subject: Name) -> Certificate {
        let issuer = (&eum_name(), &self.eum.1);
        certificate(Role::Euicc, subject, &self.euicc.1, 3, issuer)
    }

    fn crl(&self, revoked: &[Vec<u8>]) -> Vec<u8> {
        let template = CrlTemplate {
            number: 1,
            this_update: START.after(DAY),
            next_update: START.after(3 * DAY),
            revoked,
        };
        issue_crl(&template, &Issuer::of(&self.ci.0).unwrap(), &self.ci.1).unwrap()
    }
}

/// The same object with some octets replaced, signed again.
fn forged(der: &[u8], from: &[u8], to: &[u8], key: &SoftwareKey) -> Vec<u8> {
    let mut reader = Tlv::parse(der).unwrap().reader();
    let mut tbs = reader.tlv().unwrap().raw.to_vec();
    let algorithm = reader.tlv().unwrap();
    let at = tbs.windows(from.len()).position(|part| part == from);
    let at = at.unwrap();
    tbs.splice(at..at + from.len(), to.iter().copied());
    let signature = key.sign(&[&tbs]).unwrap().to_der();
    let mut out = Writer::new();
    out.constructed(Tag::SEQUENCE, |out| {
        out.raw(&tbs);
        out.raw(algorithm.raw);
        out.primitive(Tag::BIT_STRING, &[&[0], &signature[..]].concat());
    });
    out.into_bytes()
}

fn forge(certificate: &Certificate, from: &[u8], to: &[u8], key: &SoftwareKey) -> Certificate {
    Certificate::from_bytes(&forged(certificate.as_bytes(), from, to, key)).unwrap()
}

const POLICY_EUM: [u8; 7] = [0x67, 0x81, 0x12, 1, 2, 1, 2];
const POLICY_EUICC: [u8; 7] = [0x67, 0x81, 0x12, 1, 2, 1, 1];
const POLICY_AUTH: [u8; 7] = [0x67, 0x81, 0x12, 1, 2, 1, 4];
const DIGITAL_SIGNATURE: [u8; 6] = [4, 4, 3, 2, 7, 0x80];
const KEY_CERT_SIGN: [u8; 6] = [4, 4, 3, 2, 2, 4];
const CERT_AND_CRL_SIGN: [u8; 6] = [4, 4, 3, 2, 1, 6];

#[test]
fn good_chains_on_both_curves() {
    for curve in Curve::ALL {
        let ca = Ca::rsp(*curve);
        ca.chain_at(START).unwrap();
        ca.auth(&ca.auth.0).unwrap();
        let parsed = ParsedCertificate::parse(&ca.euicc.0).unwrap();
        assert_eq!(parsed.public_key.curve(), *curve);
    }
}

#[test]
fn key_identifiers_are_of_the_sha256_of_the_point() {
    for curve in [Curve::NistP256, Curve::BrainpoolP256r1] {
        let ca = Ca::rsp(curve);
        let point = ca.euicc.1.public_key();
        let hash = SoftwareProvider.sha256(&[point.as_sec1()]);
        let parsed = ParsedCertificate::parse(&ca.euicc.0).unwrap();
        assert_eq!(parsed.subject_key_identifier.as_deref(), Some(&hash[..20]));
        let issuer = ParsedCertificate::parse(&ca.eum.0).unwrap();
        assert!(issuer.subject_key_identifier.is_some());
        assert_eq!(
            parsed.authority_key_identifier,
            issuer.subject_key_identifier
        );
    }
}

#[test]
fn issuers_and_signatures() {
    let (ca, other) = (Ca::rsp(Curve::NistP256), Ca::rsp(Curve::BrainpoolP256r1));
    let side = Side::Eum;
    assert_eq!(ca.eum(&other.eum.0), ChainError::UnknownIssuer { side });
    let stranger = ca.euicc(&other.euicc.0);
    assert_eq!(stranger, ChainError::UnknownIssuer { side: Side::Euicc });
    let nothing = |of: &Certificate| forge(of, &POLICY_EUM, &POLICY_EUM, &ca.euicc.1);
    assert_eq!(ca.eum(&nothing(&ca.eum.0)), ChainError::Signature { side });
    let euicc = forge(&ca.euicc.0, &POLICY_EUICC, &POLICY_EUICC, &ca.ci.1);
    let side = Side::Euicc;
    assert_eq!(ca.euicc(&euicc), ChainError::Signature { side });
    let root = forge(&ca.ci.0, b"CI", b"CI", &ca.eum.1);
    let refused = TrustAnchor::new(&root, &SoftwareProvider).unwrap_err();
    assert_eq!(refused, ChainError::Signature { side: Side::Ci });
}

#[test]
fn the_only_algorithm_is_ecdsa_with_sha256() {
    let ca = Ca::rsp(Curve::NistP256);
    let sha384 = forge(&ca.eum.0, &[4, 3, 2], &[4, 3, 3], &ca.ci.1);
    let cause = CertificateError::SignatureAlgorithm("1.2.840.10045.4.3.3".to_string());
    let side = Side::Eum;
    assert_eq!(ca.eum(&sha384), ChainError::Malformed { side, cause });
}

#[test]
fn policies_and_key_usages() {
    let ca = Ca::rsp(Curve::NistP256);
    let (ci, eum) = (&ca.ci.1, &ca.eum.1);
    let side = Side::Eum;
    let changed = forge(&ca.eum.0, &POLICY_EUM, &POLICY_AUTH, ci);
    assert_eq!(ca.eum(&changed), ChainError::Policy { side });
    let changed = forge(&ca.eum.0, &KEY_CERT_SIGN, &DIGITAL_SIGNATURE, ci);
    assert_eq!(ca.eum(&changed), ChainError::KeyUsage { side });
    let leaf = forge(&ca.auth.0, &POLICY_AUTH, &POLICY_EUM, ci);
    assert_eq!(ca.eum(&leaf), ChainError::NotCa { side });

    let side = Side::Euicc;
    let changed = forge(&ca.euicc.0, &POLICY_EUICC, &POLICY_AUTH, eum);
    assert_eq!(ca.euicc(&changed), ChainError::Policy { side });
    let changed = forge(&ca.euicc.0, &DIGITAL_SIGNATURE, &KEY_CERT_SIGN, eum);
    assert_eq!(ca.euicc(&changed), ChainError::KeyUsage { side });

    let side = Side::Leaf;
    let refused = |certificate: &Certificate| ca.auth(certificate).unwrap_err();
    let policy = forge(&ca.auth.0, &POLICY_AUTH, &POLICY_EUM, ci);
    assert_eq!(refused(&policy), ChainError::Policy { side });
    let usage = forge(&ca.auth.0, &DIGITAL_SIGNATURE, &KEY_CERT_SIGN, ci);
    assert_eq!(refused(&usage), ChainError::KeyUsage { side });
    let authority = forge(&ca.eum.0, &POLICY_EUM, &POLICY_AUTH, ci);
    assert_eq!(refused(&authority), ChainError::IsCa { side });
}

#[test]
fn roots() {
    let ca = Ca::rsp(Curve::NistP256);
    let side = Side::Ci;
    let refused = |root: &Certificate| TrustAnchor::new(root, &SoftwareProvider).unwrap_err();
    assert_eq!(refused(&ca.auth.0), ChainError::NotCa { side });
    let usage = forge(&ca.ci.0, &CERT_AND_CRL_SIGN, &DIGITAL_SIGNATURE, &ca.ci.1);
    assert_eq!(refused(&usage), ChainError::KeyUsage { side });
    let nameless = forge(&ca.ci.0, &[0x55, 0x1D, 14], &[0x55, 0x1D, 99], &ca.ci.1);
    assert_eq!(refused(&nameless), ChainError::KeyIdentifier { side });
    // A root with path length 0 issues end entities alone.
    let flat = Ca::new(Curve::NistP256, Role::PrivateCa);
    flat.auth(&flat.auth.0).unwrap();
    let side = Side::Eum;
    assert_eq!(
        flat.chain_at(START).unwrap_err(),
        ChainError::PathLength { side }
    );
}

#[test]
fn one_curve_per_chain() {
    for curve in Curve::ALL {
        let mut ca = Ca::rsp(*curve);
        for other in Curve::ALL.iter().filter(|other| **other != ca.curve) {
            let key = SoftwareKey::generate(*other, &mut ca.rng).unwrap();
            let ci = (&ci_name(), &ca.ci.1);
            let auth = certificate(dp_auth(), name("DP", "", "DP"), &key, 4, ci);
            let refused = ca.auth(&auth).unwrap_err();
            assert_eq!(refused, ChainError::Curve { side: Side::Leaf });
            let eum = certificate(eum_role("89049032"), eum_name(), &key, 2, ci);
            assert_eq!(ca.eum(&eum), ChainError::Curve { side: Side::Eum });
            let subject = name("Maker", EID, "eUICC");
            let issuer = (&eum_name(), &ca.eum.1);
            let euicc = certificate(Role::Euicc, subject, &key, 3, issuer);
            assert_eq!(ca.euicc(&euicc), ChainError::Curve { side: Side::Euicc });
        }
    }
}

#[test]
fn validity() {
    let ca = Ca::rsp(Curve::NistP256);
    let early = Timestamp(START.0 - 1000);
    let late = START.after(11 * DAY);
    let refused = ca.chain_at(early).unwrap_err();
    assert_eq!(refused, ChainError::NotYetValid { side: Side::Ci });
    let refused = ca.chain_at(late).unwrap_err();
    assert_eq!(refused, ChainError::Expired { side: Side::Ci });

    // Under a root that lives longer, each certificate for itself.
    let end = b"260111000000Z";
    let root = forge(&ca.ci.0, end, b"360111000000Z", &ca.ci.1);
    let anchor = TrustAnchor::new(&root, &SoftwareProvider).unwrap();
    let refused = ca.chain(&ca.eum.0, &ca.euicc.0, &anchor, late);
    assert_eq!(refused, Err(ChainError::Expired { side: Side::Eum }));
    let eum = forge(&ca.eum.0, end, b"360111000000Z", &ca.ci.1);
    let refused = ca.chain(&eum, &ca.euicc.0, &anchor, late);
    assert_eq!(refused, Err(ChainError::Expired { side: Side::Euicc }));
    let (begin, later) = (b"260101000000Z", b"260102000000Z");
    let eum = forge(&ca.eum.0, begin, later, &ca.ci.1);
    assert_eq!(ca.eum(&eum), ChainError::NotYetValid { side: Side::Eum });
}

#[test]
fn what_an_eum_may_issue() {
    let ca = Ca::rsp(Curve::NistP256);
    let other = EID.replacen("89049032", "89049033", 1);
    let eid = ca.card(name("Maker", &other, "eUICC"));
    assert!(matches!(
        ca.euicc(&eid),
        ChainError::EidRange | ChainError::NoEid
    ));
    let in_range = "89049044000000000000000000000000";
    let eid = rsp_asn1::ids::Eid::with_check_digits(&in_range[..30]).unwrap();
    let eid = ca.card(name("Maker", &eid.to_string(), "eUICC"));
    assert_eq!(ca.euicc(&eid), ChainError::EidRange);
    let organization = ca.card(name("Faker", EID, "eUICC"));
    assert_eq!(ca.euicc(&organization), ChainError::Organization);
    for wrong in ["", "8904", "not an EID"] {
        let serial = ca.card(name("Maker", wrong, "eUICC"));
        assert_eq!(ca.euicc(&serial), ChainError::NoEid, "{wrong}");
    }
    let ci = (&ci_name(), &ca.ci.1);
    let unbounded = certificate(eum_role(""), eum_name(), &ca.eum.1, 2, ci);
    assert_eq!(ca.eum(&unbounded), ChainError::NoConstraints);
}

#[test]
fn revoked_certificates_are_refused_and_others_are_not() {
    for curve in Curve::ALL {
        let ca = Ca::rsp(*curve);
        let now = START.after(2 * DAY);
        let revoke = |serials: &[Vec<u8>]| {
            let mut anchor = ca.anchor();
            anchor
                .set_crl(&ca.crl(serials), now, &SoftwareProvider)
                .unwrap();
            anchor
        };
        let chain = |anchor: &TrustAnchor| ca.chain(&ca.eum.0, &ca.euicc.0, anchor, now);
        assert_eq!(chain(&revoke(&[])), Ok(()));
        assert_eq!(chain(&revoke(&[vec![9], vec![4], vec![0x81]])), Ok(()));
        let refused = chain(&revoke(&[vec![9], vec![2], vec![4]]));
        assert_eq!(refused, Err(ChainError::Revoked { side: Side::Eum }));
        let anchor = revoke(&[vec![4]]);
        let auth = verify_under(
            &ca.auth.0,
            policy::DP_AUTH,
            std::slice::from_ref(&anchor),
            // What was revoked stays so when the list is outdated.
            START.after(4 * DAY),
            &SoftwareProvider,
        );
        assert_eq!(auth.unwrap_err(), ChainError::Revoked { side: Side::Leaf });
        assert_eq!(anchor.crl().unwrap().revoked, [[4]]);
    }
}

#[test]
fn revocation_lists_must_be_the_cis_and_current() {
    let ca = Ca::rsp(Curve::NistP256);
    let now = START.after(2 * DAY);
    let list = ca.crl(&[vec![2]]);
    // Late, but of the CI: what it names stays revoked.
    let mut late = ca.anchor();
    for (now, outdated) in [(START.after(DAY), false), (START.after(4 * DAY), true)] {
        let taken = late.set_crl_of_any_age(&list, now, &SoftwareProvider);
        assert_eq!(taken, Ok(outdated));
        assert_eq!(late.crl().unwrap().revoked, [[2]]);
    }
    let early = late.set_crl_of_any_age(&list, START, &SoftwareProvider);
    assert_eq!(early, Err(CrlError::NotYetValid));
    let refused = |list: &[u8], now| {
        let mut anchor = ca.anchor();
        let refused = anchor.set_crl(list, now, &SoftwareProvider).unwrap_err();
        assert_eq!(anchor.crl(), None);
        refused
    };
    assert_eq!(refused(&list, START), CrlError::NotYetValid);
    assert_eq!(refused(&list, START.after(4 * DAY)), CrlError::Outdated);
    let other = Ca::rsp(Curve::BrainpoolP256r1);
    assert_eq!(refused(&other.crl(&[]), now), CrlError::OtherIssuer);
    let signed = forged(&list, b"CI", b"CI", &ca.eum.1);
    assert_eq!(refused(&signed, now), CrlError::Signature);
    let renamed = forged(&list, b"CI", b"IC", &ca.ci.1);
    assert_eq!(refused(&renamed, now), CrlError::OtherIssuer);
    let mut changed = list.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&changed, now), CrlError::Signature);
    assert!(matches!(
        refused(&list[..list.len() - 1], now),
        CrlError::Malformed(_)
    ));
    assert!(matches!(refused(&[], now), CrlError::Malformed(_)));
    assert_eq!(refused(&vec![0; (1 << 20) + 1], now), CrlError::TooLong);

    let root = forge(&ca.ci.0, &CERT_AND_CRL_SIGN, &KEY_CERT_SIGN, &ca.ci.1);
    let mut anchor = TrustAnchor::new(&root, &SoftwareProvider).unwrap();
    let refused = anchor.set_crl(&list, now, &SoftwareProvider);
    assert_eq!(refused, Err(CrlError::MayNotSign));
}

#[test]
fn a_critical_extension_of_a_revocation_list_must_be_known() {
    let ca = Ca::rsp(Curve::NistP256);
    let issuer = Issuer::of(&ca.ci.0).unwrap();
    let template = |number| CrlTemplate {
        number,
        this_update: START,
        next_update: START.after(DAY),
        revoked: &[],
    };
    // Room for the flag: cRLNumber of four octets makes way for one.
    let list = issue_crl(&template(0x7F00_0000), &issuer, &ca.ci.1).unwrap();
    let number = [0x55, 0x1D, 20, 4, 6, 2, 4, 0x7F, 0, 0, 0];
    let critical = |arc| [0x55, 0x1D, arc, 1, 1, 0xFF, 4, 3, 2, 1, 5];
    let mut anchor = ca.anchor();
    let known = forged(&list, &number, &critical(20), &ca.ci.1);
    anchor.set_crl(&known, START, &SoftwareProvider).unwrap();
    let unknown = forged(&list, &number, &critical(28), &ca.ci.1);
    let refused = anchor.set_crl(&unknown, START, &SoftwareProvider);
    let oid = "2.5.29.28".to_string();
    assert_eq!(refused, Err(CrlError::UnknownCriticalExtension(oid)));
}
