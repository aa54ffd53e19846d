//! Accounts from before the ledger said what they may do.

use chrono::Utc;
use sealrock_access::Principal;
use sealrock_access::standing::{self as rows, AccountRow};
use sealrock_domain::OrganisationId;
use sealrock_domain::access::{AccessCommand, AssignRole};
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
        for row in rows::unrecorded(self.store.pool()).await? {
            match self.record_role_of_row(&row).await {
                Err(CommandError::NotFound(_)) => {}
                recorded => recorded?,
            }
        }
        Ok(())
    }

    async fn record_role_of_row(&self, row: &AccountRow) -> Result<(), CommandError> {
        let Some(organisation) = &row.organisation else {
            return Ok(());
        };
        let known = self.access_of(organisation).await?;
        if known.state().member(row.id).is_none() {
            let context = context_of(row);
            let command = AccessCommand::AssignRole(AssignRole {
                account: row.id,
                role: row.role,
                sites: None,
                by: context.actor()?,
            });
            let ledger = self.ledger(organisation).await?;
            let id = OrganisationId::of(organisation).to_string();
            match ledger.execute(&ledger.access, &id, &context, command).await {
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
