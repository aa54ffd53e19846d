//! Where the keys of ledgers are kept, and who signs with them.

mod files;
mod program;
mod ring;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealrock_ledger::{CheckpointError, KeyRange, LedgerName, LogKey, LogSigner, Origin};

pub use files::KeyFiles;
#[cfg(test)]
pub(crate) use program::tests::Kms;
pub(crate) use ring::{KeyRing, sign_statement};

/// A key that can sign.
#[derive(Clone)]
pub struct Signer {
    by: Arc<dyn LogSigner>,
    may_block: bool,
}

impl Signer {
    /// A key that this process holds.
    #[must_use]
    pub fn held(key: LogKey) -> Self {
        Self {
            by: Arc::new(key),
            may_block: false,
        }
    }

    /// A key that somebody else holds, who is asked for each signature.
    #[must_use]
    pub fn asked(signer: Arc<dyn LogSigner>) -> Self {
        Self {
            by: signer,
            may_block: true,
        }
    }

    /// The public key in text form.
    #[must_use]
    pub fn vkey(&self) -> &str {
        self.by.vkey()
    }
}

/// Finds the private keys of ledgers. Its methods may block: on files, or on a program that starts.
pub trait KeySource: Send + Sync {
    /// Whoever signs as the key `vkey`.
    ///
    /// # Errors
    /// [`KeyError::Missing`] if it is not here; if a key cannot be read, or is another ledger's.
    fn signer(&self, name: &LedgerName, origin: &Origin, vkey: &str) -> Result<Signer, KeyError>;

    /// A key that the ledger does not have among `known`, made where there is none: for a new
    /// ledger, or for the next rotation. After this has returned, the key is durable: a crash
    /// before the ledger names it leaves a key that the next attempt finds.
    ///
    /// # Errors
    /// As [`KeySource::signer`], and if a new key cannot be kept.
    fn unused(
        &self,
        name: &LedgerName,
        origin: &Origin,
        known: &[KeyRange],
    ) -> Result<Signer, KeyError>;

    /// The folder where, outside the database, is kept how far a ledger has come.
    fn folder(&self) -> &Path;
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The ledger exists and its key does not.
    #[error(
        "the log key {vkey} of ledger {name} is missing: put it back as {} or into {variable}, or \
         set log_signer to the program that signs with it; without it nothing can be appended to \
         this ledger", path.display()
    )]
    Missing {
        /// The ledger.
        name: LedgerName,
        /// Which of its keys.
        vkey: String,
        /// Where its file should be.
        path: PathBuf,
        /// The environment variable that would do as well.
        variable: String,
    },
    /// Others than its owner may read the file.
    #[error(
        "the log key file {} may be read by others (mode {mode:03o}), who could sign in the log's \
         name: run `chmod 600 {}`; if they may have read it, rotate the key", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file cannot be read or written.
    #[error("the log key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What was found is not a key of this ledger.
    #[error("the log key from {from}: {source}")]
    Unusable {
        /// File or variable.
        from: String,
        /// What is wrong.
        source: CheckpointError,
    },
    /// There are programs that sign, and none has a key that the ledger does not have yet.
    #[error(
        "no signing program has a key that is new to ledger {0}: set log_signer_next to the \
         program that signs with the next one"
    )]
    NoneUnused(LedgerName),
    /// The program that signs does not; it is started again at the next append.
    #[error(
        "the signing program `{program}` {reason}: see that it runs and reaches its key; appends \
         go on by themselves when it answers"
    )]
    Program {
        /// The command.
        program: String,
        /// What happened.
        reason: String,
    },
}
