//! What another ledger says at an entry that is cited.

use std::iter::successors;

use sealrock_domain::{Citation, EventType, Slug};
use sealrock_eventstore::{LedgerId, LedgerInfo, Recorded, read_listed};
use sealrock_ledger::Index;

use crate::commands::Commands;
use crate::error::CommandError;

/// An entry of some ledger of this installation, as it is recorded.
pub(super) struct Cited<E> {
    /// Its organisation: that of the ledger, or of the one that this continues.
    pub(super) organisation: Slug,
    pub(super) stream: String,
    pub(super) event: E,
}

impl Commands {
    /// The event at the cited entry.
    ///
    /// # Errors
    /// [`CommandError::NotFound`] if there is no such entry, [`CommandError::Rejected`] if it holds
    /// something else.
    pub(super) async fn cited<E: EventType>(
        &self,
        citation: &Citation,
    ) -> Result<Cited<E>, CommandError> {
        let ledgers = self.store.ledgers().await?;
        let ledger = ledgers
            .iter()
            .find(|ledger| ledger.origin.as_str() == citation.origin())
            .ok_or_else(|| {
                CommandError::NotFound(format!("{citation}: there is no such ledger"))
            })?;
        let recorded = self.entry(ledger, citation).await?;
        Ok(Cited {
            organisation: organisation_of(&ledgers, ledger)?,
            event: event(&recorded, citation)?,
            stream: recorded.entry.stream,
        })
    }

    async fn entry(
        &self,
        ledger: &LedgerInfo,
        citation: &Citation,
    ) -> Result<Recorded, CommandError> {
        let connection = self.store.pool().acquire().await;
        let mut connection = connection.map_err(sealrock_eventstore::StoreError::from)?;
        let index = Index(citation.index());
        let found = read_listed(&mut connection, ledger.id, &[index]).await?;
        found
            .into_iter()
            .next()
            .ok_or_else(|| CommandError::NotFound(format!("{citation}: there is no such entry")))
    }
}

/// The event that an entry holds.
pub(super) fn event<E: EventType>(
    recorded: &Recorded,
    citation: &Citation,
) -> Result<E, CommandError> {
    let entry = &recorded.entry;
    let bytes = recorded
        .payload
        .as_ref()
        .map_or(&b""[..], |payload| &payload.bytes);
    E::decode(&entry.kind, entry.schema, bytes).map_err(|error| {
        CommandError::Rejected(format!(
            "{citation} does not say what it is cited for: {error}"
        ))
    })
}

/// The organisation that a ledger belongs to: the name of the first one that it continues.
fn organisation_of(ledgers: &[LedgerInfo], ledger: &LedgerInfo) -> Result<Slug, CommandError> {
    let by_id = |id: LedgerId| ledgers.iter().find(|ledger| ledger.id == id);
    let root = successors(Some(ledger), |ledger| ledger.continues.and_then(by_id)).last();
    let name = root.unwrap_or(ledger).name.as_str();
    name.parse()
        .map_err(|error| CommandError::Fatal(format!("ledger {name}: {error}")))
}
