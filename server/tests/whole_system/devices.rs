//! `sealrock simulate` against a real server: simulated devices, and a recording.

use std::path::Path;

use crate::support::{Server, data_folder};

#[test]
fn simulated_devices_publish_until_every_batch_is_acknowledged() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let file = data.path().join("devices.json");
    // Two objects one after the other, as two calls of `device add --json >> devices.json` leave.
    let devices = [server.add_device("meter-1"), server.add_device("meter-2")];
    let lines: Vec<String> = devices.iter().map(|device| device.0.to_string()).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();

    let file = file.to_str().unwrap();
    let arguments = [
        "simulate",
        "--credentials",
        file,
        "--batches",
        "3",
        "--interval",
        "50ms",
    ];
    let said = server.command(&arguments);
    assert!(said.contains("6 acknowledged"), "{said}");
    // Organisation, site, two devices, six batches.
    let status = server.command(&["projections", "status"]);
    assert!(status.contains("/10 entries"), "{status}");
}

#[test]
fn a_recording_is_played_by_its_mapping_and_bad_rows_are_counted() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../simulator/tests");
    let (csv, mapping) = (recordings.join("small.csv"), recordings.join("small.toml"));
    let names = std::fs::read_to_string(&mapping).unwrap();
    let mut names: Vec<&str> = names
        .lines()
        .filter_map(|line| line.strip_prefix("device = \"")?.strip_suffix('"'))
        .collect();
    names.sort_unstable();
    names.dedup();
    let credentials: Vec<String> = names
        .iter()
        .map(|name| server.add_device(name).0.to_string())
        .collect();
    let file = data.path().join("devices.json");
    std::fs::write(&file, credentials.join("\n")).unwrap();

    let said = server.command(&[
        "simulate",
        "--credentials",
        file.to_str().unwrap(),
        "--replay",
        csv.to_str().unwrap(),
        "--mapping",
        mapping.to_str().unwrap(),
    ]);
    assert!(said.contains("3 bad rows"), "{said}");
    assert!(said.contains("0 unanswered"), "{said}");
}

#[test]
fn load_is_offered_by_mqtt_and_by_http_and_what_became_durable_is_reported() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let add = "device add --org northsea --site plant-1 --name load --source simulator --json";
    let printed = ["--count 2", "--count 3 --from 3"].map(|numbers| {
        let arguments: Vec<_> = add.split(' ').chain(numbers.split(' ')).collect();
        server.command(&arguments)
    });
    let printed = printed.concat();
    assert_eq!(printed.lines().count(), 3, "{printed}");
    let file = data.path().join("devices.json");
    std::fs::write(&file, printed).unwrap();

    let load = "--devices 3 --rate 60 --for 1s --readings 7 --json";
    for over in ["mqtt", "http"] {
        let file = file.to_str().unwrap();
        let mut arguments = vec!["simulate", "--credentials", file, "--over", over];
        arguments.extend(load.split(' '));
        let report: serde_json::Value = serde_json::from_str(&server.command(&arguments)).unwrap();
        assert_eq!(report["offered"], 60, "{report}");
        assert_eq!(report["acknowledged"], 60, "{report}");
        assert_eq!(report["failed"], 0, "{report}");
    }
    // Organisation, site, three devices, sixty batches twice.
    let status = server.command(&["projections", "status"]);
    assert!(status.contains("/125 entries"), "{status}");
}
