//! A device's public key as people have it: hex, base64, or the PEM file of `openssl`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sealrock_domain::device::PublicKey;

/// What stands before the 32 bytes in a `SubjectPublicKeyInfo` of Ed25519 (RFC 8410).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Reads a key from the command line: 64 hex digits, base64 of 32 bytes, or the name of a file that
/// holds one of these or PEM.
///
/// # Errors
/// A text for people that says what is wrong.
pub fn read(given: &str) -> Result<PublicKey, String> {
    if let Some(key) = from_text(given) {
        return Ok(key);
    }
    let text = std::fs::read_to_string(given).map_err(|error| {
        let what = "neither a public key (64 hex digits, or base64 of 32 bytes) nor a file";
        format!("{what}: {error}")
    })?;
    from_pem(&text)
        .or_else(|| from_text(&text))
        .ok_or_else(|| refusal(&text))
}

fn refusal(text: &str) -> String {
    if text.contains("PRIVATE KEY") {
        return "this is a private key, which stays with the device: give the public one (openssl \
                pkey -in FILE -pubout)"
            .to_owned();
    }
    "the file holds no Ed25519 public key, as PEM, hex or base64".to_owned()
}

fn from_text(text: &str) -> Option<PublicKey> {
    let text = text.trim();
    if let Ok(key) = text.to_ascii_lowercase().parse() {
        return Some(key);
    }
    let bytes = [STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|alphabet| alphabet.decode(text).ok())?;
    Some(PublicKey::new(bytes.try_into().ok()?))
}

fn from_pem(text: &str) -> Option<PublicKey> {
    let (_, after) = text.split_once(BEGIN)?;
    let (body, _) = after.split_once(END)?;
    let body: String = body.split_whitespace().collect();
    let der = STANDARD.decode(body).ok()?;
    let key = der.strip_prefix(&SPKI)?;
    Some(PublicKey::new(key.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const BASE64: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const URL_SAFE: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
        -----END PUBLIC KEY-----\n";

    fn file(text: &str) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        read(&file.path().display().to_string()).map(|key| key.to_string())
    }

    #[test]
    fn a_key_is_read_in_every_form_that_people_have() {
        for given in [HEX, &HEX.to_uppercase(), BASE64, URL_SAFE] {
            assert_eq!(read(given).map(|key| key.to_string()).as_deref(), Ok(HEX));
        }
        for text in [PEM, BASE64, HEX] {
            assert_eq!(file(text).as_deref(), Ok(HEX), "{text}");
        }
    }

    #[test]
    fn a_private_key_is_not_taken_for_a_public_one() {
        let private = PEM.replace("PUBLIC", "PRIVATE");
        let message = file(&private).expect_err("no public key");
        assert!(message.contains("stays with the device"), "{message}");
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        let rsa = PEM.replace("MCowBQYDK2Vw", "MCowBQYDK2Vu");
        for text in [&rsa, "", "hello"] {
            let message = file(text).expect_err("no key");
            assert!(message.contains("no Ed25519 public key"), "{message}");
        }
        let message = read(&HEX[2..]).expect_err("no key");
        assert!(message.contains("64 hex digits"), "{message}");
    }
}
