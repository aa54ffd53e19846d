//! The figures of a front page.

use chrono::{DateTime, TimeDelta, Utc};
use sealrock_access::{AccountId, Principal, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, start_on};

const OVERVIEW: &str = r#"{ systemOverview(organisation: "northsea") {
  organisation { slug } at
  registered { sites devices devicesOnline devicesReporting }
  captured { today { massKg massTonnes records provenance { indexes truncated } } thisYear { massKg } }
  injected { today { massKg massTonnes records provenance { indexes truncated } } thisMonth { massKg } }
  wells { injectors activeInjectors monitors activeMonitors provenance { indexes } }
  storedNet { massKg records } credits { requested issued held }
  sealing { hoursSealedToday hoursWaitingToday openGaps missingBatches newestSeal { indexes } }
  deadLetters entries newestEntry { index coveringCheckpoint { size } } lag { entries }
} }"#;

async fn overview(world: &World) -> Value {
    world.data(OVERVIEW, json!({})).await["systemOverview"].take()
}

/// A batch with one reading.
fn batch(seq: u32, at: DateTime<Utc>) -> Vec<u8> {
    let reading = json!({"metric": "co2_ppm", "at": at, "value": 400});
    json!({"seq": seq, "readings": [reading]})
        .to_string()
        .into_bytes()
}

#[tokio::test]
async fn the_front_page_counts_what_is_there_and_names_what_it_rests_on() {
    let pool = sealrock_testkit::database().await.pool;
    let world = start_on(pool.clone()).await;
    world.register_places().await;
    let meter = world.register_device("meter-1").await;
    world.register_device("meter-2").await;
    let now = Utc::now();
    for seq in [1, 4, 5] {
        world.record_bytes(&meter, batch(seq, now)).await;
    }
    let at = Utc::now() - TimeDelta::days(3);
    sqlx::query("INSERT INTO rm_runner.presence VALUES ($1, true, $2)")
        .bind(meter.device.0)
        .bind(at)
        .execute(&pool)
        .await
        .unwrap();
    let letter = "INSERT INTO ingest.dead_letters
                  VALUES ($1, $2, 'northsea', now(), 'http:/ingest', 'undecodable', '', '', 0, sha256(''))";
    sqlx::query(letter)
        .bind(Uuid::now_v7())
        .bind(meter.device.0)
        .execute(&pool)
        .await
        .unwrap();
    world.settle().await;

    let seen = overview(&world).await;
    assert_eq!(
        seen["registered"],
        json!({"sites": 1, "devices": 2, "devicesOnline": 1, "devicesReporting": 1})
    );
    let waiting = json!({
        "hoursSealedToday": 0, "hoursWaitingToday": 1, "openGaps": 1, "missingBatches": 2, "newestSeal": null,
    });
    assert_eq!(seen["sealing"], waiting);
    let nothing = json!({
        "massKg": "0", "massTonnes": "0", "records": 0, "provenance": {"indexes": [], "truncated": false},
    });
    assert_eq!(seen["captured"]["today"], nothing);
    assert_eq!(seen["injected"]["today"], nothing);
    assert_eq!(seen["wells"]["activeInjectors"], 0);
    assert_eq!(seen["storedNet"], json!({"massKg": "0", "records": 0}));
    assert_eq!(
        seen["credits"],
        json!({"requested": 0, "issued": 0, "held": 0})
    );
    assert_eq!(
        (&seen["deadLetters"], &seen["lag"]),
        (&json!(1), &json!({"entries": 0}))
    );
    let entries = seen["entries"].as_u64().unwrap();
    assert_eq!(
        seen["newestEntry"],
        json!({"index": entries - 1, "coveringCheckpoint": {"size": entries}})
    );

    let nobody = world
        .code(&OVERVIEW.replace("northsea", "southsea"), json!({}))
        .await;
    assert_eq!(nobody, "NOT_FOUND");
}

#[tokio::test]
async fn dead_letters_and_the_newest_entry_are_for_who_may_read_them_only() {
    let world = start_on(sealrock_testkit::database().await.pool).await;
    world.register_places().await;
    world.settle().await;
    let as_role = async |role: Role| {
        let principal = Principal::signed_in(
            AccountId(Uuid::new_v5(&Uuid::NAMESPACE_OID, role.name().as_bytes())),
            "ada".parse().unwrap(),
            role,
            Some("northsea".parse().unwrap()),
        );
        let token = world.token_of(&principal);
        world.ask_as(Some(&token), OVERVIEW, json!({})).await["data"]["systemOverview"].take()
    };
    assert_eq!(as_role(Role::Auditor).await["deadLetters"], 0);
    let registrar = as_role(Role::Registry).await;
    assert_eq!(registrar["deadLetters"], json!(null));
    assert_eq!(registrar["registered"]["sites"], 1);
    assert!(registrar["newestEntry"]["index"].is_number(), "{registrar}");
    let operator = as_role(Role::Operator).await;
    assert_eq!(operator["newestEntry"], json!(null));
    assert!(operator["entries"].is_number(), "{operator}");
}
