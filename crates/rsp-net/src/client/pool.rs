//! Connections that wait for the next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsp_core::pki::TlsTrust;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::connection::Connection;
use crate::tls::ServerVerifier;

/// Connections kept per server.
const MAX_IDLE: usize = 16;

/// Longer unused than this, a connection is as a rule closed by the server or
/// forgotten by the network on the way.
const MAX_IDLE_TIME: Duration = Duration::from_secs(60);

/// Servers that are remembered.
const MAX_SERVERS: usize = 1024;

/// Trusts per address; more than one is rare.
const MAX_TRUSTS: usize = 16;

/// One address under one trust. TLS sessions are resumed only within it, so
/// that no trust inherits the verdict of another.
pub(super) struct Pool {
    pub(super) verifier: Arc<ServerVerifier>,
    pub(super) tls: Arc<ClientConfig>,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl Pool {
    pub(super) fn new(verifier: Arc<ServerVerifier>, tls: ClientConfig) -> Self {
        Pool {
            verifier,
            tls: Arc::new(tls),
            idle: Mutex::default(),
        }
    }

    /// A connection that seems to be open.
    pub(super) async fn take(&self) -> Option<Connection> {
        loop {
            let (mut connection, since) = locked(&self.idle).pop()?;
            if since.elapsed() < MAX_IDLE_TIME && connection.is_ready().await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection after its response has been read to the end.
    pub(super) fn give_back(&self, connection: Connection) {
        let mut idle = locked(&self.idle);
        idle.retain(|(kept, since)| !kept.is_closed() && since.elapsed() < MAX_IDLE_TIME);
        if idle.len() < MAX_IDLE && !connection.is_closed() {
            idle.push((connection, Instant::now()));
        }
    }
}

/// The pools of a client, by address.
#[derive(Default)]
pub(super) struct Pools(Mutex<HashMap<String, Vec<Arc<Pool>>>>);

impl Pools {
    /// The pool of this address and trust; `make` makes it the first time.
    pub(super) fn get<E>(
        &self,
        address: String,
        trust: &TlsTrust,
        make: impl FnOnce() -> Result<Pool, E>,
    ) -> Result<Arc<Pool>, E> {
        let mut pools = locked(&self.0);
        if pools.len() >= MAX_SERVERS && !pools.contains_key(&address) {
            pools.clear();
        }
        let pools = pools.entry(address).or_default();
        if let Some(pool) = pools.iter().find(|pool| pool.verifier.trust == *trust) {
            return Ok(pool.clone());
        }
        if pools.len() >= MAX_TRUSTS {
            pools.clear();
        }
        let pool = Arc::new(make()?);
        pools.push(pool.clone());
        Ok(pool)
    }

    /// Drops a pool with its connections and TLS sessions.
    pub(super) fn forget(&self, pool: &Pool) {
        let is_it = |kept: &Arc<Pool>| std::ptr::eq(Arc::as_ptr(kept), pool);
        locked(&self.0).retain(|_, pools| {
            pools.retain(|kept| !is_it(kept));
            !pools.is_empty()
        });
    }
}

/// What is in these locks is whole between any two operations.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
