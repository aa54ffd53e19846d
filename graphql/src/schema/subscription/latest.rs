//! Latest values as they change.

use std::collections::HashMap;

use async_graphql::{Context, ID, SimpleObject, Subscription};
use futures::{Stream, StreamExt};
use sealrock_domain::DeviceId;
use sealrock_domain::telemetry::MetricName;
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::latest::{self, Latest, LatestFilter};
use sealrock_projections::{LedgerId, QueryError, ReadModels, Runner};

use super::follow::{Fetched, Source, follow};
use crate::schema::loaders::ledger_name;
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::query::LatestOf;
use crate::schema::types::LatestReading;

#[derive(Default)]
pub(crate) struct LatestSubscription;

/// Latest values at a position: all of them at first, then those that changed.
#[derive(SimpleObject)]
pub(crate) struct LatestReadings {
    /// The position that they show.
    position: Position,
    /// The values.
    readings: Vec<LatestReading>,
}

#[Subscription]
impl LatestSubscription {
    /// The newest value of every metric of a device, or of every device of a site (give one of
    /// both): all of them at once, then what changed, after each commit of the read model. Changes
    /// that come faster than they are taken are merged: only the newest is sent.
    async fn latest_readings(
        &self,
        context: &Context<'_>,
        site: Option<ID>,
        device: Option<ID>,
    ) -> Result<impl Stream<Item = Result<LatestReadings, Problem>> + use<>, Problem> {
        let LatestOf { ledger, filter } = LatestOf::read(context, site, device).await?;
        let read = context.data_unchecked::<ReadModels>().clone();
        let wake = context
            .data_unchecked::<Runner>()
            .positions()
            .watch(latest::NAME, ledger);
        let name = ledger_name(context, ledger).await?;
        let snapshot =
            move |change: Result<Change, Problem>| change.map(|change| change.show(&name));
        Ok(follow(
            State {
                read,
                ledger,
                filter,
                sent: HashMap::new(),
            },
            wake,
        )
        .map(snapshot))
    }
}

struct State {
    read: ReadModels,
    ledger: LedgerId,
    /// Its `changed_from` moves on; absent before the first answer.
    filter: LatestFilter,
    /// The entry of each value that was sent: the read model may answer a change twice.
    sent: HashMap<(DeviceId, MetricName), Index>,
}

/// What changed, and the index after the last entry that it takes in.
struct Change {
    latest: Vec<Latest>,
    next: Index,
}

impl Source for State {
    type Item = Change;

    async fn fetch(&mut self) -> Result<Fetched<Change>, QueryError> {
        let (mut latest, next) = self.read.latest(self.ledger, &self.filter).await?;
        latest.retain(|value| {
            let key = (value.device, value.metric.clone());
            self.sent.insert(key, value.index) != Some(value.index)
        });
        let is_first = self.filter.changed_from.replace(next).is_none();
        let news = is_first || !latest.is_empty();
        let items = if news {
            vec![Change { latest, next }]
        } else {
            Vec::new()
        };
        Ok(Fetched { items, more: false })
    }
}

impl Change {
    fn show(self, ledger: &LedgerName) -> LatestReadings {
        let reading = |latest| LatestReading::new(ledger.clone(), latest);
        LatestReadings {
            position: Position::before(ledger.clone(), self.next),
            readings: self.latest.into_iter().map(reading).collect(),
        }
    }
}
