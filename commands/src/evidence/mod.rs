//! The evidence of a figure: the sealed hours of the devices that measured it.

mod again;

use std::collections::BTreeSet;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use sealrock_domain::device::DeviceEvent;
use sealrock_domain::refusal::{NO_EVIDENCE, OUT_OF_RANGE};
use sealrock_domain::telemetry::Source;
use sealrock_domain::telemetry::window::{Hour, SealedHours, WindowSealed, window_stream};
use sealrock_domain::{Citation, DeviceId, EventType, Slug};
use sealrock_eventstore::{LedgerInfo, Recorded};

use crate::error::CommandError;
use crate::ledger::OrganisationLedger;
use crate::unsealed;

pub(crate) use again::changed;

/// The most hours of a period.
const MAX_HOURS: usize = 24;
/// The most devices that are named at once.
const MAX_DEVICES: usize = 32;

/// What the sealed hours of some devices say of a period. It derefs to [`SealedHours`], which adds
/// up.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The seals, in the order of ledgers and indexes.
    pub(crate) citations: Vec<Citation>,
    /// Whether there are seals, every device is registered as `real`, and no batch in the seals says
    /// otherwise of itself.
    pub(crate) real: bool,
    hours: SealedHours,
}

impl Deref for Evidence {
    type Target = SealedHours;

    fn deref(&self) -> &SealedHours {
        &self.hours
    }
}

impl Evidence {
    /// How many hours have a seal.
    pub(crate) fn hours(&self) -> usize {
        self.hours.count()
    }
}

/// A device that is named, and its bindings in the ledger that is read.
struct Device {
    id: DeviceId,
    name: Slug,
    source: Source,
    bindings: Bindings,
    /// Whether it measured the asset at any time.
    was_bound: bool,
}

/// From which entry on a device measures which asset.
#[derive(Default)]
struct Bindings(Vec<(u64, Slug)>);

impl OrganisationLedger {
    /// The newest seals of these devices for the hours of a period, from this ledger and those that
    /// it continues.
    ///
    /// A seal counts if the device measured the asset from its first batch to its last: the hour in
    /// which a device is bound to another asset is evidence for neither. Of two devices that measure
    /// the same flow in an hour, the one that measures less counts. Erased batches stay in their
    /// seals.
    ///
    /// # Errors
    /// [`CommandError::NotFound`] for a device that is not registered at the site;
    /// [`CommandError::Refused`] for one that never measured the asset (`NO_EVIDENCE`), for a period
    /// that does not begin and end on the hour (a seal cannot be divided), or is longer than a day
    /// (`OUT_OF_RANGE`).
    pub(crate) async fn evidence(
        &self,
        organisation: &Slug,
        site: &Slug,
        asset: &Slug,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        devices: &[Slug],
    ) -> Result<Evidence, CommandError> {
        if devices.is_empty() {
            return Ok(Evidence::default());
        }
        let hours = hours_of(from, to)?;
        let devices = self.known_devices(organisation, site, devices).await?;
        self.gather((site, asset), &hours, devices).await
    }

    /// The newest seals of these devices for these hours.
    async fn gather(
        &self,
        (site, asset): (&Slug, &Slug),
        hours: &[Hour],
        mut devices: Vec<Device>,
    ) -> Result<Evidence, CommandError> {
        let mut evidence = Evidence::default();
        let ledgers = self.parents().await?.iter().rev();
        for ledger in ledgers.chain([&self.info]) {
            for device in &mut devices {
                device.bindings = self.bindings(ledger, device.id).await?;
                device.was_bound |= device.bindings.ever(asset);
            }
            self.add_seals(&mut evidence, ledger, &devices, (hours, asset))
                .await?;
        }
        if let Some(Device { name, .. }) = devices.iter().find(|device| !device.was_bound) {
            let why = format!(
                "device {name} of site {site} never measured {asset}: bind it to {asset} first, or \
                 name a device that measures it"
            );
            return Err(CommandError::refused(NO_EVIDENCE, why));
        }
        evidence.real = !evidence.citations.is_empty()
            && devices.iter().all(|device| device.source == Source::Real)
            && !evidence.hold_unreal();
        Ok(evidence)
    }

