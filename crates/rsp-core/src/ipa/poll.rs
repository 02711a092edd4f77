//! eIM Package retrieval (SGP.32 3.1.1.1): one round after another.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::{GetEuiccDataRequest, GetEuiccDataResponse};
use rsp_asn1::sgp32::{
    EimConfigurationData, EimId, EimPackageError, EimPackageResult, EimPublicKeyData,
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimConfigurationDataRequest,
    GetEimConfigurationDataResponse, GetEimPackageRequest, GetEimPackageResponse,
    HandleNotificationEsipa, ProvideEimPackageResult, ProvideEimPackageResultResponse,
};
use rsp_asn1::{Extensions, Null};

use super::channel::Channel;
use super::memory::Memory;
use super::port::Port;
use super::unusable_package::UnusablePackage;
use super::{Config, Event, IpaError, MAX_PACKAGES_PER_ROUND, Server, emulation};
use crate::binding::esipa::Function;
use crate::binding::{BindingError, Transport};
use crate::pki::TlsTrust;

/// The tag list of ES10c.GetEID: the EID.
pub(super) const TAG_EID: [u8; 1] = [0x5A];

/// What every procedure of a round uses.
pub(super) struct Round<'a> {
    pub(super) port: &'a Port,
    pub(super) config: &'a Config,
    pub(super) memory: &'a Memory,
    pub(super) channel: &'a Channel<'a>,
    pub(super) eid: Eid,
    /// The eIM that forwards notifications, if this IPA does not itself.
    pub(super) forwarder: RefCell<Option<Server>>,
    /// Packages since the start of the IPA.
    pub(super) processed: &'a Cell<u32>,
}

/// An eIM that the eUICC knows and that has an address.
pub(super) struct Eim {
    pub(super) id: EimId,
    pub(super) server: Server,
    pub(super) association_token: Option<i64>,
    /// Whether it offers to relay downloads.
    pub(super) relays: bool,
}

/// Rounds, until so many packages were processed as were asked for.
pub(super) async fn run(port: Port, config: Config, memory: Memory) {
    let processed = Cell::new(0);
    let is_over = || {
        config
            .stop_after
            .is_some_and(|most| processed.get() >= most)
    };
    while !is_over() {
        // A round is boxed: while the IPA waits it takes no memory.
        let mut outcome = Box::pin(round(&port, &config, &memory, &processed)).await;
        if let Err(error) = &outcome
            && error.needs_reset()
        {
            let reason = error.to_string();
            port.event(Event::CardReset { reason });
            outcome = match port.reset_card().await {
                // What was under way goes on from where the memory says.
                Ok(()) => Box::pin(round(&port, &config, &memory, &processed)).await,
                Err(reason) => Err(IpaError::Card(reason)),
            };
        }
        // Nothing that must be noted before it is done: the event is enough.
        let saved = save(&port, &memory).await;
        if let Err(error) = outcome.and(saved) {
            let reason = error.to_string();
            port.event(Event::Failed { reason });
        }
        if !is_over() {
            port.event(Event::Idle);
            port.pause(config.poll_interval).await;
        }
    }
    port.event(Event::Idle);
    port.event(Event::Stopped);
}

/// Has the memory saved, if it has changed; it is durable when this returns.
pub(super) async fn save(port: &Port, memory: &Memory) -> Result<(), IpaError> {
    let Some(bytes) = memory.unsaved() else {
        return Ok(());
    };
    match port.persist(bytes).await {
        Ok(()) => {
            memory.saved();
            Ok(())
        }
        Err(reason) => {
            port.event(Event::MemoryNotSaved {
                reason: reason.clone(),
            });
            Err(IpaError::Memory(reason))
        }
    }
}

/// One round, on a channel that is closed however it ends.
async fn round(
    port: &Port,
    config: &Config,
    memory: &Memory,
    processed: &Cell<u32>,
) -> Result<(), IpaError> {
    let mut channel = Channel::open(port, config.block_size).await?;
    let result = match begin(&mut channel, port, config, memory).await {
        Ok(eid) => round_on(&channel, port, config, memory, eid, processed).await,
        Err(error) => Err(error),
    };
    channel.close().await;
    result
}

/// Learns which eUICC it is, and what it needs.
async fn begin<'a>(
    channel: &mut Channel<'a>,
    port: &'a Port,
    config: &'a Config,
    memory: &'a Memory,
) -> Result<Eid, IpaError> {
    let get_eid = GetEuiccDataRequest {
        tag_list: TAG_EID,
        extensions: Extensions::default(),
    };
    let eid: GetEuiccDataResponse = channel.call("GetEID", &get_eid).await?;
    let eid = eid.eid_value;
    memory.begin(eid);
    emulation::stand_in(channel, port, config, memory, eid).await?;
    Ok(eid)
}

