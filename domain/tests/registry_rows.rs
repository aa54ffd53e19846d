//! Serial blocks of real registries: every row of the files in the folder that
//! `SEALROCK_REGISTRY_ROWS` names, which is no part of this repository. Without it, nothing is checked,
//! and the test says so.
//!
//! The folder has what carbonplan/offsets-db-data keeps as test data: `verra-transactions.csv`,
//! `gold-standard-{issuances,retirements}.csv` and `isometric-{issuances,retirements}.csv`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::{Path, PathBuf};

use sealrock_domain::Mass;
use sealrock_domain::credit_block::ForeignBlock;

const FOLDER: &str = "SEALROCK_REGISTRY_ROWS";

type Row = std::collections::HashMap<String, String>;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED, no row was checked: set {FOLDER} to a folder of registry files");
    }
    folder
}

fn rows(folder: &Path, file: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(folder.join(file))
        .unwrap_or_else(|error| panic!("{file} of {FOLDER} cannot be read: {error}"));
    reader.deserialize().map(|row| row.unwrap()).collect()
}

/// `1,454,054` and `19149` and `5354.0`: as many credits, if they are whole.
fn whole(text: &str) -> u64 {
    let digits = text.replace(',', "");
    digits
        .strip_suffix(".0")
        .unwrap_or(&digits)
        .parse()
        .unwrap()
}

/// Checks a row's serials against its quantity, and every cut in two against the whole.
fn check(serials: &str, quantity: &str) {
    let block: ForeignBlock = serials.parse().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(block.to_string(), serials);
    assert_eq!(block.quantity(), whole(quantity), "{serials}");
    for given in [1, block.quantity() / 2, block.quantity()] {
        if given > 0 {
            let (kept, given) = block.give(given).unwrap();
            let kept_quantity = kept.map_or(0, |kept| kept.quantity());
            assert_eq!(
                kept_quantity + given.quantity(),
                block.quantity(),
                "{serials}"
            );
        }
    }
}

fn check_file(folder: &Path, file: &str, quantity: &str) {
    let rows = rows(folder, file);
    for row in &rows {
        check(&row["Serial Number"], &row[quantity]);
    }
    eprintln!(
        "{file}: {0} of {0} rows hold, last − first + 1 = quantity",
        rows.len()
    );
    assert!(!rows.is_empty(), "{file} has no rows");
}

#[test]
fn every_row_of_a_registry_has_as_many_serials_as_credits() {
    let Some(folder) = folder() else { return };
    check_file(&folder, "verra-transactions.csv", "Quantity Issued");
    check_file(&folder, "gold-standard-issuances.csv", "Quantity");
    check_file(&folder, "gold-standard-retirements.csv", "Quantity");
}

#[test]
fn every_row_of_isometric_says_the_same_in_credits_and_kilograms() {
    let Some(folder) = folder() else { return };
    for file in ["isometric-issuances.csv", "isometric-retirements.csv"] {
        let rows = rows(&folder, file);
        for row in &rows {
            let tonnes = &row["credit_batch_size_total.credits"];
            let kilograms = &row["credit_batch_size_total.credit_kgs"];
            let credits = Mass::parse_tonnes(tonnes).unwrap();
            assert_eq!(credits, kilograms.parse().unwrap(), "{row:?}");
        }
        eprintln!(
            "{file}: {0} of {0} rows hold, credits = kilograms",
            rows.len()
        );
        assert!(!rows.is_empty(), "{file} has no rows");
    }
}

#[test]
fn every_isometric_issuance_is_what_the_supplier_gets_and_the_buffer() {
    let Some(folder) = folder() else { return };
    let rows = rows(&folder, "isometric-issuances.csv");
    for row in &rows {
        let mass = |part: &str| {
            let text = &row[&format!("{part}_batch_size_total.credit_kgs")];
            text.parse::<Mass>().unwrap()
        };
        let parts = mass("supplier_credit").checked_add(mass("buffer_pool_credit"));
        assert_eq!(parts, Some(mass("credit")), "{row:?}");
    }
    eprintln!(
        "isometric-issuances.csv: {0} of {0} rows hold, supplier + buffer = total",
        rows.len()
    );
    assert!(!rows.is_empty(), "no rows");
}
