//! Serial blocks as other registries write them.
//!
//! ```text
//! Verra          19385-941467007-941467431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1
//!                batch first     last      programme unit account type country sector project from to CCB
//! Gold Standard  GS1-1-UG-GS11236-16-2024-30307-1-19149
//!                registry type country project product vintage batch first last
//! Kyoto          RW-5-1463953-2-2-0-7014 - RW-5-1467609-2-2-0-7014
//!                party unit serial original-period applicable-period activity project, twice: first and last
//! UNDP           CA0004-VU-CH-356-1-3000-2023
//!                credit party first-transferring-party project first last vintage
//! ```
//!
//! The forms of Verra, Gold Standard and Kyoto units hold on every row of the registry files that the
//! test `registry_rows` is given; that of the UNDP national registry is from its README. Both ends are
//! in a block: last − first + 1 credits. What registries call the fields is not published with the
//! rows, so the names here say what the values look like; none of them is computed with.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;

use super::PartitionError;
use super::partition::{kept_and_given, partition};

/// How a registry writes its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Convention {
    /// Verra's Verified Carbon Units.
    Verra,
    /// Gold Standard's registry.
    GoldStandard,
    /// Units of the Kyoto Protocol's registries, written as the first and the last unit.
    Kyoto,
    /// The UNDP national carbon registry.
    Undp,
}

/// What a field may look like.
#[derive(Clone, Copy)]
enum Kind {
    /// A number without idle zeros.
    Number,
    /// The first serial.
    First,
    /// The last serial.
    Last,
    /// Capital letters.
    Letters,
    /// Capital letters and digits.
    Code,
    /// A day as `ddmmyyyy`.
    Day,
    /// Exactly this.
    Exactly(&'static str),
}
use Kind::{Code, Day, Exactly, First, Last, Letters, Number};

type Form = &'static [(&'static str, Kind)];

const VERRA: Form = &[
    ("batch", Number),
    ("first", First),
    ("last", Last),
    ("programme", Exactly("VCS")),
    ("unit", Exactly("VCU")),
    ("account", Number),
    ("type", Letters),
    ("country", Letters),
    ("sector", Number),
    ("project", Number),
    ("vintage_from", Day),
    ("vintage_to", Day),
    ("ccb", Number),
];

const GOLD_STANDARD: Form = &[
    ("registry", Exactly("GS1")),
    ("type", Number),
    ("country", Letters),
    ("project", Code),
    ("product", Number),
    ("vintage", Number),
    ("batch", Number),
    ("first", First),
    ("last", Last),
];

const KYOTO: Form = &[
    ("party", Letters),
    ("unit", Number),
    ("first", First),
    ("original_period", Number),
    ("applicable_period", Number),
    ("activity", Number),
    ("project", Number),
];

const UNDP: Form = &[
    ("credit", Code),
    ("party", Letters),
    ("first_transferring_party", Letters),
    ("project", Number),
    ("first", First),
    ("last", Last),
    ("vintage", Number),
];

/// Between the first and the last unit of a Kyoto block.
const TO: &str = " - ";

const CONVENTIONS: [Convention; 4] = [
    Convention::Verra,
    Convention::GoldStandard,
    Convention::Kyoto,
    Convention::Undp,
];

impl Convention {
    const fn form(self) -> Form {
        match self {
            Self::Verra => VERRA,
            Self::GoldStandard => GOLD_STANDARD,
            Self::Kyoto => KYOTO,
            Self::Undp => UNDP,
        }
    }
}

/// A block of another registry; prints as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForeignBlock {
    convention: Convention,
    /// In the order of the form; where the serials are, nothing.
    fields: Vec<String>,
    first: u64,
    last: u64,
}

/// A text that is no block of a registry that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForeignBlockError {
    /// No form fits.
    #[error(
        "\"{value}\" is no block of serials of Verra (\"19385-941467007-941467431-VCS-VCU-…\"), Gold \
         Standard (\"GS1-1-UG-…\"), a Kyoto registry (\"RW-5-1-… - RW-5-9-…\") or the UNDP national \
         registry (\"CA0004-VU-CH-356-1-3000-2023\"): copy it as the registry prints it"
    )]
    Form {
        /// What was given, cut after 300 characters.
        value: String,
    },
    /// The last serial is before the first, or there is a serial 0.
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

