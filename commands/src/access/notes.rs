//! What happens around access and changes nothing of what a ledger says who may: it is noted there.
//!
//! Of an account without an organisation, and of the platform as a whole, it is noted in the platform's
//! own ledger, which is made with its first entry.

use chrono::{NaiveDate, Utc};
use sealrock_access::{AccountId, Principal, standing as rows};
use sealrock_domain::Slug;
use sealrock_domain::access::{AccessCommand, AccessNote};
use uuid::Uuid;

use crate::commands::Commands;
use crate::context::{Context, Done};
use crate::error::CommandError;

impl Commands {
    /// Notes what happened to the access of an organisation and changes nothing of it. The platform's
    /// own parts do that, not people: nobody needs a permission to be noted.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn note_access(
        &self,
        context: &Context,
        organisation: &Slug,
        note: AccessNote,
    ) -> Result<Done, CommandError> {
        self.change_access(context, organisation, AccessCommand::Note(note))
            .await
    }

    /// The same of the platform as a whole.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn note_platform(
        &self,
        context: &Context,
        note: AccessNote,
    ) -> Result<Done, CommandError> {
        self.note_access(context, &Slug::platform(), note).await
    }

    /// The same of an account, in the ledger of its organisation. One of an organisation that is not
    /// registered reaches nothing, and is noted nowhere.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn note_account(
        &self,
        context: &Context,
        account: AccountId,
        note: AccessNote,
    ) -> Result<(), CommandError> {
        let organisation = self.organisation_of(account).await?;
        match self.note_access(context, &organisation, note).await {
            Ok(_) | Err(CommandError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The organisation of an account; of one without, the platform.
    pub(super) async fn organisation_of(&self, account: AccountId) -> Result<Slug, CommandError> {
        let row = rows::find(self.store.pool(), account).await?;
        let organisation = row.and_then(|row| row.organisation);
        Ok(organisation.unwrap_or_else(Slug::platform))
    }

    /// Notes that somebody had themselves given the ledger of an organisation, once a UTC day and reader
    /// whichever node is asked. A part of the platform files it, and names the reader: what the reader
    /// sends under an id of their own choice can never stand in its place.
    ///
    /// # Errors
    /// See [`CommandError`].
    ///
    /// # Panics
    /// Never: the name of the part is a slug.
    pub async fn note_export(
        &self,
        reader: &Principal,
        organisation: &Slug,
        day: NaiveDate,
        entries: u64,
    ) -> Result<Done, CommandError> {
        let reader = reader.actor();
        let name = format!("sealrock:export:{reader}:{organisation}:{day}");
        let context = Context {
            principal: Principal::Service {
                name: "exports".parse().expect("a slug"),
            },
            command: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
            via: "process:exports".to_owned(),
            received_at: Utc::now(),
        };
        let reader = reader
            .parse()
            .map_err(|error: sealrock_domain::ActorError| {
                CommandError::Invalid(error.to_string())
            })?;
        let note = AccessNote::LedgerExported { reader, entries };
        self.note_access(&context, organisation, note).await
    }
}
