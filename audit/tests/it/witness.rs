//! A witness that nobody here wrote: `aics-witness` from the Python package index, on loopback.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use sealrock_eventstore::LedgerInfo;
use tempfile::TempDir;

/// A witness with its key and its memory, running or not.
pub struct Witness {
    folder: TempDir,
    name: &'static str,
    vkey: String,
    port: u16,
    running: Option<Child>,
}

/// The interpreter that has the packages.
pub fn python() -> Command {
    Command::new(std::env::var_os("TEST_PYTHON").unwrap_or_else(|| "python3".into()))
}

impl Witness {
    /// A new one that takes checkpoints of these ledgers.
    pub fn start(name: &'static str, ledgers: &[&LedgerInfo]) -> Self {
        let mut witness = Self {
            folder: tempfile::tempdir().unwrap(),
            name,
            vkey: String::new(),
            port: 0,
            running: None,
        };
        let key_name = format!("witness.test/{name}");
        let made = witness.run(&["init", "--name", &key_name]);
        String::from_utf8(made.stdout)
            .unwrap()
            .trim()
            .clone_into(&mut witness.vkey);
        for ledger in ledgers {
            let (origin, vkey) = (ledger.origin.as_str(), ledger.vkey.as_str());
            witness.run(&["add-log", "--origin", origin, "--vkey", vkey]);
        }
        witness.restart();
        witness
    }

    /// Its lines of a policy.
    pub fn policy_line(&self) -> String {
        let Self {
            name, vkey, port, ..
        } = self;
        format!("witness {name} {vkey} http://127.0.0.1:{port}\n")
    }

    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Runs again on the port that it had, with the memory that it had.
    pub fn restart(&mut self) {
        self.stop();
        let mut child = self
            .command(&["serve", "--listen", &format!("127.0.0.1:{}", self.port)])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = Vec::new();
        self.port = loop {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("it does not run: {told:#?}"));
            told.push(line.unwrap());
            if let Some(port) = told.last().and_then(|line| port(line)) {
                break port;
            }
        };
        // So that it never waits for its reader.
        std::thread::spawn(move || lines.for_each(drop));
        self.running = Some(child);
    }

    /// What it holds against the ledgers, as it tells.
    pub fn evidence(&self) -> String {
        String::from_utf8(self.run(&["evidence"]).stdout).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let run = self.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(
            run.status.success(),
            "aics-witness {arguments:?}: {told}; it needs `pip install --ignore-requires-python \
             --no-deps aics-tlog==0.2.1 aics-witness==0.1.0` and `pip install cryptography`"
        );
        run
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = python();
        command.args(["-m", "aics_witness"]).args(arguments).env(
            "AICS_WITNESS_CONFIG",
            self.folder.path().join("witness.json"),
        );
        command
    }
}

/// `… listening on http://127.0.0.1:<port> …`
fn port(line: &str) -> Option<u16> {
    let url = line.split("listening on http://127.0.0.1:").nth(1)?;
    url.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop();
    }
}
