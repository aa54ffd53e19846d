//! Why a resolver has no answer.

use async_graphql::{Error, ErrorExtensionValues};
use sealrock_access::accounts::{AddError, ChangePasswordError};
use sealrock_access::gate::{EnterError, StepUpError};
use sealrock_access::invitations::AcceptError;
use sealrock_access::registrations::RegisterError;
use sealrock_access::second_factor::EnrolError;
use sealrock_access::sessions::RefreshError;
use sealrock_access::throttle::TooManyAttempts;
use sealrock_access::{AccessError, Denied, Refused};
use sealrock_commands::{CommandError, InvitationError, RegistrationError};
use sealrock_projections::{QueryError, RunnerError, WaitError};

use crate::code::Code;

/// An error for the client: a code for programs, a text for people with the way out. What only
/// operators should read is logged and left out.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// Seconds after which it may be tried again, where that is known.
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
        }
    }

    /// An argument that cannot be used.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    fn unavailable(error: &dyn std::fmt::Display) -> Self {
        tracing::warn!(%error, "a GraphQL operation has no answer for now");
        Self::new(
            Code::Unavailable,
            "the platform cannot answer just now; try again in a few seconds",
        )
    }

    fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a GraphQL operation failed");
        Self::new(
            Code::Internal,
            "something is wrong with the platform; its log has the reason",
        )
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let Problem {
            code,
            message,
            retry_after,
        } = problem;
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code.as_str());
        if let Some(seconds) = retry_after {
            extensions.set("retryAfter", seconds);
        }
        Self {
            message,
            source: None,
            extensions: Some(extensions),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let code = match denied.why {
            Refused::Forbidden => Code::Forbidden,
            Refused::StepUp => Code::StepUpRequired,
            Refused::PasswordChange => Code::PasswordChangeRequired,
            Refused::SecondFactor => Code::SecondFactorRequired,
        };
        Self::new(code, denied.to_string())
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Invalid(message) => Self::input(message),
            QueryError::Stored(_) => Self::internal(&error),
            QueryError::Unavailable(sqlx::Error::Database(refused))
                if is_of_data(refused.as_ref()) =>
            {
                Self::input("a value of the question is none that can be looked for: change it")
            }
            _ if error.took_too_long() => Self::new(
                Code::Timeout,
                "the answer takes too long to find: ask for a shorter time, or for less at once",
            ),
            _ => Self::unavailable(&error),
        }
    }
}

/// Whether Postgres cannot take a value, such as a text with a NUL: the class of data exceptions.
fn is_of_data(refused: &dyn sqlx::error::DatabaseError) -> bool {
    refused.code().is_some_and(|code| code.starts_with("22"))
}

impl From<RunnerError> for Problem {
    fn from(error: RunnerError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<WaitError> for Problem {
    fn from(error: WaitError) -> Self {
        Self::new(Code::WaitTimeout, error.to_string())
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Busy => Self::new(Code::Unavailable, error.to_string()),
            AccessError::Unavailable(_) => Self::unavailable(&error),
            AccessError::Corrupt(_) => Self::internal(&error),
        }
    }
}

impl From<TooManyAttempts> for Problem {
    fn from(told: TooManyAttempts) -> Self {
        Self {
            retry_after: Some(told.retry_after()),
            ..Self::new(Code::TooManyAttempts, told.to_string())
        }
    }
}

impl From<EnterError> for Problem {
    fn from(error: EnterError) -> Self {
        match error {
            EnterError::WrongCredentials => Self::new(Code::Unauthenticated, error.to_string()),
            EnterError::SecondFactorRequired => {
                Self::new(Code::SecondFactorRequired, error.to_string())
            }
            EnterError::TooMany(told) => told.into(),
            EnterError::LockedOut(locked) => locked.told.into(),
            EnterError::Access(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Access(error) => error.into(),
            ended => Self::new(Code::Unauthenticated, ended.to_string()),
        }
    }
}

impl From<StepUpError> for Problem {
    fn from(error: StepUpError) -> Self {
        match error {
            StepUpError::NoSession => Self::new(Code::Forbidden, error.to_string()),
            StepUpError::SecondFactorRequired => {
                Self::new(Code::SecondFactorRequired, error.to_string())
            }
            StepUpError::Wrong => Self::new(Code::Rejected, error.to_string()),
            StepUpError::TooMany(told) => told.into(),
            StepUpError::LockedOut(locked) => locked.told.into(),
            StepUpError::Access(error) => error.into(),
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Invalid => Self::new(Code::NotFound, error.to_string()),
            AcceptError::Account(AddError::Access(error)) | AcceptError::Access(error) => {
                error.into()
            }
            AcceptError::Account(refused) => Self::input(refused.to_string()),
        }
    }
}

impl From<InvitationError> for Problem {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::Accept(error) => error.into(),
            InvitationError::Command(error) => error.into(),
        }
    }
}

impl From<RegistrationError> for Problem {
    fn from(error: RegistrationError) -> Self {
        let told = error.to_string();
        match error {
            RegistrationError::Closed => Self::new(Code::Forbidden, told),
            RegistrationError::Command(error) => error.into(),
            RegistrationError::Refused(RegisterError::Refused(_)) => Self::input(told),
            RegistrationError::Refused(RegisterError::Full) => Self::new(Code::Rejected, told),
            RegistrationError::Refused(RegisterError::TooMany(until)) => Self {
                retry_after: Some(until.retry_after()),
                ..Self::new(Code::TooManyAttempts, told)
            },
            RegistrationError::Refused(RegisterError::Access(error)) => error.into(),
        }
    }
}

impl From<EnrolError> for Problem {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::TooMany(told) => told.into(),
            EnrolError::Access(error) => error.into(),
            refused => Self::new(Code::Rejected, refused.to_string()),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::WrongPassword => Self::new(Code::Rejected, error.to_string()),
            ChangePasswordError::Refused(refused) => Self::input(refused.to_string()),
            ChangePasswordError::TooMany(told) => told.into(),
            ChangePasswordError::LockedOut(locked) => locked.told.into(),
            ChangePasswordError::Access(error) => error.into(),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let code = match &error {
            CommandError::Denied(denied) => return denied.clone().into(),
            CommandError::Rejected(_) => Code::Rejected,
            CommandError::Refused { code, .. } => Code::Refused(code),
            CommandError::NotFound(_) => Code::NotFound,
            CommandError::CommandIdReused { .. } => Code::CommandIdReused,
            CommandError::Conflict => Code::Conflict,
            CommandError::Invalid(_) => Code::BadUserInput,
            CommandError::OutcomeUnknown(_) => return Self::outcome_unknown(&error),
            CommandError::Unavailable(_) => return Self::unavailable(&error),
            CommandError::Fatal(_) => return Self::internal(&error),
        };
        Self::new(code, error.to_string())
    }
}

impl Problem {
    fn outcome_unknown(error: &CommandError) -> Self {
        tracing::warn!(%error, "the outcome of a command is not known");
        let message =
            "it is not known whether this was recorded; repeat it with the same commandId";
        Self::new(Code::OutcomeUnknown, message)
    }
}
