//! Signing in.

use serde_json::json;

use crate::world::{code_of, start};

const SIGN_IN: &str =
    "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken mustChangePassword } }";
const CHANGE: &str =
    "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { username } }";

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
