//! The five questions, over GraphQL and each as one prepared statement on the same tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use sealrock_postgres::{Config, Postgres};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{
    DAYS, DENSE_DAYS, DataSet, EMISSION_RATE, FACTORIES, Meter, ORGANISATION, meters, sites,
};
use crate::harness::Server;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Latest,
    Day,
    Year,
    Leaderboard,
    Injected,
}

/// A server on a data set, and whoever asks it.
pub struct Asked {
    server: Server,
    server_pid: u32,
    postgres: Postgres,
    asker: Asker,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Asker {
    http: reqwest::Client,
    url: Arc<str>,
    token: Arc<str>,
    pool: PgPool,
    places: Arc<Places>,
}

struct Places {
    end: DateTime<Utc>,
    ledger: i32,
    meters: Vec<Meter>,
    /// Slug and global id.
    sites: Vec<(String, String)>,
}

impl Question {
    pub const ALL: [Self; 5] = [
        Self::Latest,
        Self::Day,
        Self::Year,
        Self::Leaderboard,
        Self::Injected,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest values of a site",
            Self::Day => "24 h of a metric at 5 min",
            Self::Year => "a year at 1 day",
            Self::Leaderboard => "leaderboard of 67 sites",
            Self::Injected => "injected totals",
        }
    }

    fn document(self) -> &'static str {
        match self {
            Self::Latest => include_str!("graphql/latest.graphql"),
            Self::Day | Self::Year => include_str!("graphql/series.graphql"),
            Self::Leaderboard => include_str!("graphql/leaderboard.graphql"),
            Self::Injected => include_str!("graphql/injected.graphql"),
        }
    }

    fn statement(self) -> &'static str {
        match self {
            Self::Latest => include_str!("sql/latest.sql"),
            Self::Day | Self::Year => include_str!("sql/series.sql"),
            Self::Leaderboard => include_str!("sql/leaderboard.sql"),
            Self::Injected => include_str!("sql/injected.sql"),
        }
    }
}

impl Asked {
    /// Starts the server on a data set, beside a Postgres that this process runs, and signs in.
    pub async fn of(set: &DataSet, environment: &[(&str, String)]) -> anyhow::Result<Self> {
        let postgres = Postgres::start(Config::new(set.folder().join("postgres"))).await?;
        let address = free_address()?;
        let folder = set.folder().display().to_string();
        let arguments = ["serve", "--data", &folder, "--http", &address];
        let mut environment = environment.to_vec();
        environment.push(("DATABASE_URL", postgres.url().to_owned()));
        environment.push(("SEALROCK_LOG", "warn".to_owned()));
        let ready = format!("http://{address}/readyz");
        let log = set.folder().join("server.log");
        let server = Server::start(&arguments, &environment, &ready, &log).await?;
        let asker = Asker::sign_in(set, &address, postgres.url()).await?;
        Ok(Self {
            server_pid: server.pid(),
            server,
            postgres,
            asker,
        })
    }

    pub fn asker(&self) -> Asker {
        self.asker.clone()
    }

    pub fn server_pid(&self) -> u32 {
        self.server_pid
    }

    /// The postmaster.
    pub fn postgres_pid(&self) -> anyhow::Result<u32> {
        super::postmaster(&self.postgres)
    }

    pub async fn stop(self) {
        drop(self.server);
        self.asker.pool.close().await;
        self.postgres.stop().await;
    }
}

