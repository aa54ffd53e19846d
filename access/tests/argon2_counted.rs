//! How much work a sign-in is, counted: a file of its own, so that nobody else is counted.
#![expect(clippy::unwrap_used)]

mod support;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sealrock_access::accounts::create_first_admin;
use sealrock_testkit::database;

use support::{client, gate, proof};

fn hashes(recorder: &PrometheusHandle) -> u64 {
    let shown = recorder.render();
    let line = shown
        .lines()
        .find_map(|line| line.strip_prefix("sealrock_password_hashes_total "));
    line.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_sign_in_is_one_hash_for_known_and_unknown_names_right_and_wrong_passwords_alike() {
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let pool = database().await.pool;
    let admin = create_first_admin(&pool).await.unwrap().unwrap();
    let gate = gate(&pool);
    for (name, password) in [
        ("admin", admin.password.reveal()),
        ("admin", "wrong"),
        ("admin", ""),
        ("nobody", "wrong"),
        ("no name at all", "wrong"),
        ("", ""),
    ] {
        let before = hashes(&recorder);
        let entered = gate
            .enter(proof(name, password, None), &client(), true)
            .await;
        assert_eq!(entered.is_ok(), password == admin.password.reveal());
        assert_eq!(hashes(&recorder) - before, 1, "{name:?} {password:?}");
    }
    // Who is kept out costs nothing, known or not.
    for name in ["admin", "nobody"] {
        for _ in 0..20 {
            let guess = gate
                .enter(proof(name, "wrong", None), &client(), false)
                .await;
            guess.unwrap_err();
        }
        let before = hashes(&recorder);
        let guess = gate
            .enter(proof(name, "wrong", None), &client(), false)
            .await;
        guess.unwrap_err();
        assert_eq!(hashes(&recorder), before, "{name}");
    }
}
