//! Where the files come from.

/// The files of an export, by their paths in the ledger format: `checkpoint`, `policy`, `scope`,
/// `tile/…`, `tile/entries/…`, `payloads/…`. They are asked for from several threads at once.
pub trait Source: Sync {
    /// The bytes of a file, or `None` if there is no such file.
    ///
    /// # Errors
    /// If it cannot be known whether the file is there, or it cannot be read.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;
}

/// A file that cannot be read; whether it is good or bad is not known.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read: {reason}")]
pub struct SourceError {
    /// The path that was asked for.
    pub path: String,
    /// What the system says.
    pub reason: String,
}
