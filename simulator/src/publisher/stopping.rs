//! A request to stop, shared by all tasks of a run.

use tokio::sync::watch;

/// Asks for the stop. Dropping it asks too, so no task outlives its owner.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<bool>);

/// Hears the request. Clones hear the same one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A handle and its listener.
#[must_use]
pub fn stop() -> (StopHandle, Stop) {
    let (sender, receiver) = watch::channel(false);
    (StopHandle(sender), Stop(receiver))
}

impl StopHandle {
    /// Asks every listener to finish.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Returns once a stop was asked for; safe to cancel and to call again.
    pub async fn stopped(&mut self) {
        // An error means that the handle is gone, which is a stop as well.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}
