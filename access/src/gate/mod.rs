//! The gate: who is let in, what they carry afterwards, and how they go on or leave.

mod error;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::accounts::{self, ChangePasswordError, Found};
use crate::links::{self, Subject};
use crate::second_factor::{self, EnrolError, Enrolment, FactorKey};
use crate::sessions::{self, Because, Client, Opened, RefreshError, RefreshToken};
use crate::throttle::{self, Attempt, TooManyAttempts};
use crate::{
    AccessError, AccountId, ClientAddress, IssuedToken, Password, Principal, SessionId, Tokens,
    Username, password,
};

pub use error::{EnterError, LockedOut, StepUpError};

/// Lets people in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    pool: PgPool,
    tokens: Arc<Tokens>,
    factors: Arc<FactorKey>,
}

/// What somebody says to be let in.
#[derive(Debug)]
pub struct Proof {
    /// The name of the account.
    pub username: String,
    /// Its password.
    pub password: Password,
    /// A code of the second factor, if it has one.
    pub code: Option<Code>,
}

/// A code of a second factor, or a recovery code. `Debug` does not show it.
pub struct Code(pub String);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(masked)")
    }
}

/// What somebody says to prove again who they are.
#[derive(Debug)]
pub enum StepUp {
    /// For who has no second factor.
    Password(Password),
    /// For who has one.
    Code(Code),
}

/// Somebody was let in.
#[derive(Debug)]
pub struct Entered {
    /// Always a [`Principal::User`].
    pub principal: Principal,
    /// What proves it from now on.
    pub token: IssuedToken,
    /// What renews the session, for a browser's cookie.
    pub refresh_token: Option<RefreshToken>,
}

impl Entered {
    /// Whether nothing is allowed before the password is changed.
    #[must_use]
    pub fn must_change_password(&self) -> bool {
        let principal = &self.principal;
        matches!(principal, Principal::User { must_change_password, .. } if *must_change_password)
    }
}

impl Gate {
    /// A gate to these accounts.
    #[must_use]
    pub fn new(pool: PgPool, tokens: Arc<Tokens>, factors: Arc<FactorKey>) -> Self {
        Self {
            pool,
            tokens,
            factors,
        }
    }

    /// What proves who was let in.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Opens a session for who proves to be somebody; a browser's can be renewed. A name that is not
    /// there costs the same work as a wrong password.
    ///
    /// # Errors
    /// [`EnterError`].
    pub async fn enter(
        &self,
        proof: Proof,
        client: &Client,
        browser: bool,
    ) -> Result<Entered, EnterError> {
        let attempt = throttle::attempt(&self.pool, &proof.username, client.address).await?;
        let (found, shown) = match self.shown(proof).await {
            Ok(shown) => shown,
            Err(error) => return Err(self.unchecked(attempt, error).await?.into()),
        };
        match (found, shown) {
            (Some(found), Shown::Right) => {
                attempt.right(&self.pool).await?;
                let entered = self.open(&found, client, browser).await?;
                entered.ok_or(EnterError::WrongCredentials)
            }
            (_, Shown::NoCode) => {
                attempt.undecided(&self.pool).await?;
                Err(EnterError::SecondFactorRequired)
            }
            (found, _) => {
                let locked_out = failed(attempt, found.as_ref());
                Err(locked_out.map_or(EnterError::WrongCredentials, EnterError::LockedOut))
            }
        }
    }

    /// The account of that name, and what the proof shows.
    async fn shown(&self, proof: Proof) -> Result<(Option<Found>, Shown), AccessError> {
        let found = accounts::find(&self.pool, &proof.username).await?;
        let kept = found.as_ref().map(|found| found.password_hash.clone());
        let right = password::check(proof.password, kept).await?;
        let Some(account) = found.as_ref().filter(|_| right).map(|found| found.id) else {
            return Ok((found, Shown::Wrong));
        };
        if !second_factor::is_enrolled(&self.pool, account).await? {
            return Ok((found, Shown::Right));
        }
        let Some(Code(code)) = &proof.code else {
            return Ok((found, Shown::NoCode));
        };
        let right = second_factor::check(&self.pool, &self.factors, account, code).await?;
        Ok((found, if right { Shown::Right } else { Shown::Wrong }))
    }

    /// What could not be looked at was not wrong.
    async fn unchecked(
        &self,
        attempt: Attempt,
        error: AccessError,
    ) -> Result<AccessError, AccessError> {
        attempt.undecided(&self.pool).await?;
        Ok(error)
    }

