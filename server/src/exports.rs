//! Who had themselves given a ledger is an entry of the organisation's access, once a UTC day.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use lru::LruCache;
use sealrock_access::Principal;
use sealrock_audit::{Begun, Exports};
use sealrock_commands::{CommandError, Commands, Context};
use sealrock_domain::Slug;
use sealrock_domain::access::AccessNote;
use sealrock_ledger::LedgerName;
use uuid::Uuid;

/// Of how many readers it is remembered that the day's entry is there.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

type Day = (String, LedgerName, NaiveDate);

/// Writes these entries.
pub struct ExportNotes {
    commands: Commands,
    there: Mutex<LruCache<Day, ()>>,
}

impl ExportNotes {
    /// Into the ledgers of `commands`.
    pub fn new(commands: Commands) -> Self {
        Self {
            commands,
            there: Mutex::new(LruCache::new(REMEMBERED)),
        }
    }

    /// Writes the entry of that moment's day, unless it is there.
    ///
    /// # Errors
    /// [`CommandError`] if it cannot be told to be there.
    pub async fn note(
        &self,
        reader: &Principal,
        organisation: &LedgerName,
        entries: u64,
        now: DateTime<Utc>,
    ) -> Result<(), CommandError> {
        let day = (reader.actor(), organisation.clone(), now.date_naive());
        if self.lock().contains(&day) {
            return Ok(());
        }
        let context = Context {
            principal: reader.clone(),
            // The same on every node, so that there is one.
            command: Uuid::new_v5(
                &Uuid::NAMESPACE_URL,
                format!("sealrock:export:{}:{}:{}", day.0, day.1, day.2).as_bytes(),
            ),
            via: "http".to_owned(),
            received_at: now,
        };
        let slug: Slug = organisation.as_str().parse().map_err(|_| {
            CommandError::NotFound(format!("there is no organisation {organisation}"))
        })?;
        let note = AccessNote::LedgerExported { entries };
        match self.commands.note_access(&context, &slug, note).await {
            // Another node wrote it, when the ledger had another size.
            Ok(_) | Err(CommandError::CommandIdReused { .. }) => {}
            Err(error) => return Err(error),
        }
        self.lock().put(day, ());
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<Day, ()>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exports for ExportNotes {
    fn begun<'a>(
        &'a self,
        reader: &'a Principal,
        organisation: &'a LedgerName,
        entries: u64,
    ) -> Begun<'a> {
        Box::pin(async move {
            let noted = self.note(reader, organisation, entries, Utc::now()).await;
            if let Err(error) = noted {
                let reader = reader.actor();
                tracing::warn!(%error, reader, %organisation, "an export is in no entry");
            }
        })
    }
}
