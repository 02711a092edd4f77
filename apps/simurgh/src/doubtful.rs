//! Activation codes with which a download failed: the SM-DP+ of this server is asked
//! whether they are still good. One of another SM-DP+ waits for what its operator
//! says (`simurgh code settle`).

use std::sync::Arc;
use std::time::Duration;

use fleet::ledger::CodeState;
use rsp_core::ipa::ActivationCode;
use rsp_core::smdp::OrderKey;
use rsp_core::{Context, Timestamp};
use store::{Due, EimHost, KnownCode, NewCode, SmdpHost, StoreError};
use tokio::sync::watch;

use crate::own_smdp::{LEDGER, OwnSmdp, Wanted};
use crate::shell;

/// How often is looked for them.
const PAUSE: Duration = Duration::from_secs(5);

/// Codes that are taken at once.
const BATCH: usize = 100;

/// For how long they are taken; those of others are looked at again then.
const LEASE: Duration = Duration::from_secs(600);

/// Asks about codes.
pub(crate) struct Doubtful {
    pub(crate) eim: Arc<EimHost>,
    pub(crate) smdp: Arc<SmdpHost>,
}

impl Doubtful {
    /// Asks, until it is to end.
    pub(crate) async fn run(self, mut ended: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let rounds = async {
            loop {
                let asking = this.clone();
                let round = tokio::task::spawn_blocking(move || {
                    shell::with_context(|cx| asking.round(cx)).unwrap_or(Ok(()))
                });
                match round.await {
                    Ok(Ok(())) => {}
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

    fn round(&self, cx: &mut Context<'_>) -> Result<(), StoreError> {
        let due = Due {
            now: cx.now,
            again: cx.now.after(LEASE),
            limit: BATCH,
        };
        for (known, code) in self.eim.store().doubtful_codes(&due)? {
            match self.ask(&known, &code, cx) {
                // Its operation came to an end meanwhile.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// An order that was not delivered is taken back and placed anew, so that the
    /// download that failed can never use the code after all.
    fn ask(
        &self,
        known: &KnownCode,
        code: &NewCode,
        cx: &mut Context<'_>,
    ) -> Result<(), StoreError> {
        let Ok(read) = code.code.parse::<ActivationCode>() else {
            return Ok(());
        };
        let address = self.smdp.smdp().address();
        if !address.eq_ignore_ascii_case(&read.smdp_address) {
            return Ok(());
        }
        let key = OrderKey::MatchingId(read.matching_id.clone());
        let Some(order) = self.smdp.store().find_order(&key)? else {
            let because = "the SM-DP+ knows no such order";
            return self.settle(known, CodeState::Dead, because, cx.now);
        };
        let order = order.value;
        let iccid = order.iccid;
        // In the place of whoever ordered it: nobody else may take it back.
        let operator = order.requester.or(order.owner);
        let smdp = OwnSmdp {
            host: self.smdp.clone(),
            operator: operator.unwrap_or_else(|| LEDGER.to_string()),
        };
        let call = format!("{}-{}-{}", known.at.pool, known.at.number, cx.now.0);
        if let Err(because) = smdp.take_back(iccid, read.matching_id, &call, cx) {
            return self.settle(known, CodeState::Dead, &because, cx.now);
        }
        match smdp.order(Wanted::Profile(iccid), None, &call, cx) {
            Ok(released) => {
                let renewed = NewCode {
                    code: released.activation_code,
                    iccid: Some(iccid),
                };
                tracing::info!(
                    pool = known.at.pool,
                    number = known.at.number,
                    "code renewed"
                );
                self.eim.store().renew_code(&known.at, &renewed, cx.now)
            }
            Err(because) => self.settle(known, CodeState::Dead, &because, cx.now),
        }
    }

    fn settle(
        &self,
        known: &KnownCode,
        state: CodeState,
        because: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = &known.at;
        tracing::info!(pool = at.pool, number = at.number, %state, because, "activation code");
        self.eim.store().settle_code(at, state, now)
    }
}
