//! What people and programs prove themselves by, used rightly and wrongly.

use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

use super::{Made, ask, command};
use crate::browser::Browser;
use crate::support::{Server, chosen_for};

/// Signs in with the right password and with a wrong one, in the document and in variables.
pub(super) async fn administrator(server: &Server, made: &mut Made) -> String {
    let admin = server.admin_password.clone().unwrap();
    made.keep("first password", &admin);
    let wrong = "hunter2-but-longer";
    made.keep("wrong password", wrong);
    let sign_in = |password: &str| {
        format!(
            "mutation {{ signIn(input: {{username: \"admin\", password: \"{password}\"}}) {{ accessToken }} }}"
        )
    };
    ask(server, made, None, &sign_in(wrong)).await;
    ask(server, made, None, &format!("{} garbage(", sign_in(wrong))).await;
    let token = ask(server, made, None, &sign_in(&admin)).await["data"]["signIn"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let chosen = "four-unlikely-words-of-an-admin";
    made.keep("chosen password", chosen);
    let change = format!(
        "mutation {{ changePassword(input: {{currentPassword: \"{admin}\", newPassword: \"{chosen}\"}}) {{ accessToken }} }}"
    );
    let changed = ask(server, made, Some(&token), &change).await;
    let token = changed["data"]["changePassword"]["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    command(
        server,
        made,
        &["user", "add", "otto", "--role", "auditor", "--json"],
    );
    ask(
        server,
        made,
        Some(&format!("{token}x")),
        "{ viewer { actor } }",
    )
    .await;
    token
}

/// Asks with variables; keeps what is told.
async fn told(
    server: &Server,
    made: &mut Made,
    token: Option<&str>,
    (query, input): (&str, Value),
) -> Value {
    let answer = server
        .graphql(token, query, json!({ "input": input }))
        .await;
    made.told(&answer);
    answer["data"].clone()
}

/// A member of an organisation keeps a session in a browser, has a second factor, and invites another
/// member.
pub(super) async fn member(server: &Server, made: &mut Made) {
    let add = [
        "user", "add", "ada", "--role", "admin", "--org", "northsea", "--json",
    ];
    let issued = command(server, made, &add)["password"].clone();
    let issued = issued.as_str().unwrap();
    let token = server.sign_in_as("ada", issued).await;
    let password = chosen_for(issued);
    made.keep("chosen password", &password);
    made.keep("accessToken", &token);
    browser(server, made, &password).await;
    // The session's end is not this token's.
    let token = server.sign_in_as("ada", issued).await;
    made.keep("accessToken", &token);
    invitation(server, made, &token).await;
    second_factor(server, made, &token, &password).await;
}

/// The cookie is renewed, and shown again.
async fn browser(server: &Server, made: &mut Made, password: &str) {
    let first = Browser::sign_in(server, "ada", password).await;
    let second = first.refresh(server).await;
    for browser in [&first, &second] {
        let (_, cookie) = browser.cookie.split_once('=').unwrap();
        made.keep("cookie", cookie);
        made.keep("accessToken", &browser.token);
    }
    // A second tab, or a thief: it is judged by when it comes.
    let again = reqwest::Client::new()
        .post(format!("{}/graphql", server.http))
        .header("cookie", &first.cookie)
        .json(&json!({ "query": "mutation { refreshSession { accessToken } }" }));
    made.told(&again.send().await.unwrap().json().await.unwrap());
}

async fn invitation(server: &Server, made: &mut Made, token: &str) {
    let invite = "mutation ($input: InviteMemberInput!) { inviteMember(input: $input) { token } }";
    let place = json!({ "organisation": "northsea", "role": "OPERATOR" });
    let invited = told(server, made, Some(token), (invite, place)).await;
    let invitation = invited["inviteMember"]["token"].as_str().unwrap();
    made.keep("invitation", invitation);
    let accept = "mutation ($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { username } }";
    let wrong = format!("{}x", &invitation[1..]);
    made.keep("wrong invitation", &wrong);
    for (code, accepted) in [
        (wrong.as_str(), false),
        (invitation, true),
        (invitation, false),
    ] {
        let input =
            json!({ "token": code, "username": "olga", "password": "otter marzipan quilt" });
        let answer = told(server, made, None, (accept, input)).await;
        assert_eq!(answer["acceptInvitation"].is_object(), accepted, "{answer}");
    }
    made.keep("chosen password", "otter marzipan quilt");
}

async fn second_factor(server: &Server, made: &mut Made, token: &str, password: &str) {
    let enrol = "mutation { enrolSecondFactor { secret uri } }";
    let enrolled = ask(server, made, Some(token), enrol).await;
    let secret = enrolled["data"]["enrolSecondFactor"]["secret"].as_str();
    let secret = Secret::Encoded(secret.unwrap().to_owned())
        .to_bytes()
        .unwrap();
    let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let confirm = "mutation ($input: ConfirmSecondFactorInput!) { confirmSecondFactor(input: $input) { recoveryCodes } }";
    let code = json!({ "code": app.generate_current().unwrap() });
    let confirmed = told(server, made, Some(token), (confirm, code)).await;
    let codes = &confirmed["confirmSecondFactor"]["recoveryCodes"];
    let recovery = codes[0].as_str().unwrap_or_else(|| panic!("{confirmed}"));
    let wrong = "not-a-recovery-code";
    made.keep("wrong code", wrong);
    let sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    for (code, good) in [(wrong, false), (recovery, true), (recovery, false)] {
        let input = json!({ "username": "ada", "password": password, "code": code });
        let answer = told(server, made, None, (sign_in, input)).await;
        assert_eq!(answer["signIn"].is_object(), good, "{code}: {answer}");
    }
    let step_up = "mutation ($input: StepUpInput!) { stepUp(input: $input) { accessToken } }";
    let code = json!({ "code": codes[1] });
    told(server, made, Some(token), (step_up, code)).await;
}

/// A program shows its key, the next one, and one that there is not, at every door that takes keys.
pub(super) async fn program(server: &Server, made: &mut Made) {
    let until = (chrono::Utc::now() + chrono::Duration::days(30)).to_rfc3339();
    let issue = ["api-key", "issue", "northsea", "--label", "report"];
    let scope = [
        "--role",
        "auditor",
        "--permission",
        "read-ledger",
        "--until",
        &until,
    ];
    let issued = server.command(&[&issue[..], &scope].concat());
    // "key <id> <secret>   (shown this once; …)"
    let mut words = issued.split_whitespace().skip(1);
    let (id, first) = (words.next().unwrap(), words.next().unwrap());
    let rotate = ["api-key", "rotate", "northsea", id, "--until", &until];
    let rotated = server.command(&rotate);
    let second = rotated.split_whitespace().nth(2).unwrap();
    let nobodys = sealrock_access::ApiKeySecret::generate().reveal();
    for (key, good) in [(first, true), (second, true), (&*nobodys, false)] {
        made.keep("API key", key);
        ask(server, made, Some(key), "{ viewer { actor } }").await;
        let ledger = reqwest::Client::new()
            .get(format!("{}/ledger/northsea/checkpoint", server.http))
            .bearer_auth(key);
        let status = ledger.send().await.unwrap().status();
        assert_eq!(status, if good { 200 } else { 401 });
        super::socket(server, key).await;
    }
}
