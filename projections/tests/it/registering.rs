use sealrock_domain::asset::{AssetEvent, AssetKind, AssetRegistered};
use sealrock_domain::device::{
    DeviceBound, DeviceCredentialRevoked, DeviceDecommissioned, DeviceEvent, DeviceKeyRevoked,
    DeviceKeyRotated, PublicKey,
};
use sealrock_domain::organisation::{
    OrganisationEvent, OrganisationRegistered, OrganisationRenamed,
};
use sealrock_domain::site::{SiteEvent, SiteKind, SiteRegistered, SiteRetired};
use sealrock_domain::{AssetId, Attributes, CredentialId, OrganisationId, SiteId};
use sealrock_ledger::Index;
use sealrock_projections::ledger::{EntryFilter, PageBounds};
use sealrock_projections::registry::{PlaceCursor, RegistryProjection, Within};
use sealrock_testkit::DeviceSigner;
use std::sync::Arc;
use uuid::Uuid;

use crate::plant::{Plant, slug};

fn place(slug_text: &str) -> PlaceCursor {
    PlaceCursor {
        site: slug("plant-1"),
        slug: slug(slug_text),
    }
}

fn organisation_registered() -> OrganisationEvent {
    let display_name = "North Sea".parse().unwrap();
    OrganisationRegistered {
        slug: slug("northsea"),
        display_name,
        demo: false,
        registry: false,
    }
    .into()
}

fn site_registered() -> SiteEvent {
    let event = SiteRegistered {
        org: slug("northsea"),
        slug: slug("plant-1"),
        display_name: "Plant".parse().unwrap(),
        site_kind: serde_json::from_str::<SiteKind>("\"capture_plant\"").unwrap(),
        country: Some("NO".parse().unwrap()),
        latitude: Some("60.5".parse().unwrap()),
        longitude: None,
        ambient_pressure_kpa: None,
    };
    event.into()
}

fn asset_registered() -> AssetEvent {
    let event = AssetRegistered {
        org: slug("northsea"),
        site: slug("plant-1"),
        slug: slug("stack-1"),
        display_name: "Stack".parse().unwrap(),
        asset_kind: serde_json::from_str::<AssetKind>("\"stack\"").unwrap(),
        assumptions: Attributes::default(),
    };
    event.into()
}

