//! ES9+.InitiateAuthentication: SGP.23 4.3.12.2.1.

use rsp_asn1::rsp::{EuiccInfo1, ServerSigned1};
use rsp_asn1::{Asn1, Certificate, Signed};
use serde_json::{Value, json};

use super::bench::Bench;
use super::euicc::Euicc;
use super::http::{base64, member, octets};
use crate::conform::case::{Case, Check, case, ensure, same};
use crate::conform::der::{Leaf, verify};
use rsp_asn1::Tlv;

pub(super) const CASES: &[Case<Bench>] = &[
    case("4.3.12.2.1-01", "nominal", nominal),
    case(
        "4.3.12.2.1-02",
        "transactionId and serverChallenge are unique",
        unique,
    ),
    case("4.3.12.2.1-03", "another SM-DP+ address", wrong_address),
    case(
        "4.3.12.2.1-04",
        "no CI for signing in common",
        no_signing_ci,
    ),
    case("4.3.12.2.1-05", "an svn that is not supported", old_version),
    case(
        "4.3.12.2.1-06",
        "no certificate under a CI of the eUICC",
        no_certificate,
    ),
    case("4.3.12.2.1-07", "svn 2.2.1", |b| version(b, [2, 2, 1])),
    case("4.3.12.2.1-08", "svn 2.2.2", |b| version(b, [2, 2, 2])),
    case("4.3.12.2.1-09", "svn 2.3.0", |b| version(b, [2, 3, 0])),
];

/// A session that has begun.
pub(in crate::conform) struct Started {
    pub(in crate::conform) signed: Signed<ServerSigned1>,
    pub(in crate::conform) certificate: Certificate,
}

/// InitiateAuthentication with these parameters.
pub(super) fn request(challenge: [u8; 16], address: &str, info1: &EuiccInfo1) -> Value {
    json!({
        "euiccChallenge": base64(&challenge),
        "euiccInfo1": base64(&info1.to_der()),
        "smdpAddress": address,
    })
}

impl Bench {
    /// InitiateAuthentication, whose answer is verified.
    pub(in crate::conform) fn started(&mut self, euicc: &Euicc) -> Check<Started> {
        let mut challenge = [0; 16];
        rsp_crypto::Rng::fill(&mut self.rng, &mut challenge);
        let address = self.settings.address.clone();
        let body = request(challenge, &address, &euicc.info1());
        let reply = self.es9plus("initiateAuthentication", &body)?;
        let reply = reply.ok("initiateAuthentication")?;
        let signed = Signed::<ServerSigned1>::from_der(&octets(&reply, "serverSigned1")?)?;
        let certificate = Certificate::from_der(&octets(&reply, "serverCertificate")?)?;
        let leaf = Leaf::read(&certificate)?;
        let ci = Leaf::read(&self.ci()?.0)?;
        leaf.is_issued_by("CERT.DPauth", &ci.key)?;
        let signature = octets(&reply, "serverSignature1")?;
        let signature = Tlv::parse(&signature)?;
        same("tag of serverSignature1", signature.tag.get(), 0x5F37)?;
        verify(
            "serverSignature1",
            &leaf.key,
            &[signed.as_bytes()],
            signature.value,
        )?;
        let shown = member(&reply, "transactionId")?;
        let id = signed.transaction_id.to_string();
        same("transactionId", shown.as_str(), id.as_str())?;
        same("euiccChallenge", signed.euicc_challenge, challenge)?;
        let found = signed.server_address.to_ascii_lowercase();
        same("serverAddress", found, address.to_ascii_lowercase())?;
        let chosen = octets(&reply, "euiccCiPKIdToBeUsed")?;
        let chosen = Tlv::parse(&chosen)?;
        same("euiccCiPKIdToBeUsed", chosen.value, euicc.ci.as_slice())?;
        Ok(Started {
            signed,
            certificate,
        })
    }
}

pub(in crate::conform) fn nominal(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    bench.started(&euicc).map(drop)
}

pub(in crate::conform) fn unique(bench: &mut Bench) -> Check {
    let euicc = bench.euicc()?;
    let (first, second) = (bench.started(&euicc)?, bench.started(&euicc)?);
    ensure(
        first.signed.transaction_id != second.signed.transaction_id,
        "each session has its own transactionId",
    )?;
    ensure(
        first.signed.server_challenge != second.signed.server_challenge,
        "each session has its own serverChallenge",
    )
}

/// InitiateAuthentication that must be refused.
pub(in crate::conform) fn refused(
    bench: &mut Bench,
    bend: impl FnOnce(&mut EuiccInfo1, &mut String),
    pair: &str,
) -> Check {
    let euicc = bench.euicc()?;
    let (mut info1, mut address) = (euicc.info1(), bench.settings.address.clone());
    bend(&mut info1, &mut address);
    let body = request([7; 16], &address, &info1);
    let reply = bench.es9plus("initiateAuthentication", &body)?;
    reply.refused_with("initiateAuthentication", pair)
}

pub(super) fn wrong_address(bench: &mut Bench) -> Check {
    refused(
        bench,
        |_, address| *address = "other.example.org".into(),
        "8.8.1/3.8",
    )
}

fn no_signing_ci(bench: &mut Bench) -> Check {
    let unknown = |info: &mut EuiccInfo1, _: &mut String| {
        info.euicc_ci_pk_id_list_for_signing = vec![vec![9; 20]];
    };
    refused(bench, unknown, "8.8.2/3.1")
}

fn old_version(bench: &mut Bench) -> Check {
    refused(bench, |info, _| info.svn = [1, 0, 0], "8.8.3/3.1")
}

fn no_certificate(bench: &mut Bench) -> Check {
    let unknown = |info: &mut EuiccInfo1, _: &mut String| {
        info.euicc_ci_pk_id_list_for_verification = vec![vec![9; 20]];
    };
    refused(bench, unknown, "8.8.4/3.7")
}

fn version(bench: &mut Bench, svn: [u8; 3]) -> Check {
    let mut euicc = bench.euicc()?;
    euicc.info2.svn = svn;
    bench.started(&euicc).map(drop)
}
