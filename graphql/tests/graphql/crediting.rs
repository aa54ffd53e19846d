//! Credits as their users ask for them: one organisation requests, another decides.

use chrono::Utc;
use sealrock_access::{AccountId, Principal, Role};
use sealrock_commands::{Context, FRESH};
use sealrock_domain::mass_account::{MassAccountEvent, MassAccountId, NetMassRecorded};
use sealrock_domain::{AssetId, Citation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, code_of, start};

const REQUEST: &str = r#"mutation ($tonnes: Count!, $commandId: UUID) {
  requestIssuance(
    input: {commandId: $commandId, organisation: "northsea", site: "plant-1", year: 2026, registry: "ccr", tonnes: $tonnes}
    waitFor: ["credits"]
  ) { id fromKg toKg duplicate receipt { ledger firstIndex } issuance { state settled } }
}"#;
const APPROVE: &str = r#"mutation ($id: ID!) {
  approveIssuance(input: {registry: "ccr", issuance: $id}, waitFor: ["credits"]) {
    blockId serials block { quantityTonnes } receipt { ledger firstIndex lastIndex }
  }
}"#;
const REFUSE: &str = r#"mutation ($id: ID!) {
  refuseIssuance(input: {registry: "ccr", issuance: $id, reason: "no calibration"}, waitFor: ["credits"]) {
    issuance { state reason } receipt { ledger }
  }
}"#;
const LOSS: &str = r#"mutation ($massKg: String!) {
  recordStorageLoss(
    input: {organisation: "northsea", site: "plant-1", year: 2026, massKg: $massKg, occurredOn: "2026-11-20", reason: "a flange leaked"}
    waitFor: ["credits"]
  ) { massAccount { netKg lostKg deficitKg } receipt { firstIndex } }
}"#;
const ACCOUNT: &str = r#"query ($asOf: Position) {
  massAccount(organisation: "northsea", site: "plant-1", year: 2026, asOf: $asOf) {
    netKg netTonnes reservedKg finalisedKg freeKg deficitKg provenance { ledger indexes }
    entries { nodes { massKg day reason provenance { indexes } } }
  }
}"#;

fn person(n: u128, role: Role, organisation: &str) -> Principal {
    Principal::signed_in(
        AccountId(Uuid::from_u128(n)),
        format!("user-{n}").parse().unwrap(),
        role,
        Some(organisation.parse().unwrap()),
    )
}

impl World {
    /// A token of an account that is somewhere else now, which takes a moment to be known.
    async fn turned(&self, now: &Principal) -> String {
        let turn = "UPDATE access.accounts SET role = $2, organisation = $3 WHERE account_id = $1";
        let Principal::User {
            id,
            role,
            organisation,
            ..
        } = now
        else {
            panic!("{now:?} is no person")
        };
        let turn = sqlx::query(turn).bind(id.as_uuid()).bind(role.name());
        let turn = turn.bind(organisation.as_ref().map(ToString::to_string));
        turn.execute(&self.pool).await.unwrap();
        tokio::time::sleep(FRESH).await;
        self.token_of(now)
    }

    fn mrv(&self) -> String {
        self.token_of(&person(1, Role::Mrv, "northsea"))
    }

    fn registrar(&self) -> String {
        self.token_of(&person(2, Role::Registry, "ccr"))
    }

    async fn done(&self, token: &str, query: &str, variables: Value) -> Value {
        let mut answer = self.ask_as(Some(token), query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].take()
    }

    async fn refused(&self, token: &str, query: &str, variables: Value) -> String {
        code_of(&self.ask_as(Some(token), query, variables).await)
    }

