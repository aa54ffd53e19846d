//! What the log records of itself: a change of its keys, a corrected clock. Only this door writes
//! these entries, and what they mean is stored in the transaction that holds them.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use sealrock_ledger::micros;
use sealrock_ledger::record::{
    ClockCorrected, LedgerContinued, LogKeyRetired, LogKeyRotated, Record, stream_of,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgTransaction;
use uuid::Uuid;

use super::clock::is_behind;
use super::head::Head;
use crate::append::{Append, Expected, NewEvent, Retention};
use crate::error::{AppendError, stored};
use crate::keys::{KeyRing, Signer, sign_statement};
use crate::ledgers::{LedgerId, LedgerInfo};

/// Who changes a ledger's keys or clock, and how that reached us.
#[derive(Debug, Clone)]
pub struct Operator {
    /// `service/<name>` or `user/<id>`.
    pub actor: String,
    /// How it reached us.
    pub via: String,
}

/// A change that an operator wants.
pub(crate) enum Change {
    /// This key signs too.
    Rotate(Signer),
    /// The oldest key in use signs no more.
    Retire,
    /// The clock that wrote the last entry was wrong.
    CorrectClock {
        /// In words.
        reason: String,
    },
}

/// What a commit does besides appending.
pub(super) enum Effect {
    None,
    AddKey(Signer),
    RetireKey(String),
    WaiveClock,
    /// Nothing more is appended to that ledger: this one continues it.
    Close(LedgerId),
}

/// The entries that nobody but the log itself may append.
pub(crate) fn require_not_the_logs_own(append: &Append) -> Result<(), AppendError> {
    const OWN: [&str; 4] = [
        LogKeyRotated::KIND,
        LogKeyRetired::KIND,
        ClockCorrected::KIND,
        LedgerContinued::KIND,
    ];
    let own = append
        .events
        .iter()
        .find(|event| OWN.contains(&event.kind.as_str()));
    own.map_or(Ok(()), |event| {
        Err(AppendError::Invalid(format!(
            "{} is an entry of the log itself: see `sealrock key --help` and `sealrock ledger \
             --help`",
            event.kind
        )))
    })
}

impl Change {
    /// The entry that says it, if it can be done on this head; made under its lock.
    pub(super) async fn decide(
        self,
        ledger: &LedgerInfo,
        by: &Operator,
        head: &Head,
        keys: &mut KeyRing,
        now: DateTime<Utc>,
    ) -> Result<(Append, Effect), AppendError> {
        match self {
            Self::Rotate(to) => {
                let rotated = rotation(ledger, keys, &to).await?;
                Ok((append(ledger, by, now, &rotated), Effect::AddKey(to)))
            }
            Self::Retire => {
                let vkey = retirement(ledger, keys)?;
                let retired = LogKeyRetired { vkey: vkey.clone() };
                Ok((append(ledger, by, now, &retired), Effect::RetireKey(vkey)))
            }
            Self::CorrectClock { reason } => {
                let corrected = correction(head, now, reason)?;
                Ok((append(ledger, by, now, &corrected), Effect::WaiveClock))
            }
        }
    }

    /// Whether it is what goes on although the clock is behind the last entry.
    pub(super) fn corrects_clock(&self) -> bool {
        matches!(self, Self::CorrectClock { .. })
    }
}

async fn rotation(
    ledger: &LedgerInfo,
    keys: &mut KeyRing,
    to: &Signer,
) -> Result<LogKeyRotated, AppendError> {
    let name = &ledger.name;
    let from = match keys.in_use()[..] {
        [only] => only.vkey.clone(),
        [old, new, ..] => {
            return Err(AppendError::Invalid(format!(
                "a rotation of ledger {name} is under way: {} signs beside {} from the tree of {} \
                 entries on; finish it by `sealrock key retire {name}`",
                new.vkey, old.vkey, new.from
            )));
        }
        [] => {
            return Err(AppendError::Fatal(format!(
                "ledger {name} has no key in use"
            )));
        }
    };
    if keys.ranges().iter().any(|range| range.vkey == to.vkey()) {
        let reason = format!("{} is a key of ledger {name} already", to.vkey());
        return Err(AppendError::Invalid(reason));
    }
    let statement = LogKeyRotated::statement(&ledger.origin, &from, to.vkey());
    let from_signature = keys.sign_statement(&from, statement.clone()).await?;
    let to_signature = sign_statement(to.clone(), statement).await?;
    Ok(LogKeyRotated {
        from,
        from_signature: BASE64_STANDARD.encode(from_signature),
        to: to.vkey().to_owned(),
        to_signature: BASE64_STANDARD.encode(to_signature),
    })
}

fn retirement(ledger: &LedgerInfo, keys: &KeyRing) -> Result<String, AppendError> {
    match keys.in_use()[..] {
        [old, _, ..] => Ok(old.vkey.clone()),
        _ => Err(AppendError::Invalid(format!(
            "ledger {0} has one key: rotate it first, by `sealrock key rotate {0}`",
            ledger.name
        ))),
    }
}

fn correction(
    head: &Head,
    now: DateTime<Utc>,
    reason: String,
) -> Result<ClockCorrected, AppendError> {
    let last_entry = head.recorded_at;
    if head.clock_waived == Some(last_entry) {
        let until = format!("it was corrected already, and the ledger goes on; until {last_entry}");
        let reason = format!("{until} entries bear that time");
        return Err(AppendError::Invalid(reason));
    }
    if !is_behind(now, last_entry) {
        let reason = format!(
            "there is nothing to correct: the last entry is of {last_entry}, this machine's clock \
             says {now}"
        );
        return Err(AppendError::Invalid(reason));
    }
    Ok(ClockCorrected {
        clock: now,
        last_entry,
        reason,
    })
}

/// The append of a record of the log's own.
pub(super) fn append<R: Record>(
    ledger: &LedgerInfo,
    by: &Operator,
    now: DateTime<Utc>,
    record: &R,
) -> Append {
    let bytes = canonical(record);
    Append {
        actor: by.actor.clone(),
        command: Uuid::now_v7(),
        input_hash: Sha256::digest(&bytes).into(),
        cause: String::new(),
        via: by.via.clone(),
        received_at: micros(now),
        unchanged: None,
        events: vec![NewEvent {
            stream: stream_of(&ledger.name),
            expected: Expected::Any,
            kind: R::KIND.to_owned(),
            schema: R::SCHEMA,
            media: "application/json".to_owned(),
            bytes,
            retention: Retention::Kept,
        }],
    }
}

fn canonical(record: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(record).expect("records are texts, times and small numbers")
}

impl Effect {
    /// Changes head and keys as they are from this commit on. Its first entry is the record.
    pub(super) fn apply(&self, before: &Head, head: &mut Head, keys: &mut KeyRing) {
        let at = before.size();
        match self {
            Self::None | Self::Close(_) => {}
            Self::AddKey(signer) => {
                keys.add(signer.clone(), at + 1);
                head.epoch += 1;
            }
            Self::RetireKey(vkey) => {
                keys.retire(vkey, at);
                head.epoch += 1;
            }
            Self::WaiveClock => head.clock_waived = Some(head.recorded_at),
        }
    }

    /// Stores what is not in the head row.
    pub(super) async fn store(
        &self,
        tx: &mut PgTransaction<'_>,
        ledger: LedgerId,
        before: &Head,
    ) -> Result<(), AppendError> {
        let at = before.size();
        let (sql, vkey, size) = match self {
            Self::None | Self::WaiveClock => return Ok(()),
            Self::Close(parent) => return close(tx, *parent, ledger).await,
            Self::AddKey(signer) => (
                "INSERT INTO log_keys (ledger_id, vkey, from_size) VALUES ($1, $2, $3)",
                signer.vkey(),
                at + 1,
            ),
            Self::RetireKey(vkey) => (
                "UPDATE log_keys SET through_size = $3 WHERE ledger_id = $1 AND vkey = $2",
                vkey.as_str(),
                at,
            ),
        };
        sqlx::query(sql)
            .bind(ledger.0)
            .bind(vkey)
            .bind(stored(size))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn close(
    tx: &mut PgTransaction<'_>,
    parent: LedgerId,
    by: LedgerId,
) -> Result<(), AppendError> {
    sqlx::query("UPDATE ledger_heads SET continued_by = $2 WHERE ledger_id = $1")
        .bind(parent.0)
        .bind(by.0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
