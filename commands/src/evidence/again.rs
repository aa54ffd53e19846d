//! Whether figures still rest on the newest seals.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sealrock_domain::refusal::EVIDENCE_CHANGED;
use sealrock_domain::{Citation, DeviceId, Slug};
use sealrock_eventstore::{StoreError, read_listed};
use sealrock_ledger::Index;

use super::{Evidence, hours_of};
use crate::error::CommandError;
use crate::ledger::OrganisationLedger;
use crate::unsealed;

impl OrganisationLedger {
    /// The evidence of a period as it is now, by the devices whose seals are cited; nothing if none is.
    ///
    /// # Errors
    /// As [`evidence`](Self::evidence).
    pub(crate) async fn evidence_now(
        &self,
        site: &Slug,
        asset: &Slug,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        cited: &[Citation],
    ) -> Result<Evidence, CommandError> {
        if cited.is_empty() {
            return Ok(Evidence::default());
        }
        let mut devices = Vec::new();
        for id in self.devices_of(cited).await? {
            devices.extend(self.known_device(id).await?);
        }
        self.gather((site, asset), &hours_of(from, to)?, devices)
            .await
    }

    /// The devices of these seals, which are of this ledger and those that it continues.
    async fn devices_of(&self, cited: &[Citation]) -> Result<BTreeSet<DeviceId>, CommandError> {
        let mut devices = BTreeSet::new();
        let connection = self.store.pool().acquire().await;
        let mut connection = connection.map_err(StoreError::from)?;
        for ledger in self.parents().await?.iter().chain([&self.info]) {
            let of_ledger = cited
                .iter()
                .filter(|citation| citation.origin() == ledger.origin.as_str());
            let indexes: Vec<Index> = of_ledger.map(|cited| Index(cited.index())).collect();
            let seals = read_listed(&mut connection, ledger.id, &indexes).await?;
            let seals = seals.iter().filter_map(unsealed::sealed);
            devices.extend(seals.map(|seal| seal.device));
        }
        Ok(devices)
    }
}

/// The refusal of an approval whose evidence is not what was recorded.
pub(crate) fn changed(what: &str) -> CommandError {
    let why = format!(
        "{what} does not rest on the present seals: an hour was sealed, or sealed anew, since it was \
         recorded. Correct it first, with the devices that measured it"
    );
    CommandError::refused(EVIDENCE_CHANGED, why)
}
