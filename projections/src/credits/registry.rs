//! The events of a registry: requests, decisions, credits.

use sealrock_domain::CreditBlockId;
use sealrock_domain::credit_block::{CreditBlockEvent, CreditsIssued};
use sealrock_domain::issuance::{IssuanceEvent, IssuanceRequested};
use sealrock_eventstore::{LedgerId, Recorded};
use sqlx::PgTransaction;
use uuid::Uuid;

use super::rows::{Block, Request, RequestState, Span};
use super::versions::Versions;
use crate::entry::{decode, stream_id};
use crate::runner::{FoldError, Shown};

pub(super) async fn fold(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batch: &[Shown],
) -> Result<(), FoldError> {
    fold_requests(tx, ledger, batch).await?;
    fold_blocks(tx, ledger, batch).await
}

async fn fold_requests(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batch: &[Shown],
) -> Result<(), FoldError> {
    let mut changes: Vec<(&Recorded, IssuanceEvent)> = Vec::new();
    for recorded in batch {
        if let Some(event) = decode(recorded)? {
            changes.push((recorded, event));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = changes
        .iter()
        .map(|(_, event)| issuance(event).to_string())
        .collect();
    let mut requests = Versions::load(tx, ledger, &keys).await?;
    for (recorded, event) in changes {
        let request = request(ledger, &requests, recorded, event)?;
        requests.put(recorded.entry.index, request);
    }
    Ok(requests.store(tx, ledger).await?)
}

fn issuance(event: &IssuanceEvent) -> Uuid {
    match event {
        IssuanceEvent::IssuanceRequested(event) => event.issuance,
        IssuanceEvent::IssuanceApproved(event) => event.issuance,
        IssuanceEvent::IssuanceRefused(event) => event.issuance,
    }
}

/// The request as it is from this entry on.
fn request(
    ledger: LedgerId,
    requests: &Versions<Request>,
    recorded: &Recorded,
    event: IssuanceEvent,
) -> Result<Request, FoldError> {
    match event {
        IssuanceEvent::IssuanceRequested(event) => Ok(requested(ledger, recorded, event)),
        IssuanceEvent::IssuanceApproved(event) => Ok(Request {
            state: RequestState::Issued,
            serials: Some(event.serials),
            decided_by: Some(event.by),
            decided_for: Some(event.organisation),
            ..decided(requests, recorded, event.issuance)?
        }),
        IssuanceEvent::IssuanceRefused(event) => Ok(Request {
            state: RequestState::Refused,
            reason: Some(event.reason),
            decided_by: Some(event.by),
            decided_for: Some(event.organisation),
            ..decided(requests, recorded, event.issuance)?
        }),
    }
}

/// What is known of a request, decided at this entry.
fn decided(
    requests: &Versions<Request>,
    recorded: &Recorded,
    issuance: Uuid,
) -> Result<Request, FoldError> {
    let entry = &recorded.entry;
    let known = requests.get(&issuance.to_string()).cloned();
    let known =
        known.ok_or_else(|| FoldError::poison(entry.index, "no request stands before it"))?;
    Ok(Request {
        decided_index: Some(entry.index),
        decided_at: Some(entry.recorded_at),
        ..known
    })
}

fn requested(ledger: LedgerId, recorded: &Recorded, event: IssuanceRequested) -> Request {
    let entry = &recorded.entry;
    Request {
        ledger_id: ledger,
        key: event.issuance.to_string(),
        issuance: event.issuance,
        organisation: event.organisation,
        site: event.site,
        year: event.year,
        from_kg: event.from_kg,
        to_kg: event.to_kg,
        source: event.source,
        requested_by: event.requested_by,
        state: RequestState::Requested,
        serials: None,
        reason: None,
        decided_by: None,
        decided_for: None,
        requested_index: entry.index,
        requested_at: entry.recorded_at,
        decided_index: None,
        decided_at: None,
        span: Span::from(entry.index),
    }
}

async fn fold_blocks(
    tx: &mut PgTransaction<'_>,
    ledger: LedgerId,
    batch: &[Shown],
) -> Result<(), FoldError> {
    let mut blocks = Versions::load(tx, ledger, &[]).await?;
    for recorded in batch {
        if let Some(CreditBlockEvent::CreditsIssued(event)) = decode(recorded)? {
            let block = block(ledger, recorded, event)?;
            blocks.put(recorded.entry.index, block);
        }
    }
    Ok(blocks.store(tx, ledger).await?)
}

fn block(ledger: LedgerId, recorded: &Recorded, event: CreditsIssued) -> Result<Block, FoldError> {
    let id: CreditBlockId = stream_id(recorded)?;
    let entry = &recorded.entry;
    Ok(Block {
        ledger_id: ledger,
        key: id.to_string(),
        id,
        issuance: event.issuance,
        registry: event.registry,
        organisation: event.organisation,
        site: event.site,
        vintage: event.vintage,
        first_serial: event.first_serial,
        last_serial: event.last_serial,
        from_kg: event.from_kg,
        to_kg: event.to_kg,
        holder: event.holder,
        issued_index: entry.index,
        issued_at: entry.recorded_at,
        span: Span::from(entry.index),
    })
}
