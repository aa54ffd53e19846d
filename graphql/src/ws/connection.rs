//! One socket, from its first message to its last.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Executor, Request, Response, ServerError};
use axum::extract::ws::{Message, WebSocket};
use chrono::SecondsFormat;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value};
use tokio::time::{Instant, Interval, sleep, sleep_until, timeout};

use super::close::Close;
use super::credential::{Credential, Standing, given};
use super::message::{ClientMessage, ServerMessage};
use super::operations::{Answer, Operations};
use super::ticks;
use crate::caller::Caller;
use crate::code::Code;
use crate::document::Asked;
use crate::endpoint::{Endpoint, is_request_error, operation, with_codes};
use crate::http::params;
use crate::places::Holding;
use crate::visitor::Visitor;

/// How long a client has to read why it is hung up on while it sends.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A socket and what runs on it.
pub(super) struct Connection<E> {
    endpoint: Endpoint<E>,
    socket: WebSocket,
    /// From the handshake's `Authorization`; one in `connection_init` comes before it.
    token: Option<String>,
    /// What the handshake said of the client.
    visitor: Visitor,
    /// Who it is, once `connection_init` said so.
    standing: Option<Standing>,
    operations: Operations,
    /// Of the last item that had one, with its operation.
    position: Option<(String, String)>,
    heard: Instant,
}

/// What happens next on a socket.
enum Next {
    Frame(Option<Result<Message, axum::Error>>),
    Answer(Answer),
    Tick,
    Due(Result<(), Close>),
    InitTimeout,
    Shutdown,
}

impl<E: Executor> Connection<E> {
    pub(super) fn new(
        endpoint: Endpoint<E>,
        socket: WebSocket,
        token: Option<String>,
        visitor: Visitor,
    ) -> Self {
        Self {
            endpoint,
            socket,
            token,
            visitor,
            standing: None,
            operations: Operations::default(),
            position: None,
            heard: Instant::now(),
        }
    }

    /// Drives the socket to its end.
    pub(super) async fn run(mut self) {
        let Err(close) = self.converse().await;
        tracing::debug!(code = close.code(), reason = ?close, "socket closed");
        if close == Close::Gone {
            return;
        }
        // Nothing goes on for who may not be here any more, however long he takes to hear it.
        self.operations = Operations::default();
        let last = self.socket.send(Message::Close(Some(close.frame())));
        // A client that takes nothing does not take this either.
        let _ = timeout(self.endpoint.limits.send_timeout, last).await;
        if close.leaves_unread() {
            sleep(LAST_WORD).await;
        }
    }

    async fn converse(&mut self) -> Result<std::convert::Infallible, Close> {
        let init_until = Instant::now() + self.endpoint.limits.init_timeout;
        let mut pings = ticks(self.endpoint.limits.ping_interval);
        loop {
            match self.next(init_until, &mut pings).await {
                Next::Frame(frame) => self.frame(frame).await?,
                Next::Answer(answer) => self.answer(answer).await?,
                Next::Tick => self.keep_alive().await?,
                Next::Due(due) => self.recheck(due).await?,
                Next::InitTimeout => return Err(Close::InitTimeout),
                Next::Shutdown => return Err(Close::GoingAway),
            }
        }
    }

