//! The supervisor: from a data folder to a running Postgres and back.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use crate::folder::{Folder, Lock, write_private};
use crate::identity::Identity;
use crate::initialise::{DATABASE, SUPERUSER, Workshop, data_version};
use crate::postmaster::Launch;
use crate::{Binaries, StartError, State, processes, settings, socket};

/// What to run, and where.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that holds the database, its password, lock and log; made if missing. It is
    /// Postgres' alone: keep other files beside it, not in it.
    pub data_dir: PathBuf,
    /// The folder of `postgres` and `initdb`; `None` looks for an installed one.
    pub binaries: Option<PathBuf>,
    /// Postgres settings (name, value) that override ours, except those of durability and access.
    pub settings: Vec<(String, String)>,
    /// For throw-away databases of test processes: Postgres ends when this process ends, however
    /// it ends, and `fsync` may be turned off by a setting. Leave it off for data that matter.
    pub die_with_parent: bool,
}

impl Config {
    /// A Postgres in this folder, with everything else as usual.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            binaries: None,
            settings: Vec::new(),
            die_with_parent: false,
        }
    }
}

/// A private Postgres that runs, and the only supervisor of its folder.
///
/// Dropping it asks Postgres to stop but does not wait; [`stop`](Self::stop) waits. After
/// `kill -9` of our process Postgres may live on; the next [`start`](Self::start) on the folder stops it first.
pub struct Postgres {
    launch: Launch,
    url: String,
    state: watch::Sender<State>,
    /// Starting and stopping are one at a time.
    turn: Mutex<()>,
    _lock: Lock,
}

/// What [`attach`] reads.
#[derive(Serialize, Deserialize)]
struct RunningNote {
    postmaster: i32,
    url: String,
}

impl Postgres {
    /// Starts Postgres on the folder; makes the database first if there is none. When this
    /// returns, Postgres takes connections. Whatever an earlier process left running there is stopped first.
    ///
    /// Waits as long as recovery after a crash takes; to give up, drop the future.
    ///
    /// # Errors
    /// [`StartError`], whose message says what to do; nothing runs then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let settings = settings::merged(&config.settings, config.die_with_parent)?;
        let die_with_parent = config.die_with_parent;
        let (workshop, lock) = blocking(move || open(&config)).await?;
        processes::clear(&workshop.folder.database()).await?;
        let (launch, password) = blocking(move || {
            let password = workshop.ready_database()?;
            let socket_folder = socket::folder(&workshop.folder, &workshop.identity)?;
            Ok((
                Launch {
                    workshop,
                    settings,
                    socket_folder,
                    die_with_parent,
                },
                password,
            ))
        })
        .await?;
        let url = url(&launch.socket_folder, &password);
        let (state, _) = watch::channel(State::NotStarted);
        let postgres = Self {
            launch,
            url,
            state,
            turn: Mutex::new(()),
            _lock: lock,
        };
        postgres.launch_and_note().await?;
        Ok(postgres)
    }

    /// The superuser's URL of the database `sealrock`, password included, for sqlx and libpq. It
    /// stays the same as long as this value lives.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What Postgres is doing now.
    #[must_use]
    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    /// To be woken at every change of [`state`](Self::state).
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Returns when Postgres has ended: at once if it does not run.
    pub async fn wait_exit(&self) -> Option<ExitStatus> {
        let mut changes = self.state.subscribe();
        let ended = changes
            .wait_for(|state| !matches!(state, State::Running { .. }))
            .await;
        match ended.as_deref() {
            Ok(State::Ended(status)) => Some(*status),
            _ => None,
        }
    }

    /// Stops Postgres in order (sessions are cut, a checkpoint is written); after 30 seconds at
    /// once, which costs the next start a recovery and loses nothing. The folder stays locked
    /// until this value is dropped.
    pub async fn stop(&self) {
        let _turn = self.turn.lock().await;
        self.stop_now().await;
    }

    /// Starts Postgres again, after stopping it if it still runs. The URL stays.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart(&self) -> Result<(), StartError> {
        let _turn = self.turn.lock().await;
        self.stop_now().await;
        processes::clear(&self.database()).await?;
        self.launch_and_note().await
    }

    async fn launch_and_note(&self) -> Result<(), StartError> {
        let postmaster = self.launch.start(&self.state).await?;
        let note = RunningNote {
            postmaster,
            url: self.url.clone(),
        };
        write_private(&self.running_note(), &serde_json::json!(note).to_string())
    }

    async fn stop_now(&self) {
        let _ = fs::remove_file(self.running_note());
        if let Err(error) = processes::end(&self.database()).await {
            tracing::error!(%error, "PostgreSQL would not stop");
            return;
        }
        self.wait_exit().await;
    }

    fn database(&self) -> PathBuf {
        self.launch.workshop.folder.database()
    }

    fn running_note(&self) -> PathBuf {
        self.launch.workshop.folder.running_note()
    }
}

/// Without the URL, which holds the password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("folder", &self.launch.workshop.folder.root())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.running_note());
        if let State::Running { pid } = self.state() {
            processes::signal_one(pid, Signal::SIGINT);
        }
        // Empty, unless Postgres is still stopping; then the next start uses it again.
        let _ = fs::remove_dir(&self.launch.socket_folder);
    }
}

/// The URL of the Postgres that another Sealrock process runs on the folder, or `None` if none does.
#[must_use]
pub fn attach(data_dir: &Path) -> Option<String> {
    let folder = Folder::open(data_dir).ok()?;
    let note = fs::read_to_string(folder.running_note()).ok()?;
    let note: RunningNote = serde_json::from_str(&note).ok()?;
    let lives =
        folder.is_locked() && processes::is_of_database(note.postmaster, &folder.database());
    lives.then_some(note.url)
}

/// Takes the folder and finds what is needed to run a Postgres in it.
fn open(config: &Config) -> Result<(Workshop, Lock), StartError> {
    let identity = Identity::choose()?;
    let folder = Folder::create(&config.data_dir)?;
    identity.must_reach(folder.root())?;
    let lock = folder.lock()?;
    let wanted = data_version(&folder).and_then(|version| version.parse().ok());
    let binaries = Binaries::find(config.binaries.as_deref(), wanted)?;
    let throw_away = config.die_with_parent;
    Ok((
        Workshop {
            binaries,
            identity,
            folder,
            throw_away,
        },
        lock,
    ))
}

/// The form that both sqlx and libpq take. The host in front only fills its place; the password is alphanumeric.
fn url(socket_folder: &Path, password: &str) -> String {
    let host = socket_folder.display();
    format!("postgres://{SUPERUSER}:{password}@localhost/{DATABASE}?host={host}&sslmode=disable")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
