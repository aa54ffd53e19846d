//! What is in mass accounts, and what became of issuances.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use sealrock_domain::KilogramRange;
use sealrock_ledger::Index;
use sealrock_projections::LedgerId;
use sealrock_projections::credits::{AccountEntry, Block, Issuance};
use uuid::Uuid;

use super::{Loader, alike, load_alike};
use crate::schema::problem::Problem;

/// Asks for a page of what was added to a mass account and taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AccountEntriesOf {
    pub(crate) ledger: LedgerId,
    pub(crate) account: String,
    pub(crate) after: Option<Index>,
    pub(crate) as_of: Option<Index>,
    pub(crate) first: u32,
}

/// Asks where kilograms of a mass account came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct NetMassOf {
    pub(crate) ledger: LedgerId,
    pub(crate) account: String,
    pub(crate) range: KilogramRange,
}

/// Asks for an issuance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct IssuanceOf(pub(crate) Uuid);

/// Asks for the credits of an issuance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlockOf(pub(crate) Uuid);

load_alike!(
    AccountEntriesOf => Vec<AccountEntry>,
    |key| (key.ledger, key.after, key.as_of, key.first),
    |read, (ledger, after, as_of, first), keys| {
        let accounts: Vec<&str> = keys.iter().map(|key| key.account.as_str()).collect();
        read.account_entries_of(ledger, &accounts, (after, as_of), first).await
    }
);
load_alike!(
    NetMassOf => Vec<AccountEntry>,
    |key| key.ledger,
    |read, ledger, keys| {
        let ranges = keys.iter().map(|key| (key.account.as_str(), key.range));
        let ranges: Vec<(&str, KilogramRange)> = ranges.collect();
        read.net_masses_of(ledger, &ranges).await
    }
);

impl Load<IssuanceOf> for Loader {
    type Value = Issuance;
    type Error = Problem;

    async fn load(&self, keys: &[IssuanceOf]) -> Result<HashMap<IssuanceOf, Issuance>, Problem> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = self.0.issuances_by_id(&ids).await?.into_iter();
        let known = found.filter_map(|one| {
            let requested = one.request.as_ref().map(|request| request.issuance);
            let reserved = one.reservation.as_ref().map(|reserved| reserved.issuance);
            Some((IssuanceOf(requested.or(reserved)?), one))
        });
        Ok(known.collect())
    }
}

impl Load<BlockOf> for Loader {
    type Value = Block;
    type Error = Problem;

    async fn load(&self, keys: &[BlockOf]) -> Result<HashMap<BlockOf, Block>, Problem> {
        let issuances: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = self.0.credit_blocks_by_id(&[], &issuances).await?;
        let blocks = found.into_iter();
        Ok(blocks
            .map(|block| (BlockOf(block.issuance), block))
            .collect())
    }
}
