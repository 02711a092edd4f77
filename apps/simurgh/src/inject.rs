//! Packages that the eIM brings to devices that listen (ESipa.
//! TransferEimPackage, SGP.32 5.14.4): it asks itself for the next package in
//! the device's place, takes it there, and takes the answer for what the device
//! provides. So what is brought is counted and settled as what is fetched.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::Extensions;
use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimPackageRequest,
    HandleNotificationEsipa, TransferEimPackageRequest, TransferEimPackageResponse,
};
use rsp_core::binding::esipa::EsipaBinding;
use rsp_core::binding::{Transport, esipa_asn1};
use rsp_core::eim::{Carried, transfer};
use rsp_core::ipa::Server;
use rsp_crypto::software::SoftwareProvider;
use rsp_net::dtls::Credentials;
use rsp_net::{Client, CoapClient, TlsIdentity};
use store::EimReply;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::Failure;
use crate::config::Config;
use crate::esipa::Esipa;
use crate::pki::ServerKeys;

/// The eIM's certificate and key as a client of devices, in the folder of keys.
const MEMBER: &str = "eim_inject";

/// Devices that wait for their turn, and that are brought something at a time.
const WAITING: usize = 1024;
const AT_A_TIME: usize = 64;

/// Packages that are brought in one go.
const MAX_PACKAGES: usize = 32;

/// How long a device may take over a package.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pauses before a device that was not reached is tried again. Then it waits
/// for the next order, or for `simurgh device push`.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(600),
];

/// Tells whoever brings packages that there may be one for a device.
#[derive(Clone)]
pub(crate) struct Pushes(mpsc::Sender<Eid>);

impl Pushes {
    /// There may be one for this device.
    pub(crate) fn tell(&self, eid: Eid) {
        if self.0.try_send(eid).is_err() {
            tracing::warn!(%eid, "too many devices wait to be brought something");
        }
    }

    /// A device that was brought a trigger has told what came of it: the next
    /// package may follow.
    pub(crate) fn tell_of_result(&self, message: &EsipaMessageFromIpaToEim) {
        use EsipaMessageFromIpaToEim::HandleNotification;
        use HandleNotificationEsipa::ProvideEimPackageResult;
        if let HandleNotification(ProvideEimPackageResult(provided)) = message
            && let Some(eid) = provided.eid_value
        {
            self.tell(eid);
        }
    }
}

/// Who is told, and what is told; nothing unless it is configured.
pub(crate) fn channel(config: &Config) -> Option<(Pushes, mpsc::Receiver<Eid>)> {
    let (tell, told) = mpsc::channel(WAITING);
    config.eim.inject.then_some((Pushes(tell), told))
}

/// Brings packages.
pub(crate) struct Injector {
    told: mpsc::Receiver<Eid>,
    bearer: Bearer,
}

/// What carries them.
#[derive(Clone)]
struct Bearer {
    esipa: Esipa,
    https: Client,
    coap: CoapClient,
    identity: TlsIdentity,
}

impl Injector {
    /// Reads certificate and key, if there is somebody to be told.
    pub(crate) fn new(
        config: &Config,
        pki: &ServerKeys,
        esipa: Esipa,
        told: Option<mpsc::Receiver<Eid>>,
    ) -> Result<Option<Self>, Failure> {
        let Some(told) = told else {
            return Ok(None);
        };
        let identity = pki.tls(MEMBER)?;
        let crypto = Arc::new(SoftwareProvider);
        let mut https = Client::builder()
            .timeout(PATIENCE)
            .client_identity(identity.clone());
        let mut coap = CoapClient::new(crypto.clone()).timeout(PATIENCE);
        for (name, address) in &config.resolve {
            https = https.resolve(name, *address);
            coap = coap.resolve(name, *address);
        }
        let https = https.build(crypto);
        Ok(Some(Injector {
            told,
            bearer: Bearer {
                esipa,
                https: https.map_err(|error| Failure::new(MEMBER, error))?,
                coap,
                identity,
            },
        }))
    }

