//! How far read models are behind the ledger, in seconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Installation;

/// Read models that are watched.
pub const WATCHED: [&str; 3] = ["readings", "latest", "rollups"];
const EVERY: Duration = Duration::from_millis(200);

/// Watches the read models of a server.
pub struct Behind {
    seen: Arc<Mutex<Seen>>,
    watching: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    /// Entries that the server had not appended itself.
    before: Option<f64>,
    /// When the ledger was how long.
    sizes: Vec<(Instant, f64)>,
    most: BTreeMap<&'static str, f64>,
    last: BTreeMap<&'static str, f64>,
}

impl Behind {
    /// Looks every 200 ms from now on. The read models must have folded all that is there.
    pub fn watch(installation: Arc<Installation>) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let seeing = Arc::clone(&seen);
        let watching = tokio::spawn(async move {
            loop {
                if let Ok(metrics) = installation.metrics().await {
                    let appended = metrics.sum("sealrock_ledger_entries_total", &["\"northsea\""]);
                    let next = WATCHED.map(|model| {
                        let model = format!("projection=\"{model}\"");
                        metrics.sum("sealrock_projection_next_index", &[&model, "\"northsea\""])
                    });
                    let mut seen = seeing.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.note(Instant::now(), appended, next);
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Self { seen, watching }
    }

    /// For each model, seconds that it was behind at most, and in the end.
    pub fn end(self) -> Vec<(&'static str, f64, f64)> {
        self.watching.abort();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let models = seen.most.iter();
        models
            .map(|(model, most)| {
                (
                    *model,
                    *most,
                    seen.last.get(model).copied().unwrap_or(*most),
                )
            })
            .collect()
    }
}

impl Seen {
    fn note(&mut self, now: Instant, appended: f64, next: [f64; 3]) {
        let most = next.iter().copied().fold(0.0, f64::max);
        let size = appended + *self.before.get_or_insert(most - appended);
        self.sizes.push((now, size));
        for (model, next) in WATCHED.into_iter().zip(next) {
            // It is as old as the first moment at which the ledger was longer than it has read.
            let first = self.sizes.iter().find(|(_, size)| *size > next);
            let behind = first.map_or(0.0, |(at, _)| (now - *at).as_secs_f64());
            let most = self.most.entry(model).or_insert(0.0);
            *most = most.max(behind);
            self.last.insert(model, behind);
        }
    }
}
