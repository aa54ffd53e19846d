//! Sealing an hour of a device: the gaps that the ledger has to name, then the seal, in one append.

use sealrock_access::Permission;
use sealrock_domain::telemetry::window::{
    Gap, GapDetected, Hour, Root, Seal, SealedBoot, WindowEvent, WindowSealed, gap_stream,
    window_stream,
};
use sealrock_domain::telemetry::{SENSOR_BATCH_RECORDED, SENSOR_BATCH_SCHEMA, decode_recorded};
use sealrock_domain::{DeviceId, EventType, Slug};
use sealrock_eventstore::{
    Append, Expected, LedgerInfo, NewEvent, Recorded, Retention, read_listed,
};
use sealrock_ledger::record::{IndexRange, stream_of};
use sealrock_ledger::{Frontier, Index, canonical_json};
use uuid::Uuid;

use crate::commands::{Commands, ledger_name};
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{command_context, permit};
use crate::unsealed;

/// The most batches that one seal adds. What is left goes into a superseding one.
pub const MAX_SEALED: u32 = 100_000;
/// The most gaps that one append names. While there are more, it seals nothing.
pub const MAX_NAMED: u32 = 500;
/// Batches read at a time: each may have 1 MiB.
const PAGE: usize = 64;
/// Leaf hashes read at a time.
const HASHES: usize = 10_000;

/// What a seal is to hold, as a read model knows it; [`Commands::draft_seal`] reads the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowToSeal {
    /// The device.
    pub device: DeviceId,
    /// The hour.
    pub hour: Hour,
    /// The first batches of the window that no seal holds, ascending, at most [`MAX_SEALED`].
    pub entries: Vec<Index>,
    /// Index and stream version of the window's newest seal.
    pub supersedes: Option<(Index, u64)>,
}

/// The gaps at a moment at which all of the draft's batches were known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GapsToSeal {
    /// Those within the boots of the window and directly below them.
    pub listed: Vec<Gap>,
    /// Those below the boots' last seqs that no entry names. If there are more than [`MAX_NAMED`],
    /// at least one more than that.
    pub unnamed: Vec<Gap>,
    /// The version of the device's stream of gaps.
    pub version: u64,
}

/// A seal computed from the ledger, not recorded yet.
#[derive(Debug)]
pub struct SealDraft {
    organisation: Slug,
    device: DeviceId,
    hour: Hour,
    seal: Seal,
    root: Root,
    last: Index,
    version: u64,
    /// The version of the ledger's own stream that no later erasure is known of.
    erasures: u64,
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealing {
    /// The window is sealed.
    Sealed(Done),
    /// Gaps were named, and there are more: ask for gaps and seal again.
    Named(Done),
}

impl SealDraft {
    /// The boots whose gaps are to be found.
    #[must_use]
    pub fn boots(&self) -> Vec<SealedBoot> {
        self.seal.boots().cloned().collect()
    }
}

impl Commands {
    /// Computes a seal from the batches as they are recorded. `None` if none of them is left to seal:
    /// their payloads are erased.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] for an entry that is no batch of this window;
    /// [`CommandError::Conflict`] for one that an entry erases: the read model will see that;
    /// [`CommandError::Fatal`] if the seal to supersede does not fit its entries.
    pub async fn draft_seal(
        &self,
        context: &Context,
        organisation: &Slug,
        window: WindowToSeal,
    ) -> Result<Option<SealDraft>, CommandError> {
        permit(context, Permission::SealWindow, organisation, None)?;
        let ledger = self.store.existing(&ledger_name(organisation)?).await?;
        let erasures = self.no_erasure(&ledger, &window.entries).await?;
        let (mut seal, mut frontier) = match window.supersedes {
            None => (Seal::new(window.device, window.hour), Frontier::default()),
            Some((index, version)) => self.superseding(&ledger, &window, index, version).await?,
        };
        let mut last = None;
        for page in window.entries.chunks(PAGE) {
            for recorded in self.read(&ledger, page).await? {
                if add(&mut seal, &recorded)? {
                    frontier.push(recorded.leaf_hash);
                    last = Some(recorded.entry.index);
                }
            }
        }
        Ok(last.map(|last| SealDraft {
            organisation: organisation.clone(),
            device: window.device,
            hour: window.hour,
            seal,
            root: Root(frontier.root().0),
            last,
            version: window.supersedes.map_or(0, |(_, version)| version),
            erasures,
        }))
    }

