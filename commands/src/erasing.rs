//! Erasing payloads: the entry that says so, with a reason. Deleting the rows comes after, when every
//! read model has folded the entry: `sealrock_eventstore::EventStore::erase`.

use chrono::{DateTime, Utc};
use sealrock_access::Permission;
use sealrock_domain::Slug;
use sealrock_eventstore::{
    Append, AppendError, CommandContext, Erasure, Expected, IndexSet, LedgerInfo, NewEvent,
    Retention,
};
use sealrock_ledger::canonical_json;
use sealrock_ledger::record::{IndexRange, PayloadRedacted, Record, RetentionApplied, stream_of};

use crate::commands::{Commands, ledger_name};
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{MAX_ATTEMPTS, command_context, permit};

/// The only streams whose payloads may be erased: no aggregate's state rests on them.
const TELEMETRY: &str = "telemetry/";
/// The most payloads that one entry erases: each read model folds them in one transaction.
pub const MAX_ERASED: u64 = 100_000;
/// The most ranges in one entry.
pub const MAX_RANGES: usize = 20_000;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// Which payloads are to be erased, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Their entries: at least one, at most [`MAX_ERASED`], in any order.
    pub payloads: Vec<IndexRange>,
    /// In words, 1 to [`MAX_REASON`] characters; it stays in the ledger for ever, so without
    /// personal data.
    pub reason: String,
}

impl Commands {
    /// Records that payloads of telemetry are erased. From then on they count as erased; the rows are
    /// still there.
    ///
    /// # Errors
    /// [`CommandError::Rejected`] for a payload that may not be erased (of an aggregate, a seal, the
    /// ledger's own records), that no seal holds yet, that is erased already, or of an entry that does not exist, and for all
    /// of a ledger that another one continues; see [`CommandError`] for all others.
    pub async fn redact(
        &self,
        context: &Context,
        organisation: &Slug,
        redaction: Redaction,
    ) -> Result<Done, CommandError> {
        permit(context, Permission::RedactPayload, organisation, None)?;
        let record = PayloadRedacted {
            payloads: ordered(&redaction.payloads)?,
            reason: reason(&redaction.reason)?,
        };
        let ledger = self.store.existing(&ledger_name(organisation)?).await?;
        if self.recorded(context, &ledger, &record).await?.is_none() {
            self.require_open(&ledger).await?;
            self.require_sealed(&ledger, &record.payloads).await?;
        }
        self.erase_payloads(context, organisation, &record.payloads, &record)
            .await
    }

    /// Records that payloads are erased because their evidence period is over. Which ones those are
    /// is for the caller to choose; what may not be erased at all is refused as by
    /// [`Commands::redact`].
    ///
    /// # Errors
    /// As [`Commands::redact`].
    pub async fn apply_retention(
        &self,
        context: &Context,
        organisation: &Slug,
        before: DateTime<Utc>,
        payloads: &[IndexRange],
    ) -> Result<Done, CommandError> {
        permit(context, Permission::RedactPayload, organisation, None)?;
        let record = RetentionApplied {
            before,
            payloads: ordered(payloads)?,
        };
        self.erase_payloads(context, organisation, &record.payloads, &record)
            .await
    }

    async fn erase_payloads<R: Record>(
        &self,
        context: &Context,
        organisation: &Slug,
        payloads: &[IndexRange],
        record: &R,
    ) -> Result<Done, CommandError> {
        let ledger = self.store.existing(&ledger_name(organisation)?).await?;
        for _ in 0..MAX_ATTEMPTS {
            // Asked each time: what is in the way now may be this very command, sent twice at once.
            if let Some(done) = self.recorded(context, &ledger, record).await? {
                return Ok(done);
            }
            self.require_open(&ledger).await?;
            let stream = stream_of(&ledger.name);
            let version = self.store.stream_version(ledger.id, &stream).await?;
            let erased = self.store.erasures(&ledger, 0).await?;
            self.require_erasable(&ledger, payloads, &erased).await?;
            let append = append_of(context, &ledger, record, version)?;
            match self.store.append(ledger.id, append).await {
                // Another erasure came first, and may be of the same payloads.
                Err(AppendError::Conflict { .. }) => {}
                appended => return Ok(appended?.into()),
            }
        }
        Err(CommandError::Conflict)
    }

