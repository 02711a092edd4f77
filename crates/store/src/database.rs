//! A database with the rows of all tenants.

use std::sync::Arc;

use crate::access_contract::AccessStore;
use crate::contract::{Store, StoreError};
use crate::engine::Engine;
use crate::events_contract::EventStore;
use crate::sql::SqlStore;
use crate::tenant::Tenant;
use crate::webhook_contract::WebhookStore;
use rsp_core::Timestamp;

/// What is told of a tenant, and whom.
pub trait Telling: EventStore + WebhookStore {}

impl<S: EventStore + WebhookStore> Telling for S {}

/// Gives the stores of tenants, which are all in one database.
pub trait Database: Send + Sync {
    /// What the roles keep of a tenant.
    fn store(&self, tenant: Tenant) -> Arc<dyn Store>;

    /// Who may come in to a tenant.
    fn access(&self, tenant: Tenant) -> Arc<dyn AccessStore>;

    /// The events of a tenant and who is told of them.
    fn telling(&self, tenant: Tenant) -> Arc<dyn Telling>;

    /// Changes a row to what it is, on disk, and looks whether more would fit.
    ///
    /// # Errors
    /// If the engine cannot be reached or written.
    fn prove_writable(&self) -> Result<(), StoreError>;

    /// Tenants of which events have no number yet.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_to_number(&self) -> Result<Vec<Tenant>, StoreError>;

    /// Tenants that have a webhook endpoint that is to be told something at a time.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_to_tell(&self, now: Timestamp) -> Result<Vec<Tenant>, StoreError>;

    /// Tenants that have events.
    ///
    /// # Errors
    /// If the engine fails.
    fn tenants_with_events(&self) -> Result<Vec<Tenant>, StoreError>;
}

impl<E: Engine> Database for SqlStore<E> {
    fn store(&self, tenant: Tenant) -> Arc<dyn Store> {
        Arc::new(self.of_tenant(tenant))
    }

    fn access(&self, tenant: Tenant) -> Arc<dyn AccessStore> {
        Arc::new(self.of_tenant(tenant))
    }

    fn telling(&self, tenant: Tenant) -> Arc<dyn Telling> {
        Arc::new(self.of_tenant(tenant))
    }

    fn prove_writable(&self) -> Result<(), StoreError> {
        self.prove_writable()
    }

    fn tenants_to_number(&self) -> Result<Vec<Tenant>, StoreError> {
        self.tenants_to_number()
    }

    fn tenants_to_tell(&self, now: Timestamp) -> Result<Vec<Tenant>, StoreError> {
        self.tenants_to_tell(now)
    }

    fn tenants_with_events(&self) -> Result<Vec<Tenant>, StoreError> {
        self.tenants_with_events()
    }
}
