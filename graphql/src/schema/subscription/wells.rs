//! Wells as they change.

use std::collections::HashMap;

use async_graphql::{Context, SimpleObject, Subscription};
use futures::{Stream, StreamExt};
use sealrock_domain::{AssetId, Slug};
use sealrock_ledger::Index;
use sealrock_projections::wells::{self, StoredWell, WellFilter};
use sealrock_projections::{QueryError, ReadModels, Runner};

use super::follow::{Fetched, Source, follow};
use crate::schema::input;
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::types::{Injections, Well};

#[derive(Default)]
pub(crate) struct WellSubscription;

/// Wells at a position: all of them at first, then those that changed.
#[derive(SimpleObject)]
pub(crate) struct WellStatuses {
    /// The position that they show.
    position: Position,
    /// The wells.
    wells: Vec<Well>,
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
        organisation: String,
        site: Option<String>,
    ) -> Result<impl Stream<Item = Result<WellStatuses, Problem>> + use<>, Problem> {
        let organisation: Slug = input::read("organisation", &organisation)?;
        let site: Option<Slug> = input::read_option("site", site.as_deref())?;
        let of = Injections::of(context, &organisation, site.clone(), None).await?;
        let positions = context.data_unchecked::<Runner>().positions();
        let wake = positions.watch(wells::NAME, of.ledger.id);
        let state = State {
            read: context.data_unchecked::<ReadModels>().clone(),
            of: of.clone(),
            filter: WellFilter {
                site,
                ..WellFilter::default()
            },
            sent: HashMap::new(),
        };
        let show = move |change: Result<Change, Problem>| change.map(|change| change.show(&of));
        Ok(follow(state, wake).map(show))
    }
}

struct State {
    read: ReadModels,
    of: Injections,
    /// Its `changed_from` moves on; absent before the first answer.
    filter: WellFilter,
    /// The newest entry of each well that was sent: the read model may answer a change twice.
    sent: HashMap<AssetId, Option<Index>>,
}

/// What changed, and the index after the last entry that it takes in.
struct Change {
    wells: Vec<StoredWell>,
    next: Index,
}

impl Source for State {
    type Item = Change;

    async fn fetch(&mut self) -> Result<Fetched<Change>, QueryError> {
        let (mut wells, next) = self.read.wells_at(self.of.ledger.id, &self.filter).await?;
        wells.retain(|well| {
            let newest = well.indexes.last().copied();
            self.sent.insert(well.id, newest) != Some(newest)
        });
        let is_first = self.filter.changed_from.replace(next).is_none();
        let news = is_first || !wells.is_empty();
        let items = news.then_some(Change { wells, next });
        Ok(Fetched {
            items: items.into_iter().collect(),
            more: false,
        })
    }
}

impl Change {
    fn show(self, of: &Injections) -> WellStatuses {
        WellStatuses {
            position: Position::before(of.ledger.name.clone(), self.next),
            wells: self.wells.into_iter().map(|well| of.well(well)).collect(),
        }
    }
}
