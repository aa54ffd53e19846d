//! Wells as they change.

use std::sync::Arc;

use async_graphql::{Context, Object, Subscription};
use futures::{Stream, StreamExt};
use sealrock_domain::{AssetId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::wells::{self, StoredWell, WellFilter};
use sealrock_projections::{LedgerId, QueryError, ReadModels, Runner};

use super::states::{Change, States, follow};
use super::tail::{Page, Registry, Topic};
use crate::schema::input;
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::types::{Injections, Well};

/// What a well with its limits and tests takes in memory, roughly.
const WELL_BYTES: usize = 4_096;

#[derive(Default)]
pub(crate) struct WellSubscription;

/// Wells at a position: all of them at first, then those that changed.
pub(crate) struct WellStatuses {
    position: Position,
    wells: Vec<Well>,
}

/// Wells at a position: all of them at first, then those that changed.
#[Object]
impl WellStatuses {
    /// The position that they show.
    async fn position(&self) -> &Position {
        &self.position
    }

    /// The wells.
    #[graphql(complexity = "5 * child_complexity")]
    async fn wells(&self) -> &[Well] {
        &self.wells
    }
}

#[Subscription]
impl WellSubscription {
    /// The wells of an organisation, or of one of its sites: all of them at once, then those whose
    /// status, limits or tests changed, after each commit of the read model. Changes that come faster
    /// than they are taken are merged: only the newest is sent. What is measured there comes by
    /// `latestReadings`.
    async fn well_status(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The organisation, by its slug.")] organisation: String,
        #[graphql(desc = "Of this site only.")] site: Option<String>,
    ) -> Result<impl Stream<Item = Result<WellStatuses, Problem>> + use<>, Problem> {
        let organisation: Slug = input::read("organisation", &organisation)?;
        let site: Option<Slug> = input::read_option("site", site.as_deref())?;
        let of = Injections::of(context, &organisation, site.clone(), None).await?;
        let ledger = of.ledger.id;
        let positions = context.data_unchecked::<Runner>().positions();
        let more = positions.watch(wells::NAME, ledger);
        let read = context.data_unchecked::<ReadModels>().clone();
        let newest = read.next_index(wells::NAME, ledger).await?;
        let newest = newest.checked_sub(1).map(Index);
        let feed = Feed {
            read: read.clone(),
            ledger,
        };
        let feeds = context.data_unchecked::<WellFeeds>();
        let tail = feeds.join(ledger, newest, || (feed, more));
        let key = site.clone();
        let statuses = Statuses { read, ledger, site };
        let show = move |change: Result<Change<Statuses>, Problem>| Ok(show(&of, change?));
        Ok(follow(statuses, tail, key).map(show))
    }
}

/// The tails of wells, by ledger.
pub(crate) type WellFeeds = Registry<LedgerId, Feed>;

/// What the tail of a ledger asks.
pub(crate) struct Feed {
    read: ReadModels,
    ledger: LedgerId,
}

impl Topic for Feed {
    type Item = StoredWell;
    type Place = Index;
    /// A site, or all of them.
    type Key = Option<Slug>;

    async fn fetch(&self, after: Option<Index>) -> Result<Page<Self>, QueryError> {
        let mut page = fetch(&self.read, self.ledger, None, after).await?;
        // What changed since its position was read is in the next answer, too: here in order.
        let reached = page.reached;
        page.items.retain(|well| Some(Self::place(well)) <= reached);
        page.items.sort_by_key(Self::place);
        Ok(page)
    }

    fn place(well: &StoredWell) -> Index {
        well.indexes.last().copied().unwrap_or(Index(0))
    }

    fn keys(well: &StoredWell) -> Vec<Option<Slug>> {
        vec![None, Some(well.site.clone())]
    }

    fn bytes(_: &StoredWell) -> usize {
        WELL_BYTES
    }
}

struct Statuses {
    read: ReadModels,
    ledger: LedgerId,
    site: Option<Slug>,
}

impl States for Statuses {
    type Topic = Feed;
    type Id = AssetId;

    fn id(well: &StoredWell) -> AssetId {
        well.id
    }

    fn wants(&self, well: &StoredWell) -> bool {
        self.site.as_ref().is_none_or(|site| *site == well.site)
    }

    async fn fetch(&self, after: Option<Index>) -> Result<Page<Feed>, QueryError> {
        fetch(&self.read, self.ledger, self.site.clone(), after).await
    }
}

async fn fetch(
    read: &ReadModels,
    ledger: LedgerId,
    site: Option<Slug>,
    after: Option<Index>,
) -> Result<Page<Feed>, QueryError> {
    let changed = WellFilter {
        site,
        changed_from: after.map(Index::next),
        ..WellFilter::default()
    };
    let (items, next) = read.wells_at(ledger, &changed).await?;
    Ok(Page {
        items,
        reached: next.0.checked_sub(1).map(Index),
        more: false,
    })
}

fn show(of: &Injections, change: Change<Statuses>) -> WellStatuses {
    let well = |well: Arc<StoredWell>| of.well(Arc::unwrap_or_clone(well));
    WellStatuses {
        position: Position::behind(of.ledger.name.clone(), change.reached),
        wells: change.items.into_iter().map(well).collect(),
    }
}
