//! The uncertainty of results, and the conservative figure that follows.
//!
//! The law of propagation (JCGM 100:2008, the GUM, 5.1.2, for inputs that do not depend on each
//! other), with each contribution computed as 5.1.3 note 2 has it:
//!
//! ```text
//! u_i(y) = ½·|f(…, x_i + u(x_i), …) − f(…, x_i − u(x_i), …)|
//! u(y)   = √Σ u_i(y)²
//! U95    = 1.96·u(y)
//! ```
//!
//! So it goes through any model that can be computed, an equation of state too. [`monte_carlo`] is
//! the check (JCGM 101:2008): where the two differ, the model bends within the uncertainties, and the
//! Monte Carlo figure holds. Evidence: equations \[M\], their worked example \[C\].

mod credit;
mod monte_carlo;

pub use credit::{ConservativeCredit, CreditInput};
pub use monte_carlo::{Sampled, monte_carlo};

/// The coverage factor of a normal distribution for 95 %.
pub const COVERAGE_95: f64 = 1.96;

/// A measured input with its standard uncertainty (k = 1), in the same unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// Its symbol.
    pub symbol: &'static str,
    /// Its value.
    pub value: f64,
    /// Its standard uncertainty.
    pub uncertainty: f64,
}

impl Input {
    /// A value with its standard uncertainty.
    #[must_use]
    pub const fn new(symbol: &'static str, value: f64, uncertainty: f64) -> Self {
        Self {
            symbol,
            value,
            uncertainty,
        }
    }

    /// A value whose standard uncertainty is a share of it.
    #[must_use]
    pub const fn relative(symbol: &'static str, value: f64, share: f64) -> Self {
        Self::new(symbol, value, value * share)
    }
}

/// What an input contributes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// The input's symbol.
    pub symbol: &'static str,
    /// `∂y/∂x`, in units of the result per unit of the input; 0 for an input that is certain.
    pub sensitivity: f64,
    /// `|∂y/∂x|·u(x)`, in units of the result.
    pub uncertainty: f64,
}

/// A result with its uncertainty and where that comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// The result.
    pub value: f64,
    /// What each input contributes, in the order of the inputs.
    pub contributions: Vec<Contribution>,
}

impl Budget {
    /// The combined standard uncertainty (k = 1).
    #[must_use]
    pub fn standard(&self) -> f64 {
        let squares = self.contributions.iter().map(|c| c.uncertainty.powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// The combined standard uncertainty as a share of the result.
    #[must_use]
    pub fn relative(&self) -> f64 {
        self.standard() / self.value.abs()
    }

    /// The expanded uncertainty for a coverage of 95 %.
    #[must_use]
    pub fn expanded(&self) -> f64 {
        COVERAGE_95 * self.standard()
    }

    /// The conservative figure of what is credited: the result without its expanded uncertainty, and
    /// not below zero. (Of a leak the conservative figure is [`Self::upper`].)
    #[must_use]
    pub fn lower(&self) -> f64 {
        (self.value - self.expanded()).max(0.0)
    }

    /// The conservative figure of what was lost.
    #[must_use]
    pub fn upper(&self) -> f64 {
        self.value + self.expanded()
    }
}

/// Propagates the uncertainties of inputs through a model.
///
/// # Errors
/// What the model refuses, at the inputs themselves or one standard uncertainty away from them.
pub fn propagate<E>(
    inputs: &[Input],
    model: impl Fn(&[f64]) -> Result<f64, E>,
) -> Result<Budget, E> {
    let mut values: Vec<f64> = inputs.iter().map(|input| input.value).collect();
    let value = model(&values)?;
    let mut contributions = Vec::with_capacity(inputs.len());
    for (place, input) in inputs.iter().enumerate() {
        values[place] = input.value + input.uncertainty;
        let above = model(&values)?;
        values[place] = input.value - input.uncertainty;
        let below = model(&values)?;
        values[place] = input.value;
        let change = (above - below) / 2.0;
        contributions.push(Contribution {
            symbol: input.symbol,
            sensitivity: if input.uncertainty > 0.0 {
                change / input.uncertainty
            } else {
                0.0
            },
            uncertainty: change.abs(),
        });
    }
    Ok(Budget {
        value,
        contributions,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests;
