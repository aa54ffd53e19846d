//! Entries of a ledger as they come.

use std::sync::Arc;

use async_graphql::{Context, Subscription};
use futures::{Stream, StreamExt};
use sealrock_ledger::Index;
use sealrock_projections::ledger::{EntryFilter, LedgerEntry as Stored, PageBounds};
use sealrock_projections::{LedgerId, LedgerInfo, QueryError, ReadModels};

use super::follow::{Room, Source, follow};
use super::tail::{Page, Registry, Topic};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::query::existing_ledger;
use crate::schema::types::LedgerEntry;

/// Entries that a subscriber fetches at a time, and that the tail does.
const STRIDE: u32 = 32;
const TAIL_STRIDE: u32 = 256;
/// Bytes of such a page, beyond its first entry.
const PAGE_BYTES: u64 = 1 << 20;
const TAIL_PAGE_BYTES: u64 = 4 << 20;

#[derive(Default)]
pub(crate) struct EntriesSubscription;

#[Subscription]
impl EntriesSubscription {
    /// Every entry of a ledger behind `after`, exactly once and in order, as they come. Without
    /// `after` from now on; `ledger(name) { start }` is the position before the first.
    async fn ledger_entries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The ledger, by its name.")] ledger: String,
        #[graphql(
            desc = "Every item behind this position; without it, what is recorded from now on."
        )]
        after: Option<Position>,
        #[graphql(name = "type", desc = "Only those of this event type.")] kind: Option<String>,
        #[graphql(desc = "Only those of this stream.")] stream: Option<String>,
    ) -> Result<impl Stream<Item = Result<LedgerEntry, Problem>> + use<>, Problem> {
        let ledger = existing_ledger(context, &ledger).await?;
        let read = context.data_unchecked::<ReadModels>().clone();
        let newest = newest(&read, &ledger).await?;
        let after = match after {
            Some(position) => position.entry_in(&ledger.name)?,
            None => newest,
        };
        let (name, more) = (ledger.name.clone(), read.watch_ledger(&ledger));
        let filter = EntryFilter { stream, kind };
        let key = match &filter {
            EntryFilter {
                stream: Some(stream),
                ..
            } => Key::Stream(stream.clone()),
            EntryFilter {
                kind: Some(kind), ..
            } => Key::Kind(kind.clone()),
            _ => Key::All,
        };
        let feed = Feed {
            read: read.clone(),
            ledger: ledger.clone(),
        };
        let feeds = context.data_unchecked::<EntryFeeds>();
        let tail = feeds.join(ledger.id, newest, || (feed, more));
        let entries = Entries {
            read,
            ledger,
            filter,
        };
        let node =
            move |entry: Result<Arc<Stored>, Problem>| Ok(LedgerEntry::new(name.clone(), entry?));
        let room = Room::of(context);
        Ok(follow(entries, tail, key, after, room).map(node))
    }
}

/// The tails of ledgers.
pub(crate) type EntryFeeds = Registry<LedgerId, Feed>;

/// What the tail of a ledger asks.
pub(crate) struct Feed {
    read: ReadModels,
    ledger: LedgerInfo,
}

/// What a subscriber of entries is woken by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    All,
    Kind(String),
    Stream(String),
}

impl Topic for Feed {
    type Item = Stored;
    type Place = Index;
    type Key = Key;

    async fn fetch(&self, after: Option<Index>) -> Result<Page<Self>, QueryError> {
        fetch(
            &self.read,
            &self.ledger,
            after,
            &EntryFilter::default(),
            page_of(TAIL_STRIDE, TAIL_PAGE_BYTES),
        )
        .await
    }

    fn place(entry: &Stored) -> Index {
        entry.recorded.entry.index
    }

    fn keys(entry: &Stored) -> Vec<Key> {
        let (kind, stream) = (&entry.recorded.entry.kind, &entry.recorded.entry.stream);
        vec![
            Key::All,
            Key::Kind(kind.clone()),
            Key::Stream(stream.clone()),
        ]
    }

    fn bytes(entry: &Stored) -> usize {
        usize::try_from(entry.bytes()).unwrap_or(usize::MAX)
    }
}

struct Entries {
    read: ReadModels,
    ledger: LedgerInfo,
    filter: EntryFilter,
}

impl Source for Entries {
    type Topic = Feed;

    fn wants(&self, entry: &Stored) -> bool {
        self.filter.matches(&entry.recorded)
    }

    async fn fetch(&self, after: Option<Index>) -> Result<Page<Feed>, QueryError> {
        let bounds = page_of(STRIDE, PAGE_BYTES);
        fetch(&self.read, &self.ledger, after, &self.filter, bounds).await
    }
}

fn page_of(entries: u32, bytes: u64) -> PageBounds {
    PageBounds {
        entries,
        bytes,
        payloads: true,
    }
}

async fn fetch(
    read: &ReadModels,
    ledger: &LedgerInfo,
    after: Option<Index>,
    filter: &EntryFilter,
    bounds: PageBounds,
) -> Result<Page<Feed>, QueryError> {
    let page = read.entries(ledger, after, bounds, filter).await?;
    Ok(Page {
        items: page.entries,
        reached: page.scanned_to,
        more: page.more,
    })
}

/// The last entry there is.
async fn newest(read: &ReadModels, ledger: &LedgerInfo) -> Result<Option<Index>, Problem> {
    Ok(read.ledger_size(ledger).await?.checked_sub(1).map(Index))
}
