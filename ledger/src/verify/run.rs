//! One verification under way: bundles in, findings out, in the order of the ledger.

use std::ops::Range;

use serde::Serialize;

use super::cause::Cause;
use super::chain::{self, Chain};
use super::count;
use super::erasures::Erasures;
use super::finding::Findings;
use super::keys::Keys;
use super::observe::{Judge, PayloadState, Seen};
use super::read::{Bundle, Framed, Item, entries_path};
use super::scope::Scope;
use super::source::{Source, SourceError};
use super::tiles::Tiles;
use crate::record::stream_of_origin;
use crate::{BundleError, Checkpoint, Entry, Hash, KeyRange, Origin, TILE_WIDTH};

/// What was there to be checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// What the package promises, where that is not the whole ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Entries that are the signed ones.
    pub entries: u64,
    /// Payloads that are the ones that their entries commit to.
    pub payloads: u64,
    /// Payloads that are marked as erased.
    pub erased: u64,
    /// Payloads that are withheld.
    pub withheld: u64,
}

pub(super) struct Run<'s, J> {
    size: u64,
    bundles: Range<u64>,
    /// The ledger's own stream.
    own: String,
    tiles: Tiles<'s>,
    chain: Chain,
    pub(super) erasures: Erasures,
    pub(super) keys: Keys,
    pub(super) shown: Shown,
    judge: &'s mut J,
    pub(super) findings: Findings,
}

impl<'s, J> Run<'s, J> {
    /// Authenticates the right edge of the tree.
    pub(super) fn begin(
        source: &'s dyn Source,
        checkpoint: &Checkpoint,
        (origin, scope): (Origin, Option<Scope>),
        judge: &'s mut J,
        mut findings: Findings,
    ) -> Result<Self, SourceError> {
        let tiles = Tiles::of_edge(source, checkpoint, &mut findings)?;
        let whole = Scope::default().bundles(checkpoint.size);
        let bundles = scope
            .as_ref()
            .map_or(whole.clone(), |scope| scope.bundles(checkpoint.size));
        let first = bundles.start * TILE_WIDTH;
        let mut keys = Keys::of(origin.clone());
        if bundles != whole {
            keys.unread();
        }
        Ok(Self {
            size: checkpoint.size,
            bundles,
            own: stream_of_origin(&origin),
            tiles,
            chain: Chain::of(origin, first),
            erasures: Erasures::default(),
            keys,
            shown: Shown {
                scope,
                ..Shown::default()
            },
            judge,
            findings,
        })
    }

    pub(super) fn bundle<Fact>(&mut self, bundle: Bundle<Fact>) -> Result<(), SourceError>
    where
        J: Judge<Fact>,
    {
        let Bundle { n, width, .. } = bundle;
        let entries = self.entries((n, width), &bundle.entries, bundle.tile.as_deref())?;
        let states = self.payloads((n, width), &bundle.payloads, &entries);
        let first = n * TILE_WIDTH;
        let mut held = bundle.payloads.items.into_iter();
        for ((index, entry), payload) in (first..).zip(&entries).zip(states) {
            let said = held.next().and_then(|held| held.said);
            let said = said.filter(|_| payload == PayloadState::Shown);
            let Some((entry, leaf)) = *entry else {
                self.erasures.saw(index, None, payload);
                self.keys.unread();
                self.judge.unread(index);
                continue;
            };
            self.erasures.saw(index, Some(entry), payload);
            let (own, fact) = match said {
                Some(said) => {
                    self.form(index, said.not_canonical);
                    (said.own, Some(said.fact))
                }
                None => (None, None),
            };
            if entry.stream == self.own {
                self.own(index, entry, payload, own);
            }
            let seen = Seen {
                index,
                leaf,
                entry,
                payload,
                fact,
            };
            self.judge.entry(seen, &mut self.findings)?;
        }
        Ok(())
    }

