//! Issuances.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use sealrock_domain::{KG_PER_TONNE, KilogramRange, Slug};
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::credits::{
    AccountEntry as StoredEntry, Block, Issuance as Stored, Request, RequestState, Reservation,
    ReservationState,
};
use uuid::Uuid;

use super::{AccountEntry, CreditBlock};
use crate::schema::loaders::{BlockOf, NetMassOf, ledger_name, load};
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// A request for credits and what became of it.
pub(crate) struct Issuance {
    pub(crate) stored: Stored,
    pub(crate) registry: Slug,
}

/// How far an issuance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum IssuanceState {
    /// Kilograms are set aside; the registry does not know of it yet.
    Reserved,
    /// The registry has to decide.
    Requested,
    /// Credits were issued.
    Issued,
    /// The registry refused.
    Refused,
}

/// A fact of an issuance's history.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct IssuanceFact {
    /// Event type, such as `IssuanceRequested`.
    #[graphql(name = "type")]
    kind: &'static str,
    /// When it was recorded.
    at: Time,
    /// Who did it, as the event says; null for what the platform carried on.
    by: Option<String>,
    /// The entry.
    provenance: Provenance,
}

/// A request for credits, from the ledger of the storage to that of the registry and back.
#[Object]
impl Issuance {
    /// Its id, the same in both ledgers.
    async fn id(&self) -> ID {
        self.issuance().to_string().into()
    }

    /// Slug of the organisation that stored the CO2.
    async fn organisation(&self) -> Option<&str> {
        self.organisation_slug().map(Slug::as_str)
    }

    /// Slug of the storage site.
    async fn site(&self) -> Option<&str> {
        let of_request = self.request().map(|request| &request.site);
        let site = of_request.or(self.reservation().map(|reservation| &reservation.site));
        site.map(Slug::as_str)
    }

    /// The calendar year in which the CO2 was stored.
    async fn year(&self) -> Option<i32> {
        let of_request = self.request().map(|request| request.year);
        of_request.or(self.reservation().map(|reservation| reservation.year))
    }

    /// Slug of the registry.
    async fn registry(&self) -> &str {
        self.registry.as_str()
    }

    /// The first kilogram of the mass account.
    async fn from_kg(&self) -> Option<Count> {
        self.range().map(|range| Count(range.from_kg()))
    }

    /// The first kilogram behind it.
    async fn to_kg(&self) -> Option<Count> {
        self.range().map(|range| Count(range.to_kg()))
    }

    /// How many credits, one a tonne.
    async fn quantity_tonnes(&self) -> Option<Count> {
        let tonnes = |range: KilogramRange| Count(range.kilograms() / KG_PER_TONNE);
        self.range().map(tonnes)
    }

    /// How far it is.
    async fn state(&self) -> IssuanceState {
        match self.request().map(|request| request.state) {
            None => IssuanceState::Reserved,
            Some(RequestState::Requested) => IssuanceState::Requested,
            Some(RequestState::Issued) => IssuanceState::Issued,
            Some(RequestState::Refused) => IssuanceState::Refused,
        }
    }

    /// Whether the decision has come back to the ledger of the storage: the kilograms are used up, or
    /// free again.
    async fn settled(&self) -> bool {
        let reservation = self.reservation();
        reservation.is_some_and(|reservation| reservation.state != ReservationState::Reserved)
    }

    /// Who requested it: `user/<id>`.
    async fn requested_by(&self) -> Option<&str> {
        let of_request = self.request().map(|request| &request.requested_by);
        let by = of_request.or(self
            .reservation()
            .map(|reservation| &reservation.requested_by));
        by.map(sealrock_domain::Actor::as_str)
    }

    /// Who decided: `user/<id>`.
    async fn decided_by(&self) -> Option<&str> {
        let by = self
            .request()
            .and_then(|request| request.decided_by.as_ref());
        by.map(sealrock_domain::Actor::as_str)
    }

    /// Slug of the organisation that this person acted for.
    async fn decided_for(&self) -> Option<&str> {
        let slug = self
            .request()
            .and_then(|request| request.decided_for.as_ref());
        slug.map(Slug::as_str)
    }

    /// Why it was refused.
    async fn reason(&self) -> Option<String> {
        let reason = self.request().and_then(|request| request.reason.as_ref());
        reason.map(ToString::to_string)
    }

    /// When the kilograms were set aside.
    async fn reserved_at(&self) -> Option<Time> {
        self.reservation()
            .map(|reservation| reservation.reserved_at.into())
    }

    /// When the registry decided.
    async fn decided_at(&self) -> Option<Time> {
        let at = self.request().and_then(|request| request.decided_at);
        at.map(Time::from)
    }

    /// The credits, once they are issued.
    async fn block(&self, context: &Context<'_>) -> Result<Option<CreditBlock>, Problem> {
        Ok(self.block_of(context).await?.map(CreditBlock))
    }

    /// The days that stored these kilograms. Each stands in one append with the approval of the
    /// well's day, which names the sealed telemetry that it rests on.
    async fn net_mass(&self, context: &Context<'_>) -> Result<Vec<AccountEntry>, Problem> {
        let Some(reservation) = self.reservation() else {
            return Ok(Vec::new());
        };
        let ledger = ledger_name(context, reservation.ledger_id).await?;
        let found = self.stored_by(context, reservation).await?;
        Ok(found
            .into_iter()
            .map(|entry| AccountEntry::new(&ledger, entry))
            .collect())
    }

