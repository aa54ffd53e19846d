//! `extensions.code` and `extensions.retryable`: what went wrong, for programs.

use async_graphql::{ErrorExtensionValues, ServerError, Value};

/// Writes [`Code`] and what is to be known of each: its name, whether the same request may be answered
/// later, its meaning. docs/errors.md is made of it.
macro_rules! codes {
    ($($variant:ident = $name:literal, $retryable:ident, $meaning:literal;)+) => {
        /// The codes that errors carry. A name, once published, keeps its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code {
            $(#[doc = $meaning] $variant,)+
            /// The domain says no, with a code of its own: one of [`sealrock_domain::refusal`].
            Refused(&'static str),
        }

        impl Code {
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Refused(code) => code,
                }
            }
        }

        /// Name, whether the same request may be answered later, meaning.
        const CODES: &[(&str, Retry, &str)] = &[$(($name, Retry::$retryable, $meaning),)+];
    };
}

/// Whether the same request may be answered later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// After a moment, unchanged; a mutation with the same `commandId`.
    Later,
    /// Not as it is.
    No,
}

codes! {
    AnswerTooLarge = "ANSWER_TOO_LARGE", No, "One request asks for more than an answer may hold";
    BadRequest = "BAD_REQUEST", No, "The HTTP request or the frame is no GraphQL request";
    BadUserInput = "BAD_USER_INPUT", No, "An argument or variable has a value that cannot be used";
    BudgetSpent = "COST_BUDGET_SPENT", Later, "The account has asked for as much as it may in a minute; `Retry-After` or the message says when there is more";
    CommandIdReused = "COMMAND_ID_REUSED", No, "A command id was used before, with other input";
    Conflict = "CONFLICT", Later, "Someone else wrote first";
    Forbidden = "FORBIDDEN", No, "The caller is known and may not do this";
    Internal = "INTERNAL", No, "A fault of ours; the log has the reason";
    IntrospectionDisabled = "INTROSPECTION_DISABLED", No, "The schema is not shown here, or not to who is not signed in";
    LimitExceeded = "DOCUMENT_LIMIT_EXCEEDED", No, "The document or its variables are larger than one may be; the message names the limit";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", No, "The HTTP method does not fit the operation";
    NotAcceptable = "NOT_ACCEPTABLE", No, "No media type that the client accepts can be written";
    NotFound = "NOT_FOUND", No, "There is no such thing, or none that the caller may see";
    OutcomeUnknown = "OUTCOME_UNKNOWN", Later, "It is not known whether the command was recorded: repeat it with the same `commandId`";
    ParseFailed = "GRAPHQL_PARSE_FAILED", No, "The document is no GraphQL";
    PasswordChangeRequired = "PASSWORD_CHANGE_REQUIRED", No, "The password was issued: choose another one first";
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", No, "The HTTP body is too large";
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND", No, "No document is known by this hash: send it with the hash";
    PersistedQueryNotInList = "PERSISTED_QUERY_NOT_IN_LIST", No, "Only documents of a list are answered here, and this is none of them";
    RateLimited = "RATE_LIMITED", Later, "The account sends more requests than it may; `Retry-After` says when to go on";
    Rejected = "REJECTED", No, "A rule of the domain is broken that has no code of its own";
    SecondFactorRequired = "SECOND_FACTOR_REQUIRED", No, "The account has a second factor: send a code of it too; or its organisation asks for one: enrol it first";
    StepUpRequired = "STEP_UP_REQUIRED", No, "The session must prove its second factor, or its password, again first";
    Timeout = "TIMEOUT", Later, "The operation took longer than one may";
    TooManyAttempts = "TOO_MANY_ATTEMPTS", Later, "Too many wrong passwords or codes, or registrations: try again later";
    TooManyOperations = "TOO_MANY_OPERATIONS", Later, "The socket, or the account, runs as many operations as it may";
    Unauthenticated = "UNAUTHENTICATED", No, "The caller is not known";
    Unavailable = "UNAVAILABLE", Later, "It cannot be answered just now";
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", No, "The HTTP body has another media type than JSON";
    ValidationFailed = "GRAPHQL_VALIDATION_FAILED", No, "The document does not fit the schema, or is too deep or too complex";
    WaitTimeout = "WAIT_TIMEOUT", Later, "A read model did not catch up in time; the command is recorded all the same";
}

