//! The schema as clients see it.

use std::path::Path;

/// `schema.graphql` is what clients generate code from: a change of it is a change for them.
#[test]
fn the_schema_is_the_published_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
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
