//! MQTT over WebSocket.

use mqtt5::{ConnectOptions, MqttClient};
use sealrock_ingest::{Broker, BrokerConfig};

use crate::support::{Platform, SECRET, device, soon, topic};

#[tokio::test]
async fn a_browser_like_client_publishes_over_websocket() {
    let websocket = Some("127.0.0.1:0".parse().unwrap());
    let platform = Platform::start_with(|config| BrokerConfig {
        websocket,
        ..config
    })
    .await;
    let stack = device("stack-1");
    let client = MqttClient::new("over websocket");
    let options =
        ConnectOptions::new("over websocket").with_credentials(stack.device.to_string(), SECRET);
    let url = format!("ws://{}/mqtt", platform.broker.websocket_addr().unwrap());
    soon(Box::pin(client.connect_with_options(&url, options)))
        .await
        .unwrap();
    soon(client.publish_qos1(topic(&stack, "batch"), r#"{"seq":1}"#))
        .await
        .unwrap();
    assert_eq!(platform.ledger.taken().len(), 1);
}
