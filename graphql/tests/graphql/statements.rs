//! How many statements a question costs: the same for one item as for many.

use std::cell::RefCell;
use std::sync::Once;

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::field;
use crate::screens::{add_place, questions};
use crate::world::{ASKED, World, start};

thread_local! {
    /// What Postgres was asked while requests were answered. A test, with its server, is a thread.
    static ASKED_FOR: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps it.
struct Statements;

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut spans = context.event_scope(event).into_iter().flatten();
        if event.metadata().target() == "sqlx::query" && spans.any(|span| span.name() == ASKED) {
            let mut text = Text(String::new());
            event.record(&mut text);
            ASKED_FOR.with_borrow_mut(|asked| asked.push(text.0));
        }
    }
}

/// Of all threads: which events are of interest is decided once, by whoever comes first.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Statements);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// What this question costs, several times, the least first. A loader gathers what is asked for within
/// a moment: whether two fields of an answer come in the same one depends on how busy the machine is.
async fn costs(world: &World, question: &str) -> Vec<Vec<String>> {
    // What is looked up once and kept is looked up before.
    world.data(question, json!({})).await;
    let mut costs = Vec::new();
    for _ in 0..8 {
        ASKED_FOR.take();
        world.data(question, json!({})).await;
        let mut statements = ASKED_FOR.take();
        statements.sort();
        costs.push(statements);
    }
    costs.sort_by_key(Vec::len);
    costs
}

#[tokio::test]
async fn a_question_costs_as_many_statements_for_many_items_as_for_few() {
    listen();
    let world = start().await;
    world.register_places().await;
    let wells = field::build(&world).await;
    field::measure(&world, &wells.gauge, &chrono::Utc::now().to_rfc3339()).await;
    add_place(&world, 0).await;
    world.issue_credits().await;
    world.settle().await;
    let questions = questions(&world).await;
    let mut few = Vec::new();
    for question in &questions {
        let most = costs(&world, question).await.pop().unwrap();
        assert!(!most.is_empty(), "nothing was counted of {question}");
        few.push(most);
    }
    for number in 1..=4 {
        add_place(&world, number).await;
        world.issue_another().await;
    }
    let more = "mutation { registerOrganisation(input: {slug: \"southsea\", displayName: \"S\"}, waitFor: [\"registry\"]) { duplicate } }";
    world.data(more, json!({})).await;
    for minutes in [70, 140, 210] {
        let earlier = chrono::Utc::now() - chrono::TimeDelta::minutes(minutes);
        field::measure(&world, &wells.gauge, &earlier.to_rfc3339()).await;
    }
    field::measure(&world, &wells.watcher, &chrono::Utc::now().to_rfc3339()).await;
    world.settle().await;
    let mut grown = Vec::new();
    for (question, few) in questions.iter().zip(few) {
        let many = costs(&world, question).await.remove(0);
        // Four more places would be four more statements at least.
        if many.len() > few.len() {
            grown.push(format!("{question}\nfew: {few:#?}\nmany: {many:#?}"));
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n\n"));
}
