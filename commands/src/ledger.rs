//! One organisation's ledger with its aggregates, and how a command goes through them.

use std::iter::successors;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use futures::future::BoxFuture;
use sealrock_access::{Permission, Scope, authorise};
use sealrock_domain::access::OrganisationAccess;
use sealrock_domain::asset::Asset;
use sealrock_domain::capture_day::CaptureDay;
use sealrock_domain::capture_unit::CaptureUnit;
use sealrock_domain::credit_block::CreditBlock;
use sealrock_domain::device::Device;
use sealrock_domain::injection_day::InjectionDay;
use sealrock_domain::issuance::Issuance;
use sealrock_domain::mass_account::MassAccount;
use sealrock_domain::organisation::Organisation;
use sealrock_domain::site::Site;
use sealrock_domain::well::Well;
use sealrock_domain::{Citation, EventType, Refusal, Slug};
use sealrock_eventstore::{
    AggregateCache, AggregateStore, Append, AppendError, Codec, CommandContext, EventStore,
    LedgerInfo, Loaded, NewEvent,
};
use sealrock_ledger::canonical_json;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::context::{Context, Done};
use crate::error::CommandError;

/// How often a command that lost a race is decided anew.
pub(crate) const MAX_ATTEMPTS: u32 = 5;
/// Counted up whenever a state or a fold changes, so that older snapshots are not used.
const CODE_VERSION: i32 = 5;

/// The types of the aggregates' streams: what a ledger that continues another one carries over.
pub const AGGREGATES: [&str; 12] = [
    OrganisationAccess::TYPE,
    Organisation::TYPE,
    Site::TYPE,
    Asset::TYPE,
    Device::TYPE,
    CaptureUnit::TYPE,
    CaptureDay::TYPE,
    MassAccount::TYPE,
    Well::TYPE,
    InjectionDay::TYPE,
    Issuance::TYPE,
    CreditBlock::TYPE,
];

/// The aggregates of one ledger.
pub(crate) struct OrganisationLedger {
    pub(crate) info: LedgerInfo,
    pub(crate) access: AggregateStore<OrganisationAccess>,
    pub(crate) organisations: AggregateStore<Organisation>,
    pub(crate) sites: AggregateStore<Site>,
    pub(crate) assets: AggregateStore<Asset>,
    pub(crate) devices: AggregateStore<Device>,
    pub(crate) capture_units: AggregateStore<CaptureUnit>,
    pub(crate) capture_days: AggregateStore<CaptureDay>,
    pub(crate) mass_accounts: AggregateStore<MassAccount>,
    pub(crate) wells: AggregateStore<Well>,
    pub(crate) injection_days: AggregateStore<InjectionDay>,
    pub(crate) issuances: AggregateStore<Issuance>,
    pub(crate) credit_blocks: AggregateStore<CreditBlock>,
    pub(crate) store: EventStore,
    /// The ledgers that this one continues, as far as they were asked for.
    parents: OnceCell<Vec<LedgerInfo>>,
}

impl OrganisationLedger {
    pub(crate) fn new(store: &EventStore, info: LedgerInfo, cache: &AggregateCache) -> Self {
        Self {
            access: aggregates(store, &info, cache),
            organisations: aggregates(store, &info, cache),
            sites: aggregates(store, &info, cache),
            assets: aggregates(store, &info, cache),
            devices: aggregates(store, &info, cache),
            capture_units: aggregates(store, &info, cache),
            capture_days: aggregates(store, &info, cache),
            mass_accounts: aggregates(store, &info, cache),
            wells: aggregates(store, &info, cache),
            injection_days: aggregates(store, &info, cache),
            issuances: aggregates(store, &info, cache),
            credit_blocks: aggregates(store, &info, cache),
            store: store.clone(),
            parents: OnceCell::new(),
            info,
        }
    }

    /// The ledgers that this one continues, the newest first.
    pub(crate) async fn parents(&self) -> Result<&[LedgerInfo], CommandError> {
        if self.info.continues.is_none() {
            return Ok(&[]);
        }
        let parents = self.parents.get_or_try_init(|| async {
            let ledgers = self.store.ledgers().await?;
            let continued = |by: &LedgerInfo| {
                let parent = by.continues?;
                ledgers.iter().find(|ledger| ledger.id == parent).cloned()
            };
            Ok::<_, CommandError>(successors(continued(&self.info), continued).collect())
        });
        Ok(parents.await?)
    }

