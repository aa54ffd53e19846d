//! Members, grants and keys, as they are commanded and as they are asked.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sealrock_access::standing as rows;
use sealrock_access::{
    AccountId, Identify, IdentifyError, Permission, Principal, Refused, Role, Scope, TokenKey,
    Tokens, Username, accounts, authorise,
};
use sealrock_commands::{CommandError, GrantRequest, Identities, KeyRequest};
use sealrock_domain::access::{AccessSettings, OrganisationAccess};
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::refusal::SELF_APPROVAL;
use sealrock_domain::{EventType, Slug};

use crate::fixture::{Fixture, admin, context, organisation, slug, with_a_site};

const ISSUER: &str = "sealrock.test";

fn tokens() -> Arc<Tokens> {
    Arc::new(Tokens::new(TokenKey::from_seed(&[3; 32]), ISSUER))
}

fn identities(f: &Fixture) -> Identities {
    Identities::new(f.commands.clone(), tokens())
}

/// An account as an older version made it, whose role is in its row.
async fn account(f: &Fixture, name: &str, role: Role, organisation: &str) -> Principal {
    let pool = &f.database.pool;
    let username: Username = name.parse().unwrap();
    let own = slug(organisation);
    accounts::add(pool, &username, role, Some(&own))
        .await
        .unwrap();
    let listed = accounts::list(pool).await.unwrap();
    let found = listed.into_iter().find(|one| one.username == username);
    Principal::signed_in(found.unwrap().id, username, role, Some(own))
}

fn id_of(principal: &Principal) -> AccountId {
    match principal {
        Principal::User { id, .. } => *id,
        other => panic!("{other:?} is no person"),
    }
}

async fn now(identities: &Identities, who: &Principal) -> Result<Principal, IdentifyError> {
    identities.identify(&tokens().issue(who).token).await
}

/// Longer than an answer counts, and less than the second that is promised.
async fn a_moment() {
    tokio::time::sleep(sealrock_commands::FRESH + Duration::from_millis(50)).await;
}

fn scope(organisation: &str) -> Scope {
    Scope::organisation(slug(organisation))
}

/// Types of the events of `northsea`'s access.
async fn changes(f: &Fixture) -> Vec<String> {
    type Event = <OrganisationAccess as cqrs_es::Aggregate>::Event;
    let entries = f.entries().await.into_iter().map(|one| one.entry.kind);
    entries.filter(|kind| Event::has_kind(kind)).collect()
}

#[tokio::test]
async fn a_role_that_is_given_and_taken_holds_and_ends_within_a_second() {
    let f = with_a_site().await;
    let (identities, elsewhere) = (identities(&f), f.elsewhere().await);
    let otto = account(&f, "otto", Role::Operator, "northsea").await;
    let own = slug("northsea");
    assert_eq!(
        now(&identities, &otto).await.unwrap().role(),
        Role::Operator
    );

    let limited = Some(vec![slug("plant-1")]);
    let by = admin();
    let assign = elsewhere.assign_role(&by, &own, id_of(&otto), Role::SiteManager, limited);
    assign.await.unwrap();
    a_moment().await;
    let manager = now(&identities, &otto).await.unwrap();
    assert_eq!(manager.role(), Role::SiteManager);
    let may = |site: &str| {
        let at = Scope::site(own.clone(), slug(site));
        authorise(&manager, Permission::ApproveCapture, &at).is_ok()
    };
    assert!(may("plant-1") && !may("plant-2"));

    let by = admin();
    let left = elsewhere.deactivate_member(&by, &own, id_of(&otto));
    left.await.unwrap();
    a_moment().await;
    let gone = now(&identities, &otto).await;
    assert!(
        matches!(gone, Err(IdentifyError::Unauthenticated(_))),
        "{gone:?}"
    );
    // That of the row is taken first, so that the decision is made about a member who is known.
    assert_eq!(
        changes(&f).await,
        ["RoleAssigned", "RoleAssigned", "MemberDeactivated"]
    );
}

