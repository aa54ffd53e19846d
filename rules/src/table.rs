//! The rule sets as a table for people who review them: `docs/rules.md`.

use std::fmt::Write as _;

use crate::calculation::{RuleEntry, RuleSet, TermRule};
use crate::catalogue::rules;
use crate::factors::{Content, FactorSet, Gwp, factor_sets};

const INTRODUCTION: &str = include_str!("table.md");

/// Every rule set with its terms, and every factor set, in Markdown.
#[must_use]
pub fn table() -> String {
    let mut text = INTRODUCTION.to_owned();
    overview(&mut text);
    for rule in rules() {
        rule_set(&mut text, rule.set());
    }
    for set in factor_sets() {
        factors(&mut text, set);
    }
    potentials(&mut text);
    text
}

fn line(text: &mut String, line: std::fmt::Arguments) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(line);
    text.push('\n');
}

fn overview(text: &mut String) {
    text.push_str("\n| rule set | version | status | holds | |\n|---|---|---|---|---|\n");
    for set in rules().iter().map(RuleEntry::set) {
        line(
            text,
            format_args!(
                "| [`{0}`](#{0}-version-{1}) | {1} | {2} | {3} | {4} |",
                set.id,
                set.version,
                set.status(),
                set.effective,
                set.title
            ),
        );
    }
}

fn rule_set(text: &mut String, set: &RuleSet) {
    line(text, format_args!("\n## {set}\n"));
    line(
        text,
        format_args!("**{}.** {}. {}.", set.title, set.source, holds(set)),
    );
    let remembered = set.remembered();
    if !remembered.is_empty() {
        line(
            text,
            format_args!(
                "\nA draft: {} of its {} terms are from memory.",
                remembered.len(),
                set.terms.len()
            ),
        );
    }
    text.push_str(
        "\n| symbol | unit | equation | what it is | paragraph | |\n|---|---|---|---|---|---|\n",
    );
    for term in set.terms {
        term_row(text, term);
    }
}

fn holds(set: &RuleSet) -> String {
    format!("Holds {}, {}", set.effective, set.status())
}

fn term_row(text: &mut String, term: &TermRule) {
    let equation = term
        .equation
        .map_or_else(|| "given".to_owned(), |equation| format!("`{equation}`"));
    line(
        text,
        format_args!(
            "| `{}` | {} | {equation} | {} | {} | {} |",
            term.symbol, term.unit, term.meaning, term.paragraph, term.evidence
        ),
    );
}

fn factors(text: &mut String, set: &FactorSet) {
    line(text, format_args!("\n## Factor set {}\n", set.id));
    line(
        text,
        format_args!("{}. Holds {}.\n", set.source, set.effective),
    );
    text.push_str(
        "| carrier | NCV GJ/t | fossil CO2 kg/GJ | biogenic CO2 kg/GJ | CH4 kg/GJ | N2O kg/GJ | grid kg/kWh |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for carrier in set.carriers {
        match carrier.content {
            Content::Fuel {
                ncv,
                fossil,
                biogenic,
                ch4,
                n2o,
            } => line(
                text,
                format_args!(
                    "| `{}` | {ncv} | {fossil} | {biogenic} | {ch4} | {n2o} | |",
                    carrier.id
                ),
            ),
            Content::Electricity { grid } => {
                line(
                    text,
                    format_args!("| `{}` | | | | | | {grid} |", carrier.id),
                );
            }
        }
    }
}

fn potentials(text: &mut String) {
    text.push_str(
        "\n## Global warming potentials\n\nOver 100 years [M]; inputs name the set.\n\n\
         | set | CH4 | N2O |\n|---|---|---|\n",
    );
    for (name, gwp) in [("ar4", Gwp::Ar4), ("ar5", Gwp::Ar5), ("ar6", Gwp::Ar6)] {
        line(
            text,
            format_args!("| `{name}` | {} | {} |", gwp.ch4(), gwp.n2o()),
        );
    }
}
