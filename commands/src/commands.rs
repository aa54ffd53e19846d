//! The write side as its callers see it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sealrock_domain::Slug;
use sealrock_eventstore::{AggregateCache, EventStore, LedgerInfo, LedgerKind};
use sealrock_ledger::LedgerName;

use crate::error::CommandError;
use crate::ledger::OrganisationLedger;

/// The write side. Cloning is cheap; clones share the cached aggregates.
///
/// Every method checks permission and scope first, answers a repeated command id with its first
/// receipt, and returns only when the entries are durable.
#[derive(Clone)]
pub struct Commands {
    pub(crate) store: EventStore,
    /// Whether organisations are registered for demonstration only.
    demo: bool,
    /// The aggregates of all ledgers.
    cache: AggregateCache,
    /// By the organisations' names.
    ledgers: Arc<Mutex<HashMap<LedgerName, Arc<OrganisationLedger>>>>,
}

impl Commands {
    /// Commands into the ledgers of `store`. With `demo`, new organisations get ledgers marked as
    /// demonstrations.
    #[must_use]
    pub fn new(store: EventStore, demo: bool) -> Self {
        Self {
            store,
            demo,
            cache: AggregateCache::default(),
            ledgers: Arc::default(),
        }
    }

    /// The ledger of an organisation: the one of its name, or the one that continues that.
    pub(crate) async fn ledger(
        &self,
        organisation: &Slug,
    ) -> Result<Arc<OrganisationLedger>, CommandError> {
        let name = ledger_name(organisation)?;
        if let Some(ledger) = self.lock().get(&name)
            && !self.store.is_closed(ledger.info.id)
        {
            return Ok(Arc::clone(ledger));
        }
        let info = self.store.current(&name).await?;
        Ok(self.remember(name, info))
    }

    /// The ledger of an organisation that is about to be registered.
    pub(crate) async fn new_ledger(
        &self,
        organisation: &Slug,
        kind: LedgerKind,
    ) -> Result<Arc<OrganisationLedger>, CommandError> {
        let name = ledger_name(organisation)?;
        let info = self.store.create_ledger(&name, kind, self.demo).await?;
        if info.kind != kind {
            return Err(CommandError::Rejected(format!(
                "{name} is the name of {}: what a ledger is for never changes, choose another name",
                match info.kind {
                    LedgerKind::Registry => "a registry",
                    LedgerKind::Operational => "an organisation that is no registry",
                }
            )));
        }
        if info.continues.is_some() {
            return Err(CommandError::Rejected(format!(
                "{name} is the name of a ledger that continues another one: choose another name"
            )));
        }
        let current = self.store.current(&name).await?;
        Ok(self.remember(name, current))
    }

    fn remember(&self, organisation: LedgerName, info: LedgerInfo) -> Arc<OrganisationLedger> {
        let mut ledgers = self.lock();
        if let Some(ledger) = ledgers.get(&organisation)
            && ledger.info.id == info.id
        {
            return Arc::clone(ledger);
        }
        let ledger = Arc::new(OrganisationLedger::new(&self.store, info, &self.cache));
        ledgers.insert(organisation, Arc::clone(&ledger));
        ledger
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<LedgerName, Arc<OrganisationLedger>>> {
        self.ledgers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn ledger_name(organisation: &Slug) -> Result<LedgerName, CommandError> {
    organisation
        .as_str()
        .parse()
        .map_err(|error| CommandError::Invalid(format!("organisation {organisation}: {error}")))
}
