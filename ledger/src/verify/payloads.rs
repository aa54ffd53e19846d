//! Payloads against the commitments of their entries.

use super::finding::{Cause, Findings};
use super::leaves::readable;
use crate::{Payload, Slot, decode_payloads, encode_payloads};

/// Checks one bundle of payloads. `commitments` are those of its entries, `None` where the entry
/// cannot be trusted.
pub(super) fn check(
    path: &str,
    first: u64,
    bundle: Option<&[u8]>,
    commitments: &[Option<[u8; 32]>],
    findings: &mut Findings,
) {
    let count = commitments.len();
    let Some(bundle) = bundle else {
        let place = Some((first, first + count as u64 - 1));
        findings.add(Cause::PayloadMissing, place, format!("{path} is missing"));
        return;
    };
    let (items, error) = readable(bundle, count, decode_payloads);
    let mut rest = bundle;
    for (at, (payload, commitment)) in items.iter().zip(commitments).enumerate() {
        let fault = fault(payload, *commitment, &mut rest);
        let Some((cause, message)) = fault else {
            continue;
        };
        let index = first + at as u64;
        if let Some(error) = &error {
            // A changed length lets the decoder stumble later than where the bytes were changed.
            unreadable(path, index, &error.to_string(), findings);
            return;
        }
        findings.add(cause, Some((index, index)), message);
    }
    if let Some(error) = error {
        let index = first + items.len().min(count - 1) as u64;
        unreadable(path, index, &error.to_string(), findings);
    }
}

fn unreadable(path: &str, index: u64, error: &str, findings: &mut Findings) {
    let message = format!("{path} cannot be read from payload {index} on: {error}");
    findings.add(Cause::PayloadUnreadable, Some((index, index)), message);
}

/// What is wrong with one payload. `rest` begins with its bytes in the bundle and is moved past
/// them.
fn fault(slot: &Slot, commitment: Option<[u8; 32]>, rest: &mut &[u8]) -> Option<(Cause, String)> {
    let encoded = encode_payloads([slot.as_ref()]);
    let same = rest.starts_with(&encoded);
    *rest = rest.get(encoded.len()..).unwrap_or_default();
    let committed = slot.shown().map(Payload::commitment);
    match (committed, commitment) {
        (None, _) => {
            let message = "it is marked as erased, but no entry of the ledger erases it";
            Some((Cause::PayloadMissing, message.into()))
        }
        (Some(found), Some(wanted)) if found != wanted => {
            let (found, wanted) = (hex::encode(found), hex::encode(wanted));
            let message = format!("the entry commits to {wanted}, the payload gives {found}");
            Some((Cause::PayloadChanged, message))
        }
        // JSON can say the same in other bytes; of those nothing else would tell.
        _ if !same => Some((
            Cause::PayloadChanged,
            "its header is not in canonical form".into(),
        )),
        _ => None,
    }
}