    /// Registry `ccr`; `northsea/plant-1` has stored this much in 2026.
    async fn with_account(&self, kilograms: &str) {
        let registry = r#"mutation {
          registerOrganisation(input: {slug: "ccr", displayName: "A registry", registry: true}) { receipt { ledger } }
        }"#;
        self.data(registry, json!({})).await;
        let (org, site) = ("northsea".parse().unwrap(), "plant-1".parse().unwrap());
        let well = AssetId::of(&org, &site, &"stack-1".parse().unwrap());
        let stream = MassAccountId::of(&org, &site, 2026).stream();
        let event = MassAccountEvent::from(NetMassRecorded {
            org,
            site,
            well,
            day: "2026-11-20".parse().unwrap(),
            mass_kg: kilograms.parse().unwrap(),
        });
        self.append(stream, &event).await;
    }

    fn platform() -> Context {
        Context {
            principal: Principal::Service {
                name: "issuing".parse().unwrap(),
            },
            command: Uuid::nil(),
            via: "process:issuing".to_owned(),
            received_at: Utc::now(),
        }
    }

    async fn cite(&self, ledger: &str, index: &Value) -> Citation {
        let ledger = self.store.existing(&ledger.parse().unwrap()).await.unwrap();
        Citation::new(ledger.origin.as_str(), index.as_u64().unwrap()).unwrap()
    }

    /// Requested, and brought to the registry as the platform does.
    async fn requested(&self, tonnes: u64) -> Value {
        let asked = self
            .done(&self.mrv(), REQUEST, json!({"tonnes": tonnes}))
            .await;
        let requested = asked["requestIssuance"].clone();
        let source = self
            .cite("northsea", &requested["receipt"]["firstIndex"])
            .await;
        self.commands
            .open_issuance(&Self::platform(), &source)
            .await
            .unwrap();
        self.settle().await;
        self.settle_on("ccr").await;
        requested
    }

    /// Approved, and brought back.
    async fn approved(&self, id: &Value) -> Value {
        let done = self
            .done(&self.registrar(), APPROVE, json!({"id": id}))
            .await;
        let approved = done["approveIssuance"].clone();
        let decided = self.cite("ccr", &approved["receipt"]["lastIndex"]).await;
        self.commands
            .finish_issuance(&Self::platform(), &decided)
            .await
            .unwrap();
        self.settle().await;
        self.settle_on("ccr").await;
        approved
    }

    /// A credit of `northsea` in registry `ccr`; ids of its issuance and its block.
    pub async fn issue_credits(&self) -> Vec<String> {
        self.with_account("9000").await;
        self.issue_another().await
    }

    /// One more.
    pub async fn issue_another(&self) -> Vec<String> {
        let requested = self.requested(1).await;
        let approved = self.approved(&requested["id"]).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        vec![text(&requested["id"]), text(&approved["blockId"])]
    }
}

async fn world(kilograms: &str) -> World {
    let world = start().await;
    world.register_places().await;
    world.with_account(kilograms).await;
    world
}

#[tokio::test]
async fn credits_are_requested_by_one_organisation_and_approved_by_another_and_show_what_they_rest_on()
 {
    let world = world("2500.5").await;
    let requested = world.requested(2).await;
    assert_eq!(
        (&requested["fromKg"], &requested["toKg"]),
        (&json!(0), &json!(2000))
    );
    assert_eq!(requested["issuance"]["state"], "RESERVED");
    let seen = r#"{ issuances(organisation: "ccr") { nodes { id state organisation requestedBy netMass { massKg } } } }"#;
    let open = world.done(&world.registrar(), seen, json!({})).await;
    let open = &open["issuances"]["nodes"][0];
    assert_eq!(
        (&open["id"], &open["state"]),
        (&requested["id"], &json!("REQUESTED"))
    );
    assert_eq!(open["netMass"][0]["massKg"], "2500.5");
    let approved = world.approved(&requested["id"]).await;
    assert_eq!(approved["serials"], "SR:ccr:northsea:plant-1:2026:1-2");
    assert_eq!(approved["block"]["quantityTonnes"], 2);

    let listed = r#"{
      holdings(registry: "ccr", holder: "northsea") { nodes {
        serials quantityTonnes vintage holder provenance { ledger indexes }
        issuance {
          state settled requestedBy decidedBy decidedFor
          history { type by provenance { ledger indexes } }
          netMass { massKg day provenance { indexes } }
          provenance { ledger indexes }
        }
      } }
      issuedTotals(registry: "ccr", organisation: "northsea") { site vintage creditsTonnes blocks provenance { indexes } }
    }"#;
    let listed = world.done(&world.mrv(), listed, json!({})).await;
    let block = &listed["holdings"]["nodes"][0];
    assert_eq!(block["serials"], "SR:ccr:northsea:plant-1:2026:1-2");
    let issuance = &block["issuance"];
    assert_eq!(
        (&issuance["state"], &issuance["settled"]),
        (&json!("ISSUED"), &json!(true))
    );
    assert_eq!(issuance["decidedFor"], "ccr");
    let kinds: Vec<&str> = issuance["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| fact["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "RangeReserved",
            "IssuanceRequested",
            "IssuanceApproved",
            "CreditsIssued",
            "RangeFinalised"
        ]
    );
    // Registration of organisation, site and asset are entries 0 to 2; then mass, range, end.
    let rests_on = json!([
        {"ledger": "northsea", "indexes": [3, 4, 5]},
        {"ledger": "ccr", "indexes": [1, 2, 3]},
    ]);
    assert_eq!(issuance["provenance"], rests_on);
    assert_eq!(
        block["provenance"],
        json!({"ledger": "ccr", "indexes": [3]})
    );
    let total = &listed["issuedTotals"][0];
    assert_eq!(
        (&total["creditsTonnes"], &total["blocks"]),
        (&json!(2), &json!(1))
    );
    let account = world.done(&world.mrv(), ACCOUNT, json!({})).await;
    let account = &account["massAccount"];
    assert_eq!(
        (&account["netKg"], &account["netTonnes"]),
        (&json!("2500.5"), &json!("2.5005"))
    );
    assert_eq!(
        (&account["finalisedKg"], &account["freeKg"]),
        (&json!(2000), &json!(500))
    );
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_recorded_once() {
    let world = world("2500").await;
    let variables = json!({"tonnes": 1, "commandId": Uuid::new_v4()});
    let first = world.done(&world.mrv(), REQUEST, variables.clone()).await;
    let again = world.done(&world.mrv(), REQUEST, variables).await;
    let (first, again) = (&first["requestIssuance"], &again["requestIssuance"]);
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&first["id"], &json!(true))
    );
}

