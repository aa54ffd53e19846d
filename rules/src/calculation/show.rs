//! Calculations as text, for people.

use std::fmt;

use super::{Calculation, Operation, Term};

/// The rule set, then every result with its parts below it.
impl fmt::Display for Calculation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = &self.rule;
        writeln!(
            f,
            "{} version {}, {}: {}",
            rule.id, rule.version, rule.status, rule.title
        )?;
        writeln!(f, "{}; {}", rule.source, rule.effective)?;
        for result in &self.results {
            writeln!(f)?;
            show(result, 0, f)?;
        }
        for warning in &self.warnings {
            writeln!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}

fn show(term: &Term, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{:width$}{}", "", term.symbol, width = depth * 2)?;
    if let Some(at) = &term.at {
        write!(f, " ({at})")?;
    }
    write!(f, " = {}", term.value)?;
    if term.unit != "1" {
        write!(f, " {}", term.unit)?;
    }
    if let Some(basis) = &term.basis {
        match &basis.equation {
            Some(equation) => write!(f, "    = {equation}")?,
            None => write!(f, "    {}", basis.meaning)?,
        }
        write!(f, "  [{}] {}", basis.paragraph, basis.evidence)?;
    }
    match &term.operation {
        Operation::Chosen { because, .. } => write!(f, ", because {because}")?,
        Operation::Model { name } => write!(f, ", by {name}")?,
        _ => {}
    }
    writeln!(f)?;
    term.of.iter().try_for_each(|part| show(part, depth + 1, f))
}
