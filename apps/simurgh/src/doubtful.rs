//! Activation codes that are ordered and have not come, and those with which a download
//! failed: their SM-DP+ is asked, the one of this server or one of `[[connectors]]`. A
//! code of any other waits for what its operator says (`simurgh code settle`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fleet::ledger::{CodeOrder, CodeState};
use rsp_core::Context;
use rsp_core::ipa::ActivationCode;
use store::{Due, EimHost, Eims, KnownCode, NewCode, StoreError, Tenant};
use tokio::sync::watch;

use crate::shell;
use crate::smdps::{Came, Driver, Smdp, Smdps};

/// How often is looked for them.
const PAUSE: Duration = Duration::from_secs(5);

/// Codes that are taken at once.
const BATCH: usize = 20;

/// For how long they are taken; those of others are looked at again then.
const LEASE: Duration = Duration::from_secs(600);

/// Asks about the codes of all tenants.
pub(crate) struct Doubtful {
    pub(crate) eims: Arc<Eims>,
    pub(crate) smdps: Arc<Smdps>,
}

impl Doubtful {
    /// Asks, until it is to end.
    pub(crate) async fn run(self, mut ended: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let rounds = async {
            loop {
                let asking = this.clone();
                let round = tokio::task::spawn_blocking(move || {
                    shell::with_context(|cx| asking.round(cx)).unwrap_or(Ok(false))
                });
                match round.await {
                    Ok(Ok(true)) => continue,
                    Ok(Ok(false)) => {}
                    Ok(Err(error)) => tracing::error!(%error, "activation codes in doubt"),
                    Err(error) => tracing::error!(%error, "activation codes in doubt"),
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            _ = ended.wait_for(|ended| *ended) => {}
        }
    }

    /// Takes a batch of each tenant on that has codes due; whether there is more.
    fn round(&self, cx: &mut Context<'_>) -> Result<bool, StoreError> {
        let mut more = false;
        for tenant in self.eims.database().tenants_with_work(cx.now)? {
            match self.of(&tenant).round(cx) {
                Ok(count) => more |= count == BATCH,
                // What is wrong with one is not to hold the others up.
                Err(error) => tracing::error!(%tenant, %error, "activation codes in doubt"),
            }
        }
        Ok(more)
    }

    fn of(&self, tenant: &Tenant) -> OfTenant {
        OfTenant {
            eim: self.eims.of(tenant),
            smdps: self.smdps.of(tenant),
        }
    }
}

/// Asks about the codes of one tenant.
struct OfTenant {
    eim: Arc<EimHost>,
    smdps: Smdps,
}

impl OfTenant {
    /// Takes a batch on; gives how many there were.
    fn round(&self, cx: &mut Context<'_>) -> Result<usize, StoreError> {
        let due = Due {
            now: cx.now,
            again: cx.now.after(LEASE),
            limit: BATCH,
        };
        let due = self.eim.store().due_codes(&due)?;
        let count = due.len();
        let mut unreachable = HashSet::new();
        for (known, code) in due {
            match self.ask(&known, &code, &mut unreachable, cx) {
                // Its operation came to an end meanwhile.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    fn ask(
        &self,
        known: &KnownCode,
        code: &NewCode,
        unreachable: &mut HashSet<String>,
        cx: &mut Context<'_>,
    ) -> Result<(), StoreError> {
        let read = code.code.parse::<ActivationCode>().ok();
        let old = read.as_ref().map(|read| read.matching_id.as_str());
        let order = match (&known.order, &read) {
            (Some(order), _) => order.clone(),
            (None, Some(read)) => match self.begun(known, read)? {
                Some(order) => order,
                None => return Ok(()),
            },
            (None, None) => return Ok(()),
        };
        if unreachable.contains(&order.smdp) {
            // It would only wait for the same.
            let again = Some(cx.now.after(order.pause()));
            let store = self.eim.store();
            return store.put_order(&known.at, known.order.as_ref(), &order, again);
        }
        let smdp = order.smdp.clone();
        let driver = Driver {
            smdps: &self.smdps,
            store: self.eim.store(),
            known,
            old,
        };
        if let Came::Waits(_) = driver.run(order, cx)? {
            unreachable.insert(smdp);
        }
        Ok(())
    }

    /// The order of a doubtful code that is to be taken back and placed anew, so that
    /// the download that failed can never use the code after all; `None` if its SM-DP+
    /// is not to be asked now.
    fn begun(
        &self,
        known: &KnownCode,
        read: &ActivationCode,
    ) -> Result<Option<CodeOrder>, StoreError> {
        let Some(smdp) = self.smdps.at(&read.smdp_address) else {
            return Ok(None);
        };
        if smdp.is_anothers(&read.matching_id)? {
            return Ok(None);
        }
        let at = &known.at;
        // The same as long as it is this doubt, whichever process asks.
        let call = format!("{}-{}-{}", at.pool, at.number, known.since.0);
        if let Some(order) = smdp.order_anew(&read.matching_id, known.iccid, call)? {
            return Ok(Some(order));
        }
        let store = self.eim.store();
        let (pool, number) = (&at.pool, at.number);
        match smdp {
            Smdp::Own(_) => {
                tracing::warn!(pool, number, "the SM-DP+ knows no such order");
                store.settle_code(at, CodeState::Dead, shell::now())?;
            }
            // ES2+ knows orders by their ICCIDs alone: it is looked at again later.
            Smdp::Other(_) => tracing::warn!(
                pool,
                number,
                smdp = smdp.name(),
                "the ICCID of this code is not known: ask the SM-DP+'s operator, then `simurgh \
                 code settle`"
            ),
        }
        Ok(None)
    }
}
