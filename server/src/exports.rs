//! Who had themselves given a ledger is an entry of the organisation's access, once a UTC day.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{NaiveDate, Utc};
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

/// How long a reader waits for the entry.
const PATIENCE: Duration = Duration::from_secs(1);
/// When it is tried again that could not be written.
const AGAIN: Duration = Duration::from_mins(1);

/// Writes these entries. Clones share what they remember.
#[derive(Clone)]
pub struct ExportNotes {
    commands: Commands,
    /// What is written, or being written.
    there: Arc<Mutex<LruCache<Day, ()>>>,
}

impl ExportNotes {
    /// Into the ledgers of `commands`.
    pub fn new(commands: Commands) -> Self {
        Self {
            commands,
            there: Arc::new(Mutex::new(LruCache::new(REMEMBERED))),
        }
    }

    /// Writes the entry; if that fails, the next one to ask after a while tries again.
    async fn write(self, reader: Principal, day: Day, entries: u64) {
        if let Err(error) = self.note(&reader, &day, entries).await {
            let (actor, organisation, _) = &day;
            tracing::warn!(%error, actor, %organisation, "an export is in no entry");
            tokio::time::sleep(AGAIN).await;
            self.lock().pop(&day);
        }
    }

    async fn note(
        &self,
        reader: &Principal,
        (actor, organisation, day): &Day,
        entries: u64,
    ) -> Result<(), CommandError> {
        let name = format!("sealrock:export:{actor}:{organisation}:{day}");
        let context = Context {
            principal: reader.clone(),
            // The same on every node, so that there is one.
            command: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
            via: "http".to_owned(),
            received_at: Utc::now(),
        };
        let slug: Slug = organisation.as_str().parse().map_err(|_| {
            CommandError::NotFound(format!("there is no organisation {organisation}"))
        })?;
        let note = AccessNote::LedgerExported { entries };
        match self.commands.note_access(&context, &slug, note).await {
            // Another node wrote it, when the ledger had another size.
            Ok(_) | Err(CommandError::CommandIdReused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
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
        let day = (
            reader.actor(),
            organisation.clone(),
            Utc::now().date_naive(),
        );
        if self.lock().put(day.clone(), ()).is_some() {
            return Box::pin(std::future::ready(()));
        }
        let writing = tokio::spawn(self.clone().write(reader.clone(), day, entries));
        Box::pin(async move {
            // It goes on without the reader, who is not kept from checking.
            let _ = tokio::time::timeout(PATIENCE, writing).await;
        })
    }
}
