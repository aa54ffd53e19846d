//! The role `ingest`: what devices send, by the embedded broker, an external one, and `POST /ingest`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::Utc;
use sealrock_commands::Devices;
use sealrock_ingest::{
    BatchSink, Broker, BrokerConfig, BrokerTls, DeadLetters, EmbeddedBroker, ExternalBroker,
    ExternalConfig, Mappings, PostgresDeadLetters, StrangerTerms,
};
use sealrock_projections::ReadModels;
use sealrock_projections::device_status::NodeId;
use tokio::task::JoinHandle;

use super::end;
use crate::config::Config;
use crate::external;
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
    mappings: Arc<Mappings>,
    external: Option<ExternalConfig>,
}

/// What takes batches from devices.
pub(super) struct Intake {
    embedded: Option<Embedded>,
    external: Option<ExternalBroker>,
    presence: Vec<JoinHandle<()>>,
}

/// The embedded broker, and what ends connections in it.
struct Embedded {
    broker: Arc<EmbeddedBroker>,
    lockout: JoinHandle<()>,
}

impl Door {
    /// Prepares what devices are let in by.
    ///
    /// # Errors
    /// If the database is away, or what is set of topics and brokers cannot be used.
    pub(super) async fn prepare(
        config: &Config,
        platform: &Platform,
        node: NodeId,
    ) -> anyhow::Result<Self> {
        let store = &platform.store;
        let mappings = external::mappings(config)?;
        let models = ReadModels::new(store.clone());
        // Who was connected here when the last run ended is not connected now.
        models.begin_presence(node, Utc::now()).await?;
        let devices = Devices::new(platform.commands.clone());
        let devices = match config.device_rate {
            Some(rate) => devices.at_most(rate),
            None => devices,
        };
        Ok(Self {
            sink: Arc::new(devices),
            letters: Arc::new(PostgresDeadLetters::new(store.pool().clone())),
            // Known before a device can connect, so that no lockout is missed.
            lockouts: Lockouts::begin(store.clone()).await?,
            external: external::broker(config, &mappings, node)?,
            mappings,
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
    /// If a port is taken, the folder of sessions is in use, or a certificate cannot be read.
    pub(super) async fn open(
        self,
        config: &Config,
        tls: Option<BrokerTls>,
    ) -> anyhow::Result<Intake> {
        let mut presence = Vec::new();
        let embedded = match config.embedded_broker() {
            None => None,
            Some(mqtt) => {
                let broker = BrokerConfig {
                    websocket: config.mqtt_ws,
                    mappings: self.mappings,
                    tls,
                    strangers: StrangerTerms {
                        per_second: config.stranger_rate,
                        proxies: config.proxies(),
                        ..StrangerTerms::default()
                    },
                    ..BrokerConfig::new(mqtt, config.broker_folder())
                };
                let (sink, letters) = (Arc::clone(&self.sink), Arc::clone(&self.letters));
                let (broker, present) = EmbeddedBroker::start(broker, sink, letters).await?;
                let broker = Arc::new(broker);
                let lockouts = self.lockouts.follow(Arc::clone(&broker) as Arc<dyn Broker>);
                presence.push(tokio::spawn(presence::follow(
                    self.node,
                    present,
                    self.models.clone(),
                )));
                let lockout = tokio::spawn(lockouts);
                Some(Embedded { broker, lockout })
            }
        };
        let external = match self.external {
            None => None,
            Some(external) => {
                let (broker, present) = ExternalBroker::start(&external, self.sink, self.letters)?;
                let there = external::place(&external);
                presence.push(tokio::spawn(presence::follow(there, present, self.models)));
                Some(broker)
            }
        };
        Ok(Intake {
            embedded,
            external,
            presence,
        })
    }
}

impl Intake {
    /// Who knows which devices are connected here.
    pub(super) fn broker(&self) -> Option<Arc<dyn Broker>> {
        let embedded = self.embedded.as_ref()?;
        Some(Arc::clone(&embedded.broker) as Arc<dyn Broker>)
    }

    /// Where devices connect, if they connect here.
    pub(super) fn mqtt(&self) -> Option<SocketAddr> {
        let embedded = self.embedded.as_ref();
        embedded.map(|embedded| embedded.broker.local_addr())
    }

    /// Where devices connect by WebSocket, if they can.
    pub(super) fn websocket(&self) -> Option<SocketAddr> {
        self.embedded.as_ref()?.broker.websocket_addr()
    }

    /// Takes nothing new, and lets what was taken be recorded and acknowledged.
    pub(super) async fn stop(&self, grace: Duration) {
        let embedded = async {
            if let Some(embedded) = &self.embedded {
                embedded.broker.stop(grace).await;
            }
        };
        let external = async {
            if let Some(external) = &self.external {
                external.stop(grace).await;
            }
        };
        tokio::join!(embedded, external);
    }

    /// Ends what follows the brokers, which must have stopped.
    pub(super) async fn end(self) {
        if let Some(Embedded { broker, lockout }) = self.embedded {
            lockout.abort();
            let _aborted = lockout.await;
            // A broker's end is the end of its presence stream.
            drop(broker);
        }
        drop(self.external);
        for presence in self.presence {
            end("presence", presence).await;
        }
    }
}
