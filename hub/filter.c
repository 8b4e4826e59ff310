/* One filter against one event. A dialect is a row of the table; CESQL ("sql") becomes another one. */
#include "hub/matcher.h"

#include <stddef.h>
#include <string.h>

#include "proto/base/list.h"

struct attribute_row {
    size_t in_filter; /* of a char * in struct mr_filter_attributes */
    size_t in_event;  /* of a const char * in struct mr_attributes */
};

#define ROW(name)                                                                                            \
    {                                                                                                        \
        offsetof(struct mr_filter_attributes, name), offsetof(struct mr_attributes, name)                    \
    }

static const struct attribute_row attributes[] = {
        ROW(type),
        ROW(source),
        ROW(regioncode),
        ROW(orgid),
        ROW(oktmo),
        ROW(id),
        ROW(subject),
        ROW(dataschema),
        ROW(correlationid),
        ROW(causationid),
        ROW(partitionkey),
        ROW(basis),
        ROW(actor),
        ROW(actorrole),
};

typedef bool (*compare_fn)(struct mr_slice value, struct mr_slice wanted);

static bool is_exact(struct mr_slice value, struct mr_slice wanted)
{
    return mr_slice_equal(value, wanted);
}

static bool is_prefix(struct mr_slice value, struct mr_slice wanted)
{
    return value.size >= wanted.size && mr_slice_equal(mr_slice(value.data, wanted.size), wanted);
}

static bool is_suffix(struct mr_slice value, struct mr_slice wanted)
{
    if (value.size < wanted.size)
        return false;
    return mr_slice_equal(mr_slice(value.data + (value.size - wanted.size), wanted.size), wanted);
}

/* Every attribute that the filter names must be there and compare. */
static bool attributes_match(
        const struct mr_filter_attributes *filter, const struct mr_event *event, compare_fn compare)
{
    for (size_t i = 0; i < MR_COUNT(attributes); i++) {
        const char *wanted = *(char *const *)((const char *)filter + attributes[i].in_filter);
        const char *value = *(const char *const *)((const char *)&event->a + attributes[i].in_event);

        if (wanted && (!value || !compare(mr_slice_str(value), mr_slice_str(wanted))))
            return false;
    }
    return true;
}

static bool exact_matches(const struct mr_config_filter *filter, const struct mr_event *event)
{
    return attributes_match(filter->exact, event, is_exact);
}

static bool prefix_matches(const struct mr_config_filter *filter, const struct mr_event *event)
{
    return attributes_match(filter->prefix, event, is_prefix);
}

static bool suffix_matches(const struct mr_config_filter *filter, const struct mr_event *event)
{
    return attributes_match(filter->suffix, event, is_suffix);
}

static bool all_match(const struct mr_config_filter *filter, const struct mr_event *event)
{
    for (uint32_t i = 0; i < filter->all_count; i++) {
        if (!mr_filter_matches(&filter->all[i], event))
            return false;
    }
    return true;
}

static bool any_matches(const struct mr_config_filter *filter, const struct mr_event *event)
{
    for (uint32_t i = 0; i < filter->any_count; i++) {
        if (mr_filter_matches(&filter->any[i], event))
            return true;
    }
    return false;
}

static bool not_matches(const struct mr_config_filter *filter, const struct mr_event *event)
{
    return !mr_filter_matches(filter->not_, event);
}

struct dialect {
    size_t member; /* of a pointer in struct mr_config_filter: this dialect is meant when it is set */
    bool (*matches)(const struct mr_config_filter *filter, const struct mr_event *event);
};

static const struct dialect dialects[] = {
        {offsetof(struct mr_config_filter, exact), exact_matches},
        {offsetof(struct mr_config_filter, prefix), prefix_matches},
        {offsetof(struct mr_config_filter, suffix), suffix_matches},
        {offsetof(struct mr_config_filter, all), all_match},
        {offsetof(struct mr_config_filter, any), any_matches},
        {offsetof(struct mr_config_filter, not_), not_matches},
};

bool mr_filter_matches(const struct mr_config_filter *filter, const struct mr_event *event)
{
    for (size_t i = 0; i < MR_COUNT(dialects); i++) {
        const void *member;

        memcpy(&member, (const char *)filter + dialects[i].member, sizeof member);
        if (member)
            return dialects[i].matches(filter, event);
    }
    return false; /* a filter without a dialect: nothing is given away by accident */
}
