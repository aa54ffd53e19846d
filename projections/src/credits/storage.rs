//! The events of mass accounts.

use std::collections::BTreeSet;

use sealrock_domain::mass_account::{
    MassAccountEvent, MassAccountId, NetMassRecorded, RangeReserved, StorageLossRecorded,
};
use sealrock_domain::{KilogramRange, Mass, Slug};
use sealrock_eventstore::{LedgerId, Recorded};
use sealrock_ledger::Index;
use sqlx::PgTransaction;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::{AccountEntry, MassAccount, Reservation, ReservationState, Span};
use super::versions::Versions;
use crate::entry::{decode, stream_id};
use crate::runner::{FoldError, Shown};

/// An event and where it stands.
struct Change<'a> {
    account: MassAccountId,
    recorded: &'a Recorded,
    event: MassAccountEvent,
}

/// What a batch changes.
struct Storage {
    ledger: LedgerId,
    accounts: Versions<MassAccount>,
    reservations: Versions<Reservation>,
    entries: Vec<AccountEntry>,
}

pub(super) async fn fold(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batch: &[Shown],
) -> Result<(), FoldError> {
    let changes = changes(batch)?;
    if changes.is_empty() {
        return Ok(());
    }
    let mut storage = Storage::load(tx, ledger, &changes).await?;
    for change in changes {
        storage.apply(change)?;
    }
    storage.store(tx).await
}

fn changes(batch: &[Shown]) -> Result<Vec<Change<'_>>, FoldError> {
    let mut changes = Vec::new();
    for recorded in batch {
        if let Some(event) = decode(recorded)? {
            let account = stream_id(recorded)?;
            changes.push(Change {
                account,
                recorded,
                event,
            });
        }
    }
    Ok(changes)
}

fn issuance(event: &MassAccountEvent) -> Option<Uuid> {
    match event {
        MassAccountEvent::RangeReserved(event) => Some(event.issuance),
        MassAccountEvent::RangeFinalised(event) => Some(event.issuance),
        MassAccountEvent::RangeReleased(event) => Some(event.issuance),
        MassAccountEvent::NetMassRecorded(_) | MassAccountEvent::StorageLossRecorded(_) => None,
    }
}

