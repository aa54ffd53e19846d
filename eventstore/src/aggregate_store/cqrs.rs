//! The seam of cqrs-es: its framework, and whoever else speaks it, over our store.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use cqrs_es::{Aggregate, AggregateContext, AggregateError, EventEnvelope};
use uuid::Uuid;

use super::{AggregateStore, CommandContext, Loaded, stream_of};
use crate::error::{AppendError, StoreError};

impl<A: Aggregate + Clone> AggregateContext<A> for Loaded<A> {
    fn aggregate(&mut self) -> &mut A {
        Arc::make_mut(&mut self.aggregate)
    }
}

/// For `CqrsFramework` and whoever else speaks cqrs-es. `metadata` may hold `actor`, `command` (a
/// UUID) and `via`; what is missing is made up for a caller that needs no idempotency.
///
/// With a `command`, repeating it commits nothing and answers no events, if the aggregate decided
/// the same events again; other events under the same id are an error. (cqrs-es shows its stores
/// events, not commands, so the events stand for the input.)
impl<A: Aggregate + Clone + 'static> cqrs_es::EventStore<A> for AggregateStore<A> {
    type AC = Loaded<A>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let stream = stream_of::<A>(aggregate_id);
        let recorded = self
            .store
            .read_stream(self.ledger.id, &stream, 0)
            .await
            .map_err(aggregate_error)?;
        recorded
            .into_iter()
            .map(|one| {
                let bytes = one.payload.map(|payload| payload.bytes).unwrap_or_default();
                let payload = (self.codec.decode)(&one.entry.kind, one.entry.schema, &bytes)
                    .map_err(|e| AggregateError::DeserializationError(e.into()))?;
                Ok(envelope(
                    aggregate_id,
                    one.entry.version,
                    payload,
                    HashMap::new(),
                ))
            })
            .collect()
    }

    async fn load_aggregate(
        &self,
        aggregate_id: &str,
    ) -> Result<Loaded<A>, AggregateError<A::Error>> {
        self.load(aggregate_id).await.map_err(aggregate_error)
    }

    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: Loaded<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let id = context
            .stream
            .split_once('/')
            .map_or("", |(_, id)| id)
            .to_owned();
        let first = context.version + 1;
        let command = command_context(&metadata, self.input_hash(&events));
        let appended = self.commit_events(events.clone(), context, command).await;
        if appended.map_err(append_error)?.duplicate {
            return Ok(Vec::new());
        }
        let number = |(event, version)| envelope(&id, version, event, metadata.clone());
        Ok(events.into_iter().zip(first..).map(number).collect())
    }
}

fn command_context(metadata: &HashMap<String, String>, input_hash: [u8; 32]) -> CommandContext {
    let text = |key: &str, default: &str| {
        metadata
            .get(key)
            .cloned()
            .unwrap_or_else(|| default.to_owned())
    };
    let command = metadata.get("command").and_then(|id| id.parse().ok());
    CommandContext {
        actor: text("actor", "service/cqrs"),
        command: command.unwrap_or_else(Uuid::now_v7),
        input_hash,
        cause: String::new(),
        via: text("via", "process:cqrs"),
        received_at: Utc::now(),
    }
}

fn envelope<A: Aggregate>(
    id: &str,
    version: u64,
    payload: A::Event,
    metadata: HashMap<String, String>,
) -> EventEnvelope<A> {
    let sequence = usize::try_from(version).expect("versions count events that were stored");
    EventEnvelope {
        aggregate_id: id.to_owned(),
        sequence,
        payload,
        metadata,
    }
}

fn aggregate_error<E: std::error::Error>(error: StoreError) -> AggregateError<E> {
    match error {
        StoreError::Unavailable(_) => AggregateError::DatabaseConnectionError(Box::new(error)),
        other => AggregateError::UnexpectedError(Box::new(other)),
    }
}

fn append_error<E: std::error::Error>(error: AppendError) -> AggregateError<E> {
    match error {
        AppendError::Conflict { .. } => AggregateError::AggregateConflict,
        AppendError::Unavailable(_) | AppendError::OutcomeUnknown(_) => {
            AggregateError::DatabaseConnectionError(Box::new(error))
        }
        other => AggregateError::UnexpectedError(Box::new(other)),
    }
}
