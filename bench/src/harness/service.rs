//! The part of the platform as which benchmarks command and append.

use chrono::Utc;
use sealrock_access::Principal;
use sealrock_commands::Context;
use sealrock_eventstore::{Append, NewEvent};
use uuid::Uuid;

const NAME: &str = "bench";
const VIA: &str = "process:bench";

/// A command of its own.
pub fn context() -> Context {
    Context {
        principal: Principal::Service {
            name: NAME.parse().expect("bench is a slug"),
        },
        command: Uuid::now_v7(),
        via: VIA.to_owned(),
        received_at: Utc::now(),
    }
}

/// Events that are appended together, by a command of their own.
pub fn append_of(events: Vec<NewEvent>) -> Append {
    Append {
        actor: format!("service/{NAME}"),
        command: Uuid::now_v7(),
        input_hash: [0; 32],
        cause: String::new(),
        via: VIA.to_owned(),
        received_at: Utc::now(),
        unchanged: None,
        events,
    }
}
