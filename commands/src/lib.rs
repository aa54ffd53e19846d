#![doc = include_str!("../README.md")]

mod access;
mod batches;
mod captures;
mod commands;
mod context;
mod devices;
mod erasing;
mod error;
mod evidence;
mod injection_days;
mod issuing;
mod ledger;
mod once_per_minute;
mod registry;
mod retention;
mod sealing;
mod unsealed;
mod wells;

pub use access::{
    FRESH, GrantRequest, Identities, InvitationError, IssuedApiKey, KeyRequest, RegistrationError,
};
pub use batches::{AuthError, BatchError, BatchReceipt, DeviceIdentity, Devices, SignIn, Suspect};
pub use captures::{CaptureStatement, CaptureUnitPath};
pub use commands::Commands;
pub use context::{Context, Done};
pub use devices::RegisteredDevice;
pub use erasing::{MAX_ERASED, MAX_RANGES, MAX_REASON, Redaction};
pub use error::CommandError;
pub use injection_days::InjectedDay;
pub use issuing::{IssuanceName, IssuanceRequest, IssuedCredits, RequestedIssuance, StorageLoss};
pub use ledger::AGGREGATES;
pub use retention::{Kept, RetentionPlan};
pub use sealing::{GapsToSeal, MAX_NAMED, MAX_SEALED, SealDraft, Sealing, WindowToSeal};
pub use wells::{IntegrityTest, WellPath};
