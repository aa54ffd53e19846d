//! A person of one organisation sees nothing of another.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use sealrock_access::invitations::{self, Place};
use sealrock_access::registrations::{self, Registration};
use sealrock_access::{AccountId, Password, Principal, Role};
use sealrock_testkit::DeviceSigner;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::field;
use crate::permitted::{limited, world_to_walk};
use crate::walk::{Asked, Walk, quoted};
use crate::world::{PLACES, World, code_of, start};

/// Root fields that show nothing of an organisation.
const OF_NO_ORGANISATION: [&str; 2] = ["permissions", "viewer"];
/// Texts that stand in what `northsea` has, and nowhere in what `southsea` has.
const MARKS: [&str; 6] = [
    "northsea",
    "North Sea Storage",
    "plant-1",
    "stack-1",
    "meter-7",
    "412.75",
];

/// What the walk gives for arguments: always what `northsea` has.
pub fn of_northsea(field: &str, argument: &str) -> Option<String> {
    Some(match (field, argument) {
        ("organisation", "slug")
        | ("ledger", "name")
        | (_, "organisation" | "ledger" | "holder") => quoted("northsea"),
        ("site", "slug") | (_, "site") => quoted("plant-1"),
        ("asset", "slug") | (_, "asset" | "unit") => quoted("stack-1"),
        (_, "metric") => quoted("co2_ppm"),
        (_, "metrics") => "[\"co2_ppm\"]".to_owned(),
        // A period that is not over when the stack is registered.
        ("leaderboard", "from") => quoted(&(Utc::now() - TimeDelta::hours(1)).to_rfc3339()),
        ("leaderboard", "to") => quoted(&Utc::now().to_rfc3339()),
        ("grantAccess", "to") => quoted("verico"),
        ("recordCapture", "to") => quoted("2026-11-20T01:00:00Z"),
        (_, "capturedKg" | "ventedKg") => quoted("1000"),
        ("well", "slug") | (_, "well") => quoted("injector-1"),
        ("setEmissionTarget" | "withdrawEmissionTarget", "from")
        | (_, "day" | "occurredOn" | "validFrom" | "validUntil" | "testedOn") => {
            quoted("2026-11-20")
        }
        (_, "permit" | "certificate" | "remedy") => quoted("one more"),
        (_, "devices") => "[\"gauge-1\"]".to_owned(),
        (_, "proposal") => "1".to_owned(),
        (_, measured) if of_wells(measured) => quoted("1"),
        (_, "averageKgPerH") => quoted("480"),
        (_, "from") => quoted("2026-11-20T00:00:00Z"),
        (_, "to") => quoted("2026-11-21T00:00:00Z"),
        (_, "registry") => quoted("ccr"),
        (_, "year") => "2026".to_owned(),
        (_, "tonnes") => "1".to_owned(),
        (_, "label") => quoted("Nightly"),
        (_, "account" | "key") => quoted("00000000-0000-0000-0000-000000000009"),
        ("grantAccess" | "issueApiKey" | "rotateApiKey", "until") => quoted("2027-11-01T00:00:00Z"),
        (_, "permissions") => "[\"read-accounting\"]".to_owned(),
        ("grantAccess" | "revokeAccess", "role") => "VERIFIER".to_owned(),
        (_, "grantee") => quoted("verico"),
        (_, "massKg") => quoted("1"),
        (_, "reason") => quoted("a flange leaked"),
        (_, "bucketSeconds") => "3600".to_owned(),
        (_, "index" | "first") => "3".to_owned(),
        _ => return None,
    })
}

/// Whether this field of an input is a figure of wells, in the unit that its name says.
fn of_wells(field: &str) -> bool {
    let unit = |unit| field.ends_with(unit);
    field == "hours" || unit("MassKg") || unit("massKg") || unit("TPerH") || unit("Mpa")
}

pub struct TwoOrganisations {
    pub world: World,
    /// Ids of what `northsea` has, global ones and others.
    pub ids: Vec<String>,
}

