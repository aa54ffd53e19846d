//! A capture, an injection and a credit, from devices and people to an auditor's check.

use std::time::Duration;

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::chain::{Chain, Step, Who, code, figures, measured_hour};
use crate::support::{Server, data_folder};

/// Who asks what, and the code with which it is refused.
type Refusal = (Who, Step, &'static str);

/// What is refused right after a step, each for another reason.
fn refusals(chain: &Chain, after: &str) -> Vec<Refusal> {
    let steps = chain.steps();
    let step = |name: &str| steps.iter().find(|step| step.name == name).unwrap().clone();
    match after {
        "capture" => captures(
            chain,
            &step("capture"),
            &step("capture-corrected"),
            &step("capture-approved"),
        ),
        "capture-approved" => {
            let late = step("capture-corrected").but("late", json!({ "capturedKg": "35999" }));
            let record = step("capture").but("once-more", json!({}));
            vec![("otto", late, "LOCKED"), ("otto", record, "LOCKED")]
        }
        "permit" => vec![
            (
                "otto",
                step("start").but("early", json!({})),
                "NOT_IN_FORCE",
            ),
            ("sigrid", step("permit-approved"), "FORBIDDEN"),
            (
                "hanna",
                step("permit-approved").but("no-such", json!({ "proposal": 7 })),
                "REJECTED",
            ),
        ],
        "injection" => injections(
            &step("injection"),
            &step("injection-corrected"),
            &step("injection-approved"),
        ),
        "injection-approved" => {
            let late = step("injection-corrected")
                .but("injection-late", json!({ "figures": figures("35699") }));
            vec![("otto", late, "LOCKED")]
        }
        "credits-20" => {
            let request = step("credits-20");
            vec![
                (
                    "vera",
                    request.but("credits-16", json!({ "tonnes": 16 })),
                    "LIMIT_EXCEEDED",
                ),
                (
                    "vera",
                    request.but("credits-0", json!({ "tonnes": 0 })),
                    "OUT_OF_RANGE",
                ),
                (
                    "sigrid",
                    request.but("credits-1", json!({ "tonnes": 1 })),
                    "FORBIDDEN",
                ),
                ("vera", step("credits-20-issued"), "FORBIDDEN"),
                (
                    "olaf",
                    request.but("credits-2", json!({ "tonnes": 2 })),
                    "FORBIDDEN",
                ),
            ]
        }
        "credits-20-issued" => {
            let mut refuse = step("credits-10-refused").but("credits-20-refused", json!({}));
            refuse.needs = Some(("issuance", "credits-20"));
            let again = step("credits-20-issued").but("credits-20-again", json!({}));
            vec![("ruth", refuse, "LOCKED"), ("ruth", again, "LOCKED")]
        }
        _ => Vec::new(),
    }
}

fn captures(chain: &Chain, record: &Step, correct: &Step, approve: &Step) -> Vec<Refusal> {
    let (first, second) = (measured_hour(chain.day, 0), measured_hour(chain.day, 1));
    let wrong = |name, changed: Value| record.but(name, changed);
    vec![
        (
            "otto",
            wrong("overlap", json!({ "from": second })),
            "OVERLAP",
        ),
        (
            "otto",
            wrong("negative", json!({ "capturedKg": "-1" })),
            "BAD_USER_INPUT",
        ),
        (
            "otto",
            wrong("tonnes", json!({ "capturedKg": "36 t" })),
            "UNIT_MISMATCH",
        ),
        (
            "otto",
            wrong(
                "too-much",
                json!({ "capturedKg": "999999", "to": first - TimeDelta::hours(1), "from": first - TimeDelta::hours(2) }),
            ),
            "LIMIT_EXCEEDED",
        ),
        (
            "otto",
            wrong("no-unit", json!({ "unit": "unit-9" })),
            "NOT_FOUND",
        ),
        (
            "otto",
            wrong("no-device", json!({ "devices": ["gauge-1"] })),
            "NOT_FOUND",
        ),
        (
            "otto",
            correct.but("no-record", json!({ "from": second })),
            "NOT_FOUND",
        ),
        ("otto", approve.but("own-capture", json!({})), "FORBIDDEN"),
        ("sigrid", wrong("not-hers", json!({})), "FORBIDDEN"),
        ("olaf", wrong("not-his", json!({})), "FORBIDDEN"),
    ]
}

fn injections(record: &Step, correct: &Step, approve: &Step) -> Vec<Refusal> {
    let with = |name, figure: &str, value: &str| {
        let mut figures = figures("35700");
        figures[figure] = json!(value);
        correct.but(name, json!({ "figures": figures }))
    };
    // More than the 40 t of a day, though it could go in at this rate.
    let mut large = figures("40000.001");
    large["maxRateTPerH"] = json!("14");
    let above = correct.but("mass", json!({ "figures": large }));
    vec![
        ("otto", record.but("day-again", json!({})), "OVERLAP"),
        (
            "otto",
            record.but("no-well", json!({ "well": "well-9" })),
            "NOT_FOUND",
        ),
        ("otto", above, "LIMIT_EXCEEDED"),
        (
            "otto",
            with("rate", "maxRateTPerH", "15.1"),
            "LIMIT_EXCEEDED",
        ),
        (
            "otto",
            with("wellhead", "maxWellheadPressureMpa", "10.9"),
            "LIMIT_EXCEEDED",
        ),
        (
            "otto",
            with("annulus", "minAnnulusPressureMpa", "9.2"),
            "LIMIT_EXCEEDED",
        ),
        ("otto", with("impossible", "hours", "25"), "OUT_OF_RANGE"),
        (
            "otto",
            with("bar", "maxWellheadPressureMpa", "92 bar"),
            "UNIT_MISMATCH",
        ),
        ("otto", approve.but("own-day", json!({})), "FORBIDDEN"),
        ("olaf", approve.but("others-day", json!({})), "FORBIDDEN"),
    ]
}

/// That each is refused with its code, and that nothing was recorded in either ledger.
async fn assert_refused(chain: &Chain, server: &Server, refusals: Vec<Refusal>) {
    let entries = async || {
        let own = chain.entries(server, "northsea").await;
        (own, chain.entries(server, "greenregister").await)
    };
    let before = entries().await;
    let mut wrong = Vec::new();
    for (who, step, expected) in refusals {
        let answer = chain.try_as(server, who, &step).await;
        if code(&answer) != Some(expected) {
            wrong.push(format!("{} as {who} is no {expected}: {answer}", step.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(entries().await, before, "what was refused was recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_chain_is_walked_by_graphql_alone_what_is_wrong_is_refused_and_all_verifies() {
    let data = data_folder();
    let server = Server::start(data.path());
    let chain = Chain::begin(&server).await;
    assert!(chain.publish(&server.mqtt).await);
    Chain::seal(&server);
    for step in chain.steps() {
        let payload = chain.take(&server, &step).await.unwrap();
        assert_eq!(payload["duplicate"], false, "{}", step.name);
        // The registry's ledger moves by itself: what is refused there is looked at when it stands.
        if step.name.starts_with("credits") {
            chain
                .settled_but(&server, step.keeps.map_or(0, |_| 1))
                .await;
        }
        assert_refused(&chain, &server, refusals(&chain, step.name)).await;
    }
    chain.assert_done(&server).await;
    for step in chain.steps() {
        let payload = chain.take(&server, &step).await.unwrap();
        assert_eq!(payload["duplicate"], true, "{}", step.name);
    }
    chain.assert_done(&server).await;
    server.stop();
}

/// How often the server is killed while the chain is walked.
const KILLS: u32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_whose_server_is_killed_at_random_moments_ends_as_any_other() {
    let seed: u64 =
        std::env::var("CHAIN_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("CHAIN_SEED={seed} repeats it");
    let mut random = StdRng::seed_from_u64(seed);
    let data = data_folder();
    let mut server = Server::start(data.path());
    let chain = Chain::begin(&server).await;
    server.kill_after(Duration::from_millis(random.gen_range(0..300)));
    while !chain.publish(&server.mqtt).await {
        server.kill();
        server = Server::start(data.path());
    }
    server.kill();
    server = Server::start(data.path());
    Chain::seal(&server);

    let steps = chain.steps();
    let mut at = 0;
    for _ in 0..KILLS {
        server.kill_after(Duration::from_millis(random.gen_range(0..1_500)));
        while at < steps.len() && chain.take(&server, &steps[at]).await.is_some() {
            at += 1;
        }
        server.kill();
        server = Server::start(data.path());
        // People do not know what was recorded: some of it is asked for once more.
        at = random.gen_range(0..=at);
    }
    for step in &steps[at..] {
        chain.take(&server, step).await.unwrap();
    }
    chain.assert_done(&server).await;
    server.stop();
}
