//! What an answer rests on.

use async_graphql::SimpleObject;
use sealrock_domain::Slug;
use sealrock_ledger::{Index, LedgerName};

use super::scalars::Count;

/// The ledger entries that a figure rests on.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Provenance {
    /// Name of the ledger.
    ledger: String,
    /// Indexes of the entries, in order.
    indexes: Vec<Count>,
    /// Whether more entries than these stand behind the figure.
    truncated: bool,
}

impl Provenance {
    pub(crate) fn of(ledger: &LedgerName, indexes: impl IntoIterator<Item = Index>) -> Self {
        let mut indexes: Vec<u64> = indexes.into_iter().map(|index| index.0).collect();
        indexes.sort_unstable();
        indexes.dedup();
        let indexes = indexes.into_iter().map(Count).collect();
        Self {
            ledger: ledger.to_string(),
            indexes,
            truncated: false,
        }
    }

    pub(crate) fn cut_short(self, truncated: bool) -> Self {
        Self { truncated, ..self }
    }
}

/// The ledger of an organisation: it has the same name.
pub(crate) fn ledger_of(organisation: &Slug) -> LedgerName {
    organisation
        .as_str()
        .parse()
        .expect("organisation and ledger names have one alphabet and length")
}