impl Code {
    /// An error that belongs to no field.
    pub(crate) fn error(self, message: impl Into<String>) -> ServerError {
        let mut error = ServerError::new(message, None);
        self.mark(&mut error);
        error
    }

    /// Gives the code to an error that has none, and says of every error whether to try again.
    pub(crate) fn mark(self, error: &mut ServerError) {
        let extensions = error
            .extensions
            .get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", Value::from(self.as_str()));
        }
        let retryable = match extensions.get("code") {
            Some(Value::String(code)) => is_retryable(code),
            _ => false,
        };
        extensions.set("retryable", Value::from(retryable));
    }
}

/// Whether the same request may be answered later. What the domain refuses it refuses again, until
/// somebody changes something.
fn is_retryable(code: &str) -> bool {
    CODES
        .iter()
        .any(|(name, retry, _)| *name == code && *retry == Retry::Later)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    /// What the domain refuses by, in the words of `domain/src/refusal.rs`.
    fn of_domain() -> Vec<(String, String)> {
        let source = include_str!("../../domain/src/refusal.rs");
        let (mut codes, mut meaning) = (Vec::new(), Vec::new());
        for line in source.lines() {
            if let Some(text) = line.strip_prefix("/// ") {
                meaning.push(text);
            } else {
                if let Some((_, value)) = line.split_once(": &str = \"") {
                    let name = value.trim_end_matches("\";").to_owned();
                    codes.push((name, meaning.join(" ").trim_end_matches('.').to_owned()));
                }
                meaning.clear();
            }
        }
        codes
    }

    /// Both lists as one table, by name.
    fn table() -> String {
        let mut rows: Vec<(String, &str, String)> = CODES
            .iter()
            .map(|(name, retry, meaning)| {
                let retry = if *retry == Retry::Later { "yes" } else { "no" };
                ((*name).to_owned(), retry, (*meaning).to_owned())
            })
            .collect();
        for (name, meaning) in of_domain() {
            if !rows.iter().any(|row| row.0 == name) {
                rows.push((name, "no", meaning));
            }
        }
        rows.sort();
        let mut text = "| code | retryable | meaning |\n|---|---|---|\n".to_owned();
        for (name, retry, meaning) in rows {
            writeln!(text, "| `{name}` | {retry} | {meaning} |").expect("a String takes all");
        }
        text
    }

    /// `UPDATE_ERRORS=1` writes it anew.
    #[test]
    fn the_published_table_lists_every_code() {
        const START: &str =
            "<!-- codes: written by `UPDATE_ERRORS=1 cargo test -p sealrock-graphql` -->\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        let (before, _) = published
            .split_once(START)
            .expect("docs/errors.md has its mark");
        let wanted = format!("{before}{START}{}", table());
        if std::env::var_os("UPDATE_ERRORS").is_some() {
            std::fs::write(&path, &wanted).expect("docs/errors.md can be written");
        } else {
            assert!(
                published == wanted,
                "the codes changed: run this test with UPDATE_ERRORS=1"
            );
        }
        assert!(
            of_domain().len() > 8,
            "domain/src/refusal.rs reads differently"
        );
    }

    #[test]
    fn an_error_keeps_its_code_and_says_whether_to_try_again() {
        let mut error = Code::Unavailable.error("later");
        Code::Internal.mark(&mut error);
        let json = serde_json::to_value(&error).expect("an error is JSON");
        assert_eq!(
            json["extensions"],
            serde_json::json!({"code": "UNAVAILABLE", "retryable": true})
        );
        let refused = Code::Refused("LOCKED").error("no");
        let json = serde_json::to_value(&refused).expect("an error is JSON");
        assert_eq!(json["extensions"]["retryable"], false);
    }
}
