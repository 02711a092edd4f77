//! ES10b.GetCerts (SGP.32 5.9.10). An eUICC for consumer devices shows its
//! certificates to the servers that it authenticates, and in notifications; from
//! then on they are known here. They prove what it signs by itself: installation
//! results and notifications.

use rsp_asn1::rsp::{AuthenticateServerResponse, PendingNotification};
use rsp_asn1::sgp32::{Certs, GetCertsError, GetCertsRequest, GetCertsResponse};
use rsp_asn1::{Asn1, Certificate, Extensions};

use super::storage::Certificates;
use super::{StandIn, decode};
use crate::ipa::IpaError;
use crate::pki::ParsedCertificate;

impl StandIn<'_> {
    /// The certificates, if they are known and those that are asked for.
    /// undefinedError says that they are not known yet.
    pub(super) fn get_certs(&self, bytes: &[u8]) -> Result<GetCertsResponse, IpaError> {
        let request: GetCertsRequest = decode("GetCerts", bytes)?;
        let Some(Certificates { eum, euicc }) = self.card().certificates else {
            return Ok(GetCertsResponse::Error(GetCertsError::UNDEFINED_ERROR));
        };
        let ci = ParsedCertificate::parse(&eum).ok();
        let ci = ci.and_then(|eum| eum.authority_key_identifier);
        let fits = request.euicc_ci_pk_id.is_none() || request.euicc_ci_pk_id == ci;
        Ok(match fits {
            true => GetCertsResponse::Certs(Certs {
                eum_certificate: eum,
                euicc_certificate: euicc,
                extensions: Extensions::default(),
            }),
            false => GetCertsResponse::Error(GetCertsError::INVALID_CI_PK_ID),
        })
    }

    /// Out of what the eUICC shows a server.
    pub(super) async fn learn_certificates_of_session(
        &self,
        answer: &[u8],
    ) -> Result<(), IpaError> {
        match AuthenticateServerResponse::from_der(answer) {
            Ok(AuthenticateServerResponse::Ok(ok)) => {
                self.learn_certificates(&ok.eum_certificate, &ok.euicc_certificate)
                    .await
            }
            _ => Ok(()),
        }
    }

    /// Out of notifications.
    pub(super) async fn learn_certificates_of(
        &self,
        waiting: &[PendingNotification],
    ) -> Result<(), IpaError> {
        let shown = waiting.iter().find_map(|one| match one {
            PendingNotification::Other(other) => Some(other),
            _ => None,
        });
        match shown {
            Some(other) => {
                self.learn_certificates(&other.eum_certificate, &other.euicc_certificate)
                    .await
            }
            None => Ok(()),
        }
    }

    /// The first are kept: an eUICC with several chains shows those that the
    /// server can verify.
    async fn learn_certificates(
        &self,
        eum: &Certificate,
        euicc: &Certificate,
    ) -> Result<(), IpaError> {
        let mut card = self.card();
        if card.certificates.is_some() {
            return Ok(());
        }
        card.certificates = Some(Certificates {
            eum: eum.clone(),
            euicc: euicc.clone(),
        });
        self.save(card).await
    }
}
