//! A folder for a throw-away Postgres, removed when this process is gone.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use sealrock_postgres::{Config, Postgres};

/// Waits for the end of its input, which comes when the value that holds the other end is dropped
/// or its process ends in any way; then for Postgres to have stopped; then removes everything.
const JANITOR: &str = r#"
read -r _
turn=0
while [ -e "$1/pgdata/postmaster.pid" ] && [ $turn -lt 150 ]; do sleep 0.2; turn=$((turn + 1)); done
socket=$(sed -n 's/.*"socket_folder":"\([^"]*\)".*/\1/p' "$1/socket.json")
case "$socket" in /tmp/sealrock-*) rm -rf "$socket" ;; esac
rm -rf "$1"
"#;

/// The folder, and the end of the pipe on which its janitor waits.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    _janitor: Child,
    _until_dropped: Option<ChildStdin>,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sealrock-test-")
            .tempdir_in("/tmp");
        let path = folder.expect("a folder can be made in /tmp").keep();
        let mut janitor = Command::new("sh")
            .args(["-c", JANITOR, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C ends the tests, not the one who cleans up after them.
            .process_group(0)
            .spawn()
            .expect("a shell can be started");
        let until_dropped = janitor.stdin.take();
        Self {
            path,
            _janitor: janitor,
            _until_dropped: until_dropped,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts Postgres in the folder: as safe against power cuts as the platform asks for, or quick.
    pub(crate) async fn start_postgres(&self, durable: bool) -> Postgres {
        let mut config = Config::new(self.path());
        config.die_with_parent = true;
        if !durable {
            let quick = ["fsync", "full_page_writes"].map(|name| (name.into(), "off".into()));
            config.settings.extend(quick);
        }
        let small = [
            ("shared_buffers", "64MB"),
            // Every test has a pool of its own.
            ("max_connections", "400"),
            ("max_wal_size", "512MB"),
            ("min_wal_size", "80MB"),
        ];
        config
            .settings
            .extend(small.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Postgres::start(config)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }
}
