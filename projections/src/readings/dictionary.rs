//! Series and contexts: what a row of `reading` says by a number.
//!
//! A row is added by the fold of its own ledger, which holds that ledger's checkpoint: nobody else adds
//! one in between. What was added by a fold that is rolled back is added again.

use std::collections::HashMap;
use std::hash::Hash;

use sealrock_domain::DeviceId;
use sealrock_eventstore::LedgerId;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryScalar;
use sqlx::{PgTransaction, Postgres};

/// What a device measures, in which unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey<'a> {
    pub(super) device: DeviceId,
    pub(super) metric: &'a str,
    /// As the device spells it.
    pub(super) unit: Option<&'a str>,
}

/// What many readings have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Context<'a> {
    pub(super) site: Option<&'a str>,
    pub(super) quality: &'a str,
    pub(super) suspicion: Option<&'a str>,
    pub(super) source: Option<&'a str>,
    pub(super) truth: Option<bool>,
}

/// Different keys, numbered from 0 as they come.
pub(super) struct Numbered<K> {
    numbers: HashMap<K, usize>,
    pub(super) keys: Vec<K>,
}

impl<K> Default for Numbered<K> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            keys: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + Hash> Numbered<K> {
    pub(super) fn number(&mut self, key: K) -> usize {
        let keys = &mut self.keys;
        *self.numbers.entry(key).or_insert_with(|| {
            keys.push(key);
            keys.len() - 1
        })
    }
}

/// A statement about some keys, which answers ids.
type Ids<'q> = QueryScalar<'q, Postgres, Option<i32>, PgArguments>;

/// A key that has an id in a table of its own.
pub(super) trait Entry: Copy {
    /// Finds the ids of keys, in their order.
    const FIND: &'static str;
    /// Adds keys that are not there.
    const ADD: &'static str;

    /// Binds the columns of `keys`, the same for both statements.
    fn bind<'q>(ids: Ids<'q>, keys: &'q [Self]) -> Ids<'q>;
}

/// The ids of `keys` in their order; those that are missing are added.
pub(super) async fn ids<K: Entry>(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    keys: &[K],
) -> sqlx::Result<Vec<i32>> {
    let mut found = run(tx, K::FIND, ledger, keys).await?;
    let both = keys.iter().zip(&found);
    let missing: Vec<K> = both
        .filter_map(|(key, id)| id.is_none().then_some(*key))
        .collect();
    if !missing.is_empty() {
        run(tx, K::ADD, ledger, &missing).await?;
        found = run(tx, K::FIND, ledger, keys).await?;
    }
    let ids: Option<Vec<i32>> = found.into_iter().collect();
    ids.ok_or(sqlx::Error::RowNotFound)
}

async fn run<K: Entry>(
    tx: &mut PgTransaction<'_>,
    sql: &'static str,
    ledger: LedgerId,
    keys: &[K],
) -> sqlx::Result<Vec<Option<i32>>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let ids = sqlx::query_scalar(sql).bind(ledger.0);
    K::bind(ids, keys).fetch_all(&mut **tx).await
}

fn column<K, C>(keys: &[K], column: impl Fn(&K) -> C) -> Vec<C> {
    keys.iter().map(column).collect()
}

impl Entry for SeriesKey<'_> {
    const FIND: &'static str = include_str!("series_ids.sql");
    const ADD: &'static str = include_str!("add_series.sql");

    fn bind<'q>(ids: Ids<'q>, keys: &'q [Self]) -> Ids<'q> {
        ids.bind(column(keys, |key| key.device.0))
            .bind(column(keys, |key| key.metric))
            .bind(column(keys, |key| key.unit))
    }
}

impl Entry for Context<'_> {
    const FIND: &'static str = include_str!("context_ids.sql");
    const ADD: &'static str = include_str!("add_contexts.sql");

    fn bind<'q>(ids: Ids<'q>, keys: &'q [Self]) -> Ids<'q> {
        ids.bind(column(keys, |key| key.site))
            .bind(column(keys, |key| key.quality))
            .bind(column(keys, |key| key.suspicion))
            .bind(column(keys, |key| key.source))
            .bind(column(keys, |key| key.truth))
    }
}
