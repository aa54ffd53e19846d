//! Commands and their receipts.

use sealrock_access::Principal;
use sealrock_domain::DeviceId;
use sealrock_testkit::DeviceSigner;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{DEVICE, code_of, masked, start, start_without_projections};

const ORGANISATION: &str = r#"mutation ($slug: String!, $name: String = "North", $id: UUID, $waitFor: [String!]) {
  registerOrganisation(input: {slug: $slug, displayName: $name, commandId: $id}, waitFor: $waitFor) {
    id organisation { displayName } duplicate receipt { ledger firstIndex lastIndex checkpoint }
  }
}"#;

const TREE: &str = r"{
  organisations(first: 2) { pageInfo { hasNextPage } nodes {
    id slug displayName registeredAt ledger { name origin demo } provenance { ledger indexes }
    sites(first: 5) { nodes {
      slug kind organisation { slug }
      assets(first: 5) { nodes { slug kind devices(first: 5) { nodes { name } } } }
      devices(first: 5) { nodes {
        id deviceId name displayName topic source keys { keyId publicKey } mustSign hasCredential decommissioned
        sensors { metric unit description } tags { key value }
        asset { slug } site { slug } status { batches } latest { value } gaps(first: 3) { fromSeq }
        provenance { ledger indexes truncated }
      } }
    } }
  } }
}";

#[tokio::test]
async fn what_is_registered_is_shown() {
    let world = start().await;
    world.register_places().await;
    let registered = world
        .data(
            DEVICE,
            json!({"organisation": "northsea", "name": "meter-1"}),
        )
        .await;
    insta::assert_json_snapshot!("registered_device", masked(registered));
    insta::assert_json_snapshot!("tree", masked(world.data(TREE, json!({})).await));
}

#[tokio::test]
async fn a_node_is_found_by_its_id() {
    let world = start().await;
    world.register_places().await;
    let device = world
        .data(
            DEVICE,
            json!({"organisation": "northsea", "name": "meter-1"}),
        )
        .await;
    let device = &device["registerDevice"];
    let query = "query ($id: ID!) { node(id: $id) { __typename id ... on Device { name } } }";
    let found = world.data(query, json!({"id": device["id"]})).await;
    assert_eq!(
        found["node"],
        json!({"__typename": "Device", "id": device["id"], "name": "meter-1"})
    );
    assert_eq!(
        world.data(query, json!({"id": "nothing"})).await["node"],
        Value::Null
    );
    let by_uuid = "query ($id: ID!) { device(id: $id) { id } }";
    let found = world.data(by_uuid, json!({"id": device["deviceId"]})).await;
    assert_eq!(found["device"]["id"], device["id"]);
    let places = r#"{ organisation(slug: "northsea") { id } site(organisation: "northsea", slug: "plant-1") { id }
        asset(organisation: "northsea", site: "plant-1", slug: "stack-1") { id } }"#;
    for (field, kind) in [
        ("organisation", "Organisation"),
        ("site", "Site"),
        ("asset", "Asset"),
    ] {
        let id = &world.data(places, json!({})).await[field]["id"];
        assert_eq!(
            world.data(query, json!({"id": id})).await["node"]["__typename"],
            kind
        );
    }
}

