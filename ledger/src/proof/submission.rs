//! What a witness is sent: the body of C2SP tlog-witness's `add-checkpoint`.

use std::fmt;

use tlog_tiles::Hash;

use super::{ProofError, read_hashes, split, write_hashes};
use crate::decimal::decimal;
use crate::note::Note;

/// The specification's limit.
const MAX_LINES: usize = 63;

/// A checkpoint for a witness to cosign, with the proof that it begins with the one before.
///
/// ```text
/// old <size of the tree that the witness cosigned last>\n
/// <base64 of a hash>\n             the consistency proof, any number of lines
/// \n
/// <the checkpoint, a signed note>
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AddCheckpoint {
    /// Size of the tree that the witness cosigned last; 0 if none.
    pub old: u64,
    /// The consistency proof; empty where `old` is 0 or the new size.
    pub proof: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

impl AddCheckpoint {
    /// Reads the body. Each request has one text form.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(body: &[u8]) -> Result<Self, ProofError> {
        let malformed = |line, reason: String| ProofError::Malformed { line, reason };
        let (lines, note) = split(body)?;
        let (old, hashes) = lines
            .split_first()
            .and_then(|(first, rest)| Some((decimal(first.strip_prefix("old ")?)?, rest)))
            .ok_or_else(|| malformed(1, "it is not `old <size>`".to_owned()))?;
        if hashes.len() > MAX_LINES {
            let reason = format!("more than {MAX_LINES} hashes");
            return Err(malformed(2 + MAX_LINES, reason));
        }
        let proof = read_hashes(hashes, 2)?;
        Note::parse(note.as_bytes())
            .and_then(|note| note.checkpoint())
            .map_err(|e| malformed(lines.len() + 2, e.to_string()))?;
        Ok(Self {
            old,
            proof,
            checkpoint: note.to_owned(),
        })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        write_hashes(&self.proof, f)?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Reads a witness's answer 409: the size of the tree that it cosigned last, and a newline.
///
/// # Errors
/// If it is not that.
pub fn latest_cosigned(body: &str) -> Result<u64, ProofError> {
    body.strip_suffix('\n')
        .and_then(decimal)
        .ok_or_else(|| ProofError::Malformed {
            line: 1,
            reason: format!("{body:?} is no tree size"),
        })
}
