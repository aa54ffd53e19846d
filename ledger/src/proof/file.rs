//! A C2SP tlog-proof: one file that shows that an entry is in a ledger.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use tlog_tiles::Hash;

use super::{ProofError, check_inclusion, read_hashes, split, write_hashes};
use crate::cosignature::Checked;
use crate::decimal::decimal;
use crate::name::Index;
use crate::note::Note;
use crate::policy::Policy;
use crate::tree::leaf_hash;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A `.tlog-proof` file.
///
/// ```text
/// c2sp.org/tlog-proof@v1\n
/// extra <base64>\n                 optional
/// index <index of the entry>\n
/// <base64 of a hash>\n             from the leaf's sibling upwards, any number of lines
/// \n
/// <the checkpoint, a signed note>
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TlogProof {
    /// Anything; nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The entry.
    pub index: Index,
    /// From the leaf's sibling upwards.
    pub hashes: Vec<Hash>,
    /// The signed note of a tree that holds the entry.
    pub checkpoint: String,
}

impl TlogProof {
    /// Reads the file. Each proof has one text form.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(text: &[u8]) -> Result<Self, ProofError> {
        let malformed = |line, reason: String| ProofError::Malformed { line, reason };
        let (lines, note) = split(text)?;
        let Some((&HEADER, mut rest)) = lines.split_first() else {
            return Err(malformed(1, format!("it is not {HEADER:?}")));
        };
        let mut extra = None;
        if let Some((first, after)) = rest.split_first()
            && let Some(encoded) = first.strip_prefix("extra ")
        {
            extra = Some(read_extra(encoded).map_err(|reason| malformed(2, reason))?);
            rest = after;
        }
        let line = 2 + usize::from(extra.is_some());
        let (index, hashes) = rest
            .split_first()
            .and_then(|(first, after)| Some((decimal(first.strip_prefix("index ")?)?, after)))
            .ok_or_else(|| malformed(line, "it is not `index <number>`".to_owned()))?;
        let hashes = read_hashes(hashes, line + 1)?;
        Note::parse(note.as_bytes())
            .and_then(|note| note.checkpoint())
            .map_err(|e| malformed(lines.len() + 2, e.to_string()))?;
        Ok(Self {
            extra,
            index: Index(index),
            hashes,
            checkpoint: note.to_owned(),
        })
    }

    /// Checks that the policy trusts the checkpoint, and that its tree holds these bytes at the
    /// proof's index. Answers what the checkpoint says.
    ///
    /// # Errors
    /// If not.
    pub fn verify(&self, entry: &[u8], policy: &Policy) -> Result<Checked, ProofError> {
        self.verify_leaf(leaf_hash(entry), policy)
    }

    /// The same where only the leaf hash of the entry is known.
    ///
    /// # Errors
    /// If the policy does not trust the checkpoint, or its tree does not hold this leaf there.
    pub fn verify_leaf(&self, leaf: Hash, policy: &Policy) -> Result<Checked, ProofError> {
        let checked = policy.check(self.checkpoint.as_bytes())?;
        let tree = &checked.checkpoint;
        check_inclusion(leaf, self.index, tree.size, tree.root, &self.hashes)?;
        Ok(checked)
    }
}

fn read_extra(encoded: &str) -> Result<Vec<u8>, String> {
    if encoded.is_empty() {
        return Err("where there is no extra data the line is left out".to_owned());
    }
    BASE64_STANDARD.decode(encoded).map_err(|e| e.to_string())
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = self.extra.as_ref().filter(|extra| !extra.is_empty()) {
            writeln!(f, "extra {}", BASE64_STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_hashes(&self.hashes, f)?;
        write!(f, "\n{}", self.checkpoint)
    }
}