    /// Records a seal, and before it the gaps that no entry names. The command id in `context` is not
    /// used: one that follows from window and last batch takes its place, so the same seal is
    /// recorded once, whoever repeats it.
    ///
    /// **Crash contract.** All of it is one append. Before it, nothing happened; after it, the window
    /// is sealed.
    ///
    /// # Errors
    /// [`CommandError::Conflict`] if another one sealed this window, named gaps of this device, or
    /// erased something, since the read model was asked: ask it again when it has seen that.
    pub async fn seal_window(
        &self,
        context: &Context,
        draft: SealDraft,
        gaps: GapsToSeal,
    ) -> Result<Sealing, CommandError> {
        permit(context, Permission::SealWindow, &draft.organisation, None)?;
        let ledger = self
            .store
            .existing(&ledger_name(&draft.organisation)?)
            .await?;
        let named = names(&draft, &gaps)?;
        if gaps.unnamed.len() > MAX_NAMED as usize {
            let id = format!("sealrock:gaps/{}/{}", draft.device, gaps.version);
            let append = append_of(context, &ledger, &draft, &id, named)?;
            let appended = self.store.append(ledger.id, append).await?;
            return Ok(Sealing::Named(appended.into()));
        }
        let id = format!(
            "sealrock:seal/{}/{}/{}",
            draft.device, draft.hour, draft.last
        );
        let mut append = append_of(context, &ledger, &draft, &id, named)?;
        append.events.push(sealed(draft, gaps.listed)?);
        let appended = self.store.append(ledger.id, append).await?;
        Ok(Sealing::Sealed(appended.into()))
    }

    /// No entry erases any of these payloads, as of the version of the ledger's own stream that is
    /// answered: what is erased before a seal holds it, no seal may hold.
    async fn no_erasure(
        &self,
        ledger: &LedgerInfo,
        entries: &[Index],
    ) -> Result<u64, CommandError> {
        let own = stream_of(&ledger.name);
        let version = self.store.stream_version(ledger.id, &own).await?;
        let pending = self.store.pending_erasures(ledger).await?;
        let mut ranges = pending.iter().flat_map(|erasure| &erasure.payloads);
        let erased = |range: &IndexRange| entries.iter().any(|index| range.contains(*index));
        if ranges.any(erased) {
            return Err(CommandError::Conflict);
        }
        Ok(version)
    }

    /// The seal that goes on from the one at `index`, and the tree over its entries.
    async fn superseding(
        &self,
        ledger: &LedgerInfo,
        window: &WindowToSeal,
        index: Index,
        version: u64,
    ) -> Result<(Seal, Frontier), CommandError> {
        let before = self.read(ledger, &[index]).await?.pop();
        let stream = window_stream(window.device, window.hour);
        let before = before.filter(|r| r.entry.stream == stream && r.entry.version == version);
        let before = before
            .and_then(|recorded| unsealed::sealed(&recorded))
            .ok_or_else(|| {
                CommandError::Fatal(format!(
                    "entry {index} is not seal {version} of {stream}: run `sealrock fsck`, then \
                 `sealrock projections rebuild windows`"
                ))
            })?;
        let frontier = self.tree_of(ledger, &before).await?;
        if frontier.root().0 != before.root.0 {
            return Err(CommandError::Fatal(format!(
                "the root of the seal at {index} is not that of its entries: run `sealrock fsck`"
            )));
        }
        Ok((Seal::superseding(index.0, before), frontier))
    }

    async fn tree_of(
        &self,
        ledger: &LedgerInfo,
        seal: &WindowSealed,
    ) -> Result<Frontier, CommandError> {
        let mut frontier = Frontier::default();
        let indexes: Vec<Index> = seal.indexes().map(Index).collect();
        for page in indexes.chunks(HASHES) {
            let hashes = self.store.leaf_hashes(ledger.id, page).await?;
            for hash in hashes {
                frontier.push(hash);
            }
        }
        Ok(frontier)
    }

