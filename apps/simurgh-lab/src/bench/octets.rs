//! What a download and an enable cost on the wire.

use std::sync::Arc;

use rsp_core::binding::{HttpRequest, HttpResponse};
use rsp_core::eim::{Operation, OperationId, OperationKind, OperationState};
use rsp_core::ipa::Server;
use rsp_core::profile;
use rsp_core::smdp::{Order, ProfileMaterial};
use rsp_crypto::software::SoftwareProvider;
use rsp_net::Client;
use store::{EimHost, ProfileStock, SmdpChange, SmdpHost, SqliteStore, Store, Versioned};
use tokio::runtime::{Builder, Runtime};

use super::device::Device;
use super::relay::{Passed, Relay};
use super::report::Row;
use super::servers::{self, Running};
use super::setting::{EIM, SMDP, Setting, activation_code, now};
use crate::Failure;

/// Two rows. The eIM knows the eUICC's certificates by then; each operation
/// begins without connections and TLS sessions and ends when the eIM has
/// nothing more and all notifications are delivered.
pub(super) fn measure(setting: &Setting) -> Result<[Row; 2], Failure> {
    let (order, material) = setting.released()?;
    let iccid = order.iccid;
    let package = profile::personalise(&material.template, &material.subscription)?;
    let mut world = World::new(setting, order, &material)?;
    world.operate("certificates", OperationKind::ListProfileInfo)?;
    let download = world.operate(
        "download",
        OperationKind::Download {
            activation_code: activation_code(),
        },
    )?;
    let rollback = false;
    let enable = world.operate("enable", OperationKind::Enable { iccid, rollback })?;
    let profile = package.len() as u64;
    let beyond = download.total().checked_sub(profile);
    Ok([
        Row::octets(
            "one enable (ESipa HTTPS ASN.1, ES9+ JSON)",
            enable.text(),
            enable.total(),
        ),
        Row::octets(
            "one download beyond the profile (same bindings)",
            format!("{}; less the profile, {profile}", download.text()),
            beyond.ok_or("the profile did not pass")?,
        ),
    ])
}

/// What one operation took.
struct Wire {
    esipa: Passed,
    es9plus: Passed,
    requests: u32,
    /// Octets of all HTTP bodies.
    bodies: usize,
}

impl Wire {
    fn total(&self) -> u64 {
        self.esipa.octets() + self.es9plus.octets()
    }

    fn text(&self) -> String {
        let Wire { esipa, es9plus, .. } = self;
        format!(
            "TCP payload both ways, full TLS handshakes and HTTP heads included: ESipa {} in {} \
             connections, ES9+ {} in {}; {} requests, bodies {}",
            esipa.octets(),
            esipa.connections,
            es9plus.octets(),
            es9plus.connections,
            self.requests,
            self.bodies
        )
    }
}

/// A device, its servers, and a relay before each.
struct World {
    runtime: Runtime,
    device: Device,
    eim: Arc<EimHost>,
    esipa: Relay,
    es9plus: Relay,
    _servers: [Running; 2],
}

impl World {
    fn new(setting: &Setting, order: Order, material: &ProfileMaterial) -> Result<Self, Failure> {
        let store = Arc::new(SqliteStore::in_memory()?);
        let eim = Arc::new(EimHost::new(setting.eim()?, store.clone())?);
        let smdp = Arc::new(SmdpHost::new(setting.smdp()?, store.clone()));
        let (device, record) = Device::make(setting, eim.eim(), 1)?;
        eim.add_euicc(&record)?;
        release(store.as_ref(), order, material)?;
        let servers = [
            servers::start_eim(setting, &eim)?,
            servers::start_smdp(setting, &smdp)?,
        ];
        let [eim_server, smdp_server] = &servers;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(World {
            esipa: runtime.block_on(Relay::start(eim_server.address))?,
            es9plus: runtime.block_on(Relay::start(smdp_server.address))?,
            runtime,
            device,
            eim,
            _servers: servers,
        })
    }

    /// Has the device carry an operation out; fails unless it is confirmed.
    fn operate(&mut self, name: &str, kind: OperationKind) -> Result<Wire, Failure> {
        let id = OperationId(name.to_string());
        let operation = Operation::queued(id.clone(), self.device.eid, kind, now());
        self.eim.add_operation(&operation)?;

        let client = Client::builder()
            .resolve(EIM, self.esipa.address)
            .resolve(SMDP, self.es9plus.address)
            .build(Arc::new(SoftwareProvider))?;
        let (mut requests, mut bodies) = (0, 0);
        let runtime = &self.runtime;
        self.device.round(|server: &Server, request: HttpRequest| {
            requests += 1;
            bodies += request.body.len();
            let response: HttpResponse = runtime.block_on(client.post(server, request))?;
            bodies += response.body.len();
            Ok(response)
        })?;
        drop(client);
        let operation = self.eim.store().operation(&id)?;
        match operation.map(|operation| operation.state) {
            Some(OperationState::Confirmed { .. }) => Ok(Wire {
                esipa: self.runtime.block_on(self.esipa.finished())?,
                es9plus: self.runtime.block_on(self.es9plus.finished())?,
                requests,
                bodies,
            }),
            other => Err(format!("{name} is not confirmed: {other:?}").into()),
        }
    }
}

/// Puts the profile into stock and releases it.
pub(super) fn release(
    store: &dyn Store,
    order: Order,
    material: &ProfileMaterial,
) -> Result<(), Failure> {
    store.add_profiles(&ProfileStock {
        profile_type: &order.profile_type,
        template: &material.template,
        service_provider_name: &material.service_provider_name,
        profile_name: &material.profile_name,
        profile_class: material.profile_class,
        settings: material.settings.clone(),
        subscriptions: std::slice::from_ref(&material.subscription),
    })?;
    let stored = store.order(order.iccid)?;
    let version = stored.ok_or("the profile is not in stock")?.version;
    let order = Versioned {
        value: order,
        version,
    };
    Ok(store.commit_smdp(&SmdpChange::of_order(&order, super::setting::now()))?)
}
