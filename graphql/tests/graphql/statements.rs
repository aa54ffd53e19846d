//! How many statements a question costs: the same for one item as for many.

use std::cell::RefCell;
use std::sync::Once;

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::field;
use crate::world::{ASKED, World, start};

/// What a person looks at who keeps an eye on places: down to the hours of each device.
const PLACES: &str = r#"{ organisation(slug: "northsea") { sites(first: 10) { nodes {
  slug organisation { slug } provenance { ledger indexes } emissionTargets { averageKgPerH }
  assets(first: 5) { nodes { slug site { slug } devices(first: 5) { nodes { name } } } }
  devices(first: 5) { nodes {
    name organisation { slug } site { slug } asset { slug } provenance { ledger }
    status { online batches provenance { ledger } } latest { metric value provenance { ledger } }
    gaps(onlyOpen: true, first: 3) { fromSeq } windows(first: 3) { nodes { hour } }
  } }
} } } }"#;
const ASSETS: &str = r#"{ organisation(slug: "northsea") { assets(first: 10) { nodes {
  slug site { slug organisation { slug } } devices(first: 5) { nodes { name latest { value } } }
} } } }"#;
const DEVICES: &str = r#"{ organisation(slug: "northsea") { devices(first: 10) { nodes {
  name asset { slug site { slug } } status { lastSeen } latest { value } gaps { toSeq }
} } } }"#;
const LATEST: &str = r#"{ site(organisation: "northsea", slug: "plant-1") { latest {
  metric value device { name site { slug } asset { slug } } provenance { ledger }
} } }"#;
const ORGANISATIONS: &str = r"{ organisations(first: 10) { nodes { slug ledger { name } sites(first: 5) { nodes { slug } } } } }";
const ENTRIES: &str =
    r#"{ ledgerEntries(ledger: "northsea", first: 1000) { nodes { index type } } }"#;
const WELLS: &str = r#"{ wells(organisation: "northsea") {
  slug asset { slug site { slug } } latest { metric value device { name } }
} }"#;

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

/// A site with assets, and a device that has sent what has gaps.
async fn add_place(world: &World, number: u32) {
    let asset = format!(r#"organisation: "northsea", site: "site-{number}""#);
    let document = format!(
        r#"mutation {{
          registerSite(input: {{organisation: "northsea", slug: "site-{number}", displayName: "S", kind: FACTORY}}) {{ duplicate }}
          a: registerAsset(input: {{{asset}, slug: "stack-a", displayName: "A", kind: STACK}}) {{ duplicate }}
          b: registerAsset(input: {{{asset}, slug: "stack-b", displayName: "B", kind: STACK}}) {{ duplicate }}
          registerDevice(
            input: {{{asset}, name: "meter-{number}", displayName: "M", asset: "stack-a", source: REAL}}, waitFor: ["registry"]
          ) {{ deviceId secret }}
        }}"#
    );
    let made: Value = world.data(&document, json!({})).await;
    let made = &made["registerDevice"];
    let device = made["deviceId"].as_str().unwrap().parse().unwrap();
    let device = world
        .sign_in(device, made["secret"].as_str().unwrap())
        .await;
    for seq in [1, 4] {
        world.record(&device, seq, seq, &[1.0]).await;
    }
}

#[tokio::test]
async fn a_question_costs_as_many_statements_for_many_items_as_for_few() {
    listen();
    let world = start().await;
    world.register_places().await;
    let meter = world.register_device("meter-0").await;
    for seq in [1, 4] {
        world.record(&meter, seq, seq, &[1.0]).await;
    }
    let wells = field::build(&world).await;
    field::measure(&world, &wells.gauge, &chrono::Utc::now().to_rfc3339()).await;
    world.settle().await;
    let questions = [
        PLACES,
        ASSETS,
        DEVICES,
        LATEST,
        ORGANISATIONS,
        ENTRIES,
        WELLS,
    ];
    let mut few = Vec::new();
    for question in questions {
        let most = costs(&world, question).await.pop().unwrap();
        assert!(!most.is_empty(), "nothing was counted of {question}");
        few.push(most);
    }
    for number in 1..=4 {
        add_place(&world, number).await;
    }
    let more = "mutation { registerOrganisation(input: {slug: \"southsea\", displayName: \"S\"}, waitFor: [\"registry\"]) { duplicate } }";
    world.data(more, json!({})).await;
    field::measure(&world, &wells.watcher, &chrono::Utc::now().to_rfc3339()).await;
    world.settle().await;
    for (question, few) in questions.into_iter().zip(few) {
        let many = costs(&world, question).await.remove(0);
        // Four more places would be four more statements at least.
        assert!(
            many.len() <= few.len(),
            "{question}\nfew: {few:#?}\nmany: {many:#?}"
        );
    }
}
