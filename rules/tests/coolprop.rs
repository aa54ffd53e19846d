//! Densities beside those of `CoolProp`: Span and Wagner's equation for pure CO2, its model of
//! mixtures for the rest. `make coolprop` runs it; see rules/README.md.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fmt::Write as _;
use std::io::Write;
use std::process::{Command, Stdio};

use sealrock_rules::density::{Composition, Phase, StreamDensity, density};
use sealrock_rules::quantity::{AbsolutePressure, Measured};

const MIXTURES: &[&[(&str, f64)]] = &[
    &[("CO2", 1.0)],
    &[("CO2", 0.98), ("N2", 0.02)],
    &[("CO2", 0.96), ("N2", 0.04)],
    &[("CO2", 0.95), ("CH4", 0.05)],
    &[("CO2", 0.97), ("H2", 0.03)],
    &[
        ("CO2", 0.96),
        ("N2", 0.02),
        ("CH4", 0.01),
        ("H2", 0.005),
        ("O2", 0.0025),
        ("Ar", 0.0025),
    ],
];

/// A state and what we say of it.
struct Point {
    mixture: usize,
    kelvins: f64,
    megapascals: f64,
    ours: StreamDensity,
}

fn grid() -> Vec<Point> {
    let mut points = Vec::new();
    for (mixture, fractions) in MIXTURES.iter().enumerate() {
        let composition = Composition::new(fractions.iter().copied()).unwrap();
        for kelvins in (226..=446).step_by(11).map(f64::from) {
            for step in 0..26 {
                let megapascals = 0.05 * 1.298_f64.powi(step);
                let temperature = Measured::new(kelvins, "K").unwrap();
                let pressure = AbsolutePressure::new(megapascals, "MPa").unwrap();
                let ours = density(temperature, pressure, &composition).unwrap();
                points.push(Point {
                    mixture,
                    kelvins,
                    megapascals,
                    ours,
                });
            }
        }
    }
    points
}

/// What `CoolProp` says of a state.
enum Theirs {
    Density(f64),
    TwoPhases,
    NoAnswer,
}

fn coolprop(points: &[Point]) -> Vec<Theirs> {
    let python = std::env::var("COOLPROP_PYTHON").expect("COOLPROP_PYTHON: run `make coolprop`");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/coolprop/densities.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = String::new();
    for point in points {
        let fractions = MIXTURES[point.mixture].iter();
        let fractions: Vec<String> = fractions.map(|(name, x)| format!("{name}={x}")).collect();
        let pascals = point.megapascals * 1e6;
        writeln!(
            questions,
            "{} {pascals} {}",
            point.kelvins,
            fractions.join(" ")
        )
        .unwrap();
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    let theirs = |line: &str| match line {
        "two phases" => Theirs::TwoPhases,
        "-" => Theirs::NoAnswer,
        density => Theirs::Density(density.parse().unwrap()),
    };
    answers.lines().map(theirs).collect()
}

#[derive(Default)]
struct Worst {
    compared: usize,
    percent: f64,
    at: String,
}

impl Worst {
    fn see(&mut self, percent: f64, point: &Point, theirs: f64) {
        self.compared += 1;
        if percent.abs() > self.percent.abs() {
            self.percent = percent;
            self.at = format!(
                "{:.2} K, {:.4} MPa: {:.4} kg/m3, CoolProp {theirs:.4}",
                point.kelvins, point.megapascals, point.ours.density
            );
        }
    }
}

/// Where the density changes by more than a percent with a tenth of a percent of temperature, the
/// equations agree less, and instruments do not say which is right.
fn near_critical(point: &Point) -> bool {
    (295.0..=325.0).contains(&point.kelvins) && (5.5..=14.0).contains(&point.megapascals)
}

/// What was found of a mixture.
#[derive(Default)]
struct Found {
    away: Worst,
    near: Worst,
    marked: usize,
    unanswered: usize,
    missed: Vec<String>,
}

impl Found {
    fn see(&mut self, point: &Point, theirs: &Theirs) {
        match theirs {
            _ if point.ours.phase != Phase::One => self.marked += 1,
            Theirs::NoAnswer => self.unanswered += 1,
            Theirs::TwoPhases => self
                .missed
                .push(format!("{} K, {:.3} MPa", point.kelvins, point.megapascals)),
            Theirs::Density(theirs) => {
                let percent = (point.ours.density / theirs - 1.0) * 100.0;
                let worst = if near_critical(point) {
                    &mut self.near
                } else {
                    &mut self.away
                };
                worst.see(percent, point, *theirs);
            }
        }
    }

    fn show(&self, fractions: &[(&str, f64)]) {
        println!(
            "{fractions:?}: {} and, near the critical point, {} compared; {} marked as possibly of two \
             phases; {} without an answer of CoolProp; of two phases there and one here: {:?}",
            self.away.compared, self.near.compared, self.marked, self.unanswered, self.missed
        );
        println!("  worst {:+.4} % at {}", self.away.percent, self.away.at);
        println!(
            "  near the critical point {:+.4} % at {}",
            self.near.percent, self.near.at
        );
    }
}

#[test]
#[ignore = "needs CoolProp: run `make coolprop`"]
fn densities_are_those_of_coolprop() {
    let points = grid();
    let answers = coolprop(&points);
    assert_eq!(answers.len(), points.len());
    let mut too_far = Vec::new();
    for (mixture, fractions) in MIXTURES.iter().enumerate() {
        let mut found = Found::default();
        for (point, theirs) in points.iter().zip(&answers) {
            if point.mixture == mixture {
                found.see(point, theirs);
            }
        }
        found.show(fractions);
        let (away, near) = if fractions.len() == 1 {
            (0.1, 0.5)
        } else {
            (0.5, 1.0)
        };
        let far = found.away.percent.abs() > away || found.near.percent.abs() > near;
        if far || found.missed.len() > 2 {
            too_far.push(format!("{fractions:?}"));
        }
    }
    assert!(too_far.is_empty(), "not those of CoolProp: {too_far:?}");
}
