//! What a report says of the machine.

use std::fs;

use serde::Serialize;

/// Where a benchmark ran.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory_mb: u64,
    kernel: String,
    /// Of the last minute, before the benchmark: what else ran there.
    load: String,
}

impl Machine {
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':'))
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        let memory = after(&read("/proc/meminfo"), "MemTotal");
        let kilobytes = memory
            .split(' ')
            .next()
            .and_then(|kb| kb.parse::<u64>().ok());
        Self {
            processor: after(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mb: kilobytes.unwrap_or_default() / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            processor,
            cores,
            memory_mb,
            kernel,
            load,
        } = self;
        write!(
            f,
            "{cores} cores of {processor}, {memory_mb} MB, Linux {kernel}, load {load} before"
        )
    }
}
