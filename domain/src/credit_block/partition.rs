//! Blocks cut into parts: every serial of the whole is in one part, and no other is.

/// A division that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// A part of nothing.
    #[error("a part of 0 is no part: leave it out, or give it at least 1")]
    Empty,
    /// The parts are more or less than the whole.
    #[error("parts of {parts} do not make {whole}: every unit goes to one part, none to two")]
    Differs {
        /// What the parts make together, as far as it can be counted.
        parts: u64,
        /// What there is to divide.
        whole: u64,
    },
}

/// Cuts `first..=last` into consecutive parts of these sizes, both ends in each part.
pub(crate) fn partition(
    first: u64,
    last: u64,
    sizes: &[u64],
) -> Result<Vec<(u64, u64)>, PartitionError> {
    if sizes.contains(&0) {
        return Err(PartitionError::Empty);
    }
    let whole = last - first + 1;
    let parts = sizes
        .iter()
        .fold(0_u64, |sum, size| sum.saturating_add(*size));
    if parts != whole {
        return Err(PartitionError::Differs { parts, whole });
    }
    let cut = |next: &mut u64, size: &u64| {
        let from = *next;
        *next += size;
        Some((from, *next - 1))
    };
    Ok(sizes.iter().scan(first, cut).collect())
}

/// The sizes of what the giver keeps and gives away: the giver keeps the first part, as the UNDP
/// national registry does it, and has no part left who gives all.
pub(crate) fn kept_and_given(whole: u64, given: u64) -> Result<Vec<u64>, PartitionError> {
    match whole.checked_sub(given) {
        _ if given == 0 => Err(PartitionError::Empty),
        None => Err(PartitionError::Differs {
            parts: given,
            whole,
        }),
        Some(0) => Ok(vec![given]),
        Some(kept) => Ok(vec![kept, given]),
    }
}
