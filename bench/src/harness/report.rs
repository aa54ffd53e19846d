//! Figures of a benchmark, as text and as JSON.

use std::fmt;

use serde::Serialize;

use super::Spent;
use super::machine::Machine;

/// What a figure should be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

/// Something that was measured, several times.
#[derive(Debug, Clone, Serialize)]
struct Figure {
    what: String,
    unit: &'static str,
    median: f64,
    least: f64,
    greatest: f64,
    samples: usize,
    target: Option<Target>,
    met: Option<bool>,
}

/// All that a benchmark found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    bench: &'static str,
    question: &'static str,
    machine: Machine,
    settings: Vec<(&'static str, String)>,
    figures: Vec<Figure>,
    /// Processor seconds a run, by part.
    cpu: Vec<(String, Spent)>,
    notes: Vec<String>,
}

impl Report {
    pub fn new(bench: &'static str, question: &'static str) -> Self {
        Self {
            bench,
            question,
            machine: Machine::here(),
            settings: Vec::new(),
            figures: Vec::new(),
            cpu: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What was chosen and matters.
    pub fn setting(&mut self, name: &'static str, value: impl fmt::Display) {
        self.settings.push((name, value.to_string()));
    }

    /// What a reader has to know besides.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Something measured once for each sample.
    pub fn figure(&mut self, what: impl Into<String>, unit: &'static str, samples: &[f64]) {
        self.judged(what, unit, samples, None);
    }

    /// As [`Report::figure`], with what it should be.
    pub fn target(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        samples: &[f64],
        target: Target,
    ) {
        self.judged(what, unit, samples, Some(target));
    }

    /// A baseline, ours, and the ratio of each pair: `ours[i] / baseline[i]`.
    pub fn pairs(
        &mut self,
        (baseline, ours): (&str, &str),
        unit: &'static str,
        samples: &[(f64, f64)],
        target: Option<Target>,
    ) {
        let column = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).collect::<Vec<_>>();
        self.figure(
            format!("baseline: {baseline}"),
            unit,
            &column(|pair| pair.0),
        );
        self.figure(ours, unit, &column(|pair| pair.1));
        let what = format!("{ours} ÷ {baseline}");
        self.judged(what, "×", &column(|pair| pair.1 / pair.0), target);
    }

    /// Where the processors were during one of the runs, or all of them.
    pub fn cpu(&mut self, run: impl Into<String>, spent: Spent) {
        self.cpu.push((run.into(), spent));
    }

    fn judged(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        samples: &[f64],
        target: Option<Target>,
    ) {
        let median = median(samples);
        let met = target.map(|target| match target {
            Target::AtLeast(least) => median >= least,
            Target::AtMost(most) => median <= most,
        });
        self.figures.push(Figure {
            what: what.into(),
            unit,
            median,
            least: samples.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: samples.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            samples: samples.len(),
            target,
            met,
        });
    }

    /// Prints it, as JSON on one line if asked for.
    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string(self)?);
        } else {
            println!("{self}");
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}: {}", self.bench, self.question)?;
        writeln!(f, "   {}", self.machine)?;
        for (name, value) in &self.settings {
            writeln!(f, "   {name}: {value}")?;
        }
        for figure in &self.figures {
            writeln!(f, "   {figure}")?;
        }
        for (run, Spent(parts)) in &self.cpu {
            let parts: Vec<String> = parts
                .iter()
                .map(|(part, seconds)| format!("{part} {seconds:.2} s"))
                .collect();
            writeln!(f, "   processors, {run}: {}", parts.join(", "))?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "   {note}"))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            unit,
            median,
            least,
            greatest,
            ..
        } = self;
        let digits = if median.abs() < 100.0 { 2 } else { 0 };
        write!(f, "{what:<58} {median:>10.digits$} {unit}")?;
        if self.samples > 1 {
            let n = self.samples;
            write!(f, " ({least:.digits$} to {greatest:.digits$}, {n} runs)")?;
        }
        let met = if self.met == Some(true) {
            "met"
        } else {
            "MISSED"
        };
        match self.target {
            Some(Target::AtLeast(least)) => write!(f, "  target ≥ {least}: {met}"),
            Some(Target::AtMost(most)) => write!(f, "  target ≤ {most}: {met}"),
            None => Ok(()),
        }
    }
}

/// The middle of the samples.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// Runs a baseline and ours in turns, so that both meet the same noise; every second pair begins
/// with ours.
pub async fn alternate<E>(
    pairs: usize,
    mut baseline: impl AsyncFnMut(usize) -> Result<f64, E>,
    mut ours: impl AsyncFnMut(usize) -> Result<f64, E>,
) -> Result<Vec<(f64, f64)>, E> {
    let mut samples = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        samples.push(if pair % 2 == 0 {
            let first = baseline(pair).await?;
            (first, ours(pair).await?)
        } else {
            let second = ours(pair).await?;
            (baseline(pair).await?, second)
        });
    }
    Ok(samples)
}
