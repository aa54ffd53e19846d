//! The rights of the platform's roles, as the migration of the write side gives them.

use std::collections::BTreeSet;

use sealrock_eventstore::StoreError;
use sqlx::PgConnection;

use super::finding::Findings;

const APP: &str = "sealrock_app";
const ERASE: &str = "sealrock_erase";
const OWNER: &str = "sealrock_owner";

/// `(relation, app's rights, eraser's rights)`
const RIGHTS: &[(&str, &[&str], &[&str])] = &[
    ("platform", &["SELECT", "INSERT"], &[]),
    ("ledgers", &["SELECT", "INSERT"], &["SELECT"]),
    ("events", &["SELECT", "INSERT"], &["SELECT"]),
    ("payloads", &["SELECT", "INSERT"], &["SELECT", "DELETE"]),
    (
        "batch_payloads",
        &["SELECT", "INSERT"],
        &["SELECT", "DELETE"],
    ),
    ("erasures", &["SELECT"], &["SELECT", "INSERT", "DELETE"]),
    ("commands", &["SELECT", "INSERT"], &[]),
    ("checkpoints", &["SELECT", "INSERT"], &[]),
    ("log_keys", &["SELECT", "INSERT"], &["SELECT"]),
    ("tiles", &["SELECT", "INSERT"], &[]),
    ("ledger_heads", &["SELECT", "INSERT", "UPDATE"], &[]),
    ("published", &["SELECT", "INSERT", "UPDATE"], &[]),
    ("snapshots", &["SELECT", "INSERT", "UPDATE", "DELETE"], &[]),
    ("postgres_es_events", &["SELECT"], &[]),
];
/// `(relation, column, app's right on it alone)`
const OF_COLUMN: [(&str, &str, &str); 1] = [("log_keys", "through_size", "UPDATE")];
/// The days of `batch_payloads`: reached through their parent, but dropped one by one.
const OF_PARTITION: &[&str] = &["SELECT", "DELETE"];

#[derive(sqlx::FromRow)]
struct Relation {
    name: String,
    owner: String,
    partition: bool,
}

type Right = (String, String, String);

pub(super) async fn check(c: &mut PgConnection, findings: &mut Findings) -> Result<(), StoreError> {
    let relations: Vec<Relation> = sqlx::query_as(include_str!("../sql/relations.sql"))
        .fetch_all(&mut *c)
        .await?;
    let known: Vec<&Relation> = relations.iter().filter(|r| rights(r).is_some()).collect();
    let expected: BTreeSet<Right> = known
        .iter()
        .flat_map(|relation| expected(relation))
        .collect();
    let given: Vec<Right> = sqlx::query_as(include_str!("../sql/rights.sql"))
        .fetch_all(&mut *c)
        .await?;
    let of_known = |(relation, _, _): &Right| {
        let table = relation.split('(').next();
        known.iter().any(|known| Some(known.name.as_str()) == table)
    };
    let given: BTreeSet<Right> = given.into_iter().filter(of_known).collect();
    given
        .difference(&expected)
        .for_each(|right| too_much(right, findings));
    expected
        .difference(&given)
        .for_each(|right| too_little(right, findings));
    for relation in known {
        owner(relation, findings);
    }
    roles(c, findings).await
}

fn rights(relation: &Relation) -> Option<(&'static [&'static str], &'static [&'static str])> {
    if relation.partition {
        return Some((&[], OF_PARTITION));
    }
    let known = RIGHTS.iter().find(|(name, _, _)| *name == relation.name);
    known.map(|(_, app, erase)| (*app, *erase))
}

fn expected(relation: &Relation) -> Vec<Right> {
    let (app, erase) = rights(relation).unwrap_or_default();
    let of = |role: &'static str, rights: &'static [&'static str]| {
        rights.iter().map(move |right| (role, *right))
    };
    let all = of(APP, app).chain(of(ERASE, erase));
    let of_columns = OF_COLUMN.iter().filter(|(name, ..)| *name == relation.name);
    all.map(|(role, right)| (relation.name.clone(), role.into(), right.into()))
        .chain(of_columns.map(|(name, column, right)| {
            (format!("{name}({column})"), APP.into(), (*right).into())
        }))
        .collect()
}

fn too_much((relation, role, right): &Right, findings: &mut Findings) {
    let place = format!("grants of {role} on {relation}");
    let cause = format!("{role} may {right}, which it must not");
    // A column's right stands behind its table's, `events(stream)`.
    let statement = match relation.split_once('(') {
        Some((table, column)) => {
            format!("REVOKE {right} ({column} ON sealrock.{table} FROM {role}")
        }
        None => format!("REVOKE {right} ON sealrock.{relation} FROM {role}"),
    };
    findings.grant(place, cause, &statement);
}

fn too_little((relation, role, right): &Right, findings: &mut Findings) {
    let place = format!("grants of {role} on {relation}");
    let cause = format!("{role} may not {right}, which it must");
    let statement = match relation.split_once('(') {
        Some((table, column)) => format!("GRANT {right} ({column} ON sealrock.{table} TO {role}"),
        None => format!("GRANT {right} ON sealrock.{relation} TO {role}"),
    };
    findings.grant(place, cause, &statement);
}

fn owner(relation: &Relation, findings: &mut Findings) {
    if relation.owner == OWNER {
        return;
    }
    let Relation { name, owner, .. } = relation;
    let place = format!("owner of {name}");
    let cause = format!("it belongs to {owner}, who may change it at will");
    findings.grant(
        place,
        cause,
        &format!("ALTER TABLE sealrock.{name} OWNER TO {OWNER}"),
    );
}

/// The roles themselves have no power of their own and none of others.
async fn roles(c: &mut PgConnection, findings: &mut Findings) -> Result<(), StoreError> {
    let powers: Vec<(String, String, String)> =
        sqlx::query_as(include_str!("../sql/role_powers.sql"))
            .fetch_all(c)
            .await?;
    for (role, power, statement) in powers {
        findings.grant(
            format!("role {role}"),
            format!("{role} {power}"),
            &statement,
        );
    }
    Ok(())
}
