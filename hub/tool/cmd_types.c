/*
 * types: the closed registry of event types for those who send events: fields with their JSON names, what is
 * needed, and what a wrong value leads to. `types --markdown` is docs/events.md; a test keeps the two the
 * same.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "hub/tool/tool.h"
#include "proto/wire/registry.h"
#include "proto/wire/rules_table.h"

enum { NAME_MAX_BYTES = 64, TEXT_MAX_BYTES = 400 };

/* staff_group -> staffGroup (ProtoJSON). */
static void json_name(const char *field, char out[static NAME_MAX_BYTES])
{
    size_t n = 0;
    bool upper = false;

    for (; *field && n + 1 < NAME_MAX_BYTES; field++) {
        if (*field == '_') {
            upper = n > 0;
            continue;
        }
        out[n++] = (char)(upper ? toupper((unsigned char)*field) : *field);
        upper = false;
    }
    out[n] = 0;
}

static const char *type_text(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return "text";
    case PROTOBUF_C_TYPE_BYTES:
        return "base64";
    case PROTOBUF_C_TYPE_BOOL:
        return "true, false";
    case PROTOBUF_C_TYPE_MESSAGE:
        return ((const ProtobufCMessageDescriptor *)field->descriptor)->short_name;
    default:
        return "number";
    }
}

/* One rule as words; "" when it says nothing to a sender. */
static void rule_text(const struct mr_rule *rule, char *out, size_t size)
{
    long long min = rule->min, max = rule->max;

    out[0] = 0;
    switch (rule->kind) {
    case MR_RULE_REQUIRED:
        (void)snprintf(out, size, "needed");
        break;
    case MR_RULE_SNILS:
        (void)snprintf(out, size, "СНИЛС");
        break;
    case MR_RULE_INN:
        (void)snprintf(out, size, "ИНН");
        break;
    case MR_RULE_OGRN:
        (void)snprintf(out, size, "ОГРН");
        break;
    case MR_RULE_OKTMO:
        (void)snprintf(out, size, "ОКТМО");
        break;
    case MR_RULE_DATE:
        (void)snprintf(out, size, "YYYY-MM-DD");
        break;
    case MR_RULE_ENUM:
        (void)snprintf(out, size, "one of %s", rule->text);
        break;
    case MR_RULE_CODELIST:
        (void)snprintf(out, size, "of code list `%s`", rule->text);
        break;
    case MR_RULE_MAX_LEN:
        (void)snprintf(out, size, "at most %lld characters", max);
        break;
    case MR_RULE_RANGE:
        (void)snprintf(out, size, "%lld to %lld", min, max);
        break;
    case MR_RULE_PERSON_ID:
        (void)snprintf(out, size, "the hub's id, 32 hex digits");
        break;
    case MR_RULE_DIGITS:
        (void)snprintf(out, size, "%lld to %lld digits", min, max);
        break;
    case MR_RULE_NOT_AFTER:
        (void)snprintf(out, size, "not after %s", rule->text);
        break;
    case MR_RULE_NOT_MORE:
        (void)snprintf(out, size, "not more than %s", rule->text);
        break;
    case MR_RULE_BYTES:
        (void)snprintf(out, size, "%lld bytes", max);
        break;
    case MR_RULE_HOURS:
        (void)snprintf(out, size, "hours by law (ПК from 16, ПП from 250)");
    }
    for (char *p = out; *p && rule->kind == MR_RULE_ENUM; p++)
        if (*p == '|')
            *p = '/';
}

/* All rules of a field, "needed; one of PR/UK". A wrong value is refused, or (said here) put aside for
 * correction. */
static void rules_text(
        const ProtobufCMessageDescriptor *message, const char *field, char out[static TEXT_MAX_BYTES])
{
    const struct mr_rule_set *set = mr_rules_set_find(message);
    size_t at = 0;

    out[0] = 0;
    for (size_t i = 0; set && i < set->rule_count && at < TEXT_MAX_BYTES; i++) {
        char text[200];

        if (strcmp(set->rules[i].field, field) != 0)
            continue;
        rule_text(&set->rules[i], text, sizeof text);
        at += (size_t)snprintf(out + at, TEXT_MAX_BYTES - at, "%s%s%s", at ? "; " : "", text,
                set->rules[i].severity == MR_RULE_QUARANTINE ? " (else put aside)" : "");
    }
}