/// Each with places; `northsea` with a device, readings, a sealed hour and an injection field besides.
pub async fn two_organisations() -> TwoOrganisations {
    let world = start().await;
    world.register_places().await;
    let meter = world.register_device("meter-7").await;
    world.record(&meter, 1, 0, &[412.75, 412.75]).await;
    world.settle().await;
    world.seal_oldest().await;
    inject(&world).await;
    let places = PLACES
        .replace("North Sea Storage", "Southern Harbour")
        .replace("plant-1", "quay-9")
        .replace("stack-1", "tank-3");
    world
        .data(&places, json!({"organisation": "southsea"}))
        .await;
    world.settle().await;
    let query = r#"{ organisation(slug: "northsea") {
      id sites { nodes { id } } assets { nodes { id } } devices { nodes { id deviceId } }
    } }"#;
    let found = world.data(query, json!({})).await;
    let place = Place {
        organisation: "northsea".parse().unwrap(),
        role: Role::Operator,
        sites: None,
    };
    let inviter = AccountId(uuid::Uuid::nil());
    invitations::invite(&world.pool, &place, inviter)
        .await
        .unwrap();
    let waiting = Registration {
        organisation: "northsea".parse().unwrap(),
        username: "olaf".parse().unwrap(),
        mail: "olaf@example.org".parse().unwrap(),
        password: Password::new("otter marzipan quilt"),
    };
    registrations::register(&world.pool, waiting, None)
        .await
        .unwrap();
    let mut ids = world.issue_credits().await;
    texts(&found, &mut ids);
    TwoOrganisations { world, ids }
}

/// An injector that injects, a monitor that reports, and a recorded day.
async fn inject(world: &World) {
    let field = field::build(world).await;
    field::commission(world).await;
    for gauge in [&field.gauge, &field.watcher] {
        field::measure(world, gauge, &Utc::now().to_rfc3339()).await;
    }
    let record = r#"mutation ($day: Date!, $figures: InjectionFiguresInput!) {
      recordInjectionDay(input: {
        organisation: "northsea", site: "plant-1", well: "injector-1", day: $day, figures: $figures, devices: []
      }) { duplicate }
    }"#;
    let recorded = json!({"day": field::day(1), "figures": field::figures()});
    field::data_as(world, Role::Operator, record, recorded).await;
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}

pub fn person(role: Role, organisation: &str) -> Principal {
    Principal::signed_in(
        AccountId(Uuid::new_v5(
            &Uuid::NAMESPACE_OID,
            format!("{role}/{organisation}").as_bytes(),
        )),
        "ada".parse().unwrap(),
        role,
        Some(organisation.parse().unwrap()),
    )
}

/// What of `northsea` an answer tells that the question did not name itself.
fn told(answer: &Value, asked: &str, ids: &[String]) -> Option<String> {
    let marks = || MARKS.into_iter().chain(ids.iter().map(String::as_str));
    let data = answer["data"].to_string();
    let errors = answer["errors"].to_string();
    marks()
        .find(|mark| data.contains(mark) || (errors.contains(mark) && !asked.contains(mark)))
        .map(str::to_owned)
}

fn must_be_valid(answer: &Value, asked: &Asked) {
    let errors = answer["errors"].to_string();
    for code in ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"] {
        assert!(!errors.contains(code), "{asked:#?} {answer:#}");
    }
}

#[tokio::test]
async fn no_query_shows_a_person_anything_of_another_organisation() {
    let TwoOrganisations { world, ids } = two_organisations().await;
    let walk = Walk::new(&world, ids.clone(), &of_northsea).await;
    let operations = walk.operations("query");
    for role in Role::ACCOUNTS {
        let token = world.token_of(&person(role, "southsea"));
        for asked in &operations {
            let answer = world
                .ask_as(Some(&token), &asked.operation, json!({}))
                .await;
            must_be_valid(&answer, asked);
            let told = told(&answer, &asked.operation, &ids);
            assert!(
                told.is_none(),
                "{role} is told {told:?}: {asked:#?} {answer:#}"
            );
        }
    }
    // The same questions do show it to whom it belongs: the walk can find something.
    let token = world.token_of(&person(Role::Auditor, "northsea"));
    let mut silent: Vec<&str> = operations
        .iter()
        .map(|asked| asked.field.as_str())
        .collect();
    silent.retain(|field| !OF_NO_ORGANISATION.contains(field));
    for asked in &operations {
        let answer = world
            .ask_as(Some(&token), &asked.operation, json!({}))
            .await;
        if answer["data"].to_string().contains("northsea") || told(&answer, "", &ids).is_some() {
            silent.retain(|field| *field != asked.field);
        }
    }
    assert!(
        silent.is_empty(),
        "nothing was shown by {silent:?}: teach the walk or fill the world"
    );
}

