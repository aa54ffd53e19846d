//! `Position`: where a subscription stands, to go on from there.

use std::str::FromStr;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::readings::ReadingPosition;

use super::opaque;
use super::problem::Problem;

/// A place between two items of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    ledger: LedgerName,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first entry.
    Start,
    /// Behind an entry and all it holds.
    Entry(Index),
    /// Behind one reading of an entry.
    Reading(ReadingPosition),
}

impl Position {
    /// Before the first entry of a ledger.
    pub(crate) fn start(ledger: LedgerName) -> Self {
        Self {
            ledger,
            place: Place::Start,
        }
    }

    /// Behind an entry.
    pub(crate) fn entry(ledger: LedgerName, index: Index) -> Self {
        Self {
            ledger,
            place: Place::Entry(index),
        }
    }

    /// Behind this entry, or before the first.
    pub(crate) fn behind(ledger: LedgerName, last: Option<Index>) -> Self {
        match last {
            Some(last) => Self::entry(ledger, last),
            None => Self::start(ledger),
        }
    }

    /// Behind a reading.
    pub(crate) fn reading(ledger: LedgerName, place: ReadingPosition) -> Self {
        Self {
            ledger,
            place: Place::Reading(place),
        }
    }

    /// The entry that this is behind or within, for someone who follows entries of `ledger`.
    ///
    /// # Errors
    /// If this is a position of another ledger.
    pub(crate) fn entry_in(&self, ledger: &LedgerName) -> Result<Option<Index>, Problem> {
        self.must_be_of(ledger)?;
        Ok(match self.place {
            Place::Start => None,
            Place::Entry(index) | Place::Reading(ReadingPosition { index, .. }) => Some(index),
        })
    }

    /// The reading that this is behind, for someone who follows readings of `ledger`.
    ///
    /// # Errors
    /// If this is a position of another ledger.
    pub(crate) fn reading_in(
        &self,
        ledger: &LedgerName,
    ) -> Result<Option<ReadingPosition>, Problem> {
        self.must_be_of(ledger)?;
        Ok(match self.place {
            Place::Start => None,
            Place::Entry(index) => Some(ReadingPosition::end_of(index)),
            Place::Reading(place) => Some(place),
        })
    }

    fn must_be_of(&self, ledger: &LedgerName) -> Result<(), Problem> {
        if self.ledger == *ledger {
            return Ok(());
        }
        let message = format!(
            "the position is of ledger {}, not of {ledger}: give one that came from {ledger}, or none",
            self.ledger
        );
        Err(Problem::input(message))
    }

    fn text(&self) -> String {
        let Self { ledger, place } = self;
        match place {
            Place::Start => format!("{ledger} -"),
            Place::Entry(index) => format!("{ledger} {index}"),
            Place::Reading(ReadingPosition { index, ordinal }) => {
                format!("{ledger} {index} {ordinal}")
            }
        }
    }
}

/// A text that is no position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(sealed: &str) -> Result<Self, NoPosition> {
        read(sealed).ok_or(NoPosition)
    }
}

fn read(sealed: &str) -> Option<Position> {
    let text = opaque::open(sealed)?;
    let mut parts = text.split(' ');
    let ledger = parts.next()?.parse().ok()?;
    let place = match (parts.next()?, parts.next(), parts.next()) {
        ("-", None, None) => Place::Start,
        (index, None, None) => Place::Entry(Index(number(index)?)),
        (index, Some(ordinal), None) => {
            let ordinal = u32::try_from(number(ordinal)?).ok()?;
            Place::Reading(ReadingPosition {
                index: Index(number(index)?),
                ordinal,
            })
        }
        _ => return None,
    };
    Some(Position { ledger, place })
}

/// Postgres counts with a sign.
fn number(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|number| i64::try_from(*number).is_ok())
}

/// A place in a ledger, opaque: take it from an item and give it back as `after`; every item behind
/// it is delivered exactly once.
#[Scalar(name = "Position")]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let problem = |_| {
            InputValueError::custom(format!(
                "{text:?} is not a position: give one as it came with an item"
            ))
        };
        text.parse().map_err(problem)
    }

    fn to_value(&self) -> Value {
        Value::String(opaque::seal(&self.text()))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    fn ledger(name: &str) -> LedgerName {
        name.parse().unwrap()
    }

    #[test]
    fn a_position_comes_back_as_it_went() {
        let place = ReadingPosition {
            index: Index(5),
            ordinal: 2,
        };
        for position in [
            Position::start(ledger("northsea")),
            Position::entry(ledger("northsea"), Index(0)),
            Position::reading(ledger("north-sea-2"), place),
        ] {
            let Value::String(text) = position.to_value() else {
                panic!("a string")
            };
            assert_eq!(text.parse(), Ok(position));
        }
    }

    #[test]
    fn what_is_no_position_is_refused() {
        let sealed = [
            "",
            "northsea",
            "northsea 1 2 3",
            "NORTH 1",
            "northsea -1",
            "northsea 18446744073709551615",
        ];
        for text in
            sealed
                .map(opaque::seal)
                .iter()
                .map(String::as_str)
                .chain(["", "!", "northsea 1"])
        {
            assert_eq!(text.parse::<Position>(), Err(NoPosition), "{text}");
        }
    }

    #[test]
    fn a_reading_position_serves_who_follows_entries_and_the_other_way_round() {
        let name = ledger("northsea");
        let within = Position::reading(
            name.clone(),
            ReadingPosition {
                index: Index(5),
                ordinal: 2,
            },
        );
        assert_eq!(within.entry_in(&name).unwrap(), Some(Index(5)));
        let behind = Position::entry(name.clone(), Index(5));
        assert_eq!(
            behind.reading_in(&name).unwrap(),
            Some(ReadingPosition::end_of(Index(5)))
        );
    }

    #[test]
    fn a_position_of_another_ledger_is_refused_by_name() {
        let refused = Position::start(ledger("northsea"))
            .entry_in(&ledger("southsea"))
            .unwrap_err();
        assert!(
            refused
                .message
                .contains("of ledger northsea, not of southsea"),
            "{}",
            refused.message
        );
    }
}
