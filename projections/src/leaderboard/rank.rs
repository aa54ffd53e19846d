//! From measured stacks to ranks.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::{DeviceId, Slug};

use super::{
    Captured, NoSplit, Period, REQUIRED_COVERAGE_PERCENT, RankBy, Rate, Row, Split, Stack, Unranked,
};
use crate::registry::Site;
use crate::targets::SiteTarget;

/// A stack as the read models have it.
pub(super) struct Measured {
    pub(super) slug: Slug,
    pub(super) biogenic_fraction: Option<String>,
    /// Buckets of five minutes with data, and the sum of their means in t/h.
    pub(super) filled: u64,
    pub(super) mean_sum: f64,
    pub(super) devices: Vec<DeviceId>,
}

/// All that is known of a site in the period.
pub(super) struct Known {
    pub(super) site: Site,
    pub(super) stacks: Vec<Measured>,
    pub(super) captured: Option<Captured>,
    /// Those of all time.
    pub(super) targets: Vec<SiteTarget>,
}

/// The rows in their order.
pub(super) fn rank(period: Period, by: RankBy, sites: impl Iterator<Item = Known>) -> Vec<Row> {
    let mut rows: Vec<Row> = sites.map(|known| row(period, by, known)).collect();
    rows.sort_by(|a, b| key(by, a).cmp(&key(by, b)));
    let mut before: Option<(Option<Rate>, u32)> = None;
    for (place, row) in (1..).zip(&mut rows) {
        if row.rank.is_ok() {
            let rate = compared(by, row);
            let shared = before.filter(|(other, _)| *other == rate);
            let rank = shared.map_or(place, |(_, rank)| rank);
            row.rank = Ok(rank);
            before = Some((rate, rank));
        }
    }
    rows
}

/// Ranked sites first, by what is compared; all others by name.
fn key(by: RankBy, row: &Row) -> (bool, Option<Rate>, &Slug) {
    match row.rank {
        Ok(_) => (false, compared(by, row), &row.site.slug),
        Err(_) => (true, None, &row.site.slug),
    }
}

fn compared(by: RankBy, row: &Row) -> Option<Rate> {
    match by {
        RankBy::Total => row.rate,
        RankBy::Fossil => row.split.as_ref().ok().map(|split| split.fossil),
    }
}

fn row(period: Period, by: RankBy, known: Known) -> Row {
    let measured = &known.stacks;
    let means: Option<Vec<f64>> = measured.iter().map(Measured::mean).collect();
    let means = means.filter(|means| !means.is_empty());
    let rate = means.map(|means| Rate::from_tonnes_per_hour(means.iter().sum()));
    let split = split(rate, measured);
    let coverage = coverage(period, measured);
    let rank = match (&coverage, &split) {
        (Err(refused), _) => Err(refused.clone()),
        (Ok(()), Err(unknown)) if by == RankBy::Fossil => Err(Unranked::Split(unknown.clone())),
        (Ok(()), _) => Ok(0), // told by its neighbours, see `rank`
    };
    let targets = of_period(period, known.targets);
    let target_kg_per_h = mean_target(period, &targets);
    let met = |target: f64| Some(rate?.kilograms_per_hour() <= target);
    Row {
        site: known.site,
        target_met: target_kg_per_h.filter(|_| coverage.is_ok()).and_then(met),
        rank,
        rate,
        split,
        filled: measured.iter().map(|stack| stack.filled).min().unwrap_or(0),
        stacks: measured.iter().map(Stack::from).collect(),
        captured: known.captured,
        targets,
        target_kg_per_h,
    }
}

/// That enough was measured at every stack.
fn coverage(period: Period, measured: &[Measured]) -> Result<(), Unranked> {
    let expected = period.buckets();
    let Some(least) = measured.iter().min_by_key(|stack| stack.filled) else {
        return Err(Unranked::NoStack);
    };
    if least.filled * 100 >= expected * REQUIRED_COVERAGE_PERCENT {
        return Ok(());
    }
    Err(Unranked::Coverage {
        stack: least.slug.clone(),
        filled: least.filled,
        expected,
    })
}

fn split(rate: Option<Rate>, measured: &[Measured]) -> Result<Split, NoSplit> {
    let mut biogenic = 0.0;
    for stack in measured {
        let fraction = stack.fraction()?.to_f64();
        biogenic += stack.mean().unwrap_or(0.0) * fraction;
    }
    let biogenic = Rate::from_tonnes_per_hour(biogenic);
    let fossil = rate.ok_or(NoSplit::NoRate)?.without(biogenic);
    Ok(Split { fossil, biogenic })
}

impl Measured {
    /// t/h; `None` without data.
    #[expect(clippy::cast_precision_loss, reason = "no period has 2^53 buckets")]
    fn mean(&self) -> Option<f64> {
        (self.filled > 0).then(|| self.mean_sum / self.filled as f64)
    }

    fn fraction(&self) -> Result<DecimalText, NoSplit> {
        let Some(value) = &self.biogenic_fraction else {
            return Err(NoSplit::Unknown(self.slug.clone()));
        };
        let fraction = value.parse::<DecimalText>().ok();
        let usable = fraction.filter(|fraction| (0.0..=1.0).contains(&fraction.to_f64()));
        usable.ok_or_else(|| NoSplit::Unusable {
            stack: self.slug.clone(),
            value: value.clone(),
        })
    }
}

impl From<&Measured> for Stack {
    fn from(measured: &Measured) -> Self {
        Self {
            slug: measured.slug.clone(),
            rate: measured.mean().map(Rate::from_tonnes_per_hour),
            filled: measured.filled,
            biogenic_fraction: measured.fraction(),
            devices: measured.devices.clone(),
        }
    }
}

/// Those that hold in a part of the period.
fn of_period(period: Period, mut targets: Vec<SiteTarget>) -> Vec<SiteTarget> {
    targets.retain(|target| overlap(period, target) > TimeDelta::zero());
    targets
}

fn overlap(period: Period, target: &SiteTarget) -> TimeDelta {
    let midnight = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let from = midnight(target.target.from).max(period.from);
    let after = target.target.until.and_then(|day| day.succ_opt());
    let to = after
        .map_or(DateTime::<Utc>::MAX_UTC, midnight)
        .min(period.to);
    (to - from).max(TimeDelta::zero())
}

/// The mean of the targets over the period, kg/h, if all of it has one.
fn mean_target(period: Period, targets: &[SiteTarget]) -> Option<f64> {
    if let [only] = targets
        && overlap(period, only) == period.length()
    {
        return Some(only.target.average_kg_per_h.to_f64());
    }
    let parts = || {
        targets
            .iter()
            .map(|target| (target, overlap(period, target)))
    };
    let covered: TimeDelta = parts().map(|(_, length)| length).sum();
    let weighted = parts()
        .map(|(target, length)| target.target.average_kg_per_h.to_f64() * length.as_seconds_f64());
    (covered == period.length()).then(|| weighted.sum::<f64>() / period.length().as_seconds_f64())
}
