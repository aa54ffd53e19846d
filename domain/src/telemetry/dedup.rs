//! What makes a batch the same batch again.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::SensorBatch;
use crate::DeviceId;

/// The identity of a batch. The same key with the same bytes is a duplicate, with other
/// bytes a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DedupKey {
    /// The device counts its batches.
    Sequence {
        /// The device.
        device: DeviceId,
        /// Its boot, `""` when it keeps its counter over restarts.
        boot: String,
        /// The batch's number within the boot.
        seq: u64,
    },
    /// The device does not count: the content is the identity.
    Content {
        /// The device.
        device: DeviceId,
        /// SHA-256(topic ‖ batch).
        sha256: [u8; 32],
    },
}

/// The identity of a batch that came from `device` as `bytes` on `topic`: of a signed one the
/// bytes inside the frame, because a batch that is signed anew is the same batch.
///
/// A batch that came over HTTP has no topic: give the device's batch topic, so that a
/// device which falls back from MQTT to HTTP repeats itself and does not send anew.
#[must_use]
pub fn dedup_key(device: DeviceId, batch: &SensorBatch, topic: &str, bytes: &[u8]) -> DedupKey {
    if let Some(seq) = batch.seq {
        let boot = batch.boot.clone().unwrap_or_default();
        return DedupKey::Sequence { device, boot, seq };
    }
    let sha256 = Sha256::new()
        .chain_update(topic)
        .chain_update(bytes)
        .finalize()
        .into();
    DedupKey::Content { device, sha256 }
}

/// The command id of recording the batch: of a counted one 58 bits of its boot's hash and the 64 of its
/// seq (`UUIDv8`), otherwise `UUIDv5` of the key.
///
/// So the batches of a boot are neighbours in the key of receipts, and recording one changes a page that
/// the one before changed too. As hashes of all of it they changed another page each: on a ledger of five
/// million batches Postgres read and logged 8 kB for every batch (ADR 26).
///
/// Ids are a device's own: for two of its boots to meet takes some 2^29 of them, and then a batch is
/// refused as a conflict.
#[must_use]
pub fn command_id(key: &DedupKey) -> Uuid {
    match key {
        DedupKey::Sequence { device, boot, seq } => {
            let name = format!("sealrock:boot/{device}/{boot}");
            let hash: [u8; 32] = Sha256::digest(name).into();
            let boot = u64::from_be_bytes(std::array::from_fn(|place| hash[place])) >> 6;
            in_order(boot, *seq)
        }
        DedupKey::Content { device, sha256 } => {
            let mut name = format!("sealrock:batch/{device}/sha256/").into_bytes();
            name.extend_from_slice(sha256);
            Uuid::new_v5(&Uuid::NAMESPACE_URL, &name)
        }
    }
}

/// The `UUIDv8` of 58 bits and 64 more, whose order is theirs.
fn in_order(high: u64, low: u64) -> Uuid {
    let bits = u128::from(high) << 64 | u128::from(low);
    // RFC 9562, 5.8: four bits of version behind the first 48, two of variant behind twelve more.
    let (first, rest) = (bits >> 74, bits & ((1 << 74) - 1));
    let (middle, last) = (rest >> 62, rest & ((1 << 62) - 1));
    Uuid::from_u128(first << 80 | 8 << 76 | middle << 64 | 0b10 << 62 | last)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use crate::telemetry::decode;

    const DEVICE: DeviceId = DeviceId(Uuid::from_u128(7));
    const TOPIC: &str = "sealrock/v1/northsea/plant-1/meter-7/batch";

    fn key(json: &str) -> DedupKey {
        dedup_key(
            DEVICE,
            &decode(json.as_bytes()).unwrap(),
            TOPIC,
            json.as_bytes(),
        )
    }

    fn batch(head: &str, value: u32) -> String {
        format!(
            r#"{{{head}"readings":[{{"metric":"co2_ppm","at":"2026-11-21T03:12:45Z","value":{value}}}]}}"#
        )
    }

    #[test]
    fn a_counted_batch_is_known_by_device_boot_and_seq() {
        let first = key(&batch(r#""seq":42,"#, 1));
        assert_eq!(
            first,
            DedupKey::Sequence {
                device: DEVICE,
                boot: String::new(),
                seq: 42
            }
        );
        assert_eq!(first, key(&batch(r#""seq":42,"#, 2)));
        assert_ne!(first, key(&batch(r#""seq":43,"#, 1)));
        assert_ne!(first, key(&batch(r#""seq":42,"boot":"b","#, 1)));
    }

    #[test]
    fn an_uncounted_batch_is_known_by_topic_and_bytes() {
        let json = batch("", 1);
        let sha256 = Sha256::digest(format!("{TOPIC}{json}")).into();
        assert_eq!(
            key(&json),
            DedupKey::Content {
                device: DEVICE,
                sha256
            }
        );
        assert_ne!(key(&json), key(&batch("", 2)));
        let decoded = decode(json.as_bytes()).unwrap();
        assert_ne!(
            key(&json),
            dedup_key(DEVICE, &decoded, "vidyutai/a/b/c", json.as_bytes())
        );
    }

    /// Receipts are stored under these ids: if this test fails, retries would be recorded twice.
    #[test]
    fn command_ids_never_change() {
        let counted = key(&batch(r#""seq":42,"boot":"b1","#, 1));
        assert_eq!(
            command_id(&counted).to_string(),
            "cc92c128-555c-8268-8000-00000000002a"
        );
        assert_eq!(
            command_id(&key(&batch("", 1))).to_string(),
            "be3a929e-dbd9-5ecb-97b2-edc2c086e73b"
        );
    }

    #[test]
    fn a_boot_that_looks_like_a_seq_makes_another_command() {
        let sequence = |boot: &str, seq| {
            command_id(&DedupKey::Sequence {
                device: DEVICE,
                boot: boot.to_owned(),
                seq,
            })
        };
        assert_ne!(sequence("2/3", 1), sequence("3", 12));
        assert_ne!(sequence("1", 1), sequence("", 11));
    }

    #[test]
    fn the_ids_of_a_boot_lie_in_the_order_of_its_batches() {
        let id = |boot, seq| in_order(boot, seq);
        let seqs = [0, 1, 255, 256, (1 << 62) - 1, 1 << 62, u64::MAX];
        for pair in seqs.windows(2) {
            assert!(id(5, pair[0]) < id(5, pair[1]), "{pair:?}");
        }
        assert!(id(5, u64::MAX) < id(6, 0));
        let last = id((1 << 58) - 1, u64::MAX);
        assert_eq!(last.to_string(), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}
