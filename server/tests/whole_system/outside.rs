//! The outside looks: a real witness, an auditor with an account, and programs that nobody here
//! wrote.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sealrock_ledger::{Policy, TilePath};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{SOON, Server, batch, data_folder};

/// `PyPI`'s `aics-witness` on loopback.
struct Witness {
    folder: TempDir,
    child: Child,
    line: String,
}

fn python() -> Command {
    Command::new(std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned()))
}

fn witness(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = python();
    command
        .args(["-m", "aics_witness"])
        .args(arguments)
        .env("AICS_WITNESS_CONFIG", folder.join("witness.json"));
    command
}

fn succeed(command: &mut Command) -> String {
    let run = command.output().unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{command:?}: {told}");
    String::from_utf8(run.stdout).unwrap()
}

impl Witness {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = "witness.test/w";
        let vkey = succeed(&mut witness(folder.path(), &["init", "--name", name]));
        let mut child = witness(folder.path(), &["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("the witness runs").unwrap();
            if let Some((_, url)) = line.split_once("listening on ") {
                break url.split_whitespace().next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        let line = format!("witness w {} {url}\n", vkey.trim());
        Self {
            folder,
            child,
            line,
        }
    }

    /// Tells it the key of a ledger.
    fn trust(&self, policy: &Policy) {
        let vkey = &policy.keys()[0].vkey;
        let origin = vkey.split('+').next().unwrap();
        let arguments = ["add-log", "--origin", origin, "--vkey", vkey];
        succeed(&mut witness(self.folder.path(), &arguments));
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGHUP).unwrap();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A person with an account.
struct Reader<'s> {
    server: &'s Server,
    token: String,
}

impl<'s> Reader<'s> {
    /// The auditor, with the password that the command line has printed.
    async fn auditor(server: &'s Server) -> Self {
        let made = server.command(&["user", "add", "ada", "--role", "auditor", "--json"]);
        let account: Value = serde_json::from_str(&made).unwrap();
        let issued = account["password"].as_str().unwrap();
        let token = server.sign_in_as("ada", issued).await;
        Self { server, token }
    }

    /// A file of ledger `northsea`, if it is there.
    async fn get(&self, path: &str) -> Option<Vec<u8>> {
        let url = format!("{}/ledger/northsea/{path}", self.server.http);
        let asked = reqwest::Client::new().get(url).bearer_auth(&self.token);
        let answer = asked.send().await.unwrap();
        let status = answer.status().as_u16();
        assert!(status == 200 || status == 404, "{path}: {status}");
        let bytes = answer.bytes().await.unwrap().to_vec();
        (status == 200).then_some(bytes)
    }

    async fn policy(&self) -> Policy {
        let policy = self.get("policy").await.unwrap();
        String::from_utf8(policy).unwrap().parse().unwrap()
    }

    /// All files at the published checkpoint, once it has come to `size` entries.
    async fn files(&self, size: u64) -> BTreeMap<String, Vec<u8>> {
        let policy = self.policy().await;
        let begun = Instant::now();
        let (checkpoint, size) = loop {
            assert!(begun.elapsed() < SOON, "{size} entries are not published");
            if let Some(note) = self.get("checkpoint").await {
                let checked = policy.check(&note).unwrap();
                assert_eq!(checked.cosigned_by[0].witness, "w");
                if checked.checkpoint.size >= size {
                    break (note, checked.checkpoint.size);
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        let mut files = BTreeMap::from([("checkpoint".to_owned(), checkpoint)]);
        let bundles = TilePath::bundles(size).flat_map(|(n, width)| {
            [
                TilePath::Entries { n, width },
                TilePath::Payloads { n, width },
            ]
        });
        for path in TilePath::of_tree(size).chain(bundles) {
            let path = path.to_string();
            let bytes = self.get(&path).await.unwrap_or_else(|| panic!("{path}"));
            files.insert(path, bytes);
        }
        files.insert("policy".into(), self.get("policy").await.unwrap());
        files
    }
}

fn write(dir: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (path, bytes) in files {
        let file = dir.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_reads_a_cosigned_ledger_over_http_and_verifies_it_with_strange_programs() {
    let (data, witness) = (data_folder(), Witness::start());
    let lines = data.path().join("witnesses");
    std::fs::write(&lines, format!("{}quorum w\n", witness.line)).unwrap();
    let settings = [("SEALROCK_WITNESSES", lines.to_str().unwrap())];
    let server = Server::start_with(data.path(), &settings);
    server.register_site();
    let device = server.add_device("meter-7");
    let auditor = Reader::auditor(&server).await;
    let policy = auditor.policy().await;
    assert!(
        auditor.get("checkpoint").await.is_none(),
        "not cosigned yet"
    );
    witness.trust(&policy);

    let record = async |first: u64, last: u64| {
        for seq in first..=last {
            let (status, receipt) = server.ingest(&device, batch("b1", seq, 412.0)).await;
            assert_eq!(status, 200, "{receipt}");
        }
        let (_, receipt) = server.ingest(&device, batch("b1", last + 1, 412.0)).await;
        receipt["index"].as_u64().unwrap() + 1
    };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut sizes = Vec::new();
    for (n, folder) in (0u64..).zip(&folders) {
        let size = record(150 * n + 1, 150 * n + 149).await;
        write(folder.path(), &auditor.files(size).await);
        sizes.push(size.to_string());
    }

    // Signature, every tile, every entry's inclusion, and that the second continues the first.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../audit/tests/interop/tlog.py");
    let told = succeed(python().arg(script).args(folders.iter().map(TempDir::path)));
    assert!(told.starts_with(&sizes.join(" ")), "{told}");
    // Our own program, with the witness in the policy.
    let newer = folders[1].path();
    let (path, rule) = (newer.to_str().unwrap(), newer.join("policy"));
    server.command(&["verify", path, "--policy", rule.to_str().unwrap()]);

    let doctor = server.run(&["doctor"]);
    let told = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(told.contains("ok  publication"), "{told}");
    let written = server
        .graphql(
            Some(&auditor.token),
            "mutation($input: RegisterSiteInput!) { registerSite(input: $input) { __typename } }",
            json!({ "input": {
                "organisation": "northsea", "slug": "plant-2", "displayName": "Plant 2",
                "kind": "CAPTURE_PLANT",
            } }),
        )
        .await;
    let code = &written["errors"][0]["extensions"]["code"];
    assert_eq!(code, "FORBIDDEN", "{written}");
    server.stop();
}
