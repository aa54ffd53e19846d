//! Ledgers that this process signs no more, whatever else it is asked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ledgers::LedgerId;

/// Why, for each. A new process looks for itself.
#[derive(Default)]
pub(crate) struct Stops(Mutex<HashMap<LedgerId, String>>);

impl Stops {
    /// Stops a ledger; the first reason stays.
    pub(crate) fn stop(&self, ledger: LedgerId, reason: &str) {
        tracing::error!(%ledger, reason, "a ledger is signed no more");
        self.lock()
            .entry(ledger)
            .or_insert_with(|| reason.to_owned());
    }

    pub(crate) fn reason(&self, ledger: LedgerId) -> Option<String> {
        self.lock().get(&ledger).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<LedgerId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
