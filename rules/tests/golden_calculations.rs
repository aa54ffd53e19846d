//! What every rule set makes of its example, digit by digit: `tests/golden/<id>-<version>.json`.
//!
//! A published rule set never changes, so neither does its file: what is to be counted in another way
//! is a new version. Files of drafts and new ones are written with `SEALROCK_WRITE_GOLDEN=1`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::PathBuf;

use sealrock_rules::calculation::{Calculation, NotPublished, Published, RuleEntry, Status, Term};
use sealrock_rules::catalogue::rules;

fn path(rule: &RuleEntry) -> PathBuf {
    let name = format!("{}-{}.json", rule.set().id, rule.set().version);
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn example(rule: &RuleEntry) -> Calculation {
    let inputs = serde_json::from_str(rule.example()).unwrap();
    rule.calculate(&inputs)
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_rule_set_makes_of_its_example_what_it_made_before() {
    for rule in rules() {
        let json = serde_json::to_string_pretty(&example(rule)).unwrap() + "\n";
        let may_change = rule.set().status() == Status::Draft || !path(rule).exists();
        if may_change && std::env::var_os("SEALROCK_WRITE_GOLDEN").is_some() {
            std::fs::write(path(rule), &json).unwrap();
        }
        let golden = std::fs::read_to_string(path(rule))
            .unwrap_or_else(|error| panic!("{}: {error}", path(rule).display()));
        assert!(
            json == golden,
            "{} differs from its golden file",
            rule.set()
        );
    }
}

#[test]
fn every_golden_calculation_is_read_checked_and_made_again() {
    for rule in rules() {
        let golden = std::fs::read_to_string(path(rule)).unwrap();
        let calculation: Calculation = serde_json::from_str(&golden).unwrap();
        calculation.check().unwrap();
        calculation.rerun(rules()).unwrap();
    }
}

#[test]
fn drafts_are_refused_for_issuance_and_reports_and_published_rule_sets_are_not() {
    for rule in rules() {
        let published = Published::of(example(rule), rules());
        match rule.set().status() {
            Status::Published => assert!(published.is_ok()),
            Status::Draft => assert!(matches!(published, Err(NotPublished::Draft { .. }))),
        }
    }
}

#[test]
fn what_a_calculation_says_of_its_own_status_is_not_believed() {
    for rule in rules() {
        let mut promoted = example(rule);
        if promoted.rule.status == Status::Draft {
            promoted.rule.status = Status::Published;
            assert!(matches!(
                Published::of(promoted, rules()),
                Err(NotPublished::Rerun(_))
            ));
        }
    }
}

#[test]
fn every_term_of_a_calculation_is_a_term_of_its_rule_set() {
    fn check(rule: &RuleEntry, term: &Term) {
        if let Some(basis) = &term.basis {
            let known = rule.set().terms.iter().any(|rule| {
                rule.symbol == term.symbol
                    && rule.paragraph == basis.paragraph
                    && rule.evidence == basis.evidence
            });
            assert!(known, "{}: {}", rule.set(), term.symbol);
        }
        term.of.iter().for_each(|part| check(rule, part));
    }
    for rule in rules() {
        example(rule)
            .results
            .iter()
            .for_each(|term| check(rule, term));
    }
}

#[test]
fn symbols_are_unique_in_a_rule_set_and_versions_of_one_id_never_hold_on_the_same_day() {
    for rule in rules() {
        let mut symbols: Vec<_> = rule.set().terms.iter().map(|term| term.symbol).collect();
        symbols.sort_unstable();
        assert!(
            symbols.windows(2).all(|pair| pair[0] != pair[1]),
            "{}",
            rule.set()
        );
    }
    for (at, a) in rules().iter().map(RuleEntry::set).enumerate() {
        for b in rules().iter().skip(at + 1).map(RuleEntry::set) {
            let before = |first: &sealrock_rules::calculation::RuleSet,
                          then: &sealrock_rules::calculation::RuleSet| {
                first
                    .effective
                    .until
                    .is_some_and(|until| until < then.effective.from)
            };
            assert!(a.id != b.id || before(a, b) || before(b, a), "{a} and {b}");
        }
    }
}
