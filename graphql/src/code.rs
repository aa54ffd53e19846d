//! `extensions.code`: what went wrong, for programs.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

/// The codes that errors carry. A name, once published, keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// One request asks for more than an answer may hold.
    AnswerTooLarge,
    /// An argument or variable has a value that cannot be used.
    BadUserInput,
    /// The HTTP request is no GraphQL request.
    BadRequest,
    /// A command id was used before, with other input.
    CommandIdReused,
    /// Someone else wrote first.
    Conflict,
    /// The caller is known and may not do this.
    Forbidden,
    /// A fault of ours; the log has the reason.
    Internal,
    /// The HTTP method does not fit the operation.
    MethodNotAllowed,
    /// No media type that the client accepts can be written.
    NotAcceptable,
    /// There is no such thing.
    NotFound,
    /// It is not known whether the command was recorded: repeat it with the same id.
    OutcomeUnknown,
    /// The document is no GraphQL.
    ParseFailed,
    /// The caller must choose a password of its own first.
    PasswordChangeRequired,
    /// The HTTP body is too large.
    PayloadTooLarge,
    /// The domain says no.
    Rejected,
    /// The domain says no, with a code of its own: one of [`sealrock_domain::refusal`].
    Refused(&'static str),
    /// The caller may, once it has proved again who it is.
    StepUpRequired,
    /// A read model did not catch up in time; the command is recorded all the same.
    WaitTimeout,
    /// The operation took longer than one may.
    Timeout,
    /// The socket runs as many operations as it may.
    TooManyOperations,
    /// The caller is not known.
    Unauthenticated,
    /// Try again later.
    Unavailable,
    /// The HTTP body has another media type than JSON.
    UnsupportedMediaType,
    /// The document does not fit the schema or its limits.
    ValidationFailed,
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AnswerTooLarge => "ANSWER_TOO_LARGE",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::BadRequest => "BAD_REQUEST",
            Self::CommandIdReused => "COMMAND_ID_REUSED",
            Self::Conflict => "CONFLICT",
            Self::Forbidden => "FORBIDDEN",
            Self::Internal => "INTERNAL",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::NotFound => "NOT_FOUND",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::PasswordChangeRequired => "PASSWORD_CHANGE_REQUIRED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::Rejected => "REJECTED",
            Self::Refused(code) => code,
            Self::StepUpRequired => "STEP_UP_REQUIRED",
            Self::Timeout => "TIMEOUT",
            Self::TooManyOperations => "TOO_MANY_OPERATIONS",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Unavailable => "UNAVAILABLE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::WaitTimeout => "WAIT_TIMEOUT",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
        }
    }

    /// An error that belongs to no field.
    pub(crate) fn error(self, message: impl Into<String>) -> ServerError {
        let mut error = ServerError::new(message, None);
        self.mark(&mut error);
        error
    }

    /// Gives the code to an error that has none.
    pub(crate) fn mark(self, error: &mut ServerError) {
        let extensions = error
            .extensions
            .get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", Value::from(self.as_str()));
        }
    }
}
