//! How far imports are: what the store keeps, and what this process switches over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use api::{Import, Problem, RowError};
use rsp_crypto::Rng;
use store::{ImportReport, ImportState, ImportStore, StoreError};

use super::super::Functions;
use super::super::problem::{internal, problem, stored};
use crate::shell;

/// Imports of a tenant that may be under way.
const MOST: u32 = 100;

/// How often the store is told that an import is still being switched over.
const BEAT: Duration = Duration::from_secs(5);

/// What this process switches over. It is known here, because SQLite does nothing else
/// meanwhile: who asks how far it is would wait until it is done.
#[derive(Debug, Default)]
pub(in crate::door) struct Imports(Mutex<BTreeMap<String, Switching>>);

/// An import as it was when that began, and how many of its rows are through.
#[derive(Debug)]
struct Switching {
    import: Import,
    through: Arc<AtomicU64>,
}

impl Imports {
    fn switching(&self) -> MutexGuard<'_, BTreeMap<String, Switching>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Functions {
    fn reports(&self) -> &dyn ImportStore {
        &*self.reports
    }

    /// A new import; its identifier.
    pub(super) fn begin_import(&self) -> Result<String, Problem> {
        let mut random = [0; 8];
        let mut rng = shell::random().map_err(|_| internal())?;
        rng.fill(&mut random);
        let id: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
        let now = shell::now();
        // In the order of time.
        let id = format!("{:011x}{id}", now.0);
        match self.reports().begin_import(&id, MOST, now) {
            Err(StoreError::Exceeded(_)) => {
                let detail = "too many imports are being sent";
                Err(problem(409, "busy", detail, "finish or forget one of them"))
            }
            begun => begun.map(|()| id).map_err(stored),
        }
    }

    /// How far an import is.
    pub(super) fn import(&self, id: &str) -> Result<Import, Problem> {
        if let Some(here) = self.imports.switching().get(id) {
            return Ok(Import {
                through: here.through.load(Ordering::Relaxed),
                ..here.import.clone()
            });
        }
        let report = self.reports().import(id, shell::now()).map_err(stored)?;
        let report = report.ok_or_else(|| {
            let detail = "there is no such import";
            problem(404, "not found", detail, "begin another one")
        })?;
        Ok(shown(id, report))
    }

    /// Rows came that are wrong.
    pub(super) fn refuse_rows(
        &self,
        id: &str,
        errors: &[fleet::import::RowError],
    ) -> Result<(), Problem> {
        match errors {
            [] => Ok(()),
            errors => self.reports().refuse_rows(id, errors).map_err(not_now),
        }
    }

    /// From here on it takes no rows, and is to be switched over.
    pub(super) fn begin_switch(&self, id: &str) -> Result<Import, Problem> {
        let begun = self.reports().begin_switch(id, shell::now());
        let state = begun.map_err(not_now)?;
        let import = self.import(id)?;
        if state == ImportState::Switching {
            let here = Switching {
                import: import.clone(),
                through: Arc::default(),
            };
            self.imports.switching().insert(id.to_string(), here);
        }
        Ok(import)
    }

    /// Carries it out, or takes back what is refused.
    pub(super) fn switch_over(&self, id: &str) {
        let through = self
            .imports
            .switching()
            .get(id)
            .map(|here| here.through.clone());
        let Some(through) = through else {
            self.drop_staged(id);
            return;
        };
        let mut told = |rows| through.store(rows, Ordering::Relaxed);
        let switched = std::thread::scope(|scope| {
            let (ended, end) = mpsc::channel();
            scope.spawn(|| self.tell_of_switch(id, &through, end));
            let switched = self.eim.switch_import(id, shell::now(), &mut told);
            drop(ended);
            switched
        });
        match switched {
            Ok(switched) if switched.errors.is_empty() => {
                tracing::info!(import = id, added = switched.added, "imported");
            }
            // The report says it; or another process did it, or does.
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(error) => {
                tracing::error!(%error, import = id, "an import ended by an error");
                // One that is done stays done; one that cannot even say that it failed
                // is not heard of any more.
                let _ = self.reports().switch_failed(id);
            }
        }
        self.imports.switching().remove(id);
    }

    /// Says now and then that it goes on.
    fn tell_of_switch(&self, id: &str, through: &AtomicU64, end: mpsc::Receiver<()>) {
        while end.recv_timeout(BEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
            let rows = through.load(Ordering::Relaxed);
            let told = self.reports().heard_of_switch(id, rows, shell::now());
            if let Err(error) = told {
                tracing::warn!(%error, import = id, "how far an import is cannot be put down");
            }
        }
    }

    /// Forgets an import, whatever it put aside included.
    pub(super) fn forget_import(&self, id: &str) -> Result<(), Problem> {
        if self.import(id)?.state == "switching" {
            return Err(busy());
        }
        self.reports().forget_import(id).map_err(stored)
    }

    fn drop_staged(&self, id: &str) {
        if let Err(error) = self.eim.store().drop_staged(id) {
            tracing::error!(%error, import = id, "what an import put aside stays for now");
        }
    }
}

fn busy() -> Problem {
    let detail = "the import takes no rows any more";
    let remedy = "wait for its end, or begin another one";
    problem(409, "conflict", detail, remedy)
}

/// It is not at that.
pub(super) fn not_now(error: StoreError) -> Problem {
    match error {
        StoreError::Conflict => busy(),
        error => stored(error),
    }
}

fn shown(id: &str, report: ImportReport) -> Import {
    let (state, why) = match report.state {
        ImportState::Receiving => ("receiving", None),
        ImportState::Switching => ("switching", None),
        ImportState::Refused => ("refused", None),
        ImportState::Done => ("done", None),
        ImportState::Interrupted => (
            "interrupted",
            Some((
                "the server process that switched it over is not heard of any more; nothing \
                 of it is in the inventory",
                "switch it over again: its rows are still there",
            )),
        ),
        ImportState::GivenUp => (
            "failed",
            Some((
                "the server process that took its rows ended, or nobody went on with it for \
                 an hour: its rows are forgotten, and nothing of it is in the inventory",
                "begin another one",
            )),
        ),
        ImportState::Failed => (
            "failed",
            Some((
                "the server could not do it, and nothing of it is in the inventory: the log \
                 says more",
                "begin another one",
            )),
        ),
    };
    let (detail, remedy) = why.unzip();
    let error = |error: fleet::import::RowError| RowError {
        line: error.line,
        column: error.column,
        what: error.what,
        remedy: error.remedy,
    };
    Import {
        id: id.to_string(),
        state: state.to_string(),
        detail: detail.map(str::to_string),
        remedy: remedy.map(str::to_string),
        rows: report.rows,
        through: report.through,
        added: report.added,
        updated: report.updated,
        unchanged: report.unchanged,
        euiccs: report.euiccs,
        wrong: report.wrong,
        errors: report.errors.into_iter().map(error).collect(),
    }
}
