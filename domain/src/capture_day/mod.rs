//! What a capture unit captured in a UTC day: records of periods, corrected by further events and
//! never overwritten, approved by a second person.
//!
//! A record says how much was captured and vented, what energy that took, what the sealed hours of the
//! devices measured in the same period, and cites these seals. What people assert and what was
//! measured are held against each other when the day is approved.

mod commands;
mod events;
mod figures;
mod id;
mod rejection;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

pub use commands::{ApproveCaptureDay, CaptureDayCommand, CorrectCapture, RecordCapture};
pub use events::{CaptureCorrected, CaptureDayApproved, CaptureDayEvent, CaptureRecorded};
pub use figures::{CaptureFigures, CaptureMeasured, MAX_ENERGY, METER_TOLERANCE_PERCENT};
pub use id::{CaptureDayId, CaptureDayIdError, CapturePeriod};
pub use rejection::CaptureDayRejection;

use crate::{Actor, Mass};

/// The captures of one stream, a unit's UTC day; empty before its first event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureDay {
    /// By the beginning of the period.
    records: BTreeMap<DateTime<Utc>, CaptureRecord>,
    /// Whoever recorded or corrected anything.
    recorders: BTreeSet<Actor>,
    approved: Option<Actor>,
}

/// A record as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureRecord {
    /// When the period ends.
    pub to: DateTime<Utc>,
    /// What it says since its last correction.
    pub figures: CaptureFigures,
}

type Decision = Result<CaptureDayEvent, CaptureDayRejection>;

impl CaptureDay {
    /// The records as they stand, by the beginning of their periods.
    #[must_use]
    pub const fn records(&self) -> &BTreeMap<DateTime<Utc>, CaptureRecord> {
        &self.records
    }

    /// Who approved the day; nobody yet if `None`.
    #[must_use]
    pub const fn approved(&self) -> Option<&Actor> {
        self.approved.as_ref()
    }

    fn decide(&self, command: CaptureDayCommand) -> Decision {
        if let Some(by) = &self.approved {
            return Err(CaptureDayRejection::Locked { by: by.clone() });
        }
        match command {
            CaptureDayCommand::Record(command) => self.record(*command),
            CaptureDayCommand::Correct(command) => self.correct(*command),
            CaptureDayCommand::Approve(command) => self.approve(command),
        }
    }

    fn record(&self, command: RecordCapture) -> Decision {
        let RecordCapture {
            org,
            site,
            unit,
            period,
            figures,
            capacity_kg_per_day,
            by,
            at,
        } = command;
        period.check(at)?;
        self.free(period)?;
        figures.check(period, capacity_kg_per_day)?;
        Ok(CaptureRecorded {
            org,
            site,
            unit,
            from: period.from,
            to: period.to,
            captured_kg: figures.captured_kg,
            vented_kg: figures.vented_kg,
            electricity_kwh: figures.electricity_kwh,
            heat_mj: figures.heat_mj,
            measured: figures.measured,
            evidence: figures.evidence,
            by,
        }
        .into())
    }

    fn correct(&self, command: CorrectCapture) -> Decision {
        let CorrectCapture {
            from,
            figures,
            capacity_kg_per_day,
            reason,
            by,
        } = command;
        let record = self.get(from)?;
        if record.figures == figures {
            return Err(CaptureDayRejection::NothingCorrected { from });
        }
        let period = CapturePeriod {
            from,
            to: record.to,
        };
        figures.check(period, capacity_kg_per_day)?;
        Ok(CaptureCorrected {
            from,
            captured_kg: figures.captured_kg,
            vented_kg: figures.vented_kg,
            electricity_kwh: figures.electricity_kwh,
            heat_mj: figures.heat_mj,
            measured: figures.measured,
            evidence: figures.evidence,
            reason,
            by,
        }
        .into())
    }

    fn approve(&self, ApproveCaptureDay { by, at }: ApproveCaptureDay) -> Decision {
        let day = self.day().ok_or(CaptureDayRejection::NothingRecorded)?;
        if at.date_naive() <= day {
            return Err(CaptureDayRejection::DayNotOver { day });
        }
        if self.recorders.contains(&by) {
            return Err(CaptureDayRejection::SelfApproval { day, by });
        }
        for (from, record) in &self.records {
            record.figures.stand_on_evidence(*from)?;
        }
        Ok(CaptureDayApproved { by }.into())
    }

    /// The record of the period that begins then.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, from: DateTime<Utc>) -> Result<&CaptureRecord, CaptureDayRejection> {
        let record = self.records.get(&from);
        record.ok_or_else(|| CaptureDayRejection::NotRecorded {
            from,
            known: self.records.keys().copied().collect(),
        })
    }

    /// No record overlaps the period.
    fn free(&self, period: CapturePeriod) -> Result<(), CaptureDayRejection> {
        let mut records = self.records.iter();
        let overlaps = |from: DateTime<Utc>, to| from < period.to && period.from < to;
        match records.find(|(from, record)| overlaps(**from, record.to)) {
            None => Ok(()),
            Some((from, record)) => Err(CaptureDayRejection::Overlap {
                period,
                recorded: CapturePeriod {
                    from: *from,
                    to: record.to,
                },
            }),
        }
    }

    fn day(&self) -> Option<NaiveDate> {
        self.records.keys().next().map(DateTime::date_naive)
    }

    fn keep(&mut self, from: DateTime<Utc>, to: DateTime<Utc>, figures: CaptureFigures, by: Actor) {
        self.records.insert(from, CaptureRecord { to, figures });
        self.recorders.insert(by);
    }
}

impl Aggregate for CaptureDay {
    const TYPE: &'static str = "capture_day";
    type Command = CaptureDayCommand;
    type Event = CaptureDayEvent;
    type Error = CaptureDayRejection;
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
            CaptureDayEvent::CaptureRecorded(event) => {
                let (from, to, by) = (event.from, event.to, event.by.clone());
                self.keep(from, to, event.into(), by);
            }
            CaptureDayEvent::CaptureCorrected(event) => {
                if let Some(CaptureRecord { to, .. }) = self.records.get(&event.from) {
                    let (from, to, by) = (event.from, *to, event.by.clone());
                    self.keep(from, to, event.into(), by);
                }
            }
            CaptureDayEvent::CaptureDayApproved(event) => self.approved = Some(event.by),
        }
    }
}

/// Captured as a share of what came in, both measured: captured ÷ (captured + vented), in percent
/// with three decimal places, rounded half up. `None` of nothing.
#[must_use]
pub fn efficiency_percent(captured: Mass, vented: Mass) -> Option<String> {
    let captured = u128::from(captured.grams());
    let all = captured + u128::from(vented.grams());
    let thousandths = (captured * 200_000 + all).checked_div(2 * all)?;
    Some(format!("{}.{:03}", thousandths / 1000, thousandths % 1000))
}
