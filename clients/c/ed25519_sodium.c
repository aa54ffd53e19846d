#include "ed25519_sodium.h"

#include <sodium.h>
#include <string.h>

int sealrock_sodium_open(sealrock_sodium_key *key, const uint8_t seed[32], uint8_t public_key[32],
                         uint8_t key_id[8])
{
    uint8_t digest[crypto_hash_sha256_BYTES];

    if (sodium_init() < 0 || crypto_sign_seed_keypair(public_key, key->secret, seed) != 0)
        return -1;
    crypto_hash_sha256(digest, public_key, 32);
    memcpy(key_id, digest, 8);
    return 0;
}

int sealrock_sodium_sign(void *key, uint8_t signature[64], const uint8_t *message, size_t length)
{
    const sealrock_sodium_key *pair = key;

    return crypto_sign_detached(signature, NULL, message, length, pair->secret);
}
