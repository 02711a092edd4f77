//! The ledger of activation codes.

use fleet::ledger::{self, CodeOrder, CodeState, Pool, Stock};
use rsp_core::Timestamp;
use rsp_core::eim::{CodeRef, Operation, OperationId};

use super::db::{Db, values};
use super::{SqlStore, exists, one_row, operations};
use crate::contract::{Due, StoreError};
use crate::engine::{Engine, ToValue};
use crate::ledger_contract::{KnownCode, LedgerStore, NewCode, WithCode};

impl<E: Engine> LedgerStore for SqlStore<E> {
    fn put_pool(&self, pool: &Pool) -> Result<(), StoreError> {
        let document = serde_json::to_string(pool)?;
        self.transact(|tx| {
            tx.execute(
                "INSERT INTO code_pool (tenant, pool, document) VALUES (?1, ?2, ?3)
                 ON CONFLICT (tenant, pool) DO UPDATE SET document = excluded.document",
                values![pool.name, document],
            )?;
            Ok(())
        })
    }

    fn pools(&self) -> Result<Vec<Pool>, StoreError> {
        self.read(|db| {
            let select = "SELECT document FROM code_pool WHERE tenant = ?1 ORDER BY pool";
            let documents: Vec<(String,)> = db.all(select, values![])?;
            let pools = documents
                .iter()
                .map(|(pool,)| Ok(serde_json::from_str(pool)?));
            pools.collect()
        })
    }

    fn pool(&self, name: &str) -> Result<Option<Pool>, StoreError> {
        self.read(|db| pool(db, name))
    }

    fn add_codes(
        &self,
        pool: &str,
        codes: &[NewCode],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        self.transact(|tx| add(tx, pool, codes, now))
    }

    fn order_with_code(
        &self,
        pool: &str,
        make: &mut WithCode<'_>,
    ) -> Result<Option<Operation>, StoreError> {
        self.take(|tx| {
            let Some((at, code)) = next(tx, pool)? else {
                return Ok(None);
            };
            let operation = Operation {
                code: Some(at.clone()),
                ..make(&at, &code)
            };
            tx.execute(
                "UPDATE activation_code SET state = ?4, since = ?5, eid = ?6, operation = ?7
                 WHERE tenant = ?1 AND pool = ?2 AND number = ?3",
                values![
                    at.pool,
                    at.number,
                    CodeState::Leased.name(),
                    operation.created,
                    operation.eid,
                    operation.id.0
                ],
            )?;
            operations::add_all(tx, std::slice::from_ref(&operation))?;
            Ok(Some(operation))
        })
    }

    fn stock(&self, pool: &str) -> Result<Stock, StoreError> {
        self.read(|db| {
            let mut stock = Stock::default();
            let counted: Vec<(String, i64)> = db.all(
                "SELECT state, count(*) FROM activation_code
                 WHERE tenant = ?1 AND pool = ?2 GROUP BY state",
                values![pool],
            )?;
            for (state, count) in counted {
                if let Ok(state) = state.parse() {
                    *stock.of(state) = count.unsigned_abs();
                }
            }
            Ok(stock)
        })
    }

    fn codes_spent(&self, pool: &str, since: Timestamp) -> Result<u64, StoreError> {
        self.read(|db| {
            let counted: Option<(i64,)> = db.first(
                "SELECT count(*) FROM activation_code
                 WHERE tenant = ?1 AND pool = ?2 AND state = ?3 AND since >= ?4",
                values![pool, CodeState::Spent.name(), since],
            )?;
            Ok(counted.map_or(0, |(count,)| count.unsigned_abs()))
        })
    }

