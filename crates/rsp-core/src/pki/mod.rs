//! Certificates of remote SIM provisioning: reading, validating, issuing
//! (SGP.22 4.5, variant O of SGP.26).

mod certificate;
mod crl;
mod hierarchy;
mod issue;
mod pem;
mod validate;

pub use certificate::{CertificateError, ParsedCertificate, PermittedEids};
pub use crl::{Crl, CrlError, CrlTemplate, issue_crl};
pub use hierarchy::{Eum, Hierarchy, Issued, member};
pub use issue::{IssueError, Issuer, Name, Role, Template, issue, issue_under, key_identifier};
pub use pem::{certificate_from_pem, certificate_to_pem, crl_from_pem};
pub use validate::{
    ChainError, EuiccIdentity, Side, TlsTrust, TrustAnchor, verify_euicc_chain, verify_eum,
    verify_issued, verify_tls_server, verify_under,
};

/// Policy OIDs of the roles (SGP.22 4.5.2.1).
pub mod policy {
    /// id-rspRole-ci.
    pub const CI: &str = "2.23.146.1.2.1.0";
    /// id-rspRole-euicc.
    pub const EUICC: &str = "2.23.146.1.2.1.1";
    /// id-rspRole-eum.
    pub const EUM: &str = "2.23.146.1.2.1.2";
    /// id-rspRole-dp-tls.
    pub const DP_TLS: &str = "2.23.146.1.2.1.3";
    /// id-rspRole-dp-auth.
    pub const DP_AUTH: &str = "2.23.146.1.2.1.4";
    /// id-rspRole-dp-pb.
    pub const DP_PB: &str = "2.23.146.1.2.1.5";
    /// id-rspRole-ds-tls.
    pub const DS_TLS: &str = "2.23.146.1.2.1.6";
    /// id-rspRole-ds-auth.
    pub const DS_AUTH: &str = "2.23.146.1.2.1.7";
}
