//! Noise that is a function of (seed, channel, time), so a reading can be
//! computed again at any time, in any order, without a generator's state.

use chrono::{DateTime, Utc};

/// What a fleet's readings are drawn from: the same seed and the same simulated
/// time give the same readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of one of several equal devices: `derive("well-a")`.
    #[must_use]
    pub fn derive(self, label: &str) -> Self {
        Self(mix(self.0 ^ channel_hash(label)))
    }

    /// Continuous noise in −1..=1 that turns about once a `period_s` seconds.
    pub(crate) fn noise(self, channel: &str, at: DateTime<Utc>, period_s: f64) -> f64 {
        let position = seconds(at) / period_s;
        let (cell, within) = (position.floor(), position - position.floor());
        let base = self.0 ^ channel_hash(channel);
        let (from, to) = (unit(base, cell), unit(base, cell + 1.0));
        from + (to - from) * smoothstep(within)
    }
}

/// Seconds since 1970, with the fraction.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds stay below 2^53 until the year 287396"
)]
pub(crate) fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

/// The local hour of the day, 0.0..24.0, at a place `utc_offset_h` hours east.
pub(crate) fn hour_of_day(at: DateTime<Utc>, utc_offset_h: f64) -> f64 {
    (seconds(at) / 3600.0 + utc_offset_h).rem_euclid(24.0)
}

/// 0 below 0, 1 above 1, smooth between.
pub(crate) fn smoothstep(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "53 of 64 random bits are enough for noise"
)]
fn unit(base: u64, cell: f64) -> f64 {
    let bits = mix(base.wrapping_add(mix(cell.to_bits())));
    (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// `SplitMix64`: written out because its output must never change with a
/// dependency's version.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// FNV-1a.
fn channel_hash(channel: &str) -> u64 {
    channel.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn noise_stays_between_minus_one_and_one(seed: u64, s in 0_i64..4_000_000_000, ms in 0_u32..1000) {
            let at = DateTime::from_timestamp(s, ms * 1_000_000).expect("in chrono's range");
            let noise = Seed(seed).noise("x", at, 37.0);
            prop_assert!((-1.0..=1.0).contains(&noise), "{noise}");
        }

        #[test]
        fn noise_has_no_jumps(seed: u64, s in 0_i64..4_000_000_000) {
            let at = DateTime::from_timestamp(s, 0).expect("in chrono's range");
            let next = at + chrono::Duration::seconds(1);
            let step = Seed(seed).noise("x", next, 600.0) - Seed(seed).noise("x", at, 600.0);
            // The steepest slope of smoothstep is 1.5, over a difference of at most 2.
            prop_assert!(step.abs() <= 2.0 * 1.5 / 600.0 + 1e-9, "{step}");
        }
    }

    #[test]
    fn channels_and_seeds_differ() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).expect("in chrono's range");
        let a = Seed(1).noise("a", at, 60.0);
        assert!((a - Seed(1).noise("b", at, 60.0)).abs() > 1e-9);
        assert!((a - Seed(2).noise("a", at, 60.0)).abs() > 1e-9);
        assert_ne!(Seed(1).derive("a"), Seed(1).derive("b"));
    }
}
