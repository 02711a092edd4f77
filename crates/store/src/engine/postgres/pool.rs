//! Connections that are open, and not more than a few.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::super::EngineError;
use super::listen::listen;
use super::session::Session;
use super::settings::PostgresSettings;
use crate::bell::Bell;

/// How long somebody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Open connections. What they send and receive goes through a runtime of their
/// own, so that callers may be in any thread.
pub(super) struct Pool {
    settings: PostgresSettings,
    state: Mutex<State>,
    bell: Arc<Bell>,
    given_back: Condvar,
    /// There until the end.
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct State {
    rested: Vec<Arc<Session>>,
    /// Those that somebody has.
    taken: usize,
}

/// A connection that somebody has; it is given back at the end.
pub(super) struct Taken<'a> {
    pub(super) session: Arc<Session>,
    /// Whether somebody else had it before.
    pub(super) rested: bool,
    place: Place<'a>,
}

/// One of the connections that there may be.
struct Place<'a>(&'a Pool);

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(settings: PostgresSettings) -> Result<Self, EngineError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()
            .map_err(|error| EngineError::Unreachable(error.to_string()))?;
        Ok(Pool {
            settings,
            state: Mutex::default(),
            bell: Arc::default(),
            given_back: Condvar::new(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Begins to hear of other processes, and to tell them.
    pub(super) fn listen(&self) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(listen(self.settings.clone(), self.bell.clone()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that rested, or a new one.
    pub(super) fn take(&self) -> Result<Taken<'_>, EngineError> {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state();
        while state.taken >= self.settings.connections() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let busy = "all connections are busy";
                return Err(EngineError::Unreachable(busy.to_string()));
            }
            let waited = self.given_back.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.taken += 1;
        let place = Place(self);
        let rested = loop {
            match state.rested.pop() {
                Some(session) if session.is_closed() => {}
                found => break found,
            }
        };
        drop(state);
        match rested {
            Some(session) => {
                session.at_work();
                Ok(Taken {
                    session,
                    rested: true,
                    place,
                })
            }
            None => Ok(Taken {
                session: Arc::new(self.open()?),
                rested: false,
                place,
            }),
        }
    }

    /// Closes those that rest: the server is another one by now.
    pub(super) fn forget_rested(&self) {
        let rested = std::mem::take(&mut self.state().rested);
        drop(rested);
    }

    fn open(&self) -> Result<Session, EngineError> {
        let gone = || EngineError::Unreachable("the process is ending".to_string());
        let runtime = self.runtime.as_ref().ok_or_else(gone)?;
        let settings = self.settings.clone();
        let (send, receive) = mpsc::channel();
        runtime.spawn(async move {
            let _ = send.send(settings.connect().await);
        });
        let late = |_| EngineError::Unreachable("nobody answers".to_string());
        let client = receive.recv_timeout(PATIENCE).map_err(late)??;
        Session::new(client)
    }
}

/// Not waited for: the caller may be a thread that must not wait.
impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().taken -= 1;
        self.0.given_back.notify_one();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.session.is_at_rest() {
            let session = Arc::clone(&self.session);
            self.place.0.state().rested.push(session);
        }
    }
}
