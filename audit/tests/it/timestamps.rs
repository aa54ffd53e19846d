//! Timestamps, made and verified by us and by `openssl ts`.

use std::path::Path;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use sealrock_audit::timestamp::{
    Authority, AuthorityError, TimestampError, TimestampRequest, stamped_bytes, verify,
};
use sealrock_audit::{
    Grounds, Publisher, Publishing, Selection, Stamp, export_published, verify_files,
};

use crate::authority::{OpenSsl, Stamper};
use crate::ledger::Ledger;

const NOTE: &[u8] =
    b"sealrock.test/ledger/northsea\n3\nAAAA\n\n\xe2\x80\x94 sealrock.test/ledger/northsea AAAA\n";

const EC: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_that_we_fetch_is_verified_by_openssl_and_by_us() {
    let openssl = Arc::new(OpenSsl::new(&Stamper::default()));
    let authority = Authority::new(openssl.serve().await, reqwest::Client::new());
    let before = Utc::now() - TimeDelta::seconds(2);
    let response = authority.stamp(NOTE).await.unwrap();

    assert!(openssl.verifies(&response, NOTE));
    let time = verify(&response, NOTE, &openssl.root()).unwrap();
    assert!(
        before <= time && time <= Utc::now() + TimeDelta::seconds(2),
        "{time}"
    );
}

#[test]
fn a_stamp_that_openssl_made_by_its_own_query_is_verified_with_rsa_and_with_elliptic_curves() {
    for (key, digest) in [
        (Stamper::default().key, "-sha256"),
        (Stamper::default().key, "-sha512"),
        (EC, "-sha256"),
        (EC, "-sha384"),
    ] {
        let openssl = OpenSsl::new(&Stamper {
            key,
            ..Stamper::default()
        });
        std::fs::write(openssl.path("note"), NOTE).unwrap();
        openssl.run(&[
            "ts", "-query", "-data", "note", "-sha256", "-cert", "-out", "query",
        ]);
        let query = std::fs::read(openssl.path("query")).unwrap();
        let response = openssl.reply("desk", &query, &[digest]);
        assert!(openssl.verifies(&response, NOTE));
        verify(&response, NOTE, &openssl.root())
            .unwrap_or_else(|error| panic!("{key:?} {digest}: {error}"));
    }
}

#[test]
fn a_stamp_of_a_changed_note_is_refused() {
    let (openssl, response) = stamped(&Stamper::default());
    let changed = [NOTE, b"x"].concat();
    let error = verify(&response, &changed, &openssl.root()).unwrap_err();
    assert!(matches!(error, TimestampError::OtherBytes(_)), "{error}");
}

#[test]
fn a_stamp_of_another_authority_is_refused() {
    let (_, response) = stamped(&Stamper::default());
    let other = OpenSsl::new(&Stamper::default());
    let error = verify(&response, NOTE, &other.root()).unwrap_err();
    assert!(matches!(error, TimestampError::Certificate(_)), "{error}");
    let error = verify(&response, NOTE, "no certificate").unwrap_err();
    assert!(matches!(error, TimestampError::Roots(_)), "{error}");
}

#[test]
fn a_stamp_by_a_certificate_that_had_expired_is_refused() {
    let (openssl, response) = stamped(&Stamper {
        days: ("20200101000000Z", "20200201000000Z"),
        ..Stamper::default()
    });
    let error = verify(&response, NOTE, &openssl.root()).unwrap_err();
    assert!(matches!(error, TimestampError::Certificate(_)), "{error}");
    assert!(
        error.to_string().to_lowercase().contains("expired"),
        "{error}"
    );
}

#[test]
fn a_stamp_by_a_certificate_that_is_not_for_timestamping_alone_is_refused() {
    let openssl = OpenSsl::new(&Stamper::default());
    let request = TimestampRequest::new(NOTE);
    let stamp = openssl.reply("desk", &request.to_der(), &[]);
    let resigned = |extensions| {
        let response = openssl.resign(&stamp, extensions);
        request.check(&response).unwrap();
        verify(&response, NOTE, &openssl.root())
    };
    resigned("stamping").unwrap();
    for extensions in [
        "signing_code",
        "stamping_and_code",
        "stamping_uncritical",
        "root",
    ] {
        let error = resigned(extensions).unwrap_err();
        assert!(
            matches!(error, TimestampError::Certificate(_)),
            "{extensions}: {error}"
        );
    }
}