    async fn known_devices(
        &self,
        organisation: &Slug,
        site: &Slug,
        names: &[Slug],
    ) -> Result<Vec<Device>, CommandError> {
        if names.len() > MAX_DEVICES {
            return Err(CommandError::Rejected(format!(
                "{} devices are named, at most {MAX_DEVICES} can be",
                names.len()
            )));
        }
        let names: BTreeSet<&Slug> = names.iter().collect();
        let mut known = Vec::with_capacity(names.len());
        for name in names {
            let id = DeviceId::of(organisation, site, name);
            let device = self.known_device(id).await?.ok_or_else(|| {
                CommandError::NotFound(format!(
                    "site {site} has no device {name}: register it first, or name another one"
                ))
            })?;
            known.push(device);
        }
        Ok(known)
    }

    async fn known_device(&self, id: DeviceId) -> Result<Option<Device>, CommandError> {
        let loaded = self.devices.load_current(&id.to_string()).await?;
        Ok(loaded.state().profile().map(|profile| Device {
            id,
            name: profile.name.clone(),
            source: profile.source,
            bindings: Bindings::default(),
            was_bound: false,
        }))
    }

    async fn bindings(
        &self,
        ledger: &LedgerInfo,
        device: DeviceId,
    ) -> Result<Bindings, CommandError> {
        let events = self
            .store
            .read_stream(ledger.id, &device.stream(), 0)
            .await?;
        Ok(Bindings(events.iter().filter_map(binding).collect()))
    }

    async fn add_seals(
        &self,
        evidence: &mut Evidence,
        ledger: &LedgerInfo,
        devices: &[Device],
        (hours, asset): (&[Hour], &Slug),
    ) -> Result<(), CommandError> {
        let streams = devices.iter().flat_map(|device| {
            let hours = hours.iter();
            hours.map(|hour| window_stream(device.id, *hour))
        });
        let streams: Vec<String> = streams.collect();
        for recorded in self.store.newest_of(ledger.id, &streams).await? {
            let index = recorded.entry.index;
            let seal = unsealed::sealed(&recorded).ok_or_else(|| {
                CommandError::Fatal(format!(
                    "entry {index} of {} is not the seal that its stream says: run `sealrock fsck`",
                    ledger.name
                ))
            })?;
            let mut bindings = devices.iter().filter(|device| device.id == seal.device);
            if bindings.any(|device| device.bindings.throughout(&seal, asset)) {
                let citation = Citation::new(ledger.origin.as_str(), index.0);
                let citation = citation.map_err(|e| CommandError::Fatal(e.to_string()))?;
                evidence.citations.push(citation);
                evidence.hours.add(seal);
            }
        }
        Ok(())
    }
}

impl Bindings {
    fn ever(&self, asset: &Slug) -> bool {
        self.0.iter().any(|(_, bound)| bound == asset)
    }

    /// Whether the device measured `asset` from the seal's first batch to its last.
    fn throughout(&self, seal: &WindowSealed, asset: &Slug) -> bool {
        let (Some(first), Some(last)) = (seal.entries.first(), seal.last_entry()) else {
            return false;
        };
        let before = self.0.partition_point(|(index, _)| *index < first.first);
        let until = self.0.partition_point(|(index, _)| *index < last);
        let Some(held) = before.checked_sub(1) else {
            return false;
        };
        self.0[held..until].iter().all(|(_, bound)| bound == asset)
    }
}

/// From which entry on a device measures which asset, if this entry says so.
fn binding(recorded: &Recorded) -> Option<(u64, Slug)> {
    let (entry, payload) = (&recorded.entry, recorded.payload.as_ref()?);
    let asset = match DeviceEvent::decode(&entry.kind, entry.schema, &payload.bytes).ok()? {
        DeviceEvent::DeviceRegistered(event) => event.asset?,
        DeviceEvent::DeviceBound(event) => event.asset,
        _ => return None,
    };
    Some((entry.index.0, asset))
}

/// The hours of a period that begins and ends on the hour.
fn hours_of(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Hour>, CommandError> {
    let rejected = |why: String| Err(CommandError::refused(OUT_OF_RANGE, why));
    let (Ok(first), Ok(end)) = (Hour::try_from(from), Hour::try_from(to)) else {
        return rejected(format!(
            "the period from {from} to {to} does not begin and end on the hour, and evidence comes in \
             hours: give whole hours, or name no devices"
        ));
    };
    let hours = std::iter::successors(Some(first), |hour| Some(Hour::of(hour.end())));
    let hours = hours.take_while(|hour| *hour < end).take(MAX_HOURS + 1);
    let hours: Vec<Hour> = hours.collect();
    if hours.is_empty() || hours.len() > MAX_HOURS {
        return rejected(format!(
            "the period from {from} to {to} is none of 1 to {MAX_HOURS} hours: record each UTC day for \
             itself"
        ));
    }
    Ok(hours)
}
