//! The keys that sign a ledger at present.

use std::sync::Arc;

use sealrock_ledger::{
    Checkpoint, Hash, KeyRange, LedgerName, Origin, SignError, sign_checkpoint, verify_statement,
};

use super::{KeySource, Signer};
use crate::error::{AppendError, StoreError};
use crate::ledgers::LedgerInfo;

/// A ledger's keys as they were at one epoch, with the signers that were needed so far.
#[derive(Clone)]
pub(crate) struct KeyRing {
    source: Arc<dyn KeySource>,
    name: LedgerName,
    origin: Origin,
    ranges: Vec<KeyRange>,
    signers: Vec<Signer>,
}

impl KeyRing {
    pub(crate) fn new(
        source: Arc<dyn KeySource>,
        ledger: &LedgerInfo,
        ranges: Vec<KeyRange>,
    ) -> Self {
        Self {
            source,
            name: ledger.name.clone(),
            origin: ledger.origin.clone(),
            ranges,
            signers: Vec::new(),
        }
    }

    /// All public keys that the ledger has had.
    pub(crate) fn ranges(&self) -> &[KeyRange] {
        &self.ranges
    }

    /// Those that are in use, oldest first.
    pub(crate) fn in_use(&self) -> Vec<&KeyRange> {
        let in_use = |range: &&KeyRange| range.through.is_none();
        self.ranges.iter().filter(in_use).collect()
    }

    /// From the tree of `from` entries on this one signs too.
    pub(crate) fn add(&mut self, signer: Signer, from: u64) {
        self.ranges.push(KeyRange {
            vkey: signer.vkey().to_owned(),
            from,
            through: None,
        });
        self.signers.push(signer);
    }

    /// The last tree that this key signs is that of `through` entries.
    pub(crate) fn retire(&mut self, vkey: &str, through: u64) {
        for range in self.ranges.iter_mut().filter(|range| range.vkey == vkey) {
            range.through = Some(through);
        }
        self.signers.retain(|signer| signer.vkey() != vkey);
    }

    /// Signs a tree with every key that signs trees of its size. Keys of this process sign at once;
    /// where a program is asked, it is asked off the async threads.
    pub(crate) async fn sign(&mut self, size: u64, root: Hash) -> Result<Checkpoint, AppendError> {
        let vkeys: Vec<String> = self
            .ranges
            .iter()
            .filter(|range| range.signs(size))
            .map(|range| range.vkey.clone())
            .collect();
        let mut signers = Vec::with_capacity(vkeys.len());
        for vkey in vkeys {
            signers.push(self.signer(&vkey).await?);
        }
        let may_block = signers.iter().any(|signer| signer.may_block);
        run(may_block, move || {
            let signers: Vec<_> = signers.iter().map(|signer| signer.by.as_ref()).collect();
            sign_checkpoint(&signers, size, root)
        })
        .await
    }

    /// One key's signature of a statement, verified.
    pub(crate) async fn sign_statement(
        &mut self,
        vkey: &str,
        statement: Vec<u8>,
    ) -> Result<[u8; 64], AppendError> {
        let signer = self.signer(vkey).await?;
        sign_statement(signer, statement).await
    }

    /// Whoever signs as that key; looked for until it is found.
    async fn signer(&mut self, vkey: &str) -> Result<Signer, AppendError> {
        if let Some(signer) = self.signers.iter().find(|signer| signer.vkey() == vkey) {
            return Ok(signer.clone());
        }
        let (source, name, origin) = (
            Arc::clone(&self.source),
            self.name.clone(),
            self.origin.clone(),
        );
        let wanted = vkey.to_owned();
        let found = tokio::task::spawn_blocking(move || source.signer(&name, &origin, &wanted))
            .await
            .map_err(|e| AppendError::Fatal(format!("the key source failed: {e}")))?;
        let signer = found.map_err(StoreError::from)?;
        self.signers.push(signer.clone());
        Ok(signer)
    }
}

/// A signer's signature of a statement, verified.
pub(crate) async fn sign_statement(
    signer: Signer,
    statement: Vec<u8>,
) -> Result<[u8; 64], AppendError> {
    run(signer.may_block, move || {
        let signature = signer.by.sign_text(&statement)?;
        verify_statement(signer.vkey(), &statement, &signature)
            .map_err(|_| SignError::Wrong(signer.vkey().to_owned()))?;
        Ok(signature)
    })
    .await
}

async fn run<T: Send + 'static>(
    may_block: bool,
    sign: impl FnOnce() -> Result<T, SignError> + Send + 'static,
) -> Result<T, AppendError> {
    let signed = if may_block {
        tokio::task::spawn_blocking(sign)
            .await
            .map_err(|e| AppendError::Fatal(format!("a signer failed: {e}")))?
    } else {
        sign()
    };
    signed.map_err(|error| match error {
        SignError::Unavailable { reason, .. } => AppendError::Unavailable(reason),
        other => AppendError::Fatal(other.to_string()),
    })
}
