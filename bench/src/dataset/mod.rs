//! A year of an organisation, recorded by the real write side and folded by the real read models: what
//! `queries` and `growth` are asked of.
//!
//! It lies in `<dir>/<extent>` as a server's data folder, is built once, goes on where an
//! interrupted build stopped, and is used by every later run with the same `--dir` and `--scale`.

mod fleet;
mod history;
mod questions;
mod record;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, NaiveTime, Utc};
use sealrock_access::{Password, Role, accounts};
use sealrock_commands::Commands;
use sealrock_eventstore::{EventStore, KeyFiles};
use sealrock_postgres::{Config, Postgres, State};
use sealrock_projections::Runner;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

pub use fleet::{EMISSION_RATE, FACTORIES, Meter, ORGANISATION, meters, sites};
pub use history::{DAYS, DENSE_DAYS, History};
pub use questions::{Asked, Asker, Question};
pub use record::{Recorder, Senders};

use crate::harness::resident_kb;

/// Rounds between two notes of how far the build has come.
const ROUNDS_AT_ONCE: u64 = 48;
const CONNECTIONS: u32 = 16;
const USER: &str = "analyst";

/// How much a data set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Who and what is registered, and nothing else.
    Registered,
    /// As little history as gives the same answers to the questions.
    Young,
    /// A year of about so many batches.
    Year(u64),
}

/// A data set on disk.
pub struct DataSet {
    folder: PathBuf,
    extent: Extent,
    note: Note,
}

/// How far the build has come, and what a user of it has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    /// The midnight at which the year ends.
    end: DateTime<Utc>,
    next_round: u64,
    complete: bool,
    password: String,
    samples: Vec<Sample>,
}

/// Memory and disk when the ledger had so many entries.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sample {
    pub entries: u64,
    /// Of the process that records and folds.
    pub resident_kb: u64,
    /// All tables and indexes.
    pub database_bytes: u64,
    /// Seconds since the build began or went on.
    pub seconds: f64,
}

/// The write side and the read models of a data set, opened.
pub struct Open {
    pub postgres: Postgres,
    pub store: EventStore,
    pub commands: Commands,
}

impl DataSet {
    /// The data set of this extent, built if it is not there.
    pub async fn of(dir: &Path, extent: Extent) -> anyhow::Result<Self> {
        let folder = dir.join(match extent {
            Extent::Registered => "registered".to_owned(),
            Extent::Young => "young".to_owned(),
            Extent::Year(batches) => format!("year-{batches}"),
        });
        fs::create_dir_all(&folder)?;
        let note = Note::read(&folder)?;
        let mut set = Self {
            folder,
            extent,
            note,
        };
        if !set.note.complete {
            set.build().await?;
        }
        Ok(set)
    }

    /// The server's data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The midnight at which the year ends.
    pub fn end(&self) -> DateTime<Utc> {
        self.note.end
    }

    /// Who may ask, and the password.
    pub fn user(&self) -> (&str, &str) {
        (USER, &self.note.password)
    }

    /// Memory and disk as it was built.
    pub fn samples(&self) -> &[Sample] {
        &self.note.samples
    }

    /// Opens it in this process; nothing else may run on it.
    pub async fn open(&self) -> anyhow::Result<Open> {
        let postgres = Postgres::start(Config::new(self.folder.join("postgres"))).await?;
        let login = sealrock_eventstore::connect_as_login(postgres.url(), 1).await?;
        sealrock_eventstore::migrate(&login).await?;
        login.close().await;
        let pool = sealrock_eventstore::connect(postgres.url(), CONNECTIONS).await?;
        let keys = Arc::new(KeyFiles::new(self.folder.join("keys")));
        let store = EventStore::open(pool, keys, "sealrock.localhost").await?;
        let commands = Commands::new(store.clone(), false);
        Ok(Open {
            postgres,
            store,
            commands,
        })
    }

    async fn build(&mut self) -> anyhow::Result<()> {
        eprintln!("building the data set in {} …", self.folder.display());
        let open = self.open().await?;
        let runner = Runner::new(open.store.clone(), sealrock_projections::all());
        let stopping = CancellationToken::new();
        let folding = tokio::spawn({
            let (runner, stopping) = (runner.clone(), stopping.clone());
            async move { runner.run(stopping).await }
        });
        let built = self.fill(&open, &runner).await;
        stopping.cancel();
        folding.await?;
        if built.is_ok() {
            tidy(open.postgres.url()).await?;
        }
        open.close().await;
        built?;
        self.note.complete = true;
        self.note.write(&self.folder)
    }

