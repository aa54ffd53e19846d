//! Readings as they come.

use async_graphql::{Context, ID, Subscription};
use futures::{Stream, StreamExt};
use sealrock_access::Permission::ReadTelemetry;
use sealrock_domain::Slug;
use sealrock_domain::telemetry::MetricName;
use sealrock_ledger::Index;
use sealrock_projections::readings::{self, Reading as Stored, ReadingFilter, ReadingPosition};
use sealrock_projections::{LedgerId, LedgerInfo, QueryError, ReadModels, Runner};

use super::follow::{Fetched, Source, follow};
use crate::code::Code;
use crate::schema::global_id;
use crate::schema::guard::permit;
use crate::schema::input::{read, read_option};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::types::Reading;

/// Readings fetched at a time.
const STRIDE: u32 = 500;

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
        let after = match after {
            Some(position) => position.reading_in(&name)?,
            None => newest(&models, ledger).await?,
        };
        let wake = context
            .data_unchecked::<Runner>()
            .positions()
            .watch(readings::NAME, ledger);
        let readings = Readings {
            read: models,
            ledger,
            after,
            filter,
            site,
        };
        let node = move |reading: Result<Stored, Problem>| Ok(Reading::new(name.clone(), reading?));
        Ok(follow(readings, wake).map(node))
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

struct Readings {
    read: ReadModels,
    ledger: LedgerId,
    after: Option<ReadingPosition>,
    filter: ReadingFilter,
    site: Option<Slug>,
}

impl Source for Readings {
    type Item = Stored;

    async fn fetch(&mut self) -> Result<Fetched<Stored>, QueryError> {
        let found = self
            .read
            .readings_after(self.ledger, self.after, &self.filter, STRIDE)
            .await?;
        self.after = found.next;
        let mut items = found.readings;
        if let Some(site) = &self.site {
            items.retain(|reading| reading.site.as_ref() == Some(site));
        }
        Ok(Fetched {
            items,
            more: found.more,
        })
    }
}
