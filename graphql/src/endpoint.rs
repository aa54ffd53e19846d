//! What both transports stand on: an executor, a way to tell callers apart, limits.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection,
};
use async_graphql::{Executor, Request, Response, ServerError};
use axum::http::{HeaderMap, header};
use futures::FutureExt;
use sealrock_access::{Identify, IdentifyError};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::allowance::Allowance;
use crate::caller::Caller;
use crate::code::Code;
use crate::document::Reader;
use crate::places::{Holding, Places};
use crate::rates::Rates;
use crate::state::REQUEST_TIME;

/// The fields besides introspection that need no token.
const PUBLIC: [&str; 5] = [
    "signIn",
    "refreshSession",
    "signOut",
    "acceptInvitation",
    "register",
];

/// Bounds of the transports.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Bytes of one request, over HTTP or in one frame.
    pub(crate) request_bytes: usize,
    /// Queries and mutations that run at a time, over HTTP and sockets: each holds its request, and
    /// its answer until it is written. Of those who are known by a token.
    pub(crate) requests: usize,
    /// Of these, for one account.
    pub(crate) requests_of_one: usize,
    /// The same of strangers, who may sign in and read the schema.
    pub(crate) strangers: usize,
    /// Of these, for one address.
    pub(crate) strangers_of_one: usize,
    /// Bytes of a stranger's request. It is read before there is a place for it, so every connection
    /// may hold as many.
    pub(crate) stranger_bytes: usize,
    /// How long a stranger's request may take to arrive.
    pub(crate) stranger_time: Duration,
    /// How long a query or mutation may take, the arrival of its request included.
    pub(crate) request_time: Duration,
    /// Sockets that may be open.
    pub(crate) sockets: usize,
    /// Operations that one socket may have running.
    pub(crate) operations_per_socket: usize,
    /// Subscriptions that one account may have running, on all of its sockets.
    pub(crate) subscriptions_per_account: usize,
    /// How long a new socket may wait with `connection_init`.
    pub(crate) init_timeout: Duration,
    /// How long a client may leave a frame untaken.
    pub(crate) send_timeout: Duration,
    /// Time between two pings; a client that is silent for two of them is gone.
    pub(crate) ping_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_bytes: 1 << 20,
            requests: 128,
            requests_of_one: 32,
            strangers: 64,
            strangers_of_one: 16,
            stranger_bytes: 16 << 10,
            stranger_time: Duration::from_secs(5),
            request_time: REQUEST_TIME,
            sockets: 4_096,
            operations_per_socket: 64,
            subscriptions_per_account: 2_048,
            init_timeout: Duration::from_secs(3),
            send_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(30),
        }
    }
}

/// A schema, served.
#[derive(Clone)]
pub(crate) struct Endpoint<E> {
    pub(crate) executor: E,
    /// Tells who the bearer of a token or key is.
    pub(crate) identity: Arc<dyn Identify>,
    /// Browsers that open `/graphql` get a page to try queries on.
    pub(crate) development: bool,
    pub(crate) limits: Limits,
    pub(crate) places: Places,
    /// Finds the document of a request, and judges it.
    pub(crate) reader: Reader,
    /// How much each account may ask for.
    pub(crate) rates: Arc<Rates>,
    /// Sockets are closed when this is cancelled.
    pub(crate) shutdown: CancellationToken,
}

impl<E> Endpoint<E> {
    /// Who the bearer of a token or key is, and what they may do now.
    pub(crate) async fn identify(&self, bearer: &str) -> Result<Caller, IdentifyError> {
        self.identity.identify(bearer).await.map(Caller::Known)
    }
}

impl<E: Executor> Endpoint<E> {
    /// Runs a query or mutation; every error of the answer has a code.
    pub(crate) async fn execute(&self, request: Request, allowance: Allowance) -> Response {
        let answer = self.executor.execute(request.data(allowance));
        // The panic itself is in the log; who asked shall not take it for a broken connection.
        let answer = AssertUnwindSafe(answer).catch_unwind().await;
        with_codes(answer.unwrap_or_else(|_| {
            let message = "something is wrong with the platform; its log has the reason";
            Response::from_errors(vec![Code::Internal.error(message)])
        }))
    }

    /// The same when there is a place of this account for it, within the time that a request may take. What it holds is
    /// to be kept until the answer is written.
    pub(crate) async fn execute_in_turn(
        self,
        account: String,
        request: Request,
    ) -> (Response, Option<Holding>) {
        let answer = async {
            let holding = self.places.take(account).await;
            let response = self.execute(request, holding.allowance.clone()).await;
            (response, Some(holding))
        };
        timeout(self.limits.request_time, answer)
            .await
            .unwrap_or_else(|_| {
                let late = out_of_time(self.limits.request_time);
                (Response::from_errors(vec![late]), None)
            })
    }
}

/// What somebody is told whose operation took too long.
pub(crate) fn out_of_time(limit: Duration) -> ServerError {
    Code::Timeout.error(format!(
        "no answer within {} s: ask for less, or again later; a mutation may have been recorded, so \
         repeat it with the same commandId",
        limit.as_secs_f64()
    ))
}

/// The bearer token of a request, if it has one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    token(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The token of an `Authorization` value. The scheme's name has no case (RFC 9110, 11.1).
pub(crate) fn token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the answer says that nothing was executed: such an answer has no `data` at all, which is
/// not the same as `data: null`.
pub(crate) fn is_request_error(response: &Response) -> bool {
    let nothing = response.data == async_graphql::Value::Null;
    nothing && !response.is_ok() && response.errors.iter().all(|error| error.path.is_empty())
}

/// Gives a code to the errors that the library itself made, and a way out to those of our limits.
pub(crate) fn with_codes(mut response: Response) -> Response {
    let library = if is_request_error(&response) {
        Code::ValidationFailed
    } else {
        Code::BadUserInput
    };
    for error in &mut response.errors {
        library.mark(error);
        if error.message.starts_with("Query is too complex") {
            error
                .message
                .push_str(" Ask for fewer items with `first`, or nest fewer lists.");
        } else if error.message.starts_with("Query is nested too deep") {
            error
                .message
                .push_str(" Ask for the inner objects by their ids.");
        }
    }
    response
}

/// The operation that would run, if that can be told.
pub(crate) fn operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<&'d OperationDefinition> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => operation,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name)?,
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()?
        }
        (DocumentOperations::Multiple(_), None) => return None,
    };
    Some(&operation.node)
}

/// Whether nobody in particular may run this: sign in or out once, and look at the schema. What the fields
/// of a fragment are is not looked up here, so a fragment at the root needs a caller.
pub(crate) fn is_public(operation: &OperationDefinition) -> bool {
    let fields: Option<Vec<&str>> = operation
        .selection_set
        .node
        .items
        .iter()
        .map(|selection| match &selection.node {
            Selection::Field(field) => Some(field.node.name.node.as_str()),
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
        })
        .collect();
    // One sign-in, because each costs a password hash and guesses one password.
    fields.is_some_and(|fields| {
        fields.iter().all(|name| is_public_field(name))
            && fields.iter().filter(|name| PUBLIC.contains(name)).count() <= 1
    })
}

fn is_public_field(name: &str) -> bool {
    PUBLIC.contains(&name) || name.starts_with("__")
}
