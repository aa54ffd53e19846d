//! The counts of a front page.

use chrono::TimeDelta;
use sealrock_domain::device::{DeviceBound, DeviceEvent};
use sealrock_domain::well::{InjectionStarted, WellEvent, WellKind, WellPlugged, WellRegistered};
use sealrock_domain::{Actor, AssetId};
use sealrock_projections::all;
use sealrock_projections::overview::WellCounts;

use crate::plant::{Plant, at, batch, reading, slug};

async fn happened(plant: &Plant, well: &str, event: WellEvent) -> sealrock_ledger::Index {
    let id = AssetId::of(&slug("northsea"), &slug("plant-1"), &slug(well));
    plant.event(&format!("well/{id}"), &event).await
}

#[tokio::test]
async fn wells_that_inject_and_monitors_that_measure_are_active_and_plugged_ones_are_none() {
    let plant = Plant::on_database().await;
    let running = plant.run(all());
    let by: Actor = "service/test".parse().unwrap();
    let mut last = Vec::new();
    for (name, well_kind) in [
        ("inj-1", WellKind::Injector),
        ("inj-2", WellKind::Injector),
        ("inj-3", WellKind::Injector),
        ("mon-1", WellKind::Monitor),
        ("mon-2", WellKind::Monitor),
    ] {
        let event = WellRegistered {
            org: slug("northsea"),
            site: slug("plant-1"),
            slug: slug(name),
            well_kind,
        };
        last.push(happened(&plant, name, event.into()).await);
    }
    let started = InjectionStarted {
        at: at(0),
        by: by.clone(),
    };
    last[0] = happened(&plant, "inj-1", started.into()).await;
    happened(&plant, "inj-3", WellPlugged { at: at(0), by }.into()).await;
    last.remove(2);
    for (gauge, well, measured) in [("gauge-1", "mon-1", 0), ("gauge-2", "mon-2", -7200)] {
        let device = plant.register(gauge).await;
        let bound = DeviceEvent::from(DeviceBound { asset: slug(well) });
        plant.event(&device.stream(), &bound).await;
        let value = reading("downhole_pressure", at(measured), 18.7);
        let index = plant.batch(device, batch("", &[value])).await;
        running.reach(&plant, index).await;
    }

    let (org, ledger) = (slug("northsea"), plant.ledger.id);
    let since = at(0) - TimeDelta::hours(1);
    let counts = plant.read.well_counts(&org, ledger, since).await.unwrap();
    last.sort_unstable();
    let expected = WellCounts {
        injectors: 2,
        injecting: 1,
        monitors: 2,
        monitoring: 1,
        indexes: last,
    };
    assert_eq!(counts, expected);
    let elsewhere = plant
        .read
        .well_counts(
            &slug("southsea"),
            sealrock_projections::LedgerId(4711),
            since,
        )
        .await;
    assert_eq!(elsewhere.unwrap(), WellCounts::default());
    running.stop().await;
}
