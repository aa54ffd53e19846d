//! Both ledgers read by somebody who knows the rules and none of our code that applies them.

use std::collections::BTreeMap;

use sealrock_eventstore::{EventStore, LedgerInfo, Recorded};
use sealrock_ledger::Index;
use serde_json::Value;

use super::world::World;

/// An issuance as the entries tell it.
#[derive(Debug, Default)]
struct Story {
    range: (u64, u64),
    reserved: Option<String>,
    requested: Option<String>,
    issued: Option<(String, u64, u64)>,
    refused: Option<String>,
    finalised: Option<(String, String)>,
    released: Option<String>,
}

/// What the entries of both ledgers amount to.
#[derive(Debug, Default)]
pub(super) struct Books {
    stories: BTreeMap<String, Story>,
    stored_g: u64,
    lost_g: u64,
}

impl Books {
    /// Reads both ledgers, holds the rules against them, and runs fsck.
    pub(super) async fn audit(world: &World, store: &EventStore) -> Self {
        let mut books = Self::default();
        for ledger in [&world.northsea, &world.ccr] {
            let entries = store.read(ledger.id, Index(0), 1_000_000).await.unwrap();
            for recorded in &entries {
                books.read(ledger, recorded);
            }
            let mut silent = |_| {};
            let report =
                sealrock_audit::fsck(store, ledger, sealrock_audit::Pace::Full, &mut silent).await;
            let findings = report.unwrap().findings;
            assert!(findings.is_empty(), "{findings:#?}");
        }
        books.ranges_are_disjoint();
        books.serials_are_contiguous();
        books
    }

    /// Every issuance has come to its end.
    pub(super) fn nothing_dangles(&self) -> &Self {
        for (issuance, story) in &self.stories {
            assert!(
                story.reserved.is_some() && story.requested.is_some(),
                "{issuance} {story:?}"
            );
            let issued = story.issued.is_some() && story.finalised.is_some();
            let refused = story.refused.is_some() && story.released.is_some();
            assert!(issued != refused, "{issuance} {story:?}");
        }
        self
    }

    pub(super) fn issued(&self) -> usize {
        self.stories.values().filter(|s| s.issued.is_some()).count()
    }

    pub(super) fn refused(&self) -> usize {
        self.stories
            .values()
            .filter(|s| s.refused.is_some())
            .count()
    }

    pub(super) fn requested(&self) -> Vec<String> {
        self.stories.keys().cloned().collect()
    }

    fn read(&mut self, ledger: &LedgerInfo, recorded: &Recorded) {
        let (entry, payload) = (&recorded.entry, recorded.payload.as_ref().unwrap());
        let at = format!("{}#{}", ledger.origin, entry.index.0);
        let fields: Value = serde_json::from_slice(&payload.bytes).unwrap_or_default();
        let number = |name: &str| fields[name].as_u64().unwrap();
        let grams = || {
            let kilograms = fields["mass_kg"].as_str().unwrap();
            let (whole, rest) = kilograms.split_once('.').unwrap_or((kilograms, "0"));
            whole.parse::<u64>().unwrap() * 1000 + format!("{rest:0<3}").parse::<u64>().unwrap()
        };
        match entry.kind.as_str() {
            "NetMassRecorded" => self.stored_g += grams(),
            "StorageLossRecorded" => self.lost_g += grams(),
            "RangeReserved" => {
                let story = self.story(&fields);
                assert!(
                    story.reserved.replace(at).is_none(),
                    "reserved twice: {entry:?}"
                );
                story.range = (number("from_kg"), number("to_kg"));
                let taken: u64 = self.taken().map(|(from, to)| to - from).sum();
                assert!(
                    taken * 1000 + self.lost_g <= self.stored_g,
                    "{taken} {entry:?}"
                );
                self.ranges_are_disjoint();
            }
            "RangeFinalised" => {
                let end = (at, entry.cause.clone());
                let story = self.story(&fields);
                assert!(story.finalised.replace(end).is_none() && story.released.is_none());
            }
            "RangeReleased" => {
                let cause = entry.cause.clone();
                let story = self.story(&fields);
                assert!(story.released.replace(cause).is_none() && story.finalised.is_none());
            }
            "IssuanceRequested" => {
                let range = (number("from_kg"), number("to_kg"));
                let story = self.story(&fields);
                assert_eq!(
                    (story.reserved.as_ref(), story.range),
                    (Some(&entry.cause), range)
                );
                assert_eq!(fields["source"], entry.cause);
                assert!(story.requested.replace(at).is_none(), "requested twice");
            }
            "IssuanceRefused" => {
                let story = self.story(&fields);
                assert_eq!(story.requested.as_ref(), Some(&entry.cause));
                assert!(story.refused.replace(at.clone()).is_none() && story.issued.is_none());
                assert!(story.released.is_none() || story.released == Some(at));
            }
            "CreditsIssued" => {
                let (first, last) = (number("first_serial"), number("last_serial"));
                let story = self.story(&fields);
                assert_eq!(story.requested.as_ref(), Some(&entry.cause));
                assert_eq!((last - first + 1) * 1000, story.range.1 - story.range.0);
                assert!(
                    story.issued.replace((at.clone(), first, last)).is_none(),
                    "issued twice"
                );
                let cause = story.finalised.as_ref().map(|(_, cause)| cause.clone());
                assert!(story.refused.is_none() && cause.is_none_or(|cause| cause == at));
            }
            _ => {}
        }
    }

    fn story(&mut self, fields: &Value) -> &mut Story {
        let issuance = fields["issuance"].as_str().unwrap().to_owned();
        self.stories.entry(issuance).or_default()
    }

    fn taken(&self) -> impl Iterator<Item = (u64, u64)> {
        let live = self.stories.values();
        live.filter(|story| story.released.is_none())
            .map(|story| story.range)
    }

    fn ranges_are_disjoint(&self) {
        let mut taken: Vec<_> = self.taken().collect();
        taken.sort_unstable();
        for pair in taken.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{pair:?} overlap");
        }
    }

    fn serials_are_contiguous(&self) {
        let issued = self
            .stories
            .values()
            .filter_map(|story| story.issued.as_ref());
        let mut blocks: Vec<(u64, u64)> = issued.map(|(_, first, last)| (*first, *last)).collect();
        blocks.sort_unstable();
        let mut next = 1;
        for (first, last) in blocks {
            assert_eq!(first, next, "a gap or a repetition of serials");
            next = last + 1;
        }
    }
}
