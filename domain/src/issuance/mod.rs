//! Issuances in a registry: who asked for credits for which kilograms of a mass account, and what
//! the registry decided.
//!
//! One stream holds all issuances of one mass account, so that the registry sees each range beside
//! all others: it refuses one that overlaps a requested or an issued range, whatever the account's
//! own ledger says. Who decides is not who requested, and of another organisation. Serials are given
//! one after the other: a block begins where the last one ended, and above every serial that the ledger
//! of the storage has seen of this registry. So none is given twice where a registry's ledger lost its
//! end and another one goes on.

mod commands;
mod events;
mod id;
mod rejection;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use commands::{ApproveIssuance, IssuanceCommand, OpenIssuance, RefuseIssuance};
pub use events::{IssuanceApproved, IssuanceEvent, IssuanceRefused, IssuanceRequested};
pub use id::{IssuancesId, IssuancesIdError};
pub use rejection::IssuanceRejection;

use crate::credit_block::{SerialBlock, SerialSeries};
use crate::{Actor, KG_PER_TONNE, KilogramRange, MAX_SAFE_INTEGER, Slug};

/// The issuances of one mass account; empty before the first request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuance {
    requests: BTreeMap<Uuid, Request>,
    /// The last serial that was given; 0 before the first.
    last_serial: u64,
}

/// An issuance and what was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What was requested.
    pub requested: IssuanceRequested,
    /// What was decided.
    pub state: RequestState,
}

/// What was decided of an issuance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestState {
    /// Nothing yet.
    Requested,
    /// These credits were issued.
    Issued(SerialBlock),
    /// No credits.
    Refused,
}

impl RequestState {
    const fn name(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Issued(_) => "issued",
            Self::Refused => "refused",
        }
    }
}

type Decision = Result<IssuanceEvent, IssuanceRejection>;

impl Issuance {
    /// An issuance by its id.
    #[must_use]
    pub fn get(&self, issuance: Uuid) -> Option<&Request> {
        self.requests.get(&issuance)
    }

    fn decide(&self, command: IssuanceCommand) -> Decision {
        match command {
            IssuanceCommand::Open(command) => self.open(command),
            IssuanceCommand::Approve(command) => self.approve(command),
            IssuanceCommand::Refuse(command) => self.refuse(command),
        }
    }

    fn open(&self, command: OpenIssuance) -> Decision {
        let (issuance, range) = (command.issuance, command.range);
        if let Some(request) = self.requests.get(&issuance) {
            let state = request.state.name();
            return Err(IssuanceRejection::Known { issuance, state });
        }
        if !range.kilograms().is_multiple_of(KG_PER_TONNE) {
            return Err(IssuanceRejection::NotWholeTonnes { range });
        }
        if let Some((other, taken)) = self.overlapping(range) {
            return Err(IssuanceRejection::Overlap {
                range,
                other,
                taken,
            });
        }
        Ok(IssuanceRequested::from(command).into())
    }

    fn overlapping(&self, range: KilogramRange) -> Option<(Uuid, KilogramRange)> {
        let live = self
            .requests
            .iter()
            .filter(|(_, request)| request.state != RequestState::Refused);
        live.filter_map(|(id, request)| Some((*id, request.requested.range()?)))
            .find(|(_, taken)| taken.overlaps(range))
    }

    fn approve(&self, command: ApproveIssuance) -> Decision {
        let ApproveIssuance {
            issuance,
            registry,
            after_serial,
            by,
            organisation,
        } = command;
        let requested = self.open_request(issuance)?;
        second_person(requested, &by, &organisation)?;
        let given = self.last_serial.max(after_serial);
        let serials = next_serials(given, requested, registry)?;
        Ok(IssuanceApproved {
            issuance,
            serials,
            by,
            organisation,
        }
        .into())
    }

    fn refuse(&self, command: RefuseIssuance) -> Decision {
        let RefuseIssuance {
            issuance,
            reason,
            by,
            organisation,
        } = command;
        second_person(self.open_request(issuance)?, &by, &organisation)?;
        Ok(IssuanceRefused {
            issuance,
            reason,
            by,
            organisation,
        }
        .into())
    }

    fn open_request(&self, issuance: Uuid) -> Result<&IssuanceRequested, IssuanceRejection> {
        let request = self
            .requests
            .get(&issuance)
            .ok_or(IssuanceRejection::Unknown { issuance })?;
        if request.state == RequestState::Requested {
            return Ok(&request.requested);
        }
        let state = request.state.name();
        Err(IssuanceRejection::Decided { issuance, state })
    }

    fn decided(&mut self, issuance: Uuid, state: RequestState) {
        if let Some(request) = self.requests.get_mut(&issuance) {
            request.state = state;
        }
    }
}

/// The block that follows the last serial that was given.
fn next_serials(
    given: u64,
    requested: &IssuanceRequested,
    registry: Slug,
) -> Result<SerialBlock, IssuanceRejection> {
    let exhausted = IssuanceRejection::SerialsExhausted { last: given };
    let kilograms = requested.range().map_or(0, KilogramRange::kilograms);
    let last = given + kilograms / KG_PER_TONNE;
    if last > MAX_SAFE_INTEGER {
        return Err(exhausted);
    }
    let series = SerialSeries {
        registry,
        organisation: requested.organisation.clone(),
        site: requested.site.clone(),
        vintage: requested.year,
    };
    SerialBlock::new(series, given + 1, last).map_err(|_| exhausted)
}

/// Who decides is not who requested, and is of another organisation.
fn second_person(
    requested: &IssuanceRequested,
    by: &Actor,
    organisation: &Slug,
) -> Result<(), IssuanceRejection> {
    if requested.requested_by == *by {
        return Err(IssuanceRejection::OwnRequest { by: by.clone() });
    }
    if requested.organisation == *organisation {
        let organisation = organisation.clone();
        return Err(IssuanceRejection::SameOrganisation { organisation });
    }
    Ok(())
}

impl Aggregate for Issuance {
    const TYPE: &'static str = "issuance";
    type Command = IssuanceCommand;
    type Event = IssuanceEvent;
    type Error = IssuanceRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let event = self.decide(command)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            IssuanceEvent::IssuanceRequested(requested) => {
                let (issuance, state) = (requested.issuance, RequestState::Requested);
                self.requests.insert(issuance, Request { requested, state });
            }
            IssuanceEvent::IssuanceApproved(event) => {
                self.last_serial = self.last_serial.max(event.serials.last());
                self.decided(event.issuance, RequestState::Issued(event.serials));
            }
            IssuanceEvent::IssuanceRefused(event) => {
                self.decided(event.issuance, RequestState::Refused);
            }
        }
    }
}