async fn round_on(
    channel: &Channel<'_>,
    port: &Port,
    config: &Config,
    memory: &Memory,
    eid: Eid,
    processed: &Cell<u32>,
) -> Result<(), IpaError> {
    let round = Round {
        port,
        config,
        memory,
        channel,
        eid,
        forwarder: RefCell::new(None),
        processed,
    };
    round.every_eim().await
}

impl Round<'_> {
    /// Polls every eIM that the eUICC knows, then delivers notifications.
    async fn every_eim(&self) -> Result<(), IpaError> {
        let request = GetEimConfigurationDataRequest {
            search_criteria: None,
            extensions: Extensions::default(),
        };
        let known = self.channel.call("GetEimConfigurationData", &request);
        let known: Result<GetEimConfigurationDataResponse, IpaError> = known.await;
        let known = known.map_err(|error| {
            match !self.channel.is_iot() && emulation::is_refused(&error) {
                true => IpaError::NoIotEuicc(Box::new(error)),
                false => error,
            }
        })?;
        let known = known.eim_configuration_data_list;
        let ids = known.iter().map(|known| known.eim_id.clone()).collect();
        self.memory.keep_eims(ids);
        self.handle_device_events().await?;
        let transports = &self.config.transports;
        if !self.config.features.direct {
            let first = known.iter().find_map(|known| eim(known, transports));
            self.forwarder.replace(first.map(|eim| eim.server));
        }
        let waiting = self.waiting_notifications(None).await?;
        self.recover_downloads(&waiting).await;
        let before = self.processed.get();
        let mut outcome = Ok(());
        for eim in known.iter().filter_map(|known| eim(known, transports)) {
            // One eIM that cannot be reached must not keep the others waiting,
            // but without the card nothing is of use to any.
            let served = self.serve(&eim).await;
            let ends = served.as_ref().is_err_and(IpaError::needs_reset);
            outcome = outcome.and(served);
            if ends {
                return outcome;
            }
        }
        if outcome.is_ok() {
            self.memory.certain();
        }
        match waiting.is_empty() && self.processed.get() == before {
            true => outcome,
            false => outcome.and(self.deliver_notifications().await),
        }
    }

    /// Gives an eIM what it has not taken yet, then does what it has to be
    /// done. A result that it does not take must not stop that.
    async fn serve(&self, eim: &Eim) -> Result<(), IpaError> {
        let owed = self.deliver_owed_results(eim).await;
        let stored = match !self.config.minimal || self.memory.results_may_wait() {
            true => self.deliver_stored_results(eim).await,
            false => Ok(()),
        };
        if stored.as_ref().is_err_and(IpaError::needs_reset) {
            return stored;
        }
        let polled = self.every_package(eim).await;
        // What the card is in need of must not hide behind a server's trouble.
        match polled.as_ref().is_err_and(IpaError::needs_reset) {
            true => polled,
            false => owed.and(stored).and(polled),
        }
    }

    async fn every_package(&self, eim: &Eim) -> Result<(), IpaError> {
        for _ in 0..MAX_PACKAGES_PER_ROUND {
            let stop_after = self.config.stop_after;
            if stop_after.is_some_and(|most| self.processed.get() >= most) {
                return Ok(());
            }
            let package = match self.get_eim_package(eim).await? {
                Ok(package) => package,
                Err(unusable) => {
                    self.count_package();
                    self.refuse_package(eim, unusable).await?;
                    continue;
                }
            };
            match package {
                GetEimPackageResponse::EuiccPackageRequest(package) => {
                    self.count_package();
                    self.process_euicc_package(eim, package.as_bytes()).await?;
                }
                GetEimPackageResponse::IpaEuiccDataRequest(request) => {
                    self.count_package();
                    self.answer_data_request(eim, &request).await?;
                }
                GetEimPackageResponse::ProfileDownloadTriggerRequest(trigger) => {
                    self.count_package();
                    self.process_download_trigger(eim, &trigger).await?;
                }
                GetEimPackageResponse::EimPackageError(
                    EimPackageError::NO_EIM_PACKAGE_AVAILABLE,
                ) => return Ok(()),
                GetEimPackageResponse::EimPackageError(_) => {
                    return Err(IpaError::Protocol("the eIM does not know this eUICC"));
                }
            }
        }
        Ok(())
    }

    fn count_package(&self) {
        self.processed.set(self.processed.get().saturating_add(1));
    }

    /// ESipa.GetEimPackage. What has changed without this eIM is told until it
    /// has answered once (SGP.32 5.14.5). A package that cannot be read is an
    /// answer too.
    async fn get_eim_package(
        &self,
        eim: &Eim,
    ) -> Result<Result<GetEimPackageResponse, UnusablePackage>, IpaError> {
        let cause = self.memory.cause_for(&eim.id);
        let request = GetEimPackageRequest {
            eid_value: self.eid,
            notify_state_change: cause.map(|_| Null),
            state_change_cause: cause,
            r_plmn: self.port.registered(),
            extensions: Extensions::default(),
        };
        let message = EsipaMessageFromIpaToEim::GetEimPackageRequest(request);
        let (binding, response) = self.ask_eim(&eim.server, &message).await?;
        let answer = match binding.decode_response(Function::GetEimPackage, &response) {
            Ok(EsipaMessageFromEimToIpa::GetEimPackageResponse(answer)) => Ok(answer),
            Ok(_) => return Err(wrong_function(&eim.server)),
            Err(error) => {
                let unusable = UnusablePackage::find(binding, &response, &error);
                Err(unusable.ok_or_else(|| server_error(&eim.server, error))?)
            }
        };
        if let Some(cause) = cause {
            self.memory.told(&eim.id, cause);
        }
        Ok(answer)
    }

    /// ESipa.ProvideEimPackageResult; gives the sequence numbers that the eIM
    /// acknowledged.
    pub(super) async fn provide(
        &self,
        eim: &Server,
        result: EimPackageResult,
    ) -> Result<Vec<i64>, IpaError> {
        let provide = self.provide_message(result);
        let message = EsipaMessageFromIpaToEim::ProvideEimPackageResult(provide);
        let response = self.esipa(eim, &message).await?;
        let EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(response) = response else {
            return Err(wrong_function(eim));
        };
        match response {
            ProvideEimPackageResultResponse::EimAcknowledgements(numbers) => Ok(numbers.0),
            ProvideEimPackageResultResponse::EmptyResponse(_) => Ok(Vec::new()),
            ProvideEimPackageResultResponse::Error(_) => {
                Err(IpaError::Protocol("the eIM did not take the result"))
            }
        }
    }

    /// ESipa.HandleNotification with a result (SGP.32 3.2.3.1 step 13).
    pub(super) async fn notify_eim(
        &self,
        eim: &Server,
        result: EimPackageResult,
    ) -> Result<(), IpaError> {
        let result = HandleNotificationEsipa::ProvideEimPackageResult(self.provide_message(result));
        self.tell_eim(eim, &EsipaMessageFromIpaToEim::HandleNotification(result))
            .await
    }

    fn provide_message(&self, result: EimPackageResult) -> ProvideEimPackageResult {
        ProvideEimPackageResult {
            eid_value: Some(self.eid),
            eim_package_result: result,
            extensions: Extensions::default(),
        }
    }
}

