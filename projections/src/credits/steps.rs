//! What is to be done so that every issuance comes to its end.

use sealrock_domain::Citation;
use uuid::Uuid;

use crate::read_models::{QueryError, ReadModels, stored};

/// A step of an issuance that nobody has taken yet, as far as this read model knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum IssuanceStep {
    /// Bring the reservation at this entry to its registry.
    Open {
        /// The issuance.
        issuance: Uuid,
        /// The entry `RangeReserved`.
        source: Citation,
    },
    /// End the reservation as the registry decided at this entry.
    Finish {
        /// The issuance.
        issuance: Uuid,
        /// The entry `CreditsIssued` or `IssuanceRefused`.
        decided: Citation,
    },
}

impl IssuanceStep {
    /// The issuance.
    #[must_use]
    pub const fn issuance(&self) -> Uuid {
        match self {
            Self::Open { issuance, .. } | Self::Finish { issuance, .. } => *issuance,
        }
    }

    /// The entry that the step rests on.
    #[must_use]
    pub const fn rests_on(&self) -> &Citation {
        match self {
            Self::Open { source, .. } => source,
            Self::Finish { decided, .. } => decided,
        }
    }
}

impl ReadModels {
    /// The steps of issuances that are to be taken, the oldest first, at most `limit`, without those
    /// of the issuances in `except`.
    ///
    /// # Errors
    /// [`QueryError`] if Postgres cannot answer.
    pub async fn issuance_steps(
        &self,
        except: &[Uuid],
        limit: u32,
    ) -> Result<Vec<IssuanceStep>, QueryError> {
        let rows: Vec<(Uuid, bool, String)> = sqlx::query_as(include_str!("steps.sql"))
            .bind(except)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(step).collect()
    }
}

fn step((issuance, opens, citation): (Uuid, bool, String)) -> Result<IssuanceStep, QueryError> {
    let citation: Citation = stored(&citation)?;
    Ok(if opens {
        IssuanceStep::Open {
            issuance,
            source: citation,
        }
    } else {
        IssuanceStep::Finish {
            issuance,
            decided: citation,
        }
    })
}
