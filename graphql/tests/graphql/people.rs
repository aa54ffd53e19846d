//! Members who register, who must have a second factor, who lose it, from the API.

use sealrock_access::{Password, Role, accounts};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

use crate::world::{World, code_of, start};

const PHRASE: &str = "otter marzipan quilt";
const SIGN_IN: &str = "mutation ($input: SignInInput!) { signIn(input: $input) {
  accessToken mustEnrolSecondFactor viewer { role mustEnrolSecondFactor } } }";
const REGISTER: &str =
    "mutation ($input: RegisterInput!) { register(input: $input) { username organisation code } }";
const WAITING: &str =
    r#"{ registrations(organisation: "northsea") { account username mail code } }"#;
const ORGANISATION: &str = r#"{ organisation(slug: "northsea") { slug } }"#;

async fn sign_in(world: &World, name: &str) -> Value {
    let input = json!({"input": {"username": name, "password": PHRASE}});
    world.ask_as(None, SIGN_IN, input).await
}

fn token(answer: &Value) -> String {
    let token = answer["data"]["signIn"]["accessToken"].as_str();
    token.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// A member of `northsea`, signed in: the id and the token.
async fn member(world: &World, name: &str, role: Role) -> (String, String) {
    let (username, own) = (name.parse().unwrap(), "northsea".parse().unwrap());
    let password = Password::new(PHRASE);
    let added = accounts::add_with(&world.pool, &username, role, Some(&own), password);
    let account = added.await.unwrap();
    world.commands.record_roles_of_rows().await.unwrap();
    (account.to_string(), token(&sign_in(world, name).await))
}

async fn settings(world: &World, registration: bool, factor: bool) {
    let change = "mutation ($input: ChangeAccessSettingsInput!) {
      changeAccessSettings(input: $input) { duplicate } }";
    let input = json!({
        "organisation": "northsea", "selfRegistration": registration, "secondFactorRequired": factor,
    });
    world.data(change, json!({"input": input})).await;
}

/// Enrols a second factor with this token.
async fn enrol(world: &World, token: &str) {
    let mutation = "mutation { enrolSecondFactor { secret } }";
    let begun = world.ask_as(Some(token), mutation, json!({})).await;
    let secret = begun["data"]["enrolSecondFactor"]["secret"].as_str();
    let secret = secret.unwrap_or_else(|| panic!("{begun}")).to_owned();
    let secret = Secret::Encoded(secret).to_bytes().unwrap();
    let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let confirm = "mutation ($input: ConfirmSecondFactorInput!) {
      confirmSecondFactor(input: $input) { recoveryCodes } }";
    let code = json!({"input": {"code": app.generate_current().unwrap()}});
    let confirmed = world.ask_as(Some(token), confirm, code).await;
    assert!(confirmed["errors"].is_null(), "{confirmed}");
}

