//! Programs that nobody here wrote read our exports.

use std::path::Path;
use std::process::Command;

use sealrock_audit::{ArchiveSource, Selection, export_selected};
use sealrock_ledger::Index;
use tempfile::tempdir;

use crate::ledger::Ledger;

/// Runs a script of tests/interop; answers what it prints. `TEST_PYTHON` may name the
/// interpreter that has the packages.
pub fn python(script: &str, arguments: &[&Path]) -> Result<String, String> {
    let python = std::env::var_os("TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(script);
    let run = Command::new(&python).arg(path).args(arguments).output();
    let run = run.unwrap_or_else(|e| panic!("{} cannot be started: {e}", python.display()));
    if run.status.success() {
        Ok(String::from_utf8(run.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&run.stderr).into_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_rfc8785_writes_every_entry_in_the_same_bytes() {
    let ledger = Ledger::of(530).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    let count = python("canonical.py", &[dir.path()]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(count, "530");
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_aics_tlog_verifies_checkpoint_tiles_inclusion_and_consistency() {
    let ledger = Ledger::of(300).await;
    let (older, newer) = (tempdir().unwrap(), tempdir().unwrap());
    ledger.export(older.path()).await;
    ledger.grow(300).await;
    ledger.export(newer.path()).await;
    let checked = python("tlog.py", &[older.path(), newer.path()]);
    assert_eq!(
        checked.unwrap_or_else(|error| panic!("{error}")),
        "300 600 4 3"
    );

    // It does look: with one byte changed it refuses.
    let tile = newer.path().join("tile/0/001");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[5] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let refused = python("tlog.py", &[older.path(), newer.path()]).unwrap_err();
    assert!(refused.contains("TileVerificationError"), "{refused}");
}

/// Runs `aics-tlog verify-inclusion` as docs/auditor.md has it; answers whether it says so, and
/// what it writes as the entry.
fn included(export: &Path, index: u64) -> (bool, Vec<u8>) {
    let python = std::env::var_os("TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let policy = std::fs::read_to_string(export.join("policy")).unwrap();
    let key = policy.lines().find_map(|line| line.strip_prefix("log "));
    let dir = tempdir().unwrap();
    let out = dir.path().join("entry");
    let run = Command::new(python)
        .args(["-m", "aics_tlog", "verify-inclusion", "--tiles"])
        .arg(export)
        .args(["--log-key", key.unwrap(), "--index", &index.to_string()])
        .arg("--entry-out")
        .arg(&out)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(!told.contains("No module named"), "{told}");
    (run.status.success(), std::fs::read(out).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_aics_tlog_verifies_the_entries_of_a_range_and_of_an_unpacked_archive() {
    let ledger = Ledger::of(800).await;
    let place = tempdir().unwrap();
    let range = Selection {
        from: Some(Index(300)),
        through: Some(Index(400)),
        ..Selection::default()
    };
    let part = place.path().join("part");
    export_selected(&ledger.store, &ledger.info, &part, &range, &mut |_| {})
        .await
        .unwrap();
    let archive = place.path().join("export.tar.zst");
    ledger.export(&archive).await;
    let archive = ArchiveSource::open(&archive).unwrap();
    for index in [0, 511, 799] {
        let (good, entry) = included(archive.path(), index);
        assert!(good, "entry {index}");
        let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
        assert_eq!(entry["index"], index);
    }
    assert!(!included(archive.path(), 800).0);

    let shown = python("range.py", &[&part]);
    assert_eq!(shown.unwrap_or_else(|error| panic!("{error}")), "256 511");
    let bundle = part.join("tile/entries/001");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let refused = python("range.py", &[&part]).unwrap_err();
    assert!(refused.contains("TileVerificationError"), "{refused}");
}

/// Which of the ledger's keys signed its newest checkpoint, by `aics-tlog`.
async fn signed_by(ledger: &Ledger) -> Vec<String> {
    let dir = tempdir().unwrap();
    let (note, keys) = (dir.path().join("note"), dir.path().join("keys"));
    let newest = ledger.store.last_checkpoint(&ledger.info).await.unwrap();
    std::fs::write(&note, newest.unwrap().note).unwrap();
    let known = ledger.store.keys(ledger.info.id).await.unwrap();
    let vkeys: Vec<_> = known.into_iter().map(|key| key.vkey + "\n").collect();
    std::fs::write(&keys, vkeys.concat()).unwrap();
    let answer = python("keys.py", &[&note, &keys]).unwrap_or_else(|error| panic!("{error}"));
    answer.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_aics_tlog_verifies_a_checkpoint_under_either_key_of_a_rotation() {
    let ledger = Ledger::of(3).await;
    let by = || sealrock_eventstore::Operator {
        actor: "service/cli".into(),
        via: "cli".into(),
    };
    assert_eq!(signed_by(&ledger).await, ["signed"]);
    ledger.store.rotate_key(&ledger.info, by()).await.unwrap();
    assert_eq!(signed_by(&ledger).await, ["signed", "signed"]);
    ledger.grow(2).await;
    assert_eq!(signed_by(&ledger).await, ["signed", "signed"]);
    ledger.store.retire_key(&ledger.info, by()).await.unwrap();
    assert_eq!(signed_by(&ledger).await, ["not signed", "signed"]);
}
