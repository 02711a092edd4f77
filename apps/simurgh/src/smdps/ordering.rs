//! Takes orders of codes from call to call. What is asked is put down before, so that
//! a server that is killed goes on where it was; an SM-DP+ that knows repeated calls
//! gives the same again.

use std::time::Duration;

use fleet::ledger::{CodeOrder, CodeRefusal, CodeState, Next, SecretCode, Step, Wanted};
use rsp_asn1::ids::Iccid;
use rsp_core::Context;
use rsp_core::eim::CodeRef;
use rsp_core::ipa::ActivationCode;
use store::{KnownCode, NewCode, Store, StoreError};

use super::{Smdp, Smdps};
use crate::shell;

/// What came of an order, for now.
pub(crate) enum Came {
    /// A code, which is in the pool.
    Code,
    /// None.
    Refused(CodeRefusal),
    /// Nothing yet: it is asked for again.
    Waits(String),
    /// Nothing, and only the SM-DP+'s operator can tell what became of it.
    Unknown(String),
    /// Somebody else said meanwhile what became of the code.
    Settled,
}

/// Takes the order of one code on.
pub(crate) struct Driver<'a> {
    pub(crate) smdps: &'a Smdps,
    pub(crate) store: &'a dyn Store,
    /// The code, as it rests.
    pub(crate) known: &'a KnownCode,
    /// The MatchingID that is taken back.
    pub(crate) old: Option<&'a str>,
}

impl Driver<'_> {
    /// Asks until there is a code, none comes, or the SM-DP+ does not answer.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn run(&self, order: CodeOrder, cx: &mut Context<'_>) -> Result<Came, StoreError> {
        match self.take_on(order, cx) {
            Err(StoreError::Conflict) => Ok(Came::Settled),
            came => came,
        }
    }

    fn take_on(&self, mut order: CodeOrder, cx: &mut Context<'_>) -> Result<Came, StoreError> {
        let mut rests = self.known.order.clone();
        loop {
            let smdp = match self.smdps.named(&order.smdp) {
                Ok(smdp) => smdp,
                Err(_) => {
                    let because = format!("no connector {} is configured", order.smdp);
                    return self.waits(rests, failed(order, because));
                }
            };
            if !order.may_be_asked(smdp.knows_repeated()) {
                return self.unknown(rests, order);
            }
            let on_its_way = order.on_its_way();
            self.put(rests.as_ref(), &on_its_way, Some(smdp.lease()))?;
            rests = Some(on_its_way);
            let old = self.old.filter(|_| order.step == Step::TakeBack);
            let said = smdp.ask(&order, old, cx);
            match order.after(said, smdp.knows_repeated()) {
                Next::Ask(next) => order = *next,
                Next::Wait(waiting) => return self.waits(rests, *waiting),
                Next::Unknown(order) => return self.unknown(rests, *order),
                Next::Code(iccid, code) => return self.came(smdp, rests, (iccid, code), cx),
                Next::Refused(refusal) => return self.refused(refusal),
            }
        }
    }

    fn put(
        &self,
        before: Option<&CodeOrder>,
        order: &CodeOrder,
        pause: Option<Duration>,
    ) -> Result<(), StoreError> {
        let due = pause.map(|pause| shell::now().after(pause));
        self.store.put_order(&self.known.at, before, order, due)
    }

    fn waits(&self, before: Option<CodeOrder>, order: CodeOrder) -> Result<Came, StoreError> {
        self.put(before.as_ref(), &order, Some(order.pause()))?;
        let because = order.because.unwrap_or_default();
        let CodeRef { pool, number } = &self.known.at;
        tracing::warn!(pool, number, because, "an SM-DP+ is asked for a code again");
        Ok(Came::Waits(because))
    }

    fn unknown(&self, before: Option<CodeOrder>, order: CodeOrder) -> Result<Came, StoreError> {
        let because = order.because.clone().unwrap_or_else(|| {
            "the server ended while the SM-DP+ was asked, which knows no repeated calls".to_string()
        });
        let order = CodeOrder {
            because: Some(because.clone()),
            ..order
        };
        self.put(before.as_ref(), &order, None)?;
        let CodeRef { pool, number } = &self.known.at;
        tracing::error!(
            pool,
            number,
            because,
            "nobody knows what an SM-DP+ made of an order: ask its operator, then `simurgh code \
             settle`"
        );
        Ok(Came::Unknown(because))
    }

    fn came(
        &self,
        smdp: Smdp<'_>,
        rests: Option<CodeOrder>,
        (iccid, SecretCode(code)): (Iccid, SecretCode),
        cx: &mut Context<'_>,
    ) -> Result<Came, StoreError> {
        let read = code.parse::<ActivationCode>().ok();
        let matching_id = read.map(|read| read.matching_id).unwrap_or_default();
        if matching_id.is_empty() || self.old == Some(matching_id.as_str()) {
            // The one that failed might still use it.
            let text = "the SM-DP+ gave no new code".to_string();
            return self.refused(CodeRefusal {
                subject_code: None,
                reason_code: None,
                text,
            });
        }
        let new = NewCode {
            code,
            iccid: Some(iccid),
        };
        let at = &self.known.at;
        match self.store.renew_code(at, &new, shell::now()) {
            Ok(()) => {
                let CodeRef { pool, number } = at;
                match self.known.state {
                    CodeState::Doubtful => tracing::info!(pool, number, "code renewed"),
                    _ => tracing::info!(pool, number, "code ordered"),
                }
                Ok(Came::Code)
            }
            // Somebody settled it meanwhile: nobody waits for this one any more.
            Err(StoreError::Conflict) => {
                if let Some(order) = rests {
                    let back = CodeOrder {
                        step: Step::TakeBack,
                        wanted: Wanted::Again { iccid },
                        ..order
                    };
                    smdp.ask(&back, Some(&matching_id), cx);
                }
                Ok(Came::Settled)
            }
            Err(StoreError::Exists(_)) => self.refused(CodeRefusal {
                subject_code: None,
                reason_code: None,
                text: "the SM-DP+ gave a code that is in the ledger already".to_string(),
            }),
            Err(error) => Err(error),
        }
    }

    fn refused(&self, refusal: CodeRefusal) -> Result<Came, StoreError> {
        let CodeRef { pool, number } = &self.known.at;
        tracing::warn!(pool, number, because = %refusal, "no activation code");
        match self.known.state {
            CodeState::Doubtful => {
                let now = shell::now();
                self.store
                    .settle_code(&self.known.at, CodeState::Dead, now)?;
            }
            _ => self.store.drop_order(&self.known.at)?,
        }
        Ok(Came::Refused(refusal))
    }
}

fn failed(order: CodeOrder, because: String) -> CodeOrder {
    CodeOrder {
        failures: order.failures.saturating_add(1),
        because: Some(because),
        ..order
    }
}