#[tokio::test]
async fn somebody_registers_waits_and_becomes_a_member_by_an_administrator() {
    let world = start().await;
    world.register_places().await;
    let wants = |name: &str| {
        json!({"input": {
            "organisation": "northsea", "username": name, "mail": "otto@example.org", "password": PHRASE,
        }})
    };
    let closed = world.ask_as(None, REGISTER, wants("otto")).await;
    assert_eq!(code_of(&closed), "FORBIDDEN", "{closed}");
    settings(&world, true, false).await;
    let made = world.ask_as(None, REGISTER, wants("otto")).await;
    assert_eq!(made["data"]["register"]["username"], "otto", "{made}");
    // The administrator's name is taken, which a stranger is not told.
    let taken = world.ask_as(None, REGISTER, wants("admin")).await;
    assert_eq!(taken["data"]["register"]["username"], "admin", "{taken}");
    let refused = sign_in(&world, "otto").await;
    assert_eq!(code_of(&refused), "FORBIDDEN", "{refused}");

    let waiting = world.data(WAITING, json!({})).await;
    let waiting = waiting["registrations"].as_array().unwrap().clone();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0]["mail"], "otto@example.org");
    assert_eq!(waiting[0]["code"], made["data"]["register"]["code"]);
    let (told, not_told) = (&waiting[0]["code"], &taken["data"]["register"]["code"]);
    assert!(told.is_string() && not_told.is_string() && told != not_told);
    let (_, operator) = member(&world, "olga", Role::Operator).await;
    let refused = world.ask_as(Some(&operator), WAITING, json!({})).await;
    assert_eq!(code_of(&refused), "FORBIDDEN");

    let assign = "mutation ($input: AssignRoleInput!) { assignRole(input: $input) { duplicate } }";
    let role = json!({"input": {
        "organisation": "northsea", "account": waiting[0]["account"], "role": "OPERATOR",
    }});
    world.data(assign, role).await;
    let entered = sign_in(&world, "otto").await;
    assert_eq!(
        entered["data"]["signIn"]["viewer"]["role"], "OPERATOR",
        "{entered}"
    );
    let decline = "mutation ($input: DeclineRegistrationInput!) {
      declineRegistration(input: $input) { account } }";
    let of = |account: &Value| json!({"input": {"organisation": "northsea", "account": account}});
    let refused = world.ask(decline, of(&waiting[0]["account"])).await;
    assert_eq!(code_of(&refused), "NOT_FOUND", "{refused}");
    world.ask_as(None, REGISTER, wants("olaf")).await;
    let waiting = world.data(WAITING, json!({})).await;
    let declined = world
        .data(decline, of(&waiting["registrations"][0]["account"]))
        .await;
    assert_eq!(
        declined["declineRegistration"]["account"],
        waiting["registrations"][0]["account"]
    );
}

#[tokio::test]
async fn where_a_second_factor_is_required_nothing_is_answered_before_it_is_enrolled() {
    let world = start().await;
    world.register_places().await;
    member(&world, "otto", Role::Operator).await;
    settings(&world, false, true).await;
    let entered = sign_in(&world, "otto").await;
    assert_eq!(entered["data"]["signIn"]["mustEnrolSecondFactor"], true);
    let token = token(&entered);
    for refused in [
        ORGANISATION,
        "mutation { signOutEverywhere { ended } }",
        "mutation { disableSecondFactor { disabled } }",
    ] {
        let refused = world.ask_as(Some(&token), refused, json!({})).await;
        assert_eq!(code_of(&refused), "SECOND_FACTOR_REQUIRED", "{refused}");
    }
    let viewer = "{ viewer { mustEnrolSecondFactor } }";
    let viewer = world.ask_as(Some(&token), viewer, json!({})).await;
    assert_eq!(viewer["data"]["viewer"]["mustEnrolSecondFactor"], true);
    enrol(&world, &token).await;
    let answer = world.ask_as(Some(&token), ORGANISATION, json!({})).await;
    assert_eq!(
        answer["data"]["organisation"]["slug"], "northsea",
        "{answer}"
    );
}

#[tokio::test]
async fn an_administrator_takes_a_lost_second_factor_away_and_nobody_else_does() {
    let world = start().await;
    world.register_places().await;
    let (account, otto) = member(&world, "otto", Role::Operator).await;
    let (_, ada) = member(&world, "ada", Role::Admin).await;
    enrol(&world, &otto).await;
    let code = sign_in(&world, "otto").await;
    assert_eq!(code_of(&code), "SECOND_FACTOR_REQUIRED");
    let reset = "mutation ($input: ResetSecondFactorInput!) {
      resetSecondFactor(input: $input) { receipt { ledger } } }";
    let input = json!({"input": {"organisation": "northsea", "account": account}});
    let refused = world.ask_as(Some(&otto), reset, input.clone()).await;
    assert_eq!(code_of(&refused), "FORBIDDEN", "{refused}");
    let done = world.ask_as(Some(&ada), reset, input.clone()).await;
    assert_eq!(
        done["data"]["resetSecondFactor"]["receipt"]["ledger"], "northsea",
        "{done}"
    );
    token(&sign_in(&world, "otto").await);
    let nothing = world.ask_as(Some(&ada), reset, input).await;
    assert!(nothing["data"]["resetSecondFactor"]["receipt"].is_null());
}
