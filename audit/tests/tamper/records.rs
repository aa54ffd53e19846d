//! What a dishonest log records about itself: erasures, keys, origin; and who must have seen it.

use std::collections::HashSet;

use sealrock_ledger::verify::Cause;
use sealrock_ledger::{Cosigner, KeyRange, Policy, Threshold, Witness};
use serde_json::json;

use crate::dishonest::{edited, twisted};
use crate::log::Files;
use crate::must_show;
use crate::story::{honest, log_key};

#[test]
fn an_erasure_by_a_device_or_of_what_is_kept_or_not_sealed() {
    let at = |kind| honest().first(kind);
    let (redacted, retained) = (at("PayloadRedacted"), at("RetentionApplied"));
    for index in [redacted, retained] {
        let by_device = twisted(index, &|entry, _| "device/7".clone_into(&mut entry.actor));
        let findings = by_device.checked().report.findings;
        let causes: HashSet<Cause> = findings.iter().map(|f| f.cause).collect();
        assert!(causes.contains(&Cause::PayloadMissing), "{findings:#?}");
        let refused = findings
            .iter()
            .find(|f| f.cause == Cause::ErasureNotPermitted);
        assert_eq!(refused.unwrap().index.unwrap().0, index);

        let kept = twisted(index, &|_, payload| {
            edited(payload, |record| {
                let ranges = record["payloads"].as_array_mut().unwrap();
                ranges.insert(0, json!([1, 1]));
            });
        });
        let findings = kept.checked().report.findings;
        assert!(
            findings
                .iter()
                .all(|f| f.cause == Cause::ErasureNotPermitted),
            "{findings:#?}"
        );
        assert_eq!(findings[0].index.unwrap().0, index);

        let later = twisted(index, &|_, payload| {
            edited(payload, |record| {
                let ranges = record["payloads"].as_array_mut().unwrap();
                ranges.push(json!([index + 1, index + 1]));
            });
        });
        let refused = later.checked().report.findings;
        let refused = refused
            .iter()
            .find(|f| f.cause == Cause::ErasureNotPermitted);
        assert_eq!(refused.unwrap().index.unwrap().0, index);
    }
    // The batch before the entry is of no sealed hour yet.
    let unsealed = (0..retained)
        .rev()
        .find(|at| honest().entry(*at).kind == "SensorBatchRecorded")
        .unwrap();
    let files = twisted(retained, &|_, payload| {
        edited(payload, |record| {
            record["payloads"]
                .as_array_mut()
                .unwrap()
                .push(json!([unsealed, unsealed]));
        });
    });
    must_show(
        &files,
        &[(Cause::ErasureNotPermitted, Some(retained))],
        "unsealed",
    );
}

#[test]
fn log_keys_that_nobody_introduced_or_that_sign_out_of_their_turn() {
    let log = honest();
    let files = |ranges: &[KeyRange]| Files {
        policy: Policy::of_keys(ranges),
        ..log.sign()
    };
    let ranges: Vec<KeyRange> = log.keys.iter().map(|(_, range)| range.clone()).collect();
    let causes = |mut files: Files| -> Vec<Cause> {
        files.map.remove("policy");
        files
            .checked()
            .report
            .findings
            .iter()
            .map(|f| f.cause)
            .collect()
    };
    let third = KeyRange::only(log_key(2).vkey());
    let more = [&ranges[..], &[third]].concat();
    assert_eq!(causes(files(&more)), [Cause::PolicyKeysDiffer]);
    let mut earlier = ranges.clone();
    earlier[1].from -= 1;
    assert_eq!(causes(files(&earlier)), [Cause::PolicyKeysDiffer]);
    // Without ranges the ledger's own count: the first key is retired.
    let open: Vec<KeyRange> = ranges.iter().map(|key| KeyRange::only(&key.vkey)).collect();
    assert_eq!(causes(files(&open)), []);
    for signers in [vec![log_key(0)], vec![log_key(0), log_key(1)]] {
        let signed = Files {
            policy: Policy::of_keys(&open),
            ..log.sign_by(&signers.iter().collect::<Vec<_>>())
        };
        assert!(causes(signed).contains(&Cause::CheckpointKeys));
    }
    let at = |kind| log.first(kind);
    let rotated = at("LogKeyRotated");
    let forged = twisted(rotated, &|_, payload| {
        edited(payload, |record| {
            record["to_signature"] = record["from_signature"].clone();
        });
    });
    must_show(
        &forged,
        &[(Cause::LogKeyInvalid, Some(rotated))],
        "rotation",
    );
    let by_device = twisted(rotated, &|entry, _| "device/7".clone_into(&mut entry.actor));
    must_show(
        &by_device,
        &[(Cause::RecordNotPermitted, Some(rotated))],
        "rotation",
    );
}

#[test]
fn a_ledger_that_continues_another_one_does_so_by_its_first_entry() {
    let corrected = honest().first("ClockCorrected");
    let files = twisted(corrected, &|entry, payload| {
        "LedgerContinued".clone_into(&mut entry.kind);
        let record = json!({"checkpoint":"","parent":"a/ledger/b","reason":"","surviving":1});
        payload.bytes = serde_json_canonicalizer::to_vec(&record).unwrap();
    });
    must_show(
        &files,
        &[(Cause::RecordNotPermitted, Some(corrected))],
        "continued",
    );
}

#[test]
fn a_quorum_of_witnesses_that_is_not_met_and_one_that_is() {
    let mut files = honest().sign();
    let cosigner = Cosigner::generate("witness.example").unwrap();
    let witness = Witness {
        name: "w1".into(),
        vkey: cosigner.vkey(),
        url: None,
    };
    files.policy = files
        .policy
        .with_witnesses(&[witness], Threshold::All)
        .unwrap();
    files.map.remove("policy");
    must_show(&files, &[(Cause::QuorumMissing, None)], "no cosignature");
    let line = cosigner
        .cosign(&files.map["checkpoint"], 1_795_000_000)
        .unwrap();
    files.file("checkpoint").extend(line.into_bytes());
    let report = files.checked().report;
    assert_eq!(
        (report.findings, report.cosigned_by),
        (vec![], vec!["w1".to_owned()])
    );
}
