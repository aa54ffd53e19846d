//! The rows, as they are stored and answered.

use chrono::{DateTime, NaiveDate, Utc};
use sealrock_domain::credit_block::SerialBlock;
use sealrock_domain::{Actor, AssetId, Citation, CreditBlockId, Mass, Reason, SiteId, Slug};
use sealrock_eventstore::LedgerId;
use sealrock_ledger::Index;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// From which entry on a row holds, and before which (`None`: until now).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first entry.
    pub from_index: Index,
    /// The first entry behind it.
    pub to_index: Option<Index>,
}

impl Span {
    pub(super) const fn from(index: Index) -> Self {
        Self {
            from_index: index,
            to_index: None,
        }
    }
}

/// The net stored kilograms of a site and year, and what is taken of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MassAccount {
    /// `<site id>/<year>`.
    pub key: String,
    /// The organisation.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// Its id.
    pub site_id: SiteId,
    /// The calendar year.
    pub year: i32,
    /// What approved days brought in.
    pub stored_kg: Mass,
    /// What was lost again.
    pub lost_kg: Mass,
    /// Kilograms that are set aside.
    pub reserved_kg: u64,
    /// Kilograms that credits were issued for.
    pub finalised_kg: u64,
    /// The entries between which this holds.
    #[serde(flatten)]
    pub span: Span,
}

impl MassAccount {
    /// What is left of what was stored; nothing if more was lost.
    #[must_use]
    pub fn net(&self) -> Mass {
        self.stored_kg.checked_sub(self.lost_kg).unwrap_or_default()
    }

    /// Kilograms that may still be reserved.
    #[must_use]
    pub fn free_kg(&self) -> u64 {
        let taken = self.reserved_kg + self.finalised_kg;
        self.net().whole_kilograms().saturating_sub(taken)
    }

    /// Kilograms that are reserved or final beyond what the account holds, rounded up.
    #[must_use]
    pub fn deficit_kg(&self) -> u64 {
        let needed = (self.reserved_kg + self.finalised_kg) * 1_000 + self.lost_kg.grams();
        needed
            .saturating_sub(self.stored_kg.grams())
            .div_ceil(1_000)
    }
}

/// Something that was added to an account or taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntry {
    /// The entry.
    pub index: Index,
    /// The account.
    pub account: String,
    /// How much.
    pub mass_kg: Mass,
    /// The first gram, of all that was ever stored in this account; `None` for a loss.
    pub from_g: Option<u64>,
    /// The first gram behind it.
    pub to_g: Option<u64>,
    /// The well; `None` for a loss.
    pub well: Option<AssetId>,
    /// The UTC day of the injection or of the loss.
    pub day: NaiveDate,
    /// Why CO2 was lost; `None` for what was stored.
    pub reason: Option<Reason>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// An issuance as the ledger of the storage has it: kilograms that are set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The ledger.
    #[serde(with = "ledger")]
    pub ledger_id: LedgerId,
    pub(super) key: String,
    /// The issuance.
    pub issuance: Uuid,
    /// The account, `<site id>/<year>`.
    pub account: String,
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year.
    pub year: i32,
    /// The registry that is to issue credits.
    pub registry: Slug,
    /// The first kilogram.
    pub from_kg: u64,
    /// The first kilogram behind it.
    pub to_kg: u64,
    /// Who requested it.
    pub requested_by: Actor,
    /// What became of it.
    pub state: ReservationState,
    /// The credits, once they were issued.
    pub serials: Option<SerialBlock>,
    /// Why it was released.
    pub reason: Option<Reason>,
    /// The entry that set the kilograms aside.
    pub reserved_index: Index,
    /// When that was recorded.
    pub reserved_at: DateTime<Utc>,
    /// The entry that ended it.
    pub closed_index: Option<Index>,
    /// When that was recorded.
    pub closed_at: Option<DateTime<Utc>>,
    /// The entries between which this holds.
    #[serde(flatten)]
    pub span: Span,
}

/// What became of kilograms that were set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// Still set aside.
    Reserved,
    /// Credits were issued for them.
    Finalised,
    /// Free again.
    Released,
}

/// An issuance as the registry's ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The ledger.
    #[serde(with = "ledger")]
    pub ledger_id: LedgerId,
    pub(super) key: String,
    /// The issuance.
    pub issuance: Uuid,
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year.
    pub year: i32,
    /// The first kilogram.
    pub from_kg: u64,
    /// The first kilogram behind it.
    pub to_kg: u64,
    /// The entry that set them aside.
    pub source: Citation,
    /// Who requested it.
    pub requested_by: Actor,
    /// What the registry decided.
    pub state: RequestState,
    /// The credits, once they were issued.
    pub serials: Option<SerialBlock>,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// Who decided.
    pub decided_by: Option<Actor>,
    /// The organisation that this person acted for.
    pub decided_for: Option<Slug>,
    /// The entry that requested it.
    pub requested_index: Index,
    /// When that was recorded.
    pub requested_at: DateTime<Utc>,
    /// The entry that decided it.
    pub decided_index: Option<Index>,
    /// When that was recorded.
    pub decided_at: Option<DateTime<Utc>>,
    /// The entries between which this holds.
    #[serde(flatten)]
    pub span: Span,
}

/// What a registry decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nothing yet.
    Requested,
    /// Credits.
    Issued,
    /// No credits.
    Refused,
}

/// A block of credits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The registry's ledger.
    #[serde(with = "ledger")]
    pub ledger_id: LedgerId,
    pub(super) key: String,
    /// Its id.
    pub id: CreditBlockId,
    /// The issuance that it came from.
    pub issuance: Uuid,
    /// The registry.
    pub registry: Slug,
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site.
    pub site: Slug,
    /// The calendar year in which the CO2 was stored.
    pub vintage: i32,
    /// The first serial.
    pub first_serial: u64,
    /// The last serial, in it too.
    pub last_serial: u64,
    /// The first kilogram of the mass account.
    pub from_kg: u64,
    /// The first kilogram behind it.
    pub to_kg: u64,
    /// The organisation that has them.
    pub holder: Slug,
    /// The entry that issued them.
    pub issued_index: Index,
    /// When that was recorded.
    pub issued_at: DateTime<Utc>,
    /// The entries between which this holds.
    #[serde(flatten)]
    pub span: Span,
}

impl Block {
    /// How many credits, one a tonne.
    #[must_use]
    pub const fn quantity(&self) -> u64 {
        self.last_serial - self.first_serial + 1
    }
}

/// An issuance as both ledgers have it. At least one of them has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuance {
    /// In the ledger of the storage.
    pub reservation: Option<Reservation>,
    /// In the ledger of the registry.
    pub request: Option<Request>,
}

/// A ledger's key in a row.
mod ledger {
    use sealrock_eventstore::LedgerId;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the shape that serde asks for"
    )]
    pub(super) fn serialize<S: Serializer>(id: &LedgerId, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_i32(id.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<LedgerId, D::Error> {
        i32::deserialize(d).map(LedgerId)
    }
}
