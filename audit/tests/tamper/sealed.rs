//! Seals and gaps that a dishonest log records.

use sealrock_ledger::verify::Cause;
use serde_json::{Value, json};

use crate::dishonest::{edited, of_kind, some, twisted};
use crate::log::Told;
use crate::random;
use crate::story::{Plan, device, honest, tell};

#[test]
fn a_gap_that_no_entry_names_and_a_seq_that_comes_twice() {
    let seals_after = |told: &Told, from: u64| {
        (from..told.size()).find(|at| {
            let entry = told.entry(*at);
            entry.kind == "WindowSealed" && entry.stream.contains(&device(2).to_string())
        })
    };
    let gaps = (0..honest().size()).filter(|at| honest().entry(*at).kind == "GapDetected");
    for number in 1..=gaps.count() {
        let told = tell(Plan {
            gap_unnamed: Some(number),
            ..Plan::default()
        });
        let report = told.sign().checked().report;
        let [finding] = &report.findings[..] else {
            panic!("gap {number}: {:#?}", report.findings)
        };
        let index = finding.index.unwrap().0;
        assert_eq!(finding.cause, Cause::SeqGap, "{finding}");
        assert_eq!(seals_after(&told, index), Some(index), "{finding}");
    }
    for number in [2, 9, 20, 33, 41] {
        let told = tell(Plan {
            seq_twice: Some(number),
            ..Plan::default()
        });
        let findings = told.sign().checked().report.findings;
        let stream = format!("telemetry/{}", device(2));
        let of = |at: &u64| told.entry(*at).stream == stream;
        let which = usize::try_from(number - 1).unwrap();
        let index = (0..told.size()).filter(of).nth(which).unwrap();
        let found: Vec<_> = findings
            .iter()
            .map(|f| (f.cause, f.index.unwrap().0))
            .collect();
        assert_eq!(found, [(Cause::SeqTwice, index)], "{findings:#?}");
    }
}

#[test]
fn a_seal_that_is_wrong_in_count_entries_root_figures_or_boots() {
    let mut random = random(25);
    let edits: [&dyn Fn(&mut Value); 6] = [
        &|seal| seal["batches"] = json!(seal["batches"].as_u64().unwrap() + 1),
        &|seal| {
            // The last one left out, and counted as left out.
            let batches = seal["batches"].as_u64().unwrap() - 1;
            let entries = seal["entries"].as_array_mut().unwrap();
            let first = entries[0][0].clone();
            if entries[0] == json!([first, first]) {
                entries.remove(0);
            } else {
                entries[0][0] = json!(first.as_u64().unwrap() + 1);
            }
            seal["batches"] = json!(batches);
        },
        &|seal| {
            let root = seal["root"].as_str().unwrap();
            let other = if root.starts_with('0') { "1" } else { "0" };
            seal["root"] = json!(format!("{other}{}", &root[1..]));
        },
        &|seal| {
            let first = seal["entries"][0][0].as_u64().unwrap();
            seal["entries"][0][0] = json!(first - 1);
            seal["batches"] = json!(seal["batches"].as_u64().unwrap() + 1);
        },
        &|seal| seal["supersedes"] = json!(3),
        &|seal| seal["uncounted"] = json!(seal["uncounted"].as_u64().unwrap() + 1),
    ];
    for index in some(&mut random, &of_kind("WindowSealed")) {
        for (number, edit) in edits.iter().enumerate() {
            // Figures can be computed again only where no payload was erased.
            let erased = honest()
                .entry(index)
                .stream
                .contains(&device(1).to_string())
                || honest()
                    .entry(index)
                    .stream
                    .contains(&device(3).to_string());
            if number == 5 && erased {
                continue;
            }
            let files = twisted(index, &|_, payload| edited(payload, edit));
            let findings = files.checked().report.findings;
            let seal = findings.iter().find(|f| f.cause == Cause::SealMismatch);
            let found = seal.and_then(|finding| finding.index).map(|index| index.0);
            assert_eq!(found, Some(index), "edit {number}: {findings:#?}");
        }
    }
}

#[test]
fn a_figure_of_a_metric_that_its_batches_do_not_give() {
    for index in (0..honest().size()).filter(|at| honest().entry(*at).kind == "WindowSealed") {
        let stream = honest().entry(index).stream;
        if !stream.contains(&device(0).to_string()) && !stream.contains(&device(2).to_string()) {
            continue;
        }
        for figure in ["sum", "min", "max", "first", "last"] {
            let files = twisted(index, &|_, payload| {
                edited(payload, |seal| {
                    seal["metrics"]["co2_ppm"][figure] = json!("412.875");
                });
            });
            let findings = files.checked().report.findings;
            let found: Vec<_> = findings
                .iter()
                .map(|f| (f.cause, f.index.unwrap().0))
                .collect();
            assert!(
                found.contains(&(Cause::SealMismatch, index)),
                "{figure}: {findings:#?}"
            );
        }
    }
}
