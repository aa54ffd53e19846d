//! A recording played through a real broker.
#![expect(clippy::unwrap_used)]

mod broker;

use std::fs::File;
use std::path::{Path, PathBuf};

use broker::{TestBroker, credential, free_port};
use sealrock_simulator::replay::{
    BadRows, Mapping, ReplayError, ReplayOptions, RowError, Rows, replay,
};
use sealrock_simulator::{ProgressSink, stop};

fn small() -> (PathBuf, Mapping) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    (
        tests.join("small.csv"),
        Mapping::parse(include_str!("small.toml")).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn good_rows_are_published_and_bad_ones_reported_with_their_line() {
    let broker = TestBroker::start(free_port()).await;
    let credentials = ["meter", "flow-meter"].map(|name| credential(name, broker.address));
    let (file, mapping) = small();
    let (progress, (_handle, stop)) = (ProgressSink::default(), stop());
    let options = ReplayOptions {
        rate: Some(100.0),
        ..ReplayOptions::default()
    };
    let report = replay(&file, mapping, &credentials, options, &progress, &stop)
        .await
        .unwrap();

    assert_eq!(
        (report.rows, report.readings, report.batches),
        (3, 5, 5),
        "{report}"
    );
    assert_eq!((report.bad_rows, report.unanswered), (3, 0));
    assert_eq!(progress.get().acknowledged, 5);
    let bad: Vec<_> = report.first_bad.iter().map(ToString::to_string).collect();
    assert_eq!(bad[0], "line 3: `oops` for electric_power is no number");
    assert_eq!(bad[1], "line 5: 2 fields instead of 4");
    assert!(
        bad[2].starts_with("line 6: `31/2/2024 10:45` is no time"),
        "{}",
        bad[2]
    );

    let taken = broker.taken.lock().unwrap();
    let of_meter = taken
        .iter()
        .filter(|(topic, _)| topic == "sealrock/v1/demo/site/meter/batch");
    let readings: Vec<_> = of_meter
        .map(|(_, bytes)| serde_json::from_slice::<serde_json::Value>(bytes).unwrap())
        .map(|batch| {
            format!(
                "{} {} {}",
                batch["seq"], batch["readings"][0]["at"], batch["readings"][0]["value"]
            )
        })
        .collect();
    let expected = [
        r#"1 "2024-02-01T09:00:00.000Z" 1500.0"#,
        r#"2 "2024-02-01T09:30:00.000Z" 2500.0"#,
        r#"3 "2024-02-01T23:00:00.000Z" 4500.0"#,
    ];
    assert_eq!(readings, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_stops_the_replay_when_asked_to() {
    let broker = TestBroker::start(free_port()).await;
    let credentials = ["meter", "flow-meter"].map(|name| credential(name, broker.address));
    let (file, mapping) = small();
    let (progress, (_handle, stop)) = (ProgressSink::default(), stop());
    let options = ReplayOptions {
        bad_rows: BadRows::Stop,
        ..ReplayOptions::default()
    };
    let error = replay(&file, mapping, &credentials, options, &progress, &stop)
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("line 3:"), "{error}");
    assert_eq!(
        progress.get().acknowledged,
        2,
        "the row before it was published"
    );
}

#[tokio::test]
async fn a_missing_credential_is_named_before_anything_is_published() {
    let (file, mapping) = small();
    let (progress, (_handle, stop)) = (ProgressSink::default(), stop());
    let error = replay(
        &file,
        mapping,
        &[],
        ReplayOptions::default(),
        &progress,
        &stop,
    )
    .await;
    assert!(matches!(error, Err(ReplayError::NoCredential(name)) if name.as_str() == "flow-meter"));
}

#[test]
fn a_file_that_lacks_a_mapped_column_is_refused_with_its_header() {
    let (_, mapping) = small();
    let error = Rows::open("when,Power\n".as_bytes(), mapping)
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        error,
        "the file has no column Flow; its header is: when, Power"
    );
}

#[test]
fn a_file_without_header_or_times_is_read_by_numbers_and_steps() {
    let mapping = Mapping::builtin("gas-turbine-stack-2015").unwrap();
    let line = "1.9532,1020.1,84.985,2.5304,20.116,1048.7,544.92,116.27,10.799,7.4491,113.25\n";
    let file = format!("\u{feff}{line}broken\n{line}");
    let mut rows = Rows::open(file.as_bytes(), mapping).unwrap();
    let first = rows.next_row().unwrap().unwrap();
    assert_eq!(first.readings.values().map(Vec::len).sum::<usize>(), 8);
    assert!(matches!(rows.next_row(), Some(Err(RowError::Bad(bad))) if bad.line == 2));
    let third = rows.next_row().unwrap().unwrap();
    assert_eq!(
        (third.at - first.at).num_hours(),
        2,
        "a bad row keeps its hour"
    );
    assert!(rows.next_row().is_none());
}

/// The recordings are not part of the project; where they lie is told by
/// `SEALROCK_RECORDINGS`. Run with `cargo test -- --ignored`.
#[test]
#[ignore = "needs the recordings, which are not in the repository"]
fn the_whole_recordings_fit_their_mappings() {
    let folder = PathBuf::from(std::env::var_os("SEALROCK_RECORDINGS").unwrap());
    for name in Mapping::builtin_names() {
        let file = File::open(folder.join(format!("{name}.csv"))).unwrap();
        let mut rows = Rows::open(file, Mapping::builtin(name).unwrap()).unwrap();
        let mut last = None;
        while let Some(row) = rows.next_row() {
            let at = row.unwrap().at;
            assert!(last < Some(at), "{name}: {at} does not follow {last:?}");
            last = Some(at);
        }
    }
}
