//! The supervisor on real Postgres: starting, stopping, and every way to be interrupted.
#![expect(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sealrock_postgres::{Config, Postgres, StartError, State, attach};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// Test databases die with the test process; otherwise they are what `serve` runs.
fn config(folder: &Path) -> Config {
    Config {
        die_with_parent: true,
        ..Config::new(folder)
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn run(url: &str, sql: &str) {
    sqlx::raw_sql(sql)
        .execute(&mut connect(url).await)
        .await
        .unwrap();
}

async fn one<T>(url: &str, sql: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(sql)
        .fetch_one(&mut connect(url).await)
        .await
        .unwrap()
}

fn pid(postgres: &Postgres) -> i32 {
    match postgres.state() {
        State::Running { pid } => pid,
        other => panic!("not running: {other:?}"),
    }
}

fn lives(pid: i32) -> bool {
    // A zombie is dead: it has no command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn gone_soon(pid: i32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while lives(pid) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    !lives(pid)
}

#[tokio::test]
async fn data_survive_a_stop_and_a_new_start_and_nobody_else_can_get_in() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    run(
        postgres.url(),
        "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)",
    )
    .await;
    let first = postgres.url().to_owned();
    postgres.stop().await;
    assert!(matches!(postgres.state(), State::Ended(status) if status.success()));
    drop(postgres);

    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    assert_eq!(one::<i32>(postgres.url(), "SELECT n FROM kept").await, 42);
    assert_eq!(
        postgres.url(),
        first,
        "the socket's folder and the password are remembered"
    );
    let wrong = postgres
        .url()
        .replace("postgres://postgres:", "postgres://postgres:x");
    assert!(
        PgConnection::connect(&wrong).await.is_err(),
        "a wrong password is refused"
    );
    postgres.stop().await;
}

#[tokio::test]
async fn the_database_is_what_the_ledger_needs() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    for (setting, expected) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
        ("listen_addresses", ""),
        ("jit", "off"),
        ("max_connections", "100"),
    ] {
        // lc_collate is no setting any more from PostgreSQL 16 on.
        let sql = if setting == "lc_collate" {
            "SELECT datcollate::text FROM pg_database WHERE datname = current_database()".to_owned()
        } else {
            format!("SELECT current_setting('{setting}')")
        };
        assert_eq!(
            one::<String>(postgres.url(), &sql).await,
            expected,
            "{setting}"
        );
    }
    postgres.stop().await;
}

#[tokio::test]
async fn secrets_are_readable_by_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path().join("password")), 0o600);
    assert_eq!(mode(folder.path().join("running.json")), 0o600);
    assert_eq!(mode(folder.path().join("pgdata")), 0o700);
    let socket_folder = postgres.url().split(['=', '&']).nth(1).unwrap();
    assert_eq!(mode(socket_folder.into()), 0o700);
    postgres.stop().await;
    drop(postgres);
    assert!(!folder.path().join("running.json").exists());
}

#[tokio::test]
async fn a_second_supervisor_is_refused_and_told_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = Postgres::start(config(folder.path())).await.unwrap();
    let error = Postgres::start(config(folder.path())).await.unwrap_err();
    assert!(matches!(error, StartError::Locked { .. }));
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    assert_eq!(
        one::<i32>(first.url(), "SELECT 1").await,
        1,
        "the first goes on"
    );
    first.stop().await;
}

#[tokio::test]
async fn attach_answers_the_url_only_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(attach(folder.path()), None);
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    assert_eq!(attach(folder.path()).as_deref(), Some(postgres.url()));
    let note = fs::read(folder.path().join("running.json")).unwrap();
    postgres.stop().await;
    assert_eq!(attach(folder.path()), None);
    drop(postgres);
    fs::write(folder.path().join("running.json"), note).unwrap();
    assert_eq!(
        attach(folder.path()),
        None,
        "what a killed process left behind is not believed"
    );
}

#[tokio::test]
async fn a_killed_postmaster_is_noticed_and_restart_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    let url = postgres.url().to_owned();
    run(
        &url,
        "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)",
    )
    .await;
    let mut busy = connect(&url).await;
    let query =
        tokio::spawn(async move { sqlx::query("SELECT pg_sleep(60)").execute(&mut busy).await });
    tokio::time::sleep(Duration::from_millis(200)).await;

    kill(Pid::from_raw(pid(&postgres)), Signal::SIGKILL).unwrap();
    let status = postgres.wait_exit().await.unwrap();
    assert!(!status.success());
    postgres.restart().await.unwrap();

    assert_eq!(postgres.url(), url);
    assert_eq!(one::<i32>(&url, "SELECT n FROM kept").await, 7);
    assert!(query.await.unwrap().is_err(), "the old session is cut");
    postgres.stop().await;
}

#[tokio::test]
async fn stop_cuts_sessions_that_are_still_open() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    let _idle = connect(postgres.url()).await;
    let begun = Instant::now();
    postgres.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "took {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_living_stranger_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    postgres.stop().await;
    drop(postgres);
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    let database = folder.path().join("pgdata");
    let stale = format!(
        "{}\n{}\n1700000000\n5432\n\n\n\nready\n",
        stranger.id(),
        database.display()
    );
    fs::write(database.join("postmaster.pid"), stale).unwrap();

    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    assert_eq!(one::<i32>(postgres.url(), "SELECT 1").await, 1);
    assert_eq!(
        stranger.try_wait().unwrap(),
        None,
        "the stranger was not touched"
    );
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    postgres.stop().await;
}

