//! Payloads against the commitments of their entries.

use super::cause::Cause;
use super::count;
use super::finding::Findings;
use super::observe::PayloadState;
use super::read::{Framed, Held, payloads_path};
use super::run::Run;
use crate::{BundleError, Entry, Hash, Index, Slot, TILE_WIDTH};

impl<J> Run<'_, J> {
    /// Checks the payloads of one bundle against its entries; answers what is there.
    pub(super) fn payloads<Fact>(
        &mut self,
        (n, width): (u64, u64),
        Framed {
            missing,
            items,
            error,
        }: &Framed<Held<Fact>>,
        entries: &[Option<(&Entry, Hash)>],
    ) -> Vec<PayloadState> {
        let (path, first) = (payloads_path(n, width), n * TILE_WIDTH);
        if *missing {
            self.erasures.bundle_missing(first, first + width - 1);
        }
        let mut states = vec![PayloadState::Missing; count(width)];
        let unreadable = |index: u64, error: &BundleError, findings: &mut Findings| {
            let message = format!("{path} cannot be read from payload {index} on: {error}");
            findings.at(index, Cause::PayloadUnreadable, message);
        };
        for (at, (held, entry)) in items.iter().zip(entries).enumerate() {
            let index = first + at as u64;
            let entry = entry.map(|(entry, _)| entry);
            match (self.payload(index, held, entry), error) {
                (Ok(state), _) => states[at] = state,
                (Err((cause, message)), None) => self.findings.at(index, cause, message),
                // A changed length lets the decoder stumble later than where the bytes changed.
                (Err(_), Some(error)) => {
                    unreadable(index, error, &mut self.findings);
                    return states;
                }
            }
        }
        if let Some(error) = error {
            let index = first + (items.len() as u64).min(width - 1);
            unreadable(index, error, &mut self.findings);
        }
        states
    }

    fn payload<Fact>(
        &mut self,
        index: u64,
        held: &Held<Fact>,
        entry: Option<&Entry>,
    ) -> Result<PayloadState, (Cause, String)> {
        let scope = self.shown.scope.as_ref();
        match (&held.slot, entry.map(|entry| entry.payload)) {
            (Slot::Shown(found), Some(wanted)) if *found != wanted => {
                let (found, wanted) = (hex::encode(found), hex::encode(wanted));
                let message = format!("the entry commits to {wanted}, the payload gives {found}");
                return Err((Cause::PayloadChanged, message));
            }
            (Slot::Withheld, _) => {
                let promised = match (scope, entry) {
                    (None, _) => true,
                    (Some(scope), Some(entry)) => scope.shows(Index(index), &entry.stream),
                    (Some(_), None) => false,
                };
                if promised {
                    let message = "it is withheld, but the package's scope promises it";
                    return Err((Cause::PayloadWithheld, message.into()));
                }
            }
            _ => {}
        }
        Ok(match held.slot {
            Slot::Shown(_) => {
                self.shown.payloads += u64::from(entry.is_some());
                PayloadState::Shown
            }
            Slot::Erased => {
                self.shown.erased += 1;
                PayloadState::Erased
            }
            Slot::Withheld => {
                self.shown.withheld += 1;
                PayloadState::Withheld
            }
        })
    }
}
