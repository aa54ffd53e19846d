//! How the people of the demonstration send their commands, and what becomes of them.

use chrono::Utc;
use sealrock_access::Principal;
use sealrock_commands::{CommandError, Context};
use uuid::Uuid;

/// A person's command about this. Its id follows from that, so who was killed in the middle sends the
/// same again and records nothing twice.
pub fn context(person: &Principal, about: &str) -> Context {
    let name = format!("sealrock:demo/{about}");
    Context {
        principal: at_the_desk(person),
        command: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
        via: "process:demo".to_owned(),
        received_at: Utc::now(),
    }
}

/// Somebody of the demonstration, who is there and proves it whenever they are asked to.
fn at_the_desk(person: &Principal) -> Principal {
    let mut person = person.clone();
    if let Principal::User { stepped_up, .. } = &mut person {
        *stepped_up = Some(Utc::now());
    }
    person
}

/// What became of a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Became<T> {
    /// It is recorded; whether that was by an earlier run.
    Recorded(T, bool),
    /// It is refused: somebody else has dealt with this, in another way.
    Refused(String),
}

impl<T> Became<T> {
    /// Sorts what was answered.
    ///
    /// # Errors
    /// What may go well when it is sent again.
    pub fn of(answer: Result<(T, bool), CommandError>) -> Result<Self, CommandError> {
        match answer {
            Ok((done, duplicate)) => Ok(Self::Recorded(done, duplicate)),
            Err(
                error @ (CommandError::Unavailable(_)
                | CommandError::OutcomeUnknown(_)
                | CommandError::Conflict),
            ) => Err(error),
            Err(error) => Ok(Self::Refused(error.to_string())),
        }
    }
}
