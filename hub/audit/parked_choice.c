#include "hub/audit/parked_choice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/audit/args.h"
#include "hub/audit/territory.h"
#include "hub/record/opened.h"
#include "proto/base/bytes.h"

enum { NUMBERS_MAX = 10000, NAME_BYTES_MAX = 64, TYPE_BYTES_MAX = 128 };

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int read_numbers(struct mr_parked_choice *choice, struct mr_error *reterr)
{
    const json_t *list = json_object_get(choice->call->arguments, "numbers");
    const json_t *item;
    size_t i;

    if (!list || json_is_null(list))
        return 0;
    if (json_is_integer(list) && json_integer_value(list) > 0) {
        choice->numbers = calloc(1, sizeof *choice->numbers);
        if (!choice->numbers)
            return MR_ENOMEM;
        choice->numbers[choice->numbers_count++] = (uint64_t)json_integer_value(list);
        return 0;
    }
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > NUMBERS_MAX)
        return mr_error_set(
                reterr, MR_EINVAL, "numbers", "give 1 to 10000 log numbers", "no list of numbers");
    choice->numbers = calloc(json_array_size(list), sizeof *choice->numbers);
    if (!choice->numbers)
        return MR_ENOMEM;
    json_array_foreach (list, i, item) {
        if (!json_is_integer(item) || json_integer_value(item) < 1)
            return mr_error_set(
                    reterr, MR_EINVAL, "numbers", "give log numbers: 1, 2, ...", "not a log number");
        choice->numbers[choice->numbers_count++] = (uint64_t)json_integer_value(item);
    }
    qsort(choice->numbers, choice->numbers_count, sizeof *choice->numbers, compare);
    return 0;
}

/* One that is not configured any more may still have parked ones. */
static int read_subscription(struct mr_parked_choice *choice, struct mr_error *reterr)
{
    const char *name;
    int r = mr_arg_text(choice->call, "subscription", false, NAME_BYTES_MAX, &name, reterr);

    if (r < 0 || !*name)
        return r;
    choice->subscription = mr_names_id(choice->call->house->names, MR_NAME_SUBSCRIPTION, name);
    return choice->subscription ? 0
                                : mr_error_set(reterr, MR_EINVAL, "subscription",
                                          "marshrut status lists them", "no such subscription");
}

const char *mr_parked_place_text(const struct mr_parked_place *place, char ret[static MR_PARKED_PLACE_BYTES])
{
    ret[0] = '\0';
    if (place->subscription)
        (void)snprintf(ret, MR_PARKED_PLACE_BYTES, "s%un%" PRIu64, place->subscription, place->number);
    return ret;
}

/* A whole number up to max behind a letter; *at goes past it. */
static bool read_part(const char **at, char letter, uint64_t max, uint64_t *ret)
{
    char *end;

    if (**at != letter || (*at)[1] < '1' || (*at)[1] > '9')
        return false;
    errno = 0;
    *ret = strtoull(*at + 1, &end, 10);
    *at = end;
    return errno == 0 && *ret <= max;
}

/* As an answer gave it to this very question. */
static int read_after(struct mr_parked_choice *choice, struct mr_error *reterr)
{
    uint64_t subscription, number;
    const char *text;
    int r = mr_arg_text(choice->call, "after", false, MR_PARKED_PLACE_BYTES - 1, &text, reterr);

    if (r < 0 || !*text)
        return r;
    if (!read_part(&text, 's', UINT16_MAX, &subscription) || !read_part(&text, 'n', INT64_MAX, &number) ||
            *text || (choice->subscription && choice->subscription != subscription))
        return mr_error_set(reterr, MR_EINVAL, "after",
                "give `next` of the answer before, to the same question", "no place to go on from");
    choice->after = (struct mr_parked_place){(uint16_t)subscription, number};
    return 0;
}

int mr_parked_choice_open(
        struct mr_parked_choice *choice, const struct mr_method_call *call, struct mr_error *reterr)
{
    int r;

