//! Signing in.

use std::time::Duration;

use sealrock_access::{Role, accounts};
use serde_json::json;

use crate::world::{code_of, start};

const SIGN_IN: &str =
    "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken mustChangePassword } }";
const CHANGE: &str = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { username accessToken } }";

#[tokio::test]
async fn the_first_admin_signs_in_and_chooses_a_password() {
    let world = start().await;
    let input = json!({"input": {"username": "admin", "password": world.password}});
    let answer = world.ask_as(None, SIGN_IN, input).await;
    assert_eq!(
        answer["data"]["signIn"]["mustChangePassword"], true,
        "{answer}"
    );
    let token = answer["data"]["signIn"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();

    let change = json!({"input": {"currentPassword": world.password, "newPassword": "correct horse battery"}});
    let changed = world.ask_as(Some(&token), CHANGE, change).await;
    assert_eq!(
        changed["data"]["changePassword"]["username"], "admin",
        "{changed}"
    );
    let input = json!({"input": {"username": "admin", "password": "correct horse battery"}});
    let answer = world.ask_as(None, SIGN_IN, input).await;
    assert_eq!(
        answer["data"]["signIn"]["mustChangePassword"], false,
        "{answer}"
    );
}

#[tokio::test]
async fn who_has_an_issued_password_can_do_nothing_but_change_it_on_any_transport() {
    let world = start().await;
    world.register_places().await;
    let input = json!({"input": {"username": "admin", "password": world.password}});
    let answer = world.ask_as(None, SIGN_IN, input).await;
    let token = answer["data"]["signIn"]["accessToken"].as_str().unwrap();
    for refused in [
        "{ organisations { nodes { slug } } }",
        r#"{ ledgerEntries(ledger: "northsea") { nodes { index } } }"#,
        "{ projections { ledger } }",
        "mutation { enrolSecondFactor { uri } }",
        "mutation { signOutEverywhere { ended } }",
        r#"mutation { registerOrganisation(input: {slug: "other", displayName: "O"}) { id } }"#,
    ] {
        let answer = world.ask_as(Some(token), refused, json!({})).await;
        assert_eq!(
            code_of(&answer),
            "PASSWORD_CHANGE_REQUIRED",
            "{refused}: {answer}"
        );
    }
    let readings = "subscription { readings(organisation: \"northsea\") { value } }";
    let mut feed = world.subscribe_as(token, readings, json!({})).await;
    let heard = feed.overheard(Duration::from_secs(1)).await;
    assert!(
        heard[0].to_string().contains("PASSWORD_CHANGE_REQUIRED"),
        "{heard:?}"
    );
    let viewer = "{ viewer { username mustChangePassword } }";
    let answer = world.ask_as(Some(token), viewer, json!({})).await;
    assert_eq!(
        answer["data"]["viewer"]["mustChangePassword"], true,
        "{answer}"
    );

    let change = json!({"input": {"currentPassword": world.password, "newPassword": "correct horse battery"}});
    let changed = world.ask_as(Some(token), CHANGE, change).await;
    let token = changed["data"]["changePassword"]["accessToken"].as_str();
    let answer = world
        .ask_as(token, "{ organisations { nodes { slug } } }", json!({}))
        .await;
    let listed = &answer["data"]["organisations"]["nodes"];
    assert_eq!(listed[0]["slug"], "northsea", "{answer}");
}

#[tokio::test]
async fn a_wrong_password_is_unauthenticated_and_a_weak_one_bad_input() {
    let world = start().await;
    let input = json!({"input": {"username": "admin", "password": "wrong"}});
    assert_eq!(
        code_of(&world.ask_as(None, SIGN_IN, input).await),
        "UNAUTHENTICATED"
    );
    let input = json!({"input": {"username": "admin", "password": world.password}});
    let answer = world.ask_as(None, SIGN_IN, input).await;
    let token = answer["data"]["signIn"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let weak = json!({"input": {"currentPassword": world.password, "newPassword": "short"}});
    assert_eq!(
        code_of(&world.ask_as(Some(&token), CHANGE, weak).await),
        "BAD_USER_INPUT"
    );
    let wrong =
        json!({"input": {"currentPassword": "wrong", "newPassword": "correct horse battery"}});
    assert_eq!(
        code_of(&world.ask_as(Some(&token), CHANGE, wrong).await),
        "REJECTED"
    );
}

#[tokio::test]
async fn who_signs_in_is_told_the_role_and_the_organisation_and_so_is_who_asks_later() {
    const SIGN_IN: &str = "mutation ($input: SignInInput!) {
      signIn(input: $input) { accessToken viewer { actor username role organisation } }
    }";
    const VIEWER: &str = "{ viewer { actor username role organisation } }";
    let world = start().await;
    let northsea = "northsea".parse().unwrap();
    for role in Role::ACCOUNTS {
        let name = format!("one-{role}").parse().unwrap();
        let added = accounts::add(&world.pool, &name, role, Some(&northsea)).await;
        let input = json!({"input": {"username": name, "password": added.unwrap().reveal()}});
        let answer = world.ask_as(None, SIGN_IN, input).await;
        let (viewer, token) = (
            &answer["data"]["signIn"]["viewer"],
            answer["data"]["signIn"]["accessToken"].as_str(),
        );
        assert_eq!(viewer["username"], name.as_str(), "{answer}");
        let spelt = role.name().to_uppercase().replace('-', "_");
        assert_eq!(viewer["role"], spelt);
        assert_eq!(viewer["organisation"], "northsea");
        let later = world.ask_as(token, VIEWER, json!({})).await;
        assert_eq!(later["data"]["viewer"], *viewer);
    }
    let answer = world.data(VIEWER, json!({})).await;
    let expected =
        json!({"actor": "service/test", "username": null, "role": "SERVICE", "organisation": null});
    assert_eq!(answer["viewer"], expected);
    assert_eq!(
        code_of(&world.ask_as(None, VIEWER, json!({})).await),
        "UNAUTHENTICATED"
    );
}
