//! Mass accounts.

use async_graphql::{Context, ID, Object, SimpleObject};
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::LedgerId;
use sealrock_projections::credits::{AccountEntry as StoredEntry, MassAccount as Stored};

use crate::schema::global_id::GlobalId;
use crate::schema::loaders::{AccountEntriesOf, ledger_name, load};
use crate::schema::paging::{self, Page};
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Day, Time};

/// Entries that a provenance lists.
const MOST: u32 = 1_000;

/// The net stored kilograms of a storage site and calendar year, and which of them credits are issued
/// for.
pub(crate) struct MassAccount {
    pub(crate) stored: Stored,
    pub(crate) ledger: LedgerId,
    /// The entry behind which it is shown.
    pub(crate) as_of: Option<Index>,
}

/// The net stored kilograms of a storage site and calendar year, and which of them credits are issued
/// for. It counts its kilograms from 0 in the order in which they were stored; an issuance rests on a
/// range of them, and no two ranges overlap.
#[Object]
impl MassAccount {
    /// Its name: `<site id>/<year>`.
    async fn key(&self) -> &str {
        &self.stored.key
    }

    /// Slug of the organisation.
    async fn organisation(&self) -> &str {
        self.stored.organisation.as_str()
    }

    /// Slug of the storage site.
    async fn site(&self) -> &str {
        self.stored.site.as_str()
    }

    /// The calendar year (UTC).
    async fn year(&self) -> i32 {
        self.stored.year
    }

    /// What approved, creditable days brought in, kg.
    async fn stored_kg(&self) -> String {
        self.stored.stored_kg.kilograms()
    }

    /// What was lost again, kg.
    async fn lost_kg(&self) -> String {
        self.stored.lost_kg.kilograms()
    }

    /// What is left, kg; 0 if more was lost than stored.
    async fn net_kg(&self) -> String {
        self.stored.net().kilograms()
    }

    /// What is left, tonnes.
    async fn net_tonnes(&self) -> String {
        self.stored.net().tonnes()
    }

    /// Kilograms that are set aside for issuances that are not decided, or not brought back.
    async fn reserved_kg(&self) -> Count {
        Count(self.stored.reserved_kg)
    }

    /// Kilograms that credits were issued for.
    async fn finalised_kg(&self) -> Count {
        Count(self.stored.finalised_kg)
    }

    /// Kilograms that are neither.
    async fn free_kg(&self) -> Count {
        Count(self.stored.free_kg())
    }

    /// Kilograms that are reserved or issued beyond what the account holds since its losses. While
    /// there are any, nothing can be requested.
    async fn deficit_kg(&self) -> Count {
        Count(self.stored.deficit_kg())
    }

    /// What was added and what was lost, in the ledger's order.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn entries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
    ) -> Result<Page<AccountEntry>, Problem> {
        let size = paging::size(first)?;
        let after = paging::cursor(after.as_deref(), |text| text.parse().ok().map(Index))?;
        let found = self.entries_behind(context, after, size + 1).await?;
        let ledger = ledger_name(context, self.ledger).await?;
        Ok(paging::page(
            found,
            size,
            after.is_none(),
            |entry| entry.index.0.to_string(),
            |entry| AccountEntry::new(&ledger, entry),
        ))
    }

    /// The entries that it is the sum of, the first thousand.
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let mut found = self.entries_behind(context, None, MOST + 1).await?;
        let more = found.len() > MOST as usize;
        found.truncate(MOST as usize);
        let indexes = found.iter().map(|entry| entry.index);
        let ledger = ledger_name(context, self.ledger).await?;
        Ok(Provenance::of(&ledger, indexes).cut_short(more))
    }
}

impl MassAccount {
    async fn entries_behind(
        &self,
        context: &Context<'_>,
        after: Option<Index>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, Problem> {
        let asked = AccountEntriesOf {
            ledger: self.ledger,
            account: self.stored.key.clone(),
            after,
            as_of: self.as_of,
            first: limit,
        };
        Ok(load(context, asked).await?.unwrap_or_default())
    }
}

/// Something that was added to a mass account, or taken off it.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct AccountEntry {
    /// How much, kg; negative for a loss.
    mass_kg: String,
    /// Id of the well that stored it, an asset; null for a loss.
    well: Option<ID>,
    /// The UTC day of the injection or of the loss.
    day: Day,
    /// How it was lost; null for what was stored.
    reason: Option<String>,
    /// When it was recorded.
    recorded_at: Time,
    /// The entry. That of a day that was approved stands in one append with the approval, which
    /// names its evidence.
    provenance: Provenance,
}

impl AccountEntry {
    pub(crate) fn new(ledger: &LedgerName, stored: StoredEntry) -> Self {
        let kilograms = stored.mass_kg.kilograms();
        Self {
            mass_kg: match stored.well {
                Some(_) => kilograms,
                None => format!("-{kilograms}"),
            },
            well: stored.well.map(|well| GlobalId::Asset(well).into()),
            day: Day(stored.day),
            reason: stored.reason.map(String::from),
            recorded_at: stored.recorded_at.into(),
            provenance: Provenance::of(ledger, [stored.index]),
        }
    }
}
