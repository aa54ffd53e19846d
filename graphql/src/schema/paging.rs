//! Pages of lists, by the Relay rules, forward only.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, Edge};
use sealrock_domain::Slug;
use sealrock_projections::registry::PlaceCursor;

use super::opaque;
use super::problem::Problem;

/// Items of a page when nothing else is asked for.
const DEFAULT: u32 = 20;
/// The most items of a page.
const MOST: u32 = 1_000;

/// A list whose cursors are opaque texts.
pub(crate) type Page<T> = Connection<String, T>;

/// How many items a page has.
pub(crate) fn size(first: Option<i32>) -> Result<u32, Problem> {
    let Some(first) = first else {
        return Ok(DEFAULT);
    };
    let size = u32::try_from(first)
        .ok()
        .filter(|size| (1..=MOST).contains(size));
    size.ok_or_else(|| Problem::input(format!("first is {first}: ask for 1 to {MOST} items")))
}

/// What a page costs, for the limit of complexity.
pub(crate) fn cost(first: Option<i32>, each: usize) -> usize {
    let items = first
        .and_then(|first| usize::try_from(first).ok())
        .unwrap_or(DEFAULT as usize);
    items.saturating_mul(each).saturating_add(1)
}

/// A page of `size` items out of `found`, which holds one more if there are more.
pub(crate) fn page<R, T: OutputType>(
    mut found: Vec<R>,
    size: u32,
    is_first: bool,
    cursor: impl Fn(&R) -> String,
    node: impl Fn(R) -> T,
) -> Page<T> {
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let mut page = Connection::new(!is_first, more);
    page.edges = found
        .into_iter()
        .map(|row| Edge::new(opaque::seal(&cursor(&row)), node(row)))
        .collect();
    page
}

/// Reads a cursor by `read`.
pub(crate) fn cursor<T>(
    after: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(sealed) = after else { return Ok(None) };
    let inside = opaque::open(sealed);
    let read = inside.as_deref().and_then(read);
    let problem = || {
        Problem::input(format!(
            "{sealed:?} is not a cursor of this list: give one that came with it"
        ))
    };
    read.map(Some).ok_or_else(problem)
}

/// A cursor of organisations or sites.
pub(crate) fn slug(after: Option<&str>) -> Result<Option<Slug>, Problem> {
    cursor(after, |text| text.parse().ok())
}

/// A cursor of assets or devices.
pub(crate) fn place(after: Option<&str>) -> Result<Option<PlaceCursor>, Problem> {
    cursor(after, |text| {
        let (site, slug) = text.split_once('/')?;
        Some(PlaceCursor {
            site: site.parse().ok()?,
            slug: slug.parse().ok()?,
        })
    })
}