/// Where an eIM is and whom to trust as it; `None` for one without address. If
/// the two have no transport in common, HTTPS is tried all the same.
fn eim(configuration: &EimConfigurationData, own: &[Transport]) -> Option<Eim> {
    let supported = |transport: &Transport| match &configuration.eim_supported_protocol {
        Some(bits) => bits.bit(transport.retrieve_bit()),
        None => *transport == Transport::Https,
    };
    let transport = own.iter().copied().find(supported);
    let trust = match &configuration.trusted_public_key_data_tls {
        Some(EimPublicKeyData::PublicKey(key)) => Some(TlsTrust::PinnedKey(key.clone())),
        Some(EimPublicKeyData::Certificate(certificate)) => {
            Some(TlsTrust::Certificate(certificate.clone()))
        }
        None => None,
    };
    Some(Eim {
        id: configuration.eim_id.clone(),
        server: Server {
            address: configuration.eim_fqdn.clone()?,
            trust,
            transport: transport.unwrap_or(Transport::Https),
        },
        association_token: configuration.association_token,
        relays: configuration.indirect_profile_download.is_some(),
    })
}

pub(super) fn server_error(server: &Server, error: BindingError) -> IpaError {
    IpaError::Server {
        address: server.address.clone(),
        error,
    }
}

pub(super) fn wrong_function(server: &Server) -> IpaError {
    server_error(server, BindingError::WrongFunction)
}
