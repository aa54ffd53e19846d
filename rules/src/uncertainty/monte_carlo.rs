//! Propagation of distributions: the check of the law of propagation (JCGM 101:2008).

use super::Input;

/// What samples of a model say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation: the standard uncertainty of the result.
    pub standard: f64,
    /// The 2.5 % quantile.
    pub lower: f64,
    /// The 97.5 % quantile.
    pub upper: f64,
}

/// Draws every input from a normal distribution and looks at what the model makes of it. The same
/// seed gives the same samples, on every machine.
///
/// # Errors
/// What the model refuses of a sample.
///
/// # Panics
/// With fewer than 100 samples, which have no quantiles.
pub fn monte_carlo<E>(
    inputs: &[Input],
    samples: usize,
    seed: u64,
    model: impl Fn(&[f64]) -> Result<f64, E>,
) -> Result<Sampled, E> {
    assert!(samples >= 100, "{samples} samples have no quantiles");
    let mut numbers = Numbers(seed);
    let mut results = Vec::with_capacity(samples);
    for _ in 0..samples {
        let drawn: Vec<f64> = inputs
            .iter()
            .map(|input| input.value + input.uncertainty * numbers.normal())
            .collect();
        results.push(model(&drawn)?);
    }
    results.sort_by(f64::total_cmp);
    Ok(summary(&results))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody draws as many samples as a double cannot count"
)]
fn summary(sorted: &[f64]) -> Sampled {
    let count = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / count;
    let squares = sorted.iter().map(|value| (value - mean).powi(2));
    let cut = sorted.len() / 40;
    Sampled {
        mean,
        standard: (squares.sum::<f64>() / (count - 1.0)).sqrt(),
        lower: sorted[cut],
        upper: sorted[sorted.len() - 1 - cut],
    }
}

/// Numbers that look random and follow from a seed: `SplitMix64` (Steele, Lea and Flood 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0, at most 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Of mean 0 and standard deviation 1 (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}