static void print_message(const ProtobufCMessageDescriptor *message, bool markdown)
{
    (void)printf(markdown ? "| field | value | rules | |\n|---|---|---|---|\n" : "");
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];
        char name[NAME_MAX_BYTES], rules[TEXT_MAX_BYTES];
        const char *mark = mr_registry_field_public(message, field) ? "open" : "";

        json_name(field->name, name);
        rules_text(message, field->name, rules);
        (void)printf(markdown ? "| `%s` | %s%s | %s | %s |\n" : "  %-20s %s%s  %s  %s\n", name,
                field->label == PROTOBUF_C_LABEL_REPEATED ? "list of " : "", type_text(field), rules, mark);
    }
}

static void print_type(const struct mr_event_type *type, bool markdown)
{
    if (markdown)
        (void)printf("\n## %s\n\n", type->name);
    else
        (void)printf("%s\n", type->name);
    if (mr_registry_has_person(type->payload))
        (void)printf("%sabout a person: needs the attributes basis, actor and actorrole\n%s",
                markdown ? "" : "  ", markdown ? "\n" : "");
    print_message(type->payload, markdown);
}

/* Messages inside of payloads, each once. */
static void print_parts(void)
{
    const struct mr_rule_set *set;

    (void)printf("\n# Parts\n");
    for (size_t i = 0; (set = mr_rules_set_at(i)) != NULL; i++) {
        bool payload = false;

        for (size_t j = 0; j < mr_registry_count(); j++)
            payload = payload || mr_registry_at(j)->payload == set->message;
        if (payload)
            continue;
        (void)printf("\n## %s\n\n", set->message->short_name);
        print_message(set->message, true);
    }
}

static void print_markdown(void)
{
    (void)printf("# Event types\n\n"
                 "Made by `marshrut types --markdown`; a test keeps it true. The messages are in "
                 "`proto/schema/event/`; in JSON "
                 "the names are\nthose below. Every event needs the attributes `specversion` (1.0), `id`, "
                 "`source`, `type` "
                 "and `regioncode`; `time` is RFC 3339.\n\n"
                 "A wrong value is refused: the event is not taken and its sender keeps it. Where it says "
                 "\"else put aside\" "
                 "the event is\ntaken and waits for correction (quarantined). *open*: the field may stand "
                 "openly in the log; "
                 "everything else of an event\nabout a person is sealed. Legal basis (`basis`), `actor` (an "
                 "opaque id, never "
                 "a name) and `actorrole` are texts of the\nsender's; the demo uses `employment`, "
                 "`education`, `school:ОГРН`, "
                 "`system`.\n");
    for (size_t i = 0; i < mr_registry_count(); i++)
        if (!(mr_registry_at(i)->flags & MR_TYPE_HUB))
            print_type(mr_registry_at(i), true);
    print_parts();
}

static int types_run(struct tool *tool, int argc, char **argv)
{
    struct mr_error error = {0};
    const struct mr_event_type *type;

    if (argc > 2)
        return tool_usage(&tool_types, "give at most one type");
    if (argc == 2 && strcmp(argv[1], "--markdown") == 0) {
        print_markdown();
        return 0;
    }
    for (size_t i = 0; argc == 1 && i < mr_registry_count(); i++)
        (void)printf(tool->json ? "{\"type\":\"%s\"}\n" : "%s\n", mr_registry_at(i)->name);
    if (argc == 1)
        return 0;
    type = mr_registry_find(argv[1], strlen(argv[1]));
    if (!type) {
        (void)mr_error_set(
                &error, MR_ENOTFOUND, argv[1], "marshrut types lists them", "there is no such event type");
        return tool_fail(tool, &error);
    }
    print_type(type, false);
    return 0;
}

const struct tool_command tool_types = {
        .name = "types",
        .usage = "[TYPE | --markdown]",
        .summary = "the event types, or one with its fields and rules",
        .help = "Names are those of the JSON form. --markdown prints docs/events.md.\n",
        .run = types_run,
};
