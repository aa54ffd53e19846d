//! Entries of a ledger as they come.

use async_graphql::{Context, Subscription};
use futures::{Stream, StreamExt};
use sealrock_ledger::Index;
use sealrock_projections::ledger::{EntryFilter, LedgerEntry as Stored};
use sealrock_projections::{LedgerInfo, QueryError, ReadModels};

use super::follow::{Fetched, Source, follow};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::query::existing_ledger;
use crate::schema::types::LedgerEntry;

/// Entries fetched at a time.
const STRIDE: u32 = 256;

#[derive(Default)]
pub(crate) struct EntriesSubscription;

#[Subscription]
impl EntriesSubscription {
    /// Every entry of a ledger behind `after`, exactly once and in order, as they come. Without
    /// `after` from now on; `ledger(name) { start }` is the position before the first.
    async fn ledger_entries(
        &self,
        context: &Context<'_>,
        ledger: String,
        after: Option<Position>,
        #[graphql(name = "type", desc = "Only those of this event type.")] kind: Option<String>,
        #[graphql(desc = "Only those of this stream.")] stream: Option<String>,
    ) -> Result<impl Stream<Item = Result<LedgerEntry, Problem>> + use<>, Problem> {
        let ledger = existing_ledger(context, &ledger).await?;
        let read = context.data_unchecked::<ReadModels>().clone();
        let after = match after {
            Some(position) => position.entry_in(&ledger.name)?,
            None => newest(&read, &ledger).await?,
        };
        let (wake, name) = (read.watch_ledger(&ledger), ledger.name.clone());
        let entries = Entries {
            read,
            ledger,
            after,
            filter: EntryFilter { stream, kind },
        };
        let node = move |entry: Result<Stored, Problem>| Ok(LedgerEntry::new(name.clone(), entry?));
        Ok(follow(entries, wake).map(node))
    }
}

struct Entries {
    read: ReadModels,
    ledger: LedgerInfo,
    after: Option<Index>,
    filter: EntryFilter,
}

impl Source for Entries {
    type Item = Stored;

    async fn fetch(&mut self) -> Result<Fetched<Stored>, QueryError> {
        let page = self
            .read
            .entries(&self.ledger, self.after, STRIDE, &self.filter)
            .await?;
        self.after = page.scanned_to;
        Ok(Fetched {
            items: page.entries,
            more: page.more,
        })
    }
}

/// The last entry there is.
async fn newest(read: &ReadModels, ledger: &LedgerInfo) -> Result<Option<Index>, Problem> {
    Ok(read.ledger_size(ledger).await?.checked_sub(1).map(Index))
}
