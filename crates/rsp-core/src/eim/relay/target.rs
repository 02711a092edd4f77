//! Which server a download is asked of (SGP.32 3.2.3.2, 3.9.2.2): what the order
//! says, or the event that an SM-DS had, or what the IPA took from its eUICC.

use alloc::string::{String, ToString};

use rsp_asn1::Oid;
use rsp_asn1::sgp32::InitiateAuthenticationErrorEsipa as Code;

use super::Refused;
use crate::binding::esipa::Function;
use crate::eim::{EuiccRecord, Operation, OperationKind};
use crate::ipa::ActivationCode;
use crate::pki::{ParsedCertificate, policy};

const FUNCTION: Function = Function::InitiateAuthentication;

/// What a server must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Smdp,
    Smds,
    /// An event leads to either.
    Either,
}

/// A server, and what is wanted of it.
pub(super) struct Target {
    /// Host name.
    pub(super) address: String,
    /// What it finds the order or the event by; the EID if absent.
    pub(super) matching_id: Option<String>,
    /// OID that its certificate must have.
    pub(super) oid: Option<Oid>,
    role: Role,
}

impl Target {
    /// Where this download is, for an IPA that names this server, or none.
    ///
    /// # Errors
    /// What the IPA is answered if it names another server than it was sent to,
    /// or if nobody knows one.
    pub(super) fn of(
        record: &EuiccRecord,
        operation: &Operation,
        named: Option<&str>,
    ) -> Result<Self, Refused> {
        let is_named = |address: &str| named.is_none_or(|it| it.eq_ignore_ascii_case(address));
        // An IPA that names the SM-DS begins anew.
        if let Some(event) = &operation.event
            && is_named(&event.rsp_server_address)
        {
            return Ok(Target {
                address: event.rsp_server_address.clone(),
                matching_id: Some(event.event_id.clone()),
                oid: None,
                role: Role::Either,
            });
        }
        let (ordered, from_euicc, role) = match &operation.kind {
            OperationKind::Download { activation_code } => {
                let code = activation_code.parse::<ActivationCode>();
                let because = "the download has no valid activation code";
                let code = code.map_err(|_| Refused::undefined(FUNCTION, because))?;
                let target = Target {
                    address: code.smdp_address,
                    matching_id: Some(code.matching_id),
                    oid: code.smdp_oid,
                    role: Role::Smdp,
                };
                return match is_named(&target.address) {
                    true => Ok(target),
                    false => Err(other_server()),
                };
            }
            OperationKind::ContactDefaultSmdp => {
                (None, &record.facts.default_smdp_address, Role::Smdp)
            }
            OperationKind::ContactSmds { smds_address } => (
                smds_address.as_deref(),
                &record.facts.root_smds_address,
                Role::Smds,
            ),
            _ => {
                let because = "the operation is no download";
                return Err(Refused::undefined(FUNCTION, because));
            }
        };
        if !ordered.is_none_or(is_named) {
            return Err(other_server());
        }
        // The eUICC's own may have changed since the eIM heard of it.
        let address = ordered.or(named).or(from_euicc.as_deref());
        let because = "nobody says which server it is";
        let address = address.ok_or_else(|| Refused::undefined(FUNCTION, because))?;
        Ok(Target {
            address: address.to_string(),
            matching_id: None,
            oid: None,
            role,
        })
    }

    /// What the server is, by CERT.DPauth or CERT.DSauth.
    ///
    /// # Errors
    /// If it is not what was meant, or has another OID than the activation code.
    pub(super) fn is_smds(&self, certificate: &ParsedCertificate) -> Result<bool, Refused> {
        if self.oid.is_some() && self.oid != certificate.registered_id {
            let because = "the SM-DP+ has another OID than the activation code";
            return Err(Refused::new(FUNCTION, Code::SMDP_OID_MISMATCH.0, because));
        }
        let is_smds = certificate.has_policy(policy::DS_AUTH);
        match (self.role, is_smds) {
            (Role::Smdp, true) => Err(Refused::undefined(
                FUNCTION,
                "an SM-DS where an SM-DP+ was meant",
            )),
            (Role::Smds, false) => Err(Refused::undefined(FUNCTION, "the SM-DS is none")),
            _ => Ok(is_smds),
        }
    }
}

fn other_server() -> Refused {
    let because = "the IPA names another server than the order";
    Refused::new(FUNCTION, Code::SMDP_ADDRESS_MISMATCH.0, because)
}

impl Operation {
    /// Whether this download is known to be at a server, by which one is found
    /// whose IPA names no transaction.
    pub fn is_at(&self, address: &str) -> bool {
        let is = |known: &str| known.eq_ignore_ascii_case(address);
        let at_event = self.event.as_ref();
        at_event.is_some_and(|event| is(&event.rsp_server_address))
            || match &self.kind {
                OperationKind::Download { activation_code } => activation_code
                    .parse()
                    .is_ok_and(|code: ActivationCode| is(&code.smdp_address)),
                OperationKind::ContactSmds { smds_address } => {
                    smds_address.as_deref().is_some_and(is)
                }
                _ => false,
            }
    }
}