#[tokio::test]
async fn entries_of_access_hold_no_name_and_no_secret() {
    let f = with_a_site().await;
    let otto = account(&f, "otto.the.operator", Role::Operator, "northsea").await;
    let own = slug("northsea");
    let by = admin();
    let assign = f
        .commands
        .assign_role(&by, &own, id_of(&otto), Role::Mrv, None);
    assign.await.unwrap();
    let issued = f
        .commands
        .issue_api_key(&admin(), &own, key())
        .await
        .unwrap();
    let secret = issued.secret.unwrap();
    for one in f.entries().await {
        let payload = one.payload.map(|payload| payload.bytes).unwrap_or_default();
        let text = String::from_utf8_lossy(&payload).into_owned();
        for personal in ["otto", "Nightly", &secret.reveal(), secret.prefix()] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
    }
}

#[tokio::test]
async fn a_row_without_an_entry_does_nothing_where_the_ledger_is_to_say_it() {
    let f = with_a_site().await;
    let otto = account(&f, "otto", Role::Operator, "northsea").await;
    rows::recorded(&f.database.pool, id_of(&otto))
        .await
        .unwrap();
    let nobody = now(&identities(&f), &otto).await;
    assert!(
        matches!(nobody, Err(IdentifyError::Unauthenticated(_))),
        "{nobody:?}"
    );
}

#[tokio::test]
async fn roles_of_rows_come_into_the_ledger_once_whoever_starts() {
    let f = with_a_site().await;
    let otto = account(&f, "otto", Role::Operator, "northsea").await;
    let vera = account(&f, "vera", Role::Mrv, "northsea").await;
    account(&f, "nora", Role::Mrv, "nowhere").await;
    let (one, two) = (f.elsewhere().await, f.elsewhere().await);
    let (a, b) = tokio::join!(one.record_roles_of_rows(), two.record_roles_of_rows());
    a.unwrap();
    b.unwrap();
    one.record_roles_of_rows().await.unwrap();
    assert_eq!(changes(&f).await, ["RoleAssigned", "RoleAssigned"]);
    for who in [&otto, &vera] {
        let found = now(&identities(&f), who).await.unwrap();
        assert_eq!(found.role(), who.role());
    }
}

#[tokio::test]
async fn a_decision_about_a_member_knows_those_whose_role_is_in_a_row() {
    let f = with_a_site().await;
    let ada = account(&f, "ada", Role::Admin, "northsea").await;
    let otto = account(&f, "otto", Role::Operator, "northsea").await;
    let (own, by) = (slug("northsea"), admin());
    let left = f.commands.deactivate_member(&by, &own, id_of(&otto));
    left.await.unwrap();
    assert!(now(&identities(&f), &otto).await.is_err());
    let by = admin();
    let last = f.commands.deactivate_member(&by, &own, id_of(&ada)).await;
    let last = last.unwrap_err();
    assert!(last.to_string().contains("last administrator"), "{last}");
    // The next start finds them decided, and undoes nothing.
    f.elsewhere().await.record_roles_of_rows().await.unwrap();
    assert!(now(&identities(&f), &otto).await.is_err());
}

#[tokio::test]
async fn who_lost_the_role_changes_nothing_though_a_node_has_not_heard_of_it() {
    let f = with_a_site().await;
    let ada = account(&f, "ada", Role::Admin, "northsea").await;
    let eve = account(&f, "eve", Role::Admin, "northsea").await;
    let own = slug("northsea");
    let by = context(ada);
    let left = f.commands.deactivate_member(&by, &own, id_of(&eve));
    left.await.unwrap();
    // As a token and an answer of half a second ago say.
    let by = context(eve);
    let issued = f.elsewhere().await.issue_api_key(&by, &own, key()).await;
    let refused = issued.unwrap_err();
    assert!(
        refused.to_string().contains("not allow this any more"),
        "{refused}"
    );
}

#[tokio::test]
async fn who_works_for_a_registry_is_not_in_the_ledger_that_everybody_reads() {
    let f = with_a_site().await;
    let registry = RegisterOrganisation {
        registry: true,
        ..organisation("ccr")
    };
    f.commands
        .register_organisation(&admin(), registry)
        .await
        .unwrap();
    let rita = account(&f, "rita", Role::Registry, "ccr").await;
    let (own, by) = (slug("ccr"), admin());
    let assigned = f
        .commands
        .assign_role(&by, &own, id_of(&rita), Role::HqManager, None);
    let done = assigned.await.unwrap();
    assert_eq!(done.receipt.ledger.ledger(), "admin");
    let again = f
        .commands
        .assign_role(&by, &own, id_of(&rita), Role::HqManager, None);
    assert!(again.await.unwrap().duplicate);
    let found = now(&identities(&f), &rita).await.unwrap();
    assert_eq!(found.role(), Role::HqManager);
    let public = f.store.existing(&"ccr".parse().unwrap()).await.unwrap();
    let size = f.store.size(public.id).await.unwrap();
    assert_eq!(size, 1, "the organisation's registration alone");
    let name = f.commands.ledger_name_of_access(&own).await.unwrap();
    assert_eq!(name, "admin");
}

