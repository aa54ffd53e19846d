//! What an answer rests on.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerResult, SimpleObject, Value, registry,
};
use sealrock_domain::Slug;
use sealrock_ledger::{Index, LedgerName};

use super::scalars::Count;

/// The ledger entries that a figure rests on.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Provenance {
    /// Name of the ledger.
    ledger: String,
    /// Indexes of the entries, in order.
    indexes: Indexes,
    /// Whether more entries than these stand behind the figure.
    truncated: bool,
}

impl Provenance {
    pub(crate) fn of(ledger: &LedgerName, indexes: impl IntoIterator<Item = Index>) -> Self {
        let mut indexes: Vec<u64> = indexes.into_iter().map(|index| index.0).collect();
        indexes.sort_unstable();
        indexes.dedup();
        Self {
            ledger: ledger.to_string(),
            indexes: Indexes(indexes),
            truncated: false,
        }
    }

    pub(crate) fn cut_short(self, truncated: bool) -> Self {
        Self { truncated, ..self }
    }
}

/// `[Count!]!`, resolved at once: as a list of scalars each would be a field with a future of its own,
/// which was half the work of an answer that names some thousand entries.
#[derive(Debug, Clone)]
struct Indexes(Vec<u64>);

impl OutputType for Indexes {
    fn type_name() -> Cow<'static, str> {
        <Vec<Count> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<Count> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut registry::Registry) -> String {
        <Vec<Count> as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _context: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let counts = self.0.iter().map(|index| Value::Number((*index).into()));
        Ok(Value::List(counts.collect()))
    }
}

/// The ledger of an organisation: it has the same name.
pub(crate) fn ledger_of(organisation: &Slug) -> LedgerName {
    organisation
        .as_str()
        .parse()
        .expect("organisation and ledger names have one alphabet and length")
}