    /// Opens a browser's session for somebody of whom an identity provider has proved that they are this
    /// subject, and when they did. Who has a second factor here has not proved it, and when a provider
    /// keeps the time to itself it may have been long ago: what asks for a step-up asks for one then.
    /// `None` if the subject is nobody here.
    ///
    /// # Errors
    /// [`AccessError`]; no session is open then.
    pub async fn enter_linked(
        &self,
        subject: &Subject,
        proved: Option<DateTime<Utc>>,
        client: &Client,
    ) -> Result<Option<Entered>, AccessError> {
        let Some(account) = links::account_of(&self.pool, subject).await? else {
            return Ok(None);
        };
        let Some(found) = accounts::find_by_id(&self.pool, account).await? else {
            return Ok(None);
        };
        let mut transaction = self.pool.begin().await?;
        let held = accounts::hold(&mut transaction, &found).await?;
        // Who ends links holds the account too.
        if !held || links::account_of(&mut *transaction, subject).await? != Some(account) {
            return Ok(None);
        }
        let mut opened = sessions::open(&mut transaction, account, client, true).await?;
        // On this connection: a sign-in that holds one and waits for another could wait for its like.
        let enrolled = second_factor::is_enrolled(&mut *transaction, account).await?;
        let proved = proved.filter(|_| !enrolled).unwrap_or_default();
        opened.stepped_up = sessions::proved_at(&mut transaction, opened.id, proved).await?;
        transaction.commit().await?;
        Ok(Some(self.entered(&found, opened)))
    }

