//! Frames that an implementation nobody here wrote signed (`cryptography`, Python), byte for
//! byte. The reference clients in `clients/` must produce the same.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use ed25519_dalek::{Signer, SigningKey};
use sealrock_domain::{
    DeviceId,
    device::PublicKey,
    telemetry::{Frame, SIGNED_BATCH, decode, decode_recorded, media_type_of, signed_text},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    name: String,
    seed: String,
    public_key: PublicKey,
    key_id: String,
    origin: String,
    device: DeviceId,
    batch: String,
    frame: String,
}

fn golden() -> Vec<Golden> {
    serde_json::from_str(include_str!("golden_frames.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn golden_frames_verify_and_hold_their_batch() {
    for golden in golden() {
        let frame = bytes(&golden.frame);
        assert_eq!(media_type_of(frame[0]), Some(SIGNED_BATCH));
        let parsed = Frame::parse(&frame).unwrap();
        assert_eq!(parsed.key.to_string(), golden.key_id, "{}", golden.name);
        assert_eq!(parsed.batch, bytes(&golden.batch), "{}", golden.name);
        let verdict = parsed.verify(&golden.public_key, &golden.origin, golden.device);
        assert_eq!(verdict, Ok(()), "{}", golden.name);
        let inside = decode_recorded(SIGNED_BATCH, &frame).unwrap();
        assert_eq!(inside, decode(parsed.batch).unwrap(), "{}", golden.name);
    }
}

#[test]
fn the_same_seed_signs_the_same_frame_again() {
    for golden in golden() {
        let signer = SigningKey::from_bytes(&bytes(&golden.seed).try_into().unwrap());
        assert_eq!(
            &signer.verifying_key().to_bytes(),
            golden.public_key.as_bytes(),
            "{}",
            golden.name
        );
        let batch = bytes(&golden.batch);
        let signature = signer.sign(&signed_text(&golden.origin, golden.device, &batch));
        let id = golden.public_key.id();
        let frame = [&[1][..], id.as_bytes(), &signature.to_bytes(), &batch].concat();
        assert_eq!(frame, bytes(&golden.frame), "{}", golden.name);
    }
}
