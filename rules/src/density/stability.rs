//! Whether a mixture would split: Gibbs' tangent plane.

use std::collections::BTreeMap;

use super::composition::Composition;
use super::equation_of_state::roots;

/// The molar Gibbs energy of the stabler root, J/mol.
fn gibbs(fractions: &BTreeMap<&'static str, f64>, kelvins: f64, pascals: f64) -> Option<f64> {
    let sum: f64 = fractions.values().sum();
    let scaled = fractions.iter().map(|(name, value)| (*name, value / sum));
    let composition = Composition::new(scaled).ok()?;
    Some(
        roots(&composition.model(), kelvins, pascals)?
            .stable()
            .gibbs,
    )
}

/// `z + step·(w − z)`.
fn towards(
    z: &BTreeMap<&'static str, f64>,
    w: &BTreeMap<&'static str, f64>,
    step: f64,
) -> BTreeMap<&'static str, f64> {
    z.iter()
        .map(|(name, z)| (*name, z + step * (w[name] - z)))
        .collect()
}

/// How volatile a component is beside CO2: below zero where it gathers in the liquid.
fn volatility(component: &str) -> f64 {
    match component {
        "CO2" => 0.0,
        "N2" | "O2" | "Ar" | "CO" | "CH4" => 1.0,
        "H2" | "He" => 2.0,
        "C2H6" => 0.3,
        "H2S" => -0.3,
        _ => -1.0,
    }
}

/// A phase that the mixture might split into: richer (`lean` > 0) or poorer in what is volatile.
fn trial(z: &BTreeMap<&'static str, f64>, lean: f64) -> BTreeMap<&'static str, f64> {
    let weights = z
        .iter()
        .map(|(name, z)| (*name, z * (lean * volatility(name)).exp()));
    let weights: BTreeMap<_, _> = weights.collect();
    let sum: f64 = weights.values().sum();
    weights
        .into_iter()
        .map(|(name, weight)| (name, weight / sum))
        .collect()
}

/// Whether some trial phase lies below the tangent plane of the mixture's Gibbs energy: then two
/// phases have less energy than one (M. L. Michelsen, Fluid Phase Equilibria 9 (1982) 1–19).
///
/// `tpd(w) = g(w) − g(z) − ∇g(z)·(w − z) < 0`
///
/// The trials lean to either side along one line through the composition, so a split along another
/// is not found: this finds, it does not exclude.
pub(super) fn splits(composition: &Composition, kelvins: f64, pascals: f64) -> bool {
    const STEP: f64 = 1e-4;
    // Far above the noise of the slope, far below the energy of a split that matters.
    const DEPTH: f64 = -2e-5;
    let z = composition.fractions();
    let energy = |at: &BTreeMap<_, _>| gibbs(at, kelvins, pascals);
    let rt = 8.314_462_618 * kelvins;
    let tangent_distance = |lean: f64| {
        let w = trial(z, lean);
        let before = energy(&towards(z, &w, -STEP))?;
        let after = energy(&towards(z, &w, STEP))?;
        let slope = (after - before) / (2.0 * STEP);
        Some((energy(&w)? - energy(z)? - slope) / rt)
    };
    // To 120 times as much of what is volatile: at 226 K, nitrogen gathers so in the vapour.
    (1..=12)
        .flat_map(|step| [0.4 * f64::from(step), -0.4 * f64::from(step)])
        .filter_map(tangent_distance)
        .any(|distance| distance < DEPTH)
}
