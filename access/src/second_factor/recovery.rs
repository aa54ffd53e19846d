//! Codes for the day when the app is lost: ten, each good once.

use rand::RngCore;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

use crate::{AccessError, AccountId};

/// How many are given.
const CODES: usize = 10;
/// Digits and small letters that are not taken for one another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// New codes in place of all others: `xxxxx-xxxxx-xxxxx`, of 75 bits, so that a plain hash is safe to
/// keep.
pub(super) async fn give(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<String>, AccessError> {
    let codes: Vec<String> = (0..CODES).map(|_| random()).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| hash(code)).collect();
    sqlx::query("DELETE FROM access.recovery_codes WHERE account_id = $1")
        .bind(account.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query(include_str!("sql/give_codes.sql"))
        .bind(account.0)
        .bind(hashes)
        .execute(connection)
        .await?;
    Ok(codes)
}

/// Whether this is one that was not used; it is used then.
pub(super) async fn use_up(
    pool: &PgPool,
    account: AccountId,
    code: &str,
) -> Result<bool, AccessError> {
    let used = sqlx::query(include_str!("sql/use_code.sql"))
        .bind(account.0)
        .bind(hash(code))
        .execute(pool)
        .await?;
    Ok(used.rows_affected() == 1)
}

pub(super) async fn left(pool: &PgPool, account: AccountId) -> Result<i64, AccessError> {
    let count = sqlx::query_scalar(include_str!("sql/codes_left.sql"));
    Ok(count.bind(account.0).fetch_one(pool).await?)
}

fn random() -> String {
    let mut bytes = [0; 15];
    rand::rngs::OsRng.fill_bytes(&mut bytes);
    let letters = bytes.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(5).map(String::from_iter).collect();
    groups.join("-")
}

/// As it may be typed: with capitals, without hyphens.
fn hash(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_ascii_lowercase()).to_vec()
}
