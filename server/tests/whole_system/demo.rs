//! The demonstration: its people and devices go on where they were, however often it is killed, and
//! what docs/tour.md says of its books can be pasted.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use sealrock_ledger::{TilePath, decode_payloads};
use serde_json::{Value, json};

use crate::support::{Server, chosen_for, data_folder};

/// How long two simulated days may take on a busy machine.
const LATER: Duration = Duration::from_mins(5);
/// What the people record of one day, and what they do once, by the type of its entry.
const FACTS: [(&str, usize); 13] = [
    ("CaptureUnitRegistered", 2),
    ("WellRegistered", 4),
    ("PermitLimitsProposed", 2),
    ("PermitLimitsSet", 2),
    ("MitRecorded", 4),
    ("InjectionStarted", 2),
    ("EmissionTargetSet", 3),
    ("CaptureRecorded", 2),
    ("CaptureDayApproved", 2),
    ("InjectionDayRecorded", 2),
    ("InjectionDayApproved", 2),
    ("NetMassRecorded", 2),
    ("RangeReserved", 1),
];

/// How many entries of a type there are, and who caused them.
async fn entries(server: &Server, token: &str, kind: &str) -> (usize, Vec<String>) {
    let query = "query($type: String!) { ledgerEntries(ledger: \"demo\", type: $type, first: 50) {
        nodes { actor } } }";
    let answer = server
        .graphql(Some(token), query, json!({ "type": kind }))
        .await;
    let nodes = answer["data"]["ledgerEntries"]["nodes"].as_array();
    let nodes = nodes.unwrap_or_else(|| panic!("{answer}"));
    let actors = nodes.iter().map(|node| node["actor"].as_str().unwrap());
    (nodes.len(), actors.map(str::to_owned).collect())
}

