//! What is shown below a root field is asked for again: who has one permission is shown nothing that
//! wants another one, and who is limited to a site nothing of the next, whichever way leads there.

use std::collections::BTreeSet;

use sealrock_access::Permission::{self, *};
use sealrock_access::Role;
use serde_json::{Value, json};

use crate::organisations::{TwoOrganisations, of_northsea};
use crate::permitted::{few_at_a_time, key_with, limited, world_to_walk};
use crate::walk::Walk;

/// The permissions of which the fields of a type want one, besides those that are [`free`]; `None` if they
/// are for everybody who got there. Who adds a type says it here.
fn wanted(of: &str) -> Option<&'static [Permission]> {
    Some(match of {
        "Asset" | "Attribute" | "Device" | "DeviceKey" | "DeviceStatus" | "Gap"
        | "LatestReading" | "LatestReadings" | "Organisation" | "Reading" | "Sensor" | "Site"
        | "TimeSeries" | "TimeSeriesBucket" | "Window" | "WindowSeal" => &[ReadTelemetry],
        "Checkpoint" | "EntryPayload" | "LedgerEntry" => &[ReadLedger],
        "AccountedMass" | "Capture" | "CaptureApproval" | "CaptureMeasured" | "CaptureTotal"
        | "CaptureUnit" | "CapturedFigures" | "CreditFigures" | "InjectedFigures"
        | "InjectionApproval" | "InjectionDay" | "InjectionMeasured" | "InjectionTotal"
        | "IntegrityTest" | "MassAccount" | "PermitLimits" | "PermitProposal"
        | "RegisteredFigures" | "SealingFigures" | "SystemOverview" | "Well" | "WellFigures"
        | "WellStatuses" => &[ReadAccounting],
        "CreditBlock" | "Issuance" | "IssuanceFact" | "IssuedTotal" => &[ReadCredits],
        "Leaderboard" | "LeaderboardRow" | "LeaderboardStack" => &[ReadRanking],
        // A row of the ranking shows what its site was to reach.
        "EmissionTarget" => &[ReadAccounting, ReadRanking],
        // An issuance shows the mass that it rests on.
        "AccountEntry" => &[ReadAccounting, ReadCredits],
        "Access" | "ApiKey" | "Grant" | "Invitation" | "Member" => &[ReadAccess],
        "WaitingAccount" => &[ManageAccess],
        // Who asks, and what there is to be allowed; how far the platform is; which ledger there is, where
        // a fact stands in it and by which key that is checked: none of it shows a fact.
        "CitedEntry" | "InjectionEvidence" | "Lag" | "Ledger" | "PageInfo" | "PermissionRule"
        | "ProjectionStatus" | "Provenance" | "SecondFactor" | "Session" | "Viewer" => return None,
        page if page.ends_with("Connection") || page.ends_with("Edge") => return None,
        other => panic!("say which permission the fields of {other} want"),
    })
}

/// What a thing is called is shown with the facts that name it.
fn free(of: &str, field: &str) -> bool {
    match of {
        "Organisation" => ["id", "slug", "displayName", "registeredAt"].contains(&field),
        "Site" => [
            "id",
            "slug",
            "displayName",
            "kind",
            "registeredAt",
            "retired",
        ]
        .contains(&field),
        _ => false,
    }
}

/// Each `Type.field` that an answer shows something of.
fn shown(answer: &Value, found: &mut BTreeSet<(String, String)>) {
    match answer {
        Value::Array(items) => items.iter().for_each(|item| shown(item, found)),
        Value::Object(fields) => {
            let of = fields.get("__typename").and_then(Value::as_str);
            for (key, value) in fields {
                shown(value, found);
                let Some(of) = of else { continue };
                let field = key.strip_prefix(&format!("{of}_")).unwrap_or(key);
                if key != "__typename" && is_something(value) {
                    found.insert((of.to_owned(), field.to_owned()));
                }
            }
        }
        _ => {}
    }
}

/// A scalar, or a list of some.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Object(_) => false,
        Value::Array(items) => items.iter().any(is_something),
        _ => true,
    }
}

#[tokio::test]
async fn who_has_one_permission_is_shown_nothing_below_that_wants_another() {
    let TwoOrganisations { world, ids } = world_to_walk().await;
    let walk = Walk::new(&world, ids, &of_northsea).await;
    let operations = walk.operations("query");
    let of_keys = |permission: &Permission| {
        let mut roles = Role::ACCOUNTS.into_iter();
        let role = roles.find(|role| permission.allows(*role))?;
        (!permission.rule().step_up).then_some((*permission, role))
    };
    let mut seen = BTreeSet::new();
    for (permission, role) in Permission::ALL.iter().filter_map(of_keys) {
        let key = key_with(&world, role, vec![permission]).await;
        let asks = operations
            .iter()
            .map(|asked| world.ask_as(Some(&key), &asked.operation, json!({})));
        let mut found = BTreeSet::new();
        for answer in few_at_a_time(asks).await {
            shown(&answer["data"], &mut found);
        }
        seen.extend(found.clone());
        found.retain(|(of, field)| {
            wanted(of).is_some_and(|wanted| !wanted.contains(&permission)) && !free(of, field)
        });
        assert!(found.is_empty(), "who may {permission} is shown {found:?}");
    }
    assert!(seen.len() > 200, "the walk finds something: {seen:?}");
}

/// Texts that stand in what plant-1 has, and nowhere in what quay-9 has.
const OF_PLANT: [&str; 4] = ["plant-1", "stack-1", "meter-7", "412.75"];

#[tokio::test]
async fn who_is_limited_to_a_site_is_shown_nothing_of_the_next() {
    let TwoOrganisations { world, ids } = world_to_walk().await;
    let walk = Walk::new(&world, ids, &of_northsea).await;
    let operations = walk.operations("query");
    for role in Role::ACCOUNTS {
        if !role.may_be_limited_to_sites() {
            continue;
        }
        let here = world.member(&limited(role, "plant-1")).await;
        let next = world.member(&limited(role, "quay-9")).await;
        let mut marked = 0;
        for asked in &operations {
            let ask = async |bearer: &str| {
                let answer = world
                    .ask_as(Some(bearer), &asked.operation, json!({}))
                    .await;
                let text = answer["data"].to_string();
                OF_PLANT.into_iter().find(|mark| text.contains(mark))
            };
            assert_eq!(ask(&next).await, None, "{role}: {asked:#?}");
            marked += usize::from(ask(&here).await.is_some());
        }
        assert!(marked > 10, "the walk finds something: {marked}");
    }
}

#[tokio::test]
async fn each_type_that_can_be_shown_says_what_its_fields_want() {
    let TwoOrganisations { world, ids } = world_to_walk().await;
    let walk = Walk::new(&world, ids, &of_northsea).await;
    let mut number = 0;
    for of in ["query", "subscription"]
        .map(|kind| walk.types_below(kind))
        .concat()
    {
        let _ = wanted(&of);
        number += 1;
    }
    assert!(number > 50, "{number} types are below the roots");
}
