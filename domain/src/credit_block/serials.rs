//! Serial blocks: the names of credits.
//!
//! ```text
//! SR:ccr:northsea:field-1:2026:1-3000
//! │  │   │        │       │    └ first and last serial: last − first + 1 tonnes
//! │  │   │        │       └ vintage: the calendar year in which the CO2 was stored
//! │  │   │        └ the storage site
//! │  │   └ the organisation that stored it
//! │  └ the registry that issued them
//! └ this form
//! ```
//!
//! Both ends are in the block, as registries write it (Verra's `…-941467007-941467431-…` are 425
//! credits; the UNDP national registry's `…-1-3000-2023` are 3000). Serials of a registry, site and
//! vintage are given one after the other and never again.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::PartitionError;
use super::partition::{kept_and_given, partition};
use crate::{MAX_SAFE_INTEGER, Slug};

/// What the text of every block begins with.
const FORM: &str = "SR";

/// The years that a vintage may be of.
const VINTAGES: std::ops::RangeInclusive<i32> = 1900..=9999;

/// A block of credits by its serials; one credit is one tonne. In payloads it is its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SerialBlock {
    series: SerialSeries,
    first: u64,
    last: u64,
}

/// What serials are counted in: the same serial in another series is another credit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SerialSeries {
    /// The registry that issues.
    pub registry: Slug,
    /// The organisation that stored the CO2.
    pub organisation: Slug,
    /// The storage site, the project of the credits.
    pub site: Slug,
    /// The calendar year in which the CO2 was stored.
    pub vintage: i32,
}

/// A text that is no serial block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SerialBlockError {
    /// It has another form.
    #[error(
        "\"{value}\" is no block of serials: write \
         SR:<registry>:<organisation>:<site>:<vintage>:<first>-<last>, such as \
         \"SR:ccr:northsea:field-1:2026:1-3000\""
    )]
    Form {
        /// What was given, cut after 300 characters.
        value: String,
    },
    /// The last serial is before the first, or a serial is 0 or above 2^53 − 1.
    #[error(
        "serials {first}-{last} are no block: they count from 1, the last is not before the first"
    )]
    Ends {
        /// The first serial given.
        first: u64,
        /// The last serial given.
        last: u64,
    },
}

impl SerialBlock {
    /// The serials from `first` to `last`, both in it.
    ///
    /// # Errors
    /// [`SerialBlockError::Ends`].
    pub fn new(series: SerialSeries, first: u64, last: u64) -> Result<Self, SerialBlockError> {
        if first == 0 || first > last || last > MAX_SAFE_INTEGER {
            return Err(SerialBlockError::Ends { first, last });
        }
        Ok(Self {
            series,
            first,
            last,
        })
    }

    /// What the serials are counted in.
    #[must_use]
    pub const fn series(&self) -> &SerialSeries {
        &self.series
    }

    /// The first serial.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The last serial.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// How many credits, and tonnes, it is.
    #[must_use]
    pub const fn quantity(&self) -> u64 {
        self.last - self.first + 1
    }

    /// Whether a credit is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.series == other.series && self.first <= other.last && other.first <= self.last
    }

    /// Cuts it into consecutive parts of these sizes: every serial is in one part.
    ///
    /// # Errors
    /// If a size is 0, or if the sizes are not the whole block.
    pub fn split(&self, sizes: &[u64]) -> Result<Vec<Self>, PartitionError> {
        let parts = partition(self.first, self.last, sizes)?;
        let part = |(first, last)| Self {
            series: self.series.clone(),
            first,
            last,
        };
        Ok(parts.into_iter().map(part).collect())
    }

    /// Takes the last `quantity` credits out of it, to transfer or retire them: what the holder keeps
    /// (the first serials; nothing if all are given), and what goes.
    ///
    /// # Errors
    /// If `quantity` is 0 or more than the block has.
    pub fn give(&self, quantity: u64) -> Result<(Option<Self>, Self), PartitionError> {
        let mut parts = self.split(&kept_and_given(self.quantity(), quantity)?)?;
        let given = parts.pop().ok_or(PartitionError::Empty)?;
        Ok((parts.pop(), given))
    }

    /// Whether these parts, in any order, are this block: every serial in one of them, and no other.
    #[must_use]
    pub fn is_partitioned_by(&self, parts: &[Self]) -> bool {
        let mut parts: Vec<_> = parts.iter().collect();
        parts.sort_by_key(|part| part.first);
        let ends = parts.first().map(|part| part.first) == Some(self.first)
            && parts.last().map(|part| part.last) == Some(self.last);
        let joined = parts
            .windows(2)
            .all(|pair| pair[0].last + 1 == pair[1].first);
        ends && joined && parts.iter().all(|part| part.series == self.series)
    }
}

