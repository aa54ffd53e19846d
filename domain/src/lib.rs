#![doc = include_str!("../README.md")]

pub mod access;
mod actor;
pub mod asset;
pub mod capture_day;
pub mod capture_unit;
mod citation;
pub mod credit_block;
pub mod decimal;
pub mod device;
pub mod event;
pub mod ids;
pub mod injection_day;
pub mod issuance;
mod kilogram_range;
mod mass;
pub mod mass_account;
pub mod organisation;
pub mod quantity;
pub mod refusal;
pub mod site;
pub mod slug;
pub mod telemetry;
pub mod text;
pub mod topic;
pub mod well;

pub use actor::{Actor, ActorError};
pub use citation::{Citation, CitationError};
pub use event::{Encoded, EventDecodeError, EventType};
pub use ids::{
    AccountId, ApiKeyId, AssetId, CredentialId, CreditBlockId, DeviceId, InvitationId,
    OrganisationId, SiteId,
};
pub use kilogram_range::{KG_PER_TONNE, KilogramRange};
pub use mass::{Mass, MassError};
pub use refusal::Refusal;
pub use slug::{Slug, SlugError};
pub use text::{Attributes, DisplayName, Reason};
pub use topic::{Topic, TopicKind};

/// The largest integer that a payload may hold: 2^53 − 1.
///
/// Above it, programs that read JSON numbers as doubles (most of them) round
/// silently, and an auditor's canonical form would differ from ours.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
