//! Windows whose batches retention erases: their seals speak for them from then on.

use std::collections::{BTreeSet, HashSet};

use sealrock_domain::telemetry::window::WindowSealed;
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use sqlx::PgTransaction;
use sqlx::types::Uuid;

use super::days::{self, DeviceDay};
use super::{Erased, forget};
use crate::runner::FoldError;

/// What retention leaves to do.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    /// Days whose sums are to be derived anew, from what is left and the seals.
    pub(crate) days: BTreeSet<DeviceDay>,
    /// The seals of windows of which some batches were never folded, because this is a rebuild.
    pub(crate) seals: Vec<WindowSealed>,
}

/// Forgets the batches that retention erases, and notes which seals stand for them.
///
/// Where all of a window's batches were folded before they were erased, what came of them stays as it
/// is, unless they had readings of other days, too: the seal counts those in its own, and who derives
/// one of the two days later would lose them or count them twice. Where some batches were not folded,
/// the seal takes the place of them all.
///
/// # Errors
/// Poison if a seal cannot be read.
pub(crate) async fn retain(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &Erased,
) -> Result<Retained, FoldError> {
    let mut retained = Retained::default();
    for (index, seal) in seals_over(tx, ledger, erased).await? {
        let folded = folded(tx, ledger, &seal).await?;
        let (gone, left): (Vec<u64>, Vec<u64>) = seal
            .indexes()
            .partition(|i| erased.payloads.contains(Index(*i)));
        if gone.is_empty() || left.iter().any(|index| folded.contains(index)) {
            continue;
        }
        note(tx, ledger, &seal, index).await?;
        let mut days = days_of(tx, ledger, &gone).await?;
        let own = (seal.device, seal.hour.start().date_naive());
        let known = gone.iter().all(|index| folded.contains(index));
        if !known || days.iter().any(|day| *day != own) {
            days.push(own);
            retained.days.extend(days);
        }
        if !known {
            retained.seals.push(seal);
        }
    }
    forget(tx, ledger, erased).await?;
    Ok(retained)
}

async fn seals_over(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    erased: &Erased,
) -> Result<Vec<(i64, WindowSealed)>, FoldError> {
    let (first, last) = super::columns(&erased.payloads);
    let (Some(first), Some(last)) = (first.first(), last.last()) else {
        return Ok(Vec::new());
    };
    let indexes: Vec<i64> = sqlx::query_scalar(include_str!("seals_over.sql"))
        .bind(ledger.0)
        .bind(first)
        .bind(last)
        .fetch_all(&mut **tx)
        .await?;
    let mut seals = Vec::new();
    for some in indexes.chunks(100) {
        for recorded in days::listed(tx, ledger, some, erased.by).await? {
            let index = recorded.entry.index.0.cast_signed();
            seals.push((index, days::sealed(&recorded, erased.by)?));
        }
    }
    Ok(seals)
}

/// Which of a seal's batches are in the tables of this model.
async fn folded(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    seal: &WindowSealed,
) -> sqlx::Result<HashSet<u64>> {
    let indexes: Vec<i64> = seal.indexes().map(u64::cast_signed).collect();
    let rows: Vec<i64> =
        sqlx::query_scalar("SELECT index FROM batch_day WHERE ledger_id = $1 AND index = ANY ($2)")
            .bind(ledger.0)
            .bind(indexes)
            .fetch_all(&mut **tx)
            .await?;
    Ok(rows.into_iter().map(i64::unsigned_abs).collect())
}

async fn days_of(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    indexes: &[u64],
) -> sqlx::Result<Vec<DeviceDay>> {
    let indexes: Vec<i64> = indexes.iter().map(|index| index.cast_signed()).collect();
    let rows: Vec<(Uuid, chrono::NaiveDate)> = sqlx::query_as(
        "SELECT DISTINCT device_id, day FROM batch_day WHERE ledger_id = $1 AND index = ANY ($2)",
    )
    .bind(ledger.0)
    .bind(indexes)
    .fetch_all(&mut **tx)
    .await?;
    let days = rows.into_iter();
    Ok(days
        .map(|(device, day)| (sealrock_domain::DeviceId(device), day))
        .collect())
}

async fn note(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    seal: &WindowSealed,
    index: i64,
) -> sqlx::Result<()> {
    sqlx::query(include_str!("insert_sealed_hours.sql"))
        .bind(ledger.0)
        .bind(seal.device.0)
        .bind(seal.hour.start())
        .bind(index)
        .execute(&mut **tx)
        .await
        .map(drop)
}
