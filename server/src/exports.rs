//! Who had themselves given a ledger is an entry of the organisation's access, once a UTC day.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{NaiveDate, Utc};
use lru::LruCache;
use sealrock_access::Principal;
use sealrock_audit::{Begun, Exports};
use sealrock_commands::Commands;
use sealrock_domain::Slug;
use sealrock_ledger::LedgerName;

/// Of how many readers it is remembered that the day's entry is there.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

type Day = (String, LedgerName, NaiveDate);

/// How long a reader waits for the entry.
const PATIENCE: Duration = Duration::from_secs(1);
/// When it is tried again that could not be written, and how often: for a day.
const AGAIN: Duration = Duration::from_mins(1);
const ATTEMPTS: u32 = 24 * 60;

/// Writes these entries. Clones share what they remember.
#[derive(Clone)]
pub struct ExportNotes {
    commands: Commands,
    /// What is written, or being written.
    there: Arc<Mutex<LruCache<Day, ()>>>,
    again: Duration,
}

impl ExportNotes {
    /// Into the ledgers of `commands`.
    pub fn new(commands: Commands) -> Self {
        Self {
            commands,
            there: Arc::new(Mutex::new(LruCache::new(REMEMBERED))),
            again: AGAIN,
        }
    }

    /// Writes the entry, however long that takes: the reader need not come back.
    async fn write(self, reader: Principal, (actor, name, day): Day, entries: u64) {
        let Ok(organisation) = name.as_str().parse::<Slug>() else {
            return tracing::error!(actor, %name, "an export is in no entry: no organisation has that name");
        };
        for _ in 0..ATTEMPTS {
            let noted = self
                .commands
                .note_export(&reader, &organisation, day, entries);
            match noted.await {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, actor, %organisation, "an export is in no entry yet");
                }
            }
            tokio::time::sleep(self.again).await;
        }
        tracing::error!(actor, %organisation, "an export is in no entry");
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use sealrock_access::{AccountId, Role};
    use sealrock_domain::organisation::RegisterOrganisation;
    use sealrock_eventstore::{EventStore, KeyFiles};
    use sealrock_ledger::Index;
    use sealrock_testkit::database;
    use uuid::Uuid;

    use super::*;
    use crate::platform::cli_context;

    #[tokio::test]
    async fn an_export_that_could_not_be_noted_is_noted_later_without_another_request() {
        let (database, keys) = (database().await, tempfile::tempdir().unwrap());
        let files = Arc::new(KeyFiles::new(keys.path()));
        let store = EventStore::open(database.pool.clone(), files, "sealrock.test").await;
        let store = store.unwrap();
        let commands = Commands::new(store.clone(), false);
        let notes = ExportNotes {
            again: Duration::from_millis(20),
            ..ExportNotes::new(commands.clone())
        };
        let name: LedgerName = "northsea".parse().unwrap();
        let reader = Principal::signed_in(
            AccountId(Uuid::from_u128(7)),
            "otto".parse().unwrap(),
            Role::Auditor,
            None,
        );
        // There is no ledger yet: nothing can be noted.
        notes.begun(&reader, &name, 1).await;
        let organisation = RegisterOrganisation {
            slug: "northsea".parse().unwrap(),
            display_name: "North Sea".parse().unwrap(),
            demo: false,
            registry: false,
        };
        let by = cli_context();
        let registered = commands.register_organisation(&by, organisation).await;
        registered.unwrap();
        let ledger = store.current(&name).await.unwrap();
        let written = async {
            loop {
                let entries = store.read(ledger.id, Index(0), 100).await.unwrap();
                let mut entries = entries.into_iter();
                if let Some(found) = entries.find(|one| one.entry.kind == "LedgerExported") {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let written = tokio::time::timeout(Duration::from_secs(90), written).await;
        let written = written.unwrap();
        let payload = written.payload.as_ref().unwrap();
        let payload = String::from_utf8_lossy(&payload.bytes).into_owned();
        assert!(payload.contains(&reader.actor()), "{payload}");
    }
}