impl Storage {
    async fn load(
        tx: &mut PgTransaction<'_>,
        ledger: LedgerId,
        changes: &[Change<'_>],
    ) -> Result<Self, FoldError> {
        let accounts: BTreeSet<String> = changes.iter().map(|c| c.account.to_string()).collect();
        let accounts: Vec<String> = accounts.into_iter().collect();
        let issuances = changes.iter().filter_map(|c| issuance(&c.event));
        let issuances: Vec<String> = issuances.map(|id| id.to_string()).collect();
        Ok(Self {
            ledger,
            accounts: Versions::load(tx, ledger, &accounts).await?,
            reservations: Versions::load(tx, ledger, &issuances).await?,
            entries: Vec::new(),
        })
    }

    fn apply(&mut self, change: Change<'_>) -> Result<(), FoldError> {
        let Change {
            account,
            recorded,
            event,
        } = change;
        match event {
            MassAccountEvent::NetMassRecorded(event) => self.store_mass(account, recorded, event),
            MassAccountEvent::StorageLossRecorded(event) => self.lose(account, recorded, event),
            MassAccountEvent::RangeReserved(event) => self.reserve(account, recorded, event)?,
            MassAccountEvent::RangeFinalised(event) => {
                let ended = |row: &mut Reservation| {
                    row.state = ReservationState::Finalised;
                    row.serials = Some(event.serials);
                };
                self.end(account, recorded, event.issuance, ended)?;
            }
            MassAccountEvent::RangeReleased(event) => {
                let ended = |row: &mut Reservation| {
                    row.state = ReservationState::Released;
                    row.reason = Some(event.reason);
                };
                self.end(account, recorded, event.issuance, ended)?;
            }
        }
        Ok(())
    }

    /// The account as it is before this entry.
    fn account(&self, id: MassAccountId, index: Index, org: Slug, site: Slug) -> MassAccount {
        let known = self.accounts.get(&id.to_string()).cloned();
        known.unwrap_or_else(|| MassAccount {
            key: id.to_string(),
            organisation: org,
            site,
            site_id: id.site,
            year: id.year,
            stored_kg: Mass::ZERO,
            lost_kg: Mass::ZERO,
            reserved_kg: 0,
            finalised_kg: 0,
            span: Span::from(index),
        })
    }

    fn store_mass(&mut self, id: MassAccountId, recorded: &Recorded, event: NetMassRecorded) {
        let entry = &recorded.entry;
        let mut account = self.account(id, entry.index, event.org, event.site);
        let before = account.stored_kg;
        account.stored_kg = before.checked_add(event.mass_kg).unwrap_or(before);
        self.entries.push(AccountEntry {
            index: entry.index,
            account: account.key.clone(),
            mass_kg: event.mass_kg,
            from_g: Some(before.grams()),
            to_g: Some(account.stored_kg.grams()),
            well: Some(event.well),
            day: event.day,
            reason: None,
            recorded_at: entry.recorded_at,
        });
        self.accounts.put(entry.index, account);
    }

    fn lose(&mut self, id: MassAccountId, recorded: &Recorded, event: StorageLossRecorded) {
        let entry = &recorded.entry;
        let mut account = self.account(id, entry.index, event.org, event.site);
        let before = account.lost_kg;
        account.lost_kg = before.checked_add(event.mass_kg).unwrap_or(before);
        self.entries.push(AccountEntry {
            index: entry.index,
            account: account.key.clone(),
            mass_kg: event.mass_kg,
            from_g: None,
            to_g: None,
            well: None,
            day: event.occurred_on,
            reason: Some(event.reason),
            recorded_at: entry.recorded_at,
        });
        self.accounts.put(entry.index, account);
    }

    fn reserve(
        &mut self,
        id: MassAccountId,
        recorded: &Recorded,
        event: RangeReserved,
    ) -> Result<(), FoldError> {
        let entry = &recorded.entry;
        let mut account = self.known_account(id, entry.index)?;
        let length = event.range().map_or(0, KilogramRange::kilograms);
        account.reserved_kg += length;
        let reservation = Reservation {
            ledger_id: self.ledger,
            key: event.issuance.to_string(),
            issuance: event.issuance,
            account: account.key.clone(),
            organisation: account.organisation.clone(),
            site: account.site.clone(),
            year: account.year,
            registry: event.registry,
            from_kg: event.from_kg,
            to_kg: event.to_kg,
            requested_by: event.by,
            state: ReservationState::Reserved,
            serials: None,
            reason: None,
            reserved_index: entry.index,
            reserved_at: entry.recorded_at,
            closed_index: None,
            closed_at: None,
            span: Span::from(entry.index),
        };
        self.accounts.put(entry.index, account);
        self.reservations.put(entry.index, reservation);
        Ok(())
    }

    fn end(
        &mut self,
        id: MassAccountId,
        recorded: &Recorded,
        issuance: Uuid,
        ended: impl FnOnce(&mut Reservation),
    ) -> Result<(), FoldError> {
        let entry = &recorded.entry;
        let mut account = self.known_account(id, entry.index)?;
        let unknown = || FoldError::poison(entry.index, "no reservation stands before it");
        let known = self.reservations.get(&issuance.to_string());
        let mut reservation = known.cloned().ok_or_else(unknown)?;
        ended(&mut reservation);
        reservation.closed_index = Some(entry.index);
        reservation.closed_at = Some(entry.recorded_at);
        let length = reservation.to_kg.saturating_sub(reservation.from_kg);
        account.reserved_kg = account.reserved_kg.saturating_sub(length);
        if reservation.state == ReservationState::Finalised {
            account.finalised_kg += length;
        }
        self.accounts.put(entry.index, account);
        self.reservations.put(entry.index, reservation);
        Ok(())
    }

    fn known_account(&self, id: MassAccountId, index: Index) -> Result<MassAccount, FoldError> {
        let account = self.accounts.get(&id.to_string()).cloned();
        account.ok_or_else(|| FoldError::poison(index, "nothing was stored in this account before"))
    }

    async fn store(self, tx: &mut PgTransaction<'_>) -> Result<(), FoldError> {
        self.accounts.store(tx, self.ledger).await?;
        self.reservations.store(tx, self.ledger).await?;
        sqlx::query(include_str!("insert_entries.sql"))
            .bind(self.ledger.0)
            .bind(Json(self.entries))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}
