//! What happens to the accounts of members: being erased, losing a second factor, having to have one.

use std::sync::Arc;

use sealrock_access::gate::{Code, Entered, Gate, Proof};
use sealrock_access::sessions::{self, Client};
use sealrock_access::{
    AccountId, FactorKey, Identify, IdentifyError, Password, Permission, Principal, Refused, Role,
    Scope, TokenKey, Tokens, accounts, authorise, second_factor,
};
use sealrock_commands::{CommandError, Identities};
use sealrock_domain::access::AccessSettings;
use totp_rs::{Algorithm, Secret, TOTP};

use crate::fixture::{Fixture, admin, slug, with_a_site};

pub const PHRASE: &str = "otter marzipan quilt";

pub struct People {
    pub f: Fixture,
    pub gate: Gate,
    pub identities: Identities,
}

pub async fn people() -> People {
    let f = with_a_site().await;
    let tokens = Arc::new(Tokens::new(TokenKey::from_seed(&[3; 32]), "sealrock.test"));
    let factors = Arc::new(FactorKey::from_bytes(&[3; 32]));
    let gate = Gate::new(f.database.pool.clone(), tokens.clone(), factors);
    let identities = Identities::new(f.commands.clone(), tokens);
    People {
        f,
        gate,
        identities,
    }
}

impl People {
    /// A member of `northsea`, by an entry of its ledger.
    async fn member(&self, name: &str, role: Role) -> AccountId {
        let (pool, own) = (&self.f.database.pool, slug("northsea"));
        let (name, password) = (name.parse().unwrap(), Password::new(PHRASE));
        let added = accounts::add_with(pool, &name, role, Some(&own), password).await;
        self.f.commands.record_roles_of_rows().await.unwrap();
        added.unwrap()
    }

    pub async fn enter(&self, name: &str) -> Entered {
        let proof = Proof {
            username: name.to_owned(),
            password: Password::new(PHRASE),
            code: None,
        };
        let entered = self.gate.enter(proof, &Client::default(), true).await;
        entered.unwrap()
    }

    async fn enrol(&self, account: AccountId) {
        let name = "otto".parse().unwrap();
        let begun = self.gate.enrol(account, &name).await.unwrap();
        let secret = Secret::Encoded(begun.secret).to_bytes().unwrap();
        let app = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap();
        let code = Code(app.generate_current().unwrap());
        self.gate.confirm(account, &code, None).await.unwrap();
    }

    /// Who the bearer of what was entered with is.
    pub async fn now(&self, entered: &Entered) -> Result<Principal, IdentifyError> {
        self.identities.identify(&entered.token.token).await
    }

    async fn open_sessions(&self, account: AccountId) -> usize {
        let pool = &self.f.database.pool;
        sessions::list(pool, account).await.unwrap().len()
    }

    /// The types of the entries whose payload names an account, and no name of a person.
    pub async fn naming(&self, account: AccountId) -> Vec<String> {
        let mut types = Vec::new();
        for one in self.f.entries().await {
            let payload = one.payload.map(|payload| payload.bytes).unwrap_or_default();
            let text = String::from_utf8_lossy(&payload).into_owned();
            assert!(!text.contains("otto"), "{text}");
            if text.contains(&account.to_string()) {
                types.push(one.entry.kind.clone());
            }
        }
        types
    }
}

#[tokio::test]
async fn who_is_erased_is_no_member_any_more_and_has_no_session() {
    let p = people().await;
    let account = p.member("otto", Role::Operator).await;
    let entered = p.enter("otto").await;
    p.now(&entered).await.unwrap();
    let name = "otto".parse().unwrap();
    let erased = p.f.commands.erase_account(&admin(), &name).await.unwrap();
    assert_eq!(erased, Some(account));
    assert_eq!(
        p.naming(account).await,
        ["RoleAssigned", "MemberDeactivated"]
    );
    assert_eq!(p.open_sessions(account).await, 0);
    let renewed = p.gate.renew(&entered.refresh_token.unwrap()).await;
    assert!(renewed.is_err(), "{renewed:?}");
    let again = p.f.commands.erase_account(&admin(), &name).await.unwrap();
    assert_eq!(again, None);
}