#[tokio::test]
async fn data_of_another_major_version_are_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("pgdata")).unwrap();
    fs::write(folder.path().join("pgdata/PG_VERSION"), "13\n").unwrap();
    let error = Postgres::start(config(folder.path())).await.unwrap_err();
    assert!(matches!(error, StartError::ForeignVersion { .. }));
    assert!(error.to_string().contains("postgresql-13"), "{error}");
    assert_eq!(
        fs::read_dir(folder.path().join("pgdata")).unwrap().count(),
        1,
        "nothing was touched"
    );
}

#[tokio::test]
async fn a_lost_password_file_is_replaced_and_the_data_stay() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    run(
        postgres.url(),
        "CREATE TABLE kept (n int); INSERT INTO kept VALUES (3)",
    )
    .await;
    postgres.stop().await;
    drop(postgres);
    fs::remove_file(folder.path().join("password")).unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    assert_eq!(one::<i32>(postgres.url(), "SELECT n FROM kept").await, 3);
    postgres.stop().await;
}

#[tokio::test]
async fn an_interrupted_making_of_the_database_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join("pgdata.new-0badcafe");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("PG_VERSION"), "15\n").unwrap();
    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    assert!(!half.exists());
    assert_eq!(one::<i32>(postgres.url(), "SELECT 1").await, 1);
    postgres.stop().await;
}

#[tokio::test]
async fn when_postgres_cannot_start_the_error_shows_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = config(folder.path());
    wrong
        .settings
        .push(("work_mem".to_owned(), "plenty".to_owned()));
    let error = Postgres::start(wrong).await.unwrap_err();
    assert!(error.to_string().contains("plenty"), "{error}");
}

#[tokio::test]
async fn dropping_the_supervisor_stops_postgres() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path());
    let postgres = Postgres::start(config).await.unwrap();
    let pid = pid(&postgres);
    drop(postgres);
    assert!(gone_soon(pid));
    tidy(&folder);
}

#[tokio::test]
async fn root_is_told_which_folder_shuts_postgres_out() {
    if !nix::unistd::geteuid().is_root() {
        return; // An ordinary user's Postgres runs as that user, so nothing is shut out.
    }
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let error = Postgres::start(config(&closed.path().join("data")))
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::NotTraversable { .. }));
    let way_out = format!("chmod o+x {}", closed.path().display());
    assert!(error.to_string().contains(&way_out), "{error}");
}

/// This test binary again, as the process that is killed: see `keeps_running_when_asked`.
fn victim(folder: &TempDir, die_with_parent: bool) -> (std::process::Child, i32) {
    let victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "keeps_running_when_asked", "--nocapture"])
        .env("SEALROCK_TEST_FOLDER", folder.path())
        .env("SEALROCK_TEST_DIE", die_with_parent.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let ready = folder.path().join("inserted");
    while !ready.exists() {
        assert!(Instant::now() < deadline, "the victim did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = fs::read_to_string(folder.path().join("pgdata/postmaster.pid")).unwrap();
    (victim, text.lines().next().unwrap().parse().unwrap())
}

/// Only does something in the process that [`victim`] starts.
#[tokio::test]
async fn keeps_running_when_asked() {
    let Some(folder) = std::env::var_os("SEALROCK_TEST_FOLDER") else {
        return;
    };
    let die_with_parent = std::env::var("SEALROCK_TEST_DIE").unwrap() == "true";
    let config = Config {
        die_with_parent,
        ..Config::new(&folder)
    };
    let postgres = Postgres::start(config).await.unwrap();
    let url = postgres.url();
    run(
        url,
        "CREATE TABLE kept (n int); INSERT INTO kept VALUES (11)",
    )
    .await;
    fs::write(Path::new(&folder).join("inserted"), "").unwrap();
    tokio::time::sleep(Duration::from_mins(2)).await;
}

#[tokio::test]
async fn after_kill_9_of_the_supervisor_the_next_start_needs_no_hand() {
    let folder = tempfile::tempdir().unwrap();
    let (mut victim, orphan) = victim(&folder, false);
    assert!(attach(folder.path()).is_some());
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(lives(orphan), "this Postgres outlives its supervisor");
    assert_eq!(attach(folder.path()), None, "but nobody looks after it");

    let postgres = Postgres::start(config(folder.path())).await.unwrap();
    assert!(!lives(orphan));
    assert_eq!(one::<i32>(postgres.url(), "SELECT n FROM kept").await, 11);
    postgres.stop().await;
}

#[tokio::test]
async fn a_throw_away_postgres_dies_with_a_killed_test_process() {
    let folder = tempfile::tempdir().unwrap();
    let (mut victim, postmaster) = victim(&folder, true);
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(gone_soon(postmaster));
    tidy(&folder);
}

/// Removes the socket's folder, which is kept for the next start when Postgres ends unwatched.
fn tidy(folder: &TempDir) {
    let note = fs::read_to_string(folder.path().join("socket.json")).unwrap();
    let socket_folder = note
        .split('"')
        .find(|part| part.starts_with("/tmp/sealrock-"))
        .unwrap();
    fs::remove_dir_all(socket_folder).unwrap();
}
