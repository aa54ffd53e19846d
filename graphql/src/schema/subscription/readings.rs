//! Readings as they come.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use futures::{Stream, StreamExt};
use sealrock_access::Permission::ReadTelemetry;
use sealrock_domain::telemetry::{MetricName, Value};
use sealrock_domain::{DeviceId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::readings::{self, Reading as Stored, ReadingFilter, ReadingPosition};
use sealrock_projections::{LedgerId, LedgerInfo, QueryError, ReadModels, Runner};

use super::follow::{Room, Source, follow};
use super::tail::{Page, Registry, Topic};
use crate::code::Code;
use crate::schema::global_id;
use crate::schema::guard::permit;
use crate::schema::input::{read, read_option};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::types::Reading;

/// Readings that a subscriber fetches at a time, and that the tail does.
const STRIDE: u32 = 250;
const TAIL_STRIDE: u32 = 2_000;
/// Devices of a ledger that have a tail of their own, which reads nothing else. Subscribers of more
/// devices share the ledger's.
const OWN_TAILS: usize = 16;

#[derive(Default)]
pub(crate) struct ReadingsSubscription;

#[Subscription]
impl ReadingsSubscription {
    /// Every reading of an organisation behind `after`, exactly once and in the ledger's order, as
    /// they come; suspect ones too. Without `after` from now on.
    async fn readings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Slug of the organisation.")] organisation: String,
        #[graphql(desc = "Only those of this site (slug).")] site: Option<String>,
        #[graphql(desc = "Only those of this device.")] device: Option<ID>,
        #[graphql(desc = "Only those of these metrics.")] metrics: Option<Vec<String>>,
        #[graphql(
            desc = "Every item behind this position; without it, what is recorded from now on."
        )]
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<Reading, Problem>> + use<>, Problem> {
        let organisation: Slug = read("organisation", &organisation)?;
        let site: Option<Slug> = read_option("site", site.as_deref())?;
        permit(context, ReadTelemetry, &organisation, site.as_ref())?;
        let filter = filter(device, metrics)?;
        let models = context.data_unchecked::<ReadModels>().clone();
        let found = models.current_ledger(&ledger_of(&organisation)).await?;
        let missing = || {
            Problem::new(
                Code::NotFound,
                format!("there is no organisation {organisation}"),
            )
        };
        let LedgerInfo {
            id: ledger, name, ..
        } = found.ok_or_else(missing)?;
        let newest = newest(&models, ledger).await?;
        let after = match after {
            Some(position) => position.reading_in(&name)?,
            None => newest,
        };
        let key = match (&filter.devices, &site) {
            (Some(devices), _) => devices.first().map_or(Key::All, |id| Key::Device(*id)),
            (None, Some(site)) => Key::Site(site.clone()),
            (None, None) => Key::All,
        };
        let more = context
            .data_unchecked::<Runner>()
            .positions()
            .watch(readings::NAME, ledger);
        let feeds = context.data_unchecked::<ReadingFeeds>();
        let about = feeds.about(ledger, &key);
        let tail = feeds
            .0
            .join(about, newest, || (Feed::new(models.clone(), about), more));
        let readings = Readings {
            read: models,
            ledger,
            filter,
            site,
        };
        let node =
            move |reading: Result<Arc<Stored>, Problem>| Ok(Reading::new(name.clone(), reading?));
        let room = Room::of(context);
        Ok(follow(readings, tail, key, after, room).map(node))
    }
}

fn filter(device: Option<ID>, metrics: Option<Vec<String>>) -> Result<ReadingFilter, Problem> {
    let devices = device.map(|id| global_id::device(&id)).transpose()?;
    let metric = |name: String| read::<MetricName>("metrics", &name);
    let metrics = metrics.map(|names| names.into_iter().map(metric).collect());
    Ok(ReadingFilter {
        devices: devices.map(|id| vec![id]),
        metrics: metrics.transpose()?,
    })
}

/// The end of what the read model has.
async fn newest(read: &ReadModels, ledger: LedgerId) -> Result<Option<ReadingPosition>, Problem> {
    let next = read.next_index(readings::NAME, ledger).await?;
    Ok(next
        .checked_sub(1)
        .map(|last| ReadingPosition::end_of(Index(last))))
}

/// The tails of readings.
#[derive(Default)]
pub(crate) struct ReadingFeeds(Registry<About, Feed>);

/// A ledger, or a device of one.
type About = (LedgerId, Option<DeviceId>);

impl ReadingFeeds {
    fn about(&self, ledger: LedgerId, key: &Key) -> About {
        let Key::Device(device) = *key else {
            return (ledger, None);
        };
        let others = |(of, other): &About| *of == ledger && other.is_some_and(|id| id != device);
        (ledger, (self.0.count(others) < OWN_TAILS).then_some(device))
    }
}

/// What the tail of a ledger, or of a device, asks.
pub(crate) struct Feed {
    read: ReadModels,
    ledger: LedgerId,
    filter: ReadingFilter,
}

/// What a subscriber of readings is woken by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    All,
    Site(Slug),
    Device(DeviceId),
}

impl Feed {
    fn new(read: ReadModels, (ledger, device): About) -> Self {
        let filter = ReadingFilter {
            devices: device.map(|id| vec![id]),
            metrics: None,
        };
        Self {
            read,
            ledger,
            filter,
        }
    }
}

impl Topic for Feed {
    type Item = Stored;
    type Place = ReadingPosition;
    type Key = Key;

    async fn fetch(&self, after: Option<ReadingPosition>) -> Result<Page<Self>, QueryError> {
        fetch(&self.read, self.ledger, after, &self.filter, TAIL_STRIDE).await
    }

    fn place(reading: &Stored) -> ReadingPosition {
        reading.position
    }

    fn keys(reading: &Stored) -> Vec<Key> {
        let site = reading.site.clone().map(Key::Site);
        let always = [Key::All, Key::Device(reading.device)];
        always.into_iter().chain(site).collect()
    }

    fn bytes(reading: &Stored) -> usize {
        let text = match &reading.value {
            Value::Text(text) => text.len(),
            Value::Number(_) | Value::Bool(_) => 0,
        };
        size_of::<Stored>() + text + 64
    }
}

struct Readings {
    read: ReadModels,
    ledger: LedgerId,
    filter: ReadingFilter,
    site: Option<Slug>,
}

impl Source for Readings {
    type Topic = Feed;

    fn wants(&self, reading: &Stored) -> bool {
        let ReadingFilter { devices, metrics } = &self.filter;
        devices
            .as_ref()
            .is_none_or(|own| own.contains(&reading.device))
            && metrics
                .as_ref()
                .is_none_or(|own| own.contains(&reading.metric))
            && (self.site.is_none() || reading.site == self.site)
    }

    async fn fetch(&self, after: Option<ReadingPosition>) -> Result<Page<Feed>, QueryError> {
        let mut page = fetch(&self.read, self.ledger, after, &self.filter, STRIDE).await?;
        page.items.retain(|reading| self.wants(reading));
        Ok(page)
    }
}

async fn fetch(
    read: &ReadModels,
    ledger: LedgerId,
    after: Option<ReadingPosition>,
    filter: &ReadingFilter,
    most: u32,
) -> Result<Page<Feed>, QueryError> {
    let found = read.readings_after(ledger, after, filter, most).await?;
    Ok(Page {
        items: found.readings,
        reached: found.next,
        more: found.more,
    })
}
