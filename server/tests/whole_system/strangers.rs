//! The GraphQL front before strangers: audits, attacks and made-up questions, by programs that nobody
//! here wrote and by hand, against a running server.
#![expect(clippy::format_collect, reason = "documents of tests are short")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Server, data_folder};

/// A program of `tests/clients`; `make test` installs what they need.
fn client(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(file)
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// What a program says that must succeed.
fn succeed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run `make test`"));
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

fn node(file: &str, arguments: &[&str]) -> String {
    succeed(Command::new("node").arg(client(file)).args(arguments))
}

/// An operator of `northsea`, signed in.
async fn operator(server: &Server) -> String {
    let add = [
        "user", "add", "otto", "--role", "operator", "--org", "northsea", "--json",
    ];
    let made: Value = serde_json::from_str(&server.command(&add)).unwrap();
    server
        .sign_in_as("otto", made["password"].as_str().unwrap())
        .await
}

/// Many made-up operations of every field, as this bearer.
fn schemathesis(server: &Server, token: &str, seed: &str) {
    let program = std::env::var("TEST_SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../graphql/schema.graphql");
    let url = format!("{}/graphql", server.http);
    let bearer = format!("Authorization: Bearer {token}");
    let bounds = ["--phases", "fuzzing", "--max-examples", "8", "--seed", seed];
    let told = succeed(
        Command::new(program)
            .arg("run")
            .arg(std::fs::canonicalize(schema).unwrap())
            .args([
                "--url",
                &url,
                "-H",
                &bearer,
                "--checks",
                "no_fault",
                "--no-shrink",
                // They would end the session that asks, and all questions after with it.
                "--exclude-name-regex",
                "signOut",
            ])
            .args(bounds)
            .args(["--max-time", "40"])
            .current_dir(folder.path())
            .env("SCHEMATHESIS_HOOKS", "checks")
            .env("PYTHONPATH", client("")),
    );
    println!("{told}");
}

/// The whole answer to a POST.
async fn post(server: &Server, token: Option<&str>, media: &str, body: String) -> (u16, String) {
    let request = Client::new()
        .post(format!("{}/graphql", server.http))
        .header(CONTENT_TYPE, media);
    let request = token
        .iter()
        .fold(request, reqwest::RequestBuilder::bearer_auth);
    let answer = request.body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The codes of an answer's errors; none of them is a fault of ours, and none tells how we are made.
fn codes(name: &str, (status, text): &(u16, String)) -> Vec<String> {
    const INTERNALS: [&str; 9] = [
        ".rs:",
        "panicked",
        "sqlx",
        "async_graphql",
        "sealrock_",
        "SELECT ",
        "rm_",
        "/src/",
        "Did you mean",
    ];
    assert!(*status < 500, "{name}: {status} {text}");
    for internal in INTERNALS {
        assert!(
            !text.contains(internal),
            "{name} tells {internal:?}: {text}"
        );
    }
    let answer: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{name}: {text}"));
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let code = |error: &Value| {
        let extensions = &error["extensions"];
        assert!(extensions["retryable"].is_boolean(), "{name}: {error}");
        extensions["code"].as_str().unwrap().to_owned()
    };
    errors.iter().map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_audits_and_made_up_questions_find_no_fault() {
    let data = data_folder();
    let server = Server::start_with(data.path(), &[("SEALROCK_DEVELOPMENT", "true")]);
    server.register_site();
    let admin = server.sign_in().await;
    let url = format!("{}/graphql", server.http);
    // Four of them ask for a type of the schema, which is for who is signed in.
    let audited = node("audit.mjs", &[&url, &admin]);
    println!("{audited}");
    assert!(audited.contains("61 of 61 audits passed"), "{audited}");
    let types = node("introspect.mjs", &[&url, &admin]);
    assert!(types.trim().parse::<u32>().unwrap() > 100, "{types}");

    // Their sign-ins that fail keep this address out for a while.
    let operator = operator(&server).await;
    schemathesis(&server, &admin, "1");
    schemathesis(&server, &operator, "2");
    server.stop();
}

/// Documents that ask for too much in little, and the code that each is refused by.
fn overloads() -> Vec<(&'static str, String, &'static str)> {
    let spreads: String = (0..20)
        .map(|n| {
            format!(
                "fragment F{n} on Query {{ {} }} ",
                format!("...F{} ", n + 1).repeat(10)
            )
        })
        .collect();
    let of_site = "sites { nodes { organisation { ";
    let limit = "DOCUMENT_LIMIT_EXCEEDED";
    vec![
        ("aliases", format!("{{ {} }}", (0..300).map(|n| format!("a{n}: __typename ")).collect::<String>()), limit),
        ("fields twice", format!("{{ {} }}", "__typename ".repeat(3_000)), limit),
        ("directives", format!("{{ __typename {} }}", "@skip(if: false) ".repeat(100)), limit),
        ("unknown directives", format!("{{ __typename {} }}", "@a".repeat(2_000)), limit),
        ("list", format!("{{ device(id: [{}]) {{ name }} }}", "\"a\",".repeat(2_000)), limit),
        ("tokens", format!("{{ {} }}", "a,".repeat(20_000)), limit),
        ("brackets", "{a".repeat(20_000), limit),
        ("open lists", format!("{{ a(b: {}", "[".repeat(50_000)), limit),
        ("spreads", format!("{{ ...F0 }} {spreads} fragment F20 on Query {{ __typename }}"), limit),
        ("operations", (0..200).map(|n| format!("query Q{n} {{ __typename }} ")).collect(), limit),
        (
            "circular fragment",
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ...A }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "depth",
            format!("{{ organisations {{ nodes {{ {} slug {} }} }} }}", of_site.repeat(8), "} } }".repeat(8)),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "width",
            "{ organisations(first: 1000) { nodes { sites(first: 1000) { nodes { devices(first: 1000) { nodes { name } } } } } } }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("suggestion", "{ organisationz { nodes { slug } } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("introspection", "{ __schema { types { name } } }".to_owned(), "INTROSPECTION_DISABLED"),
        ("one type", "{ __type(name: \"Query\") { name } }".to_owned(), "INTROSPECTION_DISABLED"),
        ("nothing", String::new(), "GRAPHQL_PARSE_FAILED"),
        ("nul", "{ a\0 }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("huge integer", format!("{{ organisations(first: {}) {{ nodes {{ slug }} }} }}", "9".repeat(400)), ""),
        ("negative page", "{ organisations(first: -1) { nodes { slug } } }".to_owned(), "BAD_USER_INPUT"),
        ("broken cursor", "{ organisations(after: \"\u{1f4a5}\") { nodes { slug } } }".to_owned(), "BAD_USER_INPUT"),
        ("nul in a name", "{ organisation(slug: \"\\u0000\") { slug } }".to_owned(), "BAD_USER_INPUT"),
        ("long name", format!("{{ organisation(slug: \"{}\") {{ slug }} }}", "\u{202e}a".repeat(9_000)), "BAD_USER_INPUT"),
        ("id of nothing", "{ device(id: \"' OR 1=1 --\") { name } }".to_owned(), ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classic_attacks_are_refused_by_name_and_tell_nothing() {
    let data = data_folder();
    let server = Server::start(data.path());
    server.register_site();
    let admin = server.sign_in().await;
    let json = "application/json";
    for (name, document, code) in overloads() {
        let answer = post(
            &server,
            Some(&admin),
            json,
            json!({ "query": document }).to_string(),
        )
        .await;
        let codes = codes(name, &answer);
        println!("{name}: {} {codes:?}", answer.0);
        if !code.is_empty() {
            assert_eq!(
                codes.first().map(String::as_str),
                Some(code),
                "{name}: {answer:?}"
            );
        }
    }

    // A page of another site can send forms and plain text without asking, and no JSON.
    let mutation = "mutation { registerOrganisation(input: {slug: \"evil\", displayName: \"E\"}) { __typename } }";
    let as_json = json!({ "query": mutation }).to_string();
    let form = format!("query={}", mutation.replace(' ', "+"));
    let multipart = format!(
        "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{as_json}\r\n--x--\r\n"
    );
    for (media, body) in [
        ("application/x-www-form-urlencoded", form),
        ("multipart/form-data; boundary=x", multipart),
        ("text/plain", as_json.clone()),
        ("application/graphql", mutation.to_owned()),
    ] {
        let answer = post(&server, Some(&admin), media, body).await;
        assert_eq!(answer.0, 415, "{media}: {answer:?}");
        assert_eq!(codes(media, &answer), ["UNSUPPORTED_MEDIA_TYPE"]);
    }
    let get = Client::new()
        .get(format!("{}/graphql", server.http))
        .bearer_auth(&admin);
    let got = get.query(&[("query", mutation)]).send().await.unwrap();
    assert_eq!(got.status(), 405);
    let batch = json!(vec![json!({ "query": "{ __typename }" }); 1_000]).to_string();
    let deep = format!(
        "{{\"query\":\"{{a}}\",\"variables\":{}",
        "{\"a\":".repeat(10_000)
    );
    let broken = "{\"query\":\"\\ud800\"}".to_owned();
    for (name, body) in [
        ("batch", batch),
        ("deep JSON", deep),
        ("broken unicode", broken),
    ] {
        let answer = post(&server, Some(&admin), json, body).await;
        assert_eq!(answer.0, 400, "{name}");
        assert_eq!(codes(name, &answer), ["BAD_REQUEST"], "{name}");
    }
    let known = server
        .graphql(
            Some(&admin),
            "{ organisations { nodes { slug } } }",
            json!({}),
        )
        .await;
    assert!(!known.to_string().contains("evil"), "{known}");
    server.stop();
}
