//! Injection days.

use async_graphql::{Context, Object, SimpleObject};
use sealrock_domain::injection_day::{InjectionDayApproved, InjectionDayRecorded, Measured};
use sealrock_domain::quantity::{MassFlow, Pressure};
use sealrock_domain::{Citation, Mass};
use sealrock_projections::wells::StoredDay;

use super::{Injections, Well};
use crate::schema::loaders::{DayVersionsOf, WellOf, load};
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Day, Time};

/// What a well took on a UTC day.
#[derive(Clone)]
pub(crate) struct InjectionDay {
    injections: Injections,
    stored: StoredDay,
}

impl InjectionDay {
    pub(super) fn new(injections: Injections, stored: StoredDay) -> Self {
        Self { injections, stored }
    }

    fn recorded(&self) -> Option<&InjectionDayRecorded> {
        self.stored.state.recorded()
    }
}

/// What a well took on a UTC day, as it was recorded or last corrected.
#[Object]
impl InjectionDay {
    /// Slug of the site.
    async fn site(&self) -> &str {
        self.stored.site.as_str()
    }

    /// Slug of the well.
    async fn well_slug(&self) -> &str {
        self.stored.slug.as_str()
    }

    /// The well.
    #[graphql(complexity = "10 + child_complexity")]
    async fn well(&self, context: &Context<'_>) -> Result<Option<Well>, Problem> {
        let of = &self.injections;
        let asked = WellOf {
            ledger: of.ledger.id,
            as_of: of.as_of,
            site: of.site.clone(),
            well: self.stored.well,
        };
        Ok(load(context, asked).await?.map(|well| of.well(well)))
    }

    /// The UTC day.
    async fn day(&self) -> Day {
        self.stored.day.into()
    }

    /// CO2 injected, kilograms, a decimal.
    async fn mass_kg(&self) -> Option<String> {
        self.recorded().map(|day| day.mass_kg.kilograms())
    }

    /// For how many hours, a decimal.
    async fn hours(&self) -> Option<String> {
        self.recorded().map(|day| day.hours.decimal())
    }

    /// The highest rate, t/h, a decimal.
    async fn max_rate_t_per_h(&self) -> Option<String> {
        self.recorded().map(|day| day.max_rate_t_per_h.decimal())
    }

    /// The highest pressure at the wellhead, `MPa` absolute, a decimal.
    async fn max_wellhead_pressure_mpa(&self) -> Option<String> {
        self.recorded()
            .map(|day| day.max_wellhead_pressure_mpa.decimal())
    }

    /// The lowest pressure in the annulus, `MPa` absolute, a decimal.
    async fn min_annulus_pressure_mpa(&self) -> Option<String> {
        self.recorded()
            .map(|day| day.min_annulus_pressure_mpa.decimal())
    }

    /// By how much the annulus was above the wellhead at least, at any one moment, `MPa`, a decimal.
    async fn min_annulus_margin_mpa(&self) -> Option<String> {
        let margin = self.recorded()?.min_annulus_margin_mpa?;
        Some(margin.decimal())
    }

    /// What the cited seals measure.
    async fn measured(&self) -> Option<InjectionMeasured> {
        self.recorded().map(InjectionMeasured::of)
    }

    /// The sealed hours of devices that it rests on.
    async fn evidence(&self) -> Vec<InjectionEvidence> {
        let evidence = self.recorded().map(|day| &day.evidence[..]);
        let evidence = evidence.unwrap_or_default().iter();
        evidence.map(InjectionEvidence::from).collect()
    }

    /// Who recorded it, or corrected it last: `user/<id>`.
    async fn stated_by(&self) -> Option<&str> {
        self.recorded().map(|day| day.by.as_str())
    }

    /// Why it was corrected; null if it never was.
    async fn reason(&self) -> Option<String> {
        self.stored.reason.as_ref().map(ToString::to_string)
    }

    /// Its approval, which locks it; null until then.
    async fn approval(&self) -> Option<InjectionApproval> {
        self.stored.state.approved().map(InjectionApproval::from)
    }

    /// All that was ever said of this day, the first version first, this one among them.
    #[graphql(complexity = "5 * child_complexity")]
    async fn versions(&self, context: &Context<'_>) -> Result<Vec<InjectionDay>, Problem> {
        let of = &self.injections;
        let asked = DayVersionsOf {
            ledger: of.ledger.id,
            as_of: of.as_of,
            day: (self.stored.well, self.stored.day),
        };
        let found = load(context, asked).await?.unwrap_or_default();
        Ok(found.into_iter().map(|day| of.day(day)).collect())
    }

    /// When this version was recorded.
    async fn changed_at(&self) -> Time {
        self.stored.changed_at.into()
    }

    /// Every entry that made it so: record, corrections, approval.
    async fn provenance(&self) -> Provenance {
        let indexes = self.stored.indexes.iter().copied();
        Provenance::of(&self.injections.ledger.name, indexes)
    }
}

/// What sealed hours measure of a day.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct InjectionMeasured {
    /// How many hours of the day are sealed.
    sealed_hours: u32,
    /// By `injection_rate`, kilograms, a decimal; null where nothing measured it.
    mass_kg: Option<String>,
    /// By `injection_rate`, t/h, a decimal.
    max_rate_t_per_h: Option<String>,
    /// By `wellhead_pressure`, `MPa`, a decimal.
    max_wellhead_pressure_mpa: Option<String>,
    /// By `annulus_pressure`, `MPa`, a decimal.
    min_annulus_pressure_mpa: Option<String>,
    /// Whether sensors measured all of it: not simulated, not copied from another system.
    real: bool,
}

impl InjectionMeasured {
    fn of(day: &InjectionDayRecorded) -> Self {
        let Measured {
            sealed_hours,
            mass_kg,
            max_rate_t_per_h,
            max_wellhead_pressure_mpa,
            min_annulus_pressure_mpa,
            ..
        } = day.measured;
        Self {
            sealed_hours,
            mass_kg: mass_kg.map(Mass::kilograms),
            max_rate_t_per_h: max_rate_t_per_h.map(MassFlow::decimal),
            max_wellhead_pressure_mpa: max_wellhead_pressure_mpa.map(Pressure::decimal),
            min_annulus_pressure_mpa: min_annulus_pressure_mpa.map(Pressure::decimal),
            real: day.real,
        }
    }
}

/// A seal that an injection day cites.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct InjectionEvidence {
    /// The ledger's name in checkpoints.
    origin: String,
    /// The entry.
    index: Count,
}

impl From<&Citation> for InjectionEvidence {
    fn from(citation: &Citation) -> Self {
        Self {
            origin: citation.origin().to_owned(),
            index: citation.index().into(),
        }
    }
}

/// A day is approved: nothing of it can be changed any more.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct InjectionApproval {
    /// By whom: `user/<id>`.
    by: String,
    /// Whether its mass counts for credits.
    creditable: bool,
    /// Why it does not.
    why_not: Option<String>,
}

impl From<&InjectionDayApproved> for InjectionApproval {
    fn from(approved: &InjectionDayApproved) -> Self {
        Self {
            by: approved.by.to_string(),
            creditable: approved.creditable,
            why_not: approved.why_not.clone(),
        }
    }
}