#[tokio::test]
async fn the_last_administrator_is_not_erased_and_keeps_everything() {
    let p = people().await;
    let account = p.member("otto", Role::Admin).await;
    let entered = p.enter("otto").await;
    let name = "otto".parse().unwrap();
    let refused = p.f.commands.erase_account(&admin(), &name).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, CommandError::Rejected(_)), "{refused}");
    assert_eq!(p.open_sessions(account).await, 1);
    p.now(&entered).await.unwrap();
    p.member("olaf", Role::Admin).await;
    let erased = p.f.commands.erase_account(&admin(), &name).await.unwrap();
    assert_eq!(erased, Some(account));
}

#[tokio::test]
async fn somebody_of_no_organisation_is_erased_without_an_entry_of_any() {
    let p = people().await;
    let pool = &p.f.database.pool;
    let (name, password) = ("otto".parse().unwrap(), Password::new(PHRASE));
    let added = accounts::add_with(pool, &name, Role::Auditor, None, password).await;
    let before = p.f.entries().await.len();
    let erased = p.f.commands.erase_account(&admin(), &name).await.unwrap();
    assert_eq!(erased, Some(added.unwrap()));
    assert_eq!(p.f.entries().await.len(), before);
}

#[tokio::test]
async fn a_membership_that_ended_takes_its_sessions_with_it_for_good() {
    let p = people().await;
    let account = p.member("otto", Role::Operator).await;
    let entered = p.enter("otto").await;
    let own = slug("northsea");
    let by = admin();
    let left = p.f.commands.deactivate_member(&by, &own, account).await;
    left.unwrap();
    let gone = p.identities.entered(entered.principal.clone()).await;
    assert!(
        matches!(gone, Err(IdentifyError::Unauthenticated(_))),
        "{gone:?}"
    );
    let by = admin();
    let back =
        p.f.commands
            .assign_role(&by, &own, account, Role::Mrv, None);
    back.await.unwrap();
    let again = p.identities.entered(entered.principal).await.unwrap();
    assert_eq!(again.role(), Role::Mrv);
    let renewed = p.gate.renew(&entered.refresh_token.unwrap()).await;
    assert!(renewed.is_err(), "{renewed:?}");
}

#[tokio::test]
async fn a_second_factor_that_was_lost_is_taken_away_by_an_entry_that_names_the_account() {
    let p = people().await;
    let account = p.member("otto", Role::Operator).await;
    let own = slug("northsea");
    let reset = async |by| p.f.commands.reset_second_factor(&by, &own, account).await;
    assert!(reset(admin()).await.unwrap().is_none(), "there is none yet");
    p.enrol(account).await;
    let mut operator = admin();
    operator.principal = Principal::signed_in(
        account,
        "otto".parse().unwrap(),
        Role::Operator,
        Some(own.clone()),
    );
    let refused = reset(operator).await.unwrap_err();
    assert!(matches!(refused, CommandError::Denied(_)), "{refused}");
    let stranger = AccountId(uuid::Uuid::new_v4());
    let by = admin();
    let unknown = p.f.commands.reset_second_factor(&by, &own, stranger).await;
    assert!(matches!(unknown, Err(CommandError::NotFound(_))));

    assert!(reset(admin()).await.unwrap().is_some());
    assert_eq!(
        p.naming(account).await,
        ["RoleAssigned", "SecondFactorReset"]
    );
    let pool = &p.f.database.pool;
    assert!(!second_factor::is_enrolled(pool, account).await.unwrap());
    p.enter("otto").await;
}

#[tokio::test]
async fn where_a_second_factor_is_required_who_has_none_may_nothing_until_it_is_enrolled() {
    let p = people().await;
    let account = p.member("otto", Role::Operator).await;
    let entered = p.enter("otto").await;
    let own = slug("northsea");
    let may = async || {
        let who = p.now(&entered).await.unwrap();
        let scope = Scope::organisation(own.clone());
        authorise(&who, Permission::RecordCapture, &scope).map_err(|denied| denied.why)
    };
    assert_eq!(may().await, Ok(()));
    let settings = AccessSettings {
        self_registration: false,
        second_factor_required: true,
    };
    let by = admin();
    let change = p.f.commands.change_access_settings(&by, &own, settings);
    change.await.unwrap();
    tokio::time::sleep(sealrock_commands::FRESH).await;
    assert_eq!(may().await, Err(Refused::SecondFactor));
    p.enrol(account).await;
    // At once: nobody is told to wait who has done what was asked for.
    assert_eq!(may().await, Ok(()));
}