#[test]
fn a_stamp_of_which_any_byte_is_changed_is_refused() {
    let (openssl, response) = stamped(&Stamper {
        key: EC,
        ..Stamper::default()
    });
    let root = openssl.root();
    let good = verify(&response, NOTE, &root).unwrap();
    let mut accepted = Vec::new();
    for at in 0..response.len() {
        let mut changed = response.clone();
        changed[at] ^= 1;
        // What is neither signed nor named may change without a consequence, if the time stays.
        if let Ok(time) = verify(&changed, NOTE, &root) {
            assert_eq!(time, good, "byte {at}");
            accepted.push(at);
        }
    }
    // Status, version numbers, and the list of digest algorithms are not signed.
    assert!(
        accepted.len() < 40,
        "{} of {}: {accepted:?}",
        accepted.len(),
        response.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_answers_another_request_or_is_away_is_an_error() {
    let openssl = Arc::new(OpenSsl::new(&Stamper::default()));
    let (first, second) = (TimestampRequest::new(NOTE), TimestampRequest::new(NOTE));
    let response = openssl.reply("desk", &first.to_der(), &[]);
    first.check(&response).unwrap();
    let error = second.check(&response).unwrap_err();
    assert!(matches!(error, TimestampError::OtherBytes(_)), "{error}");

    let url = openssl.serve().await.join("/nowhere").unwrap();
    let client = reqwest::Client::new();
    let error = Authority::new(url, client.clone())
        .stamp(NOTE)
        .await
        .unwrap_err();
    assert!(matches!(error, AuthorityError::Answer { .. }), "{error}");
    let away = "http://127.0.0.1:9/tsa".parse().unwrap();
    let error = Authority::new(away, client).stamp(NOTE).await.unwrap_err();
    assert!(
        matches!(error, AuthorityError::Unreachable { .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_checkpoint_is_stamped_and_one_that_was_published_without_is_stamped_later() {
    let ledger = Ledger::of(10).await;
    let openssl = Arc::new(OpenSsl::new(&Stamper::default()));
    let client = reqwest::Client::new();
    let desk = |url| {
        let publishing = Publishing {
            authority: Some(Authority::new(url, client.clone())),
            ..Publishing::plain()
        };
        Publisher::new(ledger.store.clone(), publishing, client.clone())
    };
    let away = desk("http://127.0.0.1:9/tsa".parse().unwrap());
    let published = away.publish_once(&ledger.info).await.unwrap().unwrap();
    assert_eq!((published.checkpoint.size, published.timestamp), (10, None));

    let there = desk(openssl.serve().await);
    for size in [10, 35] {
        let published = there.publish_once(&ledger.info).await.unwrap().unwrap();
        assert_eq!(published.checkpoint.size, size);
        let bytes = stamped_bytes(&published.checkpoint.note, &ledger.info.origin).unwrap();
        let response = published.timestamp.unwrap();
        verify(&response, &bytes, &openssl.root()).unwrap();
        assert!(openssl.verifies(&response, &bytes));
        let again = there.publish_once(&ledger.info).await.unwrap().unwrap();
        assert_eq!(again.timestamp, Some(response));
        ledger.grow(25).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_brings_its_stamp_and_is_verified_with_the_authorities_that_the_auditor_trusts() {
    let ledger = Ledger::of(10).await;
    let openssl = Arc::new(OpenSsl::new(&Stamper::default()));
    let client = reqwest::Client::new();
    let publishing = Publishing {
        authority: Some(Authority::new(openssl.serve().await, client.clone())),
        ..Publishing::plain()
    };
    let desk = Publisher::new(ledger.store.clone(), publishing, client);
    let place = tempfile::tempdir().unwrap();
    let (dir, archive) = (
        place.path().join("export"),
        place.path().join("export.tar.zst"),
    );
    let export = async |to: &Path| {
        desk.publish_once(&ledger.info).await.unwrap().unwrap();
        let all = Selection::default();
        export_published(&desk, &ledger.info, to, &all, &mut |_| {})
            .await
            .unwrap()
    };
    export(&dir).await;
    export(&archive).await;

    let stamp = |path: &Path, roots: Option<String>| {
        let grounds = Grounds {
            policy: None,
            timestamp_roots: roots,
        };
        let verified = verify_files(path, &grounds, &mut |_| {}).unwrap();
        (verified.is_verified(), verified.timestamp.unwrap())
    };
    for path in [&dir, &archive] {
        let (good, trusted) = stamp(path, Some(openssl.root()));
        assert!(
            good && matches!(trusted, Stamp::Trusted { .. }),
            "{trusted:?}"
        );
        assert_eq!(stamp(path, None), (true, Stamp::Unchecked));
        let other = OpenSsl::new(&Stamper::default()).root();
        let (good, refused) = stamp(path, Some(other));
        assert!(
            !good && matches!(refused, Stamp::Invalid { .. }),
            "{refused:?}"
        );
    }
    // As the auditor's guide has it: nobody but the log signed, so the note is the checkpoint.
    let stamped = std::fs::read(dir.join("checkpoint")).unwrap();
    let response = std::fs::read(dir.join("timestamp.tsr")).unwrap();
    assert!(openssl.verifies(&response, &stamped));

    // An older checkpoint's stamp is not taken for the newer one's.
    ledger.grow(10).await;
    assert_eq!(export(&dir).await.size, 20);
    assert!(stamp(&dir, Some(openssl.root())).0);
    std::fs::write(dir.join("timestamp.tsr"), &response).unwrap();
    let (good, old) = stamp(&dir, Some(openssl.root()));
    assert!(!good && matches!(old, Stamp::Invalid { .. }), "{old:?}");
}

fn stamped(stamper: &Stamper<'_>) -> (OpenSsl, Vec<u8>) {
    let openssl = OpenSsl::new(stamper);
    let request = TimestampRequest::new(NOTE);
    let response = openssl.reply("desk", &request.to_der(), &[]);
    request.check(&response).unwrap();
    (openssl, response)
}
