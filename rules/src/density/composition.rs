//! What a stream is made of.

use std::collections::BTreeMap;

use aga8::composition::Composition as Model;
use serde::{Deserialize, Serialize};

/// A stream's mole fractions, which sum to 1 within 10⁻⁴.
///
/// JSON is an object by formula: `{"CO2": 0.98, "N2": 0.02}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, f64>", into = "BTreeMap<String, f64>")]
pub struct Composition {
    fractions: BTreeMap<&'static str, f64>,
}

/// Fractions that are no composition.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompositionError {
    /// The model has no such component.
    #[error(
        "{component} is no component of the equation of state: it knows {known}. Sulphur dioxide and \
         nitrogen oxides are not among them: a stream with more than traces needs a density meter"
    )]
    Unknown {
        /// What was given, cut after 20 characters.
        component: String,
        /// What there is.
        known: String,
    },
    /// Below 0, above 1 or no number.
    #[error("{component} is {fraction}: a mole fraction is a number from 0 to 1")]
    Fraction {
        /// The component.
        component: &'static str,
        /// What was given.
        fraction: f64,
    },
    /// The fractions do not sum to 1.
    #[error(
        "the mole fractions sum to {sum}, not to 1 ± 0.0001: give every component, as fractions of 1"
    )]
    Sum {
        /// Their sum.
        sum: f64,
    },
}

/// Where the model keeps the fraction of a component.
type Place = fn(&mut Model) -> &mut f64;

#[rustfmt::skip]
static COMPONENTS: &[(&str, Place)] = &[
    ("CO2", |m| &mut m.carbon_dioxide), ("N2", |m| &mut m.nitrogen), ("O2", |m| &mut m.oxygen),
    ("Ar", |m| &mut m.argon), ("H2", |m| &mut m.hydrogen), ("CO", |m| &mut m.carbon_monoxide),
    ("H2O", |m| &mut m.water), ("H2S", |m| &mut m.hydrogen_sulfide), ("He", |m| &mut m.helium),
    ("CH4", |m| &mut m.methane), ("C2H6", |m| &mut m.ethane), ("C3H8", |m| &mut m.propane),
    ("iC4H10", |m| &mut m.isobutane), ("nC4H10", |m| &mut m.n_butane),
    ("iC5H12", |m| &mut m.isopentane), ("nC5H12", |m| &mut m.n_pentane),
    ("C6H14", |m| &mut m.hexane), ("C7H16", |m| &mut m.heptane), ("C8H18", |m| &mut m.octane),
    ("C9H20", |m| &mut m.nonane), ("C10H22", |m| &mut m.decane),
];

impl Composition {
    /// Checks fractions by formula. Components with nothing in them are left out.
    ///
    /// # Errors
    /// See [`CompositionError`].
    pub fn new<'a>(
        fractions: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<Self, CompositionError> {
        let mut checked = BTreeMap::new();
        for (component, fraction) in fractions {
            let component = known(component)?;
            if !(0.0..=1.0).contains(&fraction) {
                return Err(CompositionError::Fraction {
                    component,
                    fraction,
                });
            }
            if fraction > 0.0 {
                checked.insert(component, fraction);
            }
        }
        // `+ 0.0`: the sum of nothing is −0.
        let sum = checked.values().sum::<f64>() + 0.0;
        if (sum - 1.0).abs() > 1e-4 {
            return Err(CompositionError::Sum { sum });
        }
        Ok(Self { fractions: checked })
    }

    /// Nothing but CO2.
    #[must_use]
    pub fn pure() -> Self {
        Self {
            fractions: BTreeMap::from([("CO2", 1.0)]),
        }
    }

    /// The fractions as given, by formula, without components that are not there.
    #[must_use]
    pub const fn fractions(&self) -> &BTreeMap<&'static str, f64> {
        &self.fractions
    }

    /// The mole fraction of a component, as given.
    #[must_use]
    pub fn of(&self, component: &str) -> f64 {
        self.fractions.get(component).copied().unwrap_or_default()
    }

    /// Whether it is of one component.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.fractions.len() == 1
    }

    /// Scaled to a sum of exactly 1, as the model needs it.
    pub(super) fn model(&self) -> Model {
        let sum: f64 = self.fractions.values().sum();
        let mut model = Model::default();
        for (component, place) in COMPONENTS {
            *place(&mut model) = self.of(component) / sum;
        }
        model
    }
}

fn known(component: &str) -> Result<&'static str, CompositionError> {
    let found = COMPONENTS.iter().find(|(known, _)| *known == component);
    found
        .map(|(known, _)| *known)
        .ok_or_else(|| CompositionError::Unknown {
            component: component.chars().take(20).collect(),
            known: COMPONENTS
                .iter()
                .map(|(known, _)| *known)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

impl TryFrom<BTreeMap<String, f64>> for Composition {
    type Error = CompositionError;

    fn try_from(fractions: BTreeMap<String, f64>) -> Result<Self, CompositionError> {
        Self::new(
            fractions
                .iter()
                .map(|(name, value)| (name.as_str(), *value)),
        )
    }
}

impl From<Composition> for BTreeMap<String, f64> {
    fn from(composition: Composition) -> Self {
        let fractions = composition.fractions.into_iter();
        fractions
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
