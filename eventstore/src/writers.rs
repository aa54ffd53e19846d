//! The writers of a process, one per ledger, started when first needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::AppendError;
use crate::ledgers::LedgerId;
use crate::writer::WriterHandle;

type Slot = Arc<OnceCell<WriterHandle>>;

/// `None` once closed. The lock is held for a look only: a writer that starts slowly keeps nobody
/// from another ledger.
pub(crate) struct Writers(Mutex<Option<HashMap<LedgerId, Slot>>>);

impl Default for Writers {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl Writers {
    /// The ledger's writer, made by `start` where there is none or where it has panicked.
    pub(crate) async fn get<E: Into<AppendError>>(
        &self,
        ledger: LedgerId,
        start: impl Future<Output = Result<WriterHandle, E>>,
    ) -> Result<WriterHandle, AppendError> {
        let slot = self.slot(ledger)?;
        let writer = slot.get_or_try_init(|| start).await.map_err(E::into)?;
        // Closed meanwhile: nobody would wait for this writer's last commit.
        self.slot(ledger)?;
        Ok(writer.clone())
    }

    /// Takes no more appends; answers the writers that there are.
    pub(crate) fn close(&self) -> Vec<WriterHandle> {
        let slots = self.lock().take().unwrap_or_default();
        slots
            .into_values()
            .filter_map(|slot| slot.get().cloned())
            .collect()
    }

    fn slot(&self, ledger: LedgerId) -> Result<Slot, AppendError> {
        let mut writers = self.lock();
        let Some(writers) = writers.as_mut() else {
            let reason = "this node is shutting down";
            return Err(AppendError::Unavailable(reason.into()));
        };
        let slot = writers.entry(ledger).or_default();
        if slot.get().is_some_and(WriterHandle::has_ended) {
            tracing::error!(%ledger, "a ledger's writer ended by a panic; another one is started");
            metrics::counter!("sealrock_ledger_writers_replaced_total").increment(1);
            *slot = Slot::default();
        }
        Ok(Arc::clone(slot))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<HashMap<LedgerId, Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::append::{Append, Expected, NewEvent, Retention};
    use crate::keys::KeyFiles;
    use crate::ledgers::LedgerKind;
    use crate::store::EventStore;

    fn append() -> Append {
        Append {
            actor: "service/test".into(),
            command: uuid::Uuid::now_v7(),
            input_hash: [0; 32],
            cause: String::new(),
            via: "process:test".into(),
            received_at: chrono::Utc::now(),
            unchanged: None,
            events: vec![NewEvent {
                stream: "thing/1".into(),
                expected: Expected::Any,
                kind: "ThingHappened".into(),
                schema: 1,
                media: "application/json".into(),
                bytes: b"{}".to_vec(),
                retention: Retention::Kept,
            }],
        }
    }

    #[tokio::test]
    async fn a_writer_that_panicked_is_replaced() {
        let database = sealrock_testkit::database().await;
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Arc::new(KeyFiles::new(folder.path()));
        let store = EventStore::open(database.pool.clone(), keys, "sealrock.test").await;
        let store = store.expect("opened");
        let name = "northsea".parse().expect("a name");
        let ledger = store.create_ledger(&name, LedgerKind::Operational, false);
        let ledger = ledger.await.expect("made");
        store.append(ledger.id, append()).await.expect("the first");
        let start = async || -> Result<WriterHandle, AppendError> { unreachable!("it is there") };
        let writer = store.writers().get(ledger.id, start()).await;
        writer.expect("there").kill().await;
        store.append(ledger.id, append()).await.expect("goes on");
        assert_eq!(store.size(ledger.id).await.expect("read"), 2);
    }

    #[tokio::test]
    async fn a_writer_that_starts_slowly_keeps_nobody_from_another_ledger() {
        let writers = Writers::default();
        let slow = std::future::pending::<Result<WriterHandle, AppendError>>();
        let slow = std::pin::pin!(writers.get(LedgerId(1), slow));
        let quick = async { Err(AppendError::Unavailable("quick".into())) };
        tokio::select! {
            biased;
            _ = slow => panic!("it never starts"),
            answer = writers.get(LedgerId(2), quick) => {
                assert!(matches!(answer, Err(AppendError::Unavailable(why)) if why == "quick"));
            }
        }
    }
}
