//! A platform without devices and brokers: event store, commands, projections and this crate.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::{SinkExt, StreamExt};
use sealrock_access::{FactorKey, Gate, Principal, TokenKey, Tokens, accounts};
use sealrock_commands::{
    AGGREGATES, BatchError, Commands, Context, DeviceIdentity, Devices, GapsToSeal, GrantRequest,
    Identities, Sealing, WindowToSeal,
};
use sealrock_domain::{DeviceId, EventType};
use sealrock_eventstore::{Append, EventStore, Expected, KeyFiles, NewEvent, Operator, Retention};
use sealrock_graphql::{GraphqlSettings, GraphqlState, router};
use sealrock_ledger::{Hash, LogKey};
use sealrock_projections::{ReadModels, Runner};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, PgPool};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;
use uuid::Uuid;

pub struct World {
    pub address: String,
    pub tokens: Arc<Tokens>,
    token: String,
    devices: Devices,
    pub commands: Commands,
    read: ReadModels,
    pub store: EventStore,
    /// Where the accounts are.
    pub pool: PgPool,
    /// Password of the account `admin`.
    pub password: String,
    _stop: DropGuard,
    keys: TempDir,
}

/// Events reach the read models, and a mutation may wait long for them.
pub async fn start() -> World {
    start_on(sealrock_testkit::database().await.pool).await
}

/// As [`start`], on a database of the test's own.
pub async fn start_on(pool: PgPool) -> World {
    World::new(pool, true, Duration::from_secs(20)).await
}

/// Read models stand still.
pub async fn start_without_projections() -> World {
    World::new(
        sealrock_testkit::database().await.pool,
        false,
        Duration::from_millis(200),
    )
    .await
}

/// The span that a request is answered in.
pub const ASKED: &str = "asked";

async fn asked(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    next.run(request)
        .instrument(tracing::info_span!(ASKED))
        .await
}

impl World {
    async fn new(pool: PgPool, project: bool, patience: Duration) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let key_source = Arc::new(KeyFiles::new(keys.path()));
        let store = EventStore::open(pool.clone(), key_source, "test.example")
            .await
            .unwrap();
        let runner = Runner::new(store.clone(), sealrock_projections::all());
        runner.prepare().await.unwrap();
        let stop = CancellationToken::new();
        if project {
            let (runner, stop) = (runner.clone(), stop.clone());
            tokio::spawn(async move { runner.run(stop).await });
        }
        let admin = accounts::create_first_admin(&pool).await.unwrap().unwrap();
        let tokens = Arc::new(Tokens::new(TokenKey::from_seed(&[9; 32]), "test.example"));
        let factors = Arc::new(FactorKey::from_bytes(&[9; 32]));
        let gate = Gate::new(pool.clone(), tokens.clone(), factors);
        let commands = Commands::new(store.clone(), true);
        let state = GraphqlState {
            commands: commands.clone(),
            read: ReadModels::new(store.clone()),
            runner,
            identities: Identities::new(commands.clone(), tokens.clone()),
            gate: gate.clone(),
            pool: pool.clone(),
            patience,
            development: false,
            settings: GraphqlSettings {
                introspection: Some(true),
                ..GraphqlSettings::default()
            },
            shutdown: stop.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let routes = router(state).layer(axum::middleware::from_fn(asked));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let service = Principal::Service {
            name: "test".parse().unwrap(),
        };
        Self {
            address,
            token: tokens.issue(&service).token,
            tokens,
            devices: Devices::new(commands.clone()),
            commands,
            read: ReadModels::new(store.clone()),
            store,
            pool,
            password: admin.password.reveal().to_owned(),
            _stop: stop.drop_guard(),
            keys,
        }
    }

    /// A token of this principal, whose account is there.
    pub fn token_of(&self, principal: &Principal) -> String {
        self.enrol(principal);
        self.tokens.issue(principal).token
    }

    /// The token that may do everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A command of who has the machine.
    pub fn by_hand() -> Context {
        Context {
            principal: Principal::Service {
                name: "cli".parse().unwrap(),
            },
            command: Uuid::new_v4(),
            via: "cli".to_owned(),
            received_at: Utc::now(),
        }
    }

