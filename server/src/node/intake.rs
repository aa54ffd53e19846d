//! The role `ingest`: what devices send, by the embedded broker and `POST /ingest`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::Utc;
use sealrock_commands::Devices;
use sealrock_ingest::{
    BatchSink, Broker, BrokerConfig, DeadLetters, EmbeddedBroker, PostgresDeadLetters,
};
use sealrock_projections::ReadModels;
use sealrock_projections::device_status::NodeId;
use tokio::task::JoinHandle;

use super::end;
use crate::config::Config;
use crate::lockout::Lockouts;
use crate::platform::Platform;
use crate::presence;

/// Everything that takes batches, before the first device is let in.
pub(super) struct Door {
    sink: Arc<dyn BatchSink>,
    letters: Arc<dyn DeadLetters>,
    lockouts: Lockouts,
    models: ReadModels,
    node: NodeId,
}

/// What takes batches from devices.
pub(super) struct Intake {
    broker: Arc<EmbeddedBroker>,
    presence: JoinHandle<()>,
    lockout: JoinHandle<()>,
}

impl Door {
    /// Prepares what devices are let in by.
    ///
    /// # Errors
    /// If the database is away.
    pub(super) async fn prepare(platform: &Platform, node: NodeId) -> anyhow::Result<Self> {
        let store = &platform.store;
        let models = ReadModels::new(store.clone());
        // Who was connected here when the last run ended is not connected now.
        models.begin_presence(node, Utc::now()).await?;
        Ok(Self {
            sink: Arc::new(Devices::new(platform.commands.clone())),
            letters: Arc::new(PostgresDeadLetters::new(store.pool().clone())),
            // Known before a device can connect, so that no lockout is missed.
            lockouts: Lockouts::begin(store.clone()).await?,
            models,
            node,
        })
    }

    /// `POST /ingest`.
    pub(super) fn routes(&self) -> Router {
        sealrock_ingest::router(Arc::clone(&self.sink), Arc::clone(&self.letters))
    }

    /// Lets devices in.
    ///
    /// # Errors
    /// If a port is taken or the folder of sessions is in use.
    pub(super) async fn open(self, config: &Config) -> anyhow::Result<Intake> {
        let broker = BrokerConfig {
            websocket: config.mqtt_ws,
            ..BrokerConfig::new(config.mqtt, config.broker_folder())
        };
        let (broker, present) = EmbeddedBroker::start(broker, self.sink, self.letters).await?;
        let broker = Arc::new(broker);
        Ok(Intake {
            lockout: tokio::spawn(self.lockouts.follow(Arc::clone(&broker) as Arc<dyn Broker>)),
            presence: tokio::spawn(presence::follow(self.node, present, self.models)),
            broker,
        })
    }
}

impl Intake {
    /// Who knows which devices are connected.
    pub(super) fn broker(&self) -> Arc<dyn Broker> {
        Arc::clone(&self.broker) as Arc<dyn Broker>
    }

    /// Where devices connect.
    pub(super) fn mqtt(&self) -> SocketAddr {
        self.broker.local_addr()
    }

    /// Where devices connect by WebSocket, if they can.
    pub(super) fn websocket(&self) -> Option<SocketAddr> {
        self.broker.websocket_addr()
    }

    /// Takes nothing new, and lets what was taken be recorded and acknowledged.
    pub(super) async fn stop(&self, grace: Duration) {
        self.broker.stop(grace).await;
    }

    /// Ends what follows the broker, which must have stopped.
    pub(super) async fn end(self) {
        self.lockout.abort();
        let _aborted = self.lockout.await;
        // The broker's end is the end of the presence stream.
        drop(self.broker);
        end("presence", self.presence).await;
    }
}
