//! Ledgers that are read by their URL, from servers of files that know nothing of ledgers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::{StatusCode, Uri};
use sealrock_audit::{
    CannotRun, Cause, Continuity, Event, EventKind, Extent, Grounds, Outcome, Selection, Stop,
    Trust, UrlSource, Verified, Watch, Watcher, export_selected, look, read_policy, verify_files,
    verify_fork,
};
use sealrock_ledger::Index;
use sealrock_ledger::verify::{Note, Source};
use tempfile::{TempDir, tempdir};
use tower_http::compression::CompressionLayer;

use crate::ledger::{Ledger, append, event};

/// What is new, after a whole look of today.
const NEW: Extent = Extent::New {
    whole_every: Duration::from_hours(24),
};

/// Serves the files of a folder, packed where the client can unpack.
pub async fn serve(folder: &Path) -> SocketAddr {
    let app = Router::new()
        .fallback(file)
        .with_state(folder.to_owned())
        .layer(CompressionLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn file(Shared(folder): Shared<PathBuf>, uri: Uri) -> Result<Vec<u8>, StatusCode> {
    let path = folder.join(uri.path().trim_start_matches('/'));
    tokio::fs::read(path)
        .await
        .map_err(|_| StatusCode::NOT_FOUND)
}

/// An auditor at work: a server of files, and a folder for what he keeps.
struct Auditor {
    files: TempDir,
    state: TempDir,
    url: String,
}

impl Auditor {
    async fn new() -> Self {
        let files = tempdir().unwrap();
        std::fs::create_dir_all(files.path().join("ledger")).unwrap();
        let address = serve(files.path()).await;
        Self {
            files,
            state: tempdir().unwrap(),
            url: format!("http://{address}/ledger/northsea"),
        }
    }

    /// Where the server's files of the ledger are.
    fn folder(&self) -> PathBuf {
        self.files.path().join("ledger/northsea")
    }

    /// Puts an export of that ledger in the place of the one before.
    async fn show(&self, ledger: &Ledger) {
        let _ = std::fs::remove_dir_all(self.folder());
        ledger.export(&self.folder()).await;
    }

    async fn look(&self, extent: Extent) -> Result<Verified, CannotRun> {
        self.look_with(Grounds::default(), extent).await
    }

    async fn look_with(&self, grounds: Grounds, extent: Extent) -> Result<Verified, CannotRun> {
        let (url, state) = (self.url.clone(), self.state.path().to_owned());
        tokio::task::spawn_blocking(move || {
            let source = UrlSource::open(&url, None).unwrap();
            let stop = Arc::new(AtomicBool::new(false));
            look(&source, &grounds, &state, extent, &stop, &mut |_| {})
        })
        .await
        .unwrap()
    }

    fn watch(&self) -> Watch {
        Watch {
            grounds: Grounds::default(),
            state: self.state.path().to_owned(),
            interval: Duration::from_millis(10),
            whole_every: Duration::from_hours(24),
            away_after: Duration::from_hours(1),
            still_after: None,
        }
    }

    /// What a watcher tells when it looks so many times.
    async fn watched(&self, watch: Watch, times: usize) -> (Vec<Event>, Outcome) {
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || {
            let source = UrlSource::open(&url, None).unwrap();
            let mut watcher = Watcher::new(&watch, source);
            let (mut told, mut outcome) = (Vec::new(), Outcome::Good);
            for _ in 0..times {
                outcome = watcher.once(&Stop::default(), &mut |event| told.push(event));
            }
            (told, outcome)
        })
        .await
        .unwrap()
    }
}

fn causes(verified: &Verified) -> Vec<(Cause, Option<Index>)> {
    let findings = verified.report.findings.iter();
    findings.map(|one| (one.cause, one.index)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_on_any_server_of_files_is_verified_by_its_url_and_followed() {
    let (ledger, auditor) = (Ledger::of(300).await, Auditor::new().await);
    auditor.show(&ledger).await;
    let first = auditor.look(Extent::Whole).await.unwrap();
    assert!(first.is_verified(), "{first:?}");
    assert_eq!((first.report.size, first.trust), (300, Trust::OwnKey));
    assert_eq!(first.continuity, Some(Continuity::First));

    ledger.grow(300).await;
    ledger.export(&auditor.folder()).await;
    let second = auditor.look(NEW).await.unwrap();
    assert!(second.is_verified(), "{second:?}");
    assert_eq!(
        (second.report.size, second.trust),
        (600, Trust::FirstContact)
    );
    assert_eq!(second.continuity, Some(Continuity::Continues { from: 300 }));
    let read = second.report.shown.scope.unwrap().range.unwrap();
    assert_eq!((read.first, read.last), (Index(300), Index(599)));

    let grounds = Grounds {
        policy: Some(read_policy(&auditor.folder().join("policy")).unwrap()),
        timestamp_roots: None,
    };
    let given = auditor.look_with(grounds, Extent::Whole).await.unwrap();
    assert_eq!(
        (given.trust, given.report.shown.entries),
        (Trust::Given, 600)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_tile_that_was_filled_meanwhile_is_cut_from_the_full_one() {
    let (ledger, auditor) = (Ledger::of(300).await, Auditor::new().await);
    auditor.show(&ledger).await;
    let kept = ["checkpoint", "tile/1/000.p/1"].map(|name| {
        let path = auditor.folder().join(name);
        (std::fs::read(&path).unwrap(), path)
    });
    ledger.grow(300).await;
    auditor.show(&ledger).await;
    // As a server may: a partial tile goes when the full one is there.
    for (bytes, path) in kept {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let seen = auditor.look(Extent::Whole).await.unwrap();
    assert!(seen.is_verified(), "{seen:?}");
    assert_eq!(seen.report.size, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_on_the_server_is_found_in_what_is_new() {
    let (ledger, auditor) = (Ledger::of(300).await, Auditor::new().await);
    auditor.show(&ledger).await;
    assert!(auditor.look(NEW).await.unwrap().is_verified());
    ledger.grow(300).await;
    auditor.show(&ledger).await;
    let path = auditor.folder().join("payloads/001");
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for extent in [NEW, Extent::Whole, NEW] {
        let seen = auditor.look(extent).await.unwrap();
        assert_eq!(causes(&seen), [(Cause::PayloadChanged, Some(Index(511)))]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_after_it_was_verified_is_found_by_the_next_whole_look_and_held_until_mended()
 {
    let (ledger, auditor) = (Ledger::of(600).await, Auditor::new().await);
    auditor.show(&ledger).await;
    assert!(auditor.look(NEW).await.unwrap().is_verified());
    let path = auditor.folder().join("payloads/000");
    let honest = std::fs::read(&path).unwrap();
    let mut bytes = honest.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let new = auditor.look(NEW).await.unwrap();
    assert!(new.is_verified(), "{new:?}");
    let due = Extent::New {
        whole_every: Duration::ZERO,
    };
    for extent in [due, NEW] {
        let seen = auditor.look(extent).await.unwrap();
        assert_eq!(causes(&seen), [(Cause::PayloadChanged, Some(Index(255)))]);
        let marks = seen.marks.unwrap();
        assert_eq!((marks.entries, marks.whole), (600, None));
    }
    std::fs::write(&path, honest).unwrap();
    let mended = auditor.look(NEW).await.unwrap();
    assert!(mended.is_verified(), "{mended:?}");
    assert_eq!(mended.marks.unwrap().whole.unwrap().entries, 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_it_holds_a_part_is_not_believed_and_moves_no_mark() {
    let ledger = Ledger::of(600).await;
    let range = Selection {
        from: Some(Index(512)),
        ..Selection::default()
    };
    let only = Selection {
        only: vec!["telemetry/2".into()],
        ..Selection::default()
    };
    for (selection, cause) in [
        (range, Cause::BundleMissing),
        (only, Cause::PayloadWithheld),
    ] {
        let auditor = Auditor::new().await;
        let (store, folder) = (&ledger.store, auditor.folder());
        export_selected(store, &ledger.info, &folder, &selection, &mut |_| {})
            .await
            .unwrap();
        for extent in [Extent::Whole, NEW] {
            let seen = auditor.look(extent).await.unwrap();
            assert!(!seen.is_verified());
            let found: Vec<_> = causes(&seen).into_iter().map(|(cause, _)| cause).collect();
            assert!(found.contains(&cause), "{found:?}");
            let told = |note: &Note| note.code == "part-of-a-ledger";
            assert!(seen.report.notes.iter().any(told), "{:?}", seen.report);
            let marks = seen.marks.unwrap();
            assert_eq!((marks.entries, marks.whole), (0, None));
        }
    }

    // Nor does a scope hide anything of a ledger that was seen whole before.
    let auditor = Auditor::new().await;
    auditor.show(&ledger).await;
    assert!(auditor.look(NEW).await.unwrap().is_verified());
    ledger.grow(300).await;
    auditor.show(&ledger).await;
    std::fs::remove_file(auditor.folder().join("payloads/002")).unwrap();
    let scope = br#"{"from":768,"through":899}"#;
    std::fs::write(auditor.folder().join("scope"), scope).unwrap();
    let seen = auditor.look(NEW).await.unwrap();
    assert_eq!(causes(&seen), [(Cause::PayloadMissing, Some(Index(512)))]);
    assert_eq!(seen.marks.unwrap().entries, 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_history_under_the_same_key_is_filed_as_evidence_that_proves_itself() {
    for sizes in [(300, 300), (300, 600), (5, 700)] {
        let (ledger, auditor) = (Ledger::of(sizes.0).await, Auditor::new().await);
        let twin = ledger.fork(sizes.1).await;
        auditor.show(&ledger).await;
        assert!(auditor.look(Extent::Whole).await.unwrap().is_verified());
        auditor.show(&twin).await;
        let seen = auditor.look(Extent::Whole).await.unwrap();
        assert!(!seen.is_verified());
        let Some(Continuity::Forked { from, evidence }) = seen.continuity else {
            panic!("{sizes:?}: {:?}", seen.continuity)
        };
        assert_eq!(from, sizes.0 as u64);
        let policy = read_policy(&auditor.folder().join("policy")).unwrap();
        let fork = verify_fork(&evidence, &policy).unwrap();
        assert_eq!(fork.newer.size, sizes.1 as u64, "{fork}");

        // The first history stays the one that is held against.
        auditor.show(&ledger).await;
        assert!(auditor.look(Extent::Whole).await.unwrap().is_verified());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_than_before_is_no_continuation() {
    let (ledger, auditor) = (Ledger::of(300).await, Auditor::new().await);
    let old = tempdir().unwrap();
    ledger.export(&old.path().join("export")).await;
    ledger.grow(10).await;
    auditor.show(&ledger).await;
    assert!(auditor.look(Extent::Whole).await.unwrap().is_verified());
    std::fs::remove_dir_all(auditor.folder()).unwrap();
    std::fs::rename(old.path().join("export"), auditor.folder()).unwrap();
    let seen = auditor.look(NEW).await.unwrap();
    assert_eq!(seen.continuity, Some(Continuity::RolledBack { from: 310 }));
    assert!(!seen.is_verified() && seen.report.is_verified());
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_that_are_not_the_signed_tree_prove_nothing_and_are_named() {
    let (ledger, auditor) = (Ledger::of(300).await, Auditor::new().await);
    auditor.show(&ledger).await;
    assert!(auditor.look(Extent::Whole).await.unwrap().is_verified());
    ledger.grow(300).await;
    auditor.show(&ledger).await;
    let path = auditor.folder().join("tile/0/001");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let seen = auditor.look(Extent::Whole).await.unwrap();
    let unproven = matches!(
        seen.continuity,
        Some(Continuity::Unproven { from: 300, .. })
    );
    assert!(unproven, "{:?}", seen.continuity);
    assert_eq!(causes(&seen), [(Cause::TileChanged, Some(Index(257)))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_cannot_fill_the_auditors_memory() {
    let app = Router::new()
        .fallback(|| async {
            let chunk = Ok::<_, std::convert::Infallible>(vec![0; 65_536]);
            Body::from_stream(futures::stream::repeat(chunk))
        })
        .layer(CompressionLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let refused = tokio::task::spawn_blocking(move || {
        let source = UrlSource::open(&format!("http://{address}/"), None).unwrap();
        ["checkpoint", "tile/0/000"].map(|path| source.get(path).unwrap_err().to_string())
    })
    .await
    .unwrap();
    assert!(
        refused[0].contains("more than 1048576 bytes"),
        "{refused:?}"
    );
    assert!(refused[1].contains("more than 8192 bytes"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_of_a_mebibyte_go_all_the_way() {
    let (ledger, auditor) = (Ledger::of(10).await, Auditor::new().await);
    for _ in 0..5 {
        let mut append = append(vec![event(0)]);
        append.events[0].bytes = format!("\"{}\"", "p".repeat((1 << 20) - 2)).into_bytes();
        ledger.store.append(ledger.info.id, append).await.unwrap();
    }
    auditor.show(&ledger).await;
    let seen = auditor.look(Extent::Whole).await.unwrap();
    assert_eq!(
        (seen.report.findings, seen.report.shown.payloads),
        (vec![], 15)
    );

    let archive = auditor.state.path().join("large.tar.zst");
    ledger.export(&archive).await;
    let packed = verify_files(&archive, &Grounds::default(), &mut |_| {}).unwrap();
    assert_eq!(
        (packed.report.findings, packed.report.shown.payloads),
        (vec![], 15)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_tells_what_is_new_and_an_alarm_once() {
    let (ledger, auditor) = (Ledger::of(300).await, Auditor::new().await);
    auditor.show(&ledger).await;
    let (told, outcome) = auditor.watched(auditor.watch(), 2).await;
    assert_eq!(outcome, Outcome::Good);
    let [Event { kind, .. }] = &told[..] else {
        panic!("{told:#?}")
    };
    assert!(matches!(
        kind,
        EventKind::Verified {
            size: 300,
            from: Index(0),
            ..
        }
    ));
    let line = serde_json::to_value(&told[0]).unwrap();
    assert_eq!(
        (&line["event"], &line["size"], &line["marks"]["entries"]),
        (&"verified".into(), &300.into(), &300.into())
    );
    assert_eq!(line["marks"]["whole"]["entries"], 300, "{line}");
    assert_eq!(line["facts"]["seals"], 0, "{line}");

    ledger.grow(10).await;
    auditor.show(&ledger).await;
    let (told, _) = auditor.watched(auditor.watch(), 2).await;
    let [event] = &told[..] else {
        panic!("{told:#?}")
    };
    let line = serde_json::to_value(event).unwrap();
    assert_eq!((&line["from"], &line["size"]), (&300.into(), &310.into()));
    assert_eq!(line["marks"]["entries"], 310, "{line}");
    assert_eq!(line["marks"]["whole"]["entries"], 300, "{line}");
    let unread = |note: &serde_json::Value| note["code"] == "only-new-read";
    assert!(
        line["notes"].as_array().unwrap().iter().any(unread),
        "{line}"
    );

    let twin = ledger.fork(400).await;
    auditor.show(&twin).await;
    let (told, outcome) = auditor.watched(auditor.watch(), 3).await;
    assert_eq!(outcome, Outcome::Alarm);
    let [Event { kind, .. }] = &told[..] else {
        panic!("{told:#?}")
    };
    assert!(kind.is_alarm());
    assert!(matches!(
        kind,
        EventKind::Discontinued {
            continuity: Continuity::Forked { .. },
            ..
        }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_wakes_somebody_when_a_ledger_is_away_or_rests_for_too_long() {
    let (ledger, auditor) = (Ledger::of(3).await, Auditor::new().await);
    auditor.show(&ledger).await;
    let mut watch = auditor.watch();
    watch.still_after = Some(Duration::ZERO);
    watch.away_after = Duration::ZERO;
    std::fs::remove_file(auditor.folder().join("checkpoint")).unwrap();
    let (told, outcome) = auditor.watched(watch, 2).await;
    assert_eq!(outcome, Outcome::Unknown);
    assert!(
        matches!(
            &told[..],
            [Event {
                kind: EventKind::Away { .. },
                ..
            }]
        ),
        "{told:#?}"
    );
}
