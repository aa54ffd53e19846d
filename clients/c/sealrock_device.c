#include "sealrock_device.h"

#include <string.h>

/* ---- the signed frame ---- */

static const char SIGNED_TEXT[] = "sealrock-batch-v1\n";

static size_t text_length(const sealrock_device *device)
{
    return sizeof SIGNED_TEXT - 1 + strlen(device->origin) + 1 + strlen(device->id) + 1;
}

size_t sealrock_headroom(const sealrock_device *device)
{
    size_t text = text_length(device);
    return text > SEALROCK_FRAME_HEADER ? text : SEALROCK_FRAME_HEADER;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

uint8_t *sealrock_seal(const sealrock_device *device, uint8_t *batch, size_t length,
                       size_t *frame_length)
{
    uint8_t signature[64];
    size_t text = text_length(device);
    uint8_t *at = batch - text;

    if (length == 0 || length > SEALROCK_MAX_BATCH)
        return NULL;
    /* What is signed stands right before the batch, and then makes way for the frame's header. */
    at = put(at, SIGNED_TEXT, sizeof SIGNED_TEXT - 1);
    at = put(at, device->origin, strlen(device->origin));
    *at++ = '\n';
    at = put(at, device->id, strlen(device->id));
    *at++ = '\n';
    if (device->sign(device->sign_context, signature, batch - text, text + length) != 0)
        return NULL;

    at = batch - SEALROCK_FRAME_HEADER;
    *at++ = 0x01;
    at = put(at, device->key_id, sizeof device->key_id);
    put(at, signature, sizeof signature);
    *frame_length = SEALROCK_FRAME_HEADER + length;
    return batch - SEALROCK_FRAME_HEADER;
}

/* ---- the batch ---- */

static void put_char(sealrock_batch *batch, char c)
{
    if (batch->length < batch->size)
        batch->out[batch->length++] = c;
    else
        batch->broken = 1;
}

static void put_raw(sealrock_batch *batch, const char *text)
{
    while (*text != '\0')
        put_char(batch, *text++);
}

/* A JSON string. Control characters have no place in a name or unit. */
static void put_text(sealrock_batch *batch, const char *text)
{
    put_char(batch, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            batch->broken = 1;
        if (c == '"' || c == '\\')
            put_char(batch, '\\');
        put_char(batch, *text);
    }
    put_char(batch, '"');
}

/* At least `digits` digits, with zeros before. */
static void put_integer(sealrock_batch *batch, uint64_t value, unsigned digits)
{
    char text[20];
    unsigned n = 0;

    do {
        text[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (; digits > n; digits--)
        put_char(batch, '0');
    while (n > 0)
        put_char(batch, text[--n]);
}

static void put_decimal(sealrock_batch *batch, int64_t value, unsigned decimals)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t scale = 1;
    unsigned n;

    if (decimals > 18) { /* 10^19 is beyond int64_t */
        batch->broken = 1;
        return;
    }
    for (n = 0; n < decimals; n++)
        scale *= 10;
    if (value < 0)
        put_char(batch, '-');
    put_integer(batch, magnitude / scale, 1);
    if (decimals > 0) {
        put_char(batch, '.');
        put_integer(batch, magnitude % scale, decimals);
    }
}

/* RFC 3339, milliseconds, UTC. Days to a date as in Howard Hinnant's civil_from_days, with years that
 * begin in March. */
static void put_time(sealrock_batch *batch, uint64_t ms)
{
    uint64_t seconds = ms / 1000, days = seconds / 86400 + 719468;
    uint64_t era = days / 146097, day = days % 146097;
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint64_t of_year = day - (365 * year + year / 4 - year / 100);
    uint64_t march_month = (5 * of_year + 2) / 153;
    uint64_t month = march_month < 10 ? march_month + 3 : march_month - 9;

    year += era * 400 + (month <= 2);
    if (year > 9999)
        batch->broken = 1;
    put_char(batch, '"');
    put_integer(batch, year, 4);
    put_char(batch, '-');
    put_integer(batch, month, 2);
    put_char(batch, '-');
    put_integer(batch, of_year - (153 * march_month + 2) / 5 + 1, 2);
    put_char(batch, 'T');
    put_integer(batch, seconds / 3600 % 24, 2);
    put_char(batch, ':');
    put_integer(batch, seconds / 60 % 60, 2);
    put_char(batch, ':');
    put_integer(batch, seconds % 60, 2);
    put_char(batch, '.');
    put_integer(batch, ms % 1000, 3);
    put_raw(batch, "Z\"");
}

void sealrock_batch_begin(sealrock_batch *batch, void *buffer, size_t size, uint64_t seq,
                          const char *boot)
{
    batch->out = buffer;
    batch->size = size < SEALROCK_MAX_BATCH ? size : SEALROCK_MAX_BATCH;
    batch->length = 0;
    batch->readings = 0;
    batch->broken = seq > SEALROCK_MAX_INTEGER;
    put_raw(batch, "{\"seq\":");
    put_integer(batch, seq, 1);
    if (boot != NULL) {
        put_raw(batch, ",\"boot\":");
        put_text(batch, boot);
    }
    put_raw(batch, ",\"readings\":[");
}

void sealrock_batch_number(sealrock_batch *batch, const char *metric, uint64_t at_ms, int64_t value,
                           unsigned decimals, const char *unit)
{
    put_raw(batch, batch->readings++ == 0 ? "{\"metric\":" : ",{\"metric\":");
    put_text(batch, metric);
    put_raw(batch, ",\"at\":");
    put_time(batch, at_ms);
    put_raw(batch, ",\"value\":");
    put_decimal(batch, value, decimals);
    if (unit != NULL) {
        put_raw(batch, ",\"unit\":");
        put_text(batch, unit);
    }
    put_char(batch, '}');
}

size_t sealrock_batch_end(sealrock_batch *batch, uint64_t now_ms)
{
    put_raw(batch, "],\"device_time\":");
    put_time(batch, now_ms);
    put_char(batch, '}');
    return batch->broken || batch->readings == 0 ? 0 : batch->length;
}