#[tokio::test]
async fn refusals_have_codes_and_record_nothing() {
    let world = world("2500").await;
    let mrv = world.mrv();
    let requested = world.requested(1).await;
    let id = json!({"id": requested["id"]});
    assert_eq!(
        world.refused(&mrv, REQUEST, json!({"tonnes": 2})).await,
        "LIMIT_EXCEEDED"
    );
    assert_eq!(
        world.refused(&mrv, REQUEST, json!({"tonnes": 0})).await,
        "OUT_OF_RANGE"
    );
    assert_eq!(
        world
            .refused(&world.registrar(), REQUEST, json!({"tonnes": 1}))
            .await,
        "FORBIDDEN"
    );
    assert_eq!(world.refused(&mrv, APPROVE, id.clone()).await, "FORBIDDEN");
    // Who requested it, and works for the registry now.
    let turncoat = world.turned(&person(1, Role::Registry, "ccr")).await;
    assert_eq!(
        world.refused(&turncoat, APPROVE, id.clone()).await,
        "SELF_APPROVAL"
    );
    assert_eq!(
        world.refused(&turncoat, REFUSE, id.clone()).await,
        "SELF_APPROVAL"
    );
    let mrv = world.turned(&person(1, Role::Mrv, "northsea")).await;
    let unknown = json!({"id": Uuid::nil()});
    assert_eq!(
        world.refused(&world.registrar(), APPROVE, unknown).await,
        "NOT_FOUND"
    );
    assert_eq!(
        world.refused(&mrv, LOSS, json!({"massKg": "0"})).await,
        "OUT_OF_RANGE"
    );
    assert_eq!(
        world.refused(&mrv, LOSS, json!({"massKg": "-1"})).await,
        "BAD_USER_INPUT"
    );
    let refused = world.done(&world.registrar(), REFUSE, id.clone()).await;
    let refused = &refused["refuseIssuance"]["issuance"];
    assert_eq!(
        (&refused["state"], &refused["reason"]),
        (&json!("REFUSED"), &json!("no calibration"))
    );
    assert_eq!(
        world.refused(&world.registrar(), APPROVE, id).await,
        "LOCKED"
    );
}

