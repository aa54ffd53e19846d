//! What the people read off their meters: hourly figures of the read model `rollups`, once all hours
//! of the day are sealed.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use sealrock_commands::CaptureStatement;
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::injection_day::DayFigures;
use sealrock_domain::telemetry::window::Hour;
use sealrock_domain::{DeviceId, Mass, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_projections::ReadModels;
use sealrock_projections::rollups::{self, Aggregate, Series};

/// The hours of a day.
const HOURS: u32 = 24;
/// What the annulus is held above the wellhead is compared at the finest that is rolled up.
const FINE: Duration = Duration::from_mins(5);
const HOUR: Duration = Duration::from_hours(1);

/// The midnight with which a UTC day begins.
pub fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// A device and its figures of a day.
pub struct Meter<'a> {
    /// The read models.
    pub read: &'a ReadModels,
    /// The ledger that holds its batches.
    pub ledger: LedgerId,
    /// Its id.
    pub device: DeviceId,
    /// Its name.
    pub name: Slug,
    /// The UTC day.
    pub day: NaiveDate,
}

impl Meter<'_> {
    /// Whether a seal holds every hour of the day and all batches of it, and the rollups have seen
    /// them.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn is_sealed(&self) -> anyhow::Result<bool> {
        let end = Hour::of(midnight(self.day + Days::new(1)));
        let windows = self.read.windows(self.device, Some(end), HOURS).await?;
        let of_the_day = windows
            .iter()
            .filter(|window| window.hour.start() >= midnight(self.day) && !window.waiting)
            .filter_map(|window| window.seal.as_ref());
        let seals: Vec<_> = of_the_day.map(|seal| seal.at.index).collect();
        let Some(last) = seals.iter().max() else {
            return Ok(false);
        };
        let folded = self.read.next_index(rollups::NAME, self.ledger).await?;
        Ok(seals.len() == HOURS as usize && folded > last.0)
    }

    /// What a capture unit's meters say.
    ///
    /// # Errors
    /// If the database is away or something was not measured.
    pub async fn capture(&self) -> anyhow::Result<CaptureStatement> {
        let electricity = self.hourly("electric_power").await?;
        let heat = self.hourly("steam_energy").await?;
        Ok(CaptureStatement {
            captured: mass(&self.hourly("captured_mass_flow").await?)?,
            vented: mass(&self.hourly("vented_mass_flow").await?)?,
            // kW for an hour each.
            electricity_kwh: sum_of(&electricity, 1.0)?,
            // GJ of the hour, in MJ.
            heat_mj: sum_of(&heat, 1_000.0)?,
            devices: vec![self.name.clone()],
        })
    }

    /// What an injection well's gauges say.
    ///
    /// # Errors
    /// If the database is away or something was not measured.
    pub async fn injection(&self) -> anyhow::Result<DayFigures> {
        let rate = self.hourly("injection_rate").await?;
        let wellhead = self.series("wellhead_pressure", FINE).await?;
        let annulus = self.series("annulus_pressure", FINE).await?;
        let margins = wellhead
            .iter()
            .zip(&annulus)
            .map(|(wellhead, annulus)| annulus.min - wellhead.max);
        let highest = |of: &[Aggregate]| greatest(of.iter().map(|bucket| bucket.max));
        let lowest = annulus.iter().map(|bucket| bucket.min);
        Ok(DayFigures {
            mass_kg: mass(&rate)?,
            hours: HOURS.to_string().parse()?,
            max_rate_t_per_h: highest(&rate).parse()?,
            max_wellhead_pressure_mpa: highest(&wellhead).parse()?,
            min_annulus_pressure_mpa: least(lowest).parse()?,
            min_annulus_margin_mpa: Some(least(margins).parse()?),
        })
    }

    async fn hourly(&self, metric: &str) -> anyhow::Result<Vec<Aggregate>> {
        self.series(metric, HOUR).await
    }

    async fn series(&self, metric: &str, bucket: Duration) -> anyhow::Result<Vec<Aggregate>> {
        let series = Series {
            device: self.device,
            metric: metric.parse()?,
            from: midnight(self.day),
            to: midnight(self.day + Days::new(1)),
            bucket,
        };
        let buckets = self.read.series(&series).await?;
        Ok(buckets.iter().map(|bucket| bucket.aggregate).collect())
    }
}

/// Mean t/h of each hour, added up.
fn mass(hours: &[Aggregate]) -> anyhow::Result<Mass> {
    let tonnes: f64 = means(hours).sum();
    // To the kilogram, which is what the devices resolve.
    Mass::parse_tonnes(&format!("{tonnes:.3}")).with_context(|| format!("{tonnes} t"))
}

/// The hourly means added up and converted; nothing of what was not measured.
fn sum_of(hours: &[Aggregate], factor: f64) -> anyhow::Result<Option<DecimalText>> {
    if hours.is_empty() {
        return Ok(None);
    }
    let sum = means(hours).sum::<f64>() * factor;
    Ok(Some(format!("{sum:.0}").parse()?))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an hour has far below 2^53 readings"
)]
fn means(hours: &[Aggregate]) -> impl Iterator<Item = f64> {
    hours.iter().map(|hour| hour.sum / hour.count as f64)
}

/// With the gauges' four decimals.
fn greatest(values: impl Iterator<Item = f64>) -> String {
    format!("{:.4}", values.fold(0.0, f64::max))
}

fn least(values: impl Iterator<Item = f64>) -> String {
    format!("{:.4}", values.reduce(f64::min).unwrap_or(0.0))
}
