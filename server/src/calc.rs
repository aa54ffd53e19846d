//! `sealrock calc`: the equations of carbon measurement without the platform.

use std::fmt::Write;
use std::fs;
use std::io::{Read, stdin};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use sealrock_rules::calculation::{Calculation, RuleEntry};
use sealrock_rules::catalogue::{rule, rules};
use serde_json::{Value, json};

use crate::cli::Calc;

/// Calculates, lists what there is, or makes a kept calculation again. Exit 1 if the rule set refuses
/// the inputs, or the kept calculation is not what its inputs give.
///
/// # Errors
/// If there is no such rule set, or the file is none.
pub fn run(arguments: &Calc) -> anyhow::Result<ExitCode> {
    match answer(arguments)? {
        Ok(text) => {
            println!("{}", text.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            eprintln!("sealrock: {refusal}");
            Ok(ExitCode::from(1))
        }
    }
}

/// What is printed, or why a rule set refuses.
fn answer(arguments: &Calc) -> anyhow::Result<Result<String, String>> {
    if arguments.list {
        return Ok(Ok(list(arguments.json)?));
    }
    if let Some(kept) = &arguments.rerun {
        return rerun(kept);
    }
    let name = arguments.rule.as_deref().unwrap_or_default();
    let rule = named(name)?;
    if arguments.example {
        return Ok(Ok(rule.example().to_owned()));
    }
    let Some(input) = &arguments.input else {
        bail!("give the inputs: --input FILE.json; `sealrock calc {name} --example` shows which");
    };
    match rule.calculate(&read(input)?) {
        Ok(calculation) => Ok(Ok(shown(&calculation, arguments.json)?)),
        Err(refusal) => Ok(Err(refusal.to_string())),
    }
}

/// `us-98-rr`, or `us-98-rr@1` for a version.
fn named(name: &str) -> anyhow::Result<&'static RuleEntry> {
    let (id, version) = match name.split_once('@') {
        None => (name, None),
        Some((id, version)) => {
            let number = version.parse();
            let number = number.with_context(|| {
                format!("\"{version}\" is no version: write a whole number, as in {id}@1")
            })?;
            (id, Some(number))
        }
    };
    rule(id, version).ok_or_else(|| {
        anyhow!("there is no rule set \"{name}\": `sealrock calc --list` shows what there is")
    })
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let mut text = String::new();
    if path == Path::new("-") {
        stdin().read_to_string(&mut text)?;
    } else {
        text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
    }
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

fn shown(calculation: &Calculation, as_json: bool) -> anyhow::Result<String> {
    if as_json {
        return Ok(serde_json::to_string_pretty(calculation)?);
    }
    Ok(calculation.to_string())
}

fn rerun(kept: &Path) -> anyhow::Result<Result<String, String>> {
    let calculation: Calculation = serde_json::from_value(read(kept)?)
        .with_context(|| format!("{} is no calculation of `--json`", kept.display()))?;
    Ok(match calculation.rerun(rules()) {
        Ok(()) => Ok(format!(
            "the same digits: {} version {}",
            calculation.rule.id, calculation.rule.version
        )),
        Err(difference) => Err(difference.to_string()),
    })
}

fn list(as_json: bool) -> anyhow::Result<String> {
    let sets = rules().iter().map(RuleEntry::set);
    if as_json {
        let sets: Vec<Value> = sets
            .map(|set| {
                json!({
                    "id": set.id, "version": set.version, "title": set.title, "source": set.source,
                    "effective": set.effective, "status": set.status(),
                })
            })
            .collect();
        return Ok(serde_json::to_string_pretty(&sets)?);
    }
    let mut text = String::new();
    for set in sets {
        let name = format!("{}@{}", set.id, set.version);
        let status = set.status().to_string();
        let effective = set.effective.to_string();
        writeln!(
            text,
            "{name:<28} {status:<10} {effective:<25} {}",
            set.title
        )?;
    }
    Ok(text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn ask(arguments: &[&str]) -> anyhow::Result<Result<String, String>> {
        let line = ["sealrock", "calc"].iter().chain(arguments);
        let Command::Calc(arguments) = Cli::try_parse_from(line)?.command else {
            unreachable!("calc was asked for");
        };
        answer(&arguments)
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    #[test]
    fn the_example_of_every_rule_set_calculates_and_can_be_made_again() {
        for entry in rules() {
            let name = format!("{}@{}", entry.set().id, entry.set().version);
            let example = file(&ask(&[&name, "--example"]).unwrap().unwrap());
            let path = example.path().to_str().unwrap();
            let text = ask(&[&name, "--input", path]).unwrap().unwrap();
            assert!(text.starts_with(entry.set().id), "{text}");
            let kept = file(&ask(&[&name, "--input", path, "--json"]).unwrap().unwrap());
            let again = ask(&["--rerun", kept.path().to_str().unwrap()]).unwrap();
            assert!(again.unwrap().starts_with("the same digits"), "{name}");
        }
    }

    #[test]
    fn a_kept_calculation_that_was_changed_is_refused() {
        let example = file(rule("co2-density", None).unwrap().example());
        let path = example.path().to_str().unwrap();
        let kept = ask(&["co2-density", "--input", path, "--json"]);
        let changed = kept.unwrap().unwrap().replacen("910.", "911.", 1);
        let changed = file(&changed);
        assert!(
            ask(&["--rerun", changed.path().to_str().unwrap()])
                .unwrap()
                .is_err()
        );
    }

    #[test]
    fn every_rule_set_is_listed_with_its_status() {
        let text = ask(&["--list"]).unwrap().unwrap();
        assert_eq!(text.lines().count(), rules().len());
        assert!(text.contains("stack-co2@1"), "{text}");
        let listed = ask(&["--list", "--json"]).unwrap().unwrap();
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert!(listed.iter().all(|set| set["status"].is_string()));
    }

    #[test]
    fn what_cannot_be_calculated_says_what_to_do() {
        let error = |arguments: &[&str]| ask(arguments).unwrap_err().to_string();
        assert!(error(&["us-98-zz", "--input", "x"]).contains("--list"));
        assert!(error(&["co2-density@x", "--input", "x"]).contains("co2-density@1"));
        assert!(error(&["co2-density"]).contains("--example"));
        assert!(error(&["co2-density", "--input", "/nowhere"]).contains("cannot be read"));
        let not_json = file("{");
        let path = not_json.path().to_str().unwrap();
        assert!(error(&["co2-density", "--input", path]).contains("is no JSON"));
        let refused = file("{\"temperature\": \"warm\"}");
        let path = refused.path().to_str().unwrap();
        let refusal = ask(&["co2-density", "--input", path]).unwrap();
        assert!(
            refusal
                .unwrap_err()
                .starts_with("co2-density version 1, temperature: ")
        );
    }
}
