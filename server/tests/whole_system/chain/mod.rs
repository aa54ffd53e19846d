//! The whole chain of a storage operator and a registry: a capture, an injection, a credit, walked by
//! GraphQL and MQTT alone, as the people and the devices of both. Each step has a command id of its
//! own, so any of them can be taken again on any node.

mod people;
mod steps;
mod telemetry;
mod told;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Device, SOON, Server};
pub use people::{People, Who, code};
pub use steps::{Step, figures};
use steps::{people_and_places, steps};
pub use telemetry::measured_hour;

/// An operator `northsea` with a capture unit and a well, and a registry `greenregister`.
pub struct Chain {
    pub people: People,
    /// The day of which all is told: yesterday, UTC.
    pub day: NaiveDate,
    /// What steps keep for later ones, by their names.
    kept: Mutex<HashMap<&'static str, Value>>,
    meter: Device,
    gauge: Device,
}

impl Chain {
    /// Registers organisations, people, places and devices on a new platform.
    pub async fn begin(server: &Server) -> Self {
        let day = Utc::now().date_naive() - Days::new(1);
        let admin = People::admin(server);
        for step in people_and_places("admin") {
            take_as(&admin, server, &step, &step.input).await.unwrap();
        }
        let people = People::hired(server);
        let mut devices = Vec::new();
        for step in people_and_places("sigrid") {
            let answer = take_as(&people, server, &step, &step.input).await.unwrap();
            let device = &answer["registerDevice"];
            if device.is_object() {
                let known = json!({
                    "id": device["deviceId"], "secret": device["secret"], "topic": device["topic"],
                });
                devices.push(Device(known));
            }
        }
        let (gauge, meter) = (devices.pop().unwrap(), devices.pop().unwrap());
        Self {
            people,
            day,
            kept: Mutex::default(),
            meter,
            gauge,
        }
    }

    /// Publishes what the devices measured, over MQTT; `false` if the broker went away meanwhile.
    pub async fn publish(&self, broker: &(String, u16)) -> bool {
        let captured = telemetry::batches(self.day, telemetry::CAPTURE);
        let injected = telemetry::batches(self.day, telemetry::INJECTION);
        telemetry::publish(broker, &self.meter, &captured).await
            && telemetry::publish(broker, &self.gauge, &injected).await
    }

    /// Seals the hours that were measured.
    pub fn seal(server: &Server) {
        server.command(&["seal", "northsea"]);
    }

    /// The steps of the people, in their order.
    pub fn steps(&self) -> Vec<Step> {
        steps(self.day)
    }

    /// Takes a step; its payload, or `None` if the node went away before it answered.
    pub async fn take(&self, server: &Server, step: &Step) -> Option<Value> {
        let mut answer = take_as(&self.people, server, step, &self.input(step)).await?;
        let payload = answer[step.mutation()].take();
        if let Some(field) = step.keeps {
            let mut kept = self.kept.lock().unwrap();
            let first = kept
                .entry(step.name)
                .or_insert_with(|| payload[field].clone());
            assert_eq!(*first, payload[field], "{}: the same command", step.name);
        }
        Some(payload)
    }

    /// The answer to a step as somebody takes it who may be refused.
    pub async fn try_as(&self, server: &Server, who: Who, step: &Step) -> Value {
        let variables = variables(step, &self.input(step));
        let answer = self.people.ask(server, who, &step.document, &variables);
        answer.await.expect("the node answers")
    }

    /// A step's input, with what earlier steps kept.
    fn input(&self, step: &Step) -> Value {
        let mut input = step.input.clone();
        if let Some((field, earlier)) = step.needs {
            input[field] = self.kept.lock().unwrap()[earlier].clone();
        }
        input
    }

    /// The data of a query.
    pub async fn query(&self, server: &Server, who: Who, document: &str) -> Value {
        let answer = self.people.ask(server, who, document, &json!({})).await;
        let mut answer = answer.expect("the node answers");
        assert!(answer.get("errors").is_none(), "{document}: {answer:#}");
        answer["data"].take()
    }
}

/// Takes a step, again and again while it answers that something is not there yet: what another
/// ledger's process manager does comes in its own time.
async fn take_as(people: &People, server: &Server, step: &Step, input: &Value) -> Option<Value> {
    let (begun, variables) = (Instant::now(), variables(step, input));
    loop {
        let mut answer = people
            .ask(server, step.who, &step.document, &variables)
            .await?;
        match code(&answer) {
            None => return Some(answer["data"].take()),
            Some("UNAVAILABLE" | "OUTCOME_UNKNOWN") => return None,
            Some(code) if step.waits_for == Some(code) && begun.elapsed() < SOON => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Some(_) => panic!("{} as {}: {answer:#}", step.name, step.who),
        }
    }
}

/// The id of a step's command is the same whenever and wherever it is taken.
fn variables(step: &Step, input: &Value) -> Value {
    let mut input = input.clone();
    input["commandId"] = json!(Uuid::new_v5(&Uuid::NAMESPACE_OID, step.name.as_bytes()));
    json!({ "input": input })
}
