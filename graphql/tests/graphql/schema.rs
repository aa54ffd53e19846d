//! The schema as clients see it.

use std::path::{Path, PathBuf};
use std::process::Command;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// `schema.graphql` is what clients generate code from: a change of it is a change for them.
#[test]
fn the_schema_is_the_published_one() {
    let path = file("schema.graphql");
    let sdl = sealrock_graphql::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &sdl).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == sdl,
        "the schema changed: run this test with UPDATE_SCHEMA=1 and look at the difference"
    );
}

/// What npm graphql says of schemas, a line each; nothing where all is well.
fn judged(command: &str, schemas: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let files = schemas.iter().enumerate().map(|(number, schema)| {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, schema).unwrap();
        file
    });
    let judge = file("../server/tests/clients/sdl.mjs");
    let told = Command::new("node")
        .arg(judge)
        .arg(command)
        .args(files)
        .output();
    let told = told.expect("node runs; `make test` installs what it needs");
    let lines = String::from_utf8(told.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(complaint.is_empty(), "{complaint}");
    let lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    assert_eq!(told.status.success(), lines.is_empty());
    lines
}

/// `released.graphql` is the schema of the last release. What it promised stays; a release replaces it.
#[test]
fn nothing_breaks_that_was_released() {
    let released = std::fs::read_to_string(file("released.graphql")).unwrap();
    let broken = judged("breaking", &[&released, &sealrock_graphql::sdl()]);
    assert!(
        broken.is_empty(),
        "clients of the released schema would break; add beside it and deprecate instead:\n{}",
        broken.join("\n")
    );
}

#[test]
fn what_breaks_is_named_and_what_is_added_is_not() {
    let schema = "type Query { \"A\" a(b: Int): Int }";
    for (changed, named) in [
        ("type Query { c: Int }", "a was removed"),
        (
            "type Query { a(b: Int): String }",
            "changed type from Int to String",
        ),
        (
            "type Query { a(b: Int!): Int }",
            "changed type from Int to Int!",
        ),
        (
            "type Query { a(b: Int, c: Int!): Int }",
            "c on Query.a was added",
        ),
        ("type Query { a: Int }", "b was removed"),
    ] {
        let lines = judged("breaking", &[schema, changed]);
        assert!(lines[0].contains(named), "{lines:?}");
    }
    let more = "type Query { a(b: Int, c: Int = 1): Int! d: Int }";
    assert_eq!(judged("breaking", &[schema, more]), [""; 0]);
    assert_eq!(judged("described", &[schema]), ["Query", "Query.a(b:)"]);
}

#[test]
fn every_type_field_argument_and_value_is_described() {
    let without = judged("described", &[&sealrock_graphql::sdl()]);
    assert!(without.is_empty(), "no description: {without:?}");
}
