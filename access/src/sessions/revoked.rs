//! Sessions that were ended before their access tokens expired.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::SessionId;
use crate::AccessError;

/// How often the database is asked: what is revoked on one node has ended on all of them so much
/// later, and the time that the question takes.
pub const POLL: Duration = Duration::from_millis(300);

/// The sessions whose access tokens prove nothing any more, as of the last [`POLL`]. Cheap to clone;
/// all clones know the same. While Postgres is away, what was known stays known.
#[derive(Clone, Debug)]
pub struct RevokedSessions(watch::Sender<Arc<HashSet<SessionId>>>);

impl Default for RevokedSessions {
    fn default() -> Self {
        Self(watch::Sender::new(Arc::default()))
    }
}

impl RevokedSessions {
    /// Whether this session was revoked. Only of a session whose access token has not expired.
    #[must_use]
    pub fn contains(&self, session: SessionId) -> bool {
        self.0.borrow().contains(&session)
    }

    /// Waits until the session is revoked; for ever, if it is not. Dropping the future is no loss.
    pub async fn wait(&self, session: SessionId) {
        let mut known = self.0.subscribe();
        // The sender lives as long as `self`, so this ends only when the session is known.
        let _ = known.wait_for(|known| known.contains(&session)).await;
    }

    /// Takes over what this node revokes itself, so that it holds here at once.
    pub fn add(&self, session: SessionId) {
        self.0.send_if_modified(|known| {
            let unknown = !known.contains(&session);
            if unknown {
                Arc::make_mut(known).insert(session);
            }
            unknown
        });
    }

    /// Reads what is revoked anywhere.
    ///
    /// # Errors
    /// [`AccessError`]; what was known is known still.
    pub async fn read(&self, pool: &PgPool) -> Result<(), AccessError> {
        let read: Vec<Uuid> = sqlx::query_scalar(include_str!("sql/revoked.sql"))
            .fetch_all(pool)
            .await?;
        let read: HashSet<SessionId> = read.into_iter().map(SessionId).collect();
        self.0.send_if_modified(|known| {
            let changed = **known != read;
            if changed {
                *known = Arc::new(read);
            }
            changed
        });
        Ok(())
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
