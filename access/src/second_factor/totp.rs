//! Codes by time: RFC 6238 as all apps do it, SHA-1, six digits, 30 seconds.

use rand::RngCore;
use totp_rs::{Algorithm, Secret, TOTP};

use crate::Username;

/// Seconds that a code holds.
const STEP: u64 = 30;
/// Steps to either side that clocks may be off.
const DRIFT: i64 = 1;
/// The length of a secret that RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// As apps show it.
const ISSUER: &str = "Sealrock";

pub(super) fn secret() -> Vec<u8> {
    let mut bytes = vec![0; SECRET_BYTES];
    rand::rngs::OsRng.fill_bytes(&mut bytes);
    bytes
}

pub(super) fn base32(secret: &[u8]) -> String {
    Secret::Raw(secret.to_vec()).to_encoded().to_string()
}

/// The key URI that authenticator apps read. A user name has no character that needs escaping but
/// `@` and `+`.
pub(super) fn uri(secret: &[u8], username: &Username) -> String {
    let name = username.as_str().replace('@', "%40").replace('+', "%2B");
    let secret = base32(secret);
    format!("otpauth://totp/{ISSUER}:{name}?secret={secret}&issuer={ISSUER}")
}

/// The step that this is the code of, of those around `now` (seconds since 1970).
pub(super) fn step_of(secret: &[u8], code: &str, now: i64) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let totp = TOTP::new_unchecked(Algorithm::SHA1, 6, 0, STEP, secret.to_vec());
    let step = now.div_euclid(STEP.cast_signed());
    // All of them are looked at, and each in the same time.
    let matching = (step - DRIFT..=step + DRIFT).filter(|step| {
        let at = u64::try_from(step * STEP.cast_signed()).unwrap_or_default();
        equal(totp.generate(at).as_bytes(), code.as_bytes())
    });
    matching.max()
}

fn equal(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, in the six digits that apps show.
    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        let secret = b"12345678901234567890";
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(secret, code, time), Some(time / 30), "{time}");
            assert_eq!(step_of(secret, code, time + 30), Some(time / 30));
            assert_eq!(step_of(secret, code, time - 30), Some(time / 30));
            assert_eq!(step_of(secret, code, time + 60), None);
            assert_eq!(step_of(secret, code, time - 60), None);
            let spaced = format!("{} {}", &code[..3], &code[3..]);
            assert_eq!(step_of(secret, &spaced, time), Some(time / 30));
        }
        for wrong in ["", "28708", "2870820", "94287082", "abcdef"] {
            assert_eq!(step_of(secret, wrong, 59), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_told_the_secret_and_whose_it_is() {
        let name = "ada@example.org".parse().expect("a user name");
        assert_eq!(
            uri(b"12345678901234567890", &name),
            "otpauth://totp/Sealrock:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Sealrock"
        );
    }
}
