//! Emission targets of sites.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::NaiveDate;
use sealrock_commands::{Commands, Done};
use sealrock_domain::site::{self, WithdrawEmissionTarget};
use sealrock_domain::{SiteId, Slug};
use sealrock_projections::registry::Site as StoredSite;
use sealrock_projections::targets::SiteTarget;
use sealrock_projections::{QueryError, ReadModels};
use uuid::Uuid;

use super::command::{Recorded, WaitFor, sender};
use super::receipt::Receipt;
use crate::schema::input::read;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::scalars::Day;
use crate::schema::types::{EmissionTarget, Site};

#[derive(Default)]
pub(crate) struct TargetMutation;

/// A target to be.
#[derive(InputObject)]
struct SetEmissionTargetInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// The mean rate that the site shall not exceed, kg/h, a decimal from 0 to 1000000.
    average_kg_per_h: String,
    /// The first UTC day on which it holds.
    from: Day,
    /// The last UTC day on which it holds; without it, until it is withdrawn.
    until: Option<Day>,
}

/// A target to end or take back.
#[derive(InputObject)]
struct WithdrawEmissionTargetInput {
    /// Idempotency key: the same key with the same input is answered with the first receipt.
    command_id: Option<Uuid>,
    /// Slug of the organisation.
    organisation: String,
    /// Slug of the site.
    site: String,
    /// The target's first day, which names it.
    from: Day,
    /// The last UTC day on which it still holds; without it, the target never held.
    last_day: Option<Day>,
}

/// The target is set or withdrawn.
#[derive(SimpleObject)]
struct EmissionTargetPayload {
    /// The site.
    site: Option<Site>,
    /// The target as it is now; null if it was taken back, or until the read model `targets` has it
    /// (see `waitFor`).
    target: Option<EmissionTarget>,
    /// Proof that it is recorded.
    receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    duplicate: bool,
}

#[Object]
impl TargetMutation {
    /// Sets what a site shall emit on average at most, for days on which no other target holds.
    async fn set_emission_target(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: SetEmissionTargetInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<EmissionTargetPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let named = Named::read(&input.organisation, &input.site, input.from)?;
        let target = site::EmissionTarget {
            average_kg_per_h: read("averageKgPerH", &input.average_kg_per_h)?,
            from: named.from,
            until: input.until.map(|day| day.0),
        };
        let done = context
            .data_unchecked::<Commands>()
            .set_emission_target(&sender, &named.organisation, &named.site, target)
            .await?;
        Ok(named.payload(context, &done, &wait_for).await)
    }

    /// Ends an emission target of a site, or takes it back as if it had never held.
    async fn withdraw_emission_target(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be recorded, and the command's id.")]
        input: WithdrawEmissionTargetInput,
        #[graphql(
            desc = "Read models that must have it before this answers (for a limited time)."
        )]
        wait_for: Option<Vec<String>>,
    ) -> Result<EmissionTargetPayload, Problem> {
        let (sender, wait_for) = (
            sender(context, input.command_id)?,
            WaitFor::read(context, wait_for)?,
        );
        let named = Named::read(&input.organisation, &input.site, input.from)?;
        let command = WithdrawEmissionTarget {
            from: named.from,
            last_day: input.last_day.map(|day| day.0),
        };
        let done = context
            .data_unchecked::<Commands>()
            .withdraw_emission_target(&sender, &named.organisation, &named.site, command)
            .await?;
        Ok(named.payload(context, &done, &wait_for).await)
    }
}

/// Which target.
struct Named {
    organisation: Slug,
    site: Slug,
    from: NaiveDate,
}

impl Named {
    fn read(organisation: &str, site: &str, from: Day) -> Result<Self, Problem> {
        Ok(Self {
            organisation: read("organisation", organisation)?,
            site: read("site", site)?,
            from: from.0,
        })
    }

    async fn payload(
        &self,
        context: &Context<'_>,
        done: &Done,
        wait_for: &WaitFor,
    ) -> EmissionTargetPayload {
        let recorded = Recorded::new(context, &self.organisation, done, wait_for).await;
        let read = context.data_unchecked::<ReadModels>();
        let id = SiteId::of(&self.organisation, &self.site);
        let site = recorded.object(read.sites_by_id(&[id]).await);
        let target = recorded.object(self.target(read, site.as_ref()).await);
        let ledger = ledger_of(&self.organisation);
        EmissionTargetPayload {
            site: site.map(Site),
            target: target.map(|target| EmissionTarget::new(&ledger, target)),
            receipt: recorded.receipt,
            duplicate: recorded.duplicate,
        }
    }

    async fn target(
        &self,
        read: &ReadModels,
        site: Option<&StoredSite>,
    ) -> Result<Vec<SiteTarget>, QueryError> {
        let Some(site) = site else {
            return Ok(Vec::new());
        };
        let mut targets = read.emission_targets(site.ledger, &[site.id], None).await?;
        targets.retain(|target| target.target.from == self.from);
        Ok(targets)
    }
}