    /// Goes on with a browser's session.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub async fn renew(&self, token: &RefreshToken) -> Result<Entered, RefreshError> {
        let renewed = sessions::refresh(&self.pool, token).await;
        if let Err(RefreshError::Reused { account, session }) = &renewed {
            self.tokens.revoked().add(*session);
            tracing::warn!(%account, session = %session.0, "a refresh token was used twice: its session is ended");
            metrics::counter!("sealrock_sessions_reused_total").increment(1);
        }
        let renewed = renewed?;
        let found = accounts::find_by_id(&self.pool, renewed.account).await?;
        let found = found.ok_or(RefreshError::Ended)?;
        let principal = found.principal(renewed.session, renewed.stepped_up);
        Ok(Entered {
            token: self.tokens.issue(&principal),
            principal,
            refresh_token: renewed.next,
        })
    }

    /// Ends the session of a browser's cookie; `false` if it is not open.
    ///
    /// # Errors
    /// [`AccessError`]; it goes on then.
    pub async fn leave(&self, token: &RefreshToken) -> Result<bool, AccessError> {
        match sessions::session_of(&self.pool, token).await? {
            Some((account, session)) => self.end(account, session, Because::SignOut).await,
            None => Ok(false),
        }
    }

    /// Ends a session of this account; `false` if it has no such open session.
    ///
    /// # Errors
    /// [`AccessError`]; it goes on then.
    pub async fn end(
        &self,
        account: AccountId,
        session: SessionId,
        because: Because,
    ) -> Result<bool, AccessError> {
        let ended = sessions::revoke(&self.pool, account, session, because).await?;
        if ended {
            self.tokens.revoked().add(session);
        }
        Ok(ended)
    }

    /// Ends all sessions of this account but one; answers how many. Those of other nodes end when
    /// they look again.
    ///
    /// # Errors
    /// [`AccessError`]; all go on then.
    pub async fn end_all(
        &self,
        account: AccountId,
        except: Option<SessionId>,
        because: Because,
    ) -> Result<u64, AccessError> {
        let ended = sessions::revoke_all(&self.pool, account, except, because).await?;
        self.tokens.revoked().read(&self.pool).await?;
        Ok(ended)
    }

    /// Proves again who has a session: a token that says so.
    ///
    /// # Errors
    /// [`StepUpError`].
    pub async fn step_up(
        &self,
        who: &Principal,
        proof: StepUp,
        address: Option<ClientAddress>,
    ) -> Result<Entered, StepUpError> {
        let (found, Proved(session, _)) = self.session(who).await?;
        let attempt = throttle::attempt_within(&self.pool, found.id, address).await?;
        let shown = match self.shown_again(&found, proof).await {
            Ok(shown) => shown,
            Err(error) => return Err(self.unchecked(attempt, error).await?.into()),
        };
        match shown {
            Shown::Right => attempt.right(&self.pool).await?,
            Shown::NoCode => {
                attempt.undecided(&self.pool).await?;
                return Err(StepUpError::SecondFactorRequired);
            }
            Shown::Wrong => {
                let locked_out = failed(attempt, Some(&found));
                return Err(locked_out.map_or(StepUpError::Wrong, StepUpError::LockedOut));
            }
        }
        let stepped_up = sessions::step_up(&self.pool, session).await?;
        let principal = found.principal(session, stepped_up.ok_or(StepUpError::NoSession)?);
        Ok(Entered {
            token: self.tokens.issue(&principal),
            principal,
            refresh_token: None,
        })
    }

    async fn shown_again(&self, found: &Found, proof: StepUp) -> Result<Shown, AccessError> {
        let enrolled = second_factor::is_enrolled(&self.pool, found.id).await?;
        let right = match proof {
            StepUp::Code(Code(code)) if enrolled => {
                second_factor::check(&self.pool, &self.factors, found.id, &code).await?
            }
            StepUp::Password(_) if enrolled => return Ok(Shown::NoCode),
            StepUp::Password(password) => {
                password::check(password, Some(found.password_hash.clone())).await?
            }
            StepUp::Code(_) => false,
        };
        Ok(if right { Shown::Right } else { Shown::Wrong })
    }

    /// Replaces a password by one that its owner chose. All other sessions end; this one goes on by a
    /// token that is as old as the session's proof.
    ///
    /// # Errors
    /// [`ChangePasswordError`]; the old password still holds then.
    pub async fn change_password(
        &self,
        who: &Principal,
        current: Password,
        new: Password,
        address: Option<ClientAddress>,
    ) -> Result<Entered, ChangePasswordError> {
        let known = self.session(who).await.map_err(|error| match error {
            StepUpError::Access(error) => error.into(),
            _ => ChangePasswordError::WrongPassword,
        })?;
        let (found, Proved(session, stepped_up)) = known;
        let attempt = throttle::attempt_within(&self.pool, found.id, address).await?;
        let changed =
            accounts::change_password(&self.pool, found.id, current, new, Some(session)).await;
        match changed {
            Err(ChangePasswordError::WrongPassword) => {
                let wrong = ChangePasswordError::WrongPassword;
                let locked_out = failed(attempt, Some(&found));
                return Err(locked_out.map_or(wrong, ChangePasswordError::LockedOut));
            }
            Err(other) => {
                attempt.undecided(&self.pool).await?;
                return Err(other);
            }
            Ok(()) => attempt.right(&self.pool).await?,
        }
        self.tokens.revoked().read(&self.pool).await?;
        let found = accounts::find_by_id(&self.pool, found.id).await?;
        let found = found.ok_or(ChangePasswordError::WrongPassword)?;
        let principal = found.principal(session, stepped_up);
        Ok(Entered {
            token: self.tokens.issue(&principal),
            principal,
            refresh_token: None,
        })
    }

    /// Begins a second factor for the caller's own account.
    ///
    /// # Errors
    /// [`EnrolError`].
    pub async fn enrol(
        &self,
        account: AccountId,
        username: &Username,
    ) -> Result<Enrolment, EnrolError> {
        second_factor::enrol(&self.pool, &self.factors, account, username).await
    }

    /// The app shows the right codes; answers the recovery codes, once.
    ///
    /// # Errors
    /// [`EnrolError`].
    pub async fn confirm(
        &self,
        account: AccountId,
        code: &Code,
        address: Option<ClientAddress>,
    ) -> Result<Vec<String>, EnrolError> {
        let attempt = throttle::attempt_within(&self.pool, account, address).await?;
        let confirmed = second_factor::confirm(&self.pool, &self.factors, account, &code.0).await;
        match &confirmed {
            Ok(_) => attempt.right(&self.pool).await?,
            // Counted; the session is the owner's, so no alarm is raised.
            Err(EnrolError::WrongCode) => _ = attempt.wrong(),
            Err(_) => attempt.undecided(&self.pool).await?,
        }
        confirmed
    }

    async fn session(&self, who: &Principal) -> Result<(Found, Proved), StepUpError> {
        let Principal::User {
            id,
            session: Some(session),
            stepped_up: Some(stepped_up),
            ..
        } = who
        else {
            return Err(StepUpError::NoSession);
        };
        let found = accounts::find_by_id(&self.pool, *id).await?;
        let found = found.ok_or(StepUpError::NoSession)?;
        Ok((found, Proved(*session, *stepped_up)))
    }

    /// `None` if the account has been changed or erased since it was found: what was proved is worth
    /// nothing any more.
    async fn open(
        &self,
        found: &Found,
        client: &Client,
        browser: bool,
    ) -> Result<Option<Entered>, AccessError> {
        let mut transaction = self.pool.begin().await?;
        if !accounts::hold(&mut transaction, found).await? {
            return Ok(None);
        }
        let opened = sessions::open(&mut transaction, found.id, client, browser).await?;
        transaction.commit().await?;
        Ok(Some(self.entered(found, opened)))
    }

    fn entered(&self, found: &Found, opened: Opened) -> Entered {
        let principal = found.principal(opened.id, opened.stepped_up);
        Entered {
            token: self.tokens.issue(&principal),
            principal,
            refresh_token: opened.refresh_token,
        }
    }
}

/// A session, and when its owner last proved who they are.
struct Proved(SessionId, DateTime<Utc>);

/// What a proof shows.
enum Shown {
    Right,
    Wrong,
    /// The password is right, or not asked for, and the second factor's code is missing.
    NoCode,
}

/// Counts a failure; where the name is kept out from now on, for whoever raises the alarm.
fn failed(attempt: Attempt, found: Option<&Found>) -> Option<LockedOut> {
    metrics::counter!("sealrock_sign_ins_failed_total").increment(1);
    if !attempt.wrong() {
        return None;
    }
    if let Some(Found { id, .. }) = found {
        metrics::counter!("sealrock_lockouts_total").increment(1);
        tracing::warn!(account = %id, "too many wrong passwords or codes: the account is kept out for 15 minutes");
    }
    Some(LockedOut {
        account: found.map(|found| Box::new(found.principal_without_session())),
        failures: throttle::MOST,
        told: TooManyAttempts {
            until: Utc::now() + throttle::LOCKOUT,
        },
    })
}