/// The id of something of the same kind that is nowhere, if this is an id.
fn of_nothing(id: &str) -> Option<String> {
    const NOTHING: &str = "00000000-0000-4000-8000-000000000000";
    if id.parse::<Uuid>().is_ok() {
        return Some(NOTHING.to_owned());
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    let (kind, uuid) = text.split_once(':')?;
    uuid.parse::<Uuid>().ok()?;
    Some(URL_SAFE_NO_PAD.encode(format!("{kind}:{NOTHING}")))
}

/// To the byte, but for what the question names itself.
#[tokio::test]
async fn what_somebody_may_not_see_is_answered_as_if_it_were_not_there() {
    let TwoOrganisations { world, ids } = world_to_walk().await;
    let of_plant: Vec<String> = ids_at_plant(&world).await;
    let pairs = |ids: &[String], name: &str| {
        let nowhere = |id: &String| Some((id.clone(), of_nothing(id)?));
        let mut pairs: Vec<(String, String)> = ids.iter().filter_map(nowhere).collect();
        assert!(pairs.len() > 3, "{ids:?}");
        pairs.push((name.to_owned(), "nosuch-8".to_owned()));
        pairs
    };
    let of_another = pairs(&ids, "northsea");
    let of_the_next = pairs(&of_plant, "plant-1");
    for (who, pairs) in [
        (person(Role::Operator, "southsea"), &of_another),
        (person(Role::Auditor, "southsea"), &of_another),
        (limited(Role::Operator, "quay-9"), &of_the_next),
        (limited(Role::SiteManager, "quay-9"), &of_the_next),
    ] {
        let token = world.member(&who).await;
        let other = |text: &str| {
            let replaced =
                |text: String, (there, nowhere): &(String, String)| text.replace(there, nowhere);
            pairs.iter().fold(text.to_owned(), replaced)
        };
        let queries = Walk::new(&world, ids.clone(), &of_northsea)
            .await
            .operations("query");
        let changes = Walk::new(&world, ids.clone(), &for_northsea)
            .await
            .shallow("mutation");
        let changes = changes
            .into_iter()
            .filter(|asked| !OWN.contains(&asked.field.as_str()));
        for asked in queries.into_iter().chain(changes) {
            let nowhere = other(&asked.operation);
            // Their period is of now, which goes on between two questions.
            let of_now = asked.field == "leaderboard" || asked.field == "systemOverview";
            if of_now || nowhere == asked.operation {
                continue;
            }
            let hidden = world
                .ask_as(Some(&token), &asked.operation, json!({}))
                .await;
            let absent = world.ask_as(Some(&token), &nowhere, json!({})).await;
            assert_eq!(other(&hidden.to_string()), absent.to_string(), "{nowhere}");
        }
    }
}

/// Ids of what stands at `plant-1`.
async fn ids_at_plant(world: &World) -> Vec<String> {
    let query = r#"{ site(organisation: "northsea", slug: "plant-1") {
      id assets { nodes { id } } devices { nodes { id deviceId } }
    } }"#;
    let mut ids = Vec::new();
    texts(&world.data(query, json!({})).await, &mut ids);
    ids
}

