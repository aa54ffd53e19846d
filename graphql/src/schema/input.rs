//! Texts of clients as the domain's words.

use std::fmt::Display;
use std::str::FromStr;

use super::problem::Problem;

/// Reads an argument or input field called `name`.
pub(crate) fn read<T>(name: &str, text: &str) -> Result<T, Problem>
where
    T: FromStr<Err: Display>,
{
    text.parse()
        .map_err(|error| Problem::input(format!("{name}: {error}")))
}

/// As [`read`], where the field may be absent.
pub(crate) fn read_option<T>(name: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr<Err: Display>,
{
    text.map(|text| read(name, text)).transpose()
}
