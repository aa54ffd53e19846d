//! TLS to the broker, and a certificate instead of a password.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sealrock_ingest::ExternalConfig;
use sealrock_testkit::{Mosquitto, database};
use tempfile::TempDir;

use crate::support::*;

/// Runs openssl in the folder.
fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl is installed");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// An authority, and what it has signed: `broker` for this machine, and `node`.
pub fn authority() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        at,
        &format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=authority -days 2"),
    );
    std::fs::write(at.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    for name in ["broker", "node"] {
        openssl(
            at,
            &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"),
        );
        openssl(
            at,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -extfile names"
            ),
        );
    }
    folder
}

#[tokio::test]
async fn a_broker_behind_tls_that_asks_for_a_certificate_is_consumed() {
    let files = authority();
    let file = |name: &str| -> PathBuf { files.path().join(name) };
    let mosquitto = Mosquitto::start_with(|_| {
        let at = files.path().display();
        format!(
            "{}\nallow_anonymous false\ncafile {at}/ca.pem\ncertfile {at}/broker.pem\nkeyfile {at}/broker.key\nrequire_certificate true\nuse_identity_as_username true",
            LASTING.join("\n")
        )
    });
    let url = format!("mqtts://{}", mosquitto.address()).parse().unwrap();
    let known = ExternalConfig {
        url,
        ca: Some(file("ca.pem")),
        certificate: Some((file("node.pem"), file("node.key"))),
        ..config(&mosquitto, "node-1")
    };
    let asked = sealrock_ingest::probe(&known).await;
    assert!(asked.is_ok(), "{asked:?} {}", mosquitto.log());
    let world = World::on(database().await.pool).await;
    let broker = world.consume_connected(&known).await;
    broker.stop(Duration::from_secs(10)).await;

    // One without a certificate is not let in, and one that does not know the authority stays out.
    for stranger in [
        ExternalConfig {
            certificate: None,
            ..known.clone()
        },
        ExternalConfig {
            ca: None,
            ..known.clone()
        },
    ] {
        assert!(sealrock_ingest::probe(&stranger).await.is_err());
    }
    let missing = ExternalConfig {
        ca: Some(file("missing.pem")),
        ..known
    };
    let error = sealrock_ingest::probe(&missing)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("missing.pem"), "{error}");
}
