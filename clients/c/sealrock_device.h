/* A device's side of Sealrock, for a microcontroller: sensor batches, and the signed frame around
 * them. C99, no allocation, no operating system: buffers are the caller's, and the one thing that
 * needs cryptography, an Ed25519 signature, is a function that you give (ed25519_sodium.h has one).
 *
 *   static uint8_t buffer[1024];
 *   size_t head = sealrock_headroom(&device);
 *   sealrock_batch batch;
 *   sealrock_batch_begin(&batch, buffer + head, sizeof buffer - head, seq, NULL);
 *   sealrock_batch_number(&batch, "co2_ppm", now_ms, 4127, 1, "ppm");          // 412.7 ppm
 *   size_t length = sealrock_batch_end(&batch, now_ms);                        // 0: did not fit
 *   uint8_t *frame = sealrock_seal(&device, buffer + head, length, &length);   // NULL: not signed
 *   // publish frame[0..length] to the device's topic, QoS 1; keep it until the PUBACK
 *
 * A batch is known by (device, boot, seq): count seq up by one, and send the same bytes again until
 * they are acknowledged. A device that cannot keep seq over a restart names a new boot at each. */
#ifndef SEALROCK_DEVICE_H
#define SEALROCK_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes before the batch in a frame: 0x01, key id (8), signature (64). */
#define SEALROCK_FRAME_HEADER 73u
/* The largest batch, in bytes. */
#define SEALROCK_MAX_BATCH 1048576u
/* The largest integer that JSON readers agree on: 2^53 - 1. */
#define SEALROCK_MAX_INTEGER 9007199254740991

/* Signs `length` bytes with the device's Ed25519 key (RFC 8032, not the prehashed variant).
 * Answers 0 when `signature` is filled. */
typedef int (*sealrock_sign)(void *context, uint8_t signature[64], const uint8_t *message,
                             size_t length);

/* Who the device is; the texts come from `sealrock device add … --json`. */
typedef struct {
    const char *origin;   /* its ledger: "origin" */
    const char *id;       /* its id: "id" */
    uint8_t key_id[8];    /* SHA-256(public key)[:8]: "key" */
    sealrock_sign sign;
    void *sign_context;   /* given to `sign` */
} sealrock_device;

/* Bytes to leave free before the batch: the frame, and while it is signed the text that names ledger
 * and device, take shape there, so nothing is ever copied. */
size_t sealrock_headroom(const sealrock_device *device);

/* Signs the batch that lies at `batch`, with sealrock_headroom() bytes free before it, and answers
 * where the frame begins: 73 bytes before the batch. Its length goes to `frame_length` (which may be
 * &length). NULL if `length` is 0 or above SEALROCK_MAX_BATCH, or if signing failed. */
uint8_t *sealrock_seal(const sealrock_device *device, uint8_t *batch, size_t length,
                       size_t *frame_length);

/* A batch in JSON on its way into a buffer. */
typedef struct {
    char *out;
    size_t size;
    size_t length;
    unsigned readings;
    int broken; /* it did not fit, or could not be written */
} sealrock_batch;

/* Begins batch number `seq` (at most SEALROCK_MAX_INTEGER) of `boot` (UTF-8, 1 to 64 characters; NULL
 * if the device keeps seq over restarts). */
void sealrock_batch_begin(sealrock_batch *batch, void *buffer, size_t size, uint64_t seq,
                          const char *boot);

/* Adds a measured number, `value` / 10^`decimals`: 4127 with 1 decimal is 412.7. `at_ms` counts
 * milliseconds since 1970-01-01 UTC. `unit` may be NULL: the metric's own. */
void sealrock_batch_number(sealrock_batch *batch, const char *metric, uint64_t at_ms, int64_t value,
                           unsigned decimals, const char *unit);

/* Ends the batch at the device's time. Answers its length in bytes; 0 if it has no reading, did not
 * fit into the buffer, or a text had control characters or a number was out of range. */
size_t sealrock_batch_end(sealrock_batch *batch, uint64_t now_ms);

#ifdef __cplusplus
}
#endif
#endif