impl fmt::Display for SerialBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SerialSeries {
            registry,
            organisation,
            site,
            vintage,
        } = &self.series;
        let (first, last) = (self.first, self.last);
        write!(
            f,
            "{FORM}:{registry}:{organisation}:{site}:{vintage}:{first}-{last}"
        )
    }
}

impl FromStr for SerialBlock {
    type Err = SerialBlockError;

    fn from_str(text: &str) -> Result<Self, SerialBlockError> {
        let form = || SerialBlockError::Form {
            value: text.chars().take(300).collect(),
        };
        let (series, first, last) = parts(text).ok_or_else(form)?;
        let block = Self::new(series, first, last)?;
        // One spelling: no sign, no leading zeros.
        (block.to_string() == text)
            .then_some(block)
            .ok_or_else(form)
    }
}

fn parts(text: &str) -> Option<(SerialSeries, u64, u64)> {
    let mut parts = text.split(':');
    let mut next = || parts.next();
    let form = next()?;
    let series = SerialSeries {
        registry: next()?.parse().ok()?,
        organisation: next()?.parse().ok()?,
        site: next()?.parse().ok()?,
        vintage: next()?.parse().ok()?,
    };
    let (first, last) = next()?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    let whole = form == FORM && VINTAGES.contains(&series.vintage) && next().is_none();
    whole.then_some((series, first, last))
}

impl TryFrom<String> for SerialBlock {
    type Error = SerialBlockError;

    fn try_from(text: String) -> Result<Self, SerialBlockError> {
        text.parse()
    }
}

