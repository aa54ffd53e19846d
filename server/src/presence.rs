//! Who is connected: from this node's broker into the read model, and that this node lives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use sealrock_ingest::{Broker, Presence, PresenceStream};
use sealrock_projections::ReadModels;
use sealrock_projections::device_status::NodeId;
use tokio_util::sync::CancellationToken;

/// How often a node says that it lives.
const BEAT: Duration = Duration::from_secs(5);
/// How long a node may be silent before its devices count as disconnected.
const SILENCE: Duration = Duration::from_secs(15);

/// Notes every change, in order; waits for Postgres where it is away. Ends with the stream.
pub async fn follow(node: NodeId, mut stream: PresenceStream, models: ReadModels) {
    while let Some(Presence { device, online, at }) = stream.recv().await {
        while let Err(error) = models.set_presence(node, device.device, online, at).await {
            tracing::debug!(%error, device = %device.device, "presence is noted later");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Says that this node lives, and looks for nodes that do so no more, until `stopping`. A node
/// without a broker has no devices, and looks too: there may be nobody else.
pub async fn beat(
    node: NodeId,
    broker: Option<Arc<dyn Broker>>,
    models: ReadModels,
    stopping: CancellationToken,
) {
    let mut last = None::<Instant>;
    loop {
        // After Postgres was away everybody is silent: the others have a beat's time to speak.
        let was_there = last.is_some_and(|last| last.elapsed() < SILENCE);
        let connected = broker.as_ref().map(|broker| broker.online());
        match round(node, &connected.unwrap_or_default(), &models, was_there).await {
            Ok(()) => last = Some(Instant::now()),
            Err(error) => tracing::debug!(%error, "this node says later that it lives"),
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(BEAT) => {}
        }
    }
}

async fn round(
    node: NodeId,
    connected: &[sealrock_domain::DeviceId],
    models: &ReadModels,
    may_bury: bool,
) -> Result<(), sealrock_projections::QueryError> {
    models.beat(node, connected).await?;
    if may_bury {
        models.bury_silent_nodes(SILENCE).await?;
    }
    Ok(())
}

/// Says that this node ends.
pub async fn leave(node: NodeId, models: &ReadModels) {
    if let Err(error) = models.leave(node, Utc::now()).await {
        tracing::debug!(%error, "others will notice that this node is silent");
    }
}
