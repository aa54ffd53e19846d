//! Texts of clients as the domain's words.

use std::fmt::Display;
use std::str::FromStr;

use sealrock_domain::refusal::UNIT_MISMATCH;

use super::problem::Problem;
use crate::code::Code;

/// The unit of a field, by the end of its name.
const UNITS: [(&str, &str); 9] = [
    ("KgPerDay", "kg per day"),
    ("KgPerH", "kg/h"),
    ("TPerH", "t/h"),
    ("Kg", "kg"),
    ("Kpa", "kPa"),
    ("Kwh", "kWh"),
    ("Mj", "MJ"),
    ("Mpa", "MPa"),
    ("hours", "h"),
];

/// Reads an argument or input field called `name`.
pub(crate) fn read<T>(name: &str, text: &str) -> Result<T, Problem>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error| {
        other_unit(name, text).unwrap_or_else(|| Problem::input(format!("{name}: {error}")))
    })
}

/// As [`read`], where the field may be absent.
pub(crate) fn read_option<T>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr<Err: Display>,
{
    text.map(|text| read(name, text)).transpose()
}

/// What is wrong with a figure that comes with a unit where the field's name has it: it may be another
/// one, and nobody here guesses what was meant.
fn other_unit(name: &str, text: &str) -> Option<Problem> {
    let (_, unit) = UNITS.iter().find(|(end, _)| name.ends_with(end))?;
    let figure = |c: char| c.is_ascii_digit() || "+-.,' ".contains(c);
    let given = text.trim().trim_start_matches(figure);
    let is_figure = text.trim_start().starts_with(figure);
    let is_unit = given.starts_with(|c: char| c.is_alphabetic() || c == '%');
    let message = format!(
        "{name}: {text:?} comes with a unit, {given:?}: give the figure in {unit}, which is the \
         field's own, as a decimal alone"
    );
    (is_figure && is_unit).then(|| Problem::new(Code::Refused(UNIT_MISMATCH), message))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use sealrock_domain::{Mass, Slug};

    fn code_of(name: &str, text: &str) -> &'static str {
        read::<Mass>(name, text).map_or_else(|problem| problem.code.as_str(), |_| "ok")
    }

    #[test]
    fn a_figure_with_a_unit_is_told_the_fields_own() {
        for text in ["36 t", "36t", "36000 kg", "-1 lb", "1,5 Mg"] {
            assert_eq!(code_of("capturedKg", text), "UNIT_MISMATCH", "{text}");
        }
        let problem = read::<Mass>("figures.massKg", "36 t").map(drop);
        let message = problem.map_err(|problem| problem.message).unwrap_err();
        assert!(
            message.contains("\"36 t\"") && message.contains("in kg"),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_figure_is_bad_input() {
        for text in ["", "t", "-1", "1,5", "1.2.3"] {
            assert_eq!(code_of("capturedKg", text), "BAD_USER_INPUT", "{text}");
        }
        let slug = read::<Slug>("slug", "7 wells").map(drop);
        let code = slug.map_err(|problem| problem.code.as_str());
        assert_eq!(code, Err("BAD_USER_INPUT"));
    }
}
