//! The demonstration's organisation: which sites, assets and devices to register.

use crate::chain::Branch;
use crate::models::{Model, TeaFactory, WellSlot};
use crate::slug::Slug;

/// One simulated device and where it stands. Names are what
/// `sealrock device add` and the site and asset commands take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSpec {
    /// The site's name.
    pub site: Slug,
    /// What the site is called for people.
    pub site_display_name: &'static str,
    /// What kind of site it is, by the platform's name: `tea_factory`, `injection` …
    pub site_kind: &'static str,
    /// Where the site is, ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// The asset that the device measures.
    pub asset: Slug,
    /// What the asset is called for people.
    pub asset_display_name: &'static str,
    /// What kind of asset it is, by the platform's name: `stack`, `injection_well` …
    pub asset_kind: &'static str,
    /// The device's name, unique within its organisation.
    pub name: Slug,
    /// What the device is called for people.
    pub display_name: &'static str,
    /// What it reports.
    pub model: Model,
    /// Whether it has a key of its own and signs its batches.
    pub signs: bool,
}

struct Place {
    name: &'static str,
    display: &'static str,
    kind: &'static str,
    country: &'static str,
}

const KERICHO: Place = Place {
    name: "kericho-tea",
    display: "Kericho tea factory",
    kind: "tea_factory",
    country: "KE",
};
const NANDI: Place = Place {
    name: "nandi-tea",
    display: "Nandi tea factory",
    kind: "tea_factory",
    country: "KE",
};
const KANGAITA: Place = Place {
    name: "kangaita-tea",
    display: "Kangaita tea factory",
    kind: "tea_factory",
    country: "KE",
};
const SOLAR: Place = Place {
    name: "kericho-solar",
    display: "Kericho solar site",
    kind: "solar",
    country: "KE",
};
const AMINE: Place = Place {
    name: "northsea-capture",
    display: "North Sea capture plant",
    kind: "capture_plant",
    country: "NO",
};
const MEMBRANE: Place = Place {
    name: "fjord-capture",
    display: "Fjord capture plant",
    kind: "capture_plant",
    country: "NO",
};
const TRANSPORT: Place = Place {
    name: "northsea-pipeline",
    display: "North Sea pipelines",
    kind: "pipeline",
    country: "NO",
};
const STORAGE: Place = Place {
    name: "northsea-storage",
    display: "North Sea storage site",
    kind: "injection",
    country: "NO",
};

/// The demonstration's devices, in the order in which the CO2 passes them.
/// A site or asset may appear more than once; register it the first time.
///
/// # Panics
/// Never: the names are constants, and a test checks them.
#[must_use]
pub fn demo_fleet() -> Vec<DeviceSpec> {
    let mut fleet = factories();
    fleet.extend(capture_and_transport());
    fleet.extend(wells());
    fleet
}

fn factories() -> Vec<DeviceSpec> {
    let stack = ("boiler-stack", "Boiler stack", "stack");
    vec![
        device(
            &KERICHO,
            stack,
            ("stack-probe", "Stack probe"),
            Model::TeaStack(TeaFactory::Kericho),
        ),
        device(
            &KERICHO,
            ("yard", "Factory yard", "weather_station"),
            ("yard-weather", "Yard weather node"),
            Model::Bme280,
        ),
        device(
            &NANDI,
            stack,
            ("nandi-stack-probe", "Stack probe"),
            Model::TeaStack(TeaFactory::Nandi),
        ),
        device(
            &KANGAITA,
            stack,
            ("kangaita-stack-probe", "Stack probe"),
            Model::TeaStack(TeaFactory::Kangaita),
        ),
        device(
            &SOLAR,
            ("pv-plant", "Solar plant", "inverter"),
            ("solar-meter", "Solar meter"),
            Model::Solar,
        ),
    ]
}

fn capture_and_transport() -> Vec<DeviceSpec> {
    vec![
        device(
            &AMINE,
            ("amine-unit", "Amine unit", "capture_unit"),
            ("amine-rtu", "Amine unit RTU"),
            Model::Capture(Branch::Amine),
        ),
        device(
            &MEMBRANE,
            ("membrane-unit", "Membrane unit", "capture_unit"),
            ("membrane-rtu", "Membrane unit RTU"),
            Model::Capture(Branch::Membrane),
        ),
        device(
            &TRANSPORT,
            ("trunk-line", "Trunk line", "pipeline"),
            ("trunk-rtu", "Trunk line RTU"),
            Model::Pipeline(Branch::Amine),
        ),
        device(
            &TRANSPORT,
            ("feeder-line", "Feeder line", "pipeline"),
            ("feeder-rtu", "Feeder line RTU"),
            Model::Pipeline(Branch::Membrane),
        ),
    ]
}

fn wells() -> Vec<DeviceSpec> {
    vec![
        device(
            &STORAGE,
            ("injector-1", "Injector 1", "injection_well"),
            ("injector-1-gauges", "Injector 1 gauges"),
            Model::InjectionWell(WellSlot::First),
        ),
        device(
            &STORAGE,
            ("injector-2", "Injector 2", "injection_well"),
            ("injector-2-gauges", "Injector 2 gauges"),
            Model::InjectionWell(WellSlot::Second),
        ),
        device(
            &STORAGE,
            ("monitor-1", "Monitor 1", "monitoring_well"),
            ("monitor-1-gauges", "Monitor 1 gauges"),
            Model::MonitoringWell(WellSlot::First),
        ),
        device(
            &STORAGE,
            ("monitor-2", "Monitor 2", "monitoring_well"),
            ("monitor-2-gauges", "Monitor 2 gauges"),
            Model::MonitoringWell(WellSlot::Second),
        ),
    ]
}

type Asset = (&'static str, &'static str, &'static str);

fn device(
    site: &Place,
    asset: Asset,
    (name, display_name): (&str, &'static str),
    model: Model,
) -> DeviceSpec {
    DeviceSpec {
        site: slug(site.name),
        site_display_name: site.display,
        site_kind: site.kind,
        country: site.country,
        asset: slug(asset.0),
        asset_display_name: asset.1,
        asset_kind: asset.2,
        name: slug(name),
        display_name,
        model,
        // What is captured is what will be credited, so it is what an auditor asks about first.
        signs: model == Model::Capture(Branch::Amine),
    }
}

fn slug(name: &str) -> Slug {
    Slug::parse(name).expect("the demonstration's names are slugs")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_device_has_its_own_name_and_model() {
        let fleet = demo_fleet();
        let names: HashSet<_> = fleet.iter().map(|device| &device.name).collect();
        let models: HashSet<_> = fleet.iter().map(|device| device.model).collect();
        assert_eq!((names.len(), models.len()), (fleet.len(), fleet.len()));
    }

    #[test]
    fn a_site_is_described_the_same_way_each_time() {
        let fleet = demo_fleet();
        let sites: HashSet<_> = fleet.iter().map(|d| &d.site).collect();
        let described: HashSet<_> = fleet
            .iter()
            .map(|d| (&d.site, d.site_display_name, d.site_kind))
            .collect();
        assert_eq!(sites.len(), described.len());
    }
}
