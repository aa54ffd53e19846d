//! Runs in about two bytes each: as distances, in blocks.

use std::collections::BTreeMap;

/// Runs of a block; to find one, at most so many are read.
const MOST: usize = 128;

/// Runs by their first index, none of which overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    /// By the first index of their first run.
    blocks: BTreeMap<u64, Block>,
}

/// At least one run and at most [`MOST`].
#[derive(Debug, Clone)]
struct Block {
    /// All but the last one: for each its distance from the end of the one before (the first has
    /// the block's) and its length less one, in 7 bits a byte, the lowest first.
    bytes: Vec<u8>,
    /// How many are in `bytes`.
    packed: usize,
    /// Where the last of these ends; where the block begins if there is none.
    end: u64,
    last: (u64, u64),
}

impl Packed {
    /// The last run that begins at `index` or before.
    pub(super) fn before(&self, index: u64) -> Option<(u64, u64)> {
        let (first, block) = self.blocks.range(..=index).next_back()?;
        if block.last.0 <= index {
            return Some(block.last);
        }
        let runs = block.runs(*first);
        runs.take_while(|(from, _)| *from <= index).last()
    }

    /// The first run that begins at `index` or after.
    pub(super) fn after(&self, index: u64) -> Option<(u64, u64)> {
        let within = self.blocks.range(..=index).next_back();
        let within = within.filter(|(_, block)| block.last.0 >= index);
        let (first, block) = within.or_else(|| self.blocks.range(index..).next())?;
        block.runs(*first).find(|(from, _)| *from >= index)
    }

    /// The run with the largest indexes.
    pub(super) fn last(&self) -> Option<(u64, u64)> {
        Some(self.blocks.last_key_value()?.1.last)
    }

    /// All of them, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let blocks = self.blocks.iter();
        blocks.flat_map(|(first, block)| block.runs(*first))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Makes the last run end at `through`, which is not before its end.
    pub(super) fn lengthen_last(&mut self, through: u64) {
        if let Some(mut block) = self.blocks.last_entry() {
            block.get_mut().last.1 = through;
        }
    }

    /// Puts in a run that overlaps none.
    pub(super) fn put(&mut self, from: u64, through: u64) {
        let Some((&first, block)) = self.blocks.range_mut(..=from).next_back() else {
            self.blocks.insert(from, Block::of(from, through));
            return;
        };
        if block.last.0 > from {
            let mut runs: Vec<_> = block.runs(first).collect();
            let at = runs.partition_point(|run| run.0 < from);
            runs.insert(at, (from, through));
            self.replace(first, &runs);
        } else if block.packed + 1 < MOST {
            block.push(from, through);
        } else {
            block.bytes.shrink_to_fit();
            self.blocks.insert(from, Block::of(from, through));
        }
    }

    /// Takes out the run that begins at `from`.
    pub(super) fn take(&mut self, from: u64) {
        let Some((&first, block)) = self.blocks.range(..=from).next_back() else {
            return;
        };
        let runs = block.runs(first).filter(|run| run.0 != from);
        let runs: Vec<_> = runs.collect();
        self.replace(first, &runs);
    }

    /// Puts these runs in the place of a block.
    fn replace(&mut self, first: u64, runs: &[(u64, u64)]) {
        self.blocks.remove(&first);
        let parts = if runs.len() > MOST { MOST / 2 } else { MOST };
        for part in runs.chunks(parts) {
            let (from, through) = part[0];
            let mut block = Block::of(from, through);
            for (from, through) in &part[1..] {
                block.push(*from, *through);
            }
            self.blocks.insert(from, block);
        }
    }
}

impl Block {
    fn of(from: u64, through: u64) -> Self {
        Self {
            bytes: Vec::new(),
            packed: 0,
            end: from,
            last: (from, through),
        }
    }

    /// Adds a run after the last one.
    fn push(&mut self, from: u64, through: u64) {
        let (last_from, last_through) = self.last;
        write(&mut self.bytes, last_from - self.end);
        write(&mut self.bytes, last_through - last_from);
        (self.end, self.packed) = (last_through, self.packed + 1);
        self.last = (from, through);
    }

    fn runs(&self, first: u64) -> impl Iterator<Item = (u64, u64)> {
        let (mut rest, mut end) = (self.bytes.as_slice(), first);
        let packed = std::iter::from_fn(move || {
            let from = end + read(&mut rest)?;
            end = from + read(&mut rest)?;
            Some((from, end))
        });
        packed.chain([self.last])
    }
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(0x80 | number.to_le_bytes()[0]);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}
