//! The ranges of an account: which kilograms are set aside, for what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MassAccountRejection, RangeReserved};
use crate::credit_block::SerialBlock;
use crate::{KilogramRange, Slug};

/// Every range that was ever reserved, by its issuance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges {
    by_issuance: BTreeMap<Uuid, Allocation>,
}

/// A range and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The kilograms.
    pub range: KilogramRange,
    /// The registry that was to issue credits.
    pub registry: Slug,
    /// What became of it.
    pub state: AllocationState,
}

/// What became of a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AllocationState {
    /// Set aside.
    Reserved,
    /// Used up: these credits were issued.
    Finalised(SerialBlock),
    /// Free again.
    Released,
}

impl AllocationState {
    const fn name(&self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Finalised(_) => "finalised",
            Self::Released => "released",
        }
    }
}

impl Ranges {
    /// The range of an issuance.
    #[must_use]
    pub fn get(&self, issuance: Uuid) -> Option<&Allocation> {
        self.by_issuance.get(&issuance)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Uuid, &Allocation)> {
        self.by_issuance.iter().map(|(id, range)| (*id, range))
    }

    /// Kilograms that are reserved or finalised.
    #[must_use]
    pub fn taken_kg(&self) -> u64 {
        self.taken().map(KilogramRange::kilograms).sum()
    }

    /// The last serial of the credits that a registry issued for finalised ranges; 0 before the
    /// first. This ledger knows it even where the registry's has lost it.
    #[must_use]
    pub fn last_serial(&self, registry: &Slug) -> u64 {
        let of_registry =
            |(_, serials): &(Uuid, &SerialBlock)| serials.series().registry == *registry;
        let last = self.finalised().filter(of_registry);
        last.map(|(_, serials)| serials.last()).max().unwrap_or(0)
    }

    /// The issuance whose credits have serials of this block.
    pub(super) fn sharing(&self, block: &SerialBlock) -> Option<(Uuid, &SerialBlock)> {
        self.finalised()
            .find(|(_, serials)| serials.overlaps(block))
    }

    fn finalised(&self) -> impl Iterator<Item = (Uuid, &SerialBlock)> {
        self.iter().filter_map(|(id, range)| match &range.state {
            AllocationState::Finalised(serials) => Some((id, serials)),
            AllocationState::Reserved | AllocationState::Released => None,
        })
    }

    fn taken(&self) -> impl Iterator<Item = KilogramRange> {
        self.by_issuance
            .values()
            .filter(|allocation| allocation.state != AllocationState::Released)
            .map(|allocation| allocation.range)
    }

    /// The first free range of this length below `held` kilograms; the longest that could be had
    /// if there is none. All taken kilograms count against `held`, wherever they lie: after a loss
    /// some may lie above it.
    pub(super) fn first_free(&self, kilograms: u64, held: u64) -> Result<KilogramRange, u64> {
        let left = held.saturating_sub(self.taken_kg());
        let mut longest = 0;
        for (from, to) in self.gaps(held) {
            let length = (to - from).min(left);
            if length >= kilograms {
                return KilogramRange::new(from, from + kilograms).ok_or(0);
            }
            longest = longest.max(length);
        }
        Err(longest)
    }

    /// What lies between the taken ranges and below `held`, in order.
    fn gaps(&self, held: u64) -> Vec<(u64, u64)> {
        let mut taken: Vec<KilogramRange> = self.taken().collect();
        taken.sort_unstable();
        let mut gaps = Vec::new();
        let mut from = 0;
        for range in taken {
            gaps.push((from, range.from_kg().min(held)));
            from = range.to_kg();
        }
        gaps.push((from, held));
        gaps.retain(|(from, to)| from < to);
        gaps
    }

    /// The range of an issuance that nothing is decided of yet.
    pub(super) fn reserved(&self, issuance: Uuid) -> Result<KilogramRange, MassAccountRejection> {
        let allocation = self
            .get(issuance)
            .ok_or(MassAccountRejection::UnknownIssuance { issuance })?;
        if allocation.state == AllocationState::Reserved {
            return Ok(allocation.range);
        }
        let state = allocation.state.name();
        Err(MassAccountRejection::NotReserved { issuance, state })
    }

    pub(super) fn reserve(&mut self, event: RangeReserved) {
        if let Some(range) = event.range() {
            let allocation = Allocation {
                range,
                registry: event.registry,
                state: AllocationState::Reserved,
            };
            self.by_issuance.insert(event.issuance, allocation);
        }
    }

    pub(super) fn finalise(&mut self, issuance: Uuid, serials: SerialBlock) {
        self.set(issuance, AllocationState::Finalised(serials));
    }

    pub(super) fn release(&mut self, issuance: Uuid) {
        self.set(issuance, AllocationState::Released);
    }

    fn set(&mut self, issuance: Uuid, state: AllocationState) {
        if let Some(allocation) = self.by_issuance.get_mut(&issuance) {
            allocation.state = state;
        }
    }
}
