/* Checks of the batch builder: prints what is wrong and answers 1. */
#include "sealrock_device.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void expect(const char *name, size_t length, const char *got, const char *wanted)
{
    if (length == strlen(wanted) && memcmp(got, wanted, length) == 0)
        return;
    failures++;
    printf("%s: got %.*s, wanted %s\n", name, (int)length, got, wanted);
}

/* The batch of one reading at this time. */
static size_t one(char *out, size_t size, uint64_t ms, int64_t value, unsigned decimals)
{
    sealrock_batch batch;

    sealrock_batch_begin(&batch, out, size, 7, NULL);
    sealrock_batch_number(&batch, "m", ms, value, decimals, NULL);
    return sealrock_batch_end(&batch, 0);
}

static void time_is(uint64_t ms, const char *time)
{
    char out[200], wanted[200];

    sprintf(wanted,
            "{\"seq\":7,\"readings\":[{\"metric\":\"m\",\"at\":\"%s\",\"value\":1}],"
            "\"device_time\":\"1970-01-01T00:00:00.000Z\"}",
            time);
    expect(time, one(out, sizeof out, ms, 1, 0), out, wanted);
}

static void number_is(int64_t value, unsigned decimals, const char *number)
{
    char out[200], wanted[200];

    sprintf(wanted,
            "{\"seq\":7,\"readings\":[{\"metric\":\"m\",\"at\":\"1970-01-01T00:00:00.000Z\","
            "\"value\":%s}],\"device_time\":\"1970-01-01T00:00:00.000Z\"}",
            number);
    expect(number, one(out, sizeof out, 0, value, decimals), out, wanted);
}

static void times_are_dates(void)
{
    time_is(0, "1970-01-01T00:00:00.000Z");
    time_is(951782399999, "2000-02-28T23:59:59.999Z");
    time_is(951782400000, "2000-02-29T00:00:00.000Z");
    time_is(951868800000, "2000-03-01T00:00:00.000Z");
    time_is(1709164800001, "2024-02-29T00:00:00.001Z");
    time_is(1795230765120, "2026-11-21T03:12:45.120Z");
    time_is(1798761599999, "2026-12-31T23:59:59.999Z");
    time_is(4107542400000, "2100-03-01T00:00:00.000Z");
    time_is(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void numbers_are_decimals(void)
{
    number_is(0, 0, "0");
    number_is(4127, 1, "412.7");
    number_is(-5, 2, "-0.05");
    number_is(1000, 3, "1.000");
    number_is(INT64_MAX, 0, "9223372036854775807");
    number_is(INT64_MIN, 18, "-9.223372036854775808");
}

/* A buffer that is a byte too short gives nothing, and nothing is written behind it. */
static void what_does_not_fit_is_no_batch(void)
{
    char out[200];
    size_t whole = one(out, sizeof out, 0, 1, 0), size;

    for (size = 0; size <= whole; size++) {
        memset(out, '#', sizeof out);
        if ((one(out, size, 0, 1, 0) == whole) != (size == whole) || out[size] != '#') {
            failures++;
            printf("a buffer of %u bytes\n", (unsigned)size);
        }
    }
}

static void what_would_be_no_batch_is_none(void)
{
    char out[200];
    sealrock_batch batch;
    size_t length;

    if (one(out, sizeof out, 253402300800000, 1, 0) != 0 || one(out, sizeof out, 0, 1, 19) != 0) {
        failures++;
        printf("a year or a scale out of range\n");
    }
    sealrock_batch_begin(&batch, out, sizeof out, 1, "a\"b\\c");
    length = sealrock_batch_end(&batch, 0);
    if (length != 0) {
        failures++;
        printf("a batch without readings\n");
    }
    sealrock_batch_begin(&batch, out, sizeof out, 1, "a\"b\\c");
    sealrock_batch_number(&batch, "m", 0, 1, 0, NULL);
    length = sealrock_batch_end(&batch, 0);
    expect("quotes", length > 27 ? 27 : length, out, "{\"seq\":1,\"boot\":\"a\\\"b\\\\c\",\"");
    sealrock_batch_begin(&batch, out, sizeof out, 1, "line\nfeed");
    sealrock_batch_number(&batch, "m", 0, 1, 0, NULL);
    if (sealrock_batch_end(&batch, 0) != 0) {
        failures++;
        printf("a control character\n");
    }
    sealrock_batch_begin(&batch, out, sizeof out, SEALROCK_MAX_INTEGER + (uint64_t)1, NULL);
    sealrock_batch_number(&batch, "m", 0, 1, 0, NULL);
    if (sealrock_batch_end(&batch, 0) != 0) {
        failures++;
        printf("a seq that JSON readers would round\n");
    }
}

int main(void)
{
    times_are_dates();
    numbers_are_decimals();
    what_does_not_fit_is_no_batch();
    what_would_be_no_batch_is_none();
    return failures > 0;
}
