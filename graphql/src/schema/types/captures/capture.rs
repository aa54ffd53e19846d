//! Records of what was captured.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use sealrock_domain::Mass;
use sealrock_domain::capture_day::efficiency_percent;
use sealrock_projections::captures::Capture as StoredCapture;

use super::Captures;
use crate::schema::loaders::{CaptureVersionsOf, load};
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// What a unit captured in a period of a UTC day.
#[derive(Clone)]
pub(crate) struct Capture {
    pub(super) captures: Captures,
    pub(super) stored: StoredCapture,
}

/// What a unit captured in a period of a UTC day, as it was recorded or last corrected.
#[Object]
impl Capture {
    /// Slug of the site.
    async fn site(&self) -> &str {
        self.stored.site.as_str()
    }

    /// Slug of the unit.
    async fn unit(&self) -> &str {
        self.stored.slug.as_str()
    }

    /// When the period begins; it names the record.
    async fn from(&self) -> Time {
        self.stored.period.from.into()
    }

    /// When the period ends.
    async fn to(&self) -> Time {
        self.stored.period.to.into()
    }

    /// CO2 that was captured, in kilograms, a decimal.
    async fn captured_kg(&self) -> String {
        self.stored.captured.kilograms()
    }

    /// CO2 that came in and was let go, in kilograms, a decimal.
    async fn vented_kg(&self) -> String {
        self.stored.vented.kilograms()
    }

    /// Captured ÷ (captured + vented), in percent with three places; null of nothing.
    async fn efficiency_percent(&self) -> Option<String> {
        efficiency_percent(self.stored.captured, self.stored.vented)
    }

    /// Electricity that it took, kWh, a decimal.
    async fn electricity_kwh(&self) -> Option<String> {
        self.stored
            .electricity_kwh
            .as_ref()
            .map(ToString::to_string)
    }

    /// Heat that it took, MJ, a decimal.
    async fn heat_mj(&self) -> Option<String> {
        self.stored.heat_mj.as_ref().map(ToString::to_string)
    }

    /// What the cited seals measure; null if none is cited.
    async fn measured(&self) -> Option<CaptureMeasured> {
        let measured = self.stored.measured.as_ref()?;
        Some(CaptureMeasured {
            captured_kg: measured.captured_kg.map(Mass::kilograms),
            vented_kg: measured.vented_kg.map(Mass::kilograms),
            hours: measured.hours,
            real: measured.real,
        })
    }

    /// The sealed hours of devices that it rests on.
    async fn evidence(&self) -> Vec<CitedEntry> {
        let cited = self.stored.evidence.iter().map(|citation| CitedEntry {
            origin: citation.origin().to_owned(),
            index: Count(citation.index()),
        });
        cited.collect()
    }

    /// Who recorded it, or corrected it last: `user/<id>`.
    async fn stated_by(&self) -> &str {
        self.stored.stated_by.as_str()
    }

    /// When that was recorded.
    async fn stated_at(&self) -> Time {
        self.stored.stated_at.into()
    }

    /// Why it was corrected; null if it never was.
    async fn reason(&self) -> Option<String> {
        self.stored.reason.as_ref().map(ToString::to_string)
    }

    /// Its day's approval; null until then.
    async fn approval(&self) -> Option<CaptureApproval> {
        let approval = self.stored.approval.as_ref()?;
        Some(CaptureApproval {
            by: approval.by.to_string(),
            at: approval.at.into(),
            index: approval.index.into(),
        })
    }

    /// All that was ever said of this period, the first version first, this one among them.
    #[graphql(complexity = "5 * child_complexity")]
    async fn versions(&self, context: &Context<'_>) -> Result<Vec<Capture>, Problem> {
        let of = &self.captures;
        let asked = CaptureVersionsOf {
            ledger: of.ledger.id,
            as_of: of.as_of,
            record: (self.stored.unit, self.stored.period.from),
        };
        let found = load(context, asked).await?.unwrap_or_default().into_iter();
        Ok(found.map(|stored| of.capture(stored)).collect())
    }

    /// The entries that recorded it, corrected it last and approved it.
    async fn provenance(&self) -> Provenance {
        let approval = self.stored.approval.as_ref().map(|approval| approval.index);
        let indexes = [self.stored.first_index, self.stored.index];
        Provenance::of(
            &self.captures.ledger.name,
            indexes.into_iter().chain(approval),
        )
    }
}

/// What sealed hours measure of a period.
#[derive(Debug, Clone, SimpleObject)]
struct CaptureMeasured {
    /// By `captured_mass_flow`, in kilograms; null where nothing measured it.
    captured_kg: Option<String>,
    /// By `vented_mass_flow`, in kilograms; null where nothing measured it.
    vented_kg: Option<String>,
    /// Hours of the period that are sealed.
    hours: u32,
    /// Whether sensors measured it: not simulated, not copied from another system.
    real: bool,
}

/// An entry of a ledger that is cited.
#[derive(Debug, Clone, SimpleObject)]
struct CitedEntry {
    /// The ledger's name in checkpoints.
    origin: String,
    /// The entry.
    index: Count,
}

/// A day is approved: nothing of it can be changed any more.
#[derive(Debug, Clone, SimpleObject)]
struct CaptureApproval {
    /// By whom: `user/<id>`.
    by: String,
    /// When.
    at: Time,
    /// By which entry.
    index: Count,
}

impl Capture {
    /// When the period begins.
    pub(crate) fn begin(&self) -> DateTime<Utc> {
        self.stored.period.from
    }
}
