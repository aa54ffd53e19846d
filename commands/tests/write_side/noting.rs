//! What happens around access is noted in a ledger, by ids alone.

use chrono::{NaiveDate, TimeDelta, Utc};
use sealrock_access::invitations::{self, Place};
use sealrock_access::links::Subject;
use sealrock_access::registrations::{self, Registration};
use sealrock_access::{AccountId, Password, Principal, Role, accounts, second_factor};
use sealrock_commands::{CommandError, GrantRequest};
use sealrock_domain::Slug;
use sealrock_domain::access::AccessNote;
use sealrock_ledger::Index;
use uuid::Uuid;

use crate::fixture::{Fixture, admin, context, slug, with_a_site};

const PHRASE: &str = "otter marzipan quilt";

fn day() -> NaiveDate {
    "2026-11-22".parse().unwrap()
}

fn subject() -> Subject {
    Subject {
        issuer: "https://id.example".to_owned(),
        subject: "otto-248289761001".to_owned(),
    }
}

async fn account(f: &Fixture, role: Role, organisation: Option<&Slug>) -> AccountId {
    let (name, password) = ("otto".parse().unwrap(), Password::new(PHRASE));
    let added = accounts::add_with(&f.database.pool, &name, role, organisation, password).await;
    f.commands.record_roles_of_rows().await.unwrap();
    added.unwrap()
}

/// The types of the entries of access in a ledger, and what they hold. No person is in them.
async fn noted(f: &Fixture, ledger: &str) -> Vec<(String, String)> {
    let ledger = f.store.ledger(&ledger.parse().unwrap()).await.unwrap();
    let Some(ledger) = ledger else {
        return Vec::new();
    };
    let entries = f.store.read(ledger.id, Index(0), 1_000).await.unwrap();
    let of_access = entries
        .into_iter()
        .filter(|one| one.entry.stream.starts_with("access/"));
    let told = of_access.map(|one| {
        let payload = one.payload.map(|payload| payload.bytes).unwrap_or_default();
        let text = String::from_utf8_lossy(&payload).into_owned();
        assert!(!text.contains("otto"), "{text}");
        (one.entry.kind.clone(), text)
    });
    told.collect()
}

async fn kinds(f: &Fixture, ledger: &str) -> Vec<String> {
    let noted = noted(f, ledger).await;
    noted.into_iter().map(|(kind, _)| kind).collect()
}

#[tokio::test]
async fn no_command_of_a_readers_own_stands_in_place_of_the_entry_of_an_export() {
    let f = with_a_site().await;
    let own = slug("northsea");
    let id = account(&f, Role::HqManager, Some(&own)).await;
    let name = "otto".parse().unwrap();
    let reader = Principal::signed_in(id, name, Role::HqManager, Some(own.clone()));
    let mut taken = context(reader.clone());
    let guessed = format!("sealrock:export:{}:northsea:{}", reader.actor(), day());
    taken.command = Uuid::new_v5(&Uuid::NAMESPACE_URL, guessed.as_bytes());
    let request = GrantRequest {
        to: slug("verico"),
        role: Role::Verifier,
        sites: None,
        until: Utc::now() + TimeDelta::days(1),
    };
    let granted = f.commands.grant_access(&taken, &own, request).await;
    granted.unwrap();

    let note = async |entries| f.commands.note_export(&reader, &own, day(), entries).await;
    assert!(!note(10).await.unwrap().duplicate);
    // Another node, when the ledger has another size.
    assert!(note(11).await.unwrap().duplicate);
    let noted = noted(&f, "northsea").await;
    let exports = noted.iter().filter(|(kind, _)| kind == "LedgerExported");
    let exports: Vec<&String> = exports.map(|(_, payload)| payload).collect();
    assert_eq!(exports.len(), 1, "{exports:?}");
    assert!(exports[0].contains(&reader.actor()), "{exports:?}");
    let tomorrow = day().succ_opt().unwrap();
    let next = f.commands.note_export(&reader, &own, tomorrow, 11).await;
    assert!(!next.unwrap().duplicate);
}

#[tokio::test]
async fn what_the_platform_does_to_a_members_account_is_an_entry_of_the_organisation() {
    let f = with_a_site().await;
    let own = slug("northsea");
    let id = account(&f, Role::Operator, Some(&own)).await;
    let (commands, name) = (&f.commands, "otto".parse().unwrap());
    let reset = commands.reset_password(&admin(), &name).await.unwrap();
    assert!(reset.is_some());
    let nobody = "nobody".parse().unwrap();
    assert!(matches!(
        commands.reset_password(&admin(), &nobody).await,
        Ok(None)
    ));
    assert!(
        commands
            .link_identity(&admin(), &subject(), id)
            .await
            .unwrap()
    );
    let other = AccountId(Uuid::new_v4());
    let refused = commands.link_identity(&admin(), &subject(), other).await;
    assert!(!refused.unwrap(), "the subject is another account");
    for ended in [true, false] {
        let unlinked = commands.unlink_identity(&admin(), id).await.unwrap();
        assert_eq!(unlinked, ended);
    }
    let expected = [
        "RoleAssigned",
        "PasswordReset",
        "IdentityLinked",
        "IdentityUnlinked",
    ];
    assert_eq!(kinds(&f, "northsea").await, expected);
    for (_, payload) in noted(&f, "northsea").await {
        assert!(payload.contains(&id.to_string()), "{payload}");
    }

    let mut operator = admin();
    operator.principal = Principal::signed_in(id, name.clone(), Role::Operator, Some(own));
    let refused = commands.reset_password(&operator, &name).await;
    assert!(matches!(refused, Err(CommandError::Denied(_))));
    assert_eq!(kinds(&f, "northsea").await.len(), expected.len());
}

