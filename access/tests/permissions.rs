//! Who may do what, where: the README's table, tried for every role, permission and organisation.
#![expect(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use sealrock_access::{AccountId, Permission, Principal, Role, Scope, authorise};
use sealrock_domain::Slug;
use uuid::Uuid;

const TABLE_BEGINS: &str = "| may |";

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn user(role: Role, organisation: Option<&str>) -> Principal {
    Principal::User {
        id: AccountId(Uuid::nil()),
        username: "ada".parse().unwrap(),
        role,
        organisation: organisation.map(slug),
    }
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

/// As the README has it: a row a permission, a column a role.
fn table() -> String {
    let mut table = format!(
        "{TABLE_BEGINS} {} |\n",
        Role::ACCOUNTS.map(Role::name).join(" | ")
    );
    writeln!(table, "|---|{}", ":-:|".repeat(Role::ACCOUNTS.len())).unwrap();
    for permission in Permission::ALL {
        let cells = Role::ACCOUNTS.map(|role| if role.allows(permission) { "yes" } else { "" });
        writeln!(table, "| {permission} | {} |", cells.join(" | ")).unwrap();
    }
    table
}

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

#[test]
fn the_table_in_the_readme_is_what_the_roles_allow() {
    let readme = readme();
    let text = readme.split(TABLE_BEGINS).next().unwrap();
    if std::env::var_os("UPDATE_TABLE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        std::fs::write(path, format!("{text}{}", table())).unwrap();
        return;
    }
    assert!(
        readme == format!("{text}{}", table()),
        "roles or permissions changed: run this test with UPDATE_TABLE=1 and look at the difference"
    );
}

/// What the README's table grants, read from its text.
fn granted() -> HashSet<(String, String)> {
    let readme = readme();
    let mut rows = readme
        .lines()
        .skip_while(|line| !line.starts_with(TABLE_BEGINS));
    let cells = |row: &str| -> Vec<String> {
        let row = row.trim_matches('|');
        row.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let roles = cells(rows.next().unwrap());
    let mut granted = HashSet::new();
    for row in rows.skip(1).map(cells) {
        for (role, _) in roles.iter().zip(&row).filter(|(_, cell)| *cell == "yes") {
            granted.insert((role.clone(), row[0].clone()));
        }
    }
    granted
}

#[test]
fn a_person_may_do_in_the_own_organisation_what_the_table_grants_and_nothing_in_another() {
    let granted = granted();
    assert!(granted.len() > 40, "{granted:?}");
    for role in Role::ACCOUNTS {
        let person = user(role, Some("northsea"));
        for permission in Permission::ALL {
            let expected = granted.contains(&(role.to_string(), permission.to_string()));
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
                && granted.contains(&(role.to_string(), permission.to_string()));
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
