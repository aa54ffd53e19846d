//! Accounts from before the ledger said what they may do.

use chrono::Utc;
use sealrock_access::Principal;
use sealrock_access::standing::{self as rows, AccountRow};
use sealrock_domain::Slug;
use sealrock_domain::access::{AccessCommand, AdmitMember, AssignRole};
use uuid::Uuid;

use crate::commands::Commands;
use crate::context::Context;
use crate::error::CommandError;

impl Commands {
    /// Takes the roles of accounts into the ledgers of their organisations, where no entry names the
    /// account yet. To be called when a server starts; several may at once, because the command of an
    /// account has one id. Until then the row's role counts.
    ///
    /// An organisation without a ledger is left alone: it has nothing that could be reached.
    ///
    /// # Errors
    /// See [`CommandError`]; what was taken by then stays taken.
    pub async fn record_roles_of_rows(&self) -> Result<(), CommandError> {
        self.record_roles(None).await
    }

    /// The same of one organisation: what is decided about its members must know all of them.
    pub(super) async fn record_roles_of(&self, organisation: &Slug) -> Result<(), CommandError> {
        self.record_roles(Some(organisation)).await
    }

    async fn record_roles(&self, of: Option<&Slug>) -> Result<(), CommandError> {
        for row in rows::unrecorded(self.store.pool(), of).await? {
            if let Some(organisation) = &row.organisation {
                match self.record_role(&row, organisation).await {
                    Err(CommandError::NotFound(_)) => {}
                    recorded => recorded?,
                }
            }
        }
        Ok(())
    }

    async fn record_role(&self, row: &AccountRow, organisation: &Slug) -> Result<(), CommandError> {
        let known = self.access_of(organisation).await?;
        if known.state().member(row.id).is_none() {
            let command = AccessCommand::Admit(AdmitMember {
                member: AssignRole {
                    account: row.id,
                    role: row.role,
                    sites: None,
                },
                invited_by: None,
            });
            match self
                .change_access(&context_of(row), organisation, command)
                .await
            {
                // Somebody gave it a role meanwhile.
                Ok(_) | Err(CommandError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(rows::recorded(self.store.pool(), row.id).await?)
    }
}

/// The same on every node.
fn context_of(row: &AccountRow) -> Context {
    let name = "access".parse().expect("a slug");
    Context {
        principal: Principal::Service { name },
        command: Uuid::new_v5(&row.id.as_uuid(), b"sealrock:role-of-row"),
        via: "process:access".to_owned(),
        received_at: Utc::now(),
    }
}
