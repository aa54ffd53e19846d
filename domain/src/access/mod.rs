//! Who may act for an organisation, and who else may look.

mod role;

pub use role::{Role, RoleError};
