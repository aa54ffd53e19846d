//! Who a request comes from.

use sealrock_access::Principal;

/// Who a request comes from, put into its data by the transports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody said; may sign in and read the schema, nothing else.
    Anonymous,
    /// The bearer of a valid token.
    Known(Principal),
}
