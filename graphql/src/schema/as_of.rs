//! `asOf: Position`: an accounting read model as it stood behind an entry of the ledger.
//!
//! Rows of such a model say from which entry on they hold and until which. A figure "as of" a
//! position is what the model said when it had folded that entry and nothing later: the same answer
//! for ever, whatever is corrected afterwards. So a position is refused
//!
//! * of another ledger than the organisation's (a ledger that continues another one is another one);
//! * before the first entry: there was nothing yet;
//! * behind the ledger's end, or behind what the read model has folded: the answer would change.
//!
//! A position is the cursor of an entry in `ledgerEntries`, or the `position` of an item of a
//! subscription.

use async_graphql::Context;
use sealrock_ledger::Index;
use sealrock_projections::{LedgerInfo, ReadModels};

use crate::code::Code;
use crate::schema::loaders::{FoldedTo, load};
use crate::schema::position::Position;
use crate::schema::problem::Problem;

/// Reads the argument `asOf`.
pub(crate) struct AsOf;

impl AsOf {
    /// The entry behind which `read_model` is asked of `ledger`; `None` for now.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a position of another ledger, before the first entry or behind the last;
    /// `UNAVAILABLE` for one that the read model has not folded yet.
    pub(crate) async fn read(
        context: &Context<'_>,
        ledger: &LedgerInfo,
        read_model: &'static str,
        position: Option<Position>,
    ) -> Result<Option<Index>, Problem> {
        let Some(position) = position else {
            return Ok(None);
        };
        let Some(index) = position.entry_in(&ledger.name)? else {
            return Err(Problem::input(
                "asOf: nothing was recorded before the first entry: give the position of an entry",
            ));
        };
        let folded = load(context, FoldedTo(ledger.id, read_model)).await?;
        let next = folded.unwrap_or_default();
        if index.0 < next {
            return Ok(Some(index));
        }
        let read = context.data_unchecked::<ReadModels>();
        Err(ahead(
            read.ledger_size(ledger).await?,
            ledger,
            read_model,
            index,
            next,
        ))
    }
}

fn ahead(size: u64, ledger: &LedgerInfo, read_model: &str, index: Index, next: u64) -> Problem {
    let name = &ledger.name;
    if index.0 >= size {
        return Problem::input(format!(
            "asOf: ledger {name} has {size} entries, and the position is behind entry {index}: give \
             one that came from it"
        ));
    }
    Problem::new(
        Code::Unavailable,
        format!(
            "asOf: the position is behind entry {index} of {name}, and read model {read_model} has \
             folded {next} entries: ask again in a moment"
        ),
    )
}