    async fn fill(&mut self, open: &Open, runner: &Runner) -> anyhow::Result<()> {
        let recorder = Recorder::new(open.commands.clone(), self.note.end);
        recorder.register().await?;
        if self.note.password.is_empty() {
            let organisation = fleet::slug(ORGANISATION);
            let (pool, user) = (open.store.pool(), USER.parse()?);
            let password = Password::random();
            password.reveal().clone_into(&mut self.note.password);
            let of = Some(&organisation);
            accounts::add_with(pool, &user, Role::HqManager, of, password).await?;
            self.note.write(&self.folder)?;
        }
        let batches = match self.extent {
            Extent::Registered => return behind_at_most(runner, 0).await,
            Extent::Young => 0,
            Extent::Year(batches) => batches,
        };
        recorder.inject().await?;
        let senders = recorder.senders().await?;
        let meters = meters();
        let history = History::of(batches, meters.len() as u64, self.note.end);
        self.send(open, runner, &senders, history).await
    }

    async fn send(
        &mut self,
        open: &Open,
        runner: &Runner,
        senders: &Senders,
        history: History,
    ) -> anyhow::Result<()> {
        let meters = meters();
        let mut seqs = vec![0; meters.len()];
        for round in 0..self.note.next_round {
            for device in history.senders(&meters, round) {
                seqs[device] += 1;
            }
        }
        let begun = std::time::Instant::now();
        while self.note.next_round < History::rounds() {
            let next = (self.note.next_round + ROUNDS_AT_ONCE).min(History::rounds());
            let rounds = self.note.next_round..next;
            senders.send(history, &meters, rounds, &mut seqs).await?;
            self.note.next_round = next;
            let sample = sample(open, begun.elapsed()).await?;
            self.note.samples.push(sample);
            self.note.write(&self.folder)?;
            // The read models keep up, as they would in a year.
            behind_at_most(runner, 20_000).await?;
        }
        behind_at_most(runner, 0).await
    }
}

impl Open {
    /// The postmaster.
    pub fn postgres_pid(&self) -> anyhow::Result<u32> {
        postmaster(&self.postgres)
    }

    pub async fn close(self) {
        self.store.close().await;
        self.store.pool().close().await;
        self.postgres.stop().await;
    }
}

impl Note {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        match fs::read(folder.join("dataset.json")) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(_) => Ok(Self {
                end: Utc::now().date_naive().and_time(NaiveTime::MIN).and_utc(),
                next_round: 0,
                complete: false,
                password: String::new(),
                samples: Vec::new(),
            }),
        }
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let new = folder.join("dataset.json.new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        Ok(fs::rename(new, folder.join("dataset.json"))?)
    }
}

async fn sample(open: &Open, since: Duration) -> anyhow::Result<Sample> {
    let ledger = open.store.existing(&ORGANISATION.parse()?).await?;
    let bytes: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
        .fetch_one(open.store.pool())
        .await?;
    Ok(Sample {
        entries: open.store.size(ledger.id).await?,
        resident_kb: resident_kb(std::process::id()),
        database_bytes: bytes.unsigned_abs(),
        seconds: since.as_secs_f64(),
    })
}

fn postmaster(postgres: &Postgres) -> anyhow::Result<u32> {
    let State::Running { pid } = postgres.state() else {
        anyhow::bail!("Postgres does not run");
    };
    u32::try_from(pid).context("a process id is positive")
}

/// Waits until no read model is further behind.
async fn behind_at_most(runner: &Runner, entries: u64) -> anyhow::Result<()> {
    loop {
        let statuses = runner.status().await?;
        if let Some(reason) = statuses.iter().find_map(|status| match &status.state {
            sealrock_projections::State::Stopped { reason, .. } => Some(reason),
            _ => None,
        }) {
            anyhow::bail!("a read model stands: {reason}");
        }
        if statuses.iter().all(|status| status.lag_events <= entries) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What autovacuum has done long ago in a year that took a year.
async fn tidy(url: &str) -> anyhow::Result<()> {
    let pool = PgPool::connect(url).await.context("as superuser")?;
    sqlx::query("VACUUM (ANALYZE)").execute(&pool).await?;
    sqlx::query("CHECKPOINT").execute(&pool).await?;
    pool.close().await;
    Ok(())
}
