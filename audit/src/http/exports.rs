//! That somebody takes what a ledger holds.

use std::pin::Pin;

use sealrock_access::Principal;
use sealrock_ledger::LedgerName;

/// A note that is being taken.
pub type Begun<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Takes note of who has themselves given the entries of an organisation's ledger.
pub trait Exports: Send + Sync {
    /// `reader`, who may, asks for entries or payloads of what is recorded under the name of
    /// `organisation`; `entries` are published. Called for each such request, before it is answered. A
    /// note that cannot be taken keeps no auditor from checking.
    fn begun<'a>(
        &'a self,
        reader: &'a Principal,
        organisation: &'a LedgerName,
        entries: u64,
    ) -> Begun<'a>;
}
