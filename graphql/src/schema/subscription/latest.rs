//! Latest values as they change.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Subscription};
use futures::{Stream, StreamExt};
use sealrock_domain::telemetry::MetricName;
use sealrock_domain::{DeviceId, Slug};
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::latest::{self, Latest, LatestFilter};
use sealrock_projections::{LedgerId, QueryError, ReadModels, Runner};

use super::states::{Change, States, follow};
use super::tail::{Page, Registry, Topic};
use crate::schema::loaders::ledger_name;
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::query::LatestOf;
use crate::schema::types::LatestReading;

#[derive(Default)]
pub(crate) struct LatestSubscription;

/// Latest values at a position: all of them at first, then those that changed.
pub(crate) struct LatestReadings {
    position: Position,
    readings: Vec<LatestReading>,
}

/// Latest values at a position: all of them at first, then those that changed.
#[Object]
impl LatestReadings {
    /// The position that they show.
    async fn position(&self) -> &Position {
        &self.position
    }

    /// The values.
    #[graphql(complexity = "10 * child_complexity")]
    async fn readings(&self) -> &[LatestReading] {
        &self.readings
    }
}

#[Subscription]
impl LatestSubscription {
    /// The newest value of every metric of a device, or of every device of a site (give one of
    /// both): all of them at once, then what changed, after each commit of the read model. Changes
    /// that come faster than they are taken are merged: only the newest is sent.
    async fn latest_readings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of this site only.")] site: Option<ID>,
        #[graphql(desc = "Of this device only.")] device: Option<ID>,
    ) -> Result<impl Stream<Item = Result<LatestReadings, Problem>> + use<>, Problem> {
        let LatestOf { ledger, filter } = LatestOf::read(context, site, device).await?;
        let read = context.data_unchecked::<ReadModels>().clone();
        let more = context
            .data_unchecked::<Runner>()
            .positions()
            .watch(latest::NAME, ledger);
        let name = ledger_name(context, ledger).await?;
        let newest = read.next_index(latest::NAME, ledger).await?;
        let newest = newest.checked_sub(1).map(Index);
        let feed = Feed {
            read: read.clone(),
            ledger,
        };
        let feeds = context.data_unchecked::<LatestFeeds>();
        let tail = feeds.join(ledger, newest, || (feed, more));
        let key = Key::of(&filter);
        let values = Values {
            read,
            ledger,
            filter,
        };
        let show = move |change: Result<Change<Values>, Problem>| Ok(show(&name, change?));
        Ok(follow(values, tail, key).map(show))
    }
}

/// The tails of latest values, by ledger.
pub(crate) type LatestFeeds = Registry<LedgerId, Feed>;

/// What the tail of a ledger asks.
pub(crate) struct Feed {
    read: ReadModels,
    ledger: LedgerId,
}

/// What a subscriber of latest values is woken by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Site(Option<Slug>),
    Device(DeviceId),
}

impl Key {
    fn of(filter: &LatestFilter) -> Self {
        let device = filter.devices.as_ref().and_then(|devices| devices.first());
        device.map_or_else(|| Self::Site(filter.site.clone()), |id| Self::Device(*id))
    }
}

impl Topic for Feed {
    type Item = Latest;
    type Place = Index;
    type Key = Key;

    async fn fetch(&self, after: Option<Index>) -> Result<Page<Self>, QueryError> {
        let all = LatestFilter::default();
        let mut page = fetch(&self.read, self.ledger, &all, after).await?;
        // What changed since its position was read is in the next answer, too: here in order.
        let reached = page.reached;
        page.items.retain(|value| Some(value.index) <= reached);
        page.items.sort_by_key(|value| value.index);
        Ok(page)
    }

    fn place(value: &Latest) -> Index {
        value.index
    }

    fn keys(value: &Latest) -> Vec<Key> {
        vec![Key::Site(value.site.clone()), Key::Device(value.device)]
    }

    fn bytes(_: &Latest) -> usize {
        size_of::<Latest>() + 64
    }
}

struct Values {
    read: ReadModels,
    ledger: LedgerId,
    filter: LatestFilter,
}

impl States for Values {
    type Topic = Feed;
    type Id = (DeviceId, MetricName);

    fn id(value: &Latest) -> Self::Id {
        (value.device, value.metric.clone())
    }

    fn wants(&self, value: &Latest) -> bool {
        let LatestFilter { devices, site, .. } = &self.filter;
        devices
            .as_ref()
            .is_none_or(|own| own.contains(&value.device))
            && (site.is_none() || value.site == *site)
    }

    async fn fetch(&self, after: Option<Index>) -> Result<Page<Feed>, QueryError> {
        fetch(&self.read, self.ledger, &self.filter, after).await
    }
}

async fn fetch(
    read: &ReadModels,
    ledger: LedgerId,
    filter: &LatestFilter,
    after: Option<Index>,
) -> Result<Page<Feed>, QueryError> {
    let changed = LatestFilter {
        changed_from: after.map(Index::next),
        ..filter.clone()
    };
    let (items, next) = read.latest(ledger, &changed).await?;
    Ok(Page {
        items,
        reached: next.0.checked_sub(1).map(Index),
        more: false,
    })
}

fn show(ledger: &LedgerName, change: Change<Values>) -> LatestReadings {
    let reading =
        |latest: Arc<Latest>| LatestReading::new(ledger.clone(), Arc::unwrap_or_clone(latest));
    LatestReadings {
        position: Position::behind(ledger.clone(), change.reached),
        readings: change.items.into_iter().map(reading).collect(),
    }
}
