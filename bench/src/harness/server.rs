//! The server as a user starts it: the release binary, in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Names a server binary to measure instead of one that is built.
const SERVER: &str = "BENCH_SERVER";

/// A running `sealrock serve`; it ends with this value.
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts `sealrock` with these arguments and environment, and waits until `ready` answers 200.
    /// Its output goes to `log`.
    pub async fn start(
        arguments: &[&str],
        environment: &[(&str, String)],
        ready: &str,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let output = std::fs::File::create(log)?;
        let child = Command::new(binary()?)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let mut server = Self { child };
        let client = reqwest::Client::new();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_mins(1) {
            if let Some(status) = server.child.try_wait()? {
                anyhow::bail!("the server ended with {status}; see {}", log.display());
            }
            if client
                .get(ready)
                .send()
                .await
                .is_ok_and(|r| r.status().is_success())
            {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the server is not ready; see {}", log.display())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary `sealrock`, built in the profile that this process was built in; or the one that
/// `BENCH_SERVER` names, to measure another build.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(built) = std::env::var_os(SERVER) {
        return Ok(built.into());
    }
    let own = std::env::current_exe()?;
    let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    build.args(["build", "--locked", "--quiet", "--package", "sealrock"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    anyhow::ensure!(built.success(), "the server does not build");
    let folder = own.parent().context("a program lies in a folder")?;
    Ok(folder.join("sealrock"))
}
