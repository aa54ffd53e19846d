//! A ledger that is looked at again and again: does it continue what it showed before?

mod look;
mod pinned;
mod state;

use std::collections::HashMap;
use std::path::PathBuf;

use sealrock_ledger::verify::{Source, SourceError};
use sealrock_ledger::{Checkpoint, ForkEvidence, TilePath};
use serde::Serialize;

pub use look::{Extent, look};
use pinned::Pinned;
pub use state::{Marks, State, WholeLook};

/// How a checkpoint stands to the one that was kept before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Continuity {
    /// None was kept: nothing is shown about what came before.
    First,
    /// The tree begins with the one that was kept.
    Continues {
        /// Entries of the tree that was kept.
        from: u64,
    },
    /// The tree is smaller than the one that was kept: an old state is shown, or the ledger was
    /// rolled back.
    RolledBack {
        /// Entries of the tree that was kept.
        from: u64,
    },
    /// The log signed two histories.
    Forked {
        /// Entries of the tree that was kept.
        from: u64,
        /// The file that proves it, by itself.
        evidence: PathBuf,
    },
    /// What is served is not the tree that is signed, so it cannot be known.
    Unproven {
        /// Entries of the tree that was kept.
        from: u64,
        /// What does not fit.
        reason: String,
    },
}

impl Continuity {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::First | Self::Continues { .. })
    }

    /// What an auditor should know about it, in a sentence.
    #[must_use]
    pub fn note(&self) -> String {
        match self {
            Self::First => {
                "first contact: the checkpoint is kept, and the next look shows that the \
                            ledger continues it"
                    .into()
            }
            Self::Continues { from } => {
                format!("it continues the {from} entries that were seen before")
            }
            Self::RolledBack { from } => format!(
                "{from} entries were signed before, and fewer are shown now: an old state is served, \
                 or the ledger was rolled back"
            ),
            Self::Forked { from, evidence } => format!(
                "FORK: it does not continue the {from} entries that were signed before. {} proves \
                 it: keep it, and show it to others (sealrock verify FILE --policy …)",
                evidence.display()
            ),
            Self::Unproven { from, reason } => format!(
                "it cannot be shown that it continues the {from} entries that were seen before: \
                 {reason}"
            ),
        }
    }
}

/// Holds a verified checkpoint against the one that was kept, by the tiles that `source` has of the
/// newer, and files evidence if they contradict each other.
fn continuity(
    source: &dyn Source,
    state: &State,
    kept: Option<&Checkpoint>,
    checkpoint: &Checkpoint,
) -> Result<Continuity, SourceError> {
    let Some(kept) = kept else {
        return Ok(Continuity::First);
    };
    let from = kept.size;
    if checkpoint.size < from {
        return Ok(Continuity::RolledBack { from });
    }
    let unproven = |reason: String| Ok(Continuity::Unproven { from, reason });
    let tiles = match ForkEvidence::tiles(from, checkpoint.size) {
        Ok(tiles) => fetch(source, &tiles)?,
        Err(error) => return unproven(error.to_string()),
    };
    match ForkEvidence::between(kept, checkpoint, &tiles) {
        Ok(None) => Ok(Continuity::Continues { from }),
        Ok(Some(evidence)) => {
            let evidence = state.keep_evidence(&evidence)?;
            Ok(Continuity::Forked { from, evidence })
        }
        Err(error) => unproven(error.to_string()),
    }
}

fn fetch(
    source: &dyn Source,
    tiles: &[TilePath],
) -> Result<HashMap<TilePath, Vec<u8>>, SourceError> {
    let mut found = HashMap::new();
    for tile in tiles {
        if let Some(bytes) = source.get(&tile.to_string())? {
            found.insert(*tile, bytes);
        }
    }
    Ok(found)
}
