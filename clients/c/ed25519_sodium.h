/* Signing for sealrock_device by libsodium (link with -lsodium). On a microcontroller, write the same
 * two functions over its secure element, or over a small library such as Monocypher's
 * crypto_ed25519_*. */
#ifndef SEALROCK_ED25519_SODIUM_H
#define SEALROCK_ED25519_SODIUM_H

#include <stddef.h>
#include <stdint.h>

/* A key pair as libsodium keeps it. */
typedef struct {
    uint8_t secret[64];
} sealrock_sodium_key;

/* Makes the key pair of a 32-byte seed, and its public key and key id. Answers 0 when it could. */
int sealrock_sodium_open(sealrock_sodium_key *key, const uint8_t seed[32], uint8_t public_key[32],
                         uint8_t key_id[8]);

/* A sealrock_sign whose context is a sealrock_sodium_key. */
int sealrock_sodium_sign(void *key, uint8_t signature[64], const uint8_t *message, size_t length);

#endif
