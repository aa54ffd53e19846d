//! Latest values, time series and readings.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::{Context, ID, Object};
use sealrock_ledger::LedgerName;
use sealrock_projections::latest::LatestFilter;
use sealrock_projections::readings::{
    Order, Reading as Stored, ReadingCursor, ReadingPosition, ReadingRange,
};
use sealrock_projections::rollups::Series;
use sealrock_projections::{LedgerId, ReadModels, registry};

use super::registry::{device, site};
use crate::code::Code;
use crate::schema::global_id;
use crate::schema::input;
use crate::schema::loaders::ledger_names;
use crate::schema::paging::{self, Page};
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::scalars::Time;
use crate::schema::types::{LatestReading, Reading, TimeSeries};

#[derive(Default)]
pub(crate) struct TelemetryQuery;

#[Object]
impl TelemetryQuery {
    /// The newest value of every metric of a device, or of every device of a site: give one of both.
    #[graphql(complexity = "100 * child_complexity")]
    async fn latest_readings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of this site only.")] site: Option<ID>,
        #[graphql(desc = "Of this device only.")] device: Option<ID>,
    ) -> Result<Vec<LatestReading>, Problem> {
        let LatestOf { ledger, filter } = LatestOf::read(context, site, device).await?;
        LatestReading::all(context, ledger, &filter).await
    }

    /// A metric of a device over time, from the bucket that holds `from` up to `to`, at most 10,000
    /// buckets. Buckets of a multiple of 300 seconds may span any time, others 31 days.
    async fn time_series(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device, by its id.")] device: ID,
        #[graphql(desc = "The metric, such as `co2_ppm`.")] metric: String,
        #[graphql(desc = "From this time on.")] from: Time,
        #[graphql(desc = "Up to this time, which is not included.")] to: Time,
        #[graphql(desc = "Width of a bucket, in seconds.")] bucket_seconds: u32,
    ) -> Result<TimeSeries, Problem> {
        let found = existing_device(context, &device).await?;
        let series = Series {
            device: found.id,
            metric: input::read("metric", &metric)?,
            from: from.0,
            to: to.0,
            bucket: Duration::from_secs(bucket_seconds.into()),
        };
        let buckets = context
            .data_unchecked::<ReadModels>()
            .series(&series)
            .await?;
        Ok(TimeSeries::new(
            ledger_of(&found.organisation),
            series,
            buckets,
        ))
    }

    /// Every reading of a device and metric from `from` up to and without `to`, suspect ones too,
    /// oldest first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the query's arguments")]
    async fn readings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The device, by its id.")] device: ID,
        #[graphql(desc = "The metric, such as `co2_ppm`.")] metric: String,
        #[graphql(desc = "From this time on.")] from: Time,
        #[graphql(desc = "Up to this time, which is not included.")] to: Time,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Reading>, Problem> {
        let found = existing_device(context, &device).await?;
        let (size, after) = (
            paging::size(first)?,
            paging::cursor(after.as_deref(), read_cursor)?,
        );
        let range = ReadingRange {
            device: found.id,
            metric: input::read("metric", &metric)?,
            from: from.0,
            to: to.0,
            order: Order::OldestFirst,
            after,
            first: size + 1,
        };
        let readings = context
            .data_unchecked::<ReadModels>()
            .readings(&range)
            .await?;
        let ledgers = ledger_names(context, readings.iter().map(|one| one.ledger)).await?;
        Ok(page(&ledgers, readings, size, after.is_none()))
    }
}

/// Whose latest values are asked for.
pub(crate) struct LatestOf {
    pub(crate) ledger: LedgerId,
    pub(crate) filter: LatestFilter,
}

impl LatestOf {
    /// Reads the arguments: a site or a device that the caller may see.
    pub(crate) async fn read(
        context: &Context<'_>,
        site_id: Option<ID>,
        device_id: Option<ID>,
    ) -> Result<Self, Problem> {
        match (site_id, device_id) {
            (Some(id), None) => {
                let found = site(context, global_id::site(&id)?).await?;
                let found = found.ok_or_else(|| missing("site", &id))?;
                let filter = LatestFilter {
                    site: Some(found.slug),
                    ..LatestFilter::default()
                };
                Ok(Self {
                    ledger: found.ledger,
                    filter,
                })
            }
            (None, Some(id)) => {
                let found = existing_device(context, &id).await?;
                let filter = LatestFilter {
                    devices: Some(vec![found.id]),
                    ..LatestFilter::default()
                };
                Ok(Self {
                    ledger: found.ledger,
                    filter,
                })
            }
            _ => Err(Problem::input("give a site or a device, and not both")),
        }
    }
}

async fn existing_device(context: &Context<'_>, id: &ID) -> Result<registry::Device, Problem> {
    let found = device(context, global_id::device(id)?).await?;
    found.ok_or_else(|| missing("device", id))
}

fn missing(what: &str, id: &ID) -> Problem {
    let message = format!(
        "there is no {what} with the id {:?} (yet: what was just registered may take a moment)",
        id.as_str()
    );
    Problem::new(Code::NotFound, message)
}

/// `ledgers` has the name of every ledger that the readings are in.
fn page(
    ledgers: &HashMap<LedgerId, LedgerName>,
    readings: Vec<Stored>,
    size: u32,
    is_first: bool,
) -> Page<Reading> {
    let cursor = |reading: &Stored| {
        let ReadingCursor { at, position } = reading.cursor();
        format!(
            "{} {} {}",
            at.timestamp_micros(),
            position.index,
            position.ordinal
        )
    };
    paging::page(readings, size, is_first, cursor, |reading| {
        Reading::new(ledgers[&reading.ledger].clone(), reading)
    })
}

fn read_cursor(text: &str) -> Option<ReadingCursor> {
    let mut parts = text.split(' ');
    let at = chrono::DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
    let index = sealrock_ledger::Index(parts.next()?.parse().ok()?);
    let ordinal = parts.next()?.parse().ok()?;
    Some(ReadingCursor {
        at,
        position: ReadingPosition { index, ordinal },
    })
}
