//! Accounts of people, from the command line to the API.

use serde_json::{Value, json};

use crate::support::{Server, data_folder};

/// What a refused command says; it must have made nothing.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn listed(server: &Server) -> Vec<Value> {
    serde_json::from_str(&server.command(&["user", "list", "--json"])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_added_with_a_role_and_an_organisation_and_signs_in_as_that() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let add = ["user", "add", "otto", "--role"];
    let without = refused(&server, &[&add[..], &["operator"]].concat());
    assert!(without.contains("--org <name>"), "{without}");
    let unknown = [&add[..], &["operator", "--org", "southsea"]].concat();
    let unknown = refused(&server, &unknown);
    assert!(
        unknown.contains("there are: northsea")
            && unknown.contains("organisation add --name southsea"),
        "{unknown}"
    );
    let no_role = refused(
        &server,
        &[&add[..], &["device", "--org", "northsea"]].concat(),
    );
    assert!(no_role.contains("site-manager"), "{no_role}");
    assert_eq!(listed(&server).len(), 1, "the first administrator");

    let made = [&add[..], &["operator", "--org", "northsea", "--json"]].concat();
    let made: Value = serde_json::from_str(&server.command(&made)).unwrap();
    let taken = refused(&server, &[&add[..], &["auditor"]].concat());
    assert!(taken.contains("there is a user otto already"), "{taken}");

    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { viewer { actor role organisation } } }";
    let input = json!({ "username": "otto", "password": made["password"] });
    let answer = server
        .graphql(None, sign_in, json!({ "input": input }))
        .await;
    let viewer = &answer["data"]["signIn"]["viewer"];
    assert_eq!(viewer["role"], "OPERATOR", "{answer}");
    assert_eq!(viewer["organisation"], "northsea");
    let otto = listed(&server).pop().unwrap();
    assert_eq!(otto["username"], "otto");
    assert_eq!(otto["organisation"], "northsea");
    assert_eq!(otto["mustChangePassword"], true);
    assert_eq!(
        viewer["actor"],
        format!("user/{}", otto["id"].as_str().unwrap())
    );
    server.stop();
}
