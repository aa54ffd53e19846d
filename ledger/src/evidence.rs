//! A file that proves by itself that a log forked: it signed two histories.
//!
//! ```text
//! sealrock-fork-v1\n
//! prefix <base64 of a root>\n      absent where both trees are of one size
//! <base64 of a hash>\n             any number of lines
//! \n
//! <checkpoint of the smaller tree, a signed note>
//! \n
//! <checkpoint of the larger tree, a signed note>
//! ```
//!
//! Both notes are signed by the ledger's keys. Where the trees are of one size, their roots differ.
//! Where not, the hashes are the RFC 6962 consistency proof that the larger tree begins with a tree
//! of the smaller one's size whose root is `prefix`, and that is not the root that the smaller
//! note signs. Whoever holds the ledger's public keys needs nothing else, and nobody without its
//! private keys can make such a file.

use std::collections::HashMap;
use std::fmt;

use tlog_tiles::Hash;

use crate::checkpoint::{Checkpoint, CheckpointError, LogVerifier};
use crate::note::Note;
use crate::proof::{ProofError, ProofPlan, check_consistency, read_hashes, write_hashes};
use crate::tile::TilePath;

const HEADER: &str = "sealrock-fork-v1";

/// Two signed checkpoints that cannot both be of one history, and why not.
#[derive(Debug, Clone, PartialEq)]
pub struct ForkEvidence {
    older: String,
    newer: String,
    prefix: Option<Prefix>,
}

/// What the larger tree begins with.
#[derive(Debug, Clone, PartialEq)]
struct Prefix {
    root: Hash,
    proof: Vec<Hash>,
}

/// A fork that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Fork {
    /// The checkpoint of the smaller tree, or of one of two that are of one size.
    pub older: Checkpoint,
    /// The checkpoint of the larger tree.
    pub newer: Checkpoint,
    /// The root over as many entries as the smaller tree has, in the larger one.
    pub prefix: Hash,
}

/// Why a file is no evidence of a fork.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It is no such file.
    #[error("not a file of fork evidence: {0}")]
    Malformed(String),
    /// A checkpoint in it is not the ledger's.
    #[error("a checkpoint of the evidence: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Both checkpoints are the ledger's, and nothing shows that they differ.
    #[error("the evidence shows no fork: {0}")]
    NoFork(String),
}

impl ForkEvidence {
    /// The tiles of the larger tree that [`ForkEvidence::between`] needs; none where the sizes are
    /// equal.
    ///
    /// # Errors
    /// If a size is larger than that of any tree.
    pub fn tiles(one: u64, other: u64) -> Result<Vec<TilePath>, ProofError> {
        let (old, new) = (one.min(other), one.max(other));
        if old == new {
            return Ok(Vec::new());
        }
        let mut tiles = ProofPlan::consistency(old, new)?.tiles().to_vec();
        for &tile in ProofPlan::prefix_root(old, new)?.tiles() {
            if !tiles.contains(&tile) {
                tiles.push(tile);
            }
        }
        Ok(tiles)
    }

    /// The evidence that two checkpoints, both verified, are a fork; `None` if they are not.
    ///
    /// # Errors
    /// If the tiles are not all there, or are not those of the larger checkpoint's tree: then
    /// nothing can be shown, but whoever serves them does not serve what he signed.
    pub fn between(
        one: &Checkpoint,
        other: &Checkpoint,
        tiles: &HashMap<TilePath, Vec<u8>>,
    ) -> Result<Option<Self>, ProofError> {
        let (older, newer) = if one.size <= other.size {
            (one, other)
        } else {
            (other, one)
        };
        let prefix = if older.size == newer.size {
            None
        } else {
            let root = ProofPlan::prefix_root(older.size, newer.size)?.prove(tiles)?[0];
            let proof = ProofPlan::consistency(older.size, newer.size)?.prove(tiles)?;
            check_consistency((older.size, root), (newer.size, newer.root), &proof)?;
            Some(Prefix { root, proof })
        };
        let begins_with = prefix.as_ref().map_or(newer.root, |prefix| prefix.root);
        Ok((begins_with != older.root).then(|| Self {
            older: older.note.clone(),
            newer: newer.note.clone(),
            prefix,
        }))
    }

    /// Reads the file. Each evidence has one text form.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(text: &[u8]) -> Result<Self, EvidenceError> {
        let malformed = |reason: &str| EvidenceError::Malformed(reason.to_owned());
        let text = std::str::from_utf8(text).map_err(|e| malformed(&e.to_string()))?;
        // Neither the lines of a checkpoint nor those of signatures are ever empty.
        let parts: Vec<&str> = text.splitn(6, "\n\n").collect();
        let [head, older, older_signatures, newer, newer_signatures] = parts[..] else {
            return Err(malformed("it does not hold two checkpoints"));
        };
        let older = format!("{older}\n\n{older_signatures}\n");
        let newer = format!("{newer}\n\n{newer_signatures}");
        for note in [&older, &newer] {
            Note::parse(note.as_bytes())?.checkpoint()?;
        }
        let lines: Vec<&str> = head.split('\n').collect();
        let prefix = match lines[..] {
            [HEADER] => None,
            [HEADER, root, ref proof @ ..] => Some(Prefix {
                root: read_prefix(root)?,
                proof: read_hashes(proof, 3).map_err(|e| malformed(&e.to_string()))?,
            }),
            _ => return Err(malformed(&format!("its first line is not {HEADER:?}"))),
        };
        Ok(Self {
            older,
            newer,
            prefix,
        })
    }

    /// Checks that the ledger with these keys did sign two histories.
    ///
    /// # Errors
    /// If the file does not show that.
    pub fn verify(&self, verifier: &LogVerifier) -> Result<Fork, EvidenceError> {
        let no_fork = |reason: String| EvidenceError::NoFork(reason);
        let older = verifier.verify(self.older.as_bytes())?;
        let newer = verifier.verify(self.newer.as_bytes())?;
        let prefix = match &self.prefix {
            None if older.size == newer.size => newer.root,
            Some(prefix) if older.size < newer.size => {
                let (old, new) = ((older.size, prefix.root), (newer.size, newer.root));
                check_consistency(old, new, &prefix.proof).map_err(|e| no_fork(e.to_string()))?;
                prefix.root
            }
            None | Some(_) => {
                return Err(no_fork(format!(
                    "trees of {} and {} entries, in this order, take {} proof",
                    older.size,
                    newer.size,
                    if self.prefix.is_some() {
                        "another or no"
                    } else {
                        "a"
                    }
                )));
            }
        };
        if prefix == older.root {
            return Err(no_fork(format!(
                "the trees of {} and {} entries are of one history",
                older.size, newer.size
            )));
        }
        Ok(Fork {
            older,
            newer,
            prefix,
        })
    }
}

fn read_prefix(line: &str) -> Result<Hash, EvidenceError> {
    line.strip_prefix("prefix ")
        .and_then(|root| Hash::parse_hash(root).ok())
        .ok_or_else(|| {
            EvidenceError::Malformed("its second line is not `prefix <root>`".to_owned())
        })
}

impl fmt::Display for ForkEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(prefix) = &self.prefix {
            writeln!(f, "prefix {}", prefix.root)?;
            write_hashes(&prefix.proof, f)?;
        }
        write!(f, "\n{}\n{}", self.older, self.newer)
    }
}

impl fmt::Display for Fork {
    /// What happened, in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.older.size;
        write!(
            f,
            "the log signed two histories: its tree of {size} entries has the root {}, and the \
             first {size} of its {} entries have the root {}",
            self.older.root, self.newer.size, self.prefix
        )
    }
}
