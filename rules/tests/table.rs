//! `docs/rules.md` says what the code says. Written anew with `SEALROCK_WRITE_GOLDEN=1`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::PathBuf;

use sealrock_rules::table::table;

#[test]
fn the_table_of_rules_is_what_the_code_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    if std::env::var_os("SEALROCK_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, table()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == table(),
        "docs/rules.md differs from the code: write it anew"
    );
}
