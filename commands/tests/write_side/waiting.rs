//! People who registered by themselves, and what becomes of them.

use sealrock_access::registrations::{self, Registration};
use sealrock_access::{AccountId, IdentifyError, Password, Role, accounts};
use sealrock_commands::{CommandError, RegistrationError};
use sealrock_domain::access::AccessSettings;

use crate::fixture::{admin, slug};
use crate::people::{PHRASE, People, people};

fn wants(organisation: &str, name: &str) -> Registration {
    Registration {
        organisation: slug(organisation),
        username: name.parse().unwrap(),
        mail: format!("{name}@example.org").parse().unwrap(),
        password: Password::new(PHRASE),
    }
}

/// Lets people register.
async fn open(p: &People) {
    let settings = AccessSettings {
        self_registration: true,
        second_factor_required: false,
    };
    let (by, own) = (admin(), slug("northsea"));
    let change = p.f.commands.change_access_settings(&by, &own, settings);
    change.await.unwrap();
}

/// Somebody who registered, and waits.
async fn waiting(p: &People, name: &str) -> AccountId {
    open(p).await;
    let commands = &p.f.commands;
    commands
        .register(wants("northsea", name), None)
        .await
        .unwrap();
    only(p).await
}

async fn listed(p: &People) -> Vec<AccountId> {
    let own = slug("northsea");
    let waiting = p.f.commands.waiting(&admin(), &own).await.unwrap();
    waiting.into_iter().map(|one| one.id).collect()
}

async fn only(p: &People) -> AccountId {
    let listed = listed(p).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed[0]
}

async fn assign(p: &People, account: AccountId) -> Result<(), CommandError> {
    let (by, own) = (admin(), slug("northsea"));
    let assigned =
        p.f.commands
            .assign_role(&by, &own, account, Role::Operator, None);
    assigned.await.map(drop)
}

async fn decline(p: &People, account: AccountId) -> Result<(), CommandError> {
    let (by, own) = (admin(), slug("northsea"));
    p.f.commands.decline_registration(&by, &own, account).await
}

/// What its row says, whatever the ledger does: it has waited for long, and nobody holds it.
async fn waits_by_its_row(p: &People, account: AccountId) {
    let waits = "UPDATE access.accounts
        SET waiting_since = now() - interval '31 days', deciding_until = NULL WHERE account_id = $1";
    let waits = sqlx::query(waits).bind(account.as_uuid());
    waits.execute(&p.f.database.pool).await.unwrap();
}

#[tokio::test]
async fn somebody_registers_where_that_is_open_and_waits_for_a_role_and_strangers_write_no_ledger()
{
    let p = people().await;
    let own = slug("northsea");
    let mut told = Vec::new();
    for closed in ["northsea", "nowhere"] {
        let refused = p.f.commands.register(wants(closed, "otto"), None).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, RegistrationError::Closed), "{refused}");
        told.push(refused.to_string());
    }
    assert_eq!(
        told[0], told[1],
        "which organisations there are is not told"
    );

    open(&p).await;
    let before = p.f.entries().await.len();
    p.f.commands
        .register(wants("northsea", "otto"), None)
        .await
        .unwrap();
    assert_eq!(p.f.entries().await.len(), before);
    let entered = p.enter("otto").await;
    let waiting = p.identities.entered(entered.principal.clone()).await;
    assert!(
        matches!(waiting, Err(IdentifyError::Unauthenticated(_))),
        "{waiting:?}"
    );
    // Not by a server that starts, either.
    p.f.commands.record_roles_of_rows().await.unwrap();
    assert!(p.now(&entered).await.is_err());

    let waiting = p.f.commands.waiting(&admin(), &own).await.unwrap();
    let account = waiting[0].id;
    let by = admin();
    let member =
        p.f.commands
            .assign_role(&by, &own, account, Role::Operator, None);
    member.await.unwrap();
    let who = p.identities.entered(entered.principal).await.unwrap();
    assert_eq!(who.role(), Role::Operator);
    assert!(
        p.f.commands
            .waiting(&admin(), &own)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(p.naming(account).await, ["RoleAssigned"]);
    let by = admin();
    let declined = p.f.commands.decline_registration(&by, &own, account).await;
    assert!(matches!(declined, Err(CommandError::NotFound(_))));
}

#[tokio::test]
async fn of_two_who_give_the_same_role_at_once_neither_makes_a_member_wait_again() {
    let p = people().await;
    let account = waiting(&p, "otto").await;
    let (one, other) = tokio::join!(assign(&p, account), assign(&p, account));
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    let again = assign(&p, account).await.unwrap_err();
    assert!(matches!(again, CommandError::Rejected(_)), "{again}");
    assert!(listed(&p).await.is_empty());
    let declined = decline(&p, account).await;
    assert!(matches!(declined, Err(CommandError::NotFound(_))));
    p.enter("otto").await;
    assert_eq!(p.naming(account).await, ["RoleAssigned"]);
}

#[tokio::test]
async fn who_is_a_member_by_an_entry_is_neither_declined_nor_forgotten_though_the_row_waits() {
    let p = people().await;
    let account = waiting(&p, "otto").await;
    assign(&p, account).await.unwrap();
    // As if the server had ended behind the entry.
    waits_by_its_row(&p, account).await;
    assert!(listed(&p).await.is_empty());
    let declined = decline(&p, account).await;
    assert!(matches!(declined, Err(CommandError::NotFound(_))));
    waits_by_its_row(&p, account).await;
    p.f.commands.forget_registrations().await.unwrap();
    p.enter("otto").await;
}

#[tokio::test]
async fn who_was_about_to_get_a_role_when_a_server_ended_waits_still() {
    let p = people().await;
    let account = waiting(&p, "otto").await;
    let (pool, own) = (&p.f.database.pool, slug("northsea"));
    // The first step of giving a role, and no other.
    registrations::hold(pool, &own, account).await.unwrap();
    assert_eq!(only(&p).await, account);
    let held = decline(&p, account).await;
    assert!(matches!(held, Err(CommandError::NotFound(_))));
    assign(&p, account).await.unwrap();
    assert!(listed(&p).await.is_empty());
}

#[tokio::test]
async fn who_has_waited_for_a_month_is_forgotten_when_the_next_one_registers() {
    let p = people().await;
    let account = waiting(&p, "otto").await;
    waits_by_its_row(&p, account).await;
    let commands = &p.f.commands;
    commands
        .register(wants("northsea", "olga"), None)
        .await
        .unwrap();
    assert_ne!(only(&p).await, account);
    let name = "otto".parse().unwrap();
    let left = accounts::find_id(&p.f.database.pool, &name).await;
    assert_eq!(left.unwrap(), None);
}
