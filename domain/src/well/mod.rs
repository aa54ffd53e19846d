//! Wells: a facet of the asset that each is. Permit limits that two people put into force, integrity
//! tests, and whether the well injects, idles, is shut in or plugged.

mod commands;
mod events;
mod integrity;
mod operation;
mod permit;
mod rejection;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{
    ApprovePermitLimits, CloseShutIn, Operate, ProposePermitLimits, RecordMit, RegisterWell,
    ShutIn, WellCommand,
};
pub use events::{
    InjectionStarted, InjectionStopped, MitRecorded, PermitLimitsProposed, PermitLimitsSet,
    ShutInClosed, WellEvent, WellPlugged, WellRegistered, WellShutIn,
};
pub use operation::WellStatus;
pub use permit::{MitKind, PermitLimits, WellKind};
pub use rejection::WellRejection;

use crate::quantity::Hours;
use operation::Operation;

/// The well of one stream; empty before its registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Well {
    profile: Option<WellRegistered>,
    /// In the order in which they were put into force.
    limits: Vec<PermitLimitsSet>,
    /// The open proposal.
    proposed: Option<PermitLimitsProposed>,
    /// How many proposals there were.
    proposals: u64,
    tests: Vec<MitRecorded>,
    operation: Operation,
}

type Decision = Result<Vec<WellEvent>, WellRejection>;

impl Well {
    /// What was registered.
    #[must_use]
    pub fn profile(&self) -> Option<&WellRegistered> {
        self.profile.as_ref()
    }

    /// What the well does.
    #[must_use]
    pub fn status(&self) -> &WellStatus {
        self.operation.status()
    }

    /// Permits that were put into force, the last one first, whenever they apply.
    pub fn permits(&self) -> impl Iterator<Item = PermitLimits> {
        self.limits.iter().rev().cloned().map(PermitLimits::from)
    }

    /// The permit that applies on a day: of several, the one that was put into force last.
    #[must_use]
    pub fn permit_on(&self, day: NaiveDate) -> Option<PermitLimits> {
        self.permits().find(|limits| limits.apply_on(day))
    }

    /// The proposal that waits for approval.
    #[must_use]
    pub fn proposed(&self) -> Option<&PermitLimitsProposed> {
        self.proposed.as_ref()
    }

    /// The integrity tests, in the order in which they were recorded.
    #[must_use]
    pub fn tests(&self) -> &[MitRecorded] {
        &self.tests
    }

    /// The limits that an injection of that day is held against.
    ///
    /// # Errors
    /// [`WellRejection`]: it is no injector, it was not injecting that day, or no permit, or no
    /// integrity test of both kinds, counts on that day.
    pub fn limits_of(&self, day: NaiveDate) -> Result<PermitLimits, WellRejection> {
        let profile = self.injector()?;
        let limits = self.may_inject_on(profile, day)?;
        if self.operation.injected_on(day) {
            return Ok(limits);
        }
        let slug = profile.slug.clone();
        Err(WellRejection::IdleThatDay { slug, day })
    }

    /// For how long the well was open on a UTC day, by its record of starts and stops, rounded up to
    /// the full hour; until the day's end, if it was not stopped.
    #[must_use]
    pub fn hours_open_on(&self, day: NaiveDate) -> Hours {
        self.operation.hours_on(day)
    }

    fn decide(&self, command: WellCommand) -> Decision {
        match command {
            WellCommand::Register(command) => self.register(command),
            WellCommand::ProposePermitLimits(command) => self.propose(*command),
            WellCommand::ApprovePermitLimits(command) => self.approve(command),
            WellCommand::RecordMit(command) => self.record_mit(command),
            WellCommand::StartInjection(command) => self.start(command),
            WellCommand::StopInjection(command) => self.stop(command),
            WellCommand::ShutIn(command) => self.shut_in(command),
            WellCommand::CloseShutIn(command) => self.close_shut_in(command),
            WellCommand::Plug(command) => self.plug(command),
        }
    }

    fn register(&self, command: RegisterWell) -> Decision {
        if let Some(existing) = &self.profile {
            return Err(WellRejection::AlreadyRegistered {
                slug: existing.slug.clone(),
                well_kind: existing.well_kind,
            });
        }
        Ok(vec![WellRegistered::from(command).into()])
    }

