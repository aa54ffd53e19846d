//! Nobody else would notice if the intake or the connection ended: they are started again.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::OptionsError;

/// Before both are started again.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts both tasks by `both`, and again when one of them ends untold. When `stopping` is cancelled
/// the intake ends, and then the connection; when `ending` is, the connection does at once.
///
/// `both` gets tokens of its own, which a task may cancel for the other one.
pub(super) async fn watching(
    both: impl Fn(CancellationToken, CancellationToken) -> Result<JoinSet<()>, OptionsError>,
    stopping: CancellationToken,
    ending: CancellationToken,
) {
    while !stopping.is_cancelled() {
        match both(stopping.child_token(), ending.child_token()) {
            Err(error) => tracing::error!(%error, "the external broker cannot be consumed"),
            Ok(mut tasks) => {
                let ended = tasks.join_next().await;
                if stopping.is_cancelled() {
                    // Whichever it was: the intake, and its connection is left in order, or the
                    // connection, and there is nothing to take any more.
                    let told = ending.is_cancelled();
                    ending.cancel();
                    if !told {
                        tasks.join_next().await;
                    }
                    return;
                }
                let panic = ended.and_then(Result::err);
                tracing::error!(
                    ?panic,
                    "a task of the external broker ended; starting it again"
                );
                tasks.shutdown().await;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stopping.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_started_again_with_the_other_and_both_end_when_they_are_told() {
        let (stopping, ending) = (CancellationToken::new(), CancellationToken::new());
        let (starts, again) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let (counted, told) = (Arc::clone(&starts), Arc::clone(&again));
        let both = move |stopping: CancellationToken, ending: CancellationToken| {
            let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
            let told = Arc::clone(&told);
            let mut tasks = JoinSet::new();
            tasks.spawn(async move {
                assert!(!first, "the fault");
                told.notify_one();
                stopping.cancelled().await;
            });
            tasks.spawn(async move { ending.cancelled().await });
            Ok(tasks)
        };
        let watching = tokio::spawn(watching(both, stopping.clone(), ending));
        again.notified().await;
        stopping.cancel();
        assert!(watching.await.is_ok());
        assert_eq!(starts.load(Ordering::SeqCst), 2);
    }
}
