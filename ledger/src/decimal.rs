//! Numbers in the texts of C2SP.

/// Reads a decimal number in the one way of writing it: no sign, no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|n: &u64| n.to_string() == text)
}
