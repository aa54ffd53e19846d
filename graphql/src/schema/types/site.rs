//! Sites.

use async_graphql::{Context, ID, Object};
use chrono::Utc;
use sealrock_access::Permission::ReadAccounting;
use sealrock_domain::decimal::DecimalText;
use sealrock_domain::{OrganisationId, Slug};
use sealrock_projections::registry::{Site as Stored, Within};
use sealrock_projections::targets::{self, SiteTarget};

use super::captures::{self, Capture, CaptureTotal, CaptureUnit};
use super::{Asset, Device, EmissionTarget, LatestReading, Organisation, Per, SiteKind, shown};
use crate::schema::as_of::AsOf;
use crate::schema::global_id::GlobalId;
use crate::schema::guard::permit;
use crate::schema::loaders::{CurrentLedger, LatestAt, TargetsOf, ledger_name, load};
use crate::schema::paging::{self, Page};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::{Provenance, ledger_of};
use crate::schema::scalars::{Day, Time};

/// A place where an organisation captures, moves, injects or watches CO2.
pub(crate) struct Site(pub(crate) Stored);

/// A place where an organisation captures, moves, injects or watches CO2.
#[Object]
impl Site {
    /// Id for `node`.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Site(self.0.id).into()
    }

    /// Its name in paths and topics.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Its name for people.
    async fn display_name(&self) -> &str {
        self.0.display_name.as_ref()
    }

    /// What happens there.
    async fn kind(&self) -> SiteKind {
        self.0.kind.into()
    }

    /// Country, ISO 3166-1 alpha-2.
    async fn country(&self) -> Option<String> {
        self.0.country.as_ref().map(ToString::to_string)
    }

    /// Degrees north (WGS 84), a decimal.
    async fn latitude(&self) -> Option<&str> {
        self.0.latitude.as_ref().map(DecimalText::as_str)
    }

    /// Degrees east (WGS 84), a decimal.
    async fn longitude(&self) -> Option<&str> {
        self.0.longitude.as_ref().map(DecimalText::as_str)
    }

    /// Usual absolute air pressure in kPa, a decimal.
    async fn ambient_pressure_kpa(&self) -> Option<&str> {
        self.0
            .ambient_pressure_kpa
            .as_ref()
            .map(DecimalText::as_str)
    }

    /// Whether it is out of use.
    async fn retired(&self) -> bool {
        self.0.retired
    }

    /// When it was registered.
    async fn registered_at(&self) -> Time {
        self.0.registered_at.into()
    }

    /// Whose it is.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>, Problem> {
        let id = OrganisationId::of(&self.0.organisation);
        shown::organisation(context, id).await
    }

    /// What is measured there, by name.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn assets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Asset>, Problem> {
        Asset::page(context, self.within(), first, after).await
    }

    /// What measures there, by name.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn devices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<Device>, Problem> {
        Device::page(context, self.within(), first, after).await
    }

    /// The newest value of every device and metric there.
    #[graphql(complexity = "100 * child_complexity")]
    async fn latest(&self, context: &Context<'_>) -> Result<Vec<LatestReading>, Problem> {
        if !shown::at(context, &self.0.organisation, &self.0.slug)? {
            return Ok(Vec::new());
        }
        let asked = LatestAt(self.0.ledger, self.0.slug.clone());
        let found = load(context, asked).await?.unwrap_or_default();
        let name = ledger_name(context, self.0.ledger).await?;
        let shown = |latest| LatestReading::new(name.clone(), latest);
        Ok(found.into_iter().map(shown).collect())
    }

    /// Its emission targets, by their first day: those of now, or those that the ledger knew behind a
    /// position.
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn emission_targets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<EmissionTarget>, Problem> {
        self.targets(context, as_of, |_| true).await
    }

    /// The emission target that holds on a day, or today.
    #[graphql(complexity = "10 + child_complexity")]
    async fn emission_target(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A UTC day; without it, today.")] on: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Option<EmissionTarget>, Problem> {
        let day = on.map_or_else(|| Utc::now().date_naive(), |day| day.0);
        let mut found = self
            .targets(context, as_of, |found| found.target.holds_on(day))
            .await?;
        Ok(found.pop())
    }

    /// Its capture units, by name.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn capture_units(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<CaptureUnit>, Problem> {
        captures::units(context, self.place(), as_of).await
    }

    /// What its units captured, the newest first.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn captures(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Page<Capture>, Problem> {
        let days = (from_day, to_day);
        captures::page(context, self.place(), days, (first, after), as_of).await
    }

    /// What its units captured in all, by day, month or year.
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn capture_totals(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The time that each total is of.")] per: Per,
        #[graphql(desc = "From this UTC day on.")] from_day: Option<Day>,
        #[graphql(desc = "Up to and with this UTC day.")] to_day: Option<Day>,
        #[graphql(desc = "As the ledger had it behind this entry; without it, as of now.")]
        as_of: Option<Position>,
    ) -> Result<Vec<CaptureTotal>, Problem> {
        let asked = (per, (from_day, to_day));
        captures::totals(context, self.place(), asked, as_of).await
    }

    /// The entries that registered it and changed it last.
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let ledger = ledger_name(context, self.0.ledger).await?;
        let entries = [self.0.first_index, self.0.last_index];
        Ok(Provenance::of(&ledger, entries))
    }
}

impl Site {
    async fn targets(
        &self,
        context: &Context<'_>,
        as_of: Option<Position>,
        keep: impl Fn(&SiteTarget) -> bool,
    ) -> Result<Vec<EmissionTarget>, Problem> {
        let Stored {
            organisation, slug, ..
        } = &self.0;
        permit(context, ReadAccounting, organisation, Some(slug))?;
        let current = CurrentLedger(ledger_of(organisation));
        let Some(ledger) = load(context, current).await? else {
            return Ok(Vec::new());
        };
        let as_of = AsOf::read(context, &ledger, targets::NAME, as_of).await?;
        let asked = TargetsOf {
            ledger: ledger.id,
            site: self.0.id,
            as_of,
        };
        let found = load(context, asked).await?.unwrap_or_default();
        let kept = found.into_iter().filter(|target| keep(target));
        Ok(kept
            .map(|target| EmissionTarget::new(&ledger.name, target))
            .collect())
    }

    fn place(&self) -> (&Slug, Option<&Slug>) {
        (&self.0.organisation, Some(&self.0.slug))
    }

    fn within(&self) -> Within {
        let Stored {
            organisation, slug, ..
        } = self.0.clone();
        Within {
            organisation,
            site: Some(slug),
            asset: None,
        }
    }
}