    /// A token of this principal, whose account, limits and grants are there.
    pub async fn member(&self, principal: &Principal) -> String {
        let token = self.token_of(principal);
        let Principal::User {
            id,
            role,
            organisation: Some(own),
            sites,
            grants,
            ..
        } = principal
        else {
            return token;
        };
        if sites.is_some() {
            let by = Self::by_hand();
            let assigned = self
                .commands
                .assign_role(&by, own, *id, *role, sites.clone());
            assigned.await.unwrap();
        }
        for grant in grants {
            let request = GrantRequest {
                to: own.clone(),
                role: *role,
                sites: grant.sites.clone(),
                until: grant.until,
            };
            let by = Self::by_hand();
            let granted = self
                .commands
                .grant_access(&by, &grant.organisation, request);
            granted.await.unwrap();
        }
        token
    }

    /// Makes the account, as of before ledgers named roles. On a thread of its own: tests ask for
    /// tokens where they cannot wait.
    fn enrol(&self, principal: &Principal) {
        let Principal::User {
            id,
            role,
            organisation,
            ..
        } = principal
        else {
            return;
        };
        let (id, role, own) = (*id, *role, organisation.as_ref().map(ToString::to_string));
        let options = self.pool.connect_options().as_ref().clone();
        let enrolling = async move {
            let mut connection = PgConnection::connect_with(&options).await.unwrap();
            sqlx::query(ENROL)
                .bind(id.0)
                .bind(role.name())
                .bind(own)
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        };
        let thread = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(enrolling);
        });
        thread.join().unwrap();
    }

    /// The whole answer to an operation.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        self.ask_as(Some(&self.token), query, variables).await
    }

    pub async fn ask_as(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let mut request = reqwest::Client::new().post(format!("http://{}/graphql", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let body = json!({"query": query, "variables": variables});
        request
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// The data of an operation that must not fail.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].take()
    }

    /// The code of the only error of an operation.
    pub async fn code(&self, query: &str, variables: Value) -> String {
        let answer = self.ask(query, variables).await;
        code_of(&answer)
    }

    /// Organisation `northsea`, site `plant-1`, asset `stack-1`.
    pub async fn register_places(&self) {
        self.data(PLACES, json!({"organisation": "northsea"})).await;
    }

    /// A device of `northsea/plant-1`, signed in.
    pub async fn register_device(&self, name: &str) -> DeviceIdentity {
        let registered = self
            .data(DEVICE, json!({"organisation": "northsea", "name": name}))
            .await;
        let registered = &registered["registerDevice"];
        let device = registered["deviceId"].as_str().unwrap().parse().unwrap();
        let secret = registered["secret"].as_str().unwrap();
        self.devices.authenticate(device, secret).await.unwrap()
    }

    /// Records a batch of `co2_ppm` readings, a second apart from `second` past noon; answers its index.
    pub async fn record(
        &self,
        device: &DeviceIdentity,
        seq: u32,
        second: u32,
        values: &[f64],
    ) -> u64 {
        self.try_record(device, seq, second, values).await.unwrap()
    }

    /// A device that was registered, signed in.
    pub async fn sign_in(&self, device: DeviceId, secret: &str) -> DeviceIdentity {
        self.devices.authenticate(device, secret).await.unwrap()
    }

    /// Records a batch; answers its index.
    pub async fn record_bytes(&self, device: &DeviceIdentity, bytes: Vec<u8>) -> u64 {
        let recorded = self
            .devices
            .record_batch(device, "http:/ingest", Utc::now(), bytes)
            .await;
        recorded.unwrap().index
    }

    /// As [`record`](Self::record), again and again while the ledger is away.
    pub async fn record_at_last(&self, device: &DeviceIdentity, seq: u32, values: &[f64]) -> u64 {
        for _ in 0..100 {
            if let Ok(index) = self.try_record(device, seq, seq, values).await {
                return index;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("the ledger did not come back")
    }

    async fn try_record(
        &self,
        device: &DeviceIdentity,
        seq: u32,
        second: u32,
        values: &[f64],
    ) -> Result<u64, BatchError> {
        let readings: Vec<Value> = (second..)
            .zip(values)
            .map(|(second, value)| {
                let (hour, minute) = (12 + second / 3_600, second / 60 % 60);
                let at = format!("2026-11-20T{hour}:{minute:02}:{:02}Z", second % 60);
                json!({"metric": "co2_ppm", "at": at, "value": value})
            })
            .collect();
        let bytes = json!({"seq": seq, "readings": readings})
            .to_string()
            .into_bytes();
        let recorded = self
            .devices
            .record_batch(device, "http:/ingest", Utc::now(), bytes)
            .await;
        recorded.map(|receipt| receipt.index)
    }

    /// An event of `northsea` that happened, whatever the domain would say to it.
    pub async fn append(&self, stream: String, event: &impl EventType) {
        let ledger = self.store.existing(&"northsea".parse().unwrap()).await;
        let encoded = event.encode();
        let append = Append {
            actor: "service/test".to_owned(),
            command: Uuid::now_v7(),
            input_hash: [0; 32],
            cause: String::new(),
            via: "test".to_owned(),
            received_at: Utc::now(),
            unchanged: None,
            events: vec![NewEvent {
                stream,
                expected: Expected::Any,
                kind: encoded.kind.to_owned(),
                schema: encoded.schema,
                media: "application/json".to_owned(),
                bytes: serde_json::to_vec(&encoded.payload).unwrap(),
                retention: Retention::Kept,
            }],
        };
        self.store.append(ledger.unwrap().id, append).await.unwrap();
    }

    /// Seals the oldest hour that waits, with its gaps; answers the seal's index.
    pub async fn seal_oldest(&self) -> u64 {
        let ledger = self.read.ledger(&"northsea".parse().unwrap()).await;
        let ledger = ledger.unwrap().unwrap();
        let due = self
            .read
            .due_windows(ledger.id, Utc::now(), &[], 1)
            .await
            .unwrap()[0];
        let unsealed = self.read.unsealed(due, 100).await.unwrap();
        let context = Context {
            principal: Principal::Service {
                name: "sealer".parse().unwrap(),
            },
            command: uuid::Uuid::nil(),
            via: "process:sealer".to_owned(),
            received_at: Utc::now(),
        };
        let window = WindowToSeal {
            device: due.device,
            hour: due.hour,
            entries: unsealed.entries,
            supersedes: unsealed.seal.map(|seal| (seal.index, seal.version)),
        };
        let organisation = "northsea".parse().unwrap();
        let draft = self
            .commands
            .draft_seal(&context, &organisation, window)
            .await;
        let draft = draft.unwrap().unwrap();
        let gaps = self
            .read
            .gaps_below(due.device, &draft.boots(), 100)
            .await
            .unwrap();
        let gaps = GapsToSeal {
            listed: gaps.listed,
            unnamed: gaps.unnamed,
            version: gaps.version,
        };
        match self
            .commands
            .seal_window(&context, draft, gaps)
            .await
            .unwrap()
        {
            Sealing::Sealed(done) => done.receipt.last.0,
            named @ Sealing::Named(_) => panic!("{named:?}"),
        }
    }

    /// `northsea` goes on in ledger `northsea-2`, as after entries were lost.
    pub async fn continue_northsea(&self) {
        let ledger = self.read.ledger(&"northsea".parse().unwrap()).await;
        let ledger = ledger.unwrap().unwrap();
        let secret = std::fs::read_to_string(self.keys.path().join("northsea.key")).unwrap();
        let key = LogKey::from_secret(&secret, &ledger.origin).unwrap();
        let size = self.read.ledger_size(&ledger).await.unwrap();
        let ahead = key.sign(size + 5, Hash([9; 32])).unwrap();
        let copy = self.keys.path().join("copy-that-is-ahead");
        std::fs::write(&copy, ahead.note).unwrap();
        let by = Operator {
            actor: "service/cli".into(),
            via: "cli".into(),
        };
        let (name, reason) = ("northsea-2".parse().unwrap(), "the disk failed".to_owned());
        self.store
            .continue_ledger(&ledger, &name, &AGGREGATES, (&[copy], reason), by)
            .await
            .unwrap();
    }

    /// Returns when every read model of `northsea` has folded everything.
    pub async fn settle(&self) {
        self.settle_on("northsea").await;
    }

    /// Returns when every read model has folded everything of a ledger.
    pub async fn settle_on(&self, ledger: &str) {
        loop {
            let status = self
                .data("{ projections { ledger lagEvents } }", json!({}))
                .await;
            let mut of_it = status["projections"].as_array().unwrap().clone();
            of_it.retain(|one| one["ledger"] == ledger);
            if !of_it.is_empty() && of_it.iter().all(|one| one["lagEvents"] == 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// A running subscription.
    pub async fn subscribe(&self, query: &str, variables: Value) -> Feed {
        self.subscribe_as(&self.token, query, variables).await
    }

    pub async fn subscribe_as(&self, token: &str, query: &str, variables: Value) -> Feed {
        let mut request = format!("ws://{}/graphql/ws", self.address)
            .into_client_request()
            .unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.unwrap();
        let mut feed = Feed(socket);
        let authorization = format!("Bearer {token}");
        feed.say(&json!({"type": "connection_init", "payload": {"authorization": authorization}}))
            .await;
        assert_eq!(feed.hear().await["type"], "connection_ack");
        let payload = json!({"query": query, "variables": variables});
        feed.say(&json!({"type": "subscribe", "id": "s", "payload": payload}))
            .await;
        feed
    }
}

pub struct Feed(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Feed {
    async fn say(&mut self, message: &Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    pub async fn hear(&mut self) -> Value {
        let frame = tokio::time::timeout(Duration::from_secs(20), self.0.next());
        let frame = frame.await.expect("an item within 20 s").unwrap().unwrap();
        serde_json::from_str(frame.to_text().unwrap()).unwrap()
    }

    /// The payload of the next item.
    pub async fn answer(&mut self) -> Value {
        let mut message = self.hear().await;
        assert_eq!(message["type"], "next", "{message}");
        message["payload"].take()
    }

    /// The next item of a subscription's field.
    pub async fn item(&mut self, field: &str) -> Value {
        let mut answer = self.answer().await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"][field].take()
    }

    /// What comes until it is silent for a while, as it came; the first item may take this long.
    pub async fn overheard(&mut self, first: Duration) -> Vec<Value> {
        let (mut heard, mut wait) = (Vec::new(), first);
        while let Ok(Some(Ok(frame))) = tokio::time::timeout(wait, self.0.next()).await {
            wait = Duration::from_millis(700);
            let Ok(message) = serde_json::from_str(frame.to_text().unwrap_or_default()) else {
                break;
            };
            heard.push(message);
        }
        heard
    }

    /// The code with which the server closes, whatever but errors comes before.
    pub async fn closed(&mut self) -> u16 {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(20), self.0.next());
            match frame.await.expect("closed within 20 s") {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(Message::Text(text))) => {
                    let refused = [r#""type":"error""#, r#""errors":["#];
                    assert!(!refused.iter().any(|mark| text.contains(mark)), "{text}");
                }
                Some(Ok(_)) => {}
                other => panic!("not closed: {other:?}"),
            }
        }
    }

    /// Whether nothing comes for a while.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(700), self.0.next())
            .await
            .is_err()
    }
}

const ENROL: &str = "INSERT INTO access.accounts
  (account_id, username, password_hash, role, organisation, must_change_password)
  VALUES ($1, 'user-' || $1, 'none', $2, $3, false) ON CONFLICT DO NOTHING";

/// The code of the first error.
pub fn code_of(answer: &Value) -> String {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    code.unwrap_or_else(|| panic!("no code: {answer:#}"))
        .to_owned()
}

/// The answer with what differs from run to run replaced.
pub fn masked(mut value: Value) -> Value {
    mask(&mut value);
    value
}

fn mask(value: &mut Value) {
    const VARYING: [&str; 9] = [
        "checkpoint",
        "command",
        "json",
        "leafHash",
        "note",
        "receivedAt",
        "recordedAt",
        "registeredAt",
        "secret",
    ];
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| {
            if VARYING.contains(&name.as_str()) && field.is_string() {
                *field = json!(format!("[{name}]"));
            } else {
                mask(field);
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

pub const PLACES: &str = r#"mutation ($organisation: String!) {
  registerOrganisation(input: {slug: $organisation, displayName: "North Sea Storage"}) { receipt { ledger } }
  registerSite(input: {organisation: $organisation, slug: "plant-1", displayName: "Plant 1", kind: CAPTURE_PLANT}) {
    receipt { ledger }
  }
  registerAsset(
    input: {organisation: $organisation, site: "plant-1", slug: "stack-1", displayName: "Stack", kind: STACK}
    waitFor: ["registry"]
  ) { receipt { ledger } }
}"#;

pub const DEVICE: &str = r#"mutation ($organisation: String!, $name: String!, $commandId: UUID) {
  registerDevice(
    input: {
      commandId: $commandId, organisation: $organisation, site: "plant-1", name: $name, displayName: "Meter"
      asset: "stack-1", source: SIMULATOR, sensors: [{metric: "co2_ppm", unit: "ppm"}]
      tags: [{key: "serial", value: "7"}]
    }
    waitFor: ["registry"]
  ) {
    id deviceId secret topic duplicate device { name source hasCredential }
    receipt { ledger origin firstIndex lastIndex checkpoint }
  }
}"#;
