//! The eIM for all tenants of a database: one identifier and one key, one index of the
//! eUICCs of all, and for each tenant a host on its rows.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rsp_asn1::ids::Eid;
use rsp_asn1::sgp32::EsipaMessageFromIpaToEim;
use rsp_core::binding::HttpResponse;
use rsp_core::eim::{Carried, Eim, EuiccRecord};
use rsp_core::{Context, Timestamp};

use crate::announce::ChosenProfile;
use crate::contract::StoreError;
use crate::counted::Came;
use crate::database::Database;
use crate::eim::{EimHost, EimReply, Observer, idle};
use crate::index::{Index, Owner};
use crate::others::Heard;
use crate::psk_contract::HeldPsk;
use crate::relay::{Answer, Pending};
use crate::tenant::Tenant;

/// As [`crate::ChooseProfile`], for the devices of all tenants.
pub type ChooseForTenant = Box<
    dyn Fn(&Tenant, &EuiccRecord, &mut Context<'_>) -> Result<ChosenProfile, String> + Send + Sync,
>;

/// The eIM for all tenants. What comes from devices comes in here and finds its tenant
/// (`crates/store/src/whose.rs`); what people of a tenant want goes to its host.
pub struct Eims {
    eim: Arc<Eim>,
    pub(crate) database: Arc<dyn Database>,
    pub(crate) index: Arc<Index>,
    pub(crate) heard: Heard,
    observer: Arc<Observer>,
    choose: Option<Arc<ChooseForTenant>>,
    hosts: RwLock<Hosts>,
    /// The default tenant's, which answers what is nobody's.
    first: Arc<EimHost>,
}

/// The hosts that there are in this process, each at the place that its
/// [`Owner`] names.
#[derive(Default)]
struct Hosts {
    all: Vec<(Tenant, Arc<EimHost>)>,
    owners: HashMap<Tenant, Owner>,
}

impl std::fmt::Debug for Eims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Eims")
            .field("eim", &self.eim)
            .finish_non_exhaustive()
    }
}

impl Eims {
    /// An eIM on a database. Somebody hears what happens, and somebody chooses
    /// profiles for devices that a factory announced.
    ///
    /// # Errors
    /// If the eUICCs cannot be read from the database.
    pub fn open(
        eim: Eim,
        database: Arc<dyn Database>,
        observer: Observer,
        choose: Option<ChooseForTenant>,
    ) -> Result<Self, StoreError> {
        // The clock first: what is added meanwhile is heard of.
        let start = database.changes(None)?.map(|changes| changes.until);
        let (eim, index) = (Arc::new(eim), Arc::<Index>::default());
        let mut eims = Eims {
            first: Arc::new(EimHost::sharing(
                eim.clone(),
                database.store(Tenant::default()),
                index.clone(),
                Owner::default(),
            )),
            eim,
            database,
            index,
            heard: Heard::from(start),
            observer: Arc::new(observer),
            choose: choose.map(Arc::new),
            hosts: RwLock::default(),
        };
        eims.first = eims.of(&Tenant::default());
        eims.look_at_all()?;
        Ok(eims)
    }

    /// The eIM.
    pub fn eim(&self) -> &Eim {
        &self.eim
    }

    /// The database.
    pub fn database(&self) -> &dyn Database {
        &*self.database
    }

    /// The host of the default tenant.
    pub fn first(&self) -> &Arc<EimHost> {
        &self.first
    }

    /// The host of a tenant, which is made when it is asked for the first time.
    pub fn of(&self, tenant: &Tenant) -> Arc<EimHost> {
        if let Some(host) = self.known(tenant) {
            return host;
        }
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = hosts.owners.get(tenant)
            && let Some((_, host)) = hosts.all.get(owner.0 as usize)
        {
            return host.clone();
        }
        let owner = Owner(u32::try_from(hosts.all.len()).unwrap_or(u32::MAX));
        let host = Arc::new(self.make(tenant, owner));
        hosts.all.push((tenant.clone(), host.clone()));
        hosts.owners.insert(tenant.clone(), owner);
        host
    }

