//! A small schema behind the real transports, for their tests.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Object, Schema, Subscription};
use futures::{Stream, StreamExt, future, stream};
use sealrock_access::{Principal, TokenKey, Tokens};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;
use crate::endpoint::{Endpoint, Limits, Places};

pub(crate) struct Query;
pub(crate) struct Mutation;
pub(crate) struct Subscriptions;

#[Object]
impl Query {
    async fn echo(&self, text: String) -> String {
        text
    }

    async fn actor(&self, context: &Context<'_>) -> String {
        match context.data::<Caller>() {
            Ok(Caller::Known(principal)) => principal.actor(),
            _ => "nobody".to_owned(),
        }
    }

    /// 32 MiB, which fit no socket's buffers.
    async fn long(&self) -> String {
        "x".repeat(32 << 20)
    }

    /// Never answers.
    async fn endless(&self) -> i32 {
        future::pending().await
    }

    /// Fails where null is not allowed, so that `data` becomes null.
    async fn failing(&self) -> async_graphql::Result<i32> {
        future::ready(Err("no".into())).await
    }
}

#[Object]
impl Mutation {
    async fn sign_in(&self, input: String) -> String {
        input
    }

    async fn increment(&self, number: i32) -> i32 {
        number + 1
    }
}

#[Subscription]
impl Subscriptions {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn forever(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    /// Answers of 64 KiB as fast as they are taken.
    async fn flood(&self) -> impl Stream<Item = String> {
        stream::repeat("x".repeat(1 << 16)).map(|text| text)
    }
}

/// A running server of the small schema.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) token: String,
    pub(crate) shutdown: CancellationToken,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits {
            init_timeout: Duration::from_millis(300),
            ..Limits::default()
        })
        .await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let tokens = Tokens::new(TokenKey::from_seed(&[7; 32]), "test.example");
        let name = "tester".parse().expect("a slug");
        let token = tokens.issue(&Principal::Service { name }).token;
        let shutdown = CancellationToken::new();
        let endpoint = Endpoint {
            executor: Schema::new(Query, Mutation, Subscriptions),
            tokens: Arc::new(tokens),
            development: true,
            places: Places::new(&limits),
            limits,
            shutdown: shutdown.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let router = crate::http::router(endpoint);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            token,
            shutdown,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }
}
