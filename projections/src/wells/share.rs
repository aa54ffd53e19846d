//! How much of a limit is used.

use sealrock_domain::Mass;

/// A mass as a share of a limit, in hundredths of a percent, rounded half up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    limit: Mass,
    hundredths: u128,
}

impl Share {
    /// The share; `None` of a limit of nothing.
    #[must_use]
    pub fn of(mass: Mass, limit: Mass) -> Option<Self> {
        let (mass, whole) = (u128::from(mass.grams()), u128::from(limit.grams()));
        let hundredths = (mass * 10_000 + whole / 2).checked_div(whole)?;
        Some(Self { limit, hundredths })
    }

    /// The limit.
    #[must_use]
    pub const fn limit(self) -> Mass {
        self.limit
    }

    /// Percent with two places: `96.25`.
    #[must_use]
    pub fn percent(self) -> String {
        format!("{}.{:02}", self.hundredths / 100, self.hundredths % 100)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_a_hundredth_of_a_percent() {
        let share = |mass: &str, limit: &str| {
            let share = Share::of(mass.parse().unwrap(), limit.parse().unwrap());
            share.map(Share::percent)
        };
        assert_eq!(share("481250", "500000").unwrap(), "96.25");
        assert_eq!(share("1", "3").unwrap(), "33.33");
        assert_eq!(share("2", "3").unwrap(), "66.67");
        assert_eq!(share("0", "3").unwrap(), "0.00");
        assert_eq!(share("4", "3").unwrap(), "133.33");
        assert_eq!(share("4", "0"), None);
    }
}