#[tokio::test]
async fn an_organisation_keeps_its_last_administrator_and_nobody_changes_themselves() {
    let f = with_a_site().await;
    let ada = account(&f, "ada", Role::Admin, "northsea").await;
    let own = slug("northsea");
    f.commands.record_roles_of_rows().await.unwrap();
    let (f, own) = (&f, &own);
    let assign = async |by: &Principal, role| {
        let by = context(by.clone());
        f.commands
            .assign_role(&by, own, id_of(&ada), role, None)
            .await
    };
    let last = assign(&admin().principal, Role::Mrv).await.unwrap_err();
    assert!(last.to_string().contains("last administrator"), "{last}");
    let last = f
        .commands
        .deactivate_member(&admin(), own, id_of(&ada))
        .await;
    assert!(last.is_err(), "{last:?}");
    let itself = assign(&ada, Role::Mrv).await.unwrap_err();
    assert!(
        matches!(
            itself,
            CommandError::Refused {
                code: SELF_APPROVAL,
                ..
            }
        ),
        "{itself}"
    );
}

#[tokio::test]
async fn nobody_gives_roles_without_the_right_elsewhere_or_to_accounts_of_others() {
    let f = with_a_site().await;
    let southsea = organisation("southsea");
    f.commands
        .register_organisation(&admin(), southsea)
        .await
        .unwrap();
    let otto = account(&f, "otto", Role::Operator, "northsea").await;
    let sven = account(&f, "sven", Role::Admin, "southsea").await;
    let hugo = account(&f, "hugo", Role::HqManager, "northsea").await;
    let own = slug("northsea");
    for by in [&otto, &sven, &hugo] {
        let by = context(by.clone());
        let assign = f
            .commands
            .assign_role(&by, &own, id_of(&otto), Role::Mrv, None);
        assert!(matches!(assign.await, Err(CommandError::Denied(_))));
    }
    let by = admin();
    let assign = f
        .commands
        .assign_role(&by, &own, id_of(&sven), Role::Mrv, None);
    assert!(matches!(assign.await, Err(CommandError::NotFound(_))));
    assert!(changes(&f).await.is_empty());
}

#[tokio::test]
async fn a_grant_lets_people_of_another_organisation_look_until_it_is_revoked() {
    let f = with_a_site().await;
    let verico = organisation("verico");
    f.commands
        .register_organisation(&admin(), verico)
        .await
        .unwrap();
    let vic = account(&f, "vic", Role::Verifier, "verico").await;
    let olga = account(&f, "olga", Role::Operator, "verico").await;
    let identities = identities(&f);
    let may = async |who: &Principal, organisation: &str| {
        let who = now(&identities, who).await.unwrap();
        authorise(&who, Permission::ReadAccounting, &scope(organisation)).is_ok()
    };
    assert!(!may(&vic, "northsea").await);

    let hugo = account(&f, "hugo", Role::HqManager, "northsea").await;
    let request = GrantRequest {
        to: slug("verico"),
        role: Role::Verifier,
        sites: None,
        until: Utc::now() + TimeDelta::days(30),
    };
    let (own, by) = (slug("northsea"), context(hugo.clone()));
    f.commands.grant_access(&by, &own, request).await.unwrap();
    a_moment().await;
    assert!(may(&vic, "northsea").await);
    assert!(!may(&olga, "northsea").await, "a grant is for a role");
    assert!(!may(&hugo, "verico").await, "a grant goes one way");

    let (from, by) = (slug("verico"), context(hugo));
    let revoked = f.commands.revoke_access(&by, &own, &from, Role::Verifier);
    revoked.await.unwrap();
    a_moment().await;
    assert!(!may(&vic, "northsea").await);
    assert_eq!(changes(&f).await, ["AccessGranted", "AccessRevoked"]);
}

fn key() -> KeyRequest {
    KeyRequest {
        label: "Nightly export".to_owned(),
        role: Role::Mrv,
        permissions: vec![Permission::ReadLedger, Permission::ReadTelemetry],
        sites: None,
        until: Utc::now() + TimeDelta::days(30),
    }
}

