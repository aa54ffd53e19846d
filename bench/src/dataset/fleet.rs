//! What the organisation of the data set has: 67 tea factories, two injection fields, 475 devices.

use sealrock_domain::{DeviceId, Slug};

/// The organisation, and the name of its ledger.
pub const ORGANISATION: &str = "teaboard";
pub const FACTORIES: usize = 67;
/// What a stack probe measures.
pub const EMISSION_RATE: &str = "co2_emission_rate";
const METERS_A_FACTORY: usize = 4;
const FIELDS: usize = 2;
const WELLS_A_FIELD: usize = 5;
const GAUGES_A_WELL: usize = 14;

/// A metric and the value around which it moves.
type Metric = (&'static str, f64);

/// A device.
pub struct Meter {
    pub site: Slug,
    pub name: Slug,
    pub asset: Slug,
    pub metrics: &'static [Metric],
}

/// A well.
pub struct WellAt {
    pub site: Slug,
    pub well: Slug,
}

impl Meter {
    /// Whether it stands in a stack: one metric, every five minutes.
    pub fn is_probe(&self) -> bool {
        self.metrics.len() == 1
    }

    pub fn id(&self) -> DeviceId {
        DeviceId::of(&slug(ORGANISATION), &self.site, &self.name)
    }
}

/// All devices; the stack probes come first.
pub fn meters() -> Vec<Meter> {
    let probes = (1..=FACTORIES).map(|factory| Meter {
        site: factory_slug(factory),
        name: slug("stack-probe"),
        asset: slug("stack-1"),
        metrics: &[(EMISSION_RATE, 0.2)],
    });
    let others = (1..=FACTORIES).flat_map(|factory| {
        (1..=METERS_A_FACTORY).map(move |number| Meter {
            site: factory_slug(factory),
            name: slug(&format!("meter-{number}")),
            asset: slug("dryer-1"),
            metrics: &[("process_temperature", 92.0), ("electric_power", 140.0)],
        })
    });
    let gauges = wells().into_iter().flat_map(|WellAt { site, well }| {
        (1..=GAUGES_A_WELL).map(move |number| Meter {
            site: site.clone(),
            name: slug(&format!("{well}-gauge-{number}")),
            asset: well.clone(),
            metrics: &[("injection_rate", 18.0), ("wellhead_pressure", 9.0)],
        })
    });
    probes.chain(others).chain(gauges).collect()
}

/// All wells.
pub fn wells() -> Vec<WellAt> {
    let wells = (1..=FIELDS).flat_map(|field| {
        (1..=WELLS_A_FIELD).map(move |well| WellAt {
            site: field_slug(field),
            well: slug(&format!("injector-{well}")),
        })
    });
    wells.collect()
}

/// The sites: factories, then fields.
pub fn sites() -> Vec<Slug> {
    let factories = (1..=FACTORIES).map(factory_slug);
    factories.chain((1..=FIELDS).map(field_slug)).collect()
}

/// The names above are slugs.
pub fn slug(name: &str) -> Slug {
    name.parse().expect("names of the data set are slugs")
}

fn factory_slug(number: usize) -> Slug {
    slug(&format!("factory-{number}"))
}

fn field_slug(number: usize) -> Slug {
    slug(&format!("field-{number}"))
}
