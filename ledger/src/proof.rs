//! RFC 6962 proofs: that an entry is in a tree, and that a tree begins with another.
//!
//! A [`ProofPlan`] says which tiles a proof is made of and makes it once they are there; so tiles
//! may come from a disk, a database or over the network. The texts that carry proofs are
//! [`TlogProof`] (a `.tlog-proof` file) and [`AddCheckpoint`] (what a witness is sent).

mod file;
mod plan;
mod submission;

use std::fmt;

use tlog_tiles::{EMPTY_HASH, Hash};

pub use file::TlogProof;
pub use plan::ProofPlan;
pub use submission::{AddCheckpoint, latest_cosigned};

use crate::cosignature::CheckError;
use crate::name::Index;
use crate::tile::TilePath;

/// No proof of RFC 6962 is longer, in a tree of 2^64 - 1 entries.
const MAX_HASHES: usize = 64;

/// Why there is no proof, or it does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// There is no such entry or tree.
    #[error("{0}")]
    Range(String),
    /// A tile that the proof needs is not there.
    #[error("the tile {0} is missing")]
    TileMissing(TilePath),
    /// A tile has not the length of its width.
    #[error("the tile {tile} has {bytes} bytes")]
    TileLength {
        /// Which tile.
        tile: TilePath,
        /// Its length.
        bytes: usize,
    },
    /// A text that is no proof.
    #[error("line {line} of the proof: {reason}")]
    Malformed {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The proof leads to another root than the one that is signed.
    #[error("{0}")]
    Wrong(String),
    /// The proof's checkpoint does not fulfil the policy.
    #[error("the checkpoint of the proof: {0}")]
    Checkpoint(#[from] CheckError),
}

/// Checks that the tree of `size` entries with that root holds the leaf hash at `index`.
///
/// # Errors
/// If the proof does not show that.
pub fn check_inclusion(
    leaf: Hash,
    index: Index,
    size: u64,
    root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let wrong = || {
        ProofError::Wrong(format!(
            "the proof does not lead from entry {index} to the root of {size} entries"
        ))
    };
    if proof.len() > MAX_HASHES {
        return Err(wrong());
    }
    tlog_tiles::check_record(&proof.to_vec(), size, root, index.0, leaf).map_err(|_| wrong())
}

/// Checks that the tree of `new` entries begins with the tree of `old` entries. The empty tree
/// begins every tree, and its proof is empty.
///
/// # Errors
/// If the proof does not show that.
pub fn check_consistency(
    (old, old_root): (u64, Hash),
    (new, new_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    let holds = match old {
        _ if proof.len() > MAX_HASHES => false,
        0 => proof.is_empty() && old_root == EMPTY_HASH && (new > 0 || new_root == EMPTY_HASH),
        _ => tlog_tiles::check_tree(&proof.to_vec(), new, new_root, old, old_root).is_ok(),
    };
    if holds {
        return Ok(());
    }
    Err(ProofError::Wrong(format!(
        "the proof does not show that the tree of {new} entries begins with that of {old}"
    )))
}

/// The lines before the empty one, and the note after it.
fn split(text: &[u8]) -> Result<(Vec<&str>, &str), ProofError> {
    let malformed = |reason: String| ProofError::Malformed { line: 1, reason };
    let text = std::str::from_utf8(text).map_err(|e| malformed(e.to_string()))?;
    let (head, note) = text
        .split_once("\n\n")
        .ok_or_else(|| malformed("no empty line parts the proof from its checkpoint".to_owned()))?;
    Ok((head.split('\n').collect(), note))
}

/// Reads hashes in base64, one a line; `first` is the number of their first line.
pub(crate) fn read_hashes(lines: &[&str], first: usize) -> Result<Vec<Hash>, ProofError> {
    let malformed = |line, reason| Err(ProofError::Malformed { line, reason });
    if lines.len() > MAX_HASHES {
        return malformed(first + MAX_HASHES, format!("more than {MAX_HASHES} hashes"));
    }
    let mut hashes = Vec::with_capacity(lines.len());
    for (line, text) in (first..).zip(lines) {
        match Hash::parse_hash(text) {
            Ok(hash) => hashes.push(hash),
            Err(error) => return malformed(line, format!("{text:?} is no hash: {error}")),
        }
    }
    Ok(hashes)
}

pub(crate) fn write_hashes(hashes: &[Hash], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))
}
