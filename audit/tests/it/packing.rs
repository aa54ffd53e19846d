//! Exports of a part of a ledger, and in one file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sealrock_audit::{
    ArchiveSource, ExportError, Exported, Grounds, Selection, Verified, export_selected,
    verify_files,
};
use sealrock_eventstore::{Append, Expected, NewEvent, Retention};
use sealrock_ledger::record::{PayloadRedacted, Record, stream_of};
use sealrock_ledger::verify::Scope;
use sealrock_ledger::{Index, Slot, decode_payloads};
use tempfile::tempdir;

use crate::ledger::{Ledger, append, files};

fn range(from: u64, through: Option<u64>) -> Selection {
    Selection {
        from: Some(Index(from)),
        through: through.map(Index),
        only: Vec::new(),
    }
}

fn only(stream: &str) -> Selection {
    Selection {
        only: vec![stream.to_owned()],
        ..Selection::default()
    }
}

async fn try_export(
    ledger: &Ledger,
    to: &Path,
    selection: &Selection,
) -> Result<Exported, ExportError> {
    export_selected(&ledger.store, &ledger.info, to, selection, &mut |_| {}).await
}

async fn export(ledger: &Ledger, to: &Path, selection: &Selection) -> Exported {
    try_export(ledger, to, selection).await.unwrap()
}

/// An entry that erases the payloads `first` to `last`, as the ledger's own stream records it; the
/// payloads themselves stay.
async fn redact(ledger: &Ledger, first: u64, last: u64) {
    let record = PayloadRedacted {
        payloads: vec![(Index(first), Index(last)).into()],
        reason: "a name in a tag".into(),
    };
    let event = NewEvent {
        stream: stream_of(&ledger.info.name),
        expected: Expected::Any,
        kind: PayloadRedacted::KIND.into(),
        schema: PayloadRedacted::SCHEMA,
        media: "application/json".into(),
        bytes: serde_json::to_vec(&record).unwrap(),
        retention: Retention::Kept,
    };
    let append: Append = append(vec![event]);
    ledger.store.append(ledger.info.id, append).await.unwrap();
}

