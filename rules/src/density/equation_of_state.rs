//! GERG-2008 as `aga8` computes it, with both roots looked at.

use aga8::composition::Composition as Model;
use aga8::gerg2008::Gerg2008;

/// A density at which the equation of state gives the asked pressure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Root {
    /// Amount of substance in a volume, mol/L = kmol/m³.
    pub molar_density: f64,
    /// Molar mass, g/mol.
    pub molar_mass: f64,
    /// Molar Gibbs energy, J/mol.
    pub gibbs: f64,
}

impl Root {
    /// kg/m³.
    pub(super) fn density(&self) -> f64 {
        self.molar_density * self.molar_mass
    }

    /// Whether another root is the same within the solver's tolerance.
    fn is(&self, other: &Self) -> bool {
        (self.molar_density / other.molar_density - 1.0).abs() < 1e-5
    }
}

/// The roots from the vapour's and from the liquid's side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Roots {
    /// Both searches found the same, or only one found anything.
    One(Root),
    /// They differ; the first has the lower Gibbs energy, so it is the stable one of the two.
    Two(Root, Root),
}

impl Roots {
    /// The root with the lower Gibbs energy.
    pub(super) fn stable(&self) -> Root {
        match self {
            Self::One(root) | Self::Two(root, _) => *root,
        }
    }
}

/// Searches from both sides. `None` if neither search ends.
///
/// `aga8` searches from where it is told to, and says nothing when what it finds is metastable: for
/// tank liquid at 253.15 K and 2.0 `MPa` the search from the vapour's side gives 52.8 instead of
/// 1031.9 kg/m³. So both are asked, and of what [`is_of_a_phase`]
/// the lower Gibbs energy decides.
pub(super) fn roots(model: &Model, kelvins: f64, pascals: f64) -> Option<Roots> {
    let vapour = search(model, kelvins, pascals, 0);
    let liquid = search(model, kelvins, pascals, 2);
    match (vapour, liquid) {
        (None, None) => None,
        (Some(root), None) | (None, Some(root)) => Some(Roots::One(root)),
        (Some(vapour), Some(liquid)) if vapour.is(&liquid) => Some(Roots::One(vapour)),
        (Some(vapour), Some(liquid)) if vapour.gibbs <= liquid.gibbs => {
            Some(Roots::Two(vapour, liquid))
        }
        (Some(vapour), Some(liquid)) => Some(Roots::Two(liquid, vapour)),
    }
}

/// One search, in a fresh solver: an old one begins where it ended, and after a failure it holds the
/// density of an ideal gas.
fn search(model: &Model, kelvins: f64, pascals: f64, from: i32) -> Option<Root> {
    let mut solver = Gerg2008::new();
    solver.set_composition(model).ok()?;
    solver.t = kelvins;
    solver.p = pascals / 1_000.0;
    solver.density(from).ok()?;
    let reached = solver.properties();
    let converged = (reached / solver.p - 1.0).abs() < 1e-6;
    let root = Root {
        molar_density: solver.d,
        molar_mass: solver.mm,
        gibbs: solver.g,
    };
    (converged && is_of_a_phase(&mut solver, root.molar_density)).then_some(root)
}

/// Whether a root belongs to the vapour or to the liquid.
///
/// Between the two, where no fluid is stable, the equation swings and has roots of its own: 485 kg/m³
/// at 257.7 K and 23.8 `MPa`, with a lower Gibbs energy than the liquid's 1089 kg/m³. The vapour is what
/// thin gas becomes when it is compressed, the liquid what dense liquid becomes when it is let out:
/// the pressure rises all the way from nothing to the root, or from the root to far above it.
fn is_of_a_phase(solver: &mut Gerg2008, root: f64) -> bool {
    /// Denser than any CO2 of the model's range, mol/L.
    const DENSE: f64 = 32.0;
    rises(solver, 0.0, root) || rises(solver, root, DENSE.max(1.2 * root))
}

/// Whether the pressure rises with every step from one molar density to another.
fn rises(solver: &mut Gerg2008, from: f64, to: f64) -> bool {
    const STEPS: u32 = 32;
    let mut last = f64::NEG_INFINITY;
    (0..=STEPS).all(|step| {
        solver.d = from + (to - from) * f64::from(step) / f64::from(STEPS);
        let pressure = solver.pressure();
        let rises = pressure > last;
        last = pressure;
        rises
    })
}
