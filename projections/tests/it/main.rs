//! The read side on a real Postgres, fed by real appends.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod capturing;
mod continuing;
mod crediting;
mod erasing;
mod exactly_once;
mod leasing;
mod outage;
mod overview;
mod plant;
mod poison;
mod presence;
mod ranking;
mod rebuilding;
mod registering;
mod rolling_up;
mod sealing;
mod sharing;
mod telemetry;
mod wells;
