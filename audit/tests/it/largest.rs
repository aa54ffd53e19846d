//! The largest entry that the format has room for.

use std::path::Path;

use sealrock_audit::{Grounds, UrlSource, Verified, verify_directory, verify_files, verify_source};

use crate::remote::serve;
use crate::sample::Draft;

/// Bytes of an entry, of which the length before it can tell.
const MOST: usize = 65_535;

/// An export whose entry 260 has this many bytes.
fn write(dir: &Path, bytes: usize) {
    let draft = Draft::with(300, |entry| {
        entry.stream = entry.stream.replace("telemetry", "sample");
        entry.kind = "SampleTaken".into();
        if entry.index.0 == 260 {
            entry.via.clear();
            let rest = bytes - entry.to_bytes().unwrap().len();
            entry.via = "x".repeat(rest);
        }
    });
    assert_eq!(draft.entries[260].len(), bytes);
    for (path, bytes) in draft.sign().map {
        let file = dir.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

fn assert_whole(verified: &Verified) {
    assert_eq!(verified.report.findings, []);
    let shown = &verified.report.shown;
    assert_eq!((shown.entries, shown.payloads), (300, 300));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_65535_bytes_is_verified_from_a_directory_and_by_url() {
    let files = tempfile::tempdir().unwrap();
    let dir = files.path().join("ledger/northsea");
    write(&dir, MOST);
    assert_whole(&verify_directory(&dir, None, &mut |_| {}).unwrap());
    assert_whole(&verify_files(&dir, &Grounds::default(), &mut |_| {}).unwrap());

    let url = format!("http://{}/ledger/northsea", serve(files.path()).await);
    let read = tokio::task::spawn_blocking(move || {
        let source = UrlSource::open(&url, None).unwrap();
        verify_source(&source, &Grounds::default(), &mut |_| {}).unwrap()
    });
    assert_whole(&read.await.unwrap());
}