#[tokio::test]
async fn what_is_registered_and_changed_is_found_by_id_by_name_and_page_by_page() {
    let plant = Plant::on_database().await;
    let org = slug("northsea");
    let organisation = OrganisationId::of(&org).stream();
    plant.event(&organisation, &organisation_registered()).await;
    let site = SiteId::of(&org, &slug("plant-1")).stream();
    plant.event(&site, &site_registered()).await;
    let asset = AssetId::of(&org, &slug("plant-1"), &slug("stack-1")).stream();
    plant.event(&asset, &asset_registered()).await;
    for name in ["c", "a", "b"] {
        plant.register(name).await;
    }
    let device = crate::plant::device("b");
    let bound = DeviceEvent::from(DeviceBound {
        asset: slug("stack-1"),
    });
    plant.event(&device.stream(), &bound).await;
    let renamed = OrganisationRenamed {
        display_name: "Nordsjøen".parse().unwrap(),
    };
    plant
        .event(&organisation, &OrganisationEvent::from(renamed))
        .await;
    let last = plant.event(&site, &SiteEvent::from(SiteRetired {})).await;

    let running = plant.run(vec![Arc::new(RegistryProjection)]);
    running.reach(&plant, last).await;
    let read = &plant.read;
    let found = read.organisation(&org).await.unwrap().unwrap();
    assert_eq!(found.display_name.to_string(), "Nordsjøen");
    assert_eq!((found.first_index, found.last_index), (Index(0), Index(7)));
    let site = read.site(&org, &slug("plant-1")).await.unwrap().unwrap();
    assert!(site.retired);
    assert_eq!(site.latitude.unwrap().as_str(), "60.5");
    assert_eq!(read.sites(&org, None, 10).await.unwrap().len(), 1);
    assert!(
        read.sites(&org, Some(&slug("plant-1")), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(read.asset(&org, &place("stack-1")).await.unwrap().is_some());

    let mut within = Within {
        organisation: org.clone(),
        site: None,
        asset: None,
    };
    assert_eq!(read.assets(&within, None, 10).await.unwrap().len(), 1);
    let first = read.devices(&within, None, 2).await.unwrap();
    let names = |devices: &[sealrock_projections::registry::Device]| {
        devices
            .iter()
            .map(|device| device.slug.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["a", "b"]);
    let rest = read.devices(&within, Some(&place("b")), 2).await.unwrap();
    assert_eq!(names(&rest), ["c"]);
    within.asset = Some(slug("stack-1"));
    assert_eq!(
        names(&read.devices(&within, None, 10).await.unwrap()),
        ["b"]
    );
    assert_eq!(
        read.organisations(Some(&[slug("other")]), None, 9)
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        read.organisations(Some(&[org]), None, 9)
            .await
            .unwrap()
            .len(),
        1
    );
    running.stop().await;
}

#[tokio::test]
async fn a_device_loses_its_credential_when_it_is_revoked_or_decommissioned() {
    let plant = Plant::on_database().await;
    let running = plant.run(vec![Arc::new(RegistryProjection)]);
    for (name, is_last) in [("a", false), ("b", true)] {
        let device = plant.register(name).await;
        let event = if is_last {
            DeviceEvent::from(DeviceDecommissioned {})
        } else {
            DeviceCredentialRevoked {
                credential: CredentialId(Uuid::nil()),
            }
            .into()
        };
        let index = plant.event(&device.stream(), &event).await;
        running.reach(&plant, index).await;
        let found = plant
            .read
            .device(&slug("northsea"), &place(name))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.credential, found.decommissioned), (None, is_last));
        assert_eq!(found.last_index, index);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_device_shows_the_keys_that_it_may_sign_with() {
    let plant = Plant::on_database().await;
    let running = plant.run(vec![Arc::new(RegistryProjection)]);
    let device = plant.register("a").await;
    let signers = [1, 2].map(DeviceSigner::new);
    let keys: Vec<PublicKey> = signers
        .iter()
        .map(|signer| signer.public_key().parse().unwrap())
        .collect();
    let added = |key: PublicKey| DeviceEvent::from(DeviceKeyRotated { public_key: key });
    let revoked = DeviceEvent::from(DeviceKeyRevoked {
        key_id: keys[0].id(),
    });
    plant.event(&device.stream(), &added(keys[0])).await;
    plant.event(&device.stream(), &added(keys[1])).await;
    let index = plant.event(&device.stream(), &revoked).await;
    running.reach(&plant, index).await;
    let found = plant.read.device(&slug("northsea"), &place("a")).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.keys.valid().collect::<Vec<_>>(), [&keys[1]]);
    assert!(found.keys.required() && found.last_index == index);
    running.stop().await;
}

#[tokio::test]
async fn an_event_without_its_registration_is_poison() {
    let plant = Plant::on_database().await;
    let running = plant.run(vec![Arc::new(RegistryProjection)]);
    let device = crate::plant::device("nobody");
    plant
        .event(
            &device.stream(),
            &DeviceEvent::from(DeviceDecommissioned {}),
        )
        .await;
    for _ in 0..200 {
        let status = running.runner.status().await.unwrap().remove(0);
        if let Some(reason) = status.reason() {
            assert_eq!(reason, "no registration stands before it");
            return running.stop().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nothing stopped")
}

#[tokio::test]
async fn entries_are_paged_with_the_checkpoint_that_covers_them() {
    let plant = Plant::on_database().await;
    for n in 0..10 {
        plant
            .append(&format!("x/{}", n % 2), "X", b"{}".to_vec())
            .await;
    }
    let filter = EntryFilter {
        stream: Some("x/1".to_owned()),
        kind: Some("X".to_owned()),
    };
    let bounds = PageBounds {
        entries: 2,
        bytes: u64::MAX,
        payloads: true,
    };
    let (mut after, mut indexes) = (None, Vec::new());
    loop {
        let page = plant
            .read
            .entries(&plant.ledger, after, bounds, &filter)
            .await
            .unwrap();
        for entry in &page.entries {
            assert!(entry.checkpoint.size > entry.recorded.entry.index.0);
        }
        assert!(page.entries.len() <= 2);
        indexes.extend(
            page.entries
                .iter()
                .map(|entry| entry.recorded.entry.index.0),
        );
        after = page.scanned_to;
        if !page.more {
            break;
        }
    }
    assert_eq!(indexes, [1, 3, 5, 7, 9]);
    let one = plant
        .read
        .entry(&plant.ledger, Index(3))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(one.recorded.entry.index, Index(3));
    assert!(
        plant
            .read
            .entry(&plant.ledger, Index(10))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_page_of_entries_ends_before_its_bytes_pass_the_bound_and_holds_at_least_one() {
    let plant = Plant::on_database().await;
    for length in [100_000, 100_000, 300_000, 100] {
        let payload = vec![b'x'; length];
        plant.append("x/1", "X", payload).await;
    }
    let pages = async |bytes, payloads| -> Vec<Vec<u64>> {
        let bounds = PageBounds {
            entries: 1_000,
            bytes,
            payloads,
        };
        let (mut after, mut pages) = (None, Vec::new());
        loop {
            let every = EntryFilter::default();
            let page = plant.read.entries(&plant.ledger, after, bounds, &every);
            let page = page.await.unwrap();
            let entries = page.entries.iter();
            pages.push(entries.map(|one| one.recorded.entry.index.0).collect());
            after = page.scanned_to;
            if !page.more {
                return pages;
            }
        }
    };
    assert_eq!(pages(220_000, true).await, [vec![0, 1], vec![2], vec![3]]);
    assert_eq!(pages(1, true).await, [[0], [1], [2], [3]]);
    assert_eq!(pages(220_000, false).await, [[0, 1, 2, 3]]);
    assert_eq!(pages(u64::MAX, true).await, [[0, 1, 2, 3]]);
}
