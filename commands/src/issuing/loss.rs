//! Stored CO2 that was lost again.

use chrono::{Datelike, NaiveDate};
use sealrock_access::Permission;
use sealrock_domain::mass_account::{MassAccountCommand, RecordStorageLoss};
use sealrock_domain::refusal::OUT_OF_RANGE;
use sealrock_domain::{Citation, Mass, Reason, SiteId, Slug};
use sealrock_ledger::Index;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{OrganisationLedger, permit};

/// A loss that somebody reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageLoss {
    /// The organisation.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The year whose account bears it: that in which the CO2 was stored.
    pub year: i32,
    /// What was lost; the upper bound where it is an estimate.
    pub mass: Mass,
    /// The UTC day on which it was lost, or on which that was found.
    pub occurred_on: NaiveDate,
    /// How it was lost and how that is known.
    pub reason: Reason,
    /// Entries of the organisation's own ledger that it rests on; may be empty.
    pub evidence: Vec<Citation>,
}

impl Commands {
    /// Records that stored CO2 was lost. That is a fact: it is recorded even if credits were issued
    /// for it, and then nothing more can be reserved of that account until it is made good.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with `OUT_OF_RANGE` for a loss of nothing, on a day that has not
    /// come, or of CO2 of a later year; [`CommandError::NotFound`] for an unknown site, or evidence
    /// that is not in the ledger.
    pub async fn record_storage_loss(
        &self,
        context: &Context,
        loss: StorageLoss,
    ) -> Result<Done, CommandError> {
        permit(
            context,
            Permission::RecordStorageLoss,
            &loss.organisation,
            Some(&loss.site),
        )?;
        let by = context.principal.actor().parse();
        let command = RecordStorageLoss {
            org: loss.organisation,
            site: loss.site,
            year: loss.year,
            mass_kg: loss.mass,
            occurred_on: loss.occurred_on,
            reason: loss.reason,
            evidence: loss.evidence,
            by: by.map_err(|error| CommandError::Fatal(format!("{error}")))?,
        };
        let ledger = self.ledger(&command.org).await?;
        let id = command.id().to_string();
        let decided = MassAccountCommand::from(command.clone());
        if let Some(done) = ledger
            .repeated(&ledger.mass_accounts, &id, context, &decided)
            .await?
        {
            return Ok(done);
        }
        require_possible(&command, context.received_at.date_naive())?;
        ledger
            .require_known_site(&command.org, &command.site)
            .await?;
        ledger.require_entries(&command.evidence).await?;
        ledger
            .execute(&ledger.mass_accounts, &id, context, decided)
            .await
    }
}

fn require_possible(loss: &RecordStorageLoss, today: NaiveDate) -> Result<(), CommandError> {
    if loss.occurred_on > today {
        let message = format!(
            "a loss on {} is in the future: today is {today} (UTC)",
            loss.occurred_on
        );
        return Err(CommandError::refused(OUT_OF_RANGE, message));
    }
    if loss.year > loss.occurred_on.year() {
        let message = format!(
            "what was stored in {} cannot be lost on {}: name the year in which it was stored",
            loss.year, loss.occurred_on
        );
        return Err(CommandError::refused(OUT_OF_RANGE, message));
    }
    Ok(())
}

impl OrganisationLedger {
    /// That the site exists; it may be out of use.
    pub(super) async fn require_known_site(
        &self,
        organisation: &Slug,
        site: &Slug,
    ) -> Result<(), CommandError> {
        let id = SiteId::of(organisation, site).to_string();
        let loaded = self.sites.load_current(&id).await?;
        if loaded.state().profile().is_some() {
            return Ok(());
        }
        Err(CommandError::NotFound(format!(
            "organisation {organisation} has no site {site}: register it first"
        )))
    }

    /// That these are entries of this ledger, or of one that it continues.
    async fn require_entries(&self, citations: &[Citation]) -> Result<(), CommandError> {
        for citation in citations {
            let parents = self.parents().await?.iter();
            let mut ledgers = parents.chain(std::iter::once(&self.info));
            let ledger = ledgers.find(|ledger| ledger.origin.as_str() == citation.origin());
            let size = match ledger {
                Some(ledger) => self.store.size(ledger.id).await?,
                None => 0,
            };
            if citation.index() >= size {
                return Err(CommandError::NotFound(format!(
                    "{citation} is no entry of {}: cite what this organisation recorded",
                    self.info.name
                )));
            }
        }
        Ok(())
    }

    /// An entry of this ledger, to be cited.
    pub(super) fn citation(&self, index: Index) -> Result<Citation, CommandError> {
        Citation::new(self.info.origin.as_str(), index.0)
            .map_err(|error| CommandError::Fatal(error.to_string()))
    }
}