    /// Some entries and their payloads.
    pub(crate) async fn read(
        &self,
        ledger: &LedgerInfo,
        indexes: &[Index],
    ) -> Result<Vec<Recorded>, CommandError> {
        let connection = self.store.pool().acquire().await;
        let mut connection = connection.map_err(sealrock_eventstore::StoreError::from)?;
        Ok(read_listed(&mut connection, ledger.id, indexes).await?)
    }
}

/// Adds a batch to the seal, unless its payload is erased.
fn add(seal: &mut Seal, recorded: &Recorded) -> Result<bool, CommandError> {
    let entry = &recorded.entry;
    let Some(payload) = &recorded.payload else {
        return Ok(false);
    };
    let is_batch = entry.kind == SENSOR_BATCH_RECORDED
        && entry.schema == SENSOR_BATCH_SCHEMA
        && entry.stream == seal.device().telemetry_stream();
    if !is_batch {
        return Err(CommandError::Invalid(format!(
            "entry {} is no sensor batch of {}",
            entry.index,
            seal.device()
        )));
    }
    let invalid = |error: &dyn std::fmt::Display| {
        CommandError::Invalid(format!("entry {} cannot be sealed: {error}", entry.index))
    };
    let batch = decode_recorded(&payload.media, &payload.bytes).map_err(|e| invalid(&e))?;
    seal.add(entry.index.0, entry.received_at, &batch)
        .map_err(|e| invalid(&e))?;
    Ok(true)
}

/// The events that name the first [`MAX_NAMED`] gaps, on the version at which they were looked up.
fn names(draft: &SealDraft, gaps: &GapsToSeal) -> Result<Vec<NewEvent>, CommandError> {
    let stream = gap_stream(draft.device);
    let unnamed = gaps.unnamed.iter().take(MAX_NAMED as usize);
    (gaps.version..)
        .zip(unnamed)
        .map(|(version, gap)| {
            let event = GapDetected {
                boot: gap.boot.clone(),
                device: draft.device,
                from_seq: gap.from_seq,
                to_seq: gap.to_seq,
            };
            new_event(stream.clone(), version, &event.into())
        })
        .collect()
}

fn sealed(draft: SealDraft, listed: Vec<Gap>) -> Result<NewEvent, CommandError> {
    let stream = window_stream(draft.device, draft.hour);
    let seal = draft.seal.finish(draft.root, listed);
    new_event(stream, draft.version, &seal.into())
}

fn new_event(stream: String, version: u64, event: &WindowEvent) -> Result<NewEvent, CommandError> {
    let encoded = event.encode();
    let bytes = canonical_json(&encoded.payload)
        .map_err(|e| CommandError::Invalid(format!("the seal cannot be written down: {e}")))?;
    Ok(NewEvent {
        stream,
        expected: Expected::Version(version),
        kind: encoded.kind.to_owned(),
        schema: encoded.schema,
        media: "application/json".to_owned(),
        bytes,
        retention: Retention::Kept,
    })
}

/// One append of `events`, caused by the draft's last batch, under the command id that `id` names.
fn append_of(
    context: &Context,
    ledger: &LedgerInfo,
    draft: &SealDraft,
    id: &str,
    events: Vec<NewEvent>,
) -> Result<Append, CommandError> {
    let context = Context {
        command: Uuid::new_v5(&Uuid::NAMESPACE_URL, id.as_bytes()),
        ..context.clone()
    };
    // The id is the whole input: what follows from it is computed.
    let command = command_context(&context, &id)?;
    Ok(Append {
        actor: command.actor,
        command: command.command,
        input_hash: command.input_hash,
        cause: format!("{}#{}", ledger.origin, draft.last),
        via: command.via,
        received_at: command.received_at,
        unchanged: Some((stream_of(&ledger.name), draft.erasures)),
        events,
    })
}