#[tokio::test]
async fn accounts_and_holdings_are_shown_as_they_stood() {
    let world = world("2500").await;
    let position = r"query ($ledger: String!, $first: Int!) {
      ledgerEntries(ledger: $ledger, first: $first) { edges { cursor } }
    }";
    let behind = async |ledger: &str, count: usize| {
        let found = world
            .data(position, json!({"ledger": ledger, "first": count}))
            .await;
        found["ledgerEntries"]["edges"][count - 1]["cursor"].clone()
    };
    let stored = behind("northsea", 4).await;
    let requested = world.requested(2).await;
    let registered = behind("ccr", 1).await;
    world.approved(&requested["id"]).await;
    let lost = world
        .done(&world.mrv(), LOSS, json!({"massKg": "1000.5"}))
        .await;
    assert_eq!(lost["recordStorageLoss"]["massAccount"]["deficitKg"], 501);
    let (mrv, registrar) = (world.mrv(), world.registrar());
    let then = world.done(&mrv, ACCOUNT, json!({"asOf": stored})).await;
    let then = &then["massAccount"];
    assert_eq!(
        (&then["netKg"], &then["finalisedKg"]),
        (&json!("2500"), &json!(0))
    );
    assert_eq!(then["entries"]["nodes"].as_array().unwrap().len(), 1);
    let now = world.done(&mrv, ACCOUNT, json!({})).await;
    let now = &now["massAccount"];
    assert_eq!(
        (&now["netKg"], &now["finalisedKg"]),
        (&json!("1499.5"), &json!(2000))
    );
    assert_eq!(now["entries"]["nodes"][1]["massKg"], "-1000.5");
    let holdings = r#"query ($asOf: Position) {
      holdings(registry: "ccr", asOf: $asOf) { nodes { serials } }
      issuedTotals(registry: "ccr", asOf: $asOf) { creditsTonnes }
    }"#;
    let then = world
        .done(&registrar, holdings, json!({"asOf": registered}))
        .await;
    assert_eq!(
        (&then["holdings"]["nodes"], &then["issuedTotals"]),
        (&json!([]), &json!([]))
    );
    let now = world.done(&registrar, holdings, json!({})).await;
    assert_eq!(now["issuedTotals"][0]["creditsTonnes"], 2);
    assert_eq!(
        world
            .refused(&mrv, ACCOUNT, json!({"asOf": registered}))
            .await,
        "BAD_USER_INPUT"
    );
}

#[tokio::test]
async fn lists_go_on_behind_their_cursors() {
    let world = world("9000").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let requested = world.requested(1).await;
        world.approved(&requested["id"]).await;
        ids.push(requested["id"].clone());
    }
    let page = r#"query ($after: String, $blocks: String) {
      issuances(organisation: "northsea", first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } }
      holdings(registry: "ccr", holder: "northsea", first: 2, after: $blocks) {
        nodes { serials } pageInfo { endCursor hasNextPage }
      }
    }"#;
    let first = world.done(&world.mrv(), page, json!({})).await;
    let ends = |list: &str| first[list]["pageInfo"]["endCursor"].clone();
    let variables = json!({"after": ends("issuances"), "blocks": ends("holdings")});
    let second = world.done(&world.mrv(), page, variables).await;
    assert_eq!(
        first["issuances"]["nodes"],
        json!([{"id": ids[2]}, {"id": ids[1]}])
    );
    assert_eq!(second["issuances"]["nodes"], json!([{"id": ids[0]}]));
    assert_eq!(second["issuances"]["pageInfo"]["hasNextPage"], false);
    let serials = |n: u32| json!({"serials": format!("SR:ccr:northsea:plant-1:2026:{n}-{n}")});
    assert_eq!(first["holdings"]["nodes"], json!([serials(1), serials(2)]));
    assert_eq!(second["holdings"]["nodes"], json!([serials(3)]));
}

#[tokio::test]
async fn the_front_pages_of_both_count_what_is_requested_issued_and_held() {
    let world = world("5000.5").await;
    let first = world.requested(2).await;
    world.approved(&first["id"]).await;
    world.requested(1).await;
    let page = async |token: &str, organisation: &str| {
        let query = "query ($organisation: String!) { systemOverview(organisation: $organisation) {
          storedNet { massKg records provenance { ledger } } credits { requested issued held }
        } }";
        let variables = json!({"organisation": organisation});
        world.done(token, query, variables).await["systemOverview"].take()
    };
    let storage = page(&world.mrv(), "northsea").await;
    let stored = json!({"massKg": "5000.5", "records": 1, "provenance": {"ledger": "northsea"}});
    assert_eq!(storage["storedNet"], stored);
    let counted = json!({"requested": 1, "issued": 2, "held": 2});
    assert_eq!(storage["credits"], counted);
    let registry = page(&world.registrar(), "ccr").await;
    let counted = json!({"requested": 1, "issued": 2, "held": 0});
    assert_eq!(registry["credits"], counted);
}
