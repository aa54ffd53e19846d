//! Programs that nobody here wrote read our exports.

use std::path::Path;
use std::process::Command;

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
