//! A message that the write side panics on holds up nobody.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sealrock_commands::Devices;
use sealrock_domain::device::Fingerprint;
use sealrock_domain::{DeviceId, Slug};
use sealrock_ingest::{
    AuthError, BatchError, BatchReceipt, BatchSink, DeviceIdentity, ExternalBroker,
    PostgresDeadLetters,
};
use sealrock_testkit::{Mosquitto, database};

use crate::support::*;

/// The real write side, with a fault.
struct Faulty(Devices);

#[async_trait]
impl BatchSink for Faulty {
    async fn authenticate(
        &self,
        device: DeviceId,
        secret: &str,
    ) -> Result<DeviceIdentity, AuthError> {
        BatchSink::authenticate(&self.0, device, secret).await
    }

    async fn recognise(
        &self,
        device: DeviceId,
        certificate: Fingerprint,
    ) -> Result<DeviceIdentity, AuthError> {
        BatchSink::recognise(&self.0, device, certificate).await
    }

    fn within_rate(&self, identity: &DeviceIdentity) -> Result<(), BatchError> {
        BatchSink::within_rate(&self.0, identity)
    }

    async fn record_batch(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        bytes: Bytes,
    ) -> Result<BatchReceipt, BatchError> {
        assert!(bytes != batch(13), "the fault");
        BatchSink::record_batch(&self.0, identity, via, received_at, bytes).await
    }

    async fn vouched_for(
        &self,
        organisation: &Slug,
        site: &Slug,
        name: &Slug,
    ) -> Result<DeviceIdentity, BatchError> {
        BatchSink::vouched_for(&self.0, organisation, site, name).await
    }

    async fn record_mapped(
        &self,
        identity: &DeviceIdentity,
        via: &str,
        received_at: DateTime<Utc>,
        payload: Bytes,
    ) -> Result<BatchReceipt, BatchError> {
        BatchSink::record_mapped(&self.0, identity, via, received_at, payload).await
    }
}

#[tokio::test]
async fn a_message_that_the_platform_panics_on_is_a_dead_letter_and_the_next_are_acknowledged() {
    let world = World::on(database().await.pool).await;
    let mosquitto = Mosquitto::start(LASTING);
    let sink = Arc::new(Faulty(Devices::new(world.commands.clone())));
    let letters = Arc::new(PostgresDeadLetters::new(world.pool.clone()));
    let asked = config(&mosquitto, "node-1");
    let (broker, _presence) = ExternalBroker::start(&asked, sink, letters).unwrap();
    soon(broker.connected()).await;
    let mut receipts = Listener::to(&mosquitto, "sealrock/v1/+/+/meter-0/receipt").await;
    let sent = [("meter-0", 13), ("meter-0", 14), ("meter-1", 1)];
    let sent = sent.map(|(device, seq)| (topic(device, "batch"), batch(seq)));
    publish(&mosquitto, &sent).await;
    assert_eq!(receipts.next().await.1["error"]["code"], "failed");
    assert_eq!(receipts.next().await.1["seq"], 14);
    world.has_recorded(2).await;
    broker.stop(Duration::from_secs(20)).await;
    // With the fault mended: nothing comes again, so all was acknowledged.
    let broker = world.consume_connected(&asked).await;
    publish(&mosquitto, &[(topic("meter-0", "batch"), batch(15))]).await;
    assert_eq!(receipts.next().await.1["seq"], 15);
    broker.stop(Duration::from_secs(20)).await;
    assert_eq!(world.recorded().await.len(), 3);
}
