//! What the platform tells when the chain is walked to its end, and what auditors find.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::Datelike;
use serde_json::{Value, json};

use super::Chain;
use crate::support::{SOON, Server};

/// Events of people and process managers, by ledger: each exactly once, however often it was asked.
const EVENTS: [(&str, &[(&str, usize)]); 2] = [
    (
        "northsea",
        &[
            ("CaptureUnitRegistered", 1),
            ("CaptureUnitStatusChanged", 1),
            ("CaptureRecorded", 1),
            ("CaptureCorrected", 1),
            ("CaptureDayApproved", 1),
            ("WellRegistered", 2),
            ("PermitLimitsProposed", 1),
            ("PermitLimitsSet", 1),
            ("MitRecorded", 2),
            ("InjectionStarted", 1),
            ("InjectionDayRecorded", 1),
            ("InjectionDayCorrected", 1),
            ("InjectionDayApproved", 1),
            ("NetMassRecorded", 1),
            ("RangeReserved", 3),
            ("RangeFinalised", 2),
            ("RangeReleased", 1),
            ("SensorBatchRecorded", 6),
            ("WindowSealed", 6),
        ],
    ),
    (
        "greenregister",
        &[
            ("IssuanceRequested", 3),
            ("IssuanceApproved", 2),
            ("IssuanceRefused", 1),
            ("CreditsIssued", 2),
        ],
    ),
];

impl Chain {
    /// That the chain is at its end: each figure to the kilogram, each entry once, both ledgers whole.
    pub async fn assert_done(&self, server: &Server) {
        self.settled(server).await;
        for (ledger, expected) in EVENTS {
            let counted = self.entries(server, ledger).await;
            for (event, count) in expected {
                let found = counted.get(*event).map_or(0, Vec::len);
                assert_eq!(found, *count, "{event} in {ledger}: {counted:#?}");
            }
            verify(server, ledger);
        }
        self.assert_figures(server).await;
        self.assert_lineage(server).await;
    }

    /// The indexes of a ledger's entries, by event type.
    pub async fn entries(&self, server: &Server, ledger: &str) -> BTreeMap<String, Vec<u64>> {
        let query = format!(
            "{{ ledgerEntries(ledger: \"{ledger}\", first: 1000) {{ nodes {{ index type }} }} }}"
        );
        let told = self.query(server, "nora", &query).await;
        let mut entries: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for entry in told["ledgerEntries"]["nodes"].as_array().unwrap() {
            let indexes = entries.entry(entry["type"].as_str().unwrap().to_owned());
            indexes.or_default().push(entry["index"].as_u64().unwrap());
        }
        entries
    }

    /// Waits until the process manager has brought each decision back, and the read models have it.
    async fn settled(&self, server: &Server) {
        self.settled_but(server, 0).await;
    }

    /// Waits until each request stands with the registry, and all but so many are settled.
    pub async fn settled_but(&self, server: &Server, open: usize) {
        let query = r#"{ issuances(organisation: "northsea") { nodes { settled state } } }"#;
        let begun = Instant::now();
        loop {
            let told = self.query(server, "nora", query).await;
            let issuances = told["issuances"]["nodes"].as_array().unwrap();
            let entries = self.entries(server, "northsea").await;
            let all = issuances.len() == entries.get("RangeReserved").map_or(0, Vec::len);
            let known = issuances.iter().all(|one| one["state"] != "RESERVED");
            let unsettled = issuances.iter().filter(|one| one["settled"] == false);
            if all && known && unsettled.count() == open {
                return;
            }
            assert!(begun.elapsed() < SOON, "{told:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn assert_figures(&self, server: &Server) {
        let query = format!(
            r#"{{
              organisation(slug: "northsea") {{
                captureTotals(per: YEAR) {{ capturedTonnes approvedTonnes ventedTonnes records }}
              }}
              injectionTotals(organisation: "northsea", per: ALL, by: ORGANISATION) {{
                injectedKg approvedKg creditableKg
              }}
              massAccount(organisation: "northsea", site: "field-1", year: {}) {{
                storedKg netKg reservedKg finalisedKg freeKg deficitKg
              }}
              issuedTotals(registry: "greenregister", organisation: "northsea") {{ creditsTonnes blocks }}
            }}"#,
            self.day.year()
        );
        let told = self.query(server, "nora", &query).await;
        let expected = json!({
            "organisation": { "captureTotals": [{
                "capturedTonnes": "36", "approvedTonnes": "36", "ventedTonnes": "2.25", "records": 1,
            }] },
            "injectionTotals": [{
                "injectedKg": "35700", "approvedKg": "35700", "creditableKg": "35700",
            }],
            "massAccount": {
                "storedKg": "35700", "netKg": "35700", "reservedKg": 0, "finalisedKg": 35_000,
                "freeKg": 700, "deficitKg": 0,
            },
            "issuedTotals": [{ "creditsTonnes": 35, "blocks": 2 }],
        });
        assert_eq!(told, expected);
    }

