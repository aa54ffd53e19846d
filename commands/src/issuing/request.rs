//! Asking for credits: kilograms are set aside.

use sealrock_access::Permission;
use sealrock_domain::mass_account::{MassAccountEvent, MassAccountId, ReserveRange};
use sealrock_domain::{Actor, KilogramRange, Slug};
use serde::Serialize;
use uuid::Uuid;

use super::cited;
use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;
use crate::ledger::{Decision, OrganisationLedger, decide_events, permit};

/// Credits that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuanceRequest {
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year in which it was stored.
    pub year: i32,
    /// The registry that is to issue credits.
    pub registry: Slug,
    /// How many, one a tonne.
    pub tonnes: u64,
}

/// Credits are asked for, and kilograms set aside for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedIssuance {
    /// The issuance, in both ledgers.
    pub issuance: Uuid,
    /// The kilograms of the account.
    pub range: KilogramRange,
    /// Where it stands.
    pub done: Done,
}

impl Commands {
    /// Sets whole tonnes of a site's account of a year aside for an issuance at a registry.
    ///
    /// **Crash contract.** When this has returned, the issuance will be brought to the registry,
    /// whoever crashes; before it has, nothing is set aside, or the same command id tells.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with `LIMIT_EXCEEDED` if the account does not hold as much;
    /// [`CommandError::Rejected`] for a registry that is none, or none for such a ledger.
    pub async fn request_issuance(
        &self,
        context: &Context,
        request: &IssuanceRequest,
    ) -> Result<RequestedIssuance, CommandError> {
        let IssuanceRequest {
            organisation, site, ..
        } = request;
        permit(
            context,
            Permission::RequestIssuance,
            organisation,
            Some(site),
        )?;
        let ledger = self.ledger(organisation).await?;
        let actor = context.principal.actor();
        let issuance = issuance_id(organisation, &actor, context.command);
        let by: Actor = actor
            .parse()
            .map_err(|error| CommandError::Fatal(format!("{error}")))?;
        let done = ledger
            .transact(context, &("request_issuance", request), || {
                Box::pin(self.reserve(&ledger, request, issuance, by.clone()))
            })
            .await?;
        let range = self.reserved_range(&ledger, &done).await?;
        Ok(RequestedIssuance {
            issuance,
            range,
            done,
        })
    }

    async fn reserve(
        &self,
        ledger: &OrganisationLedger,
        request: &IssuanceRequest,
        issuance: Uuid,
        by: Actor,
    ) -> Result<Decision, CommandError> {
        let IssuanceRequest {
            organisation,
            site,
            year,
            registry,
            tonnes,
        } = request;
        ledger.require_known_site(organisation, site).await?;
        self.registry_for(ledger, registry).await?;
        let id = MassAccountId::of(organisation, site, *year).to_string();
        let account = ledger.mass_accounts.load_current(&id).await?;
        let command = ReserveRange {
            issuance,
            registry: registry.clone(),
            tonnes: *tonnes,
            by,
        };
        let events = decide_events(&ledger.mass_accounts, &account, command.into()).await?;
        Ok(Decision {
            events,
            unchanged: None,
            cause: None,
        })
    }

    /// The range that the reservation of this receipt names.
    async fn reserved_range(
        &self,
        ledger: &OrganisationLedger,
        done: &Done,
    ) -> Result<KilogramRange, CommandError> {
        let citation = ledger.citation(done.receipt.first)?;
        let reserved = self.read(&ledger.info, &[done.receipt.first]).await?.pop();
        let event = reserved.map(|recorded| cited::event::<MassAccountEvent>(&recorded, &citation));
        match event.transpose()? {
            Some(MassAccountEvent::RangeReserved(event)) => event.range(),
            _ => None,
        }
        .ok_or_else(|| {
            CommandError::Fatal(format!("{citation} is no reservation: run `sealrock fsck`"))
        })
    }
}

/// The same for the same command, whoever asks and however often.
fn issuance_id(organisation: &Slug, actor: &str, command: Uuid) -> Uuid {
    let name = format!("sealrock:issuance/{organisation}/{actor}/{command}");
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}
