//! That somebody was known.

/// Put into an answer's extensions by whoever has found that what its request showed is good: a token, a
/// secret, a key or a certificate. It is not sent; listeners limit by it who is nobody in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proved;