impl Asker {
    async fn sign_in(set: &DataSet, address: &str, database: &str) -> anyhow::Result<Self> {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(8)
            .connect(database)
            .await?;
        let sql = "SELECT ledger FROM rm_registry.organisation WHERE slug = $1";
        let ledger = sqlx::query_scalar(sql)
            .bind(ORGANISATION)
            .fetch_one(&pool)
            .await?;
        let mut asker = Self {
            http: reqwest::Client::new(),
            url: format!("http://{address}/graphql").into(),
            token: "".into(),
            pool,
            places: Arc::new(Places {
                end: set.end(),
                ledger,
                meters: meters(),
                sites: Vec::new(),
            }),
        };
        let (username, password) = set.user();
        let input = json!({"input": {"username": username, "password": password}});
        let document = include_str!("graphql/sign_in.graphql");
        let answer = asker.post(document, &input).await?;
        let token = answer["data"]["signIn"]["accessToken"]
            .as_str()
            .with_context(|| format!("no token: {answer}"))?;
        asker.token = token.into();
        let mut ids = BTreeMap::new();
        for site in sites() {
            let variables = json!({"organisation": ORGANISATION, "site": site.as_str()});
            let answer = asker
                .post(include_str!("graphql/site.graphql"), &variables)
                .await?;
            let id = answer["data"]["site"]["id"]
                .as_str()
                .with_context(|| format!("no site: {answer}"))?;
            ids.insert(site.to_string(), id.to_owned());
        }
        asker.places = Arc::new(Places {
            end: set.end(),
            ledger,
            meters: meters(),
            sites: ids.into_iter().collect(),
        });
        Ok(asker)
    }

    async fn post(&self, document: &str, variables: &Value) -> anyhow::Result<Value> {
        let bytes = self.send(document, variables).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    async fn send(&self, document: &str, variables: &Value) -> anyhow::Result<Vec<u8>> {
        let body = json!({"query": document, "variables": variables});
        let mut request = self.http.post(&*self.url).json(&body);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        Ok(request.send().await?.bytes().await?.to_vec())
    }

    /// The answer over GraphQL to the question with this number: another site, device or day each.
    pub async fn graphql(&self, question: Question, number: u64) -> anyhow::Result<Vec<u8>> {
        let document = question.document();
        self.send(document, &self.variables(question, number)).await
    }

    /// Rows of the statement for the same.
    pub async fn sql(&self, question: Question, number: u64) -> anyhow::Result<usize> {
        let (places, statement) = (&self.places, sqlx::query(question.statement()));
        let (from, to) = self.span(question, number);
        let statement = match question {
            Question::Latest => statement.bind(places.ledger).bind(&places.site(number).0),
            Question::Day | Question::Year => statement
                .bind(places.probe(number).id().0)
                .bind(EMISSION_RATE)
                .bind(if question == Question::Day {
                    300
                } else {
                    86_400
                })
                .bind(from)
                .bind(to),
            Question::Leaderboard => statement
                .bind(ORGANISATION)
                .bind(EMISSION_RATE)
                .bind(from)
                .bind(to),
            Question::Injected => statement.bind(places.ledger),
        };
        Ok(statement.fetch_all(&self.pool).await?.len())
    }

    fn variables(&self, question: Question, number: u64) -> Value {
        let places = &self.places;
        let (from, to) = self.span(question, number);
        match question {
            Question::Latest => json!({"site": places.site(number).1}),
            Question::Day | Question::Year => json!({
                "device": places.probe(number).id().0,
                "metric": EMISSION_RATE,
                "from": from.to_rfc3339(),
                "to": to.to_rfc3339(),
                "seconds": if question == Question::Day { 300 } else { 86_400 },
            }),
            Question::Leaderboard => json!({
                "organisation": ORGANISATION,
                "from": from.to_rfc3339(),
                "to": to.to_rfc3339(),
            }),
            Question::Injected => json!({"organisation": ORGANISATION}),
        }
    }

    fn span(&self, question: Question, number: u64) -> (DateTime<Utc>, DateTime<Utc>) {
        let end = self.places.end;
        let days = |days: i64| TimeDelta::days(days);
        match question {
            Question::Day => {
                let back = i64::try_from(number % (DENSE_DAYS - 1).unsigned_abs()).unwrap_or(0);
                (end - days(back + 1), end - days(back))
            }
            Question::Leaderboard => (end - days(DENSE_DAYS), end),
            Question::Latest | Question::Year | Question::Injected => (end - days(DAYS), end),
        }
    }
}

impl Places {
    fn site(&self, number: u64) -> &(String, String) {
        &self.sites[usize::try_from(number).unwrap_or(0) % self.sites.len()]
    }

    fn probe(&self, number: u64) -> &Meter {
        &self.meters[usize::try_from(number).unwrap_or(0) % FACTORIES]
    }
}

/// An address where nothing listens.
fn free_address() -> anyhow::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}
