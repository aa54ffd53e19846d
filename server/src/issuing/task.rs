//! The server's part: looks what is to be done now and then.

use std::time::{Duration, Instant};

use chrono::Utc;
use sealrock_access::Principal;
use sealrock_commands::Context;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::standing::Standing;
use super::{Issuing, Tally};

/// How often it looks. A look is one query where nothing is to be done.
const EVERY: Duration = Duration::from_secs(1);

/// The platform's own context.
pub fn process() -> Context {
    let name = "issuing".parse().expect("issuing is a slug");
    Context {
        principal: Principal::Service { name },
        command: Uuid::now_v7(),
        via: "process:issuing".to_owned(),
        received_at: Utc::now(),
    }
}

impl Issuing {
    /// Carries issuances on until `stopping` is cancelled. What cannot go on is tried again after a
    /// while that grows to ten minutes.
    pub async fn run(self, stopping: CancellationToken) {
        let mut standing = Standing::default();
        let mut looks = tokio::time::interval(EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                _ = looks.tick() => {}
            }
            let now = Instant::now();
            let waiting = standing.waiting(now);
            let done = stopping.run_until_cancelled(self.advance(&waiting, &stopping));
            match done.await {
                Some(Ok(tally)) => {
                    standing.note(now, tally.failed.iter().map(|(step, _)| step.issuance()));
                    report(&tally, &standing);
                }
                Some(Err(error)) => tracing::warn!(%error, "issuances are carried on later"),
                None => return,
            }
        }
    }
}

fn report(tally: &Tally, standing: &Standing) {
    metrics::counter!("sealrock_issuance_steps_total").increment(tally.taken);
    let stand = u32::try_from(standing.len()).unwrap_or(u32::MAX);
    metrics::gauge!("sealrock_issuances_standing_still").set(stand);
    for (step, reason) in &tally.failed {
        let (issuance, rests_on) = (step.issuance(), step.rests_on());
        tracing::error!(%issuance, %rests_on, %reason,
            "an issuance cannot go on; it is tried again, and a person must look");
    }
    if tally.taken > 0 {
        tracing::info!(steps = tally.taken, "issuances carried on");
    }
}