impl From<SerialBlock> for String {
    fn from(block: SerialBlock) -> Self {
        block.to_string()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series() -> SerialSeries {
        SerialSeries {
            registry: "ccr".parse().unwrap(),
            organisation: "northsea".parse().unwrap(),
            site: "field-1".parse().unwrap(),
            vintage: 2026,
        }
    }

    #[test]
    fn a_block_is_printed_with_both_ends_and_counts_both() {
        let block: SerialBlock = "SR:ccr:northsea:field-1:2026:1-3000".parse().unwrap();
        assert_eq!(block, SerialBlock::new(series(), 1, 3000).unwrap());
        assert_eq!(block.quantity(), 3000);
        assert_eq!(SerialBlock::new(series(), 7, 7).unwrap().quantity(), 1);
    }

    #[test]
    fn blocks_overlap_where_they_share_a_serial_of_one_series() {
        let block = |first, last| SerialBlock::new(series(), first, last).unwrap();
        assert!(block(1, 4).overlaps(&block(4, 9)) && block(4, 9).overlaps(&block(1, 4)));
        assert!(block(1, 9).overlaps(&block(3, 3)) && block(3, 3).overlaps(&block(1, 9)));
        assert!(!block(1, 4).overlaps(&block(5, 9)) && !block(5, 9).overlaps(&block(1, 4)));
        let elsewhere = SerialSeries {
            registry: "other".parse().unwrap(),
            ..series()
        };
        let elsewhere = SerialBlock::new(elsewhere, 1, 4).unwrap();
        assert!(!elsewhere.overlaps(&block(1, 4)));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in [
            "",
            "SR:ccr:northsea:field-1:2026",
            "SR:ccr:northsea:field-1:2026:1",
            "SR:ccr:northsea:field-1:2026:1-3000:x",
            "VCS:ccr:northsea:field-1:2026:1-3000",
            "SR:CCR:northsea:field-1:2026:1-3000",
            "SR:ccr:northsea:field-1:26:1-3000",
            "SR:ccr:northsea:field-1:+2026:1-3000",
            "SR:ccr:northsea:field-1:2026:01-3000",
            "SR:ccr:northsea:field-1:2026:+1-3000",
            " SR:ccr:northsea:field-1:2026:1-3000",
        ] {
            let error = text.parse::<SerialBlock>().unwrap_err();
            assert!(matches!(error, SerialBlockError::Form { .. }), "{text}");
        }
        for (first, last) in [(0, 5), (6, 5), (1, MAX_SAFE_INTEGER + 1)] {
            let expected = SerialBlockError::Ends { first, last };
            assert_eq!(SerialBlock::new(series(), first, last), Err(expected));
        }
        assert!(
            "SR:ccr:northsea:field-1:2026:9-8"
                .parse::<SerialBlock>()
                .is_err()
        );
    }

    #[test]
    fn a_block_of_ten_is_six_and_four_never_six_and_six() {
        let ten = SerialBlock::new(series(), 1, 10).unwrap();
        let texts = |parts: Vec<SerialBlock>| {
            let ends = parts.iter().map(|part| (part.first, part.last));
            ends.collect::<Vec<_>>()
        };
        assert_eq!(texts(ten.split(&[6, 4]).unwrap()), [(1, 6), (7, 10)]);
        let differs = |parts| Err(PartitionError::Differs { parts, whole: 10 });
        assert_eq!(ten.split(&[6, 6]), differs(12));
        assert_eq!(ten.split(&[6, 3]), differs(9));
        assert_eq!(ten.split(&[]), differs(0));
        assert_eq!(ten.split(&[u64::MAX, 2]), differs(u64::MAX));
        assert_eq!(ten.split(&[10, 0]), Err(PartitionError::Empty));
        assert_eq!(
            ten.give(11),
            Err(PartitionError::Differs {
                parts: 11,
                whole: 10
            })
        );
        assert_eq!(ten.give(0), Err(PartitionError::Empty));
    }

    #[test]
    fn parts_that_overlap_miss_a_serial_or_are_of_another_series_are_no_partition() {
        let block = |first, last| SerialBlock::new(series(), first, last).unwrap();
        let ten = block(1, 10);
        assert!(ten.is_partitioned_by(&[block(7, 10), block(1, 6)]));
        assert!(!ten.is_partitioned_by(&[]));
        assert!(!ten.is_partitioned_by(&[block(1, 6), block(5, 10)]));
        assert!(!ten.is_partitioned_by(&[block(1, 6), block(8, 10)]));
        assert!(!ten.is_partitioned_by(&[block(1, 6), block(7, 11)]));
        assert!(!ten.is_partitioned_by(&[block(1, 10), block(1, 10)]));
        let vintage = SerialSeries {
            vintage: 2025,
            ..series()
        };
        let other = SerialBlock::new(vintage, 7, 10).unwrap();
        assert!(!ten.is_partitioned_by(&[block(1, 6), other]));
    }

    proptest! {
        #[test]
        fn parts_partition_the_block_whatever_is_split_and_given(
            first in 1_u64..1_000_000_000,
            sizes in prop::collection::vec(1_u64..1_000_000, 1..30),
            gives in prop::collection::vec(1_u64..2_000_000, 0..10),
        ) {
            let quantity: u64 = sizes.iter().sum();
            let whole = SerialBlock::new(series(), first, first + quantity - 1).unwrap();
            let mut parts = whole.split(&sizes).unwrap();
            for quantity in gives {
                // From the first part that has as many: some split, some go whole.
                let Some(at) = parts.iter().position(|part| part.quantity() >= quantity) else {
                    continue;
                };
                let part = parts.remove(at);
                let (kept, given) = part.give(quantity).unwrap();
                prop_assert_eq!(given.quantity(), quantity);
                prop_assert!(kept.as_ref().is_none_or(|kept| kept.first == part.first));
                parts.extend(kept);
                parts.push(given);
            }
            prop_assert!(whole.is_partitioned_by(&parts));
            prop_assert_eq!(parts.iter().map(SerialBlock::quantity).sum::<u64>(), quantity);
        }

        #[test]
        fn a_block_reads_back_from_its_text(
            (registry, organisation, site) in ("[a-z0-9][a-z0-9-]{0,62}", "[a-z0-9]{1,63}", "[a-z]{1,9}"),
            vintage in VINTAGES,
            (first, more) in (1..=MAX_SAFE_INTEGER / 2, 0..=MAX_SAFE_INTEGER / 2),
        ) {
            let series = SerialSeries {
                registry: registry.parse().unwrap(),
                organisation: organisation.parse().unwrap(),
                site: site.parse().unwrap(),
                vintage,
            };
            let block = SerialBlock::new(series, first, first + more).unwrap();
            prop_assert_eq!(block.quantity(), more + 1);
            prop_assert_eq!(block.to_string().parse::<SerialBlock>().unwrap(), block);
        }
    }
}