    fn known(&self, tenant: &Tenant) -> Option<Arc<EimHost>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let owner = hosts.owners.get(tenant)?;
        hosts
            .all
            .get(owner.0 as usize)
            .map(|(_, host)| host.clone())
    }

    fn make(&self, tenant: &Tenant, owner: Owner) -> EimHost {
        let store = self.database.store(tenant.clone());
        let mut host = EimHost::sharing(self.eim.clone(), store, self.index.clone(), owner);
        host.observer = Some(self.observer.clone());
        if let Some(choose) = self.choose.clone() {
            let tenant = tenant.clone();
            let choose =
                move |record: &EuiccRecord, cx: &mut Context<'_>| choose(&tenant, record, cx);
            host.choose_profiles(Box::new(choose));
        }
        host
    }

    /// The host at a place.
    pub(crate) fn at(&self, owner: Owner) -> Option<(Tenant, Arc<EimHost>)> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.all.get(owner.0 as usize).cloned()
    }

    /// The host of an eUICC: from memory, if it is known there.
    ///
    /// # Errors
    /// If the database had to be asked and fails.
    pub fn of_euicc(&self, eid: Eid) -> Result<Option<Arc<EimHost>>, StoreError> {
        if let Some((_, host)) = self.index.owner(eid).and_then(|owner| self.at(owner)) {
            return Ok(Some(host));
        }
        let tenant = self.database.tenant_of_euicc(eid)?;
        Ok(tenant.map(|tenant| self.of(&tenant)))
    }

    /// A pre-shared key, and the device that has it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn psk(&self, identity: &str) -> Result<Option<HeldPsk>, StoreError> {
        self.database.held_psk(identity)
    }

    /// The eUICCs of all tenants are put into the index, as far as they are not there.
    pub(crate) fn look_at_all(&self) -> Result<(), StoreError> {
        self.database.euicc_index(&mut |tenant, eid, busy| {
            self.index.learn(eid, self.of(tenant).owner, busy);
        })
    }

    /// As [`EimHost::handle_idle`], whosever the device is: no tenant is looked for.
    pub fn handle_idle(
        &self,
        message: &EsipaMessageFromIpaToEim,
        now: Timestamp,
    ) -> Option<EimReply> {
        idle(&self.index, message, now)
    }

    /// As [`EimHost::begin`], at the host of the tenant whose device it is. What the
    /// message and its answer take is counted for the operations that it is about.
    ///
    /// # Errors
    /// If the store fails: then nothing was executed.
    pub fn begin(
        &self,
        message: &EsipaMessageFromIpaToEim,
        carried: &Carried,
        cx: &mut Context<'_>,
    ) -> Result<Answer, StoreError> {
        let whose = self.whose(message, cx)?;
        let came = Came {
            from: whose.as_ref().and_then(|whose| whose.eid),
            carried: Some(*carried),
        };
        let host = whose.map_or_else(|| self.first.clone(), |whose| whose.host);
        host.begin_of(message, came, cx)
    }

    /// As [`EimHost::finish`].
    ///
    /// # Errors
    /// If the store fails: then the IPA has to repeat its message.
    pub fn finish(
        &self,
        pending: Pending,
        response: Result<HttpResponse, String>,
        cx: &mut Context<'_>,
    ) -> Result<Answer, StoreError> {
        let host = self.of_euicc(pending.eid)?;
        let host = host.unwrap_or_else(|| self.first.clone());
        host.finish(pending, response, cx)
    }

    /// Puts down when devices polled, all at once; to be called now and then.
    ///
    /// # Errors
    /// If the database fails: then the last contacts are lost.
    pub fn save_contacts(&self) -> Result<(), StoreError> {
        let contacts = self.index.take_contacts();
        let of_one = contacts.chunk_by(|(one, ..), (next, ..)| one == next);
        let by_tenant = of_one.filter_map(|contacts| {
            let (tenant, _) = self.at(contacts.first()?.0)?;
            let contacts = contacts.iter().map(|(_, eid, at)| (*eid, *at));
            Some((tenant, contacts.collect()))
        });
        let by_tenant: Vec<(Tenant, Vec<(Eid, Timestamp)>)> = by_tenant.collect();
        match by_tenant.is_empty() {
            true => Ok(()),
            false => self.database.put_contacts(&by_tenant),
        }
    }
}
