//! Runs projections: one task per projection and ledger.

mod advance;
mod backoff;
mod behind;
mod checkpoint;
mod drop_old;
mod follow;
mod measure;
mod pace;
mod positions;
mod projection;
mod rebuild;
mod schema;
mod shown;
mod source;
mod status;
mod stops;
mod supervise;
mod tail;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sealrock_eventstore::{EventStore, LedgerId, StoreError};
use tokio::sync::Semaphore;

use crate::leases::{Lease, Leases};

pub use behind::Behind;
pub use positions::{Positions, WaitError};
pub use projection::{FoldError, Prepared, Projection};
pub use rebuild::{RebuildError, Rebuilt};
pub use shown::Shown;
pub use status::{ProjectionStatus, State};

use schema::Schema;
use tail::Tail;

/// The most entries folded in one transaction.
const MAX_BATCH_EVENTS: u32 = 4_096;
/// The most payload folded in one transaction, unless a single entry has more.
const MAX_BATCH_BYTES: u64 = 4 << 20;
/// Folds at a time in one process. They share the pool with queries and with the ledger's writers;
/// more than a few would only wait for the same disk.
const TURNS: u32 = 4;

/// The projections of an installation over its event store. Cheap to clone; clones share
/// positions and reported states.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

struct Shared {
    store: EventStore,
    models: Vec<Arc<dyn Projection>>,
    positions: Positions,
    turns: Arc<Semaphore>,
    leases: Option<Leases>,
    states: Mutex<HashMap<(&'static str, LedgerId), State>>,
    tails: Mutex<HashMap<LedgerId, Arc<Tail>>>,
}

/// Why the runner could not look or prepare. All of it may pass: try again.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The event store could not be read.
    #[error("the event store: {0}")]
    Store(#[from] StoreError),
    /// A read model's tables could not be read or made.
    #[error("the read models' tables: {0}")]
    Database(#[from] sqlx::Error),
}

impl Runner {
    /// A runner of `models` on the store's pool, which needs at least four connections. Nothing
    /// runs yet.
    ///
    /// # Panics
    /// If two models have one name, or a name is not `[a-z][a-z_]{0,39}`: it becomes part of SQL.
    #[must_use]
    pub fn new(store: EventStore, models: Vec<Arc<dyn Projection>>) -> Self {
        Self::with(store, models, None)
    }

    /// As [`new`](Self::new), for one of several processes that run the same models: it folds those
    /// whose lease it has, and stands by for the others.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[must_use]
    pub fn leased(store: EventStore, models: Vec<Arc<dyn Projection>>, leases: Leases) -> Self {
        Self::with(store, models, Some(leases))
    }

    fn with(store: EventStore, models: Vec<Arc<dyn Projection>>, leases: Option<Leases>) -> Self {
        for (position, model) in models.iter().enumerate() {
            let name = model.name();
            assert!(is_name(name), "{name:?} cannot name a schema");
            let twice = models[..position].iter().any(|other| other.name() == name);
            assert!(!twice, "two read models are called {name:?}");
        }
        let turns = (store.pool().options().get_max_connections() / 2).clamp(1, TURNS);
        let shared = Shared {
            store,
            models,
            positions: Positions::default(),
            turns: Arc::new(Semaphore::new(turns as usize)),
            leases,
            states: Mutex::default(),
            tails: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// How far each read model has come.
    #[must_use]
    pub fn positions(&self) -> &Positions {
        &self.shared.positions
    }

    /// Names of the read models.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.models().iter().map(|model| model.name())
    }

    /// Makes the schemas and tables that are missing. Queries work from here on.
    ///
    /// Any number of processes may do it at once.
    ///
    /// # Errors
    /// If Postgres is away or refuses.
    pub async fn prepare(&self) -> Result<(), RunnerError> {
        let pool = self.store().pool();
        stops::ensure(pool).await?;
        for model in self.models() {
            Schema::live(model.name())
                .ensure(pool, model.as_ref())
                .await?;
        }
        self.refresh_positions().await
    }

    /// Asks the database how far each read model has come, for [`Positions`].
    ///
    /// # Errors
    /// If Postgres is away, or [`prepare`](Self::prepare) never ran.
    pub async fn refresh_positions(&self) -> Result<(), RunnerError> {
        let places = checkpoint::of_models(self.store().pool(), self.names()).await?;
        for (model, ledger, next) in places {
            self.positions().raise(&model, ledger, next);
        }
        Ok(())
    }

    pub(crate) fn store(&self) -> &EventStore {
        &self.shared.store
    }

    /// The lease on folding `model`. Versions do not share one: a process of the older code cannot
    /// fold the tables that a newer one has made, and must not keep it from them.
    fn lease(&self, model: &dyn Projection) -> Lease {
        let work = || format!("{} {}", model.name(), model.version());
        let leases = self.shared.leases.as_ref();
        leases.map_or_else(Lease::unshared, |leases| leases.want(&work()))
    }

    /// What the followers of `ledger` share.
    fn tail(&self, ledger: LedgerId) -> Arc<Tail> {
        let tails = self.shared.tails.lock();
        let mut tails = tails.unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tails.entry(ledger).or_default())
    }

    fn models(&self) -> &[Arc<dyn Projection>] {
        &self.shared.models
    }

    fn report(&self, name: &'static str, ledger: LedgerId, state: State) {
        self.states().insert((name, ledger), state);
    }

    fn reported(&self, name: &str, ledger: LedgerId) -> Option<State> {
        let states = self.states();
        let found = states.iter().find(|((n, l), _)| *n == name && *l == ledger);
        found.map(|(_, state)| state.clone())
    }

    fn states(&self) -> std::sync::MutexGuard<'_, HashMap<(&'static str, LedgerId), State>> {
        self.shared
            .states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && !name.starts_with('_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
