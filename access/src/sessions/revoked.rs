//! Sessions that were ended before their access tokens expired.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::SessionId;
use crate::AccessError;

/// How often the database is asked: what is revoked on one node has ended on all of them so much
/// later, and the time that the question takes.
pub const POLL: Duration = Duration::from_millis(300);

/// How long the end of a session is remembered here, whatever the database says: longer than any access
/// token of it holds.
const KEPT: Duration = Duration::from_mins(15);

/// The sessions whose access tokens prove nothing any more, as of the last [`POLL`]. Cheap to clone;
/// all clones know the same. While Postgres is away, what was known stays known.
#[derive(Clone, Debug)]
pub struct RevokedSessions(watch::Sender<Arc<Known>>);

/// Since when each is known here.
type Known = HashMap<SessionId, Instant>;

impl Default for RevokedSessions {
    fn default() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }
}

impl RevokedSessions {
    /// Whether this session was revoked. Only of a session whose access token has not expired.
    #[must_use]
    pub fn contains(&self, session: SessionId) -> bool {
        self.0.borrow().contains_key(&session)
    }

    /// Waits until the session is revoked; for ever, if it is not. Dropping the future is no loss.
    pub async fn wait(&self, session: SessionId) {
        let mut known = self.0.subscribe();
        // The sender lives as long as `self`, so this ends only when the session is known.
        let _ = known.wait_for(|known| known.contains_key(&session)).await;
    }

    /// Takes over what this node revokes itself, so that it holds here at once.
    pub fn add(&self, session: SessionId) {
        self.learn(&HashSet::from([session]));
    }

    /// Reads what is revoked anywhere.
    ///
    /// # Errors
    /// [`AccessError`]; what was known is known still.
    pub async fn read(&self, pool: &PgPool) -> Result<(), AccessError> {
        let read: Vec<Uuid> = sqlx::query_scalar(include_str!("sql/revoked.sql"))
            .fetch_all(pool)
            .await?;
        self.learn(&read.into_iter().map(SessionId).collect());
        Ok(())
    }

    /// What was read may be older than what this node has revoked since the question: nothing that is
    /// known is forgotten for not being in it.
    fn learn(&self, revoked: &HashSet<SessionId>) {
        let now = Instant::now();
        self.0.send_if_modified(|known| {
            let learnt = merged(known, revoked, now);
            let changed = learnt.is_some();
            if let Some(learnt) = learnt {
                *known = Arc::new(learnt);
            }
            changed
        });
    }

    /// Reads again and again. Ends when it is dropped.
    pub async fn follow(self, pool: PgPool) {
        let mut ticks = interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A node whose database is away answers nothing that these sessions could see.
            let _ = self.read(&pool).await;
        }
    }
}

/// What is known now; `None` if that is the same as before.
fn merged(known: &Known, revoked: &HashSet<SessionId>, now: Instant) -> Option<Known> {
    let news = revoked.iter().any(|session| !known.contains_key(session));
    let holds = |session: &SessionId, since: Instant| {
        revoked.contains(session) || now.duration_since(since) < KEPT
    };
    if !news && known.iter().all(|(session, since)| holds(session, *since)) {
        return None;
    }
    let mut merged = known.clone();
    merged.retain(|session, since| holds(session, *since));
    for session in revoked {
        merged.entry(*session).or_insert(now);
    }
    Some(merged)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_session_is_remembered_until_no_token_of_it_can_hold() {
        let (own, read) = (SessionId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        let (begun, none) = (Instant::now(), HashSet::new());
        let known = merged(&Known::new(), &HashSet::from([own]), begun).unwrap();
        let known = merged(&known, &HashSet::from([read]), begun).unwrap();
        assert!(known.contains_key(&own) && known.contains_key(&read));
        assert_eq!(merged(&known, &none, begun + KEPT / 2), None);
        let known = merged(&known, &HashSet::from([read]), begun + KEPT).unwrap();
        assert!(!known.contains_key(&own) && known.contains_key(&read));
        assert_eq!(merged(&known, &none, begun + KEPT), Some(Known::new()));
    }
}
