//! One attempt to publish a ledger's newest checkpoint.

use std::collections::BTreeSet;

use futures::future::join_all;
use sealrock_eventstore::{LedgerInfo, StoreError};
use sealrock_ledger::{Checkpoint, Policy, ProofPlan, WitnessKey};
use tokio::time::Instant;

use super::alarm::{self, Contradiction};
use super::{Inner, PublishError, Published, Publisher, Row};
use crate::stored_tiles::{StoredTiles, stored};
use crate::timestamp::stamped_bytes;
use crate::witness::{AskError, Client, Memory, Question};

/// How often a witness is asked in a round while it says that it is elsewhere than we thought.
const ATTEMPTS: u32 = 4;

/// Those who are asked for a ledger, one question at a time each, and how it went before.
pub(super) struct Round<'a> {
    publisher: &'a Inner,
    ledger: &'a LedgerInfo,
    policy: Policy,
    witnesses: Vec<(Client, Memory)>,
    authority: Memory,
}

/// What came of a round.
pub(super) struct Outcome {
    /// Entries of the newest commit.
    pub(super) size: u64,
    /// When those who failed may be asked again; `None` if nothing is missing.
    pub(super) again: Option<Instant>,
}

/// A checkpoint on its way.
struct Draft {
    newest: Checkpoint,
    /// What stands in its row now, if it is published.
    held: Option<String>,
    note: String,
    timestamp: Option<Vec<u8>>,
}

impl Publisher {
    /// Publishes the newest checkpoint now if that is possible, and answers with the newest that is
    /// published then. For commands beside which no server publishes.
    ///
    /// # Errors
    /// [`PublishError`]. That a witness or the authority does not answer is none.
    pub async fn publish_once(
        &self,
        ledger: &LedgerInfo,
    ) -> Result<Option<Published>, PublishError> {
        if !self.inner.publishing.is_plain() {
            let mut round = Round::new(&self.inner, ledger, self.policy(ledger).await?);
            round.run().await?;
        }
        Ok(self.published(ledger).await?)
    }
}

impl<'a> Round<'a> {
    pub(super) fn new(publisher: &'a Inner, ledger: &'a LedgerInfo, policy: Policy) -> Self {
        let client = |witness: &sealrock_ledger::Witness| {
            let url = witness.url.as_deref()?.parse().ok()?;
            let client = Client::new(&witness.name, &url, publisher.http.clone());
            Some((client, Memory::default()))
        };
        Self {
            witnesses: policy.witnesses().iter().filter_map(client).collect(),
            authority: Memory::default(),
            publisher,
            ledger,
            policy,
        }
    }

