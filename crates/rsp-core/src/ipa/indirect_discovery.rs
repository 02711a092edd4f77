//! Discovery through the eIM (SGP.32 3.9.2.2): the eIM asks an SM-DS for this
//! eUICC and sends the IPA to where the event leads: an SM-DP+, or another SM-DS.

use alloc::string::ToString;

use rsp_asn1::ids::TransactionId;
use rsp_asn1::rsp::AuthenticateServerResponse;
use rsp_asn1::sgp32::ProfileDownloadTriggerRequest;

use super::discovery::MAX_DEPTH;
use super::download::{Started, check_started};
use super::download_place::{NotStarted, Place};
use super::poll::Round;
use super::{ActivationCode, Event, IpaError, Server};
use crate::pki::{ParsedCertificate, policy};

impl Round<'_> {
    /// Authenticates with one SM-DS after the other, and begins with the SM-DP+
    /// to which they lead; gives what leads there, unless only the eIM knows.
    pub(super) async fn initiate_past_smdss(
        &self,
        eim: &Server,
        mut transaction: Option<TransactionId>,
        first: &Place,
    ) -> Result<(Started, Option<ActivationCode>), IpaError> {
        let (mut further, mut discovers) = (None, first.is_smds);
        for _ in 0..=MAX_DEPTH {
            let place = further.as_ref().unwrap_or(first);
            let started = self.initiate_place(eim, transaction.clone(), place).await?;
            if !is_smds(&started) {
                if place.is_smds {
                    return Err(IpaError::Protocol("the SM-DS is none"));
                }
                if discovers {
                    self.port.event(Event::DownloadStarted {
                        smdp_address: started.server_signed1.server_address.clone(),
                    });
                }
                return Ok((started, place.code.clone()));
            }
            let trigger = self.ask_smds(eim, place, started).await?;
            discovers = true;
            transaction = trigger.eim_transaction_id.clone().or(transaction);
            further = Some(self.place_of(&trigger).await.map_err(|error| match error {
                NotStarted::Unusable => IpaError::Protocol("the eIM's answer leads nowhere"),
                NotStarted::Failed(error) => error,
            })?);
        }
        Err(IpaError::Protocol("too many SM-DSs behind each other"))
    }

    async fn initiate_place(
        &self,
        eim: &Server,
        transaction: Option<TransactionId>,
        place: &Place,
    ) -> Result<Started, IpaError> {
        // An IPA whose eIM knows the address must not send it (5.14.1).
        let is_known = self.config.features.eim_download_data && !place.from_euicc;
        let address = place.code.as_ref().map(|code| code.smdp_address.as_str());
        let address = address.filter(|_| !is_known || transaction.is_none());
        let (challenge, info) = self.challenge().await?;
        self.initiate_through(eim, address, transaction, challenge, info)
            .await
    }

    /// What the SM-DS has for this eUICC.
    async fn ask_smds(
        &self,
        eim: &Server,
        place: &Place,
        started: Started,
    ) -> Result<ProfileDownloadTriggerRequest, IpaError> {
        let code = place.code.as_ref();
        check_started(&started, code.map(|code| code.smdp_address.as_str()))?;
        let event_id = code.map(|code| code.matching_id.clone());
        let smds_address = started.server_signed1.server_address.to_string();
        let session = started.transaction_id.clone();
        let eim_made_params = started.ctx_params1.is_some();
        // Without an EventID all events are meant.
        let event_id = event_id.filter(|event_id| !event_id.is_empty());
        let response = self.authenticate_started(started, event_id).await?;
        if let AuthenticateServerResponse::Error(error) = &response {
            return Err(IpaError::CardRefused {
                command: "AuthenticateServer",
                code: error.authenticate_error_code.0,
            });
        }
        let trigger = self.event_through(eim, session, response, eim_made_params);
        let trigger = trigger.await?;
        self.port.event(Event::EventsFound {
            smds_address,
            events: usize::from(trigger.is_some()),
        });
        trigger.ok_or(IpaError::Protocol("no event waits at the SM-DS"))
    }
}

fn is_smds(started: &Started) -> bool {
    let certificate = ParsedCertificate::parse(&started.server_certificate);
    certificate.is_ok_and(|certificate| certificate.has_policy(policy::DS_AUTH))
}