    /// From a credit back to the hours that devices measured, entry by entry.
    async fn assert_lineage(&self, server: &Server) {
        let query = format!(
            r#"{{
              holdings(registry: "greenregister", holder: "northsea") {{ nodes {{
                serials firstSerial lastSerial quantityTonnes holder vintage
                provenance {{ ledger indexes }}
                issuance {{
                  provenance {{ ledger indexes }}
                  netMass {{ massKg provenance {{ ledger indexes }} }}
                }}
              }} }}
              injectionDays(organisation: "northsea", fromDay: "{day}", toDay: "{day}") {{ nodes {{
                evidence {{ origin index }} provenance {{ ledger indexes }}
              }} }}
            }}"#,
            day = self.day
        );
        let told = self.query(server, "nora", &query).await;
        let blocks = told["holdings"]["nodes"].as_array().unwrap();
        let serials = |block: &Value| (block["firstSerial"].clone(), block["lastSerial"].clone());
        assert_eq!(serials(&blocks[0]), (json!(1), json!(20)), "{told:#}");
        assert_eq!(serials(&blocks[1]), (json!(21), json!(35)), "{told:#}");
        for block in blocks {
            self.rests_on(server, &block["provenance"], "CreditsIssued")
                .await;
            let issuance = &block["issuance"];
            for provenance in issuance["provenance"].as_array().unwrap() {
                let first = match provenance["ledger"].as_str() {
                    Some("northsea") => "RangeReserved",
                    _ => "IssuanceRequested",
                };
                self.rests_on(server, provenance, first).await;
            }
            let stored = &issuance["netMass"][0];
            assert_eq!(stored["massKg"], "35700");
            self.rests_on(server, &stored["provenance"], "NetMassRecorded")
                .await;
        }
        let day = &told["injectionDays"]["nodes"][0];
        self.rests_on(server, &day["provenance"], "InjectionDayRecorded")
            .await;
        let sealed = &self.entries(server, "northsea").await["WindowSealed"];
        let evidence = day["evidence"].as_array().unwrap();
        assert_eq!(evidence.len(), 3, "{day:#}");
        for cited in evidence {
            assert!(
                sealed.contains(&cited["index"].as_u64().unwrap()),
                "{cited}"
            );
        }
    }

    /// That an entry of this type is among those that a figure rests on.
    async fn rests_on(&self, server: &Server, provenance: &Value, event: &str) {
        let entries = self
            .entries(server, provenance["ledger"].as_str().unwrap())
            .await;
        let indexes: Vec<u64> = serde_json::from_value(provenance["indexes"].clone()).unwrap();
        let of_type = &entries[event];
        assert!(
            indexes.iter().any(|index| of_type.contains(index)),
            "{provenance}: none of {of_type:?} is {event}"
        );
    }
}

/// An export of the ledger verifies, and the ledger is whole in the database.
fn verify(server: &Server, ledger: &str) {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join(ledger);
    let export = export.to_str().unwrap();
    server.command(&["export", ledger, export]);
    server.command(&["verify", export]);
    server.command(&["fsck", ledger]);
}
