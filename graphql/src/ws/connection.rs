//! One socket, from its first message to its last.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Executor, Request, Response};
use axum::extract::ws::{Message, WebSocket};
use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::close::Close;
use super::message::{ClientMessage, ServerMessage};
use super::operations::{Answer, Operations};
use crate::caller::Caller;
use crate::code::Code;
use crate::endpoint::{Endpoint, Holding, is_request_error, operation, token, with_codes};
use crate::http::params;

/// A socket and what runs on it.
pub(super) struct Connection<E> {
    endpoint: Endpoint<E>,
    socket: WebSocket,
    /// From the handshake's `Authorization`; one in `connection_init` comes before it.
    token: Option<String>,
    /// Who it is, once `connection_init` said so.
    caller: Option<Caller>,
    operations: Operations,
    heard: Instant,
}

/// What happens next on a socket.
enum Next {
    Frame(Option<Result<Message, axum::Error>>),
    Answer(Answer),
    Tick,
    InitTimeout,
    Shutdown,
}

impl<E: Executor> Connection<E> {
    pub(super) fn new(endpoint: Endpoint<E>, socket: WebSocket, token: Option<String>) -> Self {
        Self {
            endpoint,
            socket,
            token,
            caller: None,
            operations: Operations::default(),
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
        let last = self.socket.send(Message::Close(Some(close.frame())));
        // A client that takes nothing does not take this either.
        let _ = timeout(self.endpoint.limits.send_timeout, last).await;
    }

    async fn converse(&mut self) -> Result<std::convert::Infallible, Close> {
        let init_until = Instant::now() + self.endpoint.limits.init_timeout;
        let mut ticks = ticks(self.endpoint.limits.ping_interval);
        loop {
            match self.next(init_until, &mut ticks).await {
                Next::Frame(frame) => self.frame(frame).await?,
                Next::Answer(answer) => self.answer(answer).await?,
                Next::Tick => self.keep_alive().await?,
                Next::InitTimeout => return Err(Close::InitTimeout),
                Next::Shutdown => return Err(Close::GoingAway),
            }
        }
    }

    async fn next(&mut self, init_until: Instant, ticks: &mut Interval) -> Next {
        tokio::select! {
            biased;
            () = self.endpoint.shutdown.cancelled() => Next::Shutdown,
            () = sleep_until(init_until), if self.caller.is_none() => Next::InitTimeout,
            frame = self.socket.recv() => Next::Frame(frame),
            _ = ticks.tick() => Next::Tick,
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
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Close::Gone),
        }
    }

    async fn message(&mut self, message: ClientMessage) -> Result<(), Close> {
        match message {
            ClientMessage::ConnectionInit { payload } => self.init(payload).await,
            ClientMessage::Ping { payload } => self.say(&ServerMessage::Pong { payload }).await,
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload).await,
            ClientMessage::Complete { id } => {
                self.operations.stop(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, payload: Option<Map<String, Value>>) -> Result<(), Close> {
        if self.caller.is_some() {
            return Err(Close::TooManyInits);
        }
        let given = payload
            .as_ref()
            .and_then(|payload| payload.get("authorization"));
        let given = given
            .and_then(Value::as_str)
            .and_then(token)
            .or(self.token.as_deref());
        let Some(given) = given else {
            let way = r#"send {"authorization":"Bearer <token>"} in connection_init"#;
            return Err(Close::Forbidden(way.to_owned()));
        };
        let caller = self
            .endpoint
            .identify(given)
            .map_err(|error| Close::Forbidden(error.to_string()))?;
        self.caller = Some(caller);
        self.say(&ServerMessage::ConnectionAck).await
    }

    async fn subscribe(&mut self, id: String, payload: Map<String, Value>) -> Result<(), Close> {
        let Some(caller) = self.caller.clone() else {
            return Err(Close::Unauthorized);
        };
        if self.operations.contains(&id) {
            return Err(Close::DuplicateId(id));
        }
        let request =
            params::request(payload).map_err(|refusal| Close::Invalid(refusal.message))?;
        let most = self.endpoint.limits.operations_per_socket;
        if self.operations.len() >= most {
            let message = format!(
                "{most} operations run on this socket: complete one, or open another socket"
            );
            let errors = [Code::TooManyOperations.error(message)];
            return self
                .say(&ServerMessage::Error {
                    id: &id,
                    payload: &errors,
                })
                .await;
        }
        self.start(id, request.data(caller)).await
    }

    async fn start(&mut self, id: String, mut request: Request) -> Result<(), Close> {
        let name = request.operation_name.clone();
        let subscribes = match request.parsed_query() {
            Ok(document) => operation(document, name.as_deref())
                .is_none_or(|operation| operation.ty == OperationType::Subscription),
            Err(mut error) => {
                Code::ParseFailed.mark(&mut error);
                return self
                    .say(&ServerMessage::Error {
                        id: &id,
                        payload: &[error],
                    })
                    .await;
            }
        };
        if !subscribes {
            let answer = self.endpoint.clone().execute_in_turn(request);
            self.operations.start(id, one_answer(answer).boxed());
            return Ok(());
        }
        let answers = self
            .endpoint
            .executor
            .execute_stream(request, Some(Arc::new(Data::default())));
        self.operations.start(id, answers.map(with_codes).boxed());
        Ok(())
    }

    async fn answer(&mut self, (id, answer): Answer) -> Result<(), Close> {
        match answer {
            None => self.say(&ServerMessage::Complete { id: &id }).await,
            Some(response) if is_request_error(&response) => self.refuse(&id, &response).await,
            Some(response) => {
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
        self.say(&ServerMessage::Error {
            id,
            payload: &response.errors,
        })
        .await
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

    async fn send(&mut self, message: Message) -> Result<(), Close> {
        match timeout(self.endpoint.limits.send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close::Gone),
            Err(_) => Err(Close::SlowConsumer),
        }
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

fn ticks(every: std::time::Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