fn slots(dir: &Path, bundle: &str, width: usize) -> Vec<Slot> {
    let bytes = fs::read(dir.join("payloads").join(bundle)).unwrap();
    decode_payloads(&bytes, width).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_holds_its_bundles_and_the_tiles_that_authenticate_them() {
    let ledger = Ledger::of(800).await;
    let dir = tempdir().unwrap();
    let exported = export(&ledger, dir.path(), &range(300, Some(400))).await;
    assert_eq!(exported.scope.range, Some((Index(256), Index(511)).into()));
    let names: Vec<String> = files(dir.path()).into_keys().collect();
    let expected = [
        "checkpoint",
        "payloads/001",
        "policy",
        "scope",
        "tile/0/001",
        "tile/0/003.p/32",
        "tile/1/000.p/3",
        "tile/entries/001",
    ];
    assert_eq!(names, expected);
    let scope = fs::read_to_string(dir.path().join("scope")).unwrap();
    assert_eq!(scope, r#"{"from":256,"through":511}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_may_grow_and_becomes_the_whole_ledger_byte_for_byte() {
    let ledger = Ledger::of(700).await;
    let dir = tempdir().unwrap();
    export(&ledger, dir.path(), &range(600, None)).await;
    assert_eq!(slots(dir.path(), "002.p/188", 188).len(), 188);
    ledger.grow(400).await;
    let exported = export(&ledger, dir.path(), &range(512, None)).await;
    assert_eq!(exported.scope.range, Some((Index(512), Index(1099)).into()));
    assert!(!dir.path().join("tile/entries/002.p").exists());

    let smaller = try_export(&ledger, dir.path(), &range(1024, None)).await;
    let refused = smaller.unwrap_err().to_string();
    assert!(refused.contains(r#""from":512"#), "{refused}");

    export(&ledger, dir.path(), &Selection::default()).await;
    let fresh = tempdir().unwrap();
    ledger.export(fresh.path()).await;
    assert_eq!(files(dir.path()), files(fresh.path()));
    let part = try_export(&ledger, dir.path(), &range(512, None)).await;
    assert!(matches!(part, Err(ExportError::OtherScope { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_has_no_entry_is_refused() {
    let ledger = Ledger::of(10).await;
    for selection in [range(10, None), range(5, Some(4))] {
        let dir = tempdir().unwrap();
        let refused = try_export(&ledger, dir.path(), &selection).await;
        assert!(matches!(
            refused,
            Err(ExportError::NoRange { size: 10, .. })
        ));
    }
    let all = range(0, Some(u64::MAX));
    let exported = export(&ledger, tempdir().unwrap().path(), &all).await;
    assert_eq!(exported.scope.range, Some((Index(0), Index(9)).into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_package_shows_every_entry_and_the_payloads_of_its_streams_alone() {
    let ledger = Ledger::of(300).await;
    let (dir, whole) = (tempdir().unwrap(), tempdir().unwrap());
    export(&ledger, dir.path(), &only("telemetry/2")).await;
    ledger.export(whole.path()).await;
    let (part, whole) = (files(dir.path()), files(whole.path()));
    for (name, bytes) in &whole {
        assert_eq!(
            part[name] == *bytes,
            !name.starts_with("payloads/"),
            "{name}"
        );
    }
    assert_eq!(
        part["scope"],
        br#"{"only":["ledger/northsea","telemetry/2"]}"#
    );
    for (index, slot) in slots(dir.path(), "000", 256).iter().enumerate() {
        let shown = index % 3 != 0 && index % 5 == 2;
        assert_eq!(slot.shown().is_some(), shown, "{index}");
        assert!(shown || *slot == Slot::Withheld, "{index}");
    }

    let full = try_export(&ledger, dir.path(), &Selection::default()).await;
    assert!(matches!(full, Err(ExportError::OtherScope { .. })));
    let other = try_export(&ledger, dir.path(), &only("telemetry/1")).await;
    assert!(matches!(other, Err(ExportError::OtherScope { .. })));
    let unknown = try_export(&ledger, tempdir().unwrap().path(), &only("telemetry/x")).await;
    assert!(matches!(unknown, Err(ExportError::UnknownStream { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_that_an_entry_erased_since_are_taken_out_of_an_older_export() {
    let ledger = Ledger::of(600).await;
    let dir = tempdir().unwrap();
    ledger.export(dir.path()).await;
    assert!(
        slots(dir.path(), "000", 256)
            .iter()
            .all(|slot| slot.shown().is_some())
    );

    // Not yet deleted in the database: the entry counts.
    redact(&ledger, 10, 11).await;
    ledger.export(dir.path()).await;
    let slots = slots(dir.path(), "000", 256);
    let erased: BTreeSet<usize> = (0..256).filter(|at| slots[*at] == Slot::Erased).collect();
    assert_eq!(erased, BTreeSet::from([10, 11]));

    let fresh = tempdir().unwrap();
    ledger.export(fresh.path()).await;
    assert_eq!(files(dir.path()), files(fresh.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_holds_the_files_of_the_directory_and_is_the_same_each_time() {
    let ledger = Ledger::of(300).await;
    let place = tempdir().unwrap();
    let dir = place.path().join("export");
    ledger.export(&dir).await;
    let [one, two] = ["one.tar.zst", "two.tar.zst"].map(|name| place.path().join(name));
    ledger.export(&one).await;
    ledger.export(&two).await;
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let unpacked = ArchiveSource::open(&one).unwrap();
    assert_eq!(files(unpacked.path()), files(&dir));

    let again = try_export(&ledger, &one, &Selection::default()).await;
    assert!(matches!(again, Err(ExportError::Exists(_))));
    let names: BTreeSet<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        names,
        BTreeSet::from(["export", "one.tar.zst", "two.tar.zst"].map(String::from))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_a_damaged_ledger_is_not_left_behind() {
    let ledger = Ledger::of(300).await;
    ledger.damage("DELETE FROM events WHERE index = 5").await;
    let place = tempdir().unwrap();
    let to = place.path().join("export.tar.zst");
    let refused = try_export(&ledger, &to, &Selection::default()).await;
    assert!(matches!(refused, Err(ExportError::Damaged(_))));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);

    // What a killed run left is overwritten.
    let ledger = Ledger::of(3).await;
    fs::write(place.path().join("export.tar.zst.exporting"), "half").unwrap();
    ledger.export(&to).await;
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    ArchiveSource::open(&to).unwrap();
    assert_eq!(Scope::default(), export_scope(&to));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_an_archive_and_a_redacted_package_verify_and_say_what_they_show() {
    let ledger = Ledger::of(800).await;
    let place = tempdir().unwrap();
    let archive = place.path().join("year.tar.zst");
    export(&ledger, &archive, &range(300, Some(400))).await;
    let packed = verified(&archive);
    assert_eq!(packed.report.findings, []);
    assert_eq!(
        (packed.report.size, packed.report.shown.entries),
        (800, 256)
    );

    let dir = place.path().join("stream");
    export(&ledger, &dir, &only("telemetry/2")).await;
    let redacted = verified(&dir);
    assert_eq!(redacted.report.findings, []);
    let shown = &redacted.report.shown;
    assert_eq!((shown.entries, shown.payloads + shown.withheld), (800, 800));
    assert!(shown.payloads > 0 && shown.withheld > shown.payloads);

    // A payload that is promised and withheld is a finding.
    fs::remove_file(dir.join("scope")).unwrap();
    assert!(!verified(&dir).is_verified());
}

fn verified(path: &Path) -> Verified {
    verify_files(path, &Grounds::default(), &mut |_| {}).unwrap()
}

fn export_scope(archive: &Path) -> Scope {
    let unpacked = ArchiveSource::open(archive).unwrap();
    match fs::read(unpacked.path().join("scope")) {
        Ok(bytes) => Scope::from_bytes(&bytes).unwrap(),
        Err(_) => Scope::default(),
    }
}