impl ForeignBlock {
    /// How it is written.
    #[must_use]
    pub const fn convention(&self) -> Convention {
        self.convention
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

    /// How many credits it is.
    #[must_use]
    pub const fn quantity(&self) -> u64 {
        self.last - self.first + 1
    }

    /// A field by its name in the module's table, such as `project`; not the serials.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut form = self.convention.form().iter();
        let at = form.position(|(field, kind)| *field == name && !is_serial(*kind))?;
        self.fields.get(at).map(String::as_str)
    }

    /// Cuts it into consecutive parts of these sizes.
    ///
    /// # Errors
    /// If a size is 0, or if the sizes are not the whole block.
    pub fn split(&self, sizes: &[u64]) -> Result<Vec<Self>, PartitionError> {
        let parts = partition(self.first, self.last, sizes)?;
        let part = |(first, last)| Self {
            first,
            last,
            ..self.clone()
        };
        Ok(parts.into_iter().map(part).collect())
    }

    /// Gives away the last `quantity` credits: what is kept, if any is, and what is given.
    ///
    /// # Errors
    /// If `quantity` is 0 or more than the block has.
    pub fn give(&self, quantity: u64) -> Result<(Option<Self>, Self), PartitionError> {
        let mut parts = self.split(&kept_and_given(self.quantity(), quantity)?)?;
        let given = parts.pop().ok_or(PartitionError::Empty)?;
        Ok((parts.pop(), given))
    }

    fn unit(&self, first: u64) -> String {
        let form = self.convention.form().iter();
        let fields = form.zip(&self.fields).map(|((_, kind), field)| match kind {
            First => first.to_string(),
            Last => self.last.to_string(),
            _ => field.clone(),
        });
        fields.collect::<Vec<_>>().join("-")
    }
}

impl fmt::Display for ForeignBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit(self.first))?;
        match self.convention {
            Convention::Kyoto => write!(f, "{TO}{}", self.unit(self.last)),
            _ => Ok(()),
        }
    }
}

impl FromStr for ForeignBlock {
    type Err = ForeignBlockError;

    fn from_str(text: &str) -> Result<Self, ForeignBlockError> {
        let read = |convention| match convention {
            Convention::Kyoto => kyoto(text),
            _ => one(convention, text),
        };
        let block = CONVENTIONS.into_iter().find_map(read);
        let block = block.ok_or_else(|| ForeignBlockError::Form {
            value: text.chars().take(300).collect(),
        })?;
        let Self { first, last, .. } = block;
        if first == 0 || last < first || last == u64::MAX {
            return Err(ForeignBlockError::Ends { first, last });
        }
        Ok(block)
    }
}

/// The first and the last unit, which differ in nothing but the serial.
fn kyoto(text: &str) -> Option<ForeignBlock> {
    let (first, last) = text.split_once(TO)?;
    let (first, last) = (
        one(Convention::Kyoto, first)?,
        one(Convention::Kyoto, last)?,
    );
    (first.fields == last.fields).then_some(ForeignBlock {
        last: last.first,
        ..first
    })
}

fn one(convention: Convention, text: &str) -> Option<ForeignBlock> {
    let form = convention.form();
    let parts: Vec<&str> = text.split('-').collect();
    let fits = |((_, kind), part): (&(&str, Kind), &&str)| fits(*kind, part);
    if parts.len() != form.len() || !form.iter().zip(&parts).all(fits) {
        return None;
    }
    let serial = |wanted: fn(Kind) -> bool| {
        let at = form.iter().position(|(_, kind)| wanted(*kind))?;
        parts[at].parse::<u64>().ok()
    };
    let first = serial(|kind| matches!(kind, First))?;
    let last = match convention {
        Convention::Kyoto => first,
        _ => serial(|kind| matches!(kind, Last))?,
    };
    let field = |((_, kind), part): (&(&str, Kind), &&str)| {
        if is_serial(*kind) {
            String::new()
        } else {
            (*part).to_owned()
        }
    };
    let fields = form.iter().zip(&parts).map(field).collect();
    Some(ForeignBlock {
        convention,
        fields,
        first,
        last,
    })
}

const fn is_serial(kind: Kind) -> bool {
    matches!(kind, First | Last)
}

