//! A whole Postgres for one test, which may stop, kill and start it.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sealrock_postgres::{Postgres, State};
use sqlx::{Connection, PgConnection, PgPool};

use crate::database::{connect, connect_as_superuser, migrate};
use crate::scratch::Scratch;

/// A private Postgres with one migrated database. It ends with this value or its process.
#[derive(Debug)]
pub struct Cluster {
    postgres: Postgres,
    /// After `postgres`: its folder goes when it has stopped.
    scratch: Scratch,
}

/// A running, migrated Postgres that belongs to the calling test (about a second to start).
///
/// # Panics
/// If Postgres cannot be started or a migration fails.
pub async fn cluster() -> Cluster {
    let scratch = Scratch::new();
    let postgres = scratch.start_postgres(true).await;
    migrate(postgres.url()).await;
    Cluster { postgres, scratch }
}

impl Cluster {
    /// The superuser's URL; the same before and after a stop.
    #[must_use]
    pub fn url(&self) -> &str {
        self.postgres.url()
    }

    /// New connections as the platform has them: role `sealrock_app`, search path `sealrock`.
    ///
    /// # Panics
    /// If Postgres is stopped.
    pub async fn pool(&self) -> PgPool {
        connect(self.url()).await
    }

    /// New connections as superuser.
    ///
    /// # Panics
    /// If Postgres is stopped.
    pub async fn admin_pool(&self) -> PgPool {
        connect_as_superuser(self.url()).await
    }

    /// Stops Postgres in order; open connections are cut.
    pub async fn stop(&self) {
        self.postgres.stop().await;
    }

    /// Ends Postgres as a crash would (`kill -9` of the postmaster), and waits until it is gone.
    ///
    /// # Panics
    /// If Postgres does not run.
    pub async fn kill(&self) {
        let State::Running { pid } = self.postgres.state() else {
            panic!("Postgres does not run")
        };
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("our own child can be killed");
        self.postgres.wait_exit().await;
    }

    /// Starts Postgres again (after [`stop`](Self::stop) or [`kill`](Self::kill)) and waits until it answers.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start(&self) {
        self.postgres
            .restart()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts Postgres again as a standby, whose primary is gone; promotes it when `standing_by` is
    /// done. So it goes on on the next timeline.
    ///
    /// # Panics
    /// If it cannot be started or promoted.
    pub async fn start_promoted(&self, standing_by: impl Future<Output = ()>) {
        let folder = self.scratch.path().join("pgdata");
        let signal = folder.join("standby.signal");
        let owner = fs::metadata(&folder).expect("its folder is there");
        fs::write(&signal, "").expect("its folder can be written");
        chown(&signal, Some(owner.uid()), Some(owner.gid())).expect("Postgres must remove it");
        let promotion = async {
            let mut connection = self.patient_connection().await;
            standing_by.await;
            let promoted: bool = sqlx::query_scalar("SELECT pg_promote()")
                .fetch_one(&mut connection)
                .await
                .expect("a superuser may promote");
            assert!(promoted, "Postgres was not promoted in time");
        };
        // It is not ready, by its own word, before it is promoted.
        tokio::join!(self.start(), promotion);
    }

    async fn patient_connection(&self) -> PgConnection {
        for _ in 0..400 {
            if let Ok(connection) = PgConnection::connect(self.url()).await {
                return connection;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the standby does not answer");
    }
}