    /// Load, decide, append; and the first receipt of a command that is in the ledger already.
    ///
    /// A decision is made on the cached state first. A refusal or a conflict may only mean that the
    /// cache was behind, so it counts only on the state that is committed now.
    ///
    /// Nobody asks first whether the command is a repetition: an append of one is answered by the
    /// writer, under the lock. What comes to no append may be one all the same, so then it is asked.
    pub(crate) async fn execute<A>(
        &self,
        aggregates: &AggregateStore<A>,
        id: &str,
        context: &Context,
        command: A::Command,
    ) -> Result<Done, CommandError>
    where
        A: Aggregate<Services = (), Error: Refusal> + Clone + 'static,
        A::Command: Clone + Serialize,
    {
        let context = command_context(context, &(A::TYPE, id, &command))?;
        let decided = self.decide_and_append(aggregates, id, &context, command);
        match decided.await {
            Err(error) if error.may_hide_a_receipt() => {
                self.first_receipt_instead(&context, error).await
            }
            answer => answer,
        }
    }

    /// The first receipt of the command, which may be in the ledger already although it came to
    /// `error` now: in whole, or as a copy that was sent at the same time.
    async fn first_receipt_instead(
        &self,
        context: &CommandContext,
        error: CommandError,
    ) -> Result<Done, CommandError> {
        match self.found(context).await {
            Ok(Some(done)) => Ok(done),
            Err(reused @ CommandError::CommandIdReused { .. }) => Err(reused),
            // A no counts only once it is known to be no repetition.
            Err(away) if error.is_decided() => Err(away),
            Ok(None) | Err(_) => Err(error),
        }
    }

    /// The first receipt of a command that is in the ledger already.
    ///
    /// Ask before anything that may have changed since: a repeated command is answered as it was
    /// then, even if it would be refused now.
    pub(crate) async fn repeated<A>(
        &self,
        _aggregates: &AggregateStore<A>,
        id: &str,
        context: &Context,
        command: &A::Command,
    ) -> Result<Option<Done>, CommandError>
    where
        A: Aggregate,
        A::Command: Serialize,
    {
        let context = command_context(context, &(A::TYPE, id, command))?;
        self.found(&context).await
    }

    /// As [`execute`](Self::execute), for a command that touches more than one stream: `decide` loads
    /// what it needs as it is committed now (`load_current`), and answers what is to be appended in
    /// one piece. It is asked again after a conflict.
    ///
    /// Here it is asked first whether the command is a repetition: `decide` reads much more than that.
    ///
    /// `input` is what the caller asked for, before anything was looked up: by it, a repeated command
    /// id is told from a reused one. Check permission before.
    pub(crate) async fn transact<'a>(
        &self,
        context: &Context,
        input: &impl Serialize,
        decide: impl Fn() -> BoxFuture<'a, Result<Decision, CommandError>> + Send + Sync,
    ) -> Result<Done, CommandError> {
        let context = command_context(context, input)?;
        if let Some(done) = self.found(&context).await? {
            return Ok(done);
        }
        match self.append_decision(&context, decide).await {
            Err(error) if error.is_decided() => self.first_receipt_instead(&context, error).await,
            answer => answer,
        }
    }

    async fn append_decision<'a>(
        &self,
        context: &CommandContext,
        decide: impl Fn() -> BoxFuture<'a, Result<Decision, CommandError>>,
    ) -> Result<Done, CommandError> {
        for _ in 0..MAX_ATTEMPTS {
            let Decision {
                events,
                unchanged,
                cause,
            } = decide().await?;
            let append = Append {
                actor: context.actor.clone(),
                command: context.command,
                input_hash: context.input_hash,
                cause: cause.map(|cause| cause.to_string()).unwrap_or_default(),
                via: context.via.clone(),
                received_at: context.received_at,
                unchanged,
                events,
            };
            match self.store.append(self.info.id, append).await {
                Err(AppendError::Conflict { .. }) => {}
                appended => return Ok(appended?.into()),
            }
        }
        Err(CommandError::Conflict)
    }

    async fn found(&self, context: &CommandContext) -> Result<Option<Done>, CommandError> {
        let found = self
            .store
            .find_command(
                &self.info,
                &context.actor,
                context.command,
                &context.input_hash,
            )
            .await?;
        Ok(found.transpose()?.map(Done::from))
    }

    async fn decide_and_append<A>(
        &self,
        aggregates: &AggregateStore<A>,
        id: &str,
        context: &CommandContext,
        command: A::Command,
    ) -> Result<Done, CommandError>
    where
        A: Aggregate<Services = (), Error: Refusal> + Clone + 'static,
        A::Command: Clone + Serialize,
    {
        let mut loaded = aggregates.load(id).await?;
        for attempt in 0..MAX_ATTEMPTS {
            match decide(&loaded, command.clone()).await {
                Ok(events) => {
                    let commit = aggregates.commit_events(events, loaded, context.clone());
                    match commit.await {
                        Err(AppendError::Conflict { .. }) => {}
                        appended => return Ok(appended?.into()),
                    }
                }
                Err(rejection) if attempt > 0 => {
                    return Err(CommandError::refusal(&rejection));
                }
                Err(_) => {}
            }
            metrics::counter!("sealrock_command_retries_total", "aggregate" => A::TYPE)
                .increment(1);
            loaded = aggregates.load_current(id).await?;
        }
        Err(CommandError::Conflict)
    }
}