    /// The last words: what only the whole ledger can tell.
    pub(super) fn end<Fact>(
        mut self,
        policy: &[KeyRange],
        checkpoint: &Checkpoint,
    ) -> Result<(Findings, Shown), SourceError>
    where
        J: Judge<Fact>,
    {
        let cut = self.bundles.end < Scope::default().bundles(self.size).end;
        self.erasures.end(cut, &mut self.findings);
        let note = &checkpoint.note;
        self.keys.end(policy, self.size, note, &mut self.findings);
        self.judge.end(&mut self.findings)?;
        Ok((self.findings, self.shown))
    }

    /// Checks the entries of one bundle; answers those that can be trusted, with their leaf hashes.
    fn entries<'b>(
        &mut self,
        (n, width): (u64, u64),
        Framed {
            missing,
            items,
            error,
        }: &'b Framed<Item>,
        tile: Option<&[u8]>,
    ) -> Result<Vec<Option<(&'b Entry, Hash)>>, SourceError> {
        let (path, first) = (entries_path(n, width), n * TILE_WIDTH);
        let trusted = self.tiles.leaves(n, items, tile, &mut self.findings)?;
        if *missing {
            let place = Some((first, first + width - 1));
            let message = format!("{path} is missing");
            self.findings.add(Cause::BundleMissing, place, message);
        }
        let usable = match error {
            Some(error) => {
                let trusted = trusted.as_deref();
                self.broken_bundle(&path, (first, width), items, trusted, error)
            }
            None => items.len(),
        };
        let mut entries = Vec::with_capacity(count(width));
        for (at, index) in (first..first + width).enumerate() {
            let expected = trusted.as_ref().map(|hashes| hashes[at]);
            entries.push(if let Some(item) = items[..usable].get(at) {
                let findings = &mut self.findings;
                let entry = self.chain.check(index, item, expected, findings);
                entry.map(|entry| (entry, item.leaf))
            } else {
                self.chain.skip(index, expected);
                None
            });
        }
        self.shown.entries += entries.iter().flatten().count() as u64;
        Ok(entries)
    }

    /// Names the first entry of a bundle whose framing is broken; answers how many before it can
    /// be used. The first that does not fit is where the bytes were changed: a changed length lets
    /// the decoder stumble later.
    fn broken_bundle(
        &mut self,
        path: &str,
        (first, width): (u64, u64),
        items: &[Item],
        trusted: Option<&[Hash]>,
        error: &BundleError,
    ) -> usize {
        let fits = |at: usize| match trusted {
            Some(hashes) => items[at].leaf == hashes[at],
            None => chain::reads_as(&items[at], first + at as u64),
        };
        let usable = (0..items.len())
            .find(|at| !fits(*at))
            .unwrap_or(items.len());
        let index = first + (usable as u64).min(width - 1);
        let message = format!("{path} cannot be read from entry {index} on: {error}");
        self.findings.at(index, Cause::BundleUnreadable, message);
        usable
    }

    /// Nothing from bundle `n` on is there, as far as anybody looked.
    pub(super) fn rest_missing(&mut self, n: u64) {
        let first = n * TILE_WIDTH;
        let end = self.bundles.end.saturating_mul(TILE_WIDTH).min(self.size);
        if first >= end {
            return;
        }
        let message = format!(
            "{} is missing",
            entries_path(n, TILE_WIDTH.min(end - first))
        );
        let place = Some((first, end - 1));
        self.findings.add(Cause::BundleMissing, place, message);
        let message = format!(
            "nothing was read from entry {first} on: before it, neither entries nor tiles of {} \
             bundles are there",
            super::MOST_MISSING
        );
        self.findings.note("not-read", Some(first), message);
    }

    fn form(&mut self, index: u64, not_canonical: Option<String>) {
        if let Some(message) = not_canonical {
            self.findings.at(index, Cause::PayloadNotCanonical, message);
        }
    }

    /// Numbers of the bundles that are to be judged.
    pub(super) fn bundles(&self) -> Range<u64> {
        self.bundles.clone()
    }

    /// How many entries are judged before the bundle `n`.
    pub(super) fn done(&self, n: u64) -> u64 {
        n.saturating_mul(TILE_WIDTH).min(self.size) - self.bundles.start * TILE_WIDTH
    }
}