    /// With the keys that the ledger has now.
    pub(super) fn renew(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Asks all who have not said their part on the newest checkpoint, and publishes it if the
    /// quorum has.
    pub(super) async fn run(&mut self) -> Result<Outcome, PublishError> {
        let Some(mut draft) = self.draft().await? else {
            return Ok(Outcome {
                size: 0,
                again: None,
            });
        };
        self.collect(&mut draft).await?;
        if self.is_met(&draft.note) {
            self.stamp(&mut draft).await;
            self.store(&draft).await?;
        }
        Ok(Outcome {
            size: draft.newest.size,
            again: self.again(&draft),
        })
    }

    async fn draft(&self) -> Result<Option<Draft>, PublishError> {
        let store = &self.publisher.store;
        let Some(newest) = store.last_checkpoint(self.ledger).await? else {
            return Ok(None);
        };
        let row = Row::newest(store, self.ledger.id).await?;
        let row = row.filter(|row| row.size == stored(newest.size));
        let (held, timestamp) = row.map(|row| (row.note, row.timestamp)).unzip();
        Ok(Some(Draft {
            note: held.clone().unwrap_or_else(|| newest.note.clone()),
            timestamp: timestamp.flatten(),
            newest,
            held,
        }))
    }

    /// Asks the witnesses whose cosignatures are missing, all at once.
    async fn collect(&mut self, draft: &mut Draft) -> Result<(), PublishError> {
        let missing = self.missing(&draft.note);
        let (publisher, ledger) = (self.publisher, self.ledger);
        let asked = self
            .witnesses
            .iter_mut()
            .filter(|(client, memory)| missing.contains(client.name()) && memory.is_due());
        let newest = &draft.newest;
        let answers = join_all(asked.map(|(client, memory)| async move {
            let answer = ask(publisher, ledger, client, memory, newest).await;
            (client, memory, answer)
        }))
        .await;
        for (client, memory, answer) in answers {
            let merged = match answer {
                Ok(lines) => self
                    .policy
                    .merge(&draft.note, &lines)
                    .map_err(|e| AskError::Away(format!("its answer is no cosignature: {e}"))),
                Err(Trouble::Ask(error)) => Err(error),
                Err(Trouble::Publish(error)) => return Err(error),
            };
            match merged {
                Ok(note) => {
                    memory.size = draft.newest.size;
                    memory.succeeded();
                    draft.note = note;
                    count(ledger, client.name(), "cosigned");
                }
                Err(error) => fail(ledger, client.name(), memory, &error),
            }
        }
        Ok(())
    }

    /// The witnesses whose cosignature a note does not have.
    fn missing(&self, note: &str) -> BTreeSet<String> {
        let has = |vkey: &str| {
            let key = WitnessKey::parse(vkey);
            key.is_ok_and(|key| matches!(key.cosigned(note.as_bytes()), Ok(Some(_))))
        };
        let witnesses = self.policy.witnesses().iter();
        witnesses
            .filter(|witness| !has(&witness.vkey))
            .map(|witness| witness.name.clone())
            .collect()
    }

    fn is_met(&self, note: &str) -> bool {
        self.policy.check(note.as_bytes()).is_ok()
    }

    async fn stamp(&mut self, draft: &mut Draft) {
        let Some(authority) = &self.publisher.publishing.authority else {
            return;
        };
        if draft.timestamp.is_some() || !self.authority.is_due() {
            return;
        }
        let bytes = stamped_bytes(&draft.note, &self.ledger.origin).unwrap_or_default();
        match authority.stamp(&bytes).await {
            Ok(response) => {
                self.authority.succeeded();
                draft.timestamp = Some(response);
                count(self.ledger, "timestamp", "stamped");
            }
            Err(error) => {
                let times = self.authority.failed();
                count(self.ledger, "timestamp", "failed");
                if times.is_power_of_two() {
                    let ledger = self.ledger.name.as_str();
                    tracing::warn!(ledger, times, %error, "a checkpoint is published without timestamp");
                }
            }
        }
    }

    /// If another process has changed the row meanwhile, the next round adds to what it wrote.
    async fn store(&self, draft: &Draft) -> Result<(), PublishError> {
        let changed = draft.held.as_ref() != Some(&draft.note) || draft.timestamp.is_some();
        if !changed {
            return Ok(());
        }
        sqlx::query(include_str!("../sql/publish.sql"))
            .bind(self.ledger.id.0)
            .bind(stored(draft.newest.size))
            .bind(&draft.note)
            .bind(&draft.timestamp)
            .bind(&draft.held)
            .execute(self.publisher.store.pool())
            .await
            .map_err(StoreError::from)?;
        Ok(())
    }

    fn again(&self, draft: &Draft) -> Option<Instant> {
        let missing = self.missing(&draft.note);
        let witnesses = self.witnesses.iter();
        let witnesses = witnesses
            .filter(|(client, _)| missing.contains(client.name()))
            .filter_map(|(_, memory)| memory.rest());
        let authority = match (&self.publisher.publishing.authority, &draft.timestamp) {
            (Some(_), None) => self.authority.rest(),
            _ => None,
        };
        witnesses.chain(authority).min()
    }
}

/// Why a witness gave no cosignature: its matter, or ours.
enum Trouble {
    Ask(AskError),
    Publish(PublishError),
}

impl From<PublishError> for Trouble {
    fn from(error: PublishError) -> Self {
        Self::Publish(error)
    }
}

/// Asks with the proof from where the witness stands; where that is, it says itself if we are wrong.
async fn ask(
    publisher: &Inner,
    ledger: &LedgerInfo,
    client: &Client,
    memory: &mut Memory,
    newest: &Checkpoint,
) -> Result<String, Trouble> {
    for _ in 0..ATTEMPTS {
        let question = question(publisher, ledger, memory.size, newest).await?;
        let contradiction = |reason: String| Contradiction {
            ledger,
            client,
            question: &question,
            reason,
        };
        match client.ask(&question).await {
            Ok(lines) => return Ok(lines),
            Err(AskError::Has(size)) if size > newest.size => {
                // Another process may have shown it a newer one of ours meanwhile.
                let store = &publisher.store;
                let committed = store.size(ledger.id).await.map_err(PublishError::from)?;
                if size <= committed {
                    memory.size = 0;
                    let reason = format!("it has cosigned {size} entries already");
                    return Err(Trouble::Ask(AskError::Away(reason)));
                }
                let reason =
                    format!("it has cosigned {size} entries, this database holds {committed}");
                return Err(alarm::raise(publisher, contradiction(reason)).await.into());
            }
            Err(AskError::Has(size)) if size == question.old => {
                if size == newest.size {
                    let reason = format!("it has cosigned another tree of {size} entries");
                    return Err(alarm::raise(publisher, contradiction(reason)).await.into());
                }
                let reason = format!("it wants a proof from {size} entries, and had it");
                return Err(Trouble::Ask(AskError::Away(reason)));
            }
            Err(AskError::Has(size)) => memory.size = size,
            Err(AskError::Refuses(reason)) => {
                return Err(alarm::raise(publisher, contradiction(reason)).await.into());
            }
            Err(other) => return Err(Trouble::Ask(other)),
        }
    }
    let reason = format!("it cosigned something else between {ATTEMPTS} questions");
    Err(Trouble::Ask(AskError::Away(reason)))
}

async fn question(
    publisher: &Inner,
    ledger: &LedgerInfo,
    known: u64,
    newest: &Checkpoint,
) -> Result<Question, PublishError> {
    let old = known.min(newest.size);
    let tiles = StoredTiles {
        store: &publisher.store,
        ledger: ledger.id,
    };
    let plan = ProofPlan::consistency(old, newest.size)?;
    Ok(Question {
        old,
        proof: tiles.prove(&plan).await.map_err(StoreError::from)?,
        checkpoint: newest.note.clone(),
    })
}

fn fail(ledger: &LedgerInfo, witness: &str, memory: &mut Memory, error: &AskError) {
    let times = memory.failed();
    count(ledger, witness, "failed");
    // Not every time: it may be away for days.
    if times.is_power_of_two() {
        let ledger = ledger.name.as_str();
        tracing::warn!(ledger, witness, times, %error, "a witness did not cosign");
    }
}

fn count(ledger: &LedgerInfo, witness: &str, outcome: &'static str) {
    let (ledger, witness) = (ledger.name.to_string(), witness.to_owned());
    metrics::counter!("sealrock_witness_answers_total", "ledger" => ledger, "witness" => witness, "outcome" => outcome)
        .increment(1);
}
