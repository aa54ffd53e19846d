//! Single files that prove something by themselves: of an entry, or of a fork.

use std::fs;
use std::path::Path;

use sealrock_ledger::verify::SourceError;
use sealrock_ledger::{
    CheckError, Checked, EvidenceError, Fork, ForkEvidence, Policy, ProofError, TlogProof,
};

use crate::directory::{MAX_FILE_BYTES, unreadable};

/// What a single file is, by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An export in one file: `.tar.zst`.
    Archive,
    /// A `.tlog-proof`: an entry is in the ledger.
    Proof,
    /// The log signed two histories.
    Fork,
}

/// Why a single file proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofFailure {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] SourceError),
    /// It is no proof, or does not show what it should.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Its checkpoint is not the ledger's, or lacks witnesses.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] CheckError),
    /// It is no evidence of a fork, or shows none.
    #[error(transparent)]
    Fork(#[from] EvidenceError),
}

impl FileKind {
    /// Looks at the beginning of a file; `None` if it is none of them.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(path: &Path) -> Result<Option<Self>, SourceError> {
        use std::io::Read;
        let mut begin = Vec::new();
        fs::File::open(path)
            .and_then(|file| file.take(32).read_to_end(&mut begin))
            .map_err(|e| unreadable(path, &e))?;
        let kinds = [
            (&[0x28, 0xb5, 0x2f, 0xfd][..], Self::Archive),
            (b"c2sp.org/tlog-proof@", Self::Proof),
            (b"sealrock-fork-v1\n", Self::Fork),
        ];
        let kind = kinds
            .into_iter()
            .find(|(magic, _)| begin.starts_with(magic));
        Ok(kind.map(|(_, kind)| kind))
    }
}

/// Checks a `.tlog-proof`: the bytes of the entry are in the ledger at the proof's index. Without
/// them a proof shows nothing.
///
/// # Errors
/// [`ProofFailure`].
pub fn verify_proof(
    path: &Path,
    entry: &Path,
    policy: &Policy,
) -> Result<(TlogProof, Checked), ProofFailure> {
    let proof = TlogProof::parse(&read(path)?)?;
    let checked = proof.verify(&read(entry)?, policy)?;
    Ok((proof, checked))
}

/// Checks evidence of a fork: answers what it proves.
///
/// # Errors
/// [`ProofFailure`], if it proves none.
pub fn verify_fork(path: &Path, policy: &Policy) -> Result<Fork, ProofFailure> {
    let evidence = ForkEvidence::parse(&read(path)?)?;
    let keys = policy.verifier().map_err(CheckError::from)?;
    Ok(evidence.verify(&keys)?)
}

fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    let about = fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if !about.is_file() || about.len() > MAX_FILE_BYTES {
        let reason = std::io::Error::other("it is no file of a sane size");
        return Err(unreadable(path, &reason));
    }
    fs::read(path).map_err(|e| unreadable(path, &e))
}
