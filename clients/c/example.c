/* What a device does once a minute, as a program: builds a batch from its arguments, or takes one from
 * standard input, signs it, and prints the frame for mosquitto_pub:
 *
 *   ./example key SEED-FILE
 *   ./example batch SEED-FILE ORIGIN ID SEQ [METRIC=VALUE:UNIT …] | mosquitto_pub … -q 1 -s
 *   ./example frame SEED-FILE ORIGIN ID < batch.json             | mosquitto_pub … -q 1 -s
 *
 * SEED-FILE holds the 32 bytes of the key's seed as 64 hex digits. */
#include "ed25519_sodium.h"
#include "sealrock_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUFFER 65536

static uint8_t buffer[BUFFER];

static int fail(const char *why)
{
    fprintf(stderr, "example: %s\n", why);
    return 2;
}

static int read_seed(const char *file, uint8_t seed[32])
{
    FILE *in = fopen(file, "r");
    unsigned byte;
    int n = 0;

    if (in == NULL)
        return -1;
    while (n < 32 && fscanf(in, "%2x", &byte) == 1)
        seed[n++] = (uint8_t)byte;
    fclose(in);
    return n == 32 ? 0 : -1;
}

static void print_hex(const char *name, const uint8_t *bytes, size_t length)
{
    size_t n;

    printf("%s ", name);
    for (n = 0; n < length; n++)
        printf("%02x", bytes[n]);
    printf("\n");
}

/* "412.7" to 4127 and 1 decimal, without a float in between. */
static int read_decimal(const char *text, int64_t *value, unsigned *decimals)
{
    int negative = *text == '-', point = 0, digits = 0;

    *value = 0;
    *decimals = 0;
    for (text += negative; *text != '\0'; text++) {
        if (*text == '.' && !point) {
            point = 1;
            continue;
        }
        if (*text < '0' || *text > '9' || ++digits > 18)
            return -1;
        *value = *value * 10 + (*text - '0');
        *decimals += (unsigned)point;
    }
    if (negative)
        *value = -*value;
    return digits > 0 ? 0 : -1;
}

/* Takes METRIC=VALUE:UNIT apart, in place. */
static int add_reading(sealrock_batch *batch, char *argument, uint64_t now)
{
    char *value = strchr(argument, '='), *unit;
    int64_t number;
    unsigned decimals;

    if (value == NULL)
        return -1;
    *value++ = '\0';
    unit = strchr(value, ':');
    if (unit != NULL)
        *unit++ = '\0';
    if (read_decimal(value, &number, &decimals) != 0)
        return -1;
    sealrock_batch_number(batch, argument, now, number, decimals, unit);
    return 0;
}

/* Standard input, whole or not at all. */
static size_t read_batch(uint8_t *at, size_t size)
{
    size_t length = fread(at, 1, size, stdin);

    return fgetc(stdin) == EOF ? length : 0;
}

static size_t build(int count, char **arguments, uint8_t *at, size_t size)
{
    uint64_t now = (uint64_t)time(NULL) * 1000;
    sealrock_batch batch;
    int n;

    sealrock_batch_begin(&batch, at, size, strtoull(arguments[0], NULL, 10), NULL);
    for (n = 1; n < count; n++)
        if (add_reading(&batch, arguments[n], now) != 0)
            return 0;
    return sealrock_batch_end(&batch, now);
}

int main(int argc, char **argv)
{
    uint8_t seed[32], public_key[32], *frame;
    sealrock_sodium_key key;
    sealrock_device device;
    size_t head, length;

    if (argc < 3 || read_seed(argv[2], seed) != 0)
        return fail("give a command (key, batch, frame) and a file of 64 hex digits");
    if (sealrock_sodium_open(&key, seed, public_key, device.key_id) != 0)
        return fail("libsodium does not start");
    if (strcmp(argv[1], "key") == 0) {
        print_hex("public key", public_key, sizeof public_key);
        print_hex("key id    ", device.key_id, sizeof device.key_id);
        return 0;
    }
    if (argc < 5)
        return fail("give the ledger's origin and the device's id");
    device.origin = argv[3];
    device.id = argv[4];
    device.sign = sealrock_sodium_sign;
    device.sign_context = &key;
    head = sealrock_headroom(&device);
    if (head >= sizeof buffer)
        return fail("the origin is too long");
    if (strcmp(argv[1], "batch") == 0 && argc > 5)
        length = build(argc - 5, argv + 5, buffer + head, sizeof buffer - head);
    else if (strcmp(argv[1], "frame") == 0)
        length = read_batch(buffer + head, sizeof buffer - head);
    else
        return fail("commands are key, batch and frame");
    frame = sealrock_seal(&device, buffer + head, length, &length);
    if (frame == NULL)
        return fail("no batch: a reading is not METRIC=VALUE:UNIT, or it does not fit");
    return fwrite(frame, 1, length, stdout) == length ? 0 : fail("standard output is closed");
}
