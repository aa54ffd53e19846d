//! Who may do what, where: the table of docs/permissions.md, tried for every role, permission and organisation.
#![expect(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use sealrock_access::{AccountId, Permission, Principal, Role, Scope, TABLE, authorise};
use sealrock_domain::Slug;
use uuid::Uuid;

const TABLE_BEGINS: &str = "| may |";

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn user(role: Role, organisation: Option<&str>) -> Principal {
    Principal::signed_in(
        AccountId(Uuid::nil()),
        "ada".parse().unwrap(),
        role,
        organisation.map(slug),
    )
}

fn may(principal: &Principal, permission: Permission, scope: &Scope) -> bool {
    authorise(principal, permission, scope).is_ok()
}

/// The organisation, and one of its sites.
fn scopes(organisation: &str) -> [Scope; 2] {
    let organisation = slug(organisation);
    [
        Scope::organisation(organisation.clone()),
        Scope::site(organisation, slug("plant-1")),
    ]
}

/// As the document has it: a row a permission, a column a role.
fn table() -> String {
    let header = roles().map(Role::name).join(" | ");
    let mut table = format!("{TABLE_BEGINS} {header} | step-up |\n");
    writeln!(table, "|---|{}", ":-:|".repeat(roles().len() + 1)).unwrap();
    for rule in &TABLE {
        let yes = |yes| if yes { "yes" } else { "" };
        let cells = roles().map(|role| yes(rule.permission.allows(role)));
        let (name, step_up) = (rule.permission.name(), yes(rule.step_up));
        let cells = cells.join(" | ");
        writeln!(table, "| {} (`{name}`) | {cells} | {step_up} |", rule.text).unwrap();
    }
    table
}

fn roles() -> [Role; 12] {
    let mut roles = [Role::Device; 12];
    roles[..11].copy_from_slice(&Role::ACCOUNTS);
    roles
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/permissions.md")
}

fn document() -> String {
    std::fs::read_to_string(path()).unwrap()
}

#[test]
fn the_document_has_the_table_of_the_code() {
    let document = document();
    let text = document.split(TABLE_BEGINS).next().unwrap();
    let expected = format!("{text}{}", table());
    if std::env::var_os("UPDATE_TABLE").is_some() {
        std::fs::write(path(), expected).unwrap();
        return;
    }
    assert!(
        document == expected,
        "roles or permissions changed: run this test with UPDATE_TABLE=1 and look at the difference"
    );
}

/// What the document grants, read from its text.
fn granted() -> HashSet<(String, String)> {
    let document = document();
    let mut rows = document
        .lines()
        .skip_while(|line| !line.starts_with(TABLE_BEGINS));
    let cells = |row: &str| -> Vec<String> {
        let row = row.trim_matches('|');
        row.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let roles = cells(rows.next().unwrap());
    let mut granted = HashSet::new();
    for row in rows.skip(1).map(cells) {
        let name = row[0].split('`').nth(1).unwrap();
        for (role, _) in roles.iter().zip(&row).filter(|(_, cell)| *cell == "yes") {
            granted.insert((role.clone(), name.to_owned()));
        }
    }
    granted
}

#[test]
fn a_person_may_do_in_the_own_organisation_what_the_table_grants_and_nothing_in_another() {
    let granted = granted();
    assert!(granted.len() > 80, "{granted:?}");
    for role in Role::ACCOUNTS {
        let person = user(role, Some("northsea"));
        for permission in Permission::ALL {
            let expected = granted.contains(&(role.to_string(), permission.name().to_owned()));
            for own in scopes("northsea") {
                assert_eq!(
                    may(&person, permission, &own),
                    expected,
                    "{role}: {permission} in {own}"
                );
            }
            for other in [scopes("southsea"), scopes("northsea-2")].concat() {
                assert!(
                    !may(&person, permission, &other),
                    "{role}: {permission} in {other}"
                );
            }
        }
    }
}

#[test]
fn admin_and_auditor_of_no_organisation_reach_every_one_and_no_other_role_reaches_any() {
    let granted = granted();
    for role in Role::ACCOUNTS {
        let person = user(role, None);
        for permission in Permission::ALL {
            let everywhere = matches!(role, Role::Admin | Role::Auditor)
                && granted.contains(&(role.to_string(), permission.name().to_owned()));
            for scope in [scopes("northsea"), scopes("southsea")].concat() {
                assert_eq!(
                    may(&person, permission, &scope),
                    everywhere,
                    "{role}: {permission}"
                );
            }
        }
    }
}