    *choice = (struct mr_parked_choice){.call = call, .state = "all"};
    r = read_subscription(choice, reterr);
    if (r == 0)
        r = mr_arg_text(call, "type", false, TYPE_BYTES_MAX, &choice->wanted_type, reterr);
    if (r == 0)
        r = mr_arg_text(call, "reason", false, MR_DELIVER_REASON_MAX, &choice->reason, reterr);
    if (r == 0)
        r = mr_arg_time(call, "before", &choice->before_us, reterr);
    if (r == 0)
        r = read_numbers(choice, reterr);
    if (r == 0)
        r = read_after(choice, reterr);
    return r < 0 ? r : mr_log_reader_open(call->house->log, &choice->reader);
}

void mr_parked_choice_close(struct mr_parked_choice *choice)
{
    if (choice->reader)
        mr_log_reader_close(choice->reader);
    mr_buf_fini(&choice->type);
    free(choice->numbers);
}

bool mr_parked_choice_narrow(const struct mr_parked_choice *choice)
{
    return choice->subscription || *choice->wanted_type || *choice->reason || choice->before_us ||
           choice->numbers_count > 0;
}

static bool is_wanted_type(const struct mr_parked_choice *choice)
{
    const char *wanted = choice->wanted_type;
    struct mr_slice type = mr_buf_slice(&choice->type);
    size_t size = strlen(wanted);

    if (size == 0)
        return true;
    if (wanted[size - 1] == '.')
        return type.size >= size && memcmp(type.data, wanted, size) == 0;
    return type.size == size && memcmp(type.data, wanted, size) == 0;
}

static bool matches(const struct mr_parked_choice *choice, uint64_t number, const struct mr_parked_row *row)
{
    if (choice->numbers_count > 0 &&
            !bsearch(&number, choice->numbers, choice->numbers_count, sizeof number, compare))
        return false;
    if (strcmp(choice->state, "all") != 0 && strcmp(choice->state, mr_parked_state_name(row->state)) != 0)
        return false;
    if (*choice->reason && strcmp(choice->reason, row->reason) != 0)
        return false;
    return choice->before_us == 0 || row->at_us < choice->before_us;
}

static int on_row(void *ctx, struct mr_slice key, struct mr_slice value)
{
    struct mr_parked_choice *choice = ctx;
    const struct mr_house *house = choice->call->house;
    struct mr_parked_row row;
    uint64_t number;
    int r;

    if (key.size != MR_DELIVERY_KEY_BYTES || mr_parked_row_decode(&row, value) < 0)
        return MR_ECORRUPT;
    number = mr_get_be64(key.data + 2);
    if (mr_get_be16(key.data) == choice->after.subscription && number == choice->after.number)
        return 0;
    if (!matches(choice, number, &row))
        return 0;
    r = house->territory ? mr_territory_has_number(house->territory, house, number) : 1;
    if (r <= 0)
        return r;
    mr_buf_reset(&choice->type);
    r = mr_log_read(choice->reader, number, &choice->view, NULL);
    if (r == 0)
        r = mr_record_type(&choice->view.record, &choice->type);
    if (r == MR_ENOMEM)
        return r;
    return is_wanted_type(choice) ? choice->fn(choice->ctx, mr_get_be16(key.data), number, &row) : 0;
}

int mr_parked_choose(struct mr_parked_choice *choice)
{
    uint8_t key[2], last[MR_DELIVERY_KEY_BYTES];
    struct mr_slice prefix = {0}, from;

    mr_put_be16(key, choice->subscription);
    if (choice->subscription)
        prefix = mr_slice(key, sizeof key);
    from = choice->after.subscription
                   ? mr_delivery_key(choice->after.subscription, choice->after.number, last)
                   : prefix;
    return mr_log_rows(choice->reader, MR_LOG_PARKED, prefix, from, on_row, choice);
}

uint64_t mr_parked_choice_cursor(struct mr_parked_choice *choice, uint16_t subscription)
{
    struct mr_cursor_row row = {0};
    uint8_t key[MR_CURSOR_KEY_BYTES];
    struct mr_slice value;

    if (mr_log_row(choice->reader, MR_LOG_CURSOR, mr_cursor_key(subscription, key), &value) < 0 ||
            mr_cursor_row_decode(&row, value) < 0)
        return 0;
    return row.cursor;
}
