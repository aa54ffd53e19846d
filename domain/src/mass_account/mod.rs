//! Mass accounts: the net stored kilograms of a storage site and calendar year, and which of them
//! credits are issued for.
//!
//! An account counts its kilograms from 0: those of approved, creditable injection days, less what
//! was lost again. An issuance reserves a range of them, `[from, to)`, which becomes final when the
//! registry issues credits and free again when it refuses. **No two ranges that are reserved or
//! final overlap, ever**, so no kilogram can be issued twice. At each reservation, what is reserved
//! and final is together not more than what the account holds.
//!
//! A loss is a fact and never refused. If it leaves less than is reserved or final, there is a
//! deficit, and nothing more is reserved until it is made good.

mod commands;
mod events;
mod id;
mod ranges;
mod rejection;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{
    FinaliseRange, MassAccountCommand, RecordNetMass, RecordStorageLoss, ReleaseRange, ReserveRange,
};
pub use events::{
    MassAccountEvent, NetMassRecorded, RangeFinalised, RangeReleased, RangeReserved,
    StorageLossRecorded,
};
pub use id::{MassAccountId, MassAccountIdError};
pub use ranges::{Allocation, AllocationState, Ranges};
pub use rejection::MassAccountRejection;

use crate::{AssetId, KG_PER_TONNE, MAX_SAFE_INTEGER, Mass, Slug};

/// The account of one stream; empty before its first event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MassAccount {
    /// Organisation and site.
    place: Option<(Slug, Slug)>,
    stored: Mass,
    lost: Mass,
    days: BTreeSet<(AssetId, NaiveDate)>,
    by_well: BTreeMap<AssetId, Mass>,
    ranges: Ranges,
}

type Decision = Result<MassAccountEvent, MassAccountRejection>;

impl MassAccount {
    /// The organisation and the site, once something is recorded.
    #[must_use]
    pub fn place(&self) -> Option<(&Slug, &Slug)> {
        self.place.as_ref().map(|(org, site)| (org, site))
    }

    /// What approved days brought in.
    #[must_use]
    pub const fn stored(&self) -> Mass {
        self.stored
    }

    /// What approved days of one well brought in.
    #[must_use]
    pub fn stored_by(&self, well: AssetId) -> Mass {
        self.by_well.get(&well).copied().unwrap_or_default()
    }

    /// What was lost again.
    #[must_use]
    pub const fn lost(&self) -> Mass {
        self.lost
    }

    /// What is left of what was stored; nothing if more was lost.
    #[must_use]
    pub fn net(&self) -> Mass {
        self.stored.checked_sub(self.lost).unwrap_or_default()
    }

    /// The ranges that were reserved, whatever became of them.
    #[must_use]
    pub const fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// Kilograms that are reserved or final beyond what the account holds, rounded up.
    #[must_use]
    pub fn deficit_kg(&self) -> u64 {
        let held = self.stored.grams();
        let needed = self.ranges.taken_kg() * 1_000 + self.lost.grams();
        needed.saturating_sub(held).div_ceil(1_000)
    }

    fn decide(&self, command: MassAccountCommand) -> Decision {
        match command {
            MassAccountCommand::RecordNetMass(command) => self.record_net_mass(command),
            MassAccountCommand::RecordStorageLoss(command) => self.record_loss(command),
            MassAccountCommand::Reserve(command) => self.reserve(command),
            MassAccountCommand::Finalise(command) => self.finalise(command),
            MassAccountCommand::Release(command) => self.release(command),
        }
    }

    fn record_net_mass(&self, command: RecordNetMass) -> Decision {
        let RecordNetMass {
            org,
            site,
            well,
            day,
            mass_kg,
        } = command;
        if self.days.contains(&(well, day)) {
            return Err(MassAccountRejection::DayRecorded { well, day });
        }
        fits(self.stored, mass_kg)?;
        Ok(NetMassRecorded {
            org,
            site,
            well,
            day,
            mass_kg,
        }
        .into())
    }