    fn registered(&self) -> Result<&WellRegistered, WellRejection> {
        self.profile.as_ref().ok_or(WellRejection::NotRegistered)
    }

    /// Registered and not plugged.
    fn in_use(&self) -> Result<&WellRegistered, WellRejection> {
        let profile = self.registered()?;
        if let WellStatus::Plugged { at } = self.operation.status() {
            let (slug, at) = (profile.slug.clone(), *at);
            return Err(WellRejection::Plugged { slug, at });
        }
        Ok(profile)
    }

    fn injector(&self) -> Result<&WellRegistered, WellRejection> {
        let profile = self.registered()?;
        if profile.well_kind == WellKind::Injector {
            return Ok(profile);
        }
        let (slug, well_kind) = (profile.slug.clone(), profile.well_kind);
        Err(WellRejection::NotAnInjector { slug, well_kind })
    }

    fn propose(&self, command: ProposePermitLimits) -> Decision {
        self.in_use()?;
        self.injector()?;
        command.limits.check()?;
        let proposal = self.proposals + 1;
        Ok(vec![
            PermitLimitsProposed::new(proposal, command.limits, command.by).into(),
        ])
    }

    fn approve(&self, command: ApprovePermitLimits) -> Decision {
        let slug = self.in_use()?.slug.clone();
        let open = self.proposed.as_ref();
        let Some(proposed) = open.filter(|open| open.proposal == command.proposal) else {
            let open = open.map_or("propose limits first".to_owned(), |open| {
                format!(
                    "the open one is {}, of permit {}",
                    open.proposal, open.permit
                )
            });
            let proposal = command.proposal;
            return Err(WellRejection::NoSuchProposal {
                slug,
                proposal,
                open,
            });
        };
        if proposed.by == command.by {
            return Err(WellRejection::OwnProposal { by: command.by });
        }
        Ok(vec![proposed.clone().approved(command.by).into()])
    }

    /// Permit and integrity on a day.
    fn may_inject_on(
        &self,
        profile: &WellRegistered,
        day: NaiveDate,
    ) -> Result<PermitLimits, WellRejection> {
        let limits = self.permit_of(profile, day)?;
        integrity::check(&self.tests, &profile.slug, day)?;
        Ok(limits)
    }

    fn permit_of(
        &self,
        profile: &WellRegistered,
        day: NaiveDate,
    ) -> Result<PermitLimits, WellRejection> {
        self.permit_on(day).ok_or_else(|| WellRejection::NoPermit {
            slug: profile.slug.clone(),
            day,
            newest: self.limits.last().map_or_else(String::new, |newest| {
                let (from, until) = (newest.valid_from, newest.valid_until);
                format!(" (permit {} counts from {from} to {until})", newest.permit)
            }),
        })
    }

    /// A failed test of a well that injects shuts it in, in the same decision (40 CFR 146.88(f)).
    fn record_mit(&self, command: RecordMit) -> Decision {
        self.in_use()?;
        integrity::check_days(&command)?;
        let now = command.now;
        let test = MitRecorded::from(command);
        let lost = !test.passed && integrity::is_newest(&self.tests, &test);
        let shut_in = lost
            .then(|| self.operation.shut_in_for(&test, now))
            .flatten();
        let recorded = std::iter::once(test.into());
        Ok(recorded.chain(shut_in.map(WellEvent::from)).collect())
    }
}

impl Aggregate for Well {
    const TYPE: &'static str = "well";
    type Command = WellCommand;
    type Event = WellEvent;
    type Error = WellRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            WellEvent::WellRegistered(event) => self.profile = Some(event),
            WellEvent::PermitLimitsProposed(event) => {
                self.proposals = event.proposal;
                self.proposed = Some(event);
            }
            WellEvent::PermitLimitsSet(event) => {
                self.proposed = None;
                self.limits.push(event);
            }
            WellEvent::MitRecorded(event) => self.tests.push(event),
            WellEvent::InjectionStarted(event) => self.operation.started(event.at),
            WellEvent::InjectionStopped(event) => self.operation.stopped(event.at),
            WellEvent::WellShutIn(event) => self.operation.is_shut_in(event.at, event.reason),
            WellEvent::ShutInClosed(event) => self.operation.stopped(event.at),
            WellEvent::WellPlugged(event) => self.operation.plugged(event.at),
        }
    }
}
