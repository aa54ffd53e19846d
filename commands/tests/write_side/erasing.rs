//! Erasing payloads: what is refused, the entry, the rows, and crashes between the two.

use sealrock_access::Principal;
use sealrock_commands::{
    CommandError, GapsToSeal, MAX_REASON, Redaction, RegisteredDevice, WindowToSeal,
};
use sealrock_domain::DeviceId;
use sealrock_eventstore::{DroppedDay, StoreError, Why};
use sealrock_ledger::Index;
use sealrock_ledger::record::IndexRange;

use crate::fixture::{Fixture, admin, context, slug, with_a_device};

fn ranges(ranges: &[(u64, u64)]) -> Vec<IndexRange> {
    let range = |(first, last): &(u64, u64)| IndexRange::from((Index(*first), Index(*last)));
    ranges.iter().map(range).collect()
}

fn redaction(payloads: &[(u64, u64)]) -> Redaction {
    Redaction {
        payloads: ranges(payloads),
        reason: " a name in a tag ".into(),
    }
}

/// `count` batches of an hour that is sealed behind them; the index of the first.
async fn batches(f: &Fixture, device: &RegisteredDevice, count: u64) -> u64 {
    let first = unsealed(f, device, count).await;
    seal(f, device.device, (first..first + count).map(Index)).await;
    first
}

async fn seal(f: &Fixture, device: DeviceId, entries: impl Iterator<Item = Index>) {
    let window = WindowToSeal {
        device,
        hour: "2026-11-21T03".parse().unwrap(),
        entries: entries.collect(),
        supersedes: None,
    };
    let (name, org) = (slug("sealer"), slug("northsea"));
    let sealer = context(Principal::Service { name });
    let draft = f.commands.draft_seal(&sealer, &org, window).await;
    f.commands
        .seal_window(&sealer, draft.unwrap().unwrap(), GapsToSeal::default())
        .await
        .unwrap();
}

async fn unsealed(f: &Fixture, device: &RegisteredDevice, count: u64) -> u64 {
    let identity = f.sign_in(device).await;
    let mut indexes = Vec::new();
    for seq in 1..=count {
        let bytes = format!(
            r#"{{"seq":{seq},"readings":[{{"metric":"co2_ppm","at":"2026-11-21T03:00:00Z","value":{seq}}}]}}"#
        );
        let now = chrono::Utc::now();
        let sent = f
            .devices
            .record_batch(&identity, "http:/ingest", now, bytes.into_bytes())
            .await;
        indexes.push(sent.unwrap().index);
    }
    indexes[0]
}