    /// An erasure is an entry, and a ledger that another one continues takes none.
    async fn require_open(&self, ledger: &LedgerInfo) -> Result<(), CommandError> {
        let Some(next) = self.store.successor(ledger.id).await? else {
            return Ok(());
        };
        let (name, next) = (&ledger.name, next.name);
        Err(CommandError::Rejected(format!(
            "payloads of ledger {name} cannot be erased any more: it is closed, because a part of its \
             history was lost, and takes no entry that could say so. {next} continues it; what is in \
             that one can be erased"
        )))
    }

    async fn recorded<R: Record>(
        &self,
        context: &Context,
        ledger: &LedgerInfo,
        record: &R,
    ) -> Result<Option<Done>, CommandError> {
        let context = input(context, record)?;
        let found = self
            .store
            .find_command(ledger, &context.actor, context.command, &context.input_hash)
            .await?;
        Ok(found.transpose()?.map(Done::from))
    }

    async fn require_erasable(
        &self,
        ledger: &LedgerInfo,
        payloads: &[IndexRange],
        erased: &[Erasure],
    ) -> Result<(), CommandError> {
        let refused = self
            .store
            .not_erasable(ledger.id, payloads, TELEMETRY, erased)
            .await?;
        match refused {
            Some(refused) => Err(CommandError::Rejected(refused.to_string())),
            None => Ok(()),
        }
    }
}

/// The ranges in ascending order, none touching another.
fn ordered(payloads: &[IndexRange]) -> Result<Vec<IndexRange>, CommandError> {
    if let Some(range) = payloads.iter().find(|range| range.last < range.first) {
        let IndexRange { first, last } = range;
        return Err(CommandError::Invalid(format!(
            "{first}..{last} is no range: its end is before its beginning"
        )));
    }
    let set: IndexSet = payloads.iter().copied().collect();
    let ranges: Vec<IndexRange> = set.ranges().collect();
    let (count, runs) = (set.count(), ranges.len());
    if count == 0 || count > MAX_ERASED || runs > MAX_RANGES {
        return Err(CommandError::Invalid(format!(
            "one command erases 1 to {MAX_ERASED} payloads in at most {MAX_RANGES} ranges, these \
             are {count} in {runs}: erase them by several commands"
        )));
    }
    Ok(ranges)
}

fn reason(reason: &str) -> Result<String, CommandError> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if !(1..=MAX_REASON).contains(&length) || reason.chars().any(char::is_control) {
        return Err(CommandError::Invalid(format!(
            "a reason has 1 to {MAX_REASON} characters in one line, this one has {length}: it stays \
             in the ledger for ever, so say why, without personal data"
        )));
    }
    Ok(reason.to_owned())
}

/// The append stands on the erasures that were looked at: with one more it is a conflict.
fn append_of<R: Record>(
    context: &Context,
    ledger: &LedgerInfo,
    record: &R,
    version: u64,
) -> Result<Append, CommandError> {
    let bytes = canonical_json(record)
        .map_err(|e| CommandError::Invalid(format!("the entry cannot be written down: {e}")))?;
    let command = input(context, record)?;
    Ok(Append {
        actor: command.actor,
        command: command.command,
        input_hash: command.input_hash,
        cause: command.cause,
        via: command.via,
        received_at: command.received_at,
        unchanged: None,
        events: vec![NewEvent {
            stream: stream_of(&ledger.name),
            expected: Expected::Version(version),
            kind: R::KIND.to_owned(),
            schema: R::SCHEMA,
            media: "application/json".to_owned(),
            bytes,
            retention: Retention::Kept,
        }],
    })
}

fn input<R: Record>(context: &Context, record: &R) -> Result<CommandContext, CommandError> {
    command_context(context, &(R::KIND, record))
}