#[tokio::test]
async fn no_subscription_shows_a_person_anything_of_another_organisation() {
    let TwoOrganisations { world, ids } = two_organisations().await;
    let ledger = world
        .data(r#"{ ledger(name: "northsea") { start } }"#, json!({}))
        .await;
    let start = ledger["ledger"]["start"].to_string();
    let given = |field: &str, argument: &str| match argument {
        "after" => Some(start.clone()),
        _ => of_northsea(field, argument),
    };
    let walk = Walk::new(&world, ids.clone(), &given).await;
    let operations = walk.operations("subscription");
    let overhear = async |role: Role, organisation: &str, patience: Duration| {
        let token = world.token_of(&person(role, organisation));
        let listen = operations.iter().map(async |asked| {
            let mut feed = world
                .subscribe_as(&token, &asked.operation, json!({}))
                .await;
            (asked, feed.overheard(patience).await)
        });
        join_all(listen).await
    };
    for role in Role::ACCOUNTS {
        for (asked, heard) in overhear(role, "southsea", Duration::from_millis(700)).await {
            for message in heard {
                let answer = match message["type"].as_str() {
                    Some("error") => json!({"errors": message["payload"]}),
                    _ => message["payload"].clone(),
                };
                must_be_valid(&answer, asked);
                let told = told(&answer, &asked.operation, &ids);
                assert!(
                    told.is_none(),
                    "{role} hears {told:?}: {asked:#?} {message:#}"
                );
            }
        }
    }
    let mut silent: Vec<&str> = operations
        .iter()
        .map(|asked| asked.field.as_str())
        .collect();
    for _ in 0..20 {
        for (asked, heard) in overhear(Role::Auditor, "northsea", Duration::from_secs(10)).await {
            if heard
                .iter()
                .any(|message| told(&message["payload"], "", &ids).is_some())
            {
                silent.retain(|field| *field != asked.field);
            }
        }
        if silent.is_empty() {
            return;
        }
    }
    panic!("nothing came from {silent:?}: teach the walk or fill the world");
}

/// Mutations of the caller's own account, which is of nobody else.
pub const OWN: [&str; 12] = [
    "signIn",
    "refreshSession",
    "signOut",
    "revokeSession",
    "signOutEverywhere",
    "changePassword",
    "stepUp",
    "enrolSecondFactor",
    "confirmSecondFactor",
    "disableSecondFactor",
    "acceptInvitation",
    "register",
];

/// What the walk gives for the inputs of mutations, besides.
pub fn for_northsea(mutation: &str, field: &str) -> Option<String> {
    let known = match (mutation, field) {
        ("registerOrganisation", "slug") => quoted("northsea"),
        ("registerOrganisation", "registry") | (_, "secondFactorRequired") => "false".to_owned(),
        (_, "slug") => quoted("one-more"),
        (_, "name") => quoted("meter-7"),
        (_, "displayName") => quoted("One more"),
        ("inviteMember", "role") => "OPERATOR".to_owned(),
        ("inviteMember", "sites") => "null".to_owned(),
        (own, "session") if OWN.contains(&own) => "false".to_owned(),
        (own, _) if OWN.contains(&own) => quoted("not this"),
        (_, "publicKey") => quoted(&DeviceSigner::new(1).public_key()),
        (_, "fingerprint") => quoted(&"ab".repeat(32)),
        (_, "keyId") => quoted(&DeviceSigner::new(1).key_id()),
        _ => return of_northsea(mutation, field),
    };
    Some(known)
}

#[tokio::test]
async fn nobody_changes_anything_of_another_organisation() {
    let TwoOrganisations { world, ids } = two_organisations().await;
    let walk = Walk::new(&world, ids.clone(), &for_northsea).await;
    let size = async || {
        let query = r#"{ ledgerEntries(ledger: "northsea", first: 1000) { nodes { index } } }"#;
        let entries = world.data(query, json!({})).await;
        entries["ledgerEntries"]["nodes"].as_array().unwrap().len()
    };
    let before = size().await;
    let mut operations = walk.operations("mutation");
    operations.retain(|asked| !OWN.contains(&asked.field.as_str()));
    for role in Role::ACCOUNTS {
        let token = world.token_of(&person(role, "southsea"));
        for asked in &operations {
            let answer = world
                .ask_as(Some(&token), &asked.operation, json!({}))
                .await;
            must_be_valid(&answer, asked);
            assert_eq!(
                code_of(&answer),
                "FORBIDDEN",
                "{role}: {asked:#?} {answer:#}"
            );
            let told = told(&answer, &asked.operation, &ids);
            assert!(
                told.is_none(),
                "{role} is told {told:?}: {asked:#?} {answer:#}"
            );
        }
    }
    assert_eq!(size().await, before);
}

#[tokio::test]
async fn the_list_of_organisations_of_a_person_is_the_own_one_and_ends_there() {
    let TwoOrganisations { world, .. } = two_organisations().await;
    let query =
        "{ organisations(first: 1) { nodes { slug } pageInfo { hasNextPage hasPreviousPage } } }";
    for own in ["northsea", "southsea"] {
        let token = world.token_of(&person(Role::Operator, own));
        let answer = world.ask_as(Some(&token), query, json!({})).await;
        assert_eq!(
            answer["data"]["organisations"],
            json!({"nodes": [{"slug": own}], "pageInfo": {"hasNextPage": false, "hasPreviousPage": false}}),
        );
    }
}

#[tokio::test]
async fn a_ledger_that_continues_another_is_for_the_same_people() {
    let TwoOrganisations { world, .. } = two_organisations().await;
    world.continue_northsea().await;
    world.settle_on("northsea-2").await;
    let ledger = r#"{ ledgerEntries(ledger: "northsea-2") { nodes { index } } }"#;
    let manager = world.token_of(&person(Role::HqManager, "northsea"));
    let answer = world.ask_as(Some(&manager), ledger, json!({})).await;
    assert!(
        answer["data"]["ledgerEntries"]["nodes"][0].is_object(),
        "{answer}"
    );
    let answer = world
        .ask_as(Some(&manager), "{ projections { ledger } }", json!({}))
        .await;
    let listed = answer["data"]["projections"].to_string();
    assert!(
        listed.contains("northsea-2") && !listed.contains("southsea"),
        "{listed}"
    );

    let stranger = world.token_of(&person(Role::HqManager, "southsea"));
    let answer = world.ask_as(Some(&stranger), ledger, json!({})).await;
    let none = ledger.replace("northsea-2", "northsea-3");
    let of_none = world.ask_as(Some(&stranger), &none, json!({})).await;
    assert_eq!(code_of(&answer), "FORBIDDEN");
    // As if there were none.
    let same = answer.to_string().replace("northsea-2", "northsea-3");
    assert_eq!(same, of_none.to_string());
    let answer = world
        .ask_as(Some(&stranger), "{ projections { ledger } }", json!({}))
        .await;
    assert!(!answer.to_string().contains("northsea"), "{answer}");
}

#[tokio::test]
async fn what_rests_on_a_ledger_that_continues_another_names_the_one_that_it_stands_in() {
    let world = start().await;
    world.register_places().await;
    let meter = world.register_device("meter-7").await;
    let before = world.record(&meter, 1, 0, &[1.0]).await;
    world.settle().await;
    world.continue_northsea().await;
    let after = world.record(&meter, 2, 1, &[2.0]).await;
    world.settle_on("northsea-2").await;
    let device = meter.device.to_string();
    let query = r#"query ($device: ID!) {
      readings(device: $device, metric: "co2_ppm", from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z") {
        nodes { provenance { ledger indexes } }
      }
      timeSeries(
        device: $device, metric: "co2_ppm", from: "2026-11-20T12:00:00Z", to: "2026-11-20T12:01:00Z", bucketSeconds: 1
      ) { buckets { provenance { ledger indexes } } }
      latestReadings(device: $device) { provenance { ledger indexes } }
      device(id: $device) {
        provenance { ledger indexes } status { provenance { ledger indexes } } site { provenance { ledger } }
      }
    }"#;
    let told = world.data(query, json!({"device": device})).await;
    let at = |ledger: &str, index: u64| json!({"ledger": ledger, "indexes": [index]});
    let readings = told["readings"]["nodes"].as_array().unwrap();
    assert_eq!(readings[0]["provenance"], at("northsea", before));
    assert_eq!(readings[1]["provenance"], at("northsea-2", after));
    let buckets = &told["timeSeries"]["buckets"];
    assert_eq!(buckets[0]["provenance"], at("northsea", before));
    assert_eq!(buckets[1]["provenance"], at("northsea-2", after));
    assert_eq!(
        told["latestReadings"][0]["provenance"],
        at("northsea-2", after)
    );
    assert_eq!(
        told["device"]["status"]["provenance"],
        at("northsea-2", after)
    );
    let registered = &told["device"]["provenance"];
    assert_eq!(registered["ledger"], "northsea-2");
    let entry =
        r#"query ($index: Count!) { ledgerEntry(ledger: "northsea-2", index: $index) { type } }"#;
    let entry = world
        .data(entry, json!({"index": registered["indexes"][0]}))
        .await;
    assert_eq!(entry["ledgerEntry"]["type"], "DeviceRegistered");
    assert_eq!(told["device"]["site"]["provenance"]["ledger"], "northsea-2");

    // A place in the ledger before is none in this one, and is not taken for one.
    let old = world
        .data(r#"{ ledger(name: "northsea") { start } }"#, json!({}))
        .await;
    let resume = "subscription ($after: Position) { readings(organisation: \"northsea\", after: $after) { value } }";
    let mut feed = world
        .subscribe(resume, json!({"after": old["ledger"]["start"]}))
        .await;
    let refused = feed.overheard(Duration::from_millis(700)).await;
    assert!(
        refused[0]
            .to_string()
            .contains("of ledger northsea, not of northsea-2"),
        "{refused:?}"
    );
}