#[tokio::test]
async fn what_happens_to_the_platform_and_to_accounts_of_no_organisation_is_in_its_own_ledger() {
    let f = with_a_site().await;
    let id = account(&f, Role::Auditor, None).await;
    let (commands, name) = (&f.commands, "otto".parse().unwrap());
    assert_eq!(kinds(&f, "admin").await, [""; 0], "there is no such ledger");
    commands.reset_password(&admin(), &name).await.unwrap();
    let note = AccessNote::TokenKeysRotated { compromised: true };
    commands.note_platform(&admin(), note).await.unwrap();
    let linked = commands.link_identity(&admin(), &subject(), id).await;
    assert!(linked.unwrap());
    let added = commands.note_added(&admin(), &name, Role::Auditor).await;
    added.unwrap();
    let erased = commands.erase_account(&admin(), &name).await.unwrap();
    assert_eq!(erased, Some(id));
    let expected = [
        "PasswordReset",
        "TokenKeysRotated",
        "IdentityLinked",
        "AccountAdded",
        "AccountErased",
    ];
    assert_eq!(kinds(&f, "admin").await, expected);
    assert_eq!(kinds(&f, "northsea").await, [""; 0]);
}

#[tokio::test]
async fn a_second_factor_of_ones_own_is_noted_when_it_comes_and_before_it_goes() {
    let f = with_a_site().await;
    let own = slug("northsea");
    let id = account(&f, Role::Operator, Some(&own)).await;
    let name = "otto".parse().unwrap();
    let by = || {
        context(Principal::signed_in(
            id,
            "otto".parse().unwrap(),
            Role::Operator,
            None,
        ))
    };
    let disabled = f.commands.disable_second_factor(&by(), id).await;
    assert!(!disabled.unwrap(), "there is none yet");
    let pool = &f.database.pool;
    let key = sealrock_access::FactorKey::from_bytes(&[3; 32]);
    let begun = second_factor::enrol(pool, &key, id, &name).await.unwrap();
    let secret = totp_rs::Secret::Encoded(begun.secret).to_bytes().unwrap();
    let app = totp_rs::TOTP::new(totp_rs::Algorithm::SHA1, 6, 0, 30, secret).unwrap();
    let code = app.generate_current().unwrap();
    second_factor::confirm(pool, &key, id, &code).await.unwrap();
    f.commands.note_second_factor(&by(), id).await.unwrap();
    let disabled = f.commands.disable_second_factor(&by(), id).await;
    assert!(disabled.unwrap());
    assert!(!second_factor::is_enrolled(pool, id).await.unwrap());
    assert_eq!(
        kinds(&f, "northsea").await,
        ["RoleAssigned", "MfaEnrolled", "MfaDisabled"]
    );
}

#[tokio::test]
async fn invitations_are_entries_when_they_are_made_and_withdrawn() {
    let f = with_a_site().await;
    let (pool, by) = (&f.database.pool, AccountId(Uuid::from_u128(7)));
    let place = |organisation: &str| Place {
        organisation: slug(organisation),
        role: Role::Operator,
        sites: Some(vec![slug("plant-1")]),
    };
    let (made, token) = f
        .commands
        .invite(&admin(), &place("northsea"), by)
        .await
        .unwrap();
    let own = slug("northsea");
    for withdrawn in [true, false] {
        let by = admin();
        let answer = f.commands.withdraw_invitation(&by, &own, made.id).await;
        assert_eq!(answer.unwrap(), withdrawn);
    }
    let noted = noted(&f, "northsea").await;
    let kinds: Vec<&str> = noted.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["UserInvited", "InvitationWithdrawn"]);
    for (_, payload) in &noted {
        assert!(payload.contains(&made.id.to_string()), "{payload}");
        assert!(!payload.contains(token.reveal()), "{payload}");
    }

    // What cannot be noted has not happened.
    let nowhere = slug("nowhere");
    let refused = f.commands.invite(&admin(), &place("nowhere"), by).await;
    assert!(matches!(refused, Err(CommandError::NotFound(_))));
    assert_eq!(invitations::list(pool, &nowhere).await.unwrap(), []);
    let (made, _) = invitations::invite(pool, &place("nowhere"), by)
        .await
        .unwrap();
    let asked = admin();
    let refused = f.commands.withdraw_invitation(&asked, &nowhere, made.id);
    assert!(matches!(refused.await, Err(CommandError::NotFound(_))));
    // But for what was offered: it does not come back.
    assert_eq!(invitations::list(pool, &nowhere).await.unwrap(), []);
}

#[tokio::test]
async fn a_registration_that_is_declined_is_an_entry_and_the_account_is_gone() {
    let f = with_a_site().await;
    let (pool, own) = (&f.database.pool, slug("northsea"));
    let registration = Registration {
        organisation: own.clone(),
        username: "otto".parse().unwrap(),
        mail: "otto@example.org".parse().unwrap(),
        password: Password::new(PHRASE),
    };
    registrations::register(pool, registration, None)
        .await
        .unwrap();
    let waiting = registrations::list(pool, &own).await.unwrap();
    let (by, id) = (admin(), waiting[0].id);
    f.commands
        .decline_registration(&by, &own, id)
        .await
        .unwrap();
    assert_eq!(registrations::list(pool, &own).await.unwrap().len(), 0);
    assert_eq!(kinds(&f, "northsea").await, ["RegistrationDeclined"]);
    let again = f.commands.decline_registration(&by, &own, id).await;
    assert!(matches!(again, Err(CommandError::NotFound(_))));
    assert_eq!(kinds(&f, "northsea").await.len(), 1);
}
