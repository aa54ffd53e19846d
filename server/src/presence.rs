//! Who is connected: from the broker into the read model.

use std::time::Duration;

use sealrock_ingest::{Presence, PresenceStream};
use sealrock_projections::ReadModels;

/// Notes every change, in order; waits for Postgres where it is away. Ends with the stream.
pub async fn follow(mut stream: PresenceStream, models: ReadModels) {
    while let Some(Presence { device, online, at }) = stream.recv().await {
        while let Err(error) = models.set_presence(device.device, online, at).await {
            tracing::debug!(%error, device = %device.device, "presence is noted later");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}
