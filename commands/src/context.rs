//! Who commands, and what is answered.

use chrono::{DateTime, Utc};
use sealrock_access::Principal;
use sealrock_domain::{Actor, ActorError};
use sealrock_eventstore::{Appended, Receipt};
use uuid::Uuid;

use crate::error::CommandError;

/// Who sends a command, under which idempotency key, and how it reached us.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who.
    pub principal: Principal,
    /// The idempotency key: the same key with the same input is answered with the first receipt.
    pub command: Uuid,
    /// `graphql`, `cli`, `mqtt:<topic>`, `http:/ingest` or `process:<name>`.
    pub via: String,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
}

impl Context {
    /// Who, as events name them.
    pub(crate) fn actor(&self) -> Result<Actor, CommandError> {
        let actor = self.principal.actor();
        actor
            .parse()
            .map_err(|error: ActorError| CommandError::Invalid(error.to_string()))
    }
}

/// A command that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Where its entries stand.
    pub receipt: Receipt,
    /// Whether it was recorded before, under the same command id.
    pub duplicate: bool,
}

impl From<Appended> for Done {
    fn from(Appended { receipt, duplicate }: Appended) -> Self {
        Self { receipt, duplicate }
    }
}
