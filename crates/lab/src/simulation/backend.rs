//! The servers of a simulation: they die and start again on their stores, and
//! all that leaves them is written down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsp_asn1::Asn1;
use rsp_asn1::ids::Eid;
use rsp_asn1::rsp::PendingNotification;
use rsp_asn1::sgp32::{
    EsipaMessageFromEimToIpa, EsipaMessageFromIpaToEim, GetEimPackageResponse,
    ProvideEimPackageResultResponse,
};
use rsp_core::binding::es9plus_json::{HandleNotificationRequest, Request};
use rsp_core::binding::{HttpRequest, HttpResponse, es9plus, esipa, json};
use rsp_core::eim::{Operation, OperationId};
use rsp_core::{Context, Timestamp};
use rsp_crypto::software::{SeededRng, SoftwareProvider};
use rsp_crypto::{Curve, Provider};
use store::{
    Answer, Due, EimHost, EimReply, EuiccChange, Forwarding, OperationFilter, SmdpHost, SmdpStore,
    SqliteStore, Store, StoreError,
};

use super::checker::{Attempt, Sent};
use super::layer::{Between, Layer};
use crate::factory::Factory;
use crate::material::Material;
use crate::servers::{Place, Servers};
use crate::world::{EIM, WorldError};

/// Puts something between the eIM and its store.
pub(super) type Wrap<'a> = &'a dyn Fn(Arc<dyn Store>) -> Arc<dyn Store>;

/// Notifications that are forwarded at once.
const MOST: usize = 100;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Eim,
    Smdp,
}

impl Server {
    /// The one with this address.
    pub(super) fn at(address: &str) -> Self {
        match address == EIM {
            true => Server::Eim,
            false => Server::Smdp,
        }
    }
}

/// What becomes of a server at a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    /// It dies before it has heard of the message.
    pub(super) dies_before: bool,
    /// It dies when it has done what the message wants.
    pub(super) dies_after: bool,
    /// Its disk takes nothing.
    pub(super) full: bool,
    /// How long it is away when it died.
    pub(super) away: Duration,
}

/// Which packages an operation travelled in; a disk that is full now and then.
#[derive(Debug, Default)]
struct Watch {
    attempts: Mutex<BTreeMap<OperationId, BTreeSet<Attempt>>>,
    full: Mutex<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Between for Arc<Watch> {
    fn commit(&self, change: &EuiccChange<'_>, store: &dyn Store) -> Result<(), StoreError> {
        if *lock(&self.full) {
            let error = std::io::Error::other("no space left");
            return Err(StoreError::File(error));
        }
        store.commit_euicc(change)?;
        for operation in change.operations {
            if let Some((_, counter)) = operation.sent() {
                let attempt = Attempt {
                    counter,
                    place: operation.place(),
                };
                let mut attempts = lock(&self.attempts);
                attempts
                    .entry(operation.id.clone())
                    .or_default()
                    .insert(attempt);
            }
        }
        Ok(())
    }
}

/// The servers.
pub(super) struct Backend {
    pub(super) servers: Servers,
    pub(super) factory: Factory,
    pub(super) eim: EimHost,
    pub(super) smdp: SmdpHost,
    rng: SeededRng,
    eim_store: Arc<dyn Store>,
    smdp_store: Arc<SqliteStore>,
    watch: Arc<Watch>,
    /// Until when each is away.
    away: [Timestamp; 2],
    sent: BTreeMap<Eid, Vec<Sent>>,
    acknowledged: BTreeMap<Eid, BTreeSet<i64>>,
    /// Installation results that the SM-DP+ took over: it keeps what they say,
    /// not them.
    taken: BTreeMap<Eid, BTreeSet<i64>>,
    /// How often each died.
    pub(super) deaths: [usize; 2],
}

impl Backend {
    pub(super) fn new(seed: u64, wrap: Wrap<'_>) -> Result<Self, WorldError> {
        let mut rng = SeededRng::new(seed);
        let material = Material::new(Curve::NistP256, &mut rng)?;
        let servers = Servers::new(Place::Memory, material);
        let watch: Arc<Watch> = Arc::default();
        let inner: Arc<dyn Store> = Arc::new(SqliteStore::in_memory()?);
        let watched: Arc<dyn Store> = Arc::new(Layer::new(inner, Arc::clone(&watch)));
        let eim_store = wrap(watched);
        let smdp_store = Arc::new(SqliteStore::in_memory()?);
        Ok(Backend {
            factory: servers.factory()?,
            eim: servers.eim_on(Arc::clone(&eim_store))?,
            smdp: servers.smdp_on(smdp_store.clone())?,
            servers,
            rng,
            eim_store,
            smdp_store,
            watch,
            away: [Timestamp(0); 2],
            sent: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            taken: BTreeMap::new(),
            deaths: [0; 2],
        })
    }

