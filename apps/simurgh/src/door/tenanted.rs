//! What functions work on: the things of one tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fleet::price::EnergyModel;
use store::{Database, DoorStore, EimHost, Eims, ImportStore, SmdpHost, Tenant};

use super::health::Looks;
use super::inventory::Imports;
use super::metrics::OpenOperations;
use crate::events::Teller;
use crate::inject::Pushes;
use crate::metrics::Fleet;
use crate::smdps::Smdps;

/// What the functions work on that somebody of a tenant calls.
pub(crate) struct Functions {
    pub(super) eim: Arc<EimHost>,
    /// The SM-DP+ of this server, which is one for all tenants.
    pub(super) smdp: Arc<SmdpHost>,
    /// Where the tenant orders activation codes.
    pub(super) smdps: Smdps,
    /// Who brings packages to devices that listen, if somebody does.
    pub(super) pushes: Option<Pushes>,
    /// Imports that this process switches over.
    pub(super) imports: Imports,
    /// What radio takes.
    pub(super) energy: EnergyModel,
    /// What all processes know of imports.
    pub(super) reports: Arc<dyn ImportStore>,
}

/// The functions of each tenant.
pub(crate) struct AllFunctions {
    eims: Arc<Eims>,
    smdp: Arc<SmdpHost>,
    smdps: Arc<Smdps>,
    pushes: Option<Pushes>,
    database: Arc<dyn Database>,
    energy: EnergyModel,
    /// Who numbers events and tells of them.
    pub(super) teller: Arc<Teller>,
    /// Whether the database can be used.
    pub(super) health: Arc<Looks>,
    /// What is counted of the fleet.
    pub(super) fleet: Arc<Fleet>,
    /// What is not at its end.
    pub(super) open: Arc<OpenOperations>,
    of: Mutex<HashMap<Tenant, Arc<Functions>>>,
}

impl AllFunctions {
    pub(crate) fn new(
        eims: Arc<Eims>,
        (smdp, smdps): (Arc<SmdpHost>, Arc<Smdps>),
        (pushes, energy): (Option<Pushes>, EnergyModel),
        (teller, fleet): (Arc<Teller>, Arc<Fleet>),
        database: Arc<dyn Database>,
    ) -> Self {
        AllFunctions {
            eims,
            smdp,
            smdps,
            pushes,
            energy,
            teller,
            health: Arc::new(Looks::new(database.clone())),
            fleet,
            open: Arc::new(OpenOperations::new(database.clone())),
            database,
            of: Mutex::default(),
        }
    }

    /// What all processes know of requests of a tenant.
    pub(super) fn door(&self, tenant: &Tenant) -> Arc<dyn DoorStore> {
        self.database.door(tenant.clone())
    }

    /// Those of a tenant, which are made when somebody asks for the first time.
    pub(super) fn of(&self, tenant: &Tenant) -> Arc<Functions> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            Arc::new(Functions {
                eim: self.eims.of(tenant),
                smdp: self.smdp.clone(),
                smdps: self.smdps.of(tenant),
                pushes: self.pushes.clone(),
                imports: Imports::default(),
                energy: self.energy.clone(),
                reports: self.database.imports(tenant.clone()),
            })
        };
        of.entry(tenant.clone()).or_insert_with(make).clone()
    }
}