fn fits(kind: Kind, part: &str) -> bool {
    let all = |fits: fn(&u8) -> bool| !part.is_empty() && part.bytes().all(|byte| fits(&byte));
    match kind {
        Number | First | Last => all(u8::is_ascii_digit) && (part == "0" || !part.starts_with('0')),
        Letters => all(u8::is_ascii_uppercase),
        Code => all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()),
        Day => part.len() == 8 && NaiveDate::parse_from_str(part, "%d%m%Y").is_ok(),
        Exactly(text) => part == text,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERRA_ROW: &str =
        "19385-941467007-941467431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1";
    const GOLD_STANDARD_ROW: &str = "GS1-1-UG-GS11236-16-2024-30307-1-19149";
    const KYOTO_ROW: &str = "RW-5-1463953-2-2-0-7014 - RW-5-1467609-2-2-0-7014";
    const UNDP_ROW: &str = "CA0004-VU-CH-356-1-3000-2023";

    fn read(text: &str) -> ForeignBlock {
        text.parse().unwrap()
    }

    #[test]
    fn a_block_of_another_registry_is_read_counted_and_printed() {
        for (text, convention, quantity, project) in [
            (VERRA_ROW, Convention::Verra, 425, "1340"),
            (
                GOLD_STANDARD_ROW,
                Convention::GoldStandard,
                19149,
                "GS11236",
            ),
            (KYOTO_ROW, Convention::Kyoto, 3657, "7014"),
            (UNDP_ROW, Convention::Undp, 3000, "356"),
        ] {
            let block = read(text);
            assert_eq!(block.to_string(), text);
            assert_eq!(block.convention(), convention);
            assert_eq!(block.quantity(), quantity);
            assert_eq!(block.field("project"), Some(project));
            assert_eq!(block.field("first"), None);
        }
    }

    #[test]
    fn who_gives_a_part_keeps_the_first_serials() {
        let (kept, given) = read(UNDP_ROW).give(1000).unwrap();
        assert_eq!(kept.unwrap().to_string(), "CA0004-VU-CH-356-1-2000-2023");
        assert_eq!(given.to_string(), "CA0004-VU-CH-356-2001-3000-2023");
        let (kept, given) = read(KYOTO_ROW).give(1).unwrap();
        assert_eq!(
            kept.unwrap().to_string(),
            "RW-5-1463953-2-2-0-7014 - RW-5-1467608-2-2-0-7014"
        );
        assert_eq!(
            given.to_string(),
            "RW-5-1467609-2-2-0-7014 - RW-5-1467609-2-2-0-7014"
        );
        assert_eq!(read(VERRA_ROW).give(425).unwrap(), (None, read(VERRA_ROW)));
    }

    #[test]
    fn what_no_registry_prints_is_refused() {
        for text in [
            "",
            "SR:ccr:northsea:field-1:2026:1-3000",
            "CA0004-VU-CH-356-NaN-3000-2023",
            "CA0004-VU-CH-356-01-3000-2023",
            "CA0004-VU-CH-356-1-3000-2023 ",
            "GS2-1-UG-GS11236-16-2024-30307-1-19149",
            "19385-1-2-VCS-VCU-1507-VER-ET-14-1340-32012020-31122020-1",
            "RW-5-1463953-2-2-0-7014",
            "RW-5-1463953-2-2-0-7014 - RW-5-1467609-2-2-0-7015",
            "CA0004-VU-CH-356-1-99999999999999999999-2023",
        ] {
            let error = text.parse::<ForeignBlock>().unwrap_err();
            assert!(matches!(error, ForeignBlockError::Form { .. }), "{text}");
        }
        for text in ["CA0004-VU-CH-356-0-3000-2023", "CA0004-VU-CH-356-9-8-2023"] {
            let error = text.parse::<ForeignBlock>().unwrap_err();
            assert!(matches!(error, ForeignBlockError::Ends { .. }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_of_a_foreign_block_partition_it(
            row in prop::sample::select(vec![VERRA_ROW, GOLD_STANDARD_ROW, KYOTO_ROW, UNDP_ROW]),
            sizes in prop::collection::vec(1_u64..1000, 1..20),
        ) {
            let quantity: u64 = sizes.iter().sum();
            let whole = ForeignBlock { last: read(row).first + quantity - 1, ..read(row) };
            let parts = whole.split(&sizes).unwrap();
            prop_assert_eq!(parts[0].first, whole.first);
            prop_assert_eq!(parts[parts.len() - 1].last, whole.last);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].last + 1, pair[1].first);
            }
            for (part, size) in parts.iter().zip(&sizes) {
                prop_assert_eq!(part.quantity(), *size);
                prop_assert_eq!(&read(&part.to_string()), part);
            }
        }
    }
}