#[tokio::test]
async fn a_key_opens_what_it_was_given_until_it_is_revoked() {
    let f = with_a_site().await;
    let (identities, own) = (identities(&f), slug("northsea"));
    let command = admin();
    let issued = f
        .commands
        .issue_api_key(&command, &own, key())
        .await
        .unwrap();
    let secret = issued.secret.unwrap().reveal();
    let bearer = identities.identify(&secret).await.unwrap();
    let refused = |permission, organisation| {
        let asked = authorise(&bearer, permission, &scope(organisation));
        asked.err().map(|denied| denied.why)
    };
    assert_eq!(refused(Permission::ReadLedger, "northsea"), None);
    for (permission, organisation) in [
        (Permission::ReadLedger, "southsea"),
        (Permission::ReadAccounting, "northsea"),
        (Permission::RequestIssuance, "northsea"),
    ] {
        assert_eq!(refused(permission, organisation), Some(Refused::Forbidden));
    }

    let other = identities.identify(&secret.replace('_', "-")).await;
    assert!(other.is_err(), "{other:?}");
    let by = admin();
    let revoked = f.commands.revoke_api_key(&by, &own, issued.key.unwrap());
    revoked.await.unwrap();
    a_moment().await;
    let gone = identities.identify(&secret).await;
    assert!(
        matches!(gone, Err(IdentifyError::Unauthenticated(_))),
        "{gone:?}"
    );
    assert_eq!(changes(&f).await, ["ApiKeyIssued", "ApiKeyRevoked"]);
}

#[tokio::test]
async fn a_repeated_command_issues_one_key_and_shows_its_secret_once() {
    let f = with_a_site().await;
    let (own, command, request) = (slug("northsea"), admin(), key());
    let issue = async || {
        let issued = f.commands.issue_api_key(&command, &own, request.clone());
        issued.await.unwrap()
    };
    let (first, again) = (issue().await, issue().await);
    assert!(first.secret.is_some() && again.secret.is_none());
    assert_eq!(first.done.receipt, again.done.receipt);
    assert_eq!(changes(&f).await, ["ApiKeyIssued"]);
}

#[tokio::test]
async fn after_a_rotation_both_secrets_open_for_a_while() {
    let f = with_a_site().await;
    let (identities, own) = (identities(&f), slug("northsea"));
    let issued = f
        .commands
        .issue_api_key(&admin(), &own, key())
        .await
        .unwrap();
    let (key, first) = (issued.key.unwrap(), issued.secret.unwrap().reveal());
    let until = Utc::now() + TimeDelta::days(60);
    let rotate = async |overlap| {
        let by = admin();
        let rotated = f.commands.rotate_api_key(&by, &own, key, until, overlap);
        rotated.await.unwrap().secret.unwrap().reveal()
    };
    let second = rotate(3_600).await;
    a_moment().await;
    for secret in [&first, &second] {
        assert!(identities.identify(secret).await.is_ok());
    }
    let third = rotate(0).await;
    a_moment().await;
    assert!(identities.identify(&third).await.is_ok());
    for secret in [&first, &second] {
        assert!(identities.identify(secret).await.is_err());
    }
}

#[tokio::test]
async fn no_key_gets_what_its_role_lacks_or_what_asks_for_a_person() {
    let f = with_a_site().await;
    let own: Slug = slug("northsea");
    for (role, permission) in [
        (Role::Mrv, Permission::RecordCapture),
        (Role::Registry, Permission::DecideIssuance),
        (Role::Admin, Permission::ManageAccess),
    ] {
        let request = KeyRequest {
            role,
            permissions: vec![permission],
            ..key()
        };
        let refused = f.commands.issue_api_key(&admin(), &own, request).await;
        assert!(matches!(refused, Err(CommandError::Rejected(_))), "{role}");
    }
    assert!(changes(&f).await.is_empty());
}

#[tokio::test]
async fn settings_are_changed_by_who_manages_access() {
    let f = with_a_site().await;
    let own = slug("northsea");
    let settings = AccessSettings {
        self_registration: true,
        second_factor_required: true,
    };
    let by = admin();
    let change = f.commands.change_access_settings(&by, &own, settings);
    change.await.unwrap();
    let access = f.commands.access_of(&own).await.unwrap();
    assert_eq!(access.state().settings(), settings);
}
