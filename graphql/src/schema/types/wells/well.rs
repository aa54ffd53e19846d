//! Wells.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::Utc;
use sealrock_domain::Mass;
use sealrock_domain::well::{
    MitRecorded, PermitLimits as Limits, PermitLimitsProposed, WellStatus as Status,
};
use sealrock_projections::wells::{DayFilter, StoredWell, WellPlace};

use super::kinds::WellStatus;
use super::{InjectionDay, Injections, MitKind, WellKind};
use crate::schema::global_id::GlobalId;
use crate::schema::loaders::{ReadingsOfWell, load};
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Day, Time};
use crate::schema::types::{Asset, LatestReading, shown};

/// A well of a storage site: a facet of the asset that it is.
pub(crate) struct Well {
    injections: Injections,
    stored: StoredWell,
}

impl Well {
    pub(super) fn new(injections: Injections, stored: StoredWell) -> Self {
        Self { injections, stored }
    }

    pub(super) fn place(&self) -> WellPlace {
        self.stored.place()
    }

    pub(super) fn is_plugged(&self) -> bool {
        matches!(self.stored.state.status(), Status::Plugged { .. })
    }
}

/// A well of a storage site: a facet of the asset that it is.
#[Object]
impl Well {
    /// Id of its asset, for `node`.
    async fn asset_id(&self) -> ID {
        GlobalId::Asset(self.stored.id).into()
    }

    /// The asset that it is; null for who may not read telemetry.
    async fn asset(&self, context: &Context<'_>) -> Result<Option<Asset>, Problem> {
        shown::asset(context, self.stored.id).await
    }

    /// Slug of its organisation.
    async fn organisation(&self) -> &str {
        self.stored.organisation.as_str()
    }

    /// Slug of its site.
    async fn site(&self) -> &str {
        self.stored.site.as_str()
    }

    /// Its name at the site: its asset's slug.
    async fn slug(&self) -> &str {
        self.stored.slug.as_str()
    }

    /// What it is for.
    async fn kind(&self) -> WellKind {
        self.stored.kind.into()
    }

    /// What it does.
    async fn status(&self) -> WellStatus {
        match self.stored.state.status() {
            Status::Idle => WellStatus::Idle,
            Status::Injecting { .. } => WellStatus::Injecting,
            Status::ShutIn { .. } => WellStatus::ShutIn,
            Status::Plugged { .. } => WellStatus::Plugged,
        }
    }

    /// Since when it injects, is shut in or plugged; null while it is idle.
    async fn since(&self) -> Option<Time> {
        match self.stored.state.status() {
            Status::Idle => None,
            Status::Injecting { since } | Status::ShutIn { since, .. } => Some((*since).into()),
            Status::Plugged { at } => Some((*at).into()),
        }
    }

    /// Why it is shut in.
    async fn shut_in_reason(&self) -> Option<String> {
        match self.stored.state.status() {
            Status::ShutIn { reason, .. } => Some(reason.to_string()),
            _ => None,
        }
    }

    /// The permit limits in force on a UTC day, today if none is given; null if there are none.
    async fn permit(
        &self,
        #[graphql(desc = "On this UTC day; without it, today.")] on: Option<Day>,
    ) -> Option<PermitLimits> {
        let day = on.map_or_else(|| Utc::now().date_naive(), |day| day.0);
        self.stored.state.permit_on(day).map(PermitLimits::from)
    }

    /// The proposal of permit limits that waits for a second person's approval.
    async fn proposal(&self) -> Option<PermitProposal> {
        self.stored.state.proposed().map(PermitProposal::from)
    }

    /// Its mechanical integrity tests, in the order in which they were recorded.
    async fn integrity_tests(&self) -> Vec<IntegrityTest> {
        self.stored.state.tests().iter().map(Into::into).collect()
    }

    /// The newest values of the devices that measure it now; none for who may not read telemetry.
    #[graphql(complexity = "20 * child_complexity")]
    async fn latest(&self, context: &Context<'_>) -> Result<Vec<LatestReading>, Problem> {
        if !shown::at(context, &self.stored.organisation, &self.stored.site)? {
            return Ok(Vec::new());
        }
        let found = load(context, ReadingsOfWell(self.place())).await?;
        let name = &self.injections.ledger.name;
        let found = found.unwrap_or_default().into_iter();
        Ok(found
            .map(|latest| LatestReading::new(name.clone(), latest))
            .collect())
    }

