//! Blocks of credits.

use async_graphql::{Context, ID, Object, SimpleObject};
use sealrock_domain::credit_block::{SerialBlock, SerialSeries};
use sealrock_ledger::LedgerName;
use sealrock_projections::credits::{Block as Stored, IssuedTotal as StoredTotal};

use super::Issuance;
use crate::schema::loaders::{IssuanceOf, ledger_name, load};
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::Provenance;
use crate::schema::scalars::{Count, Time};

/// A block of credits: whole tonnes of CO2, by serials that no others have.
pub(crate) struct CreditBlock(pub(crate) Stored);

/// A block of credits: whole tonnes of CO2 that were stored, by serials that no others have.
#[Object]
impl CreditBlock {
    /// Its id.
    async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// `SR:<registry>:<organisation>:<site>:<vintage>:<first>-<last>`.
    async fn serials(&self) -> String {
        let series = SerialSeries {
            registry: self.0.registry.clone(),
            organisation: self.0.organisation.clone(),
            site: self.0.site.clone(),
            vintage: self.0.vintage,
        };
        let serials = SerialBlock::new(series, self.0.first_serial, self.0.last_serial);
        // Ends that no registry writes are shown with what is wrong with them.
        serials.map_or_else(|error| error.to_string(), |serials| serials.to_string())
    }

    /// The first serial.
    async fn first_serial(&self) -> Count {
        Count(self.0.first_serial)
    }

    /// The last serial, in it too.
    async fn last_serial(&self) -> Count {
        Count(self.0.last_serial)
    }

    /// How many credits, one a tonne.
    async fn quantity_tonnes(&self) -> Count {
        Count(self.0.quantity())
    }

    /// Slug of the registry that issued them.
    async fn registry(&self) -> &str {
        self.0.registry.as_str()
    }

    /// Slug of the organisation that stored the CO2.
    async fn organisation(&self) -> &str {
        self.0.organisation.as_str()
    }

    /// Slug of the storage site, their project.
    async fn site(&self) -> &str {
        self.0.site.as_str()
    }

    /// The calendar year in which the CO2 was stored.
    async fn vintage(&self) -> i32 {
        self.0.vintage
    }

    /// Slug of the organisation that has them.
    async fn holder(&self) -> &str {
        self.0.holder.as_str()
    }

    /// When they were issued.
    async fn issued_at(&self) -> Time {
        self.0.issued_at.into()
    }

    /// The position in the registry's ledger behind the entry that issued them.
    async fn position(&self, context: &Context<'_>) -> Result<Position, Problem> {
        let ledger = ledger_name(context, self.0.ledger_id).await?;
        Ok(Position::entry(ledger, self.0.issued_index))
    }

    /// The issuance that they came from, with its history and all that it rests on.
    async fn issuance(&self, context: &Context<'_>) -> Result<Option<Issuance>, Problem> {
        let found = load(context, IssuanceOf(self.0.issuance)).await?;
        let registry = self.0.registry.clone();
        Ok(found.map(|stored| Issuance { stored, registry }))
    }

    /// The entries of the registry's ledger that it rests on; those of the storage's are the
    /// issuance's.
    async fn provenance(&self, context: &Context<'_>) -> Result<Provenance, Problem> {
        let ledger = ledger_name(context, self.0.ledger_id).await?;
        Ok(Provenance::of(&ledger, [self.0.issued_index]))
    }
}

/// What a registry has issued for a site and vintage.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct IssuedTotal {
    /// Slug of the organisation that stored the CO2.
    organisation: String,
    /// Slug of the storage site.
    site: String,
    /// The calendar year in which it was stored.
    vintage: i32,
    /// Credits, one a tonne.
    credits_tonnes: Count,
    /// Blocks.
    blocks: Count,
    /// The entries that issued them.
    provenance: Provenance,
}

impl IssuedTotal {
    pub(crate) fn new(ledger: &LedgerName, stored: StoredTotal) -> Self {
        Self {
            organisation: stored.organisation.to_string(),
            site: stored.site.to_string(),
            vintage: stored.vintage,
            credits_tonnes: Count(stored.credits),
            blocks: Count(stored.blocks),
            provenance: Provenance::of(ledger, stored.indexes),
        }
    }
}