    /// Brings what there is, until it is to end.
    pub(crate) async fn run(mut self, mut ended: watch::Receiver<bool>) {
        let mut bringing: JoinSet<Eid> = JoinSet::new();
        // Devices that are seen to, and whether they were named again meanwhile.
        let mut busy: HashMap<Eid, bool> = HashMap::new();
        loop {
            let next = tokio::select! {
                Some(eid) = self.told.recv(), if busy.len() < AT_A_TIME => match busy.get_mut(&eid) {
                    Some(again) => {
                        *again = true;
                        continue;
                    }
                    None => eid,
                },
                Some(done) = bringing.join_next(), if !bringing.is_empty() => match done {
                    Ok(eid) if busy.remove(&eid) == Some(true) => eid,
                    Ok(_) => continue,
                    Err(error) => {
                        tracing::error!(%error, "a handler ended early");
                        continue;
                    }
                },
                _ = ended.wait_for(|ended| *ended) => return,
            };
            busy.insert(next, false);
            let bearer = self.bearer.clone();
            bringing.spawn(async move {
                bearer.bring_patiently(next).await;
                next
            });
        }
    }
}

impl Bearer {
    async fn bring_patiently(&self, eid: Eid) {
        let mut pauses = PAUSES.iter();
        loop {
            match self.bring(eid).await {
                Ok(0) => return,
                Ok(packages) => return tracing::info!(%eid, packages, "brought to the device"),
                Err(error) => {
                    tracing::warn!(%eid, %error, "nothing can be brought to the device");
                    match pauses.next() {
                        Some(pause) => tokio::time::sleep(*pause).await,
                        None => return,
                    }
                }
            }
        }
    }

    /// Brings one package after the other, until there is none or the device
    /// goes off with one; how many.
    async fn bring(&self, eid: Eid) -> Result<usize, Failure> {
        let eims = self.esipa.eims.clone();
        let read = move || match eims.of_euicc(eid)? {
            Some(eim) => eim.store().euicc(eid),
            None => Ok(None),
        };
        let record = tokio::task::spawn_blocking(read).await;
        let record = record.map_err(Failure::of)?.map_err(Failure::of)?;
        let Some(listener) = record.and_then(|record| record.value.listener) else {
            return Ok(0);
        };
        let server = listener.server().map_err(Failure::of)?;
        let carried = |received| Carried {
            transport: server.transport,
            binding: EsipaBinding::Asn1,
            received,
            brought: true,
        };
        for brought in 0..MAX_PACKAGES {
            let asked = GetEimPackageRequest {
                eid_value: eid,
                notify_state_change: None,
                state_change_cause: None,
                r_plmn: None,
                extensions: Extensions::default(),
            };
            let asked = EsipaMessageFromIpaToEim::GetEimPackageRequest(asked);
            let package = match self.esipa.answer(asked, carried(0)).await? {
                EimReply::Message(EsipaMessageFromEimToIpa::GetEimPackageResponse(response)) => {
                    transfer::transfer_request(response)
                }
                _ => None,
            };
            let Some(package) = package else {
                return Ok(brought);
            };
            let (answer, octets) = self.transfer(&server, package).await?;
            let Some(provided) = transfer::provided(eid, answer) else {
                // What comes of it, the device tells by itself.
                return Ok(brought + 1);
            };
            let provided = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided);
            if let EimReply::Message(EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(
                response,
            )) = self.esipa.answer(provided, carried(octets)).await?
                && let Some(acknowledgements) = transfer::acknowledgements(response)
            {
                self.transfer(&server, acknowledgements).await?;
            }
        }
        Ok(MAX_PACKAGES)
    }

    /// Takes one message to the device; its answer, and of how many octets that is.
    async fn transfer(
        &self,
        server: &Server,
        message: TransferEimPackageRequest,
    ) -> Result<(TransferEimPackageResponse, u64), Failure> {
        let message = EsipaMessageFromEimToIpa::TransferEimPackageRequest(message);
        let request = esipa_asn1::encode_from_eim(&message);
        let posted = match (server.transport, &server.trust) {
            (Transport::Coaps, Some(trust)) => {
                let credentials = Credentials::Certificate {
                    trust: trust.clone(),
                    identity: self.identity.clone(),
                };
                let posted = self.coap.post(&server.address, &credentials, request);
                posted.await
            }
            _ => self.https.post(server, request).await,
        };
        let response = posted.map_err(Failure::of)?;
        match esipa_asn1::decode_from_ipa(&response).map_err(Failure::of)? {
            EsipaMessageFromIpaToEim::TransferEimPackageResponse(answer) => {
                Ok((answer, response.body.len() as u64))
            }
            _ => Err(Failure::new(&server.address, "it answers another function")),
        }
    }
}