    /// What it took, the newest day first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn injection_days(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
    ) -> Result<Page<InjectionDay>, Problem> {
        let filter = DayFilter {
            well: Some(self.stored.id),
            first_day: from_day.map(|day| day.0),
            last_day: to_day.map(|day| day.0),
            ..DayFilter::default()
        };
        self.injections.days(context, filter, (first, after)).await
    }

    /// When its newest entry was recorded.
    async fn changed_at(&self) -> Time {
        self.stored.changed_at.into()
    }

    /// The position behind its newest entry.
    async fn position(&self) -> Option<Position> {
        let newest = self.stored.indexes.last()?;
        Some(Position::entry(
            self.injections.ledger.name.clone(),
            *newest,
        ))
    }

    /// Every entry that made it so.
    async fn provenance(&self) -> Provenance {
        let indexes = self.stored.indexes.iter().copied();
        Provenance::of(&self.injections.ledger.name, indexes)
    }
}

/// What a permit allows a well.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PermitLimits {
    /// The permit's number.
    permit: String,
    /// The first UTC day on which they apply.
    valid_from: Day,
    /// The last UTC day on which they apply.
    valid_until: Day,
    /// The most in a UTC day, kilograms, a decimal.
    max_daily_mass_kg: String,
    /// The most in a calendar year, kilograms, a decimal; null if the permit has no such limit.
    max_yearly_mass_kg: Option<String>,
    /// The highest rate, t/h, a decimal.
    max_rate_t_per_h: String,
    /// The pressure at which the injection zone fractures, `MPa` absolute, a decimal.
    fracture_pressure_mpa: String,
    /// The highest pressure at the wellhead, `MPa` absolute: 90 % of it (40 CFR 146.88(a)).
    max_wellhead_pressure_mpa: String,
}

impl From<Limits> for PermitLimits {
    fn from(limits: Limits) -> Self {
        Self {
            max_wellhead_pressure_mpa: limits.max_wellhead_pressure().decimal(),
            permit: limits.permit.to_string(),
            valid_from: limits.valid_from.into(),
            valid_until: limits.valid_until.into(),
            max_daily_mass_kg: limits.max_daily_mass_kg.kilograms(),
            max_yearly_mass_kg: limits.max_yearly_mass_kg.map(Mass::kilograms),
            max_rate_t_per_h: limits.max_rate_t_per_h.decimal(),
            fracture_pressure_mpa: limits.fracture_pressure_mpa.decimal(),
        }
    }
}

/// Permit limits that are proposed, and not in force.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct PermitProposal {
    /// Its number, to approve it by.
    proposal: Count,
    /// The limits.
    limits: PermitLimits,
    /// Who proposed them: `user/<id>`.
    proposed_by: String,
}

impl From<&PermitLimitsProposed> for PermitProposal {
    fn from(proposed: &PermitLimitsProposed) -> Self {
        Self {
            proposal: proposed.proposal.into(),
            limits: Limits::from(proposed.clone()).into(),
            proposed_by: proposed.by.to_string(),
        }
    }
}

/// A mechanical integrity test.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct IntegrityTest {
    /// Which part of the well was tested.
    kind: MitKind,
    /// Whether the well has integrity.
    passed: bool,
    /// The day of the test.
    tested_on: Day,
    /// The last day on which a passed test counts.
    valid_until: Day,
    /// The certificate's or report's number.
    certificate: String,
    /// Who recorded it: `user/<id>`.
    recorded_by: String,
}

impl From<&MitRecorded> for IntegrityTest {
    fn from(test: &MitRecorded) -> Self {
        Self {
            kind: test.mit_kind.into(),
            passed: test.passed,
            tested_on: test.tested_on.into(),
            valid_until: test.valid_until.into(),
            certificate: test.certificate.to_string(),
            recorded_by: test.by.to_string(),
        }
    }
}