/// What a command decided, to be appended in one piece.
pub(crate) struct Decision {
    /// At least one; [`decide_events`] makes them.
    pub(crate) events: Vec<NewEvent>,
    /// A stream and the version on which the decision rests, though nothing is appended to it.
    pub(crate) unchanged: Option<(String, u64)>,
    /// The entry that led to this, if one did.
    pub(crate) cause: Option<Citation>,
}

/// The events that a command leads to on an aggregate as it was loaded.
///
/// # Errors
/// [`CommandError::Rejected`] or [`CommandError::Refused`] with what the aggregate says.
pub(crate) async fn decide_events<A>(
    aggregates: &AggregateStore<A>,
    loaded: &Loaded<A>,
    command: A::Command,
) -> Result<Vec<NewEvent>, CommandError>
where
    A: Aggregate<Services = (), Error: Refusal> + Clone + 'static,
{
    let events = decide(loaded, command)
        .await
        .map_err(|rejection| CommandError::refusal(&rejection))?;
    Ok(aggregates.new_events(&events, loaded)?)
}

/// Whether the caller may do this in this organisation, and at this site if one is named.
pub(crate) fn permit(
    context: &Context,
    permission: Permission,
    organisation: &Slug,
    site: Option<&Slug>,
) -> Result<(), CommandError> {
    let scope = Scope {
        organisation: organisation.clone(),
        site: site.cloned(),
    };
    Ok(authorise(&context.principal, permission, &scope)?)
}

fn aggregates<A>(store: &EventStore, info: &LedgerInfo, cache: &AggregateCache) -> AggregateStore<A>
where
    A: Aggregate + Clone + 'static,
    A::Event: EventType,
{
    let codec = Codec {
        encode: |event: &A::Event| event.encode().payload,
        decode: |kind, schema, bytes| {
            A::Event::decode(kind, schema, bytes).map_err(|error| error.to_string())
        },
        code_version: CODE_VERSION,
    };
    AggregateStore::new(store.clone(), info.clone(), codec, cache.clone())
}

async fn decide<A>(loaded: &Loaded<A>, command: A::Command) -> Result<Vec<A::Event>, A::Error>
where
    A: Aggregate<Services = ()> + Clone,
    A::Event: DomainEvent,
{
    // The sink folds each event into the state that decides; the caller's stays as it was loaded.
    let mut state = loaded.state().clone();
    let sink = EventSink::<A>::default();
    state.handle(command, &(), &sink).await?;
    Ok(sink.collect().await)
}

pub(crate) fn command_context(
    context: &Context,
    input: &impl Serialize,
) -> Result<CommandContext, CommandError> {
    let input = canonical_json(input)
        .map_err(|e| CommandError::Invalid(format!("the command cannot be written down: {e}")))?;
    Ok(CommandContext {
        actor: context.principal.actor(),
        command: context.command,
        input_hash: Sha256::digest(input).into(),
        cause: String::new(),
        via: context.via.clone(),
        received_at: context.received_at,
    })
}
