//! A real broker that can be killed, and that answers batches with receipts.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use mqtt5::QoS;
use mqtt5::broker::MqttBroker;
use mqtt5::broker::config::{AuthConfig, BrokerConfig, StorageConfig};
use mqtt5::broker::events::{BrokerEventHandler, ClientPublishEvent, PublishAction};
use mqtt5::broker::router::MessageRouter;
use mqtt5::packet::publish::PublishPacket;
use sealrock_simulator::{Broker, Credential, Slug};
use tokio::runtime::Runtime;

/// Topic and payload of what the broker took before it acknowledged.
pub type Taken = Arc<Mutex<Vec<(String, Bytes)>>>;

#[derive(Default)]
struct Receipts {
    taken: Taken,
    router: OnceLock<Arc<MessageRouter>>,
}

impl BrokerEventHandler for Receipts {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        Box::pin(async move {
            // Slow enough that a kill finds batches in flight.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let topic = event.topic.to_string();
            self.taken
                .lock()
                .unwrap()
                .push((topic.clone(), event.payload.clone()));
            if let Some(device) = topic.strip_suffix("/batch") {
                let batch: serde_json::Value = serde_json::from_slice(&event.payload).unwrap();
                let receipt = format!(r#"{{"seq":{},"index":7,"ledger":"test"}}"#, batch["seq"]);
                let receipt = PublishPacket::new(
                    format!("{device}/receipt"),
                    receipt.into_bytes(),
                    QoS::AtLeastOnce,
                );
                self.router
                    .get()
                    .unwrap()
                    .route_message(&receipt, None)
                    .await;
            }
            PublishAction::Handled
        })
    }
}

pub struct TestBroker {
    runtime: Option<Runtime>,
    pub address: SocketAddr,
    pub taken: Taken,
}

impl TestBroker {
    /// Listens on `address`; port 0 takes a free one.
    pub async fn start(address: SocketAddr) -> Self {
        let handler = Arc::new(Receipts::default());
        let config = BrokerConfig::new()
            .with_bind_address(address)
            .with_auth(AuthConfig::new().with_allow_anonymous(true))
            .with_storage(StorageConfig::new().with_persistence(false))
            .with_event_handler(handler.clone());
        let runtime = Runtime::new().unwrap();
        let started = runtime.spawn(async move {
            loop {
                match MqttBroker::with_config(config.clone()).await {
                    Ok(broker) => return broker,
                    // The killed one's port may take a moment.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        let mut broker = started.await.unwrap();
        handler.router.set(broker.router()).ok().unwrap();
        let address = broker.local_addr().unwrap();
        let taken = handler.taken.clone();
        runtime.spawn(async move { broker.run().await });
        Self {
            runtime: Some(runtime),
            address,
            taken,
        }
    }
}

/// Dropping kills it without a goodbye: sockets close, sessions are forgotten.
impl Drop for TestBroker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn free_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub fn credential(name: &str, address: SocketAddr) -> Credential {
    let names = ["demo", "site", name].map(|name| Slug::parse(name).unwrap());
    let broker = Broker {
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
    };
    Credential::new(format!("id-of-{name}"), "secret".into(), names, broker)
}
