//! A database with the rows of all tenants.

use std::sync::Arc;

use crate::access_contract::AccessStore;
use crate::contract::Store;
use crate::engine::Engine;
use crate::sql::SqlStore;
use crate::tenant::Tenant;

/// Gives the stores of tenants, which are all in one database.
pub trait Database: Send + Sync {
    /// What the roles keep of a tenant.
    fn store(&self, tenant: Tenant) -> Arc<dyn Store>;

    /// Who may come in to a tenant.
    fn access(&self, tenant: Tenant) -> Arc<dyn AccessStore>;
}

impl<E: Engine> Database for SqlStore<E> {
    fn store(&self, tenant: Tenant) -> Arc<dyn Store> {
        Arc::new(self.of_tenant(tenant))
    }

    fn access(&self, tenant: Tenant) -> Arc<dyn AccessStore> {
        Arc::new(self.of_tenant(tenant))
    }
}
