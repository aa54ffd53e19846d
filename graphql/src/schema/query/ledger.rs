//! Ledgers, their entries, and the read models' progress.

use std::collections::HashSet;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Object, ScalarType, SimpleObject, Value};
use sealrock_access::Permission::ReadLedger;
use sealrock_access::{Denied, Scope, authorise};
use sealrock_domain::Slug;
use sealrock_ledger::{Index, LedgerName};
use sealrock_projections::ledger::{EntriesPage, EntryFilter, LedgerEntry as Stored, PageBounds};
use sealrock_projections::{LedgerInfo, LedgerKind, ReadModels, Runner};

use crate::allowance::Allowance;
use crate::code::Code;
use crate::schema::guard::{may, principal};
use crate::schema::input;
use crate::schema::paging;
use crate::schema::position::Position;
use crate::schema::problem::Problem;
use crate::schema::provenance::ledger_of;
use crate::schema::scalars::Count;
use crate::schema::types::{Ledger, LedgerEntry, ProjectionStatus};

#[derive(Default)]
pub(crate) struct LedgerQuery;

#[Object]
impl LedgerQuery {
    /// The ledger of this name (its organisation's).
    async fn ledger(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its name.")] name: String,
    ) -> Result<Ledger, Problem> {
        Ok(Ledger(existing(context, &name).await?))
    }

    /// Entries of a ledger in its order, all or those of an event type or stream. A cursor of this
    /// list is a `Position`. A page of large entries ends before it has as many as asked for: go on
    /// while there is a next page.
    #[graphql(complexity = "paging::cost(first, child_complexity)")]
    async fn ledger_entries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The ledger, by its name.")] ledger: String,
        #[graphql(desc = "How many items: 1 to 1,000; without it, 20.")] first: Option<i32>,
        #[graphql(desc = "Behind this `endCursor` of the page before.")] after: Option<String>,
        #[graphql(name = "type", desc = "Event type, such as `SensorBatchRecorded`.")] kind: Option<
            String,
        >,
        #[graphql(desc = "Stream, `<aggregate type>/<id>`.")] stream: Option<String>,
    ) -> Result<EntryPage, Problem> {
        let ledger = existing(context, &ledger).await?;
        let size = paging::size(first)?;
        let after = start(&ledger.name, after.as_deref())?;
        let turn = context.data_unchecked::<Allowance>().turn().await?;
        let bounds = PageBounds {
            entries: size,
            bytes: turn.left(),
            payloads: asks_for_payloads(context),
        };
        let read = context.data_unchecked::<ReadModels>();
        let filter = EntryFilter { stream, kind };
        let page = read.entries(&ledger, after, bounds, &filter).await?;
        turn.took(page.bytes());
        Ok(entry_page(&ledger.name, page, after.is_some()))
    }

    /// One entry of a ledger; null behind its end.
    async fn ledger_entry(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The ledger, by its name.")] ledger: String,
        #[graphql(desc = "The number of the entry, from 0.")] index: Count,
    ) -> Result<Option<LedgerEntry>, Problem> {
        let ledger = existing(context, &ledger).await?;
        let turn = context.data_unchecked::<Allowance>().turn().await?;
        let read = context.data_unchecked::<ReadModels>();
        let found = read.entry(&ledger, Index(index.0)).await?;
        turn.took(found.as_ref().map_or(0, Stored::bytes));
        Ok(found.map(|entry| LedgerEntry::new(ledger.name, entry)))
    }

    /// How far each read model has come on each ledger that the caller may read.
    async fn projections(&self, context: &Context<'_>) -> Result<Vec<ProjectionStatus>, Problem> {
        principal(context)?;
        let mut statuses = context.data_unchecked::<Runner>().status().await?;
        let ledgers = context.data_unchecked::<ReadModels>().ledgers().await?;
        let readable: HashSet<&LedgerName> = ledgers
            .iter()
            .filter(|ledger| is_readable(context, ledger, &ledgers))
            .map(|ledger| &ledger.name)
            .collect();
        statuses.retain(|status| readable.contains(&status.ledger));
        Ok(statuses.into_iter().map(ProjectionStatus::from).collect())
    }
}

/// Whether an entry of the page is asked for its payload, or whether it has one.
fn asks_for_payloads(context: &Context<'_>) -> bool {
    let page = context.look_ahead();
    let nodes = [page.field("nodes"), page.field("edges").field("node")];
    let asked = |field: &str| nodes.iter().any(|node| node.field(field).exists());
    asked("payload") || asked("redacted")
}

fn is_readable(context: &Context<'_>, ledger: &LedgerInfo, all: &[LedgerInfo]) -> bool {
    let organisation = ledger.recorded_under(all).as_str().parse();
    ledger.kind == LedgerKind::Registry
        || organisation.is_ok_and(|organisation| may(context, ReadLedger, &organisation))
}

/// A ledger that the caller may read: one of an organisation, with those that continue it, or the
/// registry's, which is for everybody.
pub(crate) async fn existing(context: &Context<'_>, name: &str) -> Result<LedgerInfo, Problem> {
    let asked: Slug = input::read("ledger", name)?;
    let principal = principal(context)?;
    let read = context.data_unchecked::<ReadModels>();
    let found = read.ledger(&ledger_of(&asked)).await?;
    if let Some(ledger) = &found
        && ledger.kind == LedgerKind::Registry
    {
        return Ok(ledger.clone());
    }
    let organisation = match &found {
        Some(ledger) => input::read("ledger", read.recorded_under(ledger).await?.as_str())?,
        None => asked.clone(),
    };
    let scope = Scope::organisation(organisation);
    // The refusal says what was asked for, whether or not there is such a ledger and whose it is.
    authorise(principal, ReadLedger, &scope).map_err(|denied| Denied {
        scope: Scope::organisation(asked),
        ..denied
    })?;
    found.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no ledger {name}")))
}

/// Where to go on in a list with few matches.
#[derive(SimpleObject)]
struct Scanned {
    /// The cursor of the last entry that was looked at. A page may have fewer items than asked for,
    /// even none, and still more behind it: go on from here.
    scanned_to: Option<String>,
}

type EntryPage = Connection<String, LedgerEntry, Scanned>;

fn entry_page(ledger: &LedgerName, page: EntriesPage, has_previous: bool) -> EntryPage {
    let scanned_to = page.scanned_to.map(|index| cursor(ledger, index));
    let mut connection =
        Connection::with_additional_fields(has_previous, page.more, Scanned { scanned_to });
    connection.edges = page
        .entries
        .into_iter()
        .map(|entry| {
            let index = entry.recorded.entry.index;
            Edge::new(
                cursor(ledger, index),
                LedgerEntry::new(ledger.clone(), entry),
            )
        })
        .collect();
    connection
}

fn cursor(ledger: &LedgerName, index: Index) -> String {
    match Position::entry(ledger.clone(), index).to_value() {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn start(ledger: &LedgerName, after: Option<&str>) -> Result<Option<Index>, Problem> {
    let Some(text) = after else { return Ok(None) };
    let problem = |_| {
        Problem::input(format!(
            "{text:?} is not a cursor of this list: give one that came with it"
        ))
    };
    text.parse::<Position>().map_err(problem)?.entry_in(ledger)
}