async fn refused(f: &Fixture, payloads: &[(u64, u64)]) -> String {
    let answer = f
        .commands
        .redact(&admin(), &slug("northsea"), redaction(payloads))
        .await;
    match answer {
        Err(CommandError::Rejected(reason) | CommandError::Invalid(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Indexes whose payload is there.
async fn present(f: &Fixture) -> Vec<u64> {
    let there = f
        .entries()
        .await
        .into_iter()
        .filter(|e| e.payload.is_some());
    there.map(|recorded| recorded.entry.index.0).collect()
}

#[tokio::test]
async fn only_payloads_of_telemetry_that_are_there_can_be_redacted() {
    let (f, device) = with_a_device().await;
    let first = batches(&f, &device, 2).await;
    let kept = refused(&f, &[(first - 1, first)]).await;
    assert!(kept.contains("only payloads of telemetry"), "{kept}");
    let beyond = refused(&f, &[(first, first + 3)]).await;
    assert!(
        beyond.contains(&format!("no entry {}", first + 3)),
        "{beyond}"
    );
    assert!(refused(&f, &[]).await.contains("1 to"));
    assert!(refused(&f, &[(2, 1)]).await.contains("2..1 is no range"));
    assert!(
        refused(&f, &[(0, 1 << 40)])
            .await
            .contains("several commands")
    );
    for reason in ["  ", "two\nlines", &"x".repeat(MAX_REASON + 1)] {
        let redaction = Redaction {
            reason: reason.into(),
            ..redaction(&[(first, first)])
        };
        let answer = f
            .commands
            .redact(&admin(), &slug("northsea"), redaction)
            .await;
        assert!(matches!(answer, Err(CommandError::Invalid(_))));
    }
    assert_eq!(present(&f).await.len(), f.entries().await.len());
}

/// A verifier that finds the payload gone could not tell its `seq`.
#[tokio::test]
async fn a_batch_is_redacted_only_when_a_seal_holds_it() {
    let (f, device) = with_a_device().await;
    let first = unsealed(&f, &device, 3).await;
    seal(
        &f,
        device.device,
        [Index(first), Index(first + 1)].into_iter(),
    )
    .await;
    let early = refused(&f, &[(first, first + 2)]).await;
    assert!(
        early.contains(&format!("no seal holds entry {} yet", first + 2))
            && early.contains("sealrock seal northsea --all"),
        "{early}"
    );
    let sealed = redaction(&[(first, first + 1)]);
    f.commands
        .redact(&admin(), &slug("northsea"), sealed)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_device_may_not_redact_its_own_batches() {
    let (f, device) = with_a_device().await;
    let first = batches(&f, &device, 1).await;
    let principal = Principal::Device {
        id: device.device,
        organisation: slug("northsea"),
        site: slug("plant-1"),
        name: slug("meter-7"),
    };
    let answer = f
        .commands
        .redact(
            &context(principal),
            &slug("northsea"),
            redaction(&[(first, first)]),
        )
        .await;
    assert!(matches!(answer, Err(CommandError::Denied(_))), "{answer:?}");
}

#[tokio::test]
async fn a_redaction_is_an_entry_first_and_deleting_what_it_names_comes_after() {
    let (f, device) = with_a_device().await;
    let (first, ledger) = (batches(&f, &device, 5).await, f.ledger().await);
    let (context, org) = (admin(), slug("northsea"));
    let wanted = redaction(&[
        (first + 3, first + 3),
        (first, first),
        (first + 1, first + 1),
    ]);
    let redact = || f.commands.redact(&context, &org, wanted.clone());
    let done = redact().await.unwrap();
    assert!(!done.duplicate);
    let repeated = redact().await.unwrap();
    assert_eq!(
        (repeated.duplicate, repeated.receipt),
        (true, done.receipt.clone())
    );

    let pending = f.store.pending_erasures(&ledger).await.unwrap();
    let [erasure] = pending.as_slice() else {
        panic!("{pending:?}")
    };
    assert_eq!(erasure.index, done.receipt.first);
    assert_eq!(erasure.actor, context.principal.actor());
    assert_eq!(erasure.why, Why::Redacted("a name in a tag".into()));
    assert_eq!(
        erasure.payloads,
        ranges(&[(first, first + 1), (first + 3, first + 3)])
    );
    assert_eq!(present(&f).await.len(), f.entries().await.len());

    let entry = done.receipt.first;
    assert_eq!(f.store.erase(&ledger, entry).await.unwrap(), 3);
    let expected: Vec<u64> = (0..=entry.0)
        .filter(|index| ![first, first + 1, first + 3].contains(index))
        .collect();
    assert_eq!(present(&f).await, expected);
    assert_eq!(f.store.pending_erasures(&ledger).await.unwrap(), []);
    assert_eq!(f.store.erase(&ledger, entry).await.unwrap(), 0);
    let again = refused(&f, &[(first + 1, first + 2)]).await;
    assert!(
        again.contains(&format!("already, by entry {entry}")),
        "{again}"
    );
    assert_eq!(redact().await.unwrap().receipt, done.receipt);
}

#[tokio::test]
async fn nothing_is_deleted_that_no_entry_names() {
    let (f, device) = with_a_device().await;
    let (first, ledger) = (batches(&f, &device, 2).await, f.ledger().await);
    for entry in [Index(first), Index(first + 100)] {
        let refused = f.store.erase(&ledger, entry).await;
        assert!(matches!(refused, Err(StoreError::Fatal(_))), "{refused:?}");
    }
    let deleted = sqlx::query("DELETE FROM batch_payloads")
        .execute(f.store.pool())
        .await;
    assert!(deleted.is_err(), "the application may not delete payloads");
    assert_eq!(present(&f).await.len(), f.entries().await.len());
}

/// Of two at once, one records and the other is told so.
#[tokio::test]
async fn payloads_are_redacted_once_however_many_try() {
    let (f, device) = with_a_device().await;
    let first = batches(&f, &device, 3).await;
    let elsewhere = f.elsewhere().await;
    let (context, other) = (admin(), admin());
    let org = slug("northsea");
    let (one, two) = tokio::join!(
        f.commands
            .redact(&context, &org, redaction(&[(first, first + 1)])),
        elsewhere.redact(&other, &org, redaction(&[(first + 1, first + 2)])),
    );
    assert_eq!(
        [one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(),
        1
    );
    assert_eq!(
        f.store
            .pending_erasures(&f.ledger().await)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_erasure_that_a_crash_cut_in_half_is_pending_and_is_finished() {
    let (f, device) = with_a_device().await;
    let (first, ledger) = (batches(&f, &device, 4).await, f.ledger().await);
    let done = f
        .commands
        .redact(
            &admin(),
            &slug("northsea"),
            redaction(&[(first, first + 3)]),
        )
        .await
        .unwrap();
    let first_half = i64::try_from(first + 1).unwrap();
    sqlx::query("DELETE FROM sealrock.batch_payloads WHERE index <= $1")
        .bind(first_half)
        .execute(&f.database.admin_pool)
        .await
        .unwrap();
    let pending = f.store.pending_erasures(&ledger).await.unwrap();
    assert_eq!(pending[0].index, done.receipt.first);
    assert_eq!(f.store.erase(&ledger, pending[0].index).await.unwrap(), 2);
    assert_eq!(f.store.pending_erasures(&ledger).await.unwrap(), []);
}

#[tokio::test]
async fn a_day_is_dropped_when_its_last_payload_is_erased_and_not_while_it_is_written() {
    let (f, device) = with_a_device().await;
    batches(&f, &device, 1).await;
    let days = async || -> Vec<chrono::NaiveDate> {
        sqlx::query_scalar(
            "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i \
             JOIN pg_class c ON c.oid = i.inhrelid \
             WHERE i.inhparent = 'sealrock.batch_payloads'::regclass ORDER BY 1",
        )
        .fetch_all(f.store.pool())
        .await
        .unwrap()
    };
    let old: Vec<chrono::NaiveDate> = ["2020-01-01", "2020-01-02", "2020-01-03"]
        .map(|day| day.parse().unwrap())
        .to_vec();
    for day in &old {
        sqlx::query("SELECT ensure_batch_day($1)")
            .bind(day)
            .execute(f.store.pool())
            .await
            .unwrap();
    }
    sqlx::query(
        "INSERT INTO batch_payloads (ledger_id, index, day, media, salt, bytes) \
         VALUES (1, 999, '2020-01-02', 'application/json', '', '')",
    )
    .execute(f.store.pool())
    .await
    .unwrap();
    // Somebody reads: nothing is dropped, nobody waits long.
    let mut reading = f.store.pool().begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM batch_payloads")
        .execute(&mut *reading)
        .await
        .unwrap();
    assert_eq!(f.store.drop_empty_days().await.unwrap(), []);
    reading.rollback().await.unwrap();
    assert_eq!(f.store.drop_empty_days().await.unwrap(), [old[0], old[2]]);
    // Those of today and of the days to come, which the writer makes, stay too.
    let left = days().await;
    let today = chrono::Utc::now().date_naive();
    assert_eq!(left[0], old[1]);
    assert!(left[1..].iter().all(|day| *day >= today) && left.contains(&today));
}

/// Moves batches of a device to another day, as if they had been recorded then.
async fn move_to(f: &Fixture, indexes: std::ops::Range<u64>, day: &str) {
    let day: chrono::NaiveDate = day.parse().unwrap();
    let admin = &f.database.admin_pool;
    sqlx::query("SELECT sealrock.ensure_batch_day($1)")
        .bind(day)
        .execute(admin)
        .await
        .unwrap();
    for statement in [
        "UPDATE sealrock.batch_payloads SET day = $1 WHERE index >= $2 AND index < $3",
        "UPDATE sealrock.events SET recorded_at = $1 + interval '12 hours' \
         WHERE index >= $2 AND index < $3",
    ] {
        sqlx::query(statement)
            .bind(day)
            .bind(i64::try_from(indexes.start).unwrap())
            .bind(i64::try_from(indexes.end).unwrap())
            .execute(admin)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_day_is_dropped_whole_when_entries_erase_all_of_it_and_not_before() {
    let (f, device) = with_a_device().await;
    let (first, ledger) = (batches(&f, &device, 6).await, f.ledger().await);
    move_to(&f, first..first + 4, "2020-01-01").await;
    move_to(&f, first + 4..first + 6, "2020-01-02").await;
    let redact = async |from, to| {
        let done = f
            .commands
            .redact(&admin(), &slug("northsea"), redaction(&[(from, to)]))
            .await;
        (ledger.clone(), done.unwrap().receipt.first)
    };
    let half = redact(first, first + 1).await;
    assert_eq!(
        f.store
            .drop_erased_days(std::slice::from_ref(&half))
            .await
            .unwrap(),
        []
    );
    // Both days in one erasure, of which only one is erased to its last payload.
    let rest = redact(first + 2, first + 4).await;
    let dropped = f
        .store
        .drop_erased_days(&[half.clone(), rest.clone()])
        .await
        .unwrap();
    let day = "2020-01-01".parse().unwrap();
    assert_eq!(dropped, [DroppedDay { day, payloads: 4 }]);
    // The erasures are not finished: what the other day holds goes by itself.
    assert_eq!(f.store.pending_erasures(&ledger).await.unwrap().len(), 2);
    assert_eq!(f.store.erase(&ledger, half.1).await.unwrap(), 0);
    assert_eq!(f.store.erase(&ledger, rest.1).await.unwrap(), 1);
    assert_eq!(f.store.pending_erasures(&ledger).await.unwrap(), []);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM batch_payloads")
        .fetch_one(f.store.pool())
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_day_is_not_dropped_for_an_entry_that_does_not_erase_it() {
    let (f, device) = with_a_device().await;
    let (first, ledger) = (batches(&f, &device, 2).await, f.ledger().await);
    move_to(&f, first..first + 2, "2020-01-01").await;
    // The entry of a batch erases nothing, whoever asks.
    let asked: Result<Option<i64>, _> =
        sqlx::query_scalar("SELECT sealrock.drop_erased_batch_day('2020-01-01', $1, $2)")
            .bind(vec![ledger.id.0])
            .bind(vec![i64::try_from(first).unwrap()])
            .fetch_one(&f.database.admin_pool)
            .await;
    assert_eq!(asked.unwrap(), None);
    let no_right = sqlx::query("SELECT drop_erased_batch_day('2020-01-01', '{}', '{}')")
        .execute(f.store.pool())
        .await;
    assert!(
        no_right
            .unwrap_err()
            .to_string()
            .contains("permission denied")
    );
}