#[tokio::test]
async fn a_repeated_command_id_is_answered_with_the_first_receipt_and_no_secret() {
    let world = start().await;
    world.register_places().await;
    let input = json!({"organisation": "northsea", "name": "meter-1", "commandId": Uuid::new_v4()});
    let first = world.data(DEVICE, input.clone()).await;
    let again = world.data(DEVICE, input.clone()).await;
    assert_eq!(
        first["registerDevice"]["receipt"],
        again["registerDevice"]["receipt"]
    );
    assert!(first["registerDevice"]["secret"].is_string());
    assert_eq!(again["registerDevice"]["secret"], Value::Null);
    assert_eq!(again["registerDevice"]["duplicate"], true);

    let id = Uuid::new_v4();
    world
        .data(ORGANISATION, json!({"slug": "southsea", "id": id}))
        .await;
    let other = json!({"slug": "southsea", "name": "Other", "id": id});
    assert_eq!(world.code(ORGANISATION, other).await, "COMMAND_ID_REUSED");
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let world = start().await;
    world.register_places().await;
    assert_eq!(
        world.code(ORGANISATION, json!({"slug": "northsea"})).await,
        "REJECTED"
    );
    assert_eq!(
        world.code(ORGANISATION, json!({"slug": "North Sea"})).await,
        "BAD_USER_INPUT"
    );
    assert_eq!(
        world.code(ORGANISATION, json!({"slug": "registry"})).await,
        "REJECTED"
    );
    let elsewhere = json!({"organisation": "nowhere", "name": "meter-1"});
    assert_eq!(world.code(DEVICE, elsewhere).await, "NOT_FOUND");
    let unknown = json!({"slug": "southsea", "waitFor": ["nothing"]});
    let answer = world.ask(ORGANISATION, unknown).await;
    assert_eq!(code_of(&answer), "BAD_USER_INPUT");
    assert!(
        answer["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("registry"),
        "{answer}"
    );
    let nothing = world
        .data(r#"{ organisation(slug: "southsea") { id } }"#, json!({}))
        .await;
    assert_eq!(
        nothing["organisation"],
        Value::Null,
        "the command was not sent"
    );
}

#[tokio::test]
async fn a_device_may_neither_read_nor_register() {
    let world = start().await;
    world.register_places().await;
    let (organisation, site, name) = (
        "northsea".parse().unwrap(),
        "plant-1".parse().unwrap(),
        "meter-1".parse().unwrap(),
    );
    let id = DeviceId::of(&organisation, &site, &name);
    let token = world.token_of(&Principal::Device {
        id,
        organisation,
        site,
        name,
    });
    let device = json!({"organisation": "northsea", "name": "meter-2"});
    let queries = [
        (DEVICE, device),
        (
            r#"{ ledgerEntries(ledger: "northsea") { nodes { index } } }"#,
            json!({}),
        ),
        (r#"{ ledger(name: "northsea") { origin } }"#, json!({})),
    ];
    for (query, variables) in queries {
        let answer = world.ask_as(Some(&token), query, variables).await;
        assert_eq!(code_of(&answer), "FORBIDDEN", "{query}");
    }
    let things = r#"{ organisation(slug: "northsea") { id } site(organisation: "northsea", slug: "plant-1") { id } }"#;
    let answer = world.ask_as(Some(&token), things, json!({})).await;
    assert_eq!(answer["data"], json!({"organisation": null, "site": null}));
    let lists = "{ organisations { nodes { slug } } projections { ledger } }";
    let answer = world.ask_as(Some(&token), lists, json!({})).await;
    assert_eq!(
        answer["data"],
        json!({"organisations": {"nodes": []}, "projections": []}),
        "{answer}"
    );
}

#[tokio::test]
async fn a_device_is_bound_rotated_locked_out_and_decommissioned() {
    let world = start().await;
    world.register_places().await;
    world.register_device("meter-1").await;
    let change = |mutation: &str, more: &str| {
        format!(
            "mutation {{ {mutation}(input: {{organisation: \"northsea\", site: \"plant-1\", name: \"meter-1\"{more}}}, \
             waitFor: [\"registry\"]) {{ device {{ asset {{ slug }} hasCredential decommissioned }} }} }}"
        )
    };
    let shown = |asset: &str, credential: bool, decommissioned: bool| json!({"device": {"asset": {"slug": asset}, "hasCredential": credential, "decommissioned": decommissioned}});
    let asset = r#"mutation { registerAsset(input: {organisation: "northsea", site: "plant-1", slug: "well-1",
        displayName: "Well", kind: INJECTION_WELL}) { id } }"#;
    world.data(asset, json!({})).await;
    let steps = [
        (
            "bindDevice",
            ", asset: \"well-1\"",
            shown("well-1", true, false),
        ),
        ("revokeDeviceCredential", "", shown("well-1", false, false)),
        ("rotateDeviceCredential", "", shown("well-1", true, false)),
        ("decommissionDevice", "", shown("well-1", false, true)),
    ];
    for (mutation, more, expected) in steps {
        let answer = world.data(&change(mutation, more), json!({})).await;
        assert_eq!(answer[mutation], expected, "{mutation}");
    }
    assert_eq!(
        world
            .code(&change("rotateDeviceCredential", ""), json!({}))
            .await,
        "REJECTED"
    );
}

