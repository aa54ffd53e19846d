//! Why somebody was not let in.

use crate::throttle::{ThrottleError, TooManyAttempts};
use crate::{AccessError, Principal};

/// An account that was locked for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedOut {
    /// Which one, if there is one of that name: for the ledger and the log, never for the client.
    pub account: Option<Box<Principal>>,
    /// How many attempts were wrong.
    pub failures: u32,
    /// What the client is told.
    pub told: TooManyAttempts,
}

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// No such user, or not their password, or not their code: which of them is not told.
    #[error("the user name, the password or the code is wrong")]
    WrongCredentials,
    /// The password is right, and the account has a second factor.
    #[error(
        "this account has a second factor: send the code that its app shows, or a recovery code"
    )]
    SecondFactorRequired,
    /// There were too many wrong attempts before.
    #[error(transparent)]
    TooMany(TooManyAttempts),
    /// This was the one too many.
    #[error("{}", .0.told)]
    LockedOut(LockedOut),
    /// It could not be checked; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Why somebody did not prove again who they are.
#[derive(Debug, thiserror::Error)]
pub enum StepUpError {
    /// Only people with a session can.
    #[error("only somebody who signed in can prove it again: sign in")]
    NoSession,
    /// A password is not enough.
    #[error(
        "this account has a second factor: send the code that its app shows, or a recovery code"
    )]
    SecondFactorRequired,
    /// Not the password, or not the code.
    #[error("the password or the code is wrong")]
    Wrong,
    /// There were too many wrong attempts before.
    #[error(transparent)]
    TooMany(TooManyAttempts),
    /// This was the one too many.
    #[error("{}", .0.told)]
    LockedOut(LockedOut),
    /// It could not be checked; try again later.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl From<ThrottleError> for EnterError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(told) => Self::TooMany(told),
            ThrottleError::Access(error) => Self::Access(error),
        }
    }
}

impl From<ThrottleError> for StepUpError {
    fn from(error: ThrottleError) -> Self {
        match error {
            ThrottleError::TooMany(told) => Self::TooMany(told),
            ThrottleError::Access(error) => Self::Access(error),
        }
    }
}
