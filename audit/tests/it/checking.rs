use sealrock_audit::{Code, FsckFinding, FsckReport};

use crate::ledger::Ledger;

async fn fsck(ledger: &Ledger) -> FsckReport {
    sealrock_audit::fsck(
        &ledger.store,
        &ledger.info,
        sealrock_audit::Pace::Full,
        &mut |_| {},
    )
    .await
    .unwrap()
}

/// Damages a ledger of 300 entries; answers what fsck finds.
async fn found_after(damage: &str) -> Vec<FsckFinding> {
    let ledger = Ledger::of(300).await;
    ledger.damage(damage).await;
    fsck(&ledger).await.findings
}

/// Expects one finding, and that it names the place.
async fn must_show(damage: &str, code: Code, place: &str) {
    let findings = found_after(damage).await;
    let [finding] = &findings[..] else {
        panic!("{damage}: {findings:#?}")
    };
    assert_eq!(
        (finding.code, finding.place.as_str()),
        (code, place),
        "{damage}: {finding}"
    );
    assert!(!finding.next_step.is_empty());
}

/// Flips a bit of a bytea column.
fn flip(table: &str, column: &str, byte: u32, row: &str) -> String {
    format!(
        "UPDATE {table} SET {column} = \
         set_byte({column}, {byte}, get_byte({column}, {byte}) # 1) WHERE {row}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undamaged_ledger_has_no_findings_at_any_size() {
    let ledger = Ledger::empty().await;
    assert_eq!(fsck(&ledger).await.findings, []);
    for size in [1, 256, 300, 530] {
        let before = usize::try_from(ledger.store.size(ledger.info.id).await.unwrap()).unwrap();
        ledger.grow(size - before).await;
        let report = fsck(&ledger).await;
        assert_eq!(report.findings, [], "size {size}");
        assert_eq!(
            (report.size, report.origin),
            (size as u64, ledger.info.origin.clone())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_while_appends_go_on_finds_nothing() {
    let ledger = Ledger::of(300).await;
    let (report, ()) = tokio::join!(fsck(&ledger), ledger.grow(200));
    assert_eq!(report.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_another_ledger_are_not_looked_at() {
    let ledger = Ledger::of(30).await;
    let name = "southsea".parse().unwrap();
    let kind = sealrock_eventstore::LedgerKind::Operational;
    let other = ledger
        .store
        .create_ledger(&name, kind, false)
        .await
        .unwrap();
    ledger.damage("DELETE FROM events WHERE index = 7").await;
    let report = sealrock_audit::fsck(
        &ledger.store,
        &other,
        sealrock_audit::Pace::Full,
        &mut |_| {},
    )
    .await
    .unwrap();
    assert_eq!(report.findings, []);
    assert!(!fsck(&ledger).await.findings.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_entry_is_named() {
    for index in [0, 255, 256, 299] {
        let damage = flip("events", "entry", 12, &format!("index = {index}"));
        must_show(
            &damage,
            Code::EntryChanged,
            &format!("events index {index}"),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_leaf_hash_is_named() {
    for index in [0, 256, 299] {
        let damage = flip("events", "leaf_hash", 12, &format!("index = {index}"));
        must_show(
            &damage,
            Code::LeafHashChanged,
            &format!("events index {index}"),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_rewritten_together_with_its_leaf_hash_is_found_by_what_was_signed() {
    let entry = flip("events", "entry", 12, "index = 270");
    let hash = "UPDATE events SET leaf_hash = sha256('\\x00'::bytea || entry) WHERE index = 270";
    let findings = found_after(&format!("{entry}; {hash}")).await;
    let found: Vec<_> = findings
        .iter()
        .map(|f| (f.code, f.place.as_str()))
        .collect();
    assert!(
        found.contains(&(Code::EntryMisplaced, "events index 271")),
        "{findings:#?}"
    );
    assert!(
        found.contains(&(Code::RootMismatch, "checkpoints size 275")),
        "{findings:#?}"
    );
    let roots = findings
        .iter()
        .filter(|f| f.code == Code::RootMismatch)
        .count();
    assert_eq!(
        roots, 1,
        "later roots differ for the same reason: {findings:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_differ_from_the_entry_are_found() {
    for (column, value) in [
        ("stream", "'asset/other'"),
        ("version", "4000"),
        ("type", "'Other'"),
        ("recorded_at", "recorded_at + interval '1 microsecond'"),
    ] {
        let damage = format!("UPDATE events SET {column} = {value} WHERE index = 270");
        must_show(&damage, Code::ColumnDiffers, "events index 270").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_entries_are_found_and_their_payloads_are_strays() {
    let findings = found_after("DELETE FROM events WHERE index BETWEEN 270 AND 272").await;
    let missing = findings
        .iter()
        .find(|f| f.code == Code::EventMissing)
        .unwrap();
    assert_eq!(missing.place, "events index 270");
    assert_eq!(missing.through, Some(sealrock_ledger::Index(272)));
    let stray = findings
        .iter()
        .find(|f| f.code == Code::PayloadStray)
        .unwrap();
    assert_eq!(stray.place, "payloads index 270");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_tail_is_found() {
    let findings = found_after("DELETE FROM events WHERE index >= 280").await;
    let missing = findings
        .iter()
        .find(|f| f.code == Code::EventMissing)
        .unwrap();
    assert_eq!(missing.place, "events index 280");
    assert_eq!(missing.through, Some(sealrock_ledger::Index(299)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_payload_is_named() {
    // Of the test's entries, those whose index 3 divides are kept, the others are batches.
    for (table, index) in [("payloads", 270), ("batch_payloads", 271)] {
        let (row, place) = (format!("index = {index}"), format!("{table} index {index}"));
        must_show(&flip(table, "bytes", 2, &row), Code::PayloadChanged, &place).await;
        must_show(&flip(table, "salt", 2, &row), Code::PayloadChanged, &place).await;
        let media = format!("UPDATE {table} SET media = 'text/plain' WHERE {row}");
        must_show(&media, Code::PayloadChanged, &place).await;
        let salt = format!("UPDATE {table} SET salt = '\\x00' WHERE {row}");
        must_show(&salt, Code::PayloadChanged, &place).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_payload_is_named() {
    must_show(
        "DELETE FROM payloads WHERE index = 270",
        Code::PayloadMissing,
        "payloads index 270",
    )
    .await;
    let batch = "DELETE FROM batch_payloads WHERE index = 271";
    must_show(batch, Code::PayloadMissing, "batch_payloads index 271").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_without_an_entry_is_found() {
    let of = |table: &str, columns: &str| {
        format!(
            "INSERT INTO {table} (ledger_id, index, {columns}) SELECT ledger_id, 999, {columns} FROM {table} ORDER BY index LIMIT 1"
        )
    };
    let kept = of("payloads", "media, salt, bytes");
    must_show(&kept, Code::PayloadStray, "payloads index 999").await;
    let batch = of("batch_payloads", "day, media, salt, bytes");
    must_show(&batch, Code::PayloadStray, "batch_payloads index 999").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_in_the_wrong_table_or_day_or_twice_is_found() {
    let to_kept = "INSERT INTO payloads SELECT ledger_id, index, media, salt, bytes \
                   FROM batch_payloads WHERE index = 271";
    let wrong_table = format!("{to_kept}; DELETE FROM batch_payloads WHERE index = 271");
    must_show(&wrong_table, Code::PayloadMisplaced, "payloads index 271").await;

    // The partitions of the coming days are made behind the first append.
    let wrong_day = "DO $$ BEGIN
      FOR attempt IN 1..400 LOOP
        EXIT WHEN to_regclass('batch_payloads_' || to_char(CURRENT_DATE + 1, 'YYYYMMDD')) IS NOT NULL;
        PERFORM pg_sleep(0.05);
      END LOOP;
      UPDATE batch_payloads SET day = CURRENT_DATE + 1 WHERE index = 271;
    END $$";
    must_show(
        wrong_day,
        Code::PayloadMisplaced,
        "batch_payloads index 271",
    )
    .await;

    let twice = found_after(to_kept).await;
    assert!(
        twice.iter().all(|f| f.code == Code::PayloadMisplaced),
        "{twice:#?}"
    );
    assert!(!twice.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_without_a_command_is_found() {
    let damage = "DELETE FROM commands WHERE first_index = 275";
    must_show(damage, Code::CommandRange, "events index 275").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_share_an_entry_or_have_none_are_found() {
    for range in [
        "275, 299, 300",
        "280, 281, 300",
        "500, 501, 300",
        "275, 274, 300",
    ] {
        let damage = format!(
            "INSERT INTO commands (ledger_id, actor, command_id, input_hash, first_index, \
             last_index, tree_size) VALUES (1, 'zz', gen_random_uuid(), '', {range})"
        );
        let findings = found_after(&damage).await;
        let [finding] = &findings[..] else {
            panic!("{range}: {findings:#?}")
        };
        assert_eq!(finding.code, Code::CommandRange, "{range}: {finding}");
        assert!(
            finding.place.starts_with("commands actor zz"),
            "{range}: {finding}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_its_entries_do_not_name_is_found() {
    for change in ["command_id = gen_random_uuid()", "actor = 'user/other'"] {
        let damage = format!("UPDATE commands SET {change} WHERE first_index = 275");
        let findings = found_after(&damage).await;
        let codes: Vec<_> = findings.iter().map(|f| f.code).collect();
        assert_eq!(codes, [Code::CommandDiffers], "{findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_without_its_checkpoint_is_found() {
    let other = "UPDATE commands SET tree_size = 300 WHERE first_index = 250";
    let codes: Vec<_> = found_after(other).await.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::CheckpointMissing]);
    let gone = "DELETE FROM checkpoints WHERE size = 275";
    let codes: Vec<_> = found_after(gone).await.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::CheckpointMissing]);
    let last = "DELETE FROM checkpoints WHERE size = 300";
    let codes: Vec<_> = found_after(last).await.iter().map(|f| f.code).collect();
    assert_eq!(codes, [Code::CheckpointMissing; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_does_not_verify_is_found() {
    let place = "checkpoints size 275";
    let text =
        "UPDATE checkpoints SET note = replace(note, E'\\n275\\n', E'\\n276\\n') WHERE size = 275";
    must_show(text, Code::CheckpointInvalid, place).await;
    let other = "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 250) \
                 WHERE size = 275";
    must_show(other, Code::CheckpointInvalid, place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_beyond_the_ledger_is_found() {
    let beyond =
        "INSERT INTO checkpoints SELECT ledger_id, 999, note FROM checkpoints WHERE size = 25";
    must_show(beyond, Code::RootMismatch, "checkpoints size 999").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_is_changed_or_missing_or_too_many_is_found() {
    let place = "tiles level 0 n 0";
    must_show(
        &flip("tiles", "hashes", 40, "n = 0"),
        Code::TileChanged,
        place,
    )
    .await;
    must_show("DELETE FROM tiles WHERE n = 0", Code::TileMissing, place).await;
    for (level, n) in [(0, 1), (1, 0), (7, 0), (-1, 0)] {
        let extra = format!("INSERT INTO tiles SELECT ledger_id, {level}, {n}, hashes FROM tiles");
        must_show(
            &extra,
            Code::TileStray,
            &format!("tiles level {level} n {n}"),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_row_that_is_wrong_is_found() {
    for damage in [
        flip("ledger_heads", "root", 3, "true"),
        flip("ledger_heads", "frontier", 3, "true"),
        flip("ledger_heads", "leaf_hash", 3, "true"),
        "UPDATE ledger_heads SET recorded_at = now() + interval '1 hour'".to_owned(),
        "UPDATE ledger_heads SET size = 299".to_owned(),
        "DELETE FROM ledger_heads".to_owned(),
    ] {
        must_show(&damage, Code::HeadDiffers, "ledger_heads").await;
    }
    must_show(
        "UPDATE ledger_heads SET size = 301",
        Code::EventMissing,
        "events index 300",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_too_many_or_too_few_are_found_with_the_statement_that_mends_them() {
    for (damage, place, remedy) in [
        (
            "GRANT DELETE ON events TO sealrock_app",
            "grants of sealrock_app on events",
            "REVOKE DELETE ON sealrock.events FROM sealrock_app",
        ),
        (
            "GRANT UPDATE (stream) ON events TO sealrock_app",
            "grants of sealrock_app on events(stream)",
            "REVOKE UPDATE (stream) ON sealrock.events FROM sealrock_app",
        ),
        (
            "GRANT TRUNCATE ON checkpoints TO PUBLIC",
            "grants of PUBLIC on checkpoints",
            "REVOKE TRUNCATE ON sealrock.checkpoints FROM PUBLIC",
        ),
        (
            "REVOKE INSERT ON tiles FROM sealrock_app",
            "grants of sealrock_app on tiles",
            "GRANT INSERT ON sealrock.tiles TO sealrock_app",
        ),
        (
            "GRANT UPDATE ON payloads TO sealrock_erase",
            "grants of sealrock_erase on payloads",
            "REVOKE UPDATE ON sealrock.payloads FROM sealrock_erase",
        ),
        (
            "ALTER TABLE commands OWNER TO postgres",
            "owner of commands",
            "ALTER TABLE sealrock.commands OWNER TO sealrock_owner",
        ),
    ] {
        let ledger = Ledger::of(3).await;
        ledger.damage(damage).await;
        let findings = fsck(&ledger).await.findings;
        let [finding] = &findings[..] else {
            panic!("{damage}: {findings:#?}")
        };
        assert_eq!((finding.code, finding.place.as_str()), (Code::Grant, place));
        assert!(finding.next_step.contains(remedy), "{finding}");

        let statement = finding.next_step.split(" (as superuser)").next().unwrap();
        ledger.damage(statement).await;
        assert_eq!(fsck(&ledger).await.findings, [], "after {statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_on_a_day_of_batches_is_found() {
    let ledger = Ledger::of(3).await;
    let damage = "DO $$ BEGIN EXECUTE 'GRANT DELETE ON ' || (SELECT inhrelid::regclass FROM \
                  pg_inherits WHERE inhparent = 'batch_payloads'::regclass LIMIT 1) \
                  || ' TO sealrock_app'; END $$";
    ledger.damage(damage).await;
    let findings = fsck(&ledger).await.findings;
    let [finding] = &findings[..] else {
        panic!("{findings:#?}")
    };
    assert!(
        finding
            .place
            .starts_with("grants of sealrock_app on batch_payloads_2"),
        "{finding}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_reads_as_one_line_and_as_json() {
    let findings = found_after("DELETE FROM payloads WHERE index = 270").await;
    let line = findings[0].to_string();
    let expected = "sealrock.test/ledger/northsea: payload-missing: payloads index 270: ";
    assert!(line.starts_with(expected), "{line}");
    let json = serde_json::to_value(&findings[0]).unwrap();
    assert_eq!(
        (&json["code"], &json["index"]),
        (&"payload-missing".into(), &270.into())
    );
}
