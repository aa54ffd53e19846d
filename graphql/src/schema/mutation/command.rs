//! What all commands have in common: who sends them, and what follows a receipt.
//!
//! Once a command has its receipt, nothing may lose it: whatever goes wrong afterwards becomes an
//! error beside the payload, never in its place.

use std::time::Duration;

use async_graphql::{Context, ErrorExtensionValues, ServerError};
use chrono::Utc;
use sealrock_access::Principal;
use sealrock_commands::{Context as CommandContext, Done};
use sealrock_domain::Slug;
use sealrock_projections::{QueryError, ReadModels, Runner};
use uuid::Uuid;

use super::receipt::Receipt;
use crate::schema::guard::principal;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;

/// How long a mutation waits for read models.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(pub(crate) Duration);

/// Who sends a command, and which.
pub(crate) fn sender(
    context: &Context<'_>,
    command: Option<Uuid>,
) -> Result<CommandContext, Problem> {
    Ok(sent_by(principal(context)?, command))
}

/// A command of somebody who may send it.
pub(crate) fn sent_by(principal: &Principal, command: Option<Uuid>) -> CommandContext {
    CommandContext {
        principal: principal.clone(),
        command: command.unwrap_or_else(Uuid::new_v4),
        via: "graphql".to_owned(),
        received_at: Utc::now(),
    }
}

/// What a mutation waits for, checked before the command is sent.
pub(super) struct WaitFor(Vec<String>);

impl WaitFor {
    /// # Errors
    /// For a read model that is not there, with the ones that are.
    pub(super) fn read(context: &Context<'_>, names: Option<Vec<String>>) -> Result<Self, Problem> {
        let names = names.unwrap_or_default();
        let known: Vec<_> = context.data_unchecked::<Runner>().names().collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self(names)),
            Some(name) => {
                let known = known.join(", ");
                Err(Problem::input(format!(
                    "waitFor: there is no read model {name:?}; there are {known}"
                )))
            }
        }
    }
}

/// A command with its receipt, and what is shown with it.
pub(super) struct Recorded<'c> {
    context: &'c Context<'c>,
    pub(super) receipt: Receipt,
    pub(super) duplicate: bool,
}

impl<'c> Recorded<'c> {
    /// Takes the receipt and waits for the read models.
    pub(super) async fn new(
        context: &'c Context<'c>,
        organisation: &Slug,
        done: &Done,
        wait_for: &WaitFor,
    ) -> Self {
        let receipt = Receipt::of(done);
        let recorded = Self {
            context,
            receipt,
            duplicate: done.duplicate,
        };
        if let Err(problem) = recorded.wait(organisation, done, wait_for).await {
            recorded.report(problem);
        }
        recorded
    }

    /// The object that the command was about, as far as the read model knows it.
    pub(super) fn object<T>(&self, found: Result<Vec<T>, QueryError>) -> Option<T> {
        self.objects(found).into_iter().next()
    }

    /// As [`object`](Self::object), of several.
    pub(super) fn objects<T>(&self, found: Result<Vec<T>, QueryError>) -> Vec<T> {
        found.unwrap_or_else(|error| {
            self.report(error.into());
            Vec::new()
        })
    }

    /// What is shown with the receipt, or an error beside it.
    pub(super) fn shown<T>(&self, found: Result<T, Problem>) -> Option<T> {
        found.map_err(|problem| self.report(problem)).ok()
    }

    async fn wait(
        &self,
        organisation: &Slug,
        done: &Done,
        wait_for: &WaitFor,
    ) -> Result<(), Problem> {
        if wait_for.0.is_empty() {
            return Ok(());
        }
        let read = self.context.data_unchecked::<ReadModels>();
        let Some(ledger) = read.current_ledger(&ledger_of(organisation)).await? else {
            return Ok(());
        };
        let Patience(patience) = *self.context.data_unchecked();
        let positions = self.context.data_unchecked::<Runner>().positions();
        let waits = wait_for
            .0
            .iter()
            .map(|name| positions.wait_for(name, ledger.id, done.receipt.last, patience));
        futures::future::try_join_all(waits).await?;
        Ok(())
    }

    /// Adds an error that does not take the payload's place; it carries the receipt too.
    pub(super) fn report(&self, Problem { code, message, .. }: Problem) {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code.as_str());
        extensions.set("receipt", self.receipt.value());
        let message = format!("the command is recorded, but: {message}");
        let error = ServerError {
            extensions: Some(extensions),
            ..ServerError::new(message, Some(self.context.item.pos))
        };
        self.context.add_error(self.context.set_error_path(error));
    }
}
