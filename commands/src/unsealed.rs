//! Whether seals hold what is to be redacted.

use std::collections::HashMap;

use sealrock_domain::telemetry::decode_recorded;
use sealrock_domain::telemetry::window::{WindowEvent, WindowSealed, window_of, window_stream};
use sealrock_domain::{DeviceId, EventType};
use sealrock_eventstore::{LedgerInfo, Recorded, StoreError};
use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;

use crate::commands::Commands;
use crate::error::CommandError;

/// Batches looked at a time.
const PAGE: usize = 100;

impl Commands {
    /// Refuses a batch that no seal holds: without its payload nobody could tell its `seq` any more,
    /// so whether the device's batches are complete would be open for ever. What a seal holds once,
    /// every later seal of the window holds. What is no batch that can be sealed is passed over.
    pub(crate) async fn require_sealed(
        &self,
        ledger: &LedgerInfo,
        payloads: &[IndexRange],
    ) -> Result<(), CommandError> {
        let mut newest = HashMap::new();
        let indexes: Vec<Index> = payloads
            .iter()
            .flat_map(|r| (r.first.0..=r.last.0).map(Index))
            .collect();
        for page in indexes.chunks(PAGE) {
            for recorded in self.read(ledger, page).await? {
                let (index, Some(stream)) = (recorded.entry.index, window(&recorded)) else {
                    continue;
                };
                if !newest.contains_key(&stream) {
                    let seal = self.newest_seal(ledger, &stream).await?;
                    newest.insert(stream.clone(), seal);
                }
                let seal = newest.get(&stream).and_then(Option::as_ref);
                if !seal.is_some_and(|seal| seal.holds(index.0)) {
                    let name = &ledger.name;
                    return Err(CommandError::Rejected(format!(
                        "no seal holds entry {index} yet, and without its payload nobody could tell \
                         any more whether a batch is missing: run `sealrock seal {name} --all`, then \
                         redact it"
                    )));
                }
            }
        }
        Ok(())
    }

    async fn newest_seal(
        &self,
        ledger: &LedgerInfo,
        stream: &str,
    ) -> Result<Option<WindowSealed>, StoreError> {
        let seals = self.store.read_stream(ledger.id, stream, 0).await?;
        Ok(seals.last().and_then(sealed))
    }
}

/// The stream of the window that a batch belongs to.
pub(crate) fn window(recorded: &Recorded) -> Option<String> {
    let device: DeviceId = recorded
        .entry
        .stream
        .strip_prefix("telemetry/")?
        .parse()
        .ok()?;
    let payload = recorded.payload.as_ref()?;
    let batch = decode_recorded(&payload.media, &payload.bytes).ok()?;
    Some(window_stream(
        device,
        window_of(&batch, recorded.entry.received_at),
    ))
}

pub(crate) fn sealed(recorded: &Recorded) -> Option<WindowSealed> {
    let (entry, payload) = (&recorded.entry, recorded.payload.as_ref()?);
    match WindowEvent::decode(&entry.kind, entry.schema, &payload.bytes).ok()? {
        WindowEvent::WindowSealed(sealed) => Some(sealed),
        WindowEvent::GapDetected(_) => None,
    }
}