    fn codes(
        &self,
        pool: &str,
        state: Option<CodeState>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<KnownCode>, StoreError> {
        self.read(|db| {
            let mut values = values![pool, after, limit];
            let mut only = "";
            if let Some(state) = state {
                values.push(state.name().to_value());
                only = "AND state = ?5";
            }
            let rows: Vec<Row> = db.all(
                &format!(
                    "SELECT pool, number, state, since, eid, operation, iccid, ordering
                     FROM activation_code
                     WHERE tenant = ?1 AND pool = ?2 AND number > ?3 {only}
                     ORDER BY number LIMIT ?4"
                ),
                values,
            )?;
            rows.into_iter().map(known).collect()
        })
    }

    fn begin_order(
        &self,
        pool: &str,
        order: &CodeOrder,
        now: Timestamp,
        due: Timestamp,
    ) -> Result<CodeRef, StoreError> {
        let document = serde_json::to_string(order)?;
        self.transact(|tx| {
            let new = NewCode {
                code: order.call.clone(),
                iccid: order.iccid(),
            };
            let at = CodeRef {
                number: last_number(tx, pool)? + 1,
                pool: pool.to_string(),
            };
            insert(tx, &at, &new, CodeState::Ordered, now)?;
            tx.execute(
                "UPDATE activation_code SET due = ?4, ordering = ?5
                 WHERE tenant = ?1 AND pool = ?2 AND number = ?3",
                values![at.pool, at.number, due, document],
            )?;
            Ok(at)
        })
    }

    fn put_order(
        &self,
        at: &CodeRef,
        before: Option<&CodeOrder>,
        order: &CodeOrder,
        due: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let before = before.map(serde_json::to_string).transpose()?;
        let document = serde_json::to_string(order)?;
        let iccid = order.iccid().map(|iccid| iccid.to_string());
        self.transact(|tx| {
            let changed = tx.execute(
                "UPDATE activation_code
                 SET ordering = ?4, due = ?5, iccid = coalesce(?6, iccid)
                 WHERE tenant = ?1 AND pool = ?2 AND number = ?3
                     AND state IN ('ordered', 'doubtful')
                     AND coalesce(ordering, '') = ?7",
                values![
                    at.pool,
                    at.number,
                    document,
                    due,
                    iccid,
                    before.as_deref().unwrap_or_default()
                ],
            )?;
            one_row(changed)
        })
    }

    fn drop_order(&self, at: &CodeRef) -> Result<(), StoreError> {
        self.transact(|tx| {
            let changed = tx.execute(
                "DELETE FROM activation_code
                 WHERE tenant = ?1 AND pool = ?2 AND number = ?3 AND state = 'ordered'",
                values![at.pool, at.number],
            )?;
            one_row(changed)
        })
    }

    fn due_codes(&self, due: &Due) -> Result<Vec<(KnownCode, NewCode)>, StoreError> {
        self.take(|tx| take_due(tx, due))
    }

    fn settle_code(
        &self,
        at: &CodeRef,
        state: CodeState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.transact(|tx| {
            let changed = tx.execute(
                "UPDATE activation_code SET state = ?4, since = ?5, due = NULL,
                     ordering = CASE state WHEN 'ordered' THEN ordering END
                 WHERE tenant = ?1 AND pool = ?2 AND number = ?3
                     AND (state IN ('available', 'doubtful')
                         OR (state = 'ordered' AND ?4 = 'dead')
                         OR (state = 'dead' AND ordering IS NULL))",
                values![at.pool, at.number, state.name(), now],
            )?;
            one_row(changed)
        })
    }

    fn renew_code(&self, at: &CodeRef, code: &NewCode, now: Timestamp) -> Result<(), StoreError> {
        self.transact(|tx| {
            let secret = code.code.as_bytes();
            let digest = tx.index("activation_code", secret);
            let sealed = tx.seal_bytes("activation_code", &place(at), secret)?;
            let iccid = code.iccid.map(|iccid| iccid.to_string());
            let changed = tx
                .execute(
                    "UPDATE activation_code SET state = 'available', since = ?4, due = NULL,
                         eid = NULL, operation = NULL, ordering = NULL,
                         iccid = ?5, digest = ?6, code = ?7
                     WHERE tenant = ?1 AND pool = ?2 AND number = ?3
                         AND state IN ('ordered', 'doubtful')",
                    values![at.pool, at.number, now, iccid, digest.as_slice(), sealed],
                )
                .map_err(exists("this activation code"))?;
            one_row(changed)
        })
    }
}

/// All columns but the code.
type Row = (
    String,
    i64,
    String,
    Timestamp,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

fn known(
    (pool, number, state, since, eid, operation, iccid, ordering): Row,
) -> Result<KnownCode, StoreError> {
    let order = ordering.map(|ordering| serde_json::from_str(&ordering));
    Ok(KnownCode {
        order: order.transpose()?,
        at: CodeRef { pool, number },
        // What a newer version knows is no good here.
        state: state.parse().unwrap_or(CodeState::Dead),
        since,
        eid: eid.and_then(|eid| eid.parse().ok()),
        operation: operation.map(OperationId),
        iccid: iccid.and_then(|iccid| iccid.parse().ok()),
    })
}

fn pool(db: &Db<'_>, name: &str) -> Result<Option<Pool>, StoreError> {
    let select = "SELECT document FROM code_pool WHERE tenant = ?1 AND pool = ?2";
    let document: Option<(String,)> = db.first(select, values![name])?;
    let pool = document.map(|(pool,)| serde_json::from_str(&pool));
    Ok(pool.transpose()?)
}

/// What the contents of a row are bound to.
fn place(at: &CodeRef) -> String {
    format!("{}/{}", at.pool, at.number)
}

fn last_number(tx: &Db<'_>, name: &str) -> Result<i64, StoreError> {
    pool(tx, name)?.ok_or(StoreError::Unknown("a pool of this name"))?;
    let last = "SELECT max(number) FROM activation_code WHERE tenant = ?1 AND pool = ?2";
    let last: Option<(Option<i64>,)> = tx.first(last, values![name])?;
    Ok(last.and_then(|(last,)| last).unwrap_or(0))
}

fn add(tx: &Db<'_>, name: &str, codes: &[NewCode], now: Timestamp) -> Result<usize, StoreError> {
    let mut number = last_number(tx, name)?;
    let mut new = 0;
    for code in codes {
        let digest = tx.index("activation_code", code.code.as_bytes());
        let there = "SELECT number FROM activation_code WHERE tenant = ?1 AND digest = ?2";
        let there: Option<(i64,)> = tx.first(there, values![digest.as_slice()])?;
        if there.is_some() {
            continue;
        }
        number += 1;
        let at = CodeRef {
            pool: name.to_string(),
            number,
        };
        insert(tx, &at, code, CodeState::Available, now)?;
        new += 1;
    }
    Ok(new)
}

fn insert(
    tx: &Db<'_>,
    at: &CodeRef,
    code: &NewCode,
    state: CodeState,
    now: Timestamp,
) -> Result<(), StoreError> {
    let secret = code.code.as_bytes();
    let digest = tx.index("activation_code", secret);
    let sealed = tx.seal_bytes("activation_code", &place(at), secret)?;
    let iccid = code.iccid.map(|iccid| iccid.to_string());
    tx.execute(
        "INSERT INTO activation_code (tenant, pool, number, state, since, iccid, digest, code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            at.pool,
            at.number,
            state.name(),
            now,
            iccid,
            digest.as_slice(),
            sealed
        ],
    )
    .map_err(exists("this activation code"))?;
    Ok(())
}

fn next(tx: &Db<'_>, pool: &str) -> Result<Option<(CodeRef, NewCode)>, StoreError> {
    let lock = tx.connection.skip_locked();
    let row: Option<(i64, Option<String>, Vec<u8>)> = tx.first(
        &format!(
            "SELECT number, iccid, code FROM activation_code
             WHERE tenant = ?1 AND pool = ?2 AND state = 'available'
             ORDER BY number LIMIT 1{lock}"
        ),
        values![pool],
    )?;
    let Some((number, iccid, sealed)) = row else {
        return Ok(None);
    };
    let at = CodeRef {
        pool: pool.to_string(),
        number,
    };
    let code = open(tx, &at, iccid, &sealed)?;
    Ok(Some((at, code)))
}

fn open(
    db: &Db<'_>,
    at: &CodeRef,
    iccid: Option<String>,
    sealed: &[u8],
) -> Result<NewCode, StoreError> {
    let code = db.unseal_bytes("activation_code", &place(at), sealed)?;
    Ok(NewCode {
        code: String::from_utf8_lossy(&code).into_owned(),
        iccid: iccid.and_then(|iccid| iccid.parse().ok()),
    })
}

fn take_due(tx: &Db<'_>, due: &Due) -> Result<Vec<(KnownCode, NewCode)>, StoreError> {
    let lock = tx.connection.skip_locked();
    let rows: Vec<(Row, (Vec<u8>,))> = tx.all(
        &format!(
            "SELECT pool, number, state, since, eid, operation, iccid, ordering, code
             FROM activation_code
             WHERE tenant = ?1 AND due <= ?2 ORDER BY due LIMIT ?3{lock}"
        ),
        values![due.now, due.limit],
    )?;
    let mut taken = Vec::new();
    for (row, (sealed,)) in rows {
        let known = known(row)?;
        if due.again > due.now {
            tx.execute(
                "UPDATE activation_code SET due = ?4
                 WHERE tenant = ?1 AND pool = ?2 AND number = ?3",
                values![known.at.pool, known.at.number, due.again],
            )?;
        }
        let iccid = known.iccid.map(|iccid| iccid.to_string());
        let code = open(tx, &known.at, iccid, &sealed)?;
        taken.push((known, code));
    }
    Ok(taken)
}

/// The code of an operation goes the operation's way, as long as it is its own; a
/// profile that was installed with it after all is believed in any case.
pub(super) fn follow(tx: &Db<'_>, operation: &Operation) -> Result<(), StoreError> {
    let Some(at) = &operation.code else {
        return Ok(());
    };
    let state = ledger::after(operation);
    let due = (state == CodeState::Doubtful).then_some(operation.since);
    tx.execute(
        "UPDATE activation_code SET state = ?4, since = ?5, due = ?6, ordering = NULL
         WHERE tenant = ?1 AND pool = ?2 AND number = ?3 AND state <> ?4
             AND (?4 = 'spent' OR (operation = ?7 AND state IN ('leased', 'doubtful')))",
        values![
            at.pool,
            at.number,
            state.name(),
            operation.since,
            due,
            operation.id.0
        ],
    )?;
    Ok(())
}
