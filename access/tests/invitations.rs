//! Invitations on a real Postgres.
#![expect(clippy::unwrap_used)]

mod support;

use sealrock_access::invitations::{
    AcceptError, InvitationToken, Place, accept, accepted, invite, list, undo, withdraw,
};
use sealrock_access::{AccountId, Password, Principal, Role, accounts};
use sealrock_testkit::database;
use sqlx::PgPool;
use uuid::Uuid;

use support::{PHRASE, sign_in};

const ADA: AccountId = AccountId(Uuid::from_u128(1));

fn place() -> Place {
    Place {
        organisation: "northsea".parse().unwrap(),
        role: Role::Operator,
        sites: Some(vec!["plant-1".parse().unwrap()]),
    }
}

async fn take(
    pool: &PgPool,
    token: &InvitationToken,
    name: &str,
    password: &str,
) -> Result<AccountId, AcceptError> {
    let accepted = accept(pool, token, &name.parse().unwrap(), Password::new(password)).await;
    accepted.map(|(id, _)| id)
}

#[tokio::test]
async fn an_invited_person_chooses_name_and_password_and_is_what_they_were_invited_to_be() {
    let pool = database().await.pool;
    let (made, token) = invite(&pool, &place(), ADA).await.unwrap();
    assert_eq!(
        list(&pool, &place().organisation).await.unwrap(),
        std::slice::from_ref(&made)
    );
    let weak = take(&pool, &token, "otto", "otto").await.unwrap_err();
    assert!(matches!(weak, AcceptError::Account(_)), "{weak}");

    let name = "otto".parse().unwrap();
    let (id, invitation) = accept(&pool, &token, &name, Password::new(PHRASE))
        .await
        .unwrap();
    assert_eq!((&invitation.place, invitation.invited_by), (&place(), ADA));
    let entered = sign_in(&pool, "otto", Password::new(PHRASE)).await.unwrap();
    assert_eq!(entered.principal.actor(), format!("user/{id}"));
    assert_eq!(entered.principal.role(), Role::Operator);
    assert!(!entered.must_change_password());
    assert!(list(&pool, &place().organisation).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_invitation_is_good_once_even_for_two_who_take_it_at_once() {
    let pool = database().await.pool;
    let (_, token) = invite(&pool, &place(), ADA).await.unwrap();
    let (one, other) = tokio::join!(
        take(&pool, &token, "otto", PHRASE),
        take(&pool, &token, "olaf", PHRASE)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(accounts::list(&pool).await.unwrap().len(), 1);
    let again = take(&pool, &token, "oscar", PHRASE).await.unwrap_err();
    assert!(matches!(again, AcceptError::Invalid), "{again}");
}

#[tokio::test]
async fn an_invitation_that_is_withdrawn_old_or_nobodys_makes_no_account() {
    let pool = database().await.pool;
    let organisation = place().organisation;
    let (made, withdrawn) = invite(&pool, &place(), ADA).await.unwrap();
    let other = "southsea".parse().unwrap();
    assert!(!withdraw(&pool, &other, made.id).await.unwrap());
    assert!(withdraw(&pool, &organisation, made.id).await.unwrap());
    assert!(!withdraw(&pool, &organisation, made.id).await.unwrap());
    let (made, old) = invite(&pool, &place(), ADA).await.unwrap();
    let pass = "UPDATE access.invitations SET expires_at = now() WHERE invitation_id = $1";
    sqlx::query(pass)
        .bind(made.id)
        .execute(&pool)
        .await
        .unwrap();
    for token in [withdrawn, old, InvitationToken::new("nobody's")] {
        let refused = take(&pool, &token, "otto", PHRASE).await.unwrap_err();
        assert!(matches!(refused, AcceptError::Invalid), "{refused}");
    }
    assert!(accounts::list(&pool).await.unwrap().is_empty());
}

#[tokio::test]
async fn no_invitation_is_kept_or_shown() {
    let pool = database().await.pool;
    let (made, token) = invite(&pool, &place(), ADA).await.unwrap();
    let row: String = sqlx::query_scalar("SELECT i::text FROM access.invitations i")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!row.contains(token.reveal()));
    assert!(!format!("{token:?} {made:?}").contains(token.reveal()));
}

fn inviter(role: Role, own_sites: Option<&[&str]>) -> Principal {
    let northsea = Some("northsea".parse().unwrap());
    let mut inviter = Principal::signed_in(ADA, "ada".parse().unwrap(), role, northsea);
    if let Principal::User { sites, .. } = &mut inviter {
        *sites = own_sites.map(|own| own.iter().map(|site| site.parse().unwrap()).collect());
    }
    inviter
}

#[test]
fn nobody_invites_others_to_more_than_they_are() {
    for offered in Role::ACCOUNTS {
        for role in Role::ACCOUNTS {
            let place = Place {
                role: offered,
                ..place()
            };
            let expected = match role {
                Role::Admin => true,
                Role::HqManager => offered != Role::Admin,
                Role::SiteManager => matches!(offered, Role::Operator | Role::Maintenance),
                _ => false,
            };
            let may = place.may_be_offered_by(&inviter(role, None));
            assert_eq!(may, expected, "{role} offers {offered}");
        }
    }
    let everywhere = Place {
        sites: None,
        ..place()
    };
    let (here, elsewhere) = (Some(&["plant-1"][..]), Some(&["plant-2"][..]));
    assert!(place().may_be_offered_by(&inviter(Role::SiteManager, here)));
    assert!(!place().may_be_offered_by(&inviter(Role::SiteManager, elsewhere)));
    assert!(!everywhere.may_be_offered_by(&inviter(Role::SiteManager, here)));
}

#[tokio::test]
async fn an_invitation_that_came_to_nothing_can_be_taken_again() {
    let pool = database().await.pool;
    let (made, token) = invite(&pool, &place(), ADA).await.unwrap();
    take(&pool, &token, "otto", PHRASE).await.unwrap();
    let of_late = accepted(&pool).await.unwrap();
    let (otto, accepted) = &of_late[0];
    assert_eq!((of_late.len(), accepted.id), (1, made.id));
    undo(&pool, made.id, *otto).await.unwrap();
    take(&pool, &token, "otto", PHRASE).await.unwrap();
}

#[tokio::test]
async fn who_names_no_site_at_all_or_is_of_another_organisation_offers_nothing() {
    let nowhere = Place {
        sites: Some(Vec::new()),
        ..place()
    };
    assert!(!nowhere.may_be_offered_by(&inviter(Role::Admin, None)));
    let abroad = Place {
        organisation: "southsea".parse().unwrap(),
        ..place()
    };
    assert!(!abroad.may_be_offered_by(&inviter(Role::Admin, None)));
}
