#include "hub/intake/admit.h"

#include <stddef.h>
#include <string.h>

#include "event/annulment.pb-c.h"
#include "hub/intake/annul.h"
#include "proto/base/list.h"
#include "proto/wire/rules.h"

struct check {
    bool (*fails)(const struct mr_admit *admit, const struct mr_event *event);
    bool right; /* the hub itself has every right */
    const char *code;
    const char *field;
    const char *reason;
    const char *cure;
};

static bool unknown_type(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return !event->type;
}

static bool no_payload(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return !event->payload;
}

static bool hub_only_type(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return (event->type->flags & MR_TYPE_HUB) != 0;
}

static bool type_not_allowed(const struct mr_admit *admit, const struct mr_event *event)
{
    return !(event->type->flags & MR_TYPE_OF_EVERYBODY) &&
           !mr_config_may_publish(admit->sender, event->a.type);
}

/* Its own source, or one below it. */
static bool is_own(const struct mr_admit *admit, const char *source)
{
    return mr_source_within(admit->sender->source, source);
}

static bool foreign_source(const struct mr_admit *admit, const struct mr_event *event)
{
    return !is_own(admit, event->a.source);
}

/* NULL: it annuls nothing. A missing reference is the field rules' business. */
static const Nms__Event__V1__EventAnnulled *annulled_by(const struct mr_event *event)
{
    const Nms__Event__V1__EventAnnulled *annulled;

    if (!(event->type->flags & MR_TYPE_ANNULS))
        return NULL;
    annulled = (const Nms__Event__V1__EventAnnulled *)event->payload;
    return annulled->event ? annulled : NULL;
}

/* Decision 15: by its source, or by two people. */
static bool foreign_annulment(const struct mr_admit *admit, const struct mr_event *event)
{
    const Nms__Event__V1__EventAnnulled *annulled = annulled_by(event);

    return annulled && !is_own(admit, annulled->event->source) &&
           !mr_annul_by_two(admit->config, event->a.actor, annulled->second_actor);
}

static bool annuls_itself(const struct mr_admit *admit, const struct mr_event *event)
{
    const Nms__Event__V1__EventAnnulled *annulled = annulled_by(event);

    (void)admit;
    return annulled && strcmp(annulled->event->source, event->a.source) == 0 &&
           strcmp(annulled->event->id, event->a.id) == 0;
}

static bool no_region(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return !event->a.regioncode && !(event->type->flags & MR_TYPE_HUB);
}

static bool foreign_region(const struct mr_admit *admit, const struct mr_event *event)
{
    return !mr_config_speaks_for(admit->config, admit->sender, event->a.regioncode);
}

static bool reserved_attribute(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return event->a.staffof != NULL;
}

static bool absent(const char *value)
{
    return !value || !*value;
}

static bool no_basis(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return event->persons_count > 0 && absent(event->a.basis);
}

static bool no_actor(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return event->persons_count > 0 && absent(event->a.actor);
}

static bool no_actorrole(const struct mr_admit *admit, const struct mr_event *event)
{
    (void)admit;
    return event->persons_count > 0 && absent(event->a.actorrole);
}

/* In order: a later check may rely on the earlier ones. */
static const struct check checks[] = {
        {unknown_type, false, "type-unknown", "type", "The registry has no such event type.",
                "Check the type name and its version; docs/events.md lists the types."},
        {hub_only_type, true, "right-type", "type", "Only the hub itself may say this type.",
                "Do not send it."},
        {type_not_allowed, true, "right-type", "type", "This system may not publish this type.",
                "Ask the administrator of the hub to add the type to `publish` of the system."},
        {foreign_source, true, "right-source", "source", "The source is not this system's own.",
                "Send the source that is configured for the system, or one below it."},
        {no_payload, false, "payload-missing", "data", "The event carries no payload of its type.",
                "Send the payload as proto_data with the type's message."},
        {foreign_annulment, true, "right-annul", "data.event.source",
                "An event is annulled by its own source, or by two people.",
                "Let its source annul it, or give actor and second_actor, two different operators of the "
                "hub."},
        {annuls_itself, false, "annul-itself", "data.event", "An annulment cannot annul itself.",
                "Give the source and the id of the event that was the mistake."},
        {no_region, false, "attribute-missing", "regioncode", "The attribute regioncode is missing.",
                "Add the code of the subject of the federation, for example \"24\"."},
        {foreign_region, true, "right-region", "regioncode", "This system may not speak for this region.",
                "Correct regioncode, or ask the administrator of the hub to add the region to the system."},
        {reserved_attribute, true, "attribute-reserved", "staffof",
                "The attribute staffof is set by the hub only.", "Leave it out."},
        {no_basis, false, "attribute-missing", "basis", "An event about a person needs its legal basis.",
                "Add the attribute basis with the code of the legal basis."},
        {no_actor, false, "attribute-missing", "actor", "An event about a person needs who acted.",
                "Add the attribute actor with an opaque id, not a name."},
        {no_actorrole, false, "attribute-missing", "actorrole",
                "An event about a person needs the role of who acted.", "Add the attribute actorrole."},
};

