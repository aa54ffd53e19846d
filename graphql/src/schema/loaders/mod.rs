//! Looks up many things at once where a list would ask for each alone.

mod captures;
mod credits;
mod ledgers;
mod registry;
mod telemetry;
mod wells;

use std::collections::HashMap;
use std::hash::Hash;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader as Load};
use sealrock_projections::ReadModels;

use super::problem::Problem;

pub(crate) use captures::{CaptureTotalsOf, CaptureUnitsOf, CaptureVersionsOf, CapturesOf};
pub(crate) use credits::{AccountEntriesOf, BlockOf, IssuanceOf, NetMassOf};
pub(crate) use ledgers::{CurrentLedger, FoldedTo, LedgerNames, ledger_name, ledger_names};
pub(crate) use registry::{AssetsOf, DevicesOf, PlacePage, SitesOf, TargetsOf};
pub(crate) use telemetry::{
    EntriesOfBucket, EvidenceOf, GapsOf, LatestAt, LatestOfDevice, ReadingsOfWell, StatusOf,
    WindowsOf,
};
pub(crate) use wells::{DayVersionsOf, DaysOf, WellOf};

/// Looks things up in the read models.
pub(crate) struct Loader(pub(crate) ReadModels);

/// One thing, looked up together with those that are asked for at the same time.
pub(crate) async fn load<K>(
    context: &Context<'_>,
    key: K,
) -> Result<Option<<Loader as Load<K>>::Value>, Problem>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Loader: Load<K, Error = Problem>,
{
    context
        .data_unchecked::<DataLoader<Loader>>()
        .load_one(key)
        .await
}

/// Keys that ask alike, so that one statement answers them. As a rule all of a list do.
fn alike<K: Clone, A: Eq + Hash>(keys: &[K], asked: impl Fn(&K) -> A) -> HashMap<A, Vec<K>> {
    let mut groups: HashMap<A, Vec<K>> = HashMap::new();
    for key in keys {
        groups.entry(asked(key)).or_default().push(key.clone());
    }
    groups
}

/// Loads what a read model answers for many keys at once, in their order: one statement for all that ask
/// alike.
macro_rules! load_alike {
    (
        $key:ty => $value:ty,
        |$one:ident| $alike:expr,
        |$read:ident, $asked:pat_param, $keys:ident| $ask:expr
    ) => {
        impl Load<$key> for Loader {
            type Value = $value;
            type Error = Problem;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>, Problem> {
                let $read = &self.0;
                let mut answers = HashMap::new();
                for ($asked, $keys) in alike(keys, |$one| $alike) {
                    let found = $ask?;
                    answers.extend($keys.into_iter().zip(found));
                }
                Ok(answers)
            }
        }
    };
}
use load_alike;