    async fn next(&mut self, init_until: Instant, pings: &mut Interval) -> Next {
        let known = self.standing.is_some();
        let due = async {
            match &mut self.standing {
                Some(standing) => standing.due().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.endpoint.shutdown.cancelled() => Next::Shutdown,
            () = sleep_until(init_until), if !known => Next::InitTimeout,
            due = due => Next::Due(due),
            frame = self.socket.recv() => Next::Frame(frame),
            _ = pings.tick() => Next::Tick,
            answer = self.operations.next() => Next::Answer(answer),
        }
    }

    async fn frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Result<(), Close> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(Message::Text(text))) => {
                let message = ClientMessage::read(&text).map_err(Close::Invalid)?;
                self.message(message).await
            }
            Some(Ok(Message::Binary(_))) => Err(Close::Invalid("messages are text".to_owned())),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Err(error)) => Err(Close::of(&error)),
            Some(Ok(Message::Close(_))) | None => Err(Close::Gone),
        }
    }

    async fn message(&mut self, message: ClientMessage) -> Result<(), Close> {
        match message {
            ClientMessage::ConnectionInit { payload } => self.init(payload).await,
            ClientMessage::Ping { payload } => self.ping(payload).await,
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload).await,
            ClientMessage::Complete { id } => {
                self.operations.stop(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, payload: Option<Map<String, Value>>) -> Result<(), Close> {
        if self.standing.is_some() {
            return Err(Close::TooManyInits);
        }
        let Some(given) = given(payload.as_ref()).or(self.token.as_deref()) else {
            let way = r#"send {"authorization":"Bearer <token>"} in connection_init"#;
            return Err(Close::Forbidden(way.to_owned()));
        };
        let credential = Credential::of(&self.endpoint, given).await?;
        self.standing = Some(Standing::new(credential));
        self.token = None;
        self.say(&ServerMessage::ConnectionAck).await
    }

    /// A pong with the same payload. A new token in it lets the socket live on, and the pong then
    /// says until when.
    async fn ping(&mut self, payload: Option<Map<String, Value>>) -> Result<(), Close> {
        let payload = match (&mut self.standing, given(payload.as_ref())) {
            (Some(standing), Some(token)) => {
                let renewed = standing.credential.renewed(&self.endpoint, token).await?;
                let expires_at = renewed
                    .expires_at
                    .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
                standing.credential = renewed;
                Some(Map::from_iter([(
                    "expiresAt".to_owned(),
                    expires_at.into(),
                )]))
            }
            _ => payload,
        };
        self.say(&ServerMessage::Pong { payload }).await
    }

    async fn subscribe(&mut self, id: String, payload: Map<String, Value>) -> Result<(), Close> {
        let Some(Standing { credential, .. }) = &self.standing else {
            return Err(Close::Unauthorized);
        };
        if self.operations.contains(&id) {
            return Err(Close::DuplicateId(id));
        }
        let asked =
            params::request(payload).map_err(|refusal| Close::Invalid(refusal.error.message))?;
        match self.start(credential.caller.clone(), asked) {
            Ok(answers) => {
                self.operations.start(id, answers);
                Ok(())
            }
            Err(error) => self.fail(&id, &[error]).await,
        }
    }

    /// The answers to an operation, if it may run.
    fn start(
        &self,
        caller: Caller,
        asked: Asked,
    ) -> Result<BoxStream<'static, Response>, ServerError> {
        let limits = &self.endpoint.limits;
        let most = limits.operations_per_socket;
        if self.operations.len() >= most {
            return Err(Code::TooManyOperations.error(format!(
                "{most} operations run on this socket: complete one, or open another socket"
            )));
        }
        self.endpoint.rates.request(&caller)?;
        let mut request = self.endpoint.reader.read(&caller, asked)?;
        request = request.data(self.visitor.clone());
        let name = request.operation_name.clone();
        let document = request.parsed_query()?;
        let subscribes = operation(document, name.as_deref())
            .is_none_or(|operation| operation.ty == OperationType::Subscription);
        let account = match &caller {
            Caller::Known(principal) => principal.actor(),
            Caller::Anonymous => String::new(),
        };
        if !subscribes {
            let endpoint = self.endpoint.clone();
            let answer = endpoint.execute_in_turn(account, request.data(caller));
            return Ok(one_answer(answer).boxed());
        }
        let most = limits.subscriptions_per_account;
        let Some(share) = self.endpoint.places.subscriptions.take(account, most) else {
            return Err(Code::TooManyOperations.error(format!(
                "{most} subscriptions of this account run: complete one"
            )));
        };
        let answers = self.subscription(request.data(caller));
        Ok(answers.inspect(move |_| _ = &share).boxed())
    }

    fn subscription(&self, request: Request) -> impl Stream<Item = Response> + use<E> {
        let session = Some(Arc::new(Data::default()));
        let answers = self.endpoint.executor.execute_stream(request, session);
        answers.map(with_codes)
    }

    async fn answer(&mut self, (id, answer): Answer) -> Result<(), Close> {
        match answer {
            None => self.say(&ServerMessage::Complete { id: &id }).await,
            Some(response) if is_request_error(&response) => self.refuse(&id, &response).await,
            Some(response) => {
                if let Some(position) = position(&response) {
                    self.position = Some((id.clone(), position));
                }
                let frame = text(&ServerMessage::Next {
                    id: &id,
                    payload: &response,
                });
                // A client may take long: the frame is held meanwhile, and not what it was made of.
                drop(response);
                self.send(frame).await
            }
        }
    }

    /// `error` ends an operation: no `complete` follows.
    async fn refuse(&mut self, id: &str, response: &Response) -> Result<(), Close> {
        self.operations.stop(id);
        self.fail(id, &response.errors).await
    }

    async fn fail(&mut self, id: &str, payload: &[ServerError]) -> Result<(), Close> {
        self.say(&ServerMessage::Error { id, payload }).await
    }

    async fn recheck(&mut self, due: Result<(), Close>) -> Result<(), Close> {
        due?;
        match &mut self.standing {
            Some(standing) => standing.recheck(&self.endpoint).await,
            None => Ok(()),
        }
    }

    async fn keep_alive(&mut self) -> Result<(), Close> {
        if self.heard.elapsed() > 2 * self.endpoint.limits.ping_interval {
            return Err(Close::Gone);
        }
        self.send(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn say(&mut self, message: &ServerMessage<'_>) -> Result<(), Close> {
        self.send(text(message)).await
    }

    /// A client may take long to read; who may not be here any more is not waited for.
    async fn send(&mut self, message: Message) -> Result<(), Close> {
        let endpoint = &self.endpoint;
        let lost = async {
            match &mut self.standing {
                Some(standing) => standing.lost(endpoint).await,
                None => pending().await,
            }
        };
        let sending = timeout(endpoint.limits.send_timeout, self.socket.send(message));
        let sent = tokio::select! {
            biased;
            sent = sending => sent,
            close = lost => return Err(close),
            () = endpoint.shutdown.cancelled() => return Err(Close::GoingAway),
        };
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close::Gone),
            Err(_) => Err(Close::SlowConsumer(self.last_position())),
        }
    }

    /// Of the last item, where it cannot be taken for another operation's.
    fn last_position(&mut self) -> Option<String> {
        let (id, position) = self.position.take()?;
        self.operations.is_only(&id).then_some(position)
    }
}

/// The position of the item that an answer holds, if it was asked for by its name.
fn position(response: &Response) -> Option<String> {
    let async_graphql::Value::Object(fields) = &response.data else {
        return None;
    };
    let async_graphql::Value::Object(item) = fields.values().next()? else {
        return None;
    };
    match item.get("position")? {
        async_graphql::Value::String(position) => Some(position.clone()),
        _ => None,
    }
}

fn text(message: &ServerMessage<'_>) -> Message {
    let text = serde_json::to_string(message).expect("messages have string keys only");
    Message::Text(text.into())
}

/// The answer to a query or mutation. What it holds is let go when more is asked for, which is when
/// it is written.
fn one_answer(
    answer: impl Future<Output = (Response, Option<Holding>)>,
) -> impl Stream<Item = Response> {
    stream::once(answer).scan(None, |held, (response, holding)| {
        *held = holding;
        std::future::ready(Some(response))
    })
}
