//! Credits and what they rest on: mass accounts, issuances, blocks. Two kinds of ledgers fold into
//! it, that of the storage and that of the registry; whichever comes first, the rows are the same.

mod fold;
mod issued;
mod journal;
mod queries;
mod registry;
mod rows;
mod steps;
mod storage;
mod versions;

pub use fold::CreditsProjection;
pub use issued::IssuedTotal;
pub use queries::{BlockFilter, IssuanceFilter};
pub use rows::{
    AccountEntry, Block, Issuance, MassAccount, Request, RequestState, Reservation,
    ReservationState, Span,
};
pub use steps::IssuanceStep;

/// Name of the read model.
pub const NAME: &str = "credits";
