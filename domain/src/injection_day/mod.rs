//! Injection days: what a well took on a UTC day, as the operator says and as the seals measure,
//! within the limits of that day; approved by a second person, and locked from then on.

mod commands;
mod events;
mod figures;
mod rejection;
#[cfg(test)]
mod tests;

use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{
    ApproveInjectionDay, CorrectInjectionDay, InjectionDayCommand, RecordInjectionDay,
    Surroundings, id,
};
pub use events::{
    InjectionDayApproved, InjectionDayCorrected, InjectionDayEvent, InjectionDayRecorded,
};
pub use figures::{ClosestHour, DayFigures, Measured, Whose};
pub use rejection::InjectionDayRejection;

use crate::Actor;

/// The day of one stream; empty before it is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InjectionDay {
    /// With the figures as they are now.
    recorded: Option<InjectionDayRecorded>,
    /// All who recorded or corrected it.
    authors: Vec<Actor>,
    approved: Option<InjectionDayApproved>,
}

type Decision = Result<InjectionDayEvent, InjectionDayRejection>;

impl InjectionDay {
    /// The day with its present figures.
    #[must_use]
    pub fn recorded(&self) -> Option<&InjectionDayRecorded> {
        self.recorded.as_ref()
    }

    /// The approval, which locks it.
    #[must_use]
    pub fn approved(&self) -> Option<&InjectionDayApproved> {
        self.approved.as_ref()
    }

    fn decide(&self, command: InjectionDayCommand) -> Decision {
        match command {
            InjectionDayCommand::Record(command) => self.record(*command),
            InjectionDayCommand::Correct(command) => self.correct(*command),
            InjectionDayCommand::Approve(command) => self.approve(*command),
        }
    }

    fn record(&self, command: RecordInjectionDay) -> Decision {
        if let Some(existing) = &self.recorded {
            return Err(InjectionDayRejection::AlreadyRecorded {
                well: existing.well.clone(),
                day: existing.day,
                mass: existing.mass_kg,
            });
        }
        let RecordInjectionDay { day, today, .. } = command;
        if day > today {
            return Err(InjectionDayRejection::DayAhead { day, today });
        }
        check(&command.figures, &command.surroundings)?;
        Ok(InjectionDayRecorded::from(command).into())
    }

    fn correct(&self, command: CorrectInjectionDay) -> Decision {
        let open = self.open()?;
        let found = &command.surroundings;
        if open.figures() == command.figures
            && open.measured == found.measured
            && open.evidence == found.evidence
        {
            return Err(InjectionDayRejection::Unchanged);
        }
        check(&command.figures, found)?;
        Ok(InjectionDayCorrected::from(command).into())
    }

    /// Recorded and not approved.
    fn open(&self) -> Result<&InjectionDayRecorded, InjectionDayRejection> {
        let recorded = self.recorded.as_ref();
        let recorded = recorded.ok_or(InjectionDayRejection::NotRecorded)?;
        match &self.approved {
            None => Ok(recorded),
            Some(approved) => Err(InjectionDayRejection::Locked {
                well: recorded.well.clone(),
                day: recorded.day,
                by: approved.by.clone(),
            }),
        }
    }

    fn approve(&self, command: ApproveInjectionDay) -> Decision {
        let open = self.open()?;
        if self.authors.contains(&command.by) {
            return Err(InjectionDayRejection::OwnFigures { by: command.by });
        }
        if open.day >= command.today && !command.demo {
            return Err(InjectionDayRejection::DayNotOver { day: open.day });
        }
        // The limits may have changed since.
        open.figures()
            .check(&command.limits, command.approved_this_year)?;
        open.figures().check_hours(command.hours_open)?;
        open.measured.check(&command.limits)?;
        check_evidence(open)?;
        let creditable = open.creditable_in(command.demo);
        let why_not =
            "the evidence is not all from real devices, and the ledger is no demonstration";
        Ok(InjectionDayApproved {
            by: command.by,
            creditable,
            why_not: (!creditable).then(|| why_not.to_owned()),
        }
        .into())
    }
}

fn check(figures: &DayFigures, found: &Surroundings) -> Result<(), InjectionDayRejection> {
    figures.check(&found.limits, found.approved_this_year)?;
    figures.check_hours(found.hours_open)?;
    found.measured.check(&found.limits)
}

/// That seals stand behind the day, with both pressures wherever it injected, and measure no less than
/// 5 % below its mass.
fn check_evidence(day: &InjectionDayRecorded) -> Result<(), InjectionDayRejection> {
    if day.evidence.is_empty() {
        return Err(InjectionDayRejection::NoEvidence { day: day.day });
    }
    if let Some(hour) = day.measured.unwatched_hour {
        return Err(InjectionDayRejection::PressureNotMeasured { hour });
    }
    let measured = day.measured.mass_kg;
    let measured = measured.ok_or(InjectionDayRejection::RateNotMeasured)?;
    if u128::from(day.mass_kg.grams()) * 100 <= u128::from(measured.grams()) * 105 {
        return Ok(());
    }
    Err(InjectionDayRejection::AboveMeasured {
        stated: day.mass_kg,
        measured,
        sealed_hours: day.measured.sealed_hours,
    })
}

impl Aggregate for InjectionDay {
    const TYPE: &'static str = "injection_day";
    type Command = InjectionDayCommand;
    type Event = InjectionDayEvent;
    type Error = InjectionDayRejection;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let event = self.decide(command)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            InjectionDayEvent::InjectionDayRecorded(event) => {
                self.authors.push(event.by.clone());
                self.recorded = Some(event);
            }
            InjectionDayEvent::InjectionDayCorrected(event) => {
                self.authors.push(event.by.clone());
                self.recorded = self.recorded.take().map(|day| day.corrected(event));
            }
            InjectionDayEvent::InjectionDayApproved(event) => self.approved = Some(event),
        }
    }
}
