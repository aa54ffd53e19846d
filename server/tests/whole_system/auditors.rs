//! An auditor with an account, and our own programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Device, Server, batch, chosen_for, data_folder};

/// Somebody who reads ledgers by their URL, and what he keeps of them.
struct Auditor {
    kept: TempDir,
    issued: String,
}

impl Auditor {
    async fn new(server: &Server) -> Self {
        let made = server.command(&["user", "add", "ada", "--role", "auditor", "--json"]);
        let account: Value = serde_json::from_str(&made).unwrap();
        let issued = account["password"].as_str().unwrap().to_owned();
        server.sign_in_as("ada", &issued).await;
        let password = chosen_for(&issued);
        let kept = tempfile::tempdir().unwrap();
        std::fs::write(kept.path().join("password"), format!("{password}\n")).unwrap();
        Self { kept, issued }
    }

    fn file(&self, name: &str) -> String {
        self.kept.path().join(name).to_str().unwrap().to_owned()
    }

    /// `sealrock verify` or `watch` of ledger `northsea`, signed in by the account.
    fn run(&self, server: &Server, command: &str, more: &[&str]) -> (Option<i32>, String) {
        let url = format!("{}/ledger/northsea", server.http);
        let (password, state) = (self.file("password"), self.file("state"));
        let signed_in = ["--user", "ada", "--password-file", &password];
        let arguments = [&[command, &url, "--state", &state], &signed_in[..], more].concat();
        told(&server.run(&arguments))
    }

    fn verify(&self, server: &Server) -> (Option<i32>, Value) {
        let (code, told) = self.run(server, "verify", &["--json"]);
        let report = serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}"));
        (code, report)
    }

    /// A single look; its only event.
    fn watch(&self, server: &Server) -> (Option<i32>, Value) {
        let (code, told) = self.run(server, "watch", &["--once"]);
        let event = serde_json::from_str(&told).unwrap_or_else(|e| panic!("{e}: {told}"));
        (code, event)
    }

    /// A file of the ledger, over HTTP.
    async fn get(&self, server: &Server, path: &str) -> Vec<u8> {
        let token = server.sign_in_as("ada", &self.issued).await;
        let url = format!("{}/ledger/northsea/{path}", server.http);
        let asked = reqwest::Client::new().get(url).bearer_auth(token);
        let answer = asked.send().await.unwrap().error_for_status().unwrap();
        answer.bytes().await.unwrap().to_vec()
    }
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout) + &text(&output.stderr),
    )
}

async fn record(server: &Server, device: &Device, boot: &str, count: u64) {
    for seq in 1..=count {
        let (status, receipt) = server.ingest(device, batch(boot, seq, 412.0)).await;
        assert_eq!(status, 200, "{receipt}");
    }
}

/// What is in `from`, owners and times included, in place of what is in `to`.
fn copy(from: &Path, to: &Path) {
    for item in std::fs::read_dir(to).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    let copied = Command::new("cp")
        .arg("-a")
        .args([from.join("."), to.to_owned()])
        .status();
    assert!(copied.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_with_an_account_sees_that_a_server_went_back_and_then_told_another_story() {
    let (data, backup) = (data_folder(), data_folder());
    let server = Server::start(data.path());
    server.register_site();
    let device = server.add_device("meter-7");
    let auditor = Auditor::new(&server).await;
    record(&server, &device, "b1", 3).await;
    let (code, report) = auditor.verify(&server);
    assert_eq!(
        (code, &report["trust"]),
        (Some(0), &json!("own-key")),
        "{report}"
    );
    std::fs::write(auditor.file("wrong"), "wrong").unwrap();
    let wrong = [
        "verify",
        &format!("{}/ledger/northsea", server.http),
        "--state",
        &auditor.file("state"),
        "--user",
        "ada",
        "--password-file",
        &auditor.file("wrong"),
    ];
    assert_eq!(told(&server.run(&wrong)).0, Some(2));
    server.stop();
    copy(data.path(), backup.path());

    let server = Server::start(data.path());
    record(&server, &device, "b2", 3).await;
    let (code, event) = auditor.watch(&server);
    assert_eq!(
        (code, &event["event"]),
        (Some(0), &json!("verified")),
        "{event}"
    );
    assert!(event["marks"]["whole"]["entries"].as_u64() < event["size"].as_u64());
    server.stop();
    copy(backup.path(), data.path());

    // The database and the note of how far it had come, both of before: only others can tell.
    let server = Server::start(data.path());
    let (code, event) = auditor.watch(&server);
    assert_eq!(
        (code, &event["continuity"]["kind"]),
        (Some(1), &json!("rolled-back")),
        "{event}"
    );
    assert_eq!(auditor.verify(&server).0, Some(1));

    record(&server, &device, "b3", 5).await;
    let (code, event) = auditor.watch(&server);
    assert_eq!(
        (code, &event["continuity"]["kind"]),
        (Some(1), &json!("forked")),
        "{event}"
    );
    let evidence = PathBuf::from(event["continuity"]["evidence"].as_str().unwrap());
    let policy = evidence.with_file_name("policy");
    let shown = server.run(&[
        "verify",
        evidence.to_str().unwrap(),
        "--policy",
        policy.to_str().unwrap(),
    ]);
    let (code, said) = told(&shown);
    assert!(
        code == Some(1) && said.contains("two histories"),
        "{code:?} {said}"
    );
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_verified_with_its_entry_and_with_nothing_less() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let auditor = Auditor::new(&server).await;
    for path in ["proof/1", "policy", "checkpoint"] {
        let name = path.rsplit('/').next().unwrap();
        std::fs::write(auditor.file(name), auditor.get(&server, path).await).unwrap();
    }
    let note = std::fs::read_to_string(auditor.file("checkpoint")).unwrap();
    let width: usize = note.lines().nth(1).unwrap().parse().unwrap();
    let bundle = auditor
        .get(&server, &format!("tile/entries/000.p/{width}"))
        .await;
    let entries = sealrock_ledger::decode_entries(&bundle, width).unwrap();
    std::fs::write(auditor.file("other"), entries[0]).unwrap();
    let proof = auditor.file("one.tlog-proof");
    std::fs::rename(auditor.file("1"), &proof).unwrap();

    let verify = |proof: &str, more: &[&str]| {
        let policy = auditor.file("policy");
        told(&server.run(&[&["verify", proof, "--policy", &policy], more].concat()))
    };
    let (code, said) = verify(&proof, &[]);
    assert!(
        code == Some(2) && said.contains("--entry"),
        "{code:?} {said}"
    );
    let (code, said) = verify(&proof, &["--entry", &auditor.file("other")]);
    assert!(
        code == Some(1) && said.contains("not verified"),
        "{code:?} {said}"
    );
    // The file beside the proof is its entry.
    std::fs::write(auditor.file("one.entry"), entries[1]).unwrap();
    let (code, said) = verify(&proof, &[]);
    assert!(
        code == Some(0) && said.contains("is entry 1 of"),
        "{code:?} {said}"
    );
    let text = std::fs::read_to_string(&proof).unwrap();
    let beyond = text.replacen("index 1\n", &format!("index {width}\n"), 1);
    std::fs::write(&proof, beyond).unwrap();
    let (code, said) = verify(&proof, &[]);
    assert!(
        code == Some(1) && said.contains("not verified"),
        "{code:?} {said}"
    );
    server.stop();
}
