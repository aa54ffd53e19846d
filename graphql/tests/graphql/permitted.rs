//! Every mutation, query field and subscription as everybody: refused exactly where the table of
//! permissions does not allow it, by role, own and other site, own, other and lending organisation.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use sealrock_access::Permission::{self, *};
use sealrock_access::{AccountId, ApiKeyId, Grant, Principal, Role, Scope, TABLE, authorise};
use sealrock_commands::KeyRequest;
use sealrock_domain::Slug;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::organisations::{
    OWN, TwoOrganisations, for_northsea, of_northsea, person, two_organisations,
};
use crate::reach::REGISTER;
use crate::walk::{Asked, Walk};
use crate::world::World;

/// Fields that everybody may ask for: who one is, what one may do, and lists that show what one sees.
const FOR_EVERYBODY: [&str; 5] = [
    "node",
    "organisations",
    "permissions",
    "projections",
    "viewer",
];

/// Where a field asks for its permission.
enum At {
    /// In the organisation as a whole.
    Whole,
    /// At the site that is named or that the thing stands at.
    Plant,
    /// Wherever the caller reaches any of the organisation.
    Anywhere,
    /// In the registry.
    Registry,
    /// In the registry, or in the organisation as a whole.
    Either,
}

/// What a field asks for; who adds a field says it here.
fn asked_for(field: &str, operation: &str) -> (Permission, At) {
    let at_the_site = if operation.contains("site: \"plant-1\"") {
        At::Plant
    } else {
        At::Whole
    };
    match field {
        "organisation" => (ReadTelemetry, At::Anywhere),
        "site" | "asset" | "device" | "latestReadings" | "timeSeries" => (ReadTelemetry, At::Plant),
        // The query is about a device, the subscription about an organisation or a site.
        "readings" if operation.starts_with("query") => (ReadTelemetry, At::Plant),
        "readings" => (ReadTelemetry, at_the_site),
        "ledger" | "ledgerEntries" | "ledgerEntry" => (ReadLedger, At::Whole),
        "leaderboard" => (ReadRanking, At::Whole),
        "systemOverview" => (ReadAccounting, At::Whole),
        "massAccounts" | "massAccount" | "wells" | "well" | "activeInjectors"
        | "activeMonitors" | "injectionDays" | "injectionTotals" | "wellStatus" => {
            (ReadAccounting, at_the_site)
        }
        "issuances" => (ReadCredits, At::Whole),
        "issuance" | "creditBlock" => (ReadCredits, At::Either),
        "holdings" if operation.contains("holder") => (ReadCredits, At::Either),
        "issuedTotals" if operation.contains("organisation") => (ReadCredits, At::Either),
        "holdings" | "issuedTotals" => (ReadCredits, At::Registry),
        "invitations" | "access" => (ReadAccess, At::Whole),
        "registerOrganisation" => (RegisterOrganisation, At::Whole),
        "registerSite" => (RegisterSite, At::Whole),
        "registerAsset" => (RegisterAsset, At::Plant),
        "registerDevice" | "bindDevice" | "decommissionDevice" => (RegisterDevice, At::Plant),
        "rotateDeviceCredential"
        | "revokeDeviceCredential"
        | "rotateDeviceKey"
        | "revokeDeviceKey"
        | "addDeviceCertificate"
        | "revokeDeviceCertificate" => (ManageDeviceCredentials, At::Plant),
        "registerCaptureUnit" | "setCaptureUnitStatus" => (RegisterCaptureUnit, At::Plant),
        "recordCapture" | "correctCapture" => (RecordCapture, At::Plant),
        "approveCaptureDay" => (ApproveCapture, At::Plant),
        "setEmissionTarget" | "withdrawEmissionTarget" => (SetEmissionTarget, At::Plant),
        "requestIssuance" => (RequestIssuance, At::Plant),
        "approveIssuance" | "refuseIssuance" => (DecideIssuance, At::Registry),
        "recordStorageLoss" => (RecordStorageLoss, At::Plant),
        "registerWell" | "plugWell" => (RegisterWell, At::Plant),
        "proposePermitLimits" => (ProposePermitLimits, At::Plant),
        "approvePermitLimits" => (ApprovePermitLimits, At::Plant),
        "recordMit" | "startInjection" | "stopInjection" | "shutInWell" | "closeShutIn" => {
            (OperateWell, At::Plant)
        }
        "recordInjectionDay" | "correctInjectionDay" => (RecordInjection, At::Plant),
        "approveInjectionDay" => (ApproveInjection, At::Plant),
        "inviteMember" | "withdrawInvitation" => (InviteMember, At::Whole),
        "assignRole"
        | "deactivateMember"
        | "issueApiKey"
        | "rotateApiKey"
        | "revokeApiKey"
        | "changeAccessSettings"
        | "resetSecondFactor"
        | "declineRegistration"
        | "registrations" => (ManageAccess, At::Whole),
        "grantAccess" | "revokeAccess" => (GrantAccess, At::Whole),
        _ => panic!("say which permission {field} asks for, and where"),
    }
}

fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}

/// Somebody who asks.
struct Who {
    is: String,
    principal: Principal,
    bearer: String,
}

impl Who {
    /// By the table alone.
    fn may(&self, permission: Permission, at: &At) -> bool {
        let northsea = || Scope::organisation(slug("northsea"));
        let registry = || Scope::organisation(slug("ccr"));
        let site = |name| Scope::site(slug("northsea"), slug(name));
        let scopes = match at {
            At::Whole => vec![northsea()],
            At::Plant => vec![site("plant-1")],
            At::Anywhere => vec![northsea(), site("plant-1"), site("quay-9")],
            At::Registry => vec![registry()],
            At::Either => vec![registry(), northsea()],
        };
        let allowed = |scope| authorise(&self.principal, permission, scope).is_ok();
        scopes.iter().any(allowed)
    }
}

impl Who {
    /// That something was shown exactly where the table allows it.
    fn must_be_shown(&self, asked: &Asked, came: &Came) {
        let (permission, at) = asked_for(&asked.field, &asked.operation);
        let may = self.may(permission, &at);
        let right = match came {
            Came::Shown => may,
            Came::Nothing | Came::Refused => !may,
            Came::Failed => false,
        };
        assert!(
            right,
            "{} may {permission}: {may}, but {came:?}: {asked:?}",
            self.is
        );
    }
}

/// Everybody that there can be: each role, of each organisation, with each limit.
async fn everybody(world: &World) -> Vec<Who> {
    let mut all = Vec::new();
    for role in Role::ACCOUNTS {
        for own in ["northsea", "southsea", "ccr"] {
            all.push((format!("{role} of {own}"), person(role, own)));
        }
        for site in ["plant-1", "quay-9"] {
            if role.may_be_limited_to_sites() {
                all.push((format!("{role} at {site}"), limited(role, site)));
            }
        }
        for (own, sites) in [
            ("eastsea", None),
            ("westsea", Some("plant-1")),
            ("quaysea", Some("quay-9")),
        ] {
            if role.may_be_granted() {
                all.push((
                    format!("{role} of {own}, lent {sites:?}"),
                    lent(role, own, sites),
                ));
            }
        }
        if !role.needs_organisation() {
            let id = AccountId(Uuid::new_v5(&Uuid::NAMESPACE_OID, role.name().as_bytes()));
            let of_none = Principal::signed_in(id, "ada".parse().unwrap(), role, None);
            all.push((format!("{role} of the platform"), of_none));
        }
    }
    let mut known = Vec::new();
    for (is, principal) in all {
        let bearer = world.member(&principal).await;
        known.push(Who {
            is,
            principal,
            bearer,
        });
    }
    for role in Role::ACCOUNTS {
        known.extend(key_of(world, role).await);
    }
    known
}

/// Somebody of `northsea` who is limited to this site.
pub fn limited(role: Role, site: &str) -> Principal {
    let mut principal = person(role, "northsea");
    if let Principal::User { id, sites, .. } = &mut principal {
        *id = AccountId(Uuid::new_v5(&id.as_uuid(), site.as_bytes()));
        *sites = Some(vec![slug(site)]);
    }
    principal
}

fn lent(role: Role, own: &str, site: Option<&str>) -> Principal {
    let mut principal = person(role, own);
    if let Principal::User { grants, .. } = &mut principal {
        grants.push(Grant {
            organisation: slug("northsea"),
            sites: site.map(|site| vec![slug(site)]),
            until: Utc::now() + TimeDelta::days(1),
        });
    }
    principal
}

/// A key of `northsea` with these permissions of a role.
pub async fn key_with(world: &World, role: Role, permissions: Vec<Permission>) -> String {
    let request = KeyRequest {
        label: role.to_string(),
        role,
        permissions,
        sites: None,
        until: Utc::now() + TimeDelta::days(1),
    };
    let (own, by) = (slug("northsea"), World::by_hand());
    let issued = world.commands.issue_api_key(&by, &own, request);
    issued.await.unwrap().secret.unwrap().reveal()
}

