//! Two ledgers, and processes that fold and carry on.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use sealrock_access::{AccountId, Principal, Role};
use sealrock_commands::{
    CommandError, Commands, Context, IssuanceName, IssuanceRequest, RequestedIssuance,
};
use sealrock_domain::mass_account::{MassAccountEvent, MassAccountId, NetMassRecorded};
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::site::{RegisterSite, SiteKind};
use sealrock_domain::{AssetId, EventType, Slug};
use sealrock_eventstore::{
    Append, EventStore, Expected, KeyFiles, LedgerInfo, NewEvent, Retention,
};
use sealrock_ledger::Index;
use sealrock_projections::credits::{CreditsProjection, NAME, Request};
use sealrock_projections::{ReadModels, Runner};
use sealrock_testkit::TestDatabase;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::{Issuing, process};

const PATIENCE: Duration = Duration::from_mins(2);

pub(super) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

/// A process that folds the read model and carries issuances on.
pub(super) struct Process {
    pub(super) store: EventStore,
    pub(super) commands: Commands,
    pub(super) issuing: Issuing,
    pub(super) read: ReadModels,
    runner: Runner,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

pub(super) struct World {
    pub(super) database: TestDatabase,
    pub(super) northsea: LedgerInfo,
    pub(super) ccr: LedgerInfo,
    keys: TempDir,
}

impl Process {
    async fn start(world: &TestDatabase, keys: &TempDir) -> Self {
        let pool = sealrock_eventstore::connect(&world.url, 10).await.unwrap();
        let files = Arc::new(KeyFiles::new(keys.path()));
        let store = EventStore::open(pool, files, "sealrock.test")
            .await
            .unwrap();
        let runner = Runner::new(store.clone(), vec![Arc::new(CreditsProjection)]);
        runner.prepare().await.unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (runner, stop) = (runner.clone(), stop.clone());
            async move { runner.run(stop).await }
        });
        let commands = Commands::new(store.clone(), false);
        Self {
            issuing: Issuing::new(store.clone(), commands.clone(), process),
            read: ReadModels::new(store.clone()),
            store,
            commands,
            runner,
            stop,
            task,
        }
    }

    /// Waits until the read model has all that is recorded.
    pub(super) async fn folded(&self) {
        for ledger in self.store.ledgers().await.unwrap() {
            let size = self.store.size(ledger.id).await.unwrap();
            if size > 0 {
                let positions = self.runner.positions();
                let reached = positions.wait_for(NAME, ledger.id, Index(size - 1), PATIENCE);
                reached.await.unwrap();
            }
        }
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.store.close().await;
    }

    /// Takes all steps that there are, until there are none.
    pub(super) async fn settle(&self) {
        loop {
            self.folded().await;
            let tally = self.issuing.advance(&[], &self.stop).await.unwrap();
            assert_eq!(tally.failed, []);
            self.folded().await;
            if self.read.issuance_steps(&[], 1).await.unwrap().is_empty() {
                return;
            }
        }
    }
}

impl World {
    pub(super) async fn new() -> (Self, Process) {
        let database = sealrock_testkit::database().await;
        let keys = tempfile::tempdir().unwrap();
        let process = Process::start(&database, &keys).await;
        let commands = &process.commands;
        for (name, registry) in [("northsea", false), ("ccr", true)] {
            let command = RegisterOrganisation {
                slug: slug(name),
                display_name: name.parse().unwrap(),
                demo: false,
                registry,
            };
            commands
                .register_organisation(&admin(), command)
                .await
                .unwrap();
        }
        let field = RegisterSite::new(
            slug("northsea"),
            slug("field-1"),
            "Field 1".parse().unwrap(),
            SiteKind::Injection,
        );
        commands.register_site(&admin(), field).await.unwrap();
        let (northsea, ccr) = ("northsea".parse().unwrap(), "ccr".parse().unwrap());
        let northsea = process.store.existing(&northsea).await.unwrap();
        let ccr = process.store.existing(&ccr).await.unwrap();
        let world = Self {
            database,
            northsea,
            ccr,
            keys,
        };
        (world, process)
    }

    /// One more process on the same database.
    pub(super) async fn process(&self) -> Process {
        Process::start(&self.database, &self.keys).await
    }

    /// Ends every connection of every process, wherever they are in what they do.
    pub(super) async fn cut_connections(&self) {
        sqlx::query(include_str!("cut_connections.sql"))
            .execute(&self.database.admin_pool)
            .await
            .unwrap();
    }
}

/// As the approval of an injection day does; tried until it is recorded.
pub(super) async fn store_mass(store: &EventStore, ledger: &LedgerInfo, day: u32, grams: u64) {
    let (org, site) = (slug("northsea"), slug("field-1"));
    let stream = MassAccountId::of(&org, &site, 2026).stream();
    let event = MassAccountEvent::from(NetMassRecorded {
        well: AssetId::of(&org, &site, &slug("well-1")),
        org,
        site,
        day: chrono::NaiveDate::from_yo_opt(2026, day).unwrap(),
        mass_kg: sealrock_domain::Mass::from_grams(grams).unwrap(),
    });
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
    while store.append(ledger.id, append.clone()).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn person(n: u128, role: Role, organisation: Option<&str>) -> Context {
    Context {
        principal: Principal::signed_in(
            AccountId(Uuid::from_u128(n)),
            format!("user-{n}").parse().unwrap(),
            role,
            organisation.map(slug),
        ),
        command: Uuid::now_v7(),
        via: "graphql".to_owned(),
        received_at: Utc::now(),
    }
}

pub(super) fn admin() -> Context {
    person(0, Role::Admin, None)
}

pub(super) fn mrv(n: u128) -> Context {
    person(1_000 + n, Role::Mrv, Some("northsea"))
}

pub(super) fn registrar(n: u128) -> Context {
    person(2_000 + n, Role::Registry, Some("ccr"))
}

pub(super) fn request(tonnes: u64) -> IssuanceRequest {
    IssuanceRequest {
        organisation: slug("northsea"),
        site: slug("field-1"),
        year: 2026,
        registry: slug("ccr"),
        tonnes,
    }
}

pub(super) fn name(issuance: Uuid) -> IssuanceName {
    IssuanceName {
        registry: slug("ccr"),
        organisation: slug("northsea"),
        site: slug("field-1"),
        year: 2026,
        issuance,
    }
}

pub(super) fn name_of(request: &Request) -> IssuanceName {
    name(request.issuance)
}

/// Asks, with the same command id again, until the answer is certain.
pub(super) async fn ask(
    commands: &Commands,
    context: &Context,
    tonnes: u64,
) -> Option<RequestedIssuance> {
    loop {
        match commands.request_issuance(context, &request(tonnes)).await {
            Ok(requested) => return Some(requested),
            Err(error) if may_pass(&error) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(CommandError::Refused { .. }) => return None,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Whether the same command may be sent again.
pub(super) fn may_pass(error: &CommandError) -> bool {
    matches!(
        error,
        CommandError::Unavailable(_) | CommandError::OutcomeUnknown(_) | CommandError::Conflict
    )
}