    /// What happened, in both ledgers.
    async fn history(&self, context: &Context<'_>) -> Result<Vec<IssuanceFact>, Problem> {
        let mut facts = Vec::new();
        if let Some(reservation) = self.reservation() {
            let ledger = ledger_name(context, reservation.ledger_id).await?;
            facts.extend(facts_of_reservation(&ledger, reservation));
        }
        if let Some(request) = self.request() {
            let ledger = ledger_name(context, request.ledger_id).await?;
            facts.extend(facts_of_request(&ledger, request));
        }
        if let Some(block) = self.block_of(context).await? {
            let ledger = ledger_name(context, block.ledger_id).await?;
            let at = (block.issued_index, block.issued_at);
            facts.push(fact("CreditsIssued", &ledger, at, None));
        }
        facts.sort_by_key(|fact| fact.at.0);
        Ok(facts)
    }

    /// The entries that it rests on, of both ledgers: the reservation, its end, and what stored the
    /// kilograms; the request, the decision, and the credits.
    async fn provenance(&self, context: &Context<'_>) -> Result<Vec<Provenance>, Problem> {
        let mut provenance = Vec::new();
        if let Some(reservation) = self.reservation() {
            let mut indexes = vec![reservation.reserved_index];
            indexes.extend(reservation.closed_index);
            let found = self.stored_by(context, reservation).await?;
            indexes.extend(found.iter().map(|entry| entry.index));
            let ledger = ledger_name(context, reservation.ledger_id).await?;
            provenance.push(Provenance::of(&ledger, indexes));
        }
        if let Some(request) = self.request() {
            let mut indexes = vec![request.requested_index];
            indexes.extend(request.decided_index);
            indexes.extend(
                self.block_of(context)
                    .await?
                    .map(|block| block.issued_index),
            );
            let ledger = ledger_name(context, request.ledger_id).await?;
            provenance.push(Provenance::of(&ledger, indexes));
        }
        Ok(provenance)
    }
}

impl Issuance {
    fn reservation(&self) -> Option<&Reservation> {
        self.stored.reservation.as_ref()
    }

    fn request(&self) -> Option<&Request> {
        self.stored.request.as_ref()
    }

    fn issuance(&self) -> Uuid {
        let of_request = self.request().map(|request| request.issuance);
        let issuance = of_request.or(self.reservation().map(|reservation| reservation.issuance));
        issuance.unwrap_or_default()
    }

    pub(crate) fn organisation_slug(&self) -> Option<&Slug> {
        let of_request = self.request().map(|request| &request.organisation);
        of_request.or(self
            .reservation()
            .map(|reservation| &reservation.organisation))
    }

    fn range(&self) -> Option<KilogramRange> {
        let of_request = self
            .request()
            .map(|request| (request.from_kg, request.to_kg));
        let of_reservation = |reservation: &Reservation| (reservation.from_kg, reservation.to_kg);
        let (from, to) = of_request.or(self.reservation().map(of_reservation))?;
        KilogramRange::new(from, to)
    }

    async fn block_of(&self, context: &Context<'_>) -> Result<Option<Block>, Problem> {
        load(context, BlockOf(self.issuance())).await
    }

    async fn stored_by(
        &self,
        context: &Context<'_>,
        reservation: &Reservation,
    ) -> Result<Vec<StoredEntry>, Problem> {
        let Some(range) = KilogramRange::new(reservation.from_kg, reservation.to_kg) else {
            return Ok(Vec::new());
        };
        let asked = NetMassOf {
            ledger: reservation.ledger_id,
            account: reservation.account.clone(),
            range,
        };
        Ok(load(context, asked).await?.unwrap_or_default())
    }
}

fn facts_of_request(ledger: &LedgerName, request: &Request) -> Vec<IssuanceFact> {
    let by = Some(request.requested_by.to_string());
    let at = (request.requested_index, request.requested_at);
    let mut facts = vec![fact("IssuanceRequested", ledger, at, by)];
    let kind = match request.state {
        RequestState::Refused => "IssuanceRefused",
        _ => "IssuanceApproved",
    };
    if let (Some(index), Some(at)) = (request.decided_index, request.decided_at) {
        let by = request.decided_by.as_ref().map(ToString::to_string);
        facts.push(fact(kind, ledger, (index, at), by));
    }
    facts
}

fn facts_of_reservation(ledger: &LedgerName, reservation: &Reservation) -> Vec<IssuanceFact> {
    let by = Some(reservation.requested_by.to_string());
    let at = (reservation.reserved_index, reservation.reserved_at);
    let mut facts = vec![fact("RangeReserved", ledger, at, by)];
    let kind = match reservation.state {
        ReservationState::Released => "RangeReleased",
        _ => "RangeFinalised",
    };
    if let (Some(index), Some(at)) = (reservation.closed_index, reservation.closed_at) {
        facts.push(fact(kind, ledger, (index, at), None));
    }
    facts
}

fn fact(
    kind: &'static str,
    ledger: &LedgerName,
    (index, at): (Index, DateTime<Utc>),
    by: Option<String>,
) -> IssuanceFact {
    IssuanceFact {
        kind,
        at: at.into(),
        by,
        provenance: Provenance::of(ledger, [index]),
    }
}
