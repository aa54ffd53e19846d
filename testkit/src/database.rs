//! A database per test.

use sealrock_postgres::Postgres;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

use crate::scratch::Scratch;

/// Connections of a test's pool; tests that need more open their own by [`TestDatabase::url`].
const POOL_SIZE: u32 = 8;
const TEMPLATE: &str = "migrated";

static SHARED: OnceCell<Shared> = OnceCell::const_new();

/// The Postgres of this test process. It holds no connection: each test has a runtime of its own,
/// and a connection cannot outlive the runtime it was opened in.
struct Shared {
    postgres: Postgres,
    /// Cloning fails while another session is in the template, so clones are made one at a time.
    cloning: Mutex<()>,
    _scratch: Scratch,
}

/// A migrated, empty database that belongs to one test.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    /// Connections as the platform has them: role `sealrock_app`, search path `sealrock`.
    pub pool: PgPool,
    /// Connections as superuser, for looking where the platform may not.
    pub admin_pool: PgPool,
    /// The superuser's URL, for connections of the test's own.
    pub url: String,
}

/// A database for the calling test. The first call in a test process starts Postgres and migrates a template.
///
/// # Panics
/// If Postgres cannot be started or a migration fails.
pub async fn database() -> TestDatabase {
    let shared = SHARED.get_or_init(Shared::start).await;
    let name = format!("t_{}", Uuid::new_v4().simple());
    let url = shared.clone_template(&name).await;
    TestDatabase {
        pool: connect(&url).await,
        admin_pool: connect_as_superuser(&url).await,
        url,
    }
}

impl Shared {
    async fn start() -> Self {
        let scratch = Scratch::new();
        let postgres = scratch.start_postgres(false).await;
        execute(postgres.url(), &format!("CREATE DATABASE {TEMPLATE}")).await;
        migrate(&url_of(&postgres, TEMPLATE)).await;
        Self {
            postgres,
            cloning: Mutex::new(()),
            _scratch: scratch,
        }
    }

    async fn clone_template(&self, name: &str) -> String {
        let _alone = self.cloning.lock().await;
        let url = self.postgres.url();
        execute(url, &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await;
        // Privileges on the database itself are the one thing a clone does not take along.
        let grant = format!("GRANT CREATE ON DATABASE {name} TO sealrock_app, sealrock_owner");
        execute(url, &grant).await;
        url_of(&self.postgres, name)
    }
}

fn url_of(postgres: &Postgres, database: &str) -> String {
    postgres
        .url()
        .replacen("/sealrock?", &format!("/{database}?"), 1)
}

/// Brings the database of this URL up to date.
pub(crate) async fn migrate(url: &str) {
    let pool = sealrock_eventstore::connect_as_login(url, 1).await;
    let pool = pool.unwrap_or_else(|error| panic!("{error}"));
    sealrock_eventstore::migrate(&pool)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    pool.close().await;
}

/// A pool as the platform has it.
pub(crate) async fn connect(url: &str) -> PgPool {
    sealrock_eventstore::connect(url, POOL_SIZE)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A pool as superuser.
pub(crate) async fn connect_as_superuser(url: &str) -> PgPool {
    let pool = sealrock_eventstore::connect_as_login(url, POOL_SIZE).await;
    pool.unwrap_or_else(|error| panic!("{error}"))
}

async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url)
        .await
        .expect("the test's Postgres answers");
    connection
        .execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection
        .close()
        .await
        .expect("a connection can be closed");
}