/// A key of `northsea` with all that a key of this role can have, if there is anything.
async fn key_of(world: &World, role: Role) -> Option<Who> {
    let of_keys = |permission: &Permission| permission.allows(role) && !permission.rule().step_up;
    let permissions: Vec<Permission> = Permission::ALL.into_iter().filter(of_keys).collect();
    if permissions.is_empty() {
        return None;
    }
    let bearer = key_with(world, role, permissions.clone()).await;
    let principal = Principal::ApiKey {
        id: ApiKeyId(Uuid::nil()),
        organisation: slug("northsea"),
        role,
        permissions,
        sites: None,
    };
    Some(Who {
        is: format!("a key of {role}"),
        principal,
        bearer,
    })
}

/// What came of a question.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Shown,
    Nothing,
    Refused,
    /// What was asked for is permitted, and does not work out.
    Failed,
}

fn came(field: &str, answer: &Value) -> Came {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    for error in &errors {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        let invalid = code.starts_with("GRAPHQL_")
            || code.ends_with("_REQUIRED")
            || code == "UNAUTHENTICATED";
        assert!(!invalid, "{field}: {answer:#}");
        match code {
            "FORBIDDEN" => return Came::Refused,
            "NOT_FOUND" => return Came::Nothing,
            _ => {}
        }
    }
    let shown = &answer["data"][field];
    let nodes = shown.get("nodes").unwrap_or(shown);
    match nodes {
        _ if !errors.is_empty() => Came::Failed,
        Value::Null => Came::Nothing,
        Value::Array(list) if list.is_empty() => Came::Nothing,
        _ => Came::Shown,
    }
}

async fn ask(world: &World, bearer: &str, asked: &Asked) -> Came {
    let answer = world
        .ask_as(Some(bearer), &asked.operation, json!({}))
        .await;
    came(&asked.field, &answer)
}

/// All of them in their order, no more at a time than the server answers of one account.
pub async fn few_at_a_time<F: Future>(asks: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    stream::iter(asks).buffered(8).collect().await
}

/// The first thing that a subscription says; nothing, if that takes longer.
async fn first(world: &World, bearer: &str, asked: &Asked, patience: Duration) -> Came {
    let mut feed = world
        .subscribe_as(bearer, &asked.operation, json!({}))
        .await;
    let Ok(message) = tokio::time::timeout(patience, feed.hear()).await else {
        return Came::Nothing;
    };
    match message["type"].as_str() {
        Some("error") => came(&asked.field, &json!({"errors": message["payload"]})),
        _ => came(&asked.field, &message["payload"]),
    }
}

/// `northsea` has a second site, for people who are limited to it.
pub async fn world_to_walk() -> TwoOrganisations {
    let all = two_organisations().await;
    all.world.data(REGISTER, json!({"site": "quay-9"})).await;
    all.world.settle().await;
    all
}

/// Those of which the one who may see everything is shown something; each field has one.
fn what_is_there(all: &[Asked], came: &[Came]) -> Vec<Asked> {
    let shown = |(_, came): &(&Asked, &Came)| **came == Came::Shown;
    let there: Vec<Asked> = all
        .iter()
        .zip(came)
        .filter(shown)
        .map(|(asked, _)| asked.clone())
        .collect();
    for Asked { field, .. } in all {
        let found = there.iter().any(|asked| asked.field == *field);
        assert!(
            found,
            "fill the world: {field} shows nothing to who may see everything"
        );
    }
    there
}

