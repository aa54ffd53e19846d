//! A ledger as files, for those who trust nobody.

mod archive;
mod erased;
mod folder;
mod group;
mod job;
mod rows;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sealrock_domain::DeviceId;
use sealrock_eventstore::{EventStore, LedgerInfo, StoreError};
use sealrock_ledger::record::{IndexRange, stream_of};
use sealrock_ledger::verify::{Progress, Scope};
use sealrock_ledger::{Checkpoint, Index, LedgerName, Origin, TILE_WIDTH};
use serde::Serialize;

use crate::publish::{PublishError, Publisher, Publishing};
use crate::stored_tiles::TilesError;
use archive::{Archive, is_archive};
use erased::Erased;
use folder::{Fitting, Folder};
use job::{Head, Job, Place};
use rows::Rows;

/// How often an export begins anew because payloads were erased under its hands.
const ATTEMPTS: usize = 3;

/// What of a ledger is to be exported; by default all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The first entry; the export begins with its bundle's first.
    pub from: Option<Index>,
    /// The last entry; the export ends with its bundle's last.
    pub through: Option<Index>,
    /// The streams whose payloads are shown; none stands for all. The ledger's own stream, which
    /// says what was erased, is always shown with them.
    pub only: Vec<String>,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The ledger.
    pub origin: Origin,
    /// Entries of the tree that its checkpoint signs.
    pub size: u64,
    /// Entries of the tree that it held before; 0 for a new one.
    pub size_before: u64,
    /// What part of the ledger it holds.
    pub scope: Scope,
    /// Files that were written; the others were there.
    pub files_written: u64,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such entry.
    #[error("ledger {ledger} has {size} entries: none to export from {from} on")]
    NoRange {
        /// The ledger.
        ledger: LedgerName,
        /// The first entry that was asked for.
        from: Index,
        /// Its number of entries.
        size: u64,
    },
    /// A stream that was asked for has no entry.
    #[error("ledger {ledger} has no stream {stream}: nothing of it could be shown")]
    UnknownStream {
        /// The ledger.
        ledger: LedgerName,
        /// The stream.
        stream: String,
    },
    /// The directory holds an export of another part of the ledger.
    #[error(
        "{} holds an export of {found}; it cannot become one of {wanted}: name another directory",
        dir.display()
    )]
    OtherScope {
        /// The directory.
        dir: PathBuf,
        /// What it holds.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// There is such a file.
    #[error("{} exists: an archive is made anew, so name another file", .0.display())]
    Exists(PathBuf),
    /// The ledger has published no checkpoint: it holds no entry, or witnesses have not seen it yet.
    #[error("ledger {0} has published no checkpoint yet: there is nothing to export")]
    Empty(LedgerName),
    /// The directory holds something else.
    #[error("{} holds something else ({what}): name an empty directory", dir.display())]
    Occupied {
        /// The directory.
        dir: PathBuf,
        /// What is in the way.
        what: String,
    },
    /// Another export into the directory is under way.
    #[error("another export into {} is under way: wait for it", .0.display())]
    Busy(PathBuf),
    /// The directory holds entries that the ledger does not: the database lost some, or they are of
    /// another history.
    #[error(
        "{} holds a signed export of {held} entries that the ledger does not have ({reason}): if \
         the database was restored from a backup, entries are lost; keep this directory as evidence \
         and export into another", dir.display()
    )]
    OtherHistory {
        /// The directory.
        dir: PathBuf,
        /// Size of the export in it.
        held: u64,
        /// What does not fit.
        reason: String,
    },
    /// The directory holds more than is published.
    #[error(
        "{} holds {held} entries, published are {size}: wait until more are, or export into another \
         directory", dir.display()
    )]
    Ahead {
        /// The directory.
        dir: PathBuf,
        /// Size of the export in it.
        held: u64,
        /// Size of the published checkpoint.
        size: u64,
    },
    /// What is stored contradicts itself.
    #[error("the ledger is damaged: {0}; run `sealrock fsck`")]
    Damaged(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database is away or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is published cannot be had.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<TilesError> for ExportError {
    fn from(error: TilesError) -> Self {
        match error {
            TilesError::Damaged(what) => Self::Damaged(what),
            TilesError::Store(error) => Self::Store(error),
        }
    }
}

/// Writes the whole ledger; see [`export_selected`].
///
/// # Errors
/// See [`ExportError`]. What was in a directory that is refused is not touched.
pub async fn export(
    store: &EventStore,
    ledger: &LedgerInfo,
    to: &Path,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Exported, ExportError> {
    export_selected(store, ledger, to, &Selection::default(), progress).await
}

/// Writes what was selected of the ledger, at the size of its newest checkpoint, into the directory
/// `to`, or into one file if its name ends in `.tar.zst`. Appends may go on meanwhile: entries,
/// tiles and checkpoints never change once they are written.
///
/// In a directory an older export of the same ledger is brought up to date: full tiles and bundles
/// are kept, what is new is written, and bundles of payloads that were erased since are written
/// again without them. It may come to hold more of the ledger than it did, not less, and shows the
/// same streams' payloads. An archive is made anew. Memory is bounded by two groups of files, 16 MiB
/// and one bundle of payloads each, and the erased ranges.
///
/// **Crash**: files appear whole or not at all and `checkpoint` last, when all others are on the disk,
/// so a new export that was
/// interrupted has none, and an older one stays valid; doing it again goes on from there. An
/// archive is renamed into its place when it is whole.
///
/// # Errors
/// See [`ExportError`]. What was in a directory that is refused is not touched.
pub async fn export_selected(
    store: &EventStore,
    ledger: &LedgerInfo,
    to: &Path,
    selection: &Selection,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Exported, ExportError> {
    let publisher = Publisher::new(store.clone(), Publishing::plain(), reqwest::Client::new());
    export_published(&publisher, ledger, to, selection, progress).await
}

/// As [`export_selected`], at the size of the newest checkpoint that is published, with the
/// cosignatures and the time stamp that it has by now, and the witnesses in the policy.
///
/// # Errors
/// See [`ExportError`]. What was in a directory that is refused is not touched.
pub async fn export_published(
    publisher: &Publisher,
    ledger: &LedgerInfo,
    to: &Path,
    selection: &Selection,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Exported, ExportError> {
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        let attempt = attempt(publisher, ledger, to, selection, progress, left == 0);
        if let Some(exported) = attempt.await? {
            return Ok(exported);
        }
    }
}

/// One export, or `None` if a payload was erased by an entry that came after the checkpoint that
/// was taken. If no newer entry explains it either, or this is the `last` attempt, it is for the
/// verifier to say that it is missing.
async fn attempt(
    publisher: &Publisher,
    ledger: &LedgerInfo,
    to: &Path,
    selection: &Selection,
    progress: &mut (dyn FnMut(Progress) + Send),
    last: bool,
) -> Result<Option<Exported>, ExportError> {
    let store = publisher.store();
    let Some(newest) = publisher.published(ledger).await? else {
        return Err(ExportError::Empty(ledger.name.clone()));
    };
    let checkpoint = newest.checkpoint;
    let keys = store.keys(ledger.id).await?;
    let head = Head {
        policy: publisher.policy(ledger).await?,
        scope: scope_of(store, ledger, selection, checkpoint.size).await?,
        timestamp: newest.timestamp,
        checkpoint,
    };
    let rows = Rows { store, ledger };
    let (place, size_before) = if is_archive(to) {
        (Place::Archive(Archive::begin(to).await?), 0)
    } else {
        let fitting = Fitting {
            keys,
            policy: head.policy.clone(),
            scope: head.scope.clone(),
        };
        let folder = Folder::open(to, fitting).await?;
        if let Some(held) = folder.held() {
            same_history(&rows, to, held, &head.checkpoint).await?;
        }
        let size_before = folder.held().map_or(0, |held| held.size);
        (Place::Folder(folder), size_before)
    };
    let mut job = Job {
        erased: Erased::of(store, ledger, size_before, head.checkpoint.size).await?,
        rows,
        place,
        head,
        files_written: 0,
        vanished: false,
        group: Vec::new(),
        writing: None,
    };
    job.write_all(progress).await?;
    job.settle().await?;
    let size = job.head.checkpoint.size;
    if job.vanished && !last && store.size(ledger.id).await? > size {
        return Ok(None);
    }
    job.finish().await?;
    Ok(Some(Exported {
        origin: ledger.origin.clone(),
        size,
        size_before,
        scope: job.head.scope,
        files_written: job.files_written,
    }))
}

/// What was selected, of a tree of `size` entries.
async fn scope_of(
    store: &EventStore,
    ledger: &LedgerInfo,
    selection: &Selection,
    size: u64,
) -> Result<Scope, ExportError> {
    let from = selection.from.unwrap_or_default();
    if from.0 >= size || selection.through.is_some_and(|through| through < from) {
        return Err(ExportError::NoRange {
            ledger: ledger.name.clone(),
            from,
            size,
        });
    }
    let whole = selection.from.is_none() && selection.through.is_none();
    let through = selection.through.unwrap_or(Index(u64::MAX));
    let only = if selection.only.is_empty() {
        None
    } else {
        Some(streams(store, ledger, &selection.only).await?)
    };
    Ok(Scope {
        range: (!whole).then(|| widened(from, through, size)),
        only,
    })
}

/// The range with the whole of its bundles, of a tree of `size` entries.
fn widened(from: Index, through: Index, size: u64) -> IndexRange {
    let end = (through.0 / TILE_WIDTH)
        .saturating_add(1)
        .saturating_mul(TILE_WIDTH);
    IndexRange {
        first: Index(from.0 - from.0 % TILE_WIDTH),
        last: Index(end.min(size) - 1),
    }
}

/// The streams that were asked for, what they are judged by, and the ledger's own.
async fn streams(
    store: &EventStore,
    ledger: &LedgerInfo,
    only: &[String],
) -> Result<BTreeSet<String>, ExportError> {
    let known: Vec<String> = sqlx::query_scalar(include_str!("../sql/known_streams.sql"))
        .bind(ledger.id.0)
        .bind(only)
        .fetch_all(store.pool())
        .await
        .map_err(StoreError::from)?;
    if let Some(unknown) = only.iter().find(|stream| !known.contains(stream)) {
        return Err(ExportError::UnknownStream {
            ledger: ledger.name.clone(),
            stream: unknown.clone(),
        });
    }
    let beside = only.iter().flat_map(|stream| beside(stream));
    Ok(only
        .iter()
        .cloned()
        .chain(beside)
        .chain([stream_of(&ledger.name)])
        .collect())
}

/// What a device's batches are judged by: its keys, the gaps that are named, its seals.
fn beside(stream: &str) -> Vec<String> {
    let id = stream.strip_prefix("telemetry/");
    let Some(device) = id.and_then(|id| id.parse::<DeviceId>().ok()) else {
        return Vec::new();
    };
    vec![
        format!("device/{device}"),
        format!("gap/{device}"),
        format!("window/{device}/"),
    ]
}

/// What the directory holds must be the beginning of what the ledger holds.
async fn same_history(
    rows: &Rows<'_>,
    dir: &Path,
    held: &Checkpoint,
    newest: &Checkpoint,
) -> Result<(), ExportError> {
    let reason = match rows.checkpoint_at(held.size).await? {
        Some(ours) if ours.root == held.root && held.size <= newest.size => return Ok(()),
        Some(ours) if ours.root == held.root => {
            return Err(ExportError::Ahead {
                dir: dir.to_owned(),
                held: held.size,
                size: newest.size,
            });
        }
        Some(_) => "at that size it has another root".to_owned(),
        None => format!("it has {} and signed none of that size", newest.size),
    };
    Err(ExportError::OtherHistory {
        dir: dir.to_owned(),
        held: held.size,
        reason,
    })
}
