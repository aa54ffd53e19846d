//! Invitations, and bursts of wrong sign-ins, from the API to the ledger.

use sealrock_access::{AccountId, Password, Principal, Role, accounts};
use serde_json::{Value, json};

use crate::permitted::limited;
use crate::world::{World, code_of, start};

const PHRASE: &str = "otter marzipan quilt";
const SIGN_IN: &str = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken viewer { role organisation } } }";
const INVITE: &str = "mutation ($input: InviteMemberInput!) {
  inviteMember(input: $input) { token invitation { id organisation role sites } } }";
const ACCEPT: &str = "mutation ($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) { username organisation } }";
const WITHDRAW: &str = "mutation ($input: WithdrawInvitationInput!) {
  withdrawInvitation(input: $input) { id } }";
const LISTED: &str = r#"{ invitations(organisation: "northsea") { id role } }"#;

fn person(role: Role) -> Principal {
    let id = AccountId(uuid::Uuid::new_v4());
    let organisation = Some("northsea".parse().unwrap());
    Principal::signed_in(id, "ada".parse().unwrap(), role, organisation)
}

/// Types of the ledger's entries.
async fn types(world: &World) -> Vec<String> {
    let query = r#"{ ledgerEntries(ledger: "northsea", first: 100) { nodes { type } } }"#;
    let entries = world.data(query, json!({})).await;
    let nodes = entries["ledgerEntries"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    let name = |node: Value| node["type"].as_str().unwrap().to_owned();
    nodes.into_iter().map(name).collect()
}

#[tokio::test]
async fn somebody_who_is_invited_becomes_a_member_by_an_entry_of_the_ledger_once() {
    let world = start().await;
    world.register_places().await;
    let admin = world.token_of(&person(Role::Admin));
    let place = json!({"organisation": "northsea", "role": "OPERATOR", "sites": ["plant-1"]});
    let invited = world
        .ask_as(Some(&admin), INVITE, json!({"input": place}))
        .await;
    let made = &invited["data"]["inviteMember"];
    assert_eq!(made["invitation"]["sites"], json!(["plant-1"]), "{invited}");
    let listed = world.ask_as(Some(&admin), LISTED, json!({})).await;
    assert_eq!(
        listed["data"]["invitations"][0]["id"],
        made["invitation"]["id"]
    );

    let accept = |password: &str| json!({"input": {"token": made["token"], "username": "otto", "password": password}});
    let weak = world.ask_as(None, ACCEPT, accept("otto")).await;
    assert_eq!(code_of(&weak), "BAD_USER_INPUT", "{weak}");
    let accepted = world.ask_as(None, ACCEPT, accept(PHRASE)).await;
    let payload = &accepted["data"]["acceptInvitation"];
    assert_eq!(
        *payload,
        json!({"username": "otto", "organisation": "northsea"}),
        "{accepted}"
    );
    assert!(
        types(&world)
            .await
            .iter()
            .any(|name| name == "RoleAssigned")
    );
    let again = world.ask_as(None, ACCEPT, accept(PHRASE)).await;
    assert_eq!(code_of(&again), "NOT_FOUND", "{again}");

    let input = json!({"input": {"username": "otto", "password": PHRASE}});
    let answer = world.ask_as(None, SIGN_IN, input).await;
    let viewer = &answer["data"]["signIn"]["viewer"];
    assert_eq!(
        *viewer,
        json!({"role": "OPERATOR", "organisation": "northsea"}),
        "{answer}"
    );
}

#[tokio::test]
async fn nobody_invites_to_more_than_they_are_or_withdraws_what_is_another_organisations() {
    let world = start().await;
    world.register_places().await;
    let manager = world.token_of(&person(Role::HqManager));
    let place = |role: &str| json!({"input": {"organisation": "northsea", "role": role}});
    let refused = world.ask_as(Some(&manager), INVITE, place("ADMIN")).await;
    assert_eq!(code_of(&refused), "FORBIDDEN", "{refused}");
    let refused = world.ask_as(Some(&manager), INVITE, place("DEVICE")).await;
    assert_eq!(code_of(&refused), "FORBIDDEN", "{refused}");
    let operator = world.token_of(&person(Role::Operator));
    let refused = world
        .ask_as(Some(&operator), INVITE, place("OPERATOR"))
        .await;
    assert_eq!(code_of(&refused), "FORBIDDEN", "{refused}");

    let invited = world.ask_as(Some(&manager), INVITE, place("MRV")).await;
    let id = invited["data"]["inviteMember"]["invitation"]["id"].clone();
    let input = json!({"input": {"organisation": "northsea", "id": id}});
    let withdrawn = world.ask_as(Some(&manager), WITHDRAW, input.clone()).await;
    assert_eq!(
        withdrawn["data"]["withdrawInvitation"]["id"], id,
        "{withdrawn}"
    );
    let again = world.ask_as(Some(&manager), WITHDRAW, input).await;
    assert_eq!(code_of(&again), "NOT_FOUND", "{again}");
    let listed = world.ask_as(Some(&manager), LISTED, json!({})).await;
    assert_eq!(listed["data"]["invitations"], json!([]), "{listed}");
}

#[tokio::test]
async fn who_invites_at_some_sites_sees_and_withdraws_what_they_offered_and_nothing_else() {
    let world = start().await;
    world.register_places().await;
    let place = json!({"organisation": "northsea", "role": "OPERATOR", "sites": ["plant-1"]});
    let invite = json!({"input": place});
    let hq = world.token_of(&person(Role::HqManager));
    let others = world.ask_as(Some(&hq), INVITE, invite.clone()).await;
    let others = others["data"]["inviteMember"]["invitation"]["id"].clone();
    let manager = limited(Role::SiteManager, "plant-1");
    let manager = world.member(&manager).await;
    let own = world.ask_as(Some(&manager), INVITE, invite).await;
    let own = own["data"]["inviteMember"]["invitation"]["id"].clone();

    let listed = world.ask_as(Some(&manager), LISTED, json!({})).await;
    let expected = json!([{"id": own, "role": "OPERATOR"}]);
    assert_eq!(listed["data"]["invitations"], expected, "{listed}");
    let operator = world.token_of(&person(Role::Operator));
    let refused = world.ask_as(Some(&operator), LISTED, json!({})).await;
    assert_eq!(code_of(&refused), "FORBIDDEN", "{refused}");

    let input = |id: &Value| json!({"input": {"organisation": "northsea", "id": id}});
    let refused = world.ask_as(Some(&manager), WITHDRAW, input(&others)).await;
    assert_eq!(code_of(&refused), "FORBIDDEN", "{refused}");
    let withdrawn = world.ask_as(Some(&manager), WITHDRAW, input(&own)).await;
    let id = &withdrawn["data"]["withdrawInvitation"]["id"];
    assert_eq!(*id, own, "{withdrawn}");
    let listed = world.ask_as(Some(&hq), LISTED, json!({})).await;
    let expected = json!([{"id": others, "role": "OPERATOR"}]);
    assert_eq!(listed["data"]["invitations"], expected, "{listed}");
    let types = types(&world).await;
    let noted = types.iter().filter(|name| name.contains("nvit"));
    let noted: Vec<&str> = noted.map(String::as_str).collect();
    assert_eq!(noted, ["UserInvited", "UserInvited", "InvitationWithdrawn"]);
}

/// Account `otto`, an operator of `northsea`.
async fn otto(world: &World) -> AccountId {
    let (name, northsea) = ("otto".parse().unwrap(), "northsea".parse().unwrap());
    let password = Password::new(PHRASE);
    let added = accounts::add_with(
        &world.pool,
        &name,
        Role::Operator,
        Some(&northsea),
        password,
    );
    added.await.unwrap()
}

/// The entries of `northsea` that name an account.
async fn naming(world: &World, account: AccountId) -> Vec<Value> {
    let query =
        r#"{ ledgerEntries(ledger: "northsea", first: 100) { nodes { type payload { text } } } }"#;
    let entries = world.data(query, json!({})).await;
    let nodes = entries["ledgerEntries"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    let of_account = |node: &Value| node["payload"].to_string().contains(&account.to_string());
    nodes.into_iter().filter(of_account).collect()
}

/// Guesses without waiting, as often as it takes and once more; the code of each answer.
async fn guess(world: &World, token: Option<&str>, mutations: &[(&str, Value)]) -> Vec<String> {
    let mut codes = Vec::new();
    for (mutation, input) in mutations.iter().cycle().take(16) {
        let later = "UPDATE access.sign_in_attempts SET blocked_until = now() WHERE failures < 15";
        sqlx::query(later).execute(&world.pool).await.unwrap();
        let answer = world.ask_as(token, mutation, json!({"input": input})).await;
        codes.push(code_of(&answer));
    }
    codes
}

#[tokio::test]
async fn a_burst_of_wrong_sign_ins_is_one_entry_that_names_the_account_and_nobody() {
    let world = start().await;
    world.register_places().await;
    let account = otto(&world).await;
    let wrong = json!({"username": "otto", "password": "wrong"});
    let codes = guess(&world, None, &[(SIGN_IN, wrong)]).await;
    assert_eq!(codes[14..], ["TOO_MANY_ATTEMPTS", "TOO_MANY_ATTEMPTS"]);
    let named = naming(&world, account).await;
    assert_eq!(named.len(), 1, "{named:#?}");
    assert_eq!(named[0]["type"], "SignInBurstDetected");
    assert!(!named[0].to_string().contains("otto"), "{named:?}");
}

#[tokio::test]
async fn a_burst_of_wrong_proofs_on_an_open_session_is_such_an_entry_too() {
    let world = start().await;
    world.register_places().await;
    let account = otto(&world).await;
    let input = json!({"input": {"username": "otto", "password": PHRASE}});
    let answer = world.ask_as(None, SIGN_IN, input).await;
    let token = answer["data"]["signIn"]["accessToken"].as_str().unwrap();
    let up = "mutation ($input: StepUpInput!) { stepUp(input: $input) { accessToken } }";
    let change = "mutation ($input: ChangePasswordInput!) {
      changePassword(input: $input) { username } }";
    let to_another = json!({"currentPassword": "wrong", "newPassword": "quilt otter marzipan"});
    // Once the one is the fifteenth, and once the other.
    for (bursts, first) in [(1, 0), (2, 1)] {
        let mut mutations = vec![
            (up, json!({"password": "wrong"})),
            (change, to_another.clone()),
        ];
        mutations.rotate_left(first);
        let codes = guess(&world, Some(token), &mutations).await;
        assert_eq!(
            codes[13..],
            ["REJECTED", "TOO_MANY_ATTEMPTS", "TOO_MANY_ATTEMPTS"]
        );
        let named = naming(&world, account).await;
        assert_eq!(named.len(), bursts, "{named:#?}");
        assert!(named.iter().all(|one| one["type"] == "SignInBurstDetected"));
        let passed = "DELETE FROM access.sign_in_attempts";
        sqlx::query(passed).execute(&world.pool).await.unwrap();
    }
}
