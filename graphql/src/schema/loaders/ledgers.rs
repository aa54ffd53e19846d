//! Ledgers, their names, and how far read models are with them.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use async_graphql::Context;
use async_graphql::dataloader::Loader as Load;
use sealrock_ledger::LedgerName;
use sealrock_projections::{LedgerId, LedgerInfo, QueryError};

use super::{Loader, load};
use crate::schema::problem::Problem;

/// Asks for the ledger that takes what is recorded under this organisation's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CurrentLedger(pub(crate) LedgerName);

/// Asks how many entries of a ledger a read model has folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FoldedTo(pub(crate) LedgerId, pub(crate) &'static str);

/// Names of ledgers that were looked up: they never change, and there are as many as organisations.
#[derive(Default)]
pub(crate) struct LedgerNames(RwLock<HashMap<LedgerId, LedgerName>>);

impl LedgerNames {
    fn get(&self, ledger: LedgerId) -> Option<LedgerName> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.get(&ledger).cloned()
    }

    fn keep(&self, ledger: LedgerId, name: LedgerName) {
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(ledger, name);
    }
}

/// The name of a ledger that a row of a read model names.
///
/// # Errors
/// If there is no such ledger, which cannot be: read models hold what ledgers hold.
pub(crate) async fn ledger_name(
    context: &Context<'_>,
    ledger: LedgerId,
) -> Result<LedgerName, Problem> {
    let known: &LedgerNames = context.data_unchecked();
    if let Some(name) = known.get(ledger) {
        return Ok(name);
    }
    let gone = || Problem::from(QueryError::Stored(format!("ledger {}", ledger.0)));
    let name = load(context, ledger).await?.ok_or_else(gone)?;
    known.keep(ledger, name.clone());
    Ok(name)
}

/// As [`ledger_name`], for many rows at once; every name that was asked for is there.
pub(crate) async fn ledger_names(
    context: &Context<'_>,
    ledgers: impl Iterator<Item = LedgerId>,
) -> Result<HashMap<LedgerId, LedgerName>, Problem> {
    let distinct: HashSet<LedgerId> = ledgers.collect();
    let mut names = HashMap::new();
    for ledger in distinct {
        names.insert(ledger, ledger_name(context, ledger).await?);
    }
    Ok(names)
}

impl Load<LedgerId> for Loader {
    type Value = LedgerName;
    type Error = Problem;

    async fn load(&self, _: &[LedgerId]) -> Result<HashMap<LedgerId, LedgerName>, Problem> {
        let ledgers = self.0.ledgers().await?;
        Ok(ledgers
            .into_iter()
            .map(|ledger| (ledger.id, ledger.name))
            .collect())
    }
}

impl Load<CurrentLedger> for Loader {
    type Value = LedgerInfo;
    type Error = Problem;

    async fn load(
        &self,
        keys: &[CurrentLedger],
    ) -> Result<HashMap<CurrentLedger, LedgerInfo>, Problem> {
        let all = self.0.ledgers().await?;
        // In the order in which they were made, so the one that continues the others comes last.
        let current = |name: &LedgerName| all.iter().rfind(|one| one.recorded_under(&all) == name);
        let found = keys.iter().filter_map(|key| {
            let ledger = current(&key.0)?;
            Some((key.clone(), ledger.clone()))
        });
        Ok(found.collect())
    }
}

impl Load<FoldedTo> for Loader {
    type Value = u64;
    type Error = Problem;

    /// Keys are alike as a rule: those that are asked for at once are of one ledger and read model.
    async fn load(&self, keys: &[FoldedTo]) -> Result<HashMap<FoldedTo, u64>, Problem> {
        let mut folded = HashMap::new();
        for FoldedTo(ledger, read_model) in keys {
            let next = self.0.next_index(read_model, *ledger).await?;
            folded.insert(FoldedTo(*ledger, read_model), next);
        }
        Ok(folded)
    }
}