#[tokio::test]
async fn queries_and_subscriptions_show_exactly_what_the_table_allows() {
    let TwoOrganisations { world, ids } = world_to_walk().await;
    let ledger = r#"{ ledger(name: "northsea") { start } }"#;
    let ledger = world.data(ledger, json!({})).await;
    let start = ledger["ledger"]["start"].to_string();
    let given = |field: &str, argument: &str| match argument {
        "after" => Some(start.clone()),
        _ => of_northsea(field, argument),
    };
    let listening = Walk::new(&world, ids.clone(), &given).await;
    let subscriptions = listening.shallow("subscription");
    let walk = Walk::new(&world, ids, &of_northsea).await;
    let everybody = everybody(&world).await;

    let mut queries = walk.shallow("query");
    queries.retain(|asked| !FOR_EVERYBODY.contains(&asked.field.as_str()));
    let asks = queries.iter();
    let asks = few_at_a_time(asks.map(|asked| ask(&world, world.token(), asked))).await;
    let queries = what_is_there(&queries, &asks);
    let moment = Duration::from_secs(5);
    let asks = subscriptions.iter();
    let asks = asks.map(|asked| first(&world, world.token(), asked, moment));
    let asks = join_all(asks).await;
    let subscriptions = what_is_there(&subscriptions, &asks);
    for who in &everybody {
        let asks = queries.iter().map(async |asked| {
            who.must_be_shown(asked, &ask(&world, &who.bearer, asked).await);
        });
        few_at_a_time(asks).await;
        let listened = subscriptions.iter().map(async |asked| {
            let patience = Duration::from_secs(20);
            who.must_be_shown(asked, &first(&world, &who.bearer, asked, patience).await);
        });
        join_all(listened).await;
    }
}

#[tokio::test]
async fn a_mutation_is_refused_exactly_where_the_table_does_not_allow_it() {
    let TwoOrganisations { world, ids } = world_to_walk().await;
    let walk = Walk::new(&world, ids, &for_northsea).await;
    let mut mutations = walk.shallow("mutation");
    mutations.retain(|asked| !OWN.contains(&asked.field.as_str()));
    for who in everybody(&world).await {
        for asked in &mutations {
            let (permission, at) = asked_for(&asked.field, &asked.operation);
            let refused = ask(&world, &who.bearer, asked).await == Came::Refused;
            let may = who.may(permission, &at);
            assert_eq!(refused, !may, "{}: {permission}: {asked:?}", who.is);
        }
    }
}

#[tokio::test]
async fn what_asks_for_a_step_up_is_refused_to_who_signed_in_long_ago() {
    let TwoOrganisations { world, ids } = world_to_walk().await;
    let walk = Walk::new(&world, ids, &for_northsea).await;
    let mut mutations = walk.shallow("mutation");
    mutations.retain(|asked| !OWN.contains(&asked.field.as_str()));
    let mut held_back = 0;
    for role in Role::ACCOUNTS {
        let mut principal = person(role, "northsea");
        let who = Who {
            is: role.to_string(),
            principal: principal.clone(),
            bearer: String::new(),
        };
        if let Principal::User { stepped_up, .. } = &mut principal {
            *stepped_up = Some(Utc::now() - TimeDelta::hours(1));
        }
        let stale = world.token_of(&principal);
        for asked in &mutations {
            let (permission, at) = asked_for(&asked.field, &asked.operation);
            let answer = world
                .ask_as(Some(&stale), &asked.operation, json!({}))
                .await;
            let code = &answer["errors"][0]["extensions"]["code"];
            let right = match (who.may(permission, &at), permission.rule().step_up) {
                (false, _) => code == "FORBIDDEN",
                (true, true) => code == "STEP_UP_REQUIRED",
                (true, false) => code != "FORBIDDEN" && code != "STEP_UP_REQUIRED",
            };
            assert!(right, "{role}: {permission}: {asked:?}: {answer}");
            held_back += usize::from(code == "STEP_UP_REQUIRED");
        }
    }
    assert!(held_back > 20, "{held_back}");
}

#[tokio::test]
async fn what_the_schema_lists_of_permissions_is_the_table_and_what_the_caller_may() {
    let TwoOrganisations { world, .. } = two_organisations().await;
    let query = r#"{ permissions(organisation: "northsea", site: "plant-1") {
      permission stepUp roles allowed
    } }"#;
    for role in [Role::Operator, Role::SiteManager] {
        for (own, here) in [("northsea", true), ("southsea", false)] {
            let token = world.token_of(&person(role, own));
            let answer = world.ask_as(Some(&token), query, json!({})).await;
            let listed = answer["data"]["permissions"].as_array().unwrap();
            assert_eq!(listed.len(), TABLE.len());
            for (listed, rule) in listed.iter().zip(&TABLE) {
                assert_eq!(listed["permission"], rule.permission.name());
                assert_eq!(listed["stepUp"], rule.step_up);
                assert_eq!(listed["roles"].as_array().unwrap().len(), rule.roles.len());
                let may = here && rule.permission.allows(role);
                assert_eq!(listed["allowed"], may, "{role}: {}", rule.text);
            }
        }
    }
}