#[tokio::test]
async fn a_device_with_a_key_changes_over_to_another() {
    let world = start().await;
    world.register_places().await;
    let keys = [1, 2].map(DeviceSigner::new);
    let key = |n: usize| json!({"keyId": keys[n].key_id(), "publicKey": keys[n].public_key()});
    let shown = "device { mustSign keys { keyId publicKey } }";
    let register = format!(
        "mutation {{ registerDevice(input: {{organisation: \"northsea\", site: \"plant-1\", name: \"meter-1\", \
         displayName: \"Meter\", publicKey: \"{}\"}}, waitFor: [\"registry\"]) {{ {shown} }} }}",
        keys[0].public_key()
    );
    let change = |mutation: &str, field: &str, value: &str| {
        format!(
            "mutation {{ {mutation}(input: {{organisation: \"northsea\", site: \"plant-1\", name: \"meter-1\", \
             {field}: \"{value}\"}}, waitFor: [\"registry\"]) {{ {shown} }} }}"
        )
    };
    let rotate = change("rotateDeviceKey", "publicKey", &keys[1].public_key());
    let revoke = change("revokeDeviceKey", "keyId", &keys[0].key_id());
    let mut both = vec![key(0), key(1)];
    both.sort_by_key(|key| key["keyId"].to_string());
    let steps = [
        ("registerDevice", register, json!([key(0)])),
        ("rotateDeviceKey", rotate.clone(), json!(both)),
        ("revokeDeviceKey", revoke, json!([key(1)])),
    ];
    for (mutation, text, expected) in steps {
        let answer = world.data(&text, json!({})).await;
        let device = &answer[mutation]["device"];
        assert_eq!(device["keys"], expected, "{mutation}");
        assert_eq!(device["mustSign"], true, "{mutation}");
    }
    assert_eq!(world.code(&rotate, json!({})).await, "REJECTED");
    let wrong = change("rotateDeviceKey", "publicKey", "abc");
    assert_eq!(world.code(&wrong, json!({})).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_certificate_of_a_device_is_added_once_and_revoked_for_ever() {
    let world = start().await;
    world.register_places().await;
    let register = "mutation { registerDevice(input: {organisation: \"northsea\", site: \"plant-1\", \
                    name: \"meter-1\", displayName: \"Meter\"}) { id } }";
    world.data(register, json!({})).await;
    let change = |mutation: &str, fingerprint: &str| {
        format!(
            "mutation {{ {mutation}(input: {{organisation: \"northsea\", site: \"plant-1\", name: \"meter-1\", \
             fingerprint: \"{fingerprint}\"}}) {{ receipt {{ firstIndex }} }} }}"
        )
    };
    let (own, as_openssl) = ("ab".repeat(32), vec!["AB"; 32].join(":"));
    let (add, revoke) = ("addDeviceCertificate", "revokeDeviceCertificate");
    assert_eq!(
        world.code(&change(revoke, &own), json!({})).await,
        "REJECTED"
    );
    world.data(&change(add, &as_openssl), json!({})).await;
    assert_eq!(world.code(&change(add, &own), json!({})).await, "REJECTED");
    world.data(&change(revoke, &own), json!({})).await;
    assert_eq!(world.code(&change(add, &own), json!({})).await, "REJECTED");
    assert_eq!(
        world.code(&change(add, "abc"), json!({})).await,
        "BAD_USER_INPUT"
    );
}

#[tokio::test]
async fn a_receipt_is_not_lost_when_a_read_model_does_not_catch_up() {
    let world = start_without_projections().await;
    let answer = world
        .ask(
            ORGANISATION,
            json!({"slug": "northsea", "waitFor": ["registry"]}),
        )
        .await;
    let payload = &answer["data"]["registerOrganisation"];
    assert_eq!(payload["organisation"], Value::Null);
    assert_eq!(payload["receipt"]["firstIndex"], 0, "{answer}");
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "WAIT_TIMEOUT");
    assert_eq!(
        error["extensions"]["receipt"],
        json!({"ledger": "northsea", "firstIndex": 0, "lastIndex": 0})
    );
    assert_eq!(error["path"], json!(["registerOrganisation"]));
}
