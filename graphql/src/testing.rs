//! A small schema behind the real transports, for their tests.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Object, Schema, SimpleObject, Subscription};
use futures::{Stream, StreamExt, future, stream};
use sealrock_access::{Principal, TokenKey, Tokens};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;
use crate::document::{DocumentLimits, Documents, Reader};
use crate::endpoint::{Endpoint, Limits};
use crate::places::Places;
use crate::rates::{Costs, Rates};

/// More than a test asks for.
const MANY: NonZeroU32 = NonZeroU32::MAX;

pub(crate) struct Query;
pub(crate) struct Mutation;
pub(crate) struct Subscriptions;

#[derive(SimpleObject)]
pub(crate) struct Item {
    position: String,
    text: String,
}

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

    async fn panicking(&self) -> i32 {
        std::hint::black_box(None).expect("tonsils")
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

    /// Items of 64 KiB with their positions, as fast as they are taken.
    async fn items(&self, after: Option<String>) -> impl Stream<Item = Item> {
        let behind = after.map_or(0, |after| after.parse().unwrap_or(0));
        stream::iter(behind + 1..).map(|position: u64| Item {
            position: position.to_string(),
            text: "x".repeat(1 << 16),
        })
    }

    async fn forever(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    /// Answers of 64 KiB as fast as they are taken.
    async fn flood(&self) -> impl Stream<Item = String> {
        stream::repeat("x".repeat(1 << 16)).map(|text| text)
    }
}

pub(crate) type TestSchema = Schema<Query, Mutation, Subscriptions>;

/// A running server of the small schema.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) token: String,
    pub(crate) tokens: Arc<Tokens>,
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
        Self::built(limits, |_| {}).await
    }

    /// With more changed; what operations cost is counted if `change` sets other rates.
    pub(crate) async fn built(
        limits: Limits,
        change: impl FnOnce(&mut Endpoint<TestSchema>),
    ) -> Self {
        let tokens = Arc::new(Tokens::new(TokenKey::from_seed(&[7; 32]), "test.example"));
        let name = "tester".parse().expect("a slug");
        let token = tokens.issue(&Principal::Service { name }).token;
        let shutdown = CancellationToken::new();
        let rates = Arc::new(Rates::new(MANY, MANY));
        let mut endpoint = Endpoint {
            executor: Schema::new(Query, Mutation, Subscriptions),
            identity: tokens.clone(),
            development: true,
            places: Places::new(&limits),
            limits,
            reader: Reader {
                limits: DocumentLimits::default(),
                documents: Documents::new(None),
                introspection: true,
            },
            rates: Arc::clone(&rates),
            shutdown: shutdown.clone(),
        };
        change(&mut endpoint);
        if !Arc::ptr_eq(&rates, &endpoint.rates) {
            let costs = Costs(Arc::clone(&endpoint.rates));
            let schema = Schema::build(Query, Mutation, Subscriptions);
            endpoint.executor = schema.extension(costs).finish();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let router = crate::http::router(endpoint);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            token,
            tokens,
            shutdown,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }
}