/// Waits until the demonstration publishes live.
async fn until_live(server: &Server, since: DateTime<Utc>) {
    let token = server.sign_in().await;
    let query = "{ site(organisation: \"demo\", slug: \"northsea-storage\") {
        devices { nodes { name latest { at } } } } }";
    let begun = Instant::now();
    loop {
        let answer = server.graphql(Some(&token), query, json!({})).await;
        let devices = answer["data"]["site"]["devices"]["nodes"].as_array();
        let devices = devices.unwrap_or_else(|| panic!("{answer}"));
        let is_live = |device: &Value| {
            let at = device["latest"][0]["at"].as_str();
            at.is_some_and(|at| at.parse::<DateTime<Utc>>().unwrap() > since)
        };
        if devices.len() == 4 && devices.iter().all(is_live) {
            return;
        }
        assert!(begun.elapsed() < LATER, "not live: {answer}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The readings of every batch of an export that verifies: how often there is one of a metric at a
/// time. The capture unit that signs has a frame around its batches.
fn readings(server: &Server) -> BTreeMap<(String, DateTime<Utc>), usize> {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("demo");
    let path = export.to_str().unwrap();
    server.command(&["export", "demo", path]);
    server.command(&["verify", path]);
    server.command(&["fsck", "demo"]);
    let checkpoint = std::fs::read_to_string(export.join("checkpoint")).unwrap();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let mut readings = BTreeMap::new();
    for (n, width) in TilePath::bundles(size) {
        let file = export.join(TilePath::Payloads { n, width }.to_string());
        let count = usize::try_from(width).unwrap();
        for payload in decode_payloads(&std::fs::read(file).unwrap(), count).unwrap() {
            let Some(shown) = payload.shown() else {
                continue;
            };
            let framed = shown.bytes.first() == Some(&1);
            let batch = if framed {
                &shown.bytes[73..]
            } else {
                &shown.bytes[..]
            };
            let Ok(batch) = serde_json::from_slice::<Value>(batch) else {
                continue;
            };
            for reading in batch["readings"].as_array().into_iter().flatten() {
                let metric = reading["metric"].as_str().unwrap().to_owned();
                let at = reading["at"].as_str().unwrap().parse().unwrap();
                *readings.entry((metric, at)).or_default() += 1;
            }
        }
    }
    readings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_that_is_killed_goes_on_and_no_fact_or_reading_is_there_twice() {
    let data = data_folder();
    let today = Utc::now().date_naive().and_time(NaiveTime::MIN).and_utc();
    // The older of the two days is the people's; yesterday is left to who looks at it.
    let options = ["--days", "2", "--day", "8s"];
    let mut server = Server::demo(data.path(), &options);
    let password = server.admin_password.clone();
    for milliseconds in [2_500, 6_000, 4_000] {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        server.kill();
        server = Server::demo(data.path(), &options);
        server.admin_password.clone_from(&password);
    }
    let begun = Instant::now();
    while entries(&server, &server.sign_in().await, "RangeReserved")
        .await
        .0
        == 0
    {
        assert!(begun.elapsed() < LATER, "the people's day is not done");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // Once more, when everything is done and nothing may be done again.
    server.kill();
    let restarted = Utc::now();
    server = Server::demo(data.path(), &options);
    server.admin_password = password;
    until_live(&server, restarted).await;

    let token = server.sign_in().await;
    for (kind, expected) in FACTS {
        let (found, actors) = entries(&server, &token, kind).await;
        assert_eq!(found, expected, "{kind}");
        assert!(
            actors.iter().all(|actor| actor.starts_with("user/")),
            "{actors:?}"
        );
    }
    let recorder = entries(&server, &token, "InjectionDayRecorded").await.1;
    let approver = entries(&server, &token, "InjectionDayApproved").await.1;
    assert_ne!(recorder[0], approver[0], "a second person approves");

    let readings = readings(&server);
    let twice = readings
        .iter()
        .find(|((metric, _), count)| metric == "wellhead_pressure" && **count > 2);
    assert_eq!(twice, None, "two wells have a wellhead each");
    for (metric, devices) in [
        ("captured_mass_flow", 2),
        ("co2_emission_rate", 3),
        ("battery_soc", 1),
    ] {
        for n in 0..2 * 288 {
            let at = today - Days::new(2) + TimeDelta::minutes(5 * n);
            let found = readings.get(&(metric.to_owned(), at));
            assert_eq!(found, Some(&devices), "{metric} at {at}");
        }
    }
    server.stop();
}

/// The shell blocks of a section of docs/tour.md.
fn blocks(section: &str) -> Vec<String> {
    let tour = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tour.md");
    let tour = std::fs::read_to_string(tour).unwrap();
    let mut found = tour.split("\n## ").filter(|part| part.starts_with(section));
    let part = found
        .next()
        .unwrap_or_else(|| panic!("the tour has no section {section}"));
    let fenced = part.split("\n```sh\n").skip(1);
    fenced
        .map(|block| block.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// Pastes blocks into a shell that stands where the tour's stands; what it prints.
fn paste(server: &Server, data: &Path, blocks: &[String]) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(data, folder.path().join("sealrock-data")).unwrap();
    let password = chosen_for(server.admin_password.as_deref().unwrap());
    let http = &server.http;
    let settings = blocks.join("\n");
    // The tour's own address and password stand for what the demonstration printed.
    let script = settings
        .lines()
        .filter(|line| !line.starts_with("SEALROCK="))
        .fold(
            format!("SEALROCK={http} PASSWORD='{password}'"),
            |script, line| script + "\n" + line,
        );
    // What waits in vain ends, and what it said is told.
    let output = Command::new("timeout")
        .arg(LATER.as_secs().to_string())
        .args(["bash", "-euo", "pipefail", "-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
    said
}

/// The credits that the registry issued, as an administrator sees them.
async fn holdings(server: &Server) -> Value {
    let query = "{ holdings(registry: \"demo-registry\") {
        nodes { serials quantityTonnes provenance { ledger indexes } } } }";
    let token = server.sign_in().await;
    let answer = server.graphql(Some(&token), query, json!({})).await;
    answer["data"]["holdings"]["nodes"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tours_books_are_kept_by_what_can_be_pasted_and_outlive_a_kill() {
    let data = data_folder();
    let options = ["--days", "2", "--day", "8s"];
    let mut server = Server::demo(data.path(), &options);
    let password = server.admin_password.clone();
    until_live(&server, Utc::now()).await;
    let begun = Instant::now();
    while holdings(&server).await.as_array().is_none_or(Vec::is_empty) {
        assert!(
            begun.elapsed() < LATER,
            "the people's credits are not issued"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let settings = blocks("4. Ask").into_iter().take(1);
    let said = paste(
        &server,
        data.path(),
        &settings.chain(blocks("6. ")).collect::<Vec<_>>(),
    );
    for expected in [
        "\"role\":\"HQ_MANAGER\"",
        "\"capturedTonnes\":",
        "\"slug\":\"injector-1\"",
        "\"injectedTonnes\":",
        "\"rank\":1",
        "\"freeKg\":",
        "\"serials\":\"SR:demo-registry:demo:northsea-storage:",
        "\"sealedHours\":24",
        "\"evidence\":24",
        "\"code\":\"FORBIDDEN\"",
        "\"creditable\":true",
        "\"type\":\"CreditsIssued\"",
    ] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    let issued = holdings(&server).await;
    assert_eq!(issued.as_array().map(Vec::len), Some(2), "{issued}");

    server.kill();
    server = Server::demo(data.path(), &options);
    server.admin_password = password;
    assert_eq!(holdings(&server).await, issued);
    for ledger in ["demo", "demo-registry"] {
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join(ledger);
        let path = export.to_str().unwrap();
        server.command(&["export", ledger, path]);
        assert!(server.command(&["verify", path]).contains("verified"));
        server.command(&["fsck", ledger]);
    }
    server.stop();
}