/* Of a failed decode: its code and what to say. The last row is for everything else. */
static const struct {
    int error;
    const char *code;
    const char *reason;
    const char *cure;
} decode_failures[] = {
        {MR_ETOOBIG, "event-too-big", "The event is larger, deeper or has more parts than is allowed.",
                "Split it or send less; limits are in docs/protocol.md."},
        {MR_ENOMEM, "event-too-big", "The event needs more memory than one event may.",
                "Split it or send less."},
        {MR_EINVAL, "attribute-wrong", "An attribute is missing or wrong.", "Correct the attribute."},
        {MR_EMALFORMED, "malformed", "The bytes are not a well-formed CloudEvent.", "Encode the event anew."},
};

static const char *text_or(const char *text, const char *otherwise)
{
    return *text ? text : otherwise;
}

static void refuse_undecoded(struct mr_decision *decision, int error, const struct mr_error *detail)
{
    size_t i = 0;

    while (i + 1 < MR_COUNT(decode_failures) && decode_failures[i].error != error)
        i++;
    mr_decide(decision, MR_VERDICT_REFUSED, decode_failures[i].code, detail->where,
            text_or(detail->what, decode_failures[i].reason), text_or(detail->cure, decode_failures[i].cure));
}

static void refuse_too_big(struct mr_decision *decision)
{
    mr_decide(decision, MR_VERDICT_REFUSED, "event-too-big", "", "The event has more than 49152 bytes.",
            "Split it or send less.");
}

static bool run_checks(
        const struct mr_admit *admit, const struct mr_event *event, struct mr_decision *decision)
{
    for (size_t i = 0; i < MR_COUNT(checks); i++) {
        if (checks[i].right && !admit->sender)
            continue;
        if (checks[i].fails(admit, event)) {
            mr_decide(decision, MR_VERDICT_REFUSED, checks[i].code, checks[i].field, checks[i].reason,
                    checks[i].cure);
            return false;
        }
    }
    return true;
}

/* Reasons of the field rules (proto/wire/rules.h). */
static const struct {
    const char *code;
    const char *reason;
} rule_reasons[] = {
        {"field-missing", "A required field is missing."},
        {"snils-format", "A СНИЛС is not 11 digits."},
        {"snils-checkdigit", "The check digits of a СНИЛС are wrong."},
        {"inn-wrong", "An ИНН has a wrong length or check digit."},
        {"ogrn-wrong", "An ОГРН has a wrong length or check digit."},
        {"oktmo-format", "An ОКТМО is not 8 or 11 digits."},
        {"date-format", "A date is not YYYY-MM-DD."},
        {"date-order", "Two dates are in the wrong order."},
        {"value-unknown", "A field has a value that its list does not have."},
        {"code-unknown", "A field has a code that the configured list does not have."},
        {"too-long", "A text is too long."},
        {"out-of-range", "A number is out of its range."},
        {"person-id-format", "A person id is not 32 hexadecimal digits."},
        {"digits-format", "A field must be digits only."},
        {"bytes-length", "A digest has the wrong length."},
        {"hours-below-minimum", "The programme has fewer hours than the law asks for its kind."},
};

static const char *rule_reason(const char *code)
{
    for (size_t i = 0; i < MR_COUNT(rule_reasons); i++) {
        if (strcmp(rule_reasons[i].code, code) == 0)
            return rule_reasons[i].reason;
    }
    return "A field is not as the rules ask.";
}

static bool code_known(void *ctx, const char *list, const char *value)
{
    const struct mr_admit *admit = ctx;

    return mr_config_code_known(admit->config, list, value);
}

static void run_rules(
        const struct mr_admit *admit, const struct mr_event *event, struct mr_decision *decision)
{
    struct mr_admit copy = *admit;
    struct mr_codelists lists = {code_known, &copy};
    struct mr_rule_violation violation; /* filled when there is one */

    if (mr_rules_check_at(admit->places, event->payload, &lists, &violation) == 0)
        return;
    mr_decide(decision, violation.severity == MR_RULE_REFUSE ? MR_VERDICT_REFUSED : MR_VERDICT_QUARANTINED,
            violation.code, violation.field, rule_reason(violation.code), violation.cure);
}

static bool time_ahead(const struct mr_admit *admit, const struct mr_event *event)
{
    return event->time_us > admit->now_us + (int64_t)MR_ADMIT_AHEAD_S_MAX * 1000000;
}

void mr_admit_event(const struct mr_admit *admit, struct mr_slice bytes, struct mr_arena *arena,
        struct mr_event *ret, bool *decoded, struct mr_decision *decision)
{
    struct mr_error detail;
    int r;

    detail.what[0] = detail.where[0] = detail.cure[0] = 0; /* large, and nearly always for nothing */
    mr_decision_go(decision);
    *decoded = false;
    if (bytes.size > MR_EVENT_BYTES_MAX) {
        refuse_too_big(decision);
        return;
    }
    r = mr_event_decode(ret, bytes, arena, &detail);
    if (r < 0) {
        refuse_undecoded(decision, r, &detail);
        return;
    }
    *decoded = true;
    if (!run_checks(admit, ret, decision))
        return;
    run_rules(admit, ret, decision);
    if (decision->verdict == MR_VERDICT_STORED && time_ahead(admit, ret))
        mr_decide(decision, MR_VERDICT_QUARANTINED, "time-ahead", "time",
                "The time lies more than 24 hours ahead.",
                "Correct the sender's clock, or the time of the event.");
}
