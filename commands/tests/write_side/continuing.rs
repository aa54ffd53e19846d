//! A ledger whose history was lost in part, and its organisation that goes on in another one.

use std::path::PathBuf;

use sealrock_commands::{AGGREGATES, BatchError, BatchReceipt, CommandError, Redaction};
use sealrock_eventstore::{Continued, Operator};
use sealrock_ledger::record::IndexRange;
use sealrock_ledger::{Hash, Index, LogKey};
use tempfile::TempDir;

use crate::batches::{json, record};
use crate::fixture::{Fixture, admin, asset, device, organisation, slug, with_a_device};

/// A checkpoint that the ledger signed, of five entries more than there are.
async fn copy_that_is_ahead(f: &Fixture) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = f.ledger().await;
    let secret = std::fs::read_to_string(f.keys.path().join("northsea.key")).unwrap();
    let key = LogKey::from_secret(&secret, &ledger.origin).unwrap();
    let size = f.store.size(ledger.id).await.unwrap();
    let ahead = key.sign(size + 5, Hash([9; 32])).unwrap();
    let file = folder.path().join("checkpoint");
    std::fs::write(&file, ahead.note).unwrap();
    (folder, file)
}

pub async fn proceed(f: &Fixture) -> Continued {
    let (_folder, copy) = copy_that_is_ahead(f).await;
    let by = Operator {
        actor: "service/cli".into(),
        via: "cli".into(),
    };
    let name = "northsea-2".parse().unwrap();
    let reason = (&[copy][..], "the disk failed".to_owned());
    f.store
        .continue_ledger(&f.ledger().await, &name, &AGGREGATES, reason, by)
        .await
        .unwrap()
}

#[tokio::test]
async fn devices_and_people_go_on_in_the_ledger_that_continues_theirs() {
    let (f, registered) = with_a_device().await;
    let session = f.sign_in(&registered).await;
    record(&f, &session, &json(r#""seq":1,"#, 1.0))
        .await
        .unwrap();
    let continued = proceed(&f).await;
    assert_eq!(continued.carried, 4);
    let new = continued.ledger;

    // A session from before, and a new one.
    let receipt = record(&f, &session, &json(r#""seq":2,"#, 2.0))
        .await
        .unwrap();
    assert_eq!(
        (receipt.ledger.as_str(), receipt.index),
        (new.origin.as_str(), 5)
    );
    let session = f.sign_in(&registered).await;
    assert_eq!(session.ledger, new.id);
    let receipt = record(&f, &session, &json(r#""seq":3,"#, 3.0))
        .await
        .unwrap();
    assert_eq!(receipt.index, 6);

    // What was registered is there, and stays taken.
    f.commands
        .register_device(&admin(), device("meter-8"))
        .await
        .unwrap();
    let elsewhere = f.elsewhere().await;
    elsewhere
        .register_asset(&admin(), asset("stack-2"))
        .await
        .unwrap();
    let taken = elsewhere.register_asset(&admin(), asset("stack-1")).await;
    assert!(matches!(taken, Err(CommandError::Rejected(_))), "{taken:?}");
    assert_eq!(f.store.size(new.id).await.unwrap(), 9);
    assert_eq!(f.store.size(f.ledger().await.id).await.unwrap(), 5);
}

#[tokio::test]
async fn a_batch_that_the_old_ledger_has_gets_its_receipt_from_there_and_is_not_stored_again() {
    let (f, registered) = with_a_device().await;
    let session = f.sign_in(&registered).await;
    let sent = json(r#""seq":1,"#, 1.0);
    let first = record(&f, &session, &sent).await.unwrap();
    let new = proceed(&f).await.ledger;
    let again = record(&f, &session, &sent).await.unwrap();
    let duplicate = true;
    assert_eq!(again, BatchReceipt { duplicate, ..first });
    let other = record(&f, &session, &json(r#""seq":1,"#, 2.0)).await;
    assert!(
        matches!(other, Err(BatchError::Conflict { .. })),
        "{other:?}"
    );
    assert_eq!(f.store.size(new.id).await.unwrap(), 5);
}

#[tokio::test]
async fn nothing_of_a_ledger_that_another_one_continues_can_be_erased() {
    let (f, registered) = with_a_device().await;
    let session = f.sign_in(&registered).await;
    let sent = record(&f, &session, &json(r#""seq":1,"#, 1.0)).await;
    let index = Index(sent.unwrap().index);
    let redaction = Redaction {
        payloads: vec![IndexRange::from((index, index))],
        reason: "test".into(),
    };
    proceed(&f).await;
    let (by, org, payloads) = (admin(), slug("northsea"), redaction.payloads.clone());
    let retain = f
        .commands
        .apply_retention(&by, &org, chrono::Utc::now(), &payloads);
    for refused in [f.commands.redact(&by, &org, redaction).await, retain.await] {
        assert!(
            matches!(&refused, Err(CommandError::Rejected(why)) if why.contains("is closed")
                && why.contains("northsea-2 continues it")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn the_name_of_a_continuation_is_no_organisations_name() {
    let (f, _) = with_a_device().await;
    proceed(&f).await;
    let refused = f
        .commands
        .register_organisation(&admin(), organisation("northsea-2"))
        .await;
    assert!(
        matches!(&refused, Err(CommandError::Rejected(why)) if why.contains("choose another name")),
        "{refused:?}"
    );
    let taken = f
        .commands
        .register_organisation(&admin(), organisation("northsea"))
        .await;
    assert!(matches!(taken, Err(CommandError::Rejected(_))), "{taken:?}");
}