    fn record_loss(&self, command: RecordStorageLoss) -> Decision {
        let RecordStorageLoss {
            org,
            site,
            year,
            mass_kg,
            occurred_on,
            reason,
            evidence,
            by,
        } = command;
        if mass_kg == Mass::ZERO {
            return Err(MassAccountRejection::NoLoss);
        }
        fits(self.lost, mass_kg)?;
        Ok(StorageLossRecorded {
            org,
            site,
            year,
            mass_kg,
            occurred_on,
            reason,
            evidence,
            by,
        }
        .into())
    }

    fn reserve(&self, command: ReserveRange) -> Decision {
        let ReserveRange {
            issuance,
            registry,
            tonnes,
            by,
        } = command;
        if self.ranges.get(issuance).is_some() {
            return Err(MassAccountRejection::IssuanceKnown { issuance });
        }
        let kilograms = tonnes
            .checked_mul(KG_PER_TONNE)
            .filter(|kilograms| (1..=MAX_SAFE_INTEGER).contains(kilograms))
            .ok_or(MassAccountRejection::ImpossibleQuantity { tonnes })?;
        let deficit_kg = self.deficit_kg();
        if deficit_kg > 0 {
            return Err(MassAccountRejection::Deficit { deficit_kg });
        }
        let net = self.net();
        let not_enough = |longest_kg| MassAccountRejection::NotEnough {
            tonnes,
            net,
            taken_kg: self.ranges.taken_kg(),
            longest_kg,
        };
        let range = self
            .ranges
            .first_free(kilograms, net.whole_kilograms())
            .map_err(not_enough)?;
        Ok(RangeReserved {
            issuance,
            registry,
            from_kg: range.from_kg(),
            to_kg: range.to_kg(),
            by,
        }
        .into())
    }

    fn finalise(&self, command: FinaliseRange) -> Decision {
        let FinaliseRange { issuance, serials } = command;
        let range = self.ranges.reserved(issuance)?;
        let quantity = serials.quantity();
        if quantity.checked_mul(KG_PER_TONNE) != Some(range.kilograms()) {
            return Err(MassAccountRejection::QuantityDiffers {
                issuance,
                serials: serials.to_string(),
                quantity,
                reserved_kg: range.kilograms(),
            });
        }
        if let Some((other, taken)) = self.ranges.sharing(&serials) {
            return Err(MassAccountRejection::SerialsTaken {
                issuance,
                serials: serials.to_string(),
                other,
                taken: taken.to_string(),
            });
        }
        Ok(RangeFinalised { issuance, serials }.into())
    }

    fn release(&self, command: ReleaseRange) -> Decision {
        let ReleaseRange { issuance, reason } = command;
        self.ranges.reserved(issuance)?;
        Ok(RangeReleased { issuance, reason }.into())
    }
}

/// The sum, if masses can hold it.
fn fits(sum: Mass, mass: Mass) -> Result<Mass, MassAccountRejection> {
    sum.checked_add(mass)
        .ok_or(MassAccountRejection::TooLarge { mass })
}

impl Aggregate for MassAccount {
    const TYPE: &'static str = "mass_account";
    type Command = MassAccountCommand;
    type Event = MassAccountEvent;
    type Error = MassAccountRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let event = self.decide(command)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            MassAccountEvent::NetMassRecorded(event) => {
                self.stored = fits(self.stored, event.mass_kg).unwrap_or(self.stored);
                self.days.insert((event.well, event.day));
                let of_well = self.by_well.entry(event.well).or_default();
                *of_well = fits(*of_well, event.mass_kg).unwrap_or(*of_well);
                self.place = Some((event.org, event.site));
            }
            MassAccountEvent::StorageLossRecorded(event) => {
                self.lost = fits(self.lost, event.mass_kg).unwrap_or(self.lost);
                self.place = Some((event.org, event.site));
            }
            MassAccountEvent::RangeReserved(event) => self.ranges.reserve(event),
            MassAccountEvent::RangeFinalised(event) => {
                self.ranges.finalise(event.issuance, event.serials);
            }
            MassAccountEvent::RangeReleased(event) => self.ranges.release(event.issuance),
        }
    }
}
