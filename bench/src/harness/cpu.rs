//! Who took the processors, by `/proc`.

use std::fs;
use std::time::Duration;

use serde::Serialize;

/// Parts whose processor time is told apart.
#[derive(Debug, Default, Clone)]
pub struct CpuMeter {
    parts: Vec<(&'static str, Part)>,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// A process alone.
    Process(u32),
    /// A process, its children that live and those that it has waited for.
    Tree(u32),
}

/// Processor seconds of each part.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Spent(pub Vec<(&'static str, f64)>);

impl CpuMeter {
    /// This process counts as `part`.
    pub fn own(part: &'static str) -> Self {
        let own = (part, Part::Process(std::process::id()));
        Self { parts: vec![own] }
    }

    /// Another process counts as `part`.
    #[must_use]
    pub fn process(mut self, part: &'static str, pid: u32) -> Self {
        self.parts.push((part, Part::Process(pid)));
        self
    }

    /// A process and its children count as `part`.
    #[must_use]
    pub fn tree(mut self, part: &'static str, pid: u32) -> Self {
        self.parts.push((part, Part::Tree(pid)));
        self
    }

    /// Processor time up to now.
    pub fn read(&self) -> Spent {
        let all = self.parts.iter();
        Spent(all.map(|(name, part)| (*name, part.seconds())).collect())
    }

    /// Processor time since `before`.
    pub fn since(&self, before: &Spent) -> Spent {
        let now = self.read().0.into_iter().zip(&before.0);
        Spent(
            now.map(|((name, after), (_, before))| (name, (after - before).max(0.0)))
                .collect(),
        )
    }
}

impl Spent {
    /// Adds what another run took.
    pub fn add(&mut self, other: &Self) {
        for (name, seconds) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += seconds,
                None => self.0.push((name, *seconds)),
            }
        }
    }
}

impl Part {
    fn seconds(self) -> f64 {
        let ticks = match self {
            Self::Process(pid) => stat(pid).map_or(0, |stat| stat.own),
            Self::Tree(pid) => {
                let root = stat(pid).map_or(0, |stat| stat.own + stat.waited_for);
                root + children(pid).map(|stat| stat.own).sum::<u64>()
            }
        };
        Duration::from_millis(ticks * 10).as_secs_f64()
    }
}

/// Ticks of 10 ms (`USER_HZ` is 100 on every Linux that runs this).
struct Stat {
    parent: u32,
    own: u64,
    waited_for: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: number(11)? + number(12)?,
        waited_for: number(13)? + number(14)?,
    })
}

fn children(of: u32) -> impl Iterator<Item = Stat> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .filter(move |stat| stat.parent == of)
}
