//! Seals and gaps that a dishonest log records.

use sealrock_ledger::verify::Cause;
use serde_json::{Value, json};

use crate::dishonest::{edited, of_kind, some, twisted};
use crate::log::Told;
use crate::story::{LOSSY, Plan, STEADY, device, honest, tell};
use crate::{must_show, random};

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

/// The superseding seal of the story, the one before, its first batch, and the one that it adds.
fn superseding() -> (u64, u64, u64, u64) {
    let seal = |at: u64| -> Value {
        let payload = honest().slots[usize::try_from(at).unwrap()]
            .shown()
            .unwrap();
        serde_json::from_slice(&payload.bytes).unwrap()
    };
    let mut seals = (0..honest().size()).filter(|at| honest().entry(*at).kind == "WindowSealed");
    let index = seals.find(|at| seal(*at)["supersedes"].is_u64()).unwrap();
    let before = seal(index)["supersedes"].as_u64().unwrap();
    let entries = seal(index)["entries"].clone();
    let end = |run: &Value, at: usize| run[at].as_u64().unwrap();
    let last = end(entries.as_array().unwrap().last().unwrap(), 1);
    (index, before, end(&entries[0], 0), last)
}

#[test]
fn a_superseding_seal_is_checked_where_payloads_were_erased() {
    let (index, _, kept, added) = superseding();
    let told = |redacted: &[u64], edit: &dyn Fn(&mut Value)| {
        let twist = |entry: &mut sealrock_ledger::Entry, payload: &mut sealrock_ledger::Payload| {
            if entry.index.0 == index {
                edited(payload, edit);
            }
        };
        let plan = Plan {
            twist: Some(&twist),
            redacted,
            redacted_at: 280,
            ..Plan::default()
        };
        tell(plan).sign()
    };
    let whole = honest().sign().checked().facts.seals_with_figures;
    let untouched = |redacted: &[u64]| {
        let checked = told(redacted, &|_| ()).checked();
        assert_eq!(checked.report.findings, []);
        checked.facts.seals_with_figures
    };
    // Only the seal before cannot be computed again.
    assert_eq!(untouched(&[kept]), whole - 1);
    assert_eq!(untouched(&[added]), whole - 1);
    assert_eq!(untouched(&[kept, added]), whole - 2);

    let expected = [(Cause::SealMismatch, Some(index))];
    let more: [&dyn Fn(&mut Value); 3] = [
        &|seal| seal["metrics"]["co2_ppm"]["sum"] = json!("1"),
        &|seal| seal["metrics"]["co2_ppm"]["n"] = json!(4000),
        &|seal| seal["suspect"] = json!(7),
    ];
    for edit in more {
        must_show(&told(&[kept], edit), &expected, "a batch before is erased");
    }
    let less: [&dyn Fn(&mut Value); 3] = [
        &|seal| seal["metrics"]["co2_ppm"]["n"] = json!(1),
        &|seal| drop(seal["metrics"].as_object_mut().unwrap().remove("co2_ppm")),
        &|seal| {
            let batches = seal["boots"][0]["batches"].as_u64().unwrap();
            seal["boots"][0]["batches"] = json!(batches - 2);
            seal["uncounted"] = json!(2);
        },
    ];
    for edit in less {
        must_show(
            &told(&[kept, added], edit),
            &expected,
            "what it adds is erased",
        );
    }
}

#[test]
fn a_batch_that_was_erased_before_a_seal_held_it_may_be_in_none() {
    // Redacted right before the second sealing.
    let of = |at: &u64| honest().entry(*at).stream == format!("telemetry/{}", device(STEADY));
    let sealed = (0..honest().size()).filter(|at| honest().entry(*at).kind == "WindowSealed");
    let first = sealed.min().unwrap();
    let batch = (first + 10..honest().size()).find(of).unwrap();
    let plan = Plan {
        redacted: &[batch],
        redacted_at: 160,
        ..Plan::default()
    };
    assert_eq!(tell(plan).sign().checked().report.findings, []);
    let invented = tell(Plan {
        sealed_though_redacted: true,
        ..plan
    });
    let holds = |at: &u64| {
        let payload = invented.slots[usize::try_from(*at).unwrap()].shown();
        let seal = payload.and_then(|p| serde_json::from_slice(&p.bytes).ok());
        seal.is_some_and(|seal: sealrock_domain::telemetry::window::WindowSealed| seal.holds(batch))
    };
    let seal = (0..invented.size()).find(holds);
    assert!(seal.is_some());
    must_show(&invented.sign(), &[(Cause::SealMismatch, seal)], "invented");
}

#[test]
fn a_gap_that_is_named_in_advance_excuses_nothing() {
    let most = (1 << 53) - 1;
    for named in [(0, most), (0, most - 1), (7, 3)] {
        let plan = Plan {
            named_early: Some(named),
            ..Plan::default()
        };
        let told = tell(plan);
        let early = told.first("GapDetected");
        must_show(&told.sign(), &[(Cause::SeqGap, Some(early))], "in advance");
        let unnamed = tell(Plan {
            gap_unnamed: Some(1),
            ..plan
        });
        let found = unnamed.sign().checked().report.findings;
        assert_eq!(found.len(), 2, "{named:?}: {found:#?}");
    }
    // A seal cannot name such seqs either.
    let of = |at: &u64| {
        let entry = honest().entry(*at);
        entry.kind == "WindowSealed" && entry.stream.contains(&device(LOSSY).to_string())
    };
    let seal = (0..honest().size()).find(of).unwrap();
    let files = twisted(seal, &|_, payload| {
        edited(payload, |seal| {
            seal["boots"][0]["first_seq"] = json!(0);
            seal["boots"][0]["last_seq"] = json!(1_u64 << 53);
        });
    });
    let found = files.checked().report.findings;
    assert!(
        found.iter().any(|f| f.cause == Cause::SealMismatch),
        "{found:#?}"
    );
}
