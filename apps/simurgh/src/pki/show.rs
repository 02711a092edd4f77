//! `simurgh pki show`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use rsp_core::pki::{Crl, ParsedCertificate, policy};
use rsp_crypto::software::SoftwareKey;
use rsp_crypto::{Curve, SigningKey};

use super::material::{self, Material};
use crate::Failure;

/// Explain a certificate, a revocation list or a key.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The file, PEM or DER
    file: PathBuf,
}

impl Show {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(self.file.display(), error);
        let text = match material::read(&self.file)? {
            Material::Certificate(certificate) => {
                let read =
                    ParsedCertificate::parse(&certificate).map_err(|error| failed(&error))?;
                of_certificate(&read)
            }
            Material::Crl(der) => of_crl(&Crl::parse(&der).map_err(|error| failed(&error))?),
            Material::Key(key) => of_key(&key),
        };
        out!("{text}");
        Ok(())
    }
}

/// One line per fact, names left, values right.
#[derive(Default)]
struct Facts(String);

impl Facts {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        // A String takes everything.
        let _ = writeln!(self.0, "{name:<18} {value}");
    }

    fn add_some(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }
}

fn of_certificate(read: &ParsedCertificate) -> String {
    let mut facts = Facts::default();
    facts.add("certificate", role(read));
    facts.add("subject", &read.subject);
    facts.add("issuer", &read.issuer);
    facts.add_some("EID", read.eid());
    facts.add("valid from", read.not_before);
    facts.add("valid until", read.not_after);
    facts.add("serial number", hex(&read.serial));
    facts.add("curve", curve(read.public_key.curve()));
    let own = read.subject_key_identifier.as_deref();
    facts.add_some("key identifier", own.map(hex));
    let issuer = read.authority_key_identifier.as_deref();
    facts.add_some("issuer's key", issuer.map(hex));
    for policy in &read.policies {
        facts.add("policy", policy);
    }
    facts.add("may", usages(read).join(", "));
    facts.add_some("CAs below it", read.path_length);
    facts.add_some("registered ID", read.registered_id.as_ref());
    for name in &read.dns_names {
        facts.add("DNS name", name);
    }
    if let Some(permitted) = &read.permitted {
        facts.add_some("issues for", permitted.organization.as_ref());
        let prefix = permitted.eid_prefix.as_ref();
        facts.add_some(
            "issues EIDs from",
            prefix.map(|prefix| format!("{prefix}…")),
        );
    }
    facts.0
}

/// The role that policies, usages and names speak for.
fn role(read: &ParsedCertificate) -> &'static str {
    let roles = [
        (policy::CI, "CI, the root of trust"),
        (policy::EUM, "EUM, issues eUICCs"),
        (policy::EUICC, "eUICC"),
        (policy::DP_AUTH, "SM-DP+, authentication (DPauth)"),
        (policy::DP_PB, "SM-DP+, profile binding (DPpb)"),
        (policy::DP_TLS, "SM-DP+, TLS (DPtls)"),
        (policy::DS_AUTH, "SM-DS, authentication (DSauth)"),
        (policy::DS_TLS, "SM-DS, TLS (DStls)"),
    ];
    let found = roles.iter().find(|(policy, _)| read.has_policy(policy));
    match found {
        Some((_, role)) => role,
        None if read.is_ca => "a CA outside remote SIM provisioning",
        None if read.is_tls_server => "TLS server without a role of SGP.22 (an eIM, for example)",
        None if read.is_tls_client => "TLS client (an operator, for example)",
        None => "signs data, without a role of SGP.22 (an eIM, for example)",
    }
}

fn usages(read: &ParsedCertificate) -> Vec<&'static str> {
    let usages = [
        (read.may_sign_certificates, "sign certificates"),
        (read.may_sign_crls, "sign revocation lists"),
        (read.may_sign_data, "sign data"),
        (read.is_tls_server, "serve TLS"),
        (read.is_tls_client, "be a TLS client"),
    ];
    let may = usages.iter().filter(|(may, _)| *may);
    may.map(|(_, usage)| *usage).collect()
}

fn of_crl(crl: &Crl) -> String {
    let mut facts = Facts::default();
    facts.add("revocation list", "of a CI");
    facts.add("issuer", &crl.issuer);
    let issuer = crl.authority_key_identifier.as_deref();
    facts.add_some("issuer's key", issuer.map(hex));
    facts.add("issued", crl.this_update);
    facts.add_some("next one due", crl.next_update);
    facts.add("revoked", crl.revoked.len());
    for serial in &crl.revoked {
        facts.add("  serial number", hex(serial));
    }
    facts.0
}

/// Nothing of the key itself.
fn of_key(key: &SoftwareKey) -> String {
    let public = SigningKey::public_key(key);
    let mut facts = Facts::default();
    facts.add("private key", "readable, not shown");
    facts.add("curve", curve(public.curve()));
    facts.add("public key", hex(public.as_sec1()));
    facts.0
}

fn curve(curve: Curve) -> &'static str {
    match curve {
        Curve::NistP256 => "NIST P-256",
        Curve::BrainpoolP256r1 => "brainpoolP256r1",
        _ => "another curve",
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}