    /// What is needed to handle one message.
    pub(super) fn context(&mut self, now: Timestamp) -> (&EimHost, &SmdpHost, Context<'_>) {
        let cx = Context {
            now,
            rng: &mut self.rng,
            crypto: &SoftwareProvider,
        };
        (&self.eim, &self.smdp, cx)
    }

    /// What a server answers; nothing while it is away or dies.
    ///
    /// # Errors
    /// If a server cannot be started again.
    pub(super) fn serve(
        &mut self,
        server: Server,
        eid: Eid,
        request: &HttpRequest,
        now: Timestamp,
        fate: Fate,
    ) -> Result<Option<HttpResponse>, WorldError> {
        if self.is_away(server, now) {
            return Ok(None);
        }
        if fate.dies_before {
            self.die(server, now.after(fate.away))?;
            return Ok(None);
        }
        *lock(&self.watch.full) = fate.full;
        let response = match server {
            Server::Eim => self.esipa(eid, request, now),
            Server::Smdp => self.es9plus(eid, request, now),
        };
        *lock(&self.watch.full) = false;
        if fate.dies_after {
            self.die(server, now.after(fate.away))?;
            return Ok(None);
        }
        match response {
            Ok(response) => Ok(Some(response)),
            Err(WorldError::Store(StoreError::File(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn die(&mut self, server: Server, until: Timestamp) -> Result<(), WorldError> {
        match server {
            Server::Eim => self.eim = self.servers.eim_on(Arc::clone(&self.eim_store))?,
            Server::Smdp => self.smdp = self.servers.smdp_on(self.smdp_store.clone())?,
        }
        if let Some(away) = self.away.get_mut(server as usize) {
            *away = until;
        }
        if let Some(deaths) = self.deaths.get_mut(server as usize) {
            *deaths += 1;
        }
        Ok(())
    }

    /// Both are there.
    pub(super) fn come_back(&mut self) {
        self.away = [Timestamp(0); 2];
    }

    fn es9plus(
        &mut self,
        eid: Eid,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpResponse, WorldError> {
        let (_, smdp, mut cx) = self.context(now);
        let response = smdp.es9plus(request, &mut cx)?;
        let notification = match es9plus::decode_request(request) {
            Ok((_, Request::HandleNotification(message))) => message.pending_notification,
            _ => return Ok(response),
        };
        if response.status == 204
            && matches!(
                notification,
                PendingNotification::ProfileInstallationResult(_)
            )
        {
            let taken = self.taken.entry(eid).or_default();
            taken.insert(notification.seq_number());
        }
        Ok(response)
    }

    /// In either binding; of a download that the eIM relays, the SM-DP+ is
    /// asked meanwhile, unless it is away.
    fn esipa(
        &mut self,
        eid: Eid,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpResponse, WorldError> {
        let (binding, message) = match esipa::decode_request(request) {
            Ok(read) => read,
            Err(error) => return Ok(esipa::refuse(request, &error)),
        };
        let (eim, _, mut cx) = self.context(now);
        let mut answer = eim.begin(&message, &mut cx)?;
        let reply = loop {
            let pending = match answer {
                Answer::Reply(reply) => break reply,
                Answer::Ask(pending) => *pending,
            };
            let response = match self.is_away(Server::Smdp, now) {
                true => Err("no answer".to_string()),
                false => Ok(self.es9plus(eid, &pending.ask.request, now)?),
            };
            let (eim, _, mut cx) = self.context(now);
            answer = eim.finish(pending, response, &mut cx)?;
        };
        self.write_down(&message, &reply);
        self.forward(now)?;
        Ok(reply.encode(binding))
    }

    /// What the eIM took over for SM-DP+s is given to them, unless they are
    /// away: then at the next message.
    fn forward(&mut self, now: Timestamp) -> Result<(), WorldError> {
        if self.is_away(Server::Smdp, now) {
            return Ok(());
        }
        for outgoing in self.eim.store().due_notifications(&Due::at(now, MOST))? {
            let request = HandleNotificationRequest {
                pending_notification: PendingNotification::from_der(&outgoing.der)?,
            };
            let request = json::encode_request(&request, None)?;
            let response = self.es9plus(outgoing.eid, &request, now)?;
            let forwarding = match response.status {
                200..300 => Forwarding::Delivered,
                _ => Forwarding::Refused,
            };
            let detail = response.status.to_string();
            let store = self.eim.store();
            store.put_forwarding(&outgoing, forwarding, &detail)?;
        }
        Ok(())
    }

    fn is_away(&self, server: Server, now: Timestamp) -> bool {
        let away = self.away.get(server as usize);
        away.is_some_and(|until| now < *until)
    }

    /// What leaves the eIM cannot be taken back.
    fn write_down(&mut self, message: &EsipaMessageFromIpaToEim, reply: &EimReply) {
        match (message, reply) {
            (
                EsipaMessageFromIpaToEim::GetEimPackageRequest(request),
                EimReply::Message(EsipaMessageFromEimToIpa::GetEimPackageResponse(
                    GetEimPackageResponse::EuiccPackageRequest(package),
                )),
            ) => self.sent.entry(request.eid_value).or_default().push(Sent {
                counter: package.euicc_package_signed.counter_value,
                digest: SoftwareProvider.sha256(&[package.as_bytes()]),
            }),
            (
                EsipaMessageFromIpaToEim::ProvideEimPackageResult(provided),
                EimReply::Message(EsipaMessageFromEimToIpa::ProvideEimPackageResultResponse(
                    ProvideEimPackageResultResponse::EimAcknowledgements(numbers),
                )),
            ) => {
                if let Some(eid) = provided.eid_value {
                    let acknowledged = self.acknowledged.entry(eid).or_default();
                    acknowledged.extend(&numbers.0);
                }
            }
            _ => {}
        }
    }

    /// All operations of an eUICC.
    pub(super) fn operations(&self, eid: Eid) -> Result<Vec<Operation>, WorldError> {
        let filter = OperationFilter {
            eid: Some(eid),
            limit: usize::from(u16::MAX),
            ..OperationFilter::default()
        };
        Ok(self.eim_store.operations(&filter)?)
    }

    /// The packages that an operation travelled in.
    pub(super) fn attempts(&self, id: &OperationId) -> Vec<Attempt> {
        let attempts = lock(&self.watch.attempts);
        let of_one = attempts.get(id).into_iter().flatten();
        of_one.copied().collect()
    }

    /// What left the eIM for an eUICC.
    pub(super) fn sent(&self, eid: Eid) -> Vec<Sent> {
        self.sent.get(&eid).cloned().unwrap_or_default()
    }

    /// What the eIM acknowledged.
    pub(super) fn acknowledged(&self, eid: Eid) -> BTreeSet<i64> {
        self.acknowledged.get(&eid).cloned().unwrap_or_default()
    }

    /// Sequence numbers of what the stores have of an eUICC.
    pub(super) fn kept(&self, eid: Eid) -> Result<BTreeSet<i64>, WorldError> {
        let evidence = self.eim_store.evidence(eid)?;
        let mut kept: BTreeSet<i64> = evidence.iter().filter_map(|e| e.seq_number).collect();
        for der in self.smdp_store.smdp_notifications(eid)? {
            kept.insert(PendingNotification::from_der(&der)?.seq_number());
        }
        kept.extend(self.taken.get(&eid).into_iter().flatten());
        Ok(kept)
    }
}
